package pac

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
)

func TestVerdicts(t *testing.T) {
	const direct, proxied, other = 0, 1, 2
	routes := []rule.Via{rule.Direct, rule.Proxied, "a:1"}
	inbound := grant(t, "a", "clients", direct, "tcp 443", "10.0.0.0/8")
	inbound.Direction = rule.Inbound
	for _, c := range []struct {
		claim   string
		grants  []rule.Grant // the verdict is on the first
		want    artefact.Verdict
		witness string
	}{
		{"names", []rule.Grant{grant(t, "a", "clients", direct, "tcp 443", "www.example.com")}, artefact.Exact, ""},
		{"names with prefixes", []rule.Grant{grant(t, "a", "clients", direct, "tcp 443", "www.example.com", "52.0.0.0/8")}, artefact.Exact, ""},
		{"bare prefixes", []rule.Grant{grant(t, "a", "clients", direct, "tcp 443; udp 1", "52.0.0.0/8")}, artefact.Narrower, "outbound tcp unlisted.invalid=52.0.0.0:443 from 10.0.0.0"},
		{"bare prefixes that are proxied", []rule.Grant{grant(t, "a", "clients", proxied, "tcp 443", "52.0.0.0/8")}, artefact.Exact, ""},
		{"bare prefixes without a route", []rule.Grant{grant(t, "a", "clients", rule.NoRoute, "tcp 443", "52.0.0.0/8")}, artefact.Exact, ""},
		{"bare prefixes that another entry routes", []rule.Grant{
			grant(t, "a", "clients", rule.NoRoute, "tcp 80,443", "52.0.0.0/8"),
			grant(t, "b", "clients", other, "tcp 443", "52.1.0.0/16"),
		}, artefact.Narrower, "outbound tcp unlisted.invalid=52.1.0.0:443 from 10.0.0.0"},
		{"bare prefixes that longer ones take over", []rule.Grant{
			grant(t, "a", "clients", direct, "tcp 443", "52.0.0.0/8"),
			grant(t, "b", "clients", proxied, "tcp 443", "52.0.0.0/9", "52.128.0.0/10"),
			grant(t, "c", "clients", proxied, "tcp 443", "52.192.0.0/10"),
		}, artefact.Exact, ""},
		{"bare prefixes that longer ones take over but for a port", []rule.Grant{
			grant(t, "a", "clients", direct, "tcp 443,444", "52.0.0.0/8"),
			grant(t, "b", "clients", proxied, "tcp 1-443", "52.0.0.0/9"),
			grant(t, "c", "clients", proxied, "tcp 1-443", "52.128.0.0/9"),
		}, artefact.Narrower, "outbound tcp unlisted.invalid=52.0.0.0:444 from 10.0.0.0"},
		{"prefixes that are another entry's with names", []rule.Grant{
			grant(t, "a", "clients", direct, "tcp 443", "52.0.0.0/16"),
			grant(t, "b", "clients", direct, "tcp 443", "52.0.0.0/8", "www.example.com"),
		}, artefact.Exact, ""},
		{"any remote goes the same way", []rule.Grant{
			grant(t, "a", "clients", direct, "tcp 443", "52.0.0.0/8"),
			grant(t, "b", "clients", direct, "tcp 1-65535", "any"),
		}, artefact.Exact, ""},
		{"any remote", []rule.Grant{grant(t, "a", "clients", direct, "tcp 443", "any")}, artefact.Exact, ""},
		{"IPv6", []rule.Grant{grant(t, "a", "clients", other, "tcp 443", "2603::/16")}, artefact.Narrower, "outbound tcp unlisted.invalid=[2603::]:443 from fd00::"},
		{"another role", []rule.Grant{grant(t, "a", "exchange", direct, "tcp 443", "www.example.com")}, artefact.NotApplicable, ""},
		{"UDP", []rule.Grant{grant(t, "a", "clients", direct, "udp 443", "www.example.com")}, artefact.NotApplicable, ""},
		{"inbound", []rule.Grant{inbound}, artefact.NotApplicable, ""},
	} {
		p := ruletest.Compile(t, rule.Input{Bindings: bindings(t), Routes: routes, Grants: c.grants})
		out, err := generate(t, p, settings("proxy=p:1"))
		if err != nil {
			t.Fatal(err)
		}
		got, witness := out.Coverage[0], ""
		for _, w := range got.Witnesses {
			witness = w.Flow.String()
		}
		if got.Verdict != c.want || witness != c.witness {
			t.Errorf("%s: %s with witness %q; want %s with %q", c.claim, got.Verdict, witness, c.want, c.witness)
		}
	}
}

// TestVerdictsHold compares the verdicts on random policies with the ways of single
// flows: exact is contradicted by one flow that goes astray.
func TestVerdictsHold(t *testing.T) {
	seen := map[artefact.Verdict]int{}
	for seed := range uint64(800) {
		r := rand.New(rand.NewPCG(seed, 2))
		p := ruletest.Compile(t, randomInput(t, r))
		all, err := coverage(p, []rule.Role{"clients"})
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range all {
			seen[c.Verdict]++
			stray := straysOf(p, &p.Rules[i], r)
			if c.Verdict != artefact.Narrower && len(stray) > 0 {
				t.Errorf("seed %d: %s is %s, but %s goes astray", seed, c.Rule, c.Verdict, stray[0])
			}
			for _, w := range c.Witnesses {
				if w.Backend || !p.Decide(w.Flow).Accept() || !astray(p, w.Flow) {
					t.Errorf("seed %d: %s is %s, but %s is no witness", seed, c.Rule, c.Verdict, w.Flow)
				}
			}
		}
	}
	for _, v := range []artefact.Verdict{artefact.Exact, artefact.Narrower, artefact.NotApplicable} {
		if seen[v] < 100 {
			t.Errorf("only %d verdicts are %s; the test is too weak", seen[v], v)
		}
	}
}

// straysOf returns some flows of a rule, by an unlisted name to one of its bare
// addresses, that go another way than those to the literal.
func straysOf(p *rule.Policy, r *rule.Rule, random *rand.Rand) []rule.Flow {
	var out []rule.Flow
	if r.Direction != rule.Outbound || r.Role != "clients" {
		return nil
	}
	for range 60 {
		f := rule.Flow{Direction: rule.Outbound, Protocol: netset.TCP, Name: "unlisted.invalid", Remote: randomAddress(random)}
		f.Port = pick[uint16](random, 80, 443, 21, 81, 442, 8080, 8091, 1, 65535)
		f.Local = netip.MustParseAddr("10.0.0.1")
		if f.Remote.Is6() {
			f.Local = netip.MustParseAddr("fd00::1")
		}
		if r.Remote.BarePrefixes.Contains(f.Remote) && r.Services.Contains(netset.TCP, f.Port) && !addressed(p, f.Remote) && astray(p, f) {
			out = append(out, f)
		}
	}
	return out
}

func addressed(p *rule.Policy, a netip.Addr) bool {
	for _, r := range p.Rules {
		if r.Remote.AddressedPrefixes.Contains(a) {
			return true
		}
	}
	return false
}

// astray reports whether a named flow goes another way than one to its address.
func astray(p *rule.Policy, f rule.Flow) bool {
	literal := f
	literal.Name = ""
	return p.Route(f, "clients") != p.Route(literal, "clients")
}

// TestVerdictsAreBounded counts looks in place of time: 2,000 entries whose prefixes
// and ports overlap take a few for each, and too many are an error.
func TestVerdictsAreBounded(t *testing.T) {
	const n, each = 2000, 40
	in := rule.Input{Bindings: bindings(t), Routes: []rule.Via{rule.Direct, rule.Proxied}}
	for i := range n {
		id := fmt.Sprintf("x/%04d", i)
		g := ruletest.Grant(t, id, id, rule.Outbound, "clients", fmt.Sprintf("tcp %d-%d", 1+i, 20000+i), fmt.Sprintf("20.%d.%d.0/%d", i/24/256, i/24%256, 8+i%24))
		g.Route = i % 2
		in.Grants = append(in.Grants, g)
	}
	p := ruletest.Compile(t, in)
	all, err := coverageWithin(p, []rule.Role{"clients"}, netset.NewBudget(n*each))
	if err != nil || len(all) != n {
		t.Errorf("%d verdicts, error %v; want %d within %d looks for each", len(all), err, n, each)
	}
	const want = "the prefixes and ports of 2000 rules overlap in so many ways that 64000000 looks do not tell which requests go astray; give pac.roles fewer roles, select fewer entries, or name the other generators and leave pac out"
	if _, err := coverageWithin(p, []rule.Role{"clients"}, netset.NewBudget(n)); err == nil || err.Error() != want {
		t.Errorf("too many looks: error %v; want %s", err, want)
	}
}
