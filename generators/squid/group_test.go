package squid

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
)

// grouped compiles rules a, b, c, ... with such services and remotes and names the
// groups: "a c, b".
func grouped(t *testing.T, rules ...string) string {
	t.Helper()
	in := rule.Input{Bindings: []rule.Binding{
		{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/8")},
		{Role: "servers", Addresses: ruletest.Prefixes(t, "192.0.2.1")},
	}}
	for i, text := range rules {
		words := strings.Fields(text)
		name := string(rune('a' + i))
		in.Grants = append(in.Grants, ruletest.Grant(t, "sample/"+name, name, rule.Outbound, rule.Role(words[0]), "tcp "+words[1], words[2:]...))
	}
	var groups []string
	for _, g := range groupsOf(ruletest.Compile(t, in)) {
		var ids []string
		for _, m := range g {
			id, _, _ := strings.Cut(string(m.ID), "-")
			ids = append(ids, id)
		}
		groups = append(groups, strings.Join(ids, " "))
	}
	return strings.Join(groups, ", ")
}

// Rules share lists in which no two tokens overlap.
func TestGroups(t *testing.T) {
	for _, c := range []struct {
		want  string
		rules []string
	}{
		{"a b", []string{"clients 443 a.example", "clients 443 b.example"}},
		{"a, b", []string{"clients 443 a.example", "clients 80 b.example"}},
		{"a, b", []string{"clients 443 a.example", "clients 80,443 b.example"}},
		{"a, b", []string{"clients 443 a.example", "servers 443 b.example"}},
		{"b, a", []string{"clients 443 a.example", "clients 443 any"}}, // what accepts more comes first
		{"a, b", []string{"clients 443 any", "clients 443 any"}},
		{"a c, b", []string{"clients 443 a.example", "clients 443 a.example", "clients 443 c.example"}},
		{"a c, b", []string{"clients 443 *.a.example", "clients 443 a.example", "clients 443 b.example"}},
		{"a c, b", []string{"clients 443 x.y.a.example", "clients 443 *.a.example", "clients 443 a.example"}},
		{"a b", []string{"clients 443 x.a.example", "clients 443 *.x.a.example.example"}},
		{"a b", []string{"clients 443 *.a.example", "clients 443 *.ba.example"}},
		{"a b", []string{"clients 443 *.a.example", "clients 443 x*.a.example"}},
		{"a, b", []string{"clients 443 x*.a.example", "clients 443 x*.a.example"}},
		{"a b", []string{"clients 443 a.example", "clients 443 192.0.2.0/24"}},
		{"a c, b", []string{"clients 443 192.0.2.0/24", "clients 443 192.0.0.0/16", "clients 443 192.0.3.0/24"}},
		{"a b", []string{"clients 443 192.0.2.0/25 2001:db8::/33", "clients 443 192.0.2.128/25 2001:db8:8000::/33"}},
		{"a, b", []string{"clients 443 192.0.2.0/25 2001:db8::/32", "clients 443 192.0.2.128/25 2001:db8:8000::/33"}},
		{"a, b, c", []string{"clients 443 *.a.example", "clients 443 *.b.a.example", "clients 443 c.b.a.example"}},
	} {
		if got := grouped(t, c.rules...); got != c.want {
			t.Errorf("%q: %s; want %s", c.rules, got, c.want)
		}
	}
}

// Of random rules those of one group never overlap, each is in one group, and none
// would fit into an earlier one of its kind.
func TestGroupsOfRandomRules(t *testing.T) {
	shared := 0
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 5))
		in := rule.Input{Bindings: []rule.Binding{{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/8")}}}
		for i := range 2 + r.IntN(10) {
			var remotes []string
			for range 1 + r.IntN(3) {
				remotes = append(remotes, []string{
					fmt.Sprintf("192.0.%d.0/%d", r.IntN(4), 22+r.IntN(6)),
					strings.Repeat("a.", 1+r.IntN(3)) + "example",
					"*." + strings.Repeat("a.", r.IntN(3)) + "b.example",
					strings.Repeat("a.", r.IntN(4)) + "b.example",
				}[r.IntN(4)])
			}
			in.Grants = append(in.Grants, ruletest.Grant(t, fmt.Sprintf("sample/%d", i), fmt.Sprint(i), rule.Outbound, "clients", "tcp 443", remotes...))
		}
		p := ruletest.Compile(t, in)
		groups := groupsOf(p)
		total := 0
		for i, g := range groups {
			total += len(g)
			for j, m := range g {
				if slices.ContainsFunc(g[:j], func(e member) bool { return overlap(e, m) }) {
					t.Fatalf("seed %d: %s overlaps another of its group", seed, m.ID)
				}
				for _, earlier := range groups[:i] {
					if !slices.ContainsFunc(earlier, func(e member) bool { return overlap(e, m) }) {
						t.Fatalf("seed %d: %s fits into an earlier group", seed, m.ID)
					}
				}
				if j > 0 {
					shared++
				}
			}
		}
		if total != len(p.Rules) {
			t.Fatalf("seed %d: %d of %d rules are in groups", seed, total, len(p.Rules))
		}
	}
	if shared < 300 {
		t.Errorf("only %d rules are with others", shared)
	}
}

// overlap compares every token of one rule with every one of another.
func overlap(a, b member) bool {
	within := func(token, domain string) bool {
		return token == domain || strings.HasPrefix(domain, ".") && strings.HasSuffix("."+strings.TrimPrefix(token, "."), domain)
	}
	return a.Remote.Prefixes().Overlaps(b.Remote.Prefixes()) || slices.ContainsFunc(a.names.domains, func(one string) bool {
		return slices.ContainsFunc(b.names.domains, func(other string) bool { return within(one, other) || within(other, one) })
	})
}
