package artefact

import (
	"testing"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
)

// A name is answered by the prefixes that it has to lead to, of the family of our side.
func TestCondition(t *testing.T) {
	p := ruletest.Compile(t, rule.Input{
		Bindings: []rule.Binding{{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/8", "fd00::/8")}},
		Grants: []rule.Grant{
			ruletest.Grant(t, "t/named", "named", rule.Outbound, "clients", "tcp 443", "www.example.com", "192.0.2.0/24", "198.51.100.0/24", "2001:db8::/32"),
			ruletest.Grant(t, "t/bare", "bare", rule.Outbound, "clients", "tcp 443", "203.0.113.0/24"),
			ruletest.Grant(t, "t/loose", "loose", rule.Outbound, "clients", "tcp 443", "loose.example.com"),
		},
	})
	ids := map[string]rule.ID{}
	for _, r := range p.Rules {
		ids[r.Group] = r.ID
	}
	for _, test := range []struct {
		flow string
		open []string
		want string
	}{
		{"outbound tcp www.example.com:443 from 10.0.0.1", []string{"named"}, "the name resolves to an address in one of the 2 prefixes of rule named-out-"},
		{"outbound tcp www.example.com:443 from fd00::1", []string{"named"}, "the name resolves to an address in 2001:db8::/32, of rule named-out-"},
		{"outbound tcp www.example.com:443 from 10.0.0.1", []string{"named", "bare"}, "the name resolves to an address in one of the 3 prefixes of rules named-out-"},
		{"outbound tcp loose.example.com:443 from 10.0.0.1", []string{"bare"}, "the name resolves to an address in 203.0.113.0/24, of rule bare-out-"},
	} {
		q, err := rule.ParseFlow(test.flow)
		if err != nil {
			t.Fatal(err)
		}
		var open []rule.ID
		for _, group := range test.open {
			open = append(open, ids[group])
		}
		a := Filter{Place: PlaceForward}.Unmatched(p, q.Flow, open, "")
		if a.Action != AcceptsIf || len(a.Why) < len(test.want) || a.Why[:len(test.want)] != test.want || len(a.Rules) != len(open) {
			t.Errorf("%s: %+v, want %s", test.flow, a, test.want)
		}
	}
	q, err := rule.ParseFlow("outbound tcp loose.example.com:443 from 10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	want := "the name resolves to an address in 203.0.113.0/24, of rule " + string(ids["bare"]) + "; rule " + string(ids["loose"]) + " has no prefix for it"
	if a := (Filter{Place: PlaceForward}).Unmatched(p, q.Flow, []rule.ID{ids["bare"]}, ""); a.Why != want {
		t.Errorf("%s, want %s", a.Why, want)
	}
}
