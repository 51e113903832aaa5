package filter

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
)

var plain = Naming{Prefix: "gatewright_", Stem: func(id rule.ID) string { return string(id) }}

// small is a universe in which everything overlaps.
var small = struct{ remotes, locals, services, groups []string }{
	remotes:  []string{"192.0.2.0/24", "192.0.2.0/25", "192.0.2.64/26", "192.0.2.127", "192.0.2.128/25", "255.255.255.255", "2001:db8::/126", "2001:db8::2/127", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	locals:   []string{"10.0.0.0/30", "10.0.0.2", "10.0.0.4/31", "fd00::/127", "fd00::1"},
	services: []string{"tcp 443", "tcp 442-444", "tcp 80,443; udp 443", "udp 1-65535", "tcp 1-65535"},
	groups:   []string{"a", "b", "c", "d"},
}

func some(r *rand.Rand, list []string, most int) []string {
	var out []string
	for range 1 + r.IntN(most) {
		out = append(out, list[r.IntN(len(list))])
	}
	return out
}

func randomPolicy(t *testing.T, r *rand.Rand) *rule.Policy {
	in := rule.Input{}
	for _, role := range []rule.Role{"clients", "sts"} {
		b := rule.Binding{Role: role, Addresses: ruletest.Prefixes(t, some(r, small.locals, 3)...)}
		if r.IntN(2) == 0 {
			b.Published = ruletest.Prefixes(t, some(r, small.locals, 1)...)
		}
		in.Bindings = append(in.Bindings, b)
	}
	for i := range 1 + r.IntN(7) {
		d := []rule.Direction{rule.Outbound, rule.Inbound}[r.IntN(2)]
		remotes := some(r, small.remotes, 3)
		if r.IntN(8) == 0 {
			remotes = []string{"any"}
		}
		role := []rule.Role{"clients", "sts"}[r.IntN(2)]
		in.Grants = append(in.Grants, ruletest.Grant(t, fmt.Sprint("x/", i), small.groups[r.IntN(4)], d, role, small.services[r.IntN(5)], remotes...))
	}
	return ruletest.Compile(t, in)
}

func addresses(texts []string) []netip.Addr {
	var b netset.PrefixBuilder
	for _, text := range texts {
		p, _, _ := netset.ParsePrefix(text)
		b.Add(p)
	}
	return ruletest.Edges(b.Build())
}

// TestBuildDecidesAsThePolicy asks every boundary flow of random policies.
func TestBuildDecidesAsThePolicy(t *testing.T) {
	locals, remotes := addresses(small.locals), addresses(small.remotes)
	for _, one := range append(small.remotes, small.locals...) {
		locals = append(locals, addresses([]string{one})...)
		remotes = append(remotes, addresses([]string{one})...)
	}
	slices.SortFunc(locals, netip.Addr.Compare)
	slices.SortFunc(remotes, netip.Addr.Compare)
	locals, remotes = slices.Compact(locals), slices.Compact(remotes)
	r := rand.New(rand.NewPCG(12, 1))
	for range 60 {
		p := randomPolicy(t, r)
		c := artefact.Filter{Mode: artefact.ModeMark, Place: artefact.PlaceForward, Mark: 1 << 16}
		b, err := Build(p, c, []Family{IPv4, IPv6}, plain)
		if err != nil {
			t.Fatal(err)
		}
		for f := range ruletest.Flows(locals, remotes, []uint16{80, 442, 443, 444, 445}) {
			want := p.Decide(f)
			got := b.Walk(EntryOf(f.Direction), PacketOf(f))
			if len(got) != 1 || (got[0].Verdict == Accept) != want.Accept() {
				t.Fatalf("%+v: the policy says %v, the ruleset %+v\n%+v", f, want.Rules, got, b)
			}
			if want.Accept() && got[0].ID != want.Rules[0] || want.Accept() != (got[0].Mark == c.Mark) {
				t.Fatalf("%+v: counted by %s, mark %#x; the policy says %v", f, got[0].ID, got[0].Mark, want.Rules)
			}
		}
	}
}

// TestBuildEndsWhereRulesHoldEachOther nests rules with ports of their own, of which
// each class has as many lines as rules.
func TestBuildEndsWhereRulesHoldEachOther(t *testing.T) {
	in := rule.Input{Bindings: []rule.Binding{{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/8")}}}
	var prefixes netset.PrefixBuilder
	for i := range 1100 {
		prefixes.Add(netip.PrefixFrom(netip.AddrFrom4([4]byte{20, byte(i >> 8), byte(i), 0}), 24))
		g := ruletest.Grant(t, fmt.Sprint("x/", i), fmt.Sprint("x/", i), rule.Outbound, "clients", fmt.Sprint("tcp ", i+1), "192.0.2.1")
		g.Prefixes = prefixes.Build()
		in.Grants = append(in.Grants, g)
	}
	_, err := Build(ruletest.Compile(t, in), artefact.Filter{Mode: artefact.ModeChains, Place: artefact.PlaceForward}, []Family{IPv4}, plain)
	const want = "the rules hold each other's addresses in so many ways that their matches would take over 500000 lines; group them by area, or select fewer entries"
	if err == nil || err.Error() != want {
		t.Errorf("error %v; want %s", err, want)
	}
}

// A line is on the ports that earlier ones leave to it, where these take no more
// ranges, and a rule to which they leave none names all of them. What all lines share
// is matched before the map.
func TestBuildLeavesTakenPortsOut(t *testing.T) {
	grant := func(id, services string, remotes ...string) rule.Grant {
		return ruletest.Grant(t, "x/"+id, id, rule.Outbound, "clients", services, remotes...)
	}
	p := ruletest.Compile(t, rule.Input{
		Bindings: []rule.Binding{{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/8")}},
		Grants: []rule.Grant{
			grant("a", "tcp 443", "192.0.2.0/24"), grant("b", "tcp 80", "192.0.2.0/24"), grant("c", "tcp 80,443", "192.0.2.0/24"),
			grant("d", "tcp 443,8443", "192.0.2.0/24"), grant("e", "tcp 440-450", "192.0.2.0/24"), grant("f", "tcp 443", "198.51.100.0/24"),
		},
	})
	built, err := Build(p, artefact.Filter{Mode: artefact.ModeChains, Place: artefact.PlaceForward}, []Family{IPv4}, plain)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, c := range built.Chains {
		for _, r := range c.Rules {
			switch {
			case r.Map != "":
				lines = append(lines, fmt.Sprintf("from %s by %s", r.From.Set, r.Map))
			case r.Verdict == Goto:
				lines = append(lines, fmt.Sprintf("%.1s %v%s%s", r.ID, r.Ports.Ranges, r.Ports.Set, r.From.Set))
			}
		}
	}
	want := []string{"a [443]", "b [80]", "d [8443]", "e [440-450]", "f [443]", "from gatewright_role_clients_net4 by gatewright_outbound_4"}
	if !slices.Equal(lines, want) {
		t.Errorf("lines %q; want %q", lines, want)
	}
	for _, r := range built.Rules {
		if got := fmt.Sprintf("%.1s %.1s", r.Rule.ID, r.Takers); r.Chain == "" && got != "c [a b]" {
			t.Errorf("taken before: %s", got)
		}
	}
	if built.Rules[2].Chain != "" {
		t.Errorf("%s has a chain", built.Rules[2].Rule.ID)
	}
}
