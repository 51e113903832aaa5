package artefact

import (
	"fmt"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
)

// overlapping returns a policy of n rules, each by itself, that a shape makes.
func overlapping(t *testing.T, n int, shape func(i int) (services string, endpoints []string)) *rule.Policy {
	t.Helper()
	in := rule.Input{Bindings: []rule.Binding{{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/8")}}}
	for i := range n {
		services, endpoints := shape(i)
		id := fmt.Sprintf("x/%04d", i)
		in.Grants = append(in.Grants, ruletest.Grant(t, id, id, rule.Outbound, "clients", services, endpoints...))
	}
	return ruletest.Compile(t, in)
}

func nested(i int) (string, []string) {
	return fmt.Sprintf("tcp %d-%d", 1+i, 20000+i), []string{fmt.Sprintf("20.0.%d.0/%d", i/24, 8+i%24)}
}

// TestJudgingIsBounded counts looks in place of time.
func TestJudgingIsBounded(t *testing.T) {
	for _, one := range []struct {
		name  string
		looks int // for each rule
		shape func(i int) (services string, endpoints []string)
		want  Verdict // of the last rule by request
	}{
		{"nested prefixes of own ports", 0, nested, Narrower},
		{"bare prefixes within those of names", 8, func(i int) (string, []string) {
			if i%2 == 0 {
				return fmt.Sprintf("tcp %d-%d", 1+i, 20000+i), []string{"20.0.0.0/8"}
			}
			return "tcp 1-65535", []string{fmt.Sprintf("20.0.%d.0/24", i/2%256), fmt.Sprintf("h%d.example.com", i)}
		}, Exact},
		{"nested names", 8, func(i int) (string, []string) {
			return fmt.Sprintf("tcp %d", 1+i), []string{fmt.Sprintf("*.a%d.example.com", i), "20.0.0.0/8"}
		}, Exact},
	} {
		const n = 512
		p := overlapping(t, n, one.shape)
		j := newJudge(p, netset.NewBudget(n*one.looks))
		var c Coverage
		for i := range p.Rules {
			j.ByAddress(&p.Rules[i])
			c = j.ByRequest(&p.Rules[i], "clients")
		}
		if j.Err() != nil || c.Verdict != one.want {
			t.Errorf("%s: the last of %d rules is %s, error %v; want %s within %d looks for each", one.name, n, c.Verdict, j.Err(), one.want, one.looks)
		}
	}
}

func TestTooManyLooks(t *testing.T) {
	p := overlapping(t, 4, func(i int) (string, []string) {
		if i == 0 {
			return "tcp 443", []string{"20.0.0.0/8"}
		}
		return "tcp 1-65535", []string{"20.0.0.0/8", "www.example.com"}
	})
	j := newJudge(p, netset.NewBudget(1))
	for i := range p.Rules {
		j.ByRequest(&p.Rules[i], "clients")
	}
	want := fmt.Sprintf("the addresses, names and ports of 4 rules overlap in so many ways that 64000000 steps do not show what each rule loses, above all %s, %s, %s; group them by area, or select fewer entries",
		p.Rules[1].ID, p.Rules[2].ID, p.Rules[3].ID)
	if err := j.Err(); err == nil || err.Error() != want {
		t.Errorf("error %v; want %s", err, want)
	}
}
