package rule

import (
	"fmt"
	"math"
	"net/netip"
	"sort"
	"testing"

	"gatewright/catalog/netset"
)

// TestLocalGroupsAreBounded counts the steps that a question about every role takes, in
// place of time: twice the roles, each with a rule of its own, take at most four times
// as many.
func TestLocalGroupsAreBounded(t *testing.T) {
	shapes := []struct {
		name  string
		local func(i int) (first, last [4]byte)
		sides func(n int) int
	}{
		{"roles apart", func(i int) (first, last [4]byte) {
			return [4]byte{10, byte(i), 0, 0}, [4]byte{10, byte(i), 0, 255}
		}, func(n int) int { return n }},
		{"roles within roles", func(i int) (first, last [4]byte) {
			return [4]byte{10, 0, 0, 0}, [4]byte{10, byte(i), 0, 255}
		}, func(n int) int { return n * (n + 1) / 2 }},
	}
	q, err := ParseFlow("outbound tcp 198.51.100.1:443")
	if err != nil {
		t.Fatal(err)
	}
	for _, shape := range shapes {
		var spent []float64
		for _, n := range []int{32, 64, 128} {
			p := manyRoles(n, shape.local)
			if got := len(sidesOf(t, p, q)); got != shape.sides(n) {
				t.Errorf("%s: %d sides of %d roles, want %d", shape.name, got, n, shape.sides(n))
			}
			spent = append(spent, float64(sort.Search(1<<22, func(budget int) bool {
				_, err := p.LocalGroups(q, netset.NewBudget(budget))
				return err == nil
			})))
		}
		for i := 1; i < len(spent); i++ {
			if power := math.Log2(spent[i] / spent[i-1]); power > 2.1 {
				t.Errorf("%s: twice the roles take 2^%.2f times the steps (%v)", shape.name, power, spent)
			}
		}
	}
	const want = `flow "outbound tcp 198.51.100.1:443": 3 roles and 3 rules take more than 4000000 looks at a rule; say the flow's direction, protocol and port, and one address of our side`
	if _, err := manyRoles(3, shapes[0].local).LocalGroups(q, netset.NewBudget(8)); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// manyRoles is a policy of n roles, each with a rule for one remote.
func manyRoles(n int, local func(i int) (first, last [4]byte)) *Policy {
	p := &Policy{}
	for i := range n {
		var ours netset.PrefixBuilder
		first, last := local(i)
		ours.AddRange(netip.AddrFrom4(first), netip.AddrFrom4(last))
		role := Role(fmt.Sprintf("r%03d", i))
		p.Bindings = append(p.Bindings, Binding{Role: role, Addresses: ours.Build()})
		p.Rules = append(p.Rules, Rule{
			ID: ID("rule-" + string(role)), Direction: Outbound, Role: role,
			Remote:   Remote{BarePrefixes: netset.PrefixSetOf(netip.MustParsePrefix("198.51.100.0/24"))},
			Services: netset.ServiceSetOf(netset.Service{Protocol: netset.TCP, Ports: netset.PortRange{First: 443, Last: 443}}),
		})
	}
	return p
}
