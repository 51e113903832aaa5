package artefact

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
)

// universe is small, so that every whole flow in it can be asked.
var universe = struct {
	names, patterns, prefixes, remotes, services, locals []string
}{
	names:    []string{"", "a.example.com", "b.example.com", "example.com", "c.a.example.com", "other.test.invalid"},
	patterns: []string{"*.example.com", "a.example.com", "example.com", "*.a.example.com", "b*.example.com"},
	prefixes: []string{"192.0.2.0/25", "192.0.2.128/25", "198.51.100.0/24", "2001:db8::/33", "2001:db8:8000::/33", "203.0.113.7/32"},
	remotes:  []string{"192.0.2.1", "192.0.2.200", "198.51.100.1", "203.0.113.7", "203.0.113.8", "2001:db8::1", "2001:db8:8000::1", "3fff::1"},
	services: []string{"tcp 443", "tcp 80, 443", "tcp 80; udp 443", "udp 443", "tcp 79-81"},
	locals:   []string{"10.0.0.1", "10.0.0.2", "fd00::1"},
}

func choose(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

func randomPolicy(t *testing.T, r *rand.Rand) *rule.Policy {
	in := rule.Input{Bindings: []rule.Binding{
		{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/30", "fd00::/64")},
		{Role: "one", Addresses: ruletest.Prefixes(t, "10.0.0.1/32")},
	}}
	for i := range 1 + r.IntN(5) {
		g := rule.Grant{
			Entry: rule.Entry{ID: fmt.Sprintf("test/e%d", i)}, Group: choose(r, []string{"x", "y"}), Direction: rule.Outbound,
			Role: rule.Role(choose(r, []string{"clients", "clients", "one"})), Services: ruletest.Services(t, choose(r, universe.services)),
			Any: r.IntN(12) == 0, Route: rule.NoRoute,
		}
		for range r.IntN(3) {
			g.Names = append(g.Names, ruletest.Pattern(t, choose(r, universe.patterns)))
		}
		for range r.IntN(3) {
			g.Prefixes = g.Prefixes.Union(ruletest.Prefixes(t, choose(r, universe.prefixes)))
		}
		if g.Any || len(g.Names) > 0 || !g.Prefixes.IsEmpty() {
			in.Grants = append(in.Grants, g)
		}
	}
	p, err := rule.Compile(in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wholeFlows are the flows of the universe that honour the publishers' promise and
// that the rule accepts.
func wholeFlows(p *rule.Policy, r *rule.Rule) []rule.Flow {
	var flows []rule.Flow
	for _, name := range universe.names {
		for _, remote := range universe.remotes {
			for _, local := range universe.locals {
				for _, port := range []uint16{79, 80, 81, 443} {
					for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
						f := rule.Flow{Direction: rule.Outbound, Protocol: protocol, Port: port, Name: name,
							Remote: netip.MustParseAddr(remote), Local: netip.MustParseAddr(local)}
						if f.Remote.Is4() == f.Local.Is4() && p.Accepts(r, f) && honours(p, f) {
							flows = append(flows, f)
						}
					}
				}
			}
		}
	}
	return flows
}

func honours(p *rule.Policy, f rule.Flow) bool {
	for _, r := range p.Rules {
		if f.Name != "" && r.Remote.Addressed.Match(f.Name) != r.Remote.AddressedPrefixes.Contains(f.Remote) {
			return false
		}
	}
	return true
}

// TestVerdictsAgreeWithEveryFlow asks every whole flow of a small universe: a rule
// is exact if none of its flows is lost to what the backend sees, and a witness is
// such a flow.
func TestVerdictsAgreeWithEveryFlow(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	seen := map[Verdict]int{}
	for range 600 {
		p := randomPolicy(t, random)
		j := NewJudge(p)
		for i := range p.Rules {
			r := &p.Rules[i]
			for _, one := range []struct {
				coverage Coverage
				layer    rule.Layer
				protocol netset.Protocol // the only one that is carried, or 0
			}{
				{j.ByAddress(r), rule.PacketFilter, 0},
				{j.ByRequest(r, "clients", "one"), rule.Proxy, netset.TCP},
			} {
				c := one.coverage
				seen[c.Verdict]++
				lost := func(f rule.Flow) bool { return !p.Decide(rule.Seen(f, one.layer)).Accept() }
				for _, w := range c.Witnesses {
					if !p.Accepts(r, w.Flow) || !honours(p, w.Flow) || !lost(w.Flow) {
						t.Fatalf("%s: %v is no witness of %s\n%+v", r.ID, w.Flow, c.Verdict, p.Rules)
					}
				}
				if c.Verdict != Exact {
					continue
				}
				for _, f := range wholeFlows(p, r) {
					if (one.protocol == 0 || f.Protocol == one.protocol) && lost(f) {
						t.Fatalf("%s is exact, but %v is lost\n%+v", r.ID, f, p.Rules)
					}
				}
			}
		}
	}
	for _, v := range []Verdict{Exact, Narrower, Absent, NotApplicable} {
		if seen[v] < 20 {
			t.Errorf("only %d verdicts are %q; the test is too weak", seen[v], v)
		}
	}
}
