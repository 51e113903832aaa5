package rule

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"gatewright/catalog/netset"
)

// TestWholeFamilyIsRefusedAtSomePort holds Compile against each port of random rules by
// itself: parts of a family, some of them twice, with ranges that overlap.
func TestWholeFamilyIsRefusedAtSomePort(t *testing.T) {
	parts := []string{"0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/1", "0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3", "224.0.0.0/3"}
	r := rand.New(rand.NewPCG(9, 7))
	refused := 0
	const ports = 12
	for round := range 3000 {
		in := Input{Bindings: []Binding{{Role: "clients", Addresses: prefixes("10.0.0.0/8")}, {Role: "sts", Addresses: prefixes("10.0.0.0/9")}}}
		type at struct {
			role     Role
			protocol netset.Protocol
			port     int
		}
		held := map[at][]string{}
		for i := range 2 + r.IntN(9) {
			g := Grant{Entry: Entry{ID: fmt.Sprint("m/", i), Title: "t"}, Group: fmt.Sprint(i), Direction: Outbound, Role: []Role{"clients", "clients", "sts"}[r.IntN(3)], Route: NoRoute}
			part := parts[r.IntN(len(parts))]
			g.Prefixes = prefixes(part)
			var services []netset.Service
			for range 1 + r.IntN(2) {
				first := 1 + r.IntN(ports)
				last := first + r.IntN(ports+1-first)
				s := netset.Service{Protocol: []netset.Protocol{netset.TCP, netset.UDP}[r.IntN(2)], Ports: netset.PortRange{First: uint16(first), Last: uint16(last)}}
				services = append(services, s)
				for port := first; port <= last; port++ {
					held[at{g.Role, s.Protocol, port}] = append(held[at{g.Role, s.Protocol, port}], part)
				}
			}
			g.Services = netset.ServiceSetOf(services...)
			in.Grants = append(in.Grants, g)
		}
		want := false
		for _, list := range held {
			v4, _ := prefixes(list...).CoversFamily()
			want = want || v4
		}
		_, err := Compile(in)
		if got := err != nil && strings.Contains(err.Error(), "together cover all IPv4 addresses"); got != want {
			t.Fatalf("round %d: refused %v (%v), want %v", round, got, err, want)
		}
		if want {
			refused++
		}
	}
	if refused < 300 || refused > 2700 {
		t.Errorf("%d of 3000 refused; the test should see both", refused)
	}
}
