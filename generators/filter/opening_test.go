package filter

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
)

// TestOpeningsAreWhatWalkAccepts holds that the openings of a chain hold a packet
// exactly if it accepts the packet.
func TestOpeningsAreWhatWalkAccepts(t *testing.T) {
	locals, remotes := addresses(small.locals), addresses(small.remotes)
	r := rand.New(rand.NewPCG(12, 3))
	for range 40 {
		p := randomPolicy(t, r)
		b, err := Build(p, artefact.Filter{Mode: artefact.ModeChains, Place: artefact.PlaceForward}, []Family{IPv4, IPv6}, plain)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range []rule.Direction{rule.Outbound, rule.Inbound} {
			openings := b.Openings(EntryOf(d))
			for f := range ruletest.Flows(locals, remotes, []uint16{80, 442, 443, 445}) {
				packet := PacketOf(f)
				walked := b.Walk(EntryOf(d), packet)
				held := slices.ContainsFunc(openings, func(o Opening) bool { return o.holds(packet) })
				if len(walked) != 1 || (walked[0].Verdict == Accept) != held {
					t.Fatalf("%+v in chain %s: walked %+v, held by the openings %t", packet, EntryOf(d), walked, held)
				}
			}
		}
	}
}

// holds is slow and plain.
func (o Opening) holds(p Packet) bool {
	port := p.Port
	if o.BeforeDNAT {
		port = p.Original
	}
	in := func(s netset.PrefixSet, a netip.Addr) bool { return s.IsEmpty() || s.Contains(a) }
	return o.Protocol == p.Protocol && in(o.Source, p.Source) && in(o.Destination, p.Destination) &&
		(o.Family == Both || FamilyOf(p.Source) == o.Family) &&
		slices.ContainsFunc(o.Ports, func(r netset.PortRange) bool { return r.Contains(port) })
}

// TestWalkLeavesOpenWhatItCannotKnow holds that a packet without a remote may get every
// answer that some remote gets, and no other.
func TestWalkLeavesOpenWhatItCannotKnow(t *testing.T) {
	locals, remotes := addresses(small.locals), addresses(small.remotes)
	r := rand.New(rand.NewPCG(12, 4))
	for range 40 {
		p := randomPolicy(t, r)
		b, err := Build(p, artefact.Filter{Mode: artefact.ModeChains, Place: artefact.PlaceForward}, []Family{IPv4, IPv6}, plain)
		if err != nil {
			t.Fatal(err)
		}
		for _, local := range locals {
			for _, port := range []uint16{80, 443, 444} {
				f := rule.Flow{Direction: rule.Outbound, Protocol: netset.TCP, Port: port, Local: local}
				some := map[rule.ID]bool{}
				for _, f.Remote = range remotes {
					if f.Remote.Is4() == local.Is4() {
						some[b.Walk(Outbound, PacketOf(f))[0].ID] = true
					}
				}
				f.Remote = netip.Addr{}
				open := map[rule.ID]bool{}
				for _, o := range b.Walk(Outbound, PacketOf(f)) {
					open[o.ID] = true
				}
				for id := range some {
					if !open[id] {
						t.Fatalf("from %s to port %d some remote gets %q, and without a remote %v", local, port, id, open)
					}
				}
			}
		}
	}
}

// TestAlternatingElementsOpenAChainOnce holds that a chain which a map leads to by many
// elements is walked once, with the addresses of all of them.
func TestAlternatingElementsOpenAChainOnce(t *testing.T) {
	prefix := func(i int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)
	}
	const elements, rules = 2000, 50
	m := Map{Name: "remotes", Family: IPv4}
	for i := range elements {
		m.Elements = append(m.Elements, Element{Prefixes: netset.PrefixSetOf(prefix(i)), Chain: []string{"even", "odd"}[i%2]})
	}
	rs := Ruleset{Maps: []Map{m}, Chains: []Chain{{Name: "out", Rules: []Rule{{Lookup: Destination, Map: "remotes"}}}}}
	for _, name := range []string{"even", "odd"} {
		c := Chain{Name: name}
		for i := range rules {
			c.Rules = append(c.Rules, Rule{Match: Match{Protocol: netset.TCP, Ports: Ports{Ranges: []netset.PortRange{{First: uint16(i + 1), Last: uint16(i + 1)}}}}, Verdict: Accept})
		}
		rs.Chains = append(rs.Chains, c)
	}
	openings := rs.Openings("out")
	if len(openings) != 2*rules {
		t.Fatalf("%d openings, want %d", len(openings), 2*rules)
	}
	for i, o := range openings {
		for third := range 4 {
			want := third%2 == i/rules // the even chain comes first
			if got := o.Destination.Contains(netip.AddrFrom4([4]byte{10, 0, byte(third), 9})); got != want {
				t.Errorf("opening %d holds 10.0.%d.9: %v, want %v", i, third, got, want)
			}
		}
	}
}
