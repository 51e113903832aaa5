package rule

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"

	"gatewright/catalog/netset"
)

// universeFlows are all flows of a small universe that a packet filter can see.
func universeFlows() []Flow {
	var flows []Flow
	var locals, remotes []netip.Addr
	for _, s := range []string{"172.16.0.0", "172.16.0.1", "172.16.0.2", "172.16.0.8", "172.16.0.9", "172.16.0.10", "fd00::1", "fd00::9"} {
		locals = append(locals, netip.MustParseAddr(s))
	}
	for _, s := range []string{"10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.6", "10.0.0.8", "2001:db8::1", "2001:db8::3", "2001:db8::4"} {
		remotes = append(remotes, netip.MustParseAddr(s))
	}
	for _, direction := range []Direction{Outbound, Inbound} {
		for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
			for port := uint16(1); port < 7; port++ {
				for _, published := range []uint16{0, 2, 5} {
					for _, local := range locals {
						for _, remote := range remotes {
							if local.Is4() == remote.Is4() {
								flows = append(flows, Flow{Direction: direction, Protocol: protocol, Port: port, Published: published, Local: local, Remote: remote})
							}
						}
					}
				}
			}
		}
	}
	return flows
}

func TestRegionIsWhatTheRulesAcceptByAddress(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 1))
	flows := universeFlows()
	both := [2]int{}
	for range 60 {
		p := mustCompile(t, randomInput(t, r))
		region := p.Region()
		for _, f := range flows {
			want := p.Decide(f).Accept()
			if region.Contains(f) != want {
				t.Fatalf("%v: the region says %t, the policy %t", f, !want, want)
			}
			if want {
				both[1]++
			} else {
				both[0]++
			}
		}
	}
	if both[0] < 1000 || both[1] < 1000 {
		t.Fatalf("%v flows denied and accepted; the test is too weak", both)
	}
}

func TestRegionAlgebra(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 2))
	flows := universeFlows()
	for range 40 {
		a, b := mustCompile(t, randomInput(t, r)).Region(), mustCompile(t, randomInput(t, r)).Region()
		less, both := a.Subtract(b), a.Union(b)
		for _, f := range flows {
			// A flow through a DNAT has two ports; see Region.
			if f.Published == 0 && less.Contains(f) != (a.Contains(f) && !b.Contains(f)) && f.Direction == Outbound {
				t.Fatalf("%v: difference %t of %t and %t", f, less.Contains(f), a.Contains(f), b.Contains(f))
			}
			if both.Contains(f) != (a.Contains(f) || b.Contains(f)) {
				t.Fatalf("%v: union %t of %t and %t", f, both.Contains(f), a.Contains(f), b.Contains(f))
			}
		}
		if !a.Union(less).Equal(a) || !less.Subtract(a).IsEmpty() || !both.Subtract(b).Equal(less) {
			t.Fatalf("the laws of sets do not hold for\n%v\n%v", a.Boxes(), b.Boxes())
		}
	}
}

// A region does not depend on how its boxes are cut and ordered.
func TestRegionIsCanonical(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 3))
	for range 60 {
		region := mustCompile(t, randomInput(t, r)).Region()
		var pieces []Box
		for _, b := range region.Boxes() {
			for p := range b.Remote.Prefixes() {
				for port := b.Ports.First; port <= b.Ports.Last; port++ {
					piece := b
					piece.Remote, piece.Ports = netset.PrefixSetOf(p), netset.PortRange{First: port, Last: port}
					pieces = append(pieces, piece, piece)
				}
			}
		}
		r.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
		if got, want := RegionOf(pieces...).Boxes(), region.Boxes(); !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %v\nwant %v", got, want)
		}
	}
}

func TestRegionSeesEveryPart(t *testing.T) {
	box := Box{
		Direction: Inbound, Protocol: netset.TCP, Ports: netset.PortRange{First: 10, Last: 20},
		Local: prefixes("172.16.0.0/30", "fd00::/126"), Remote: prefixes("10.0.0.0/30", "2001:db8::/126"),
	}
	whole := RegionOf(box)
	for name, change := range map[string]func(*Box){
		"direction": func(b *Box) { b.Direction = Outbound },
		"protocol":  func(b *Box) { b.Protocol = netset.UDP },
		"first":     func(b *Box) { b.Ports.First++ },
		"last":      func(b *Box) { b.Ports.Last-- },
		"published": func(b *Box) { b.Published = true },
		"local":     func(b *Box) { b.Local = prefixes("172.16.0.0/30", "fd00::/127") },
		"remote":    func(b *Box) { b.Remote = prefixes("10.0.0.0/31", "2001:db8::/126") },
		"family":    func(b *Box) { b.Remote = prefixes("10.0.0.0/30") },
	} {
		other := box
		change(&other)
		if region := RegionOf(other); region.Equal(whole) || whole.Equal(region) || whole.Subtract(region).IsEmpty() {
			t.Errorf("%s: the changed box is the same region", name)
		}
	}
	if len(whole.Boxes()) != 2 {
		t.Errorf("boxes %v; want one for each family", whole.Boxes())
	}
	last := RegionOf(Box{Direction: Outbound, Protocol: netset.UDP, Ports: netset.PortRange{First: 65535, Last: 65535}, Local: box.Local, Remote: box.Remote})
	if last.IsEmpty() || !last.Subtract(last).IsEmpty() {
		t.Errorf("the last port is lost")
	}
}

func BenchmarkRegionOf100kPrefixes(b *testing.B) {
	var set netset.PrefixBuilder
	for i := range uint32(100_000) {
		set.Add(netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(11 + i>>15), byte(i >> 7), byte(i << 1), 0}), 24))
	}
	box := Box{Direction: Outbound, Protocol: netset.TCP, Ports: netset.PortRange{First: 443, Last: 443}, Local: prefixes("172.16.0.0/12"), Remote: set.Build()}
	b.ReportAllocs()
	for b.Loop() {
		if !RegionOf(box).Equal(RegionOf(box, box)) {
			b.Fatal("not equal")
		}
	}
}

// Region returns what a packet filter accepts of the policy: every rule by its
// prefixes, or any address. Names are not in it.
func (p *Policy) Region() Region {
	var boxes []Box
	for i := range p.Rules {
		boxes = append(boxes, p.Boxes(&p.Rules[i])...)
	}
	return RegionOf(boxes...)
}

// Contains reports whether the flow is in the region, by its addresses and ports; a
// flow with an unknown address is in none.
func (r Region) Contains(f Flow) bool {
	if f.Local.Unmap().Is4() != f.Remote.Unmap().Is4() {
		return false
	}
	for _, published := range []bool{false, true} {
		port := f.Port
		if published {
			port = f.originalPort()
		}
		for ports, all := range r.planes[plane{f.Direction, f.Protocol, published, !f.Local.Unmap().Is4()}].All() {
			if ports.Intersect(netset.PortRangeSet(port, port)).IsEmpty() {
				continue
			}
			for local, remote := range all.All() {
				if local.Contains(f.Local) {
					if remote.Contains(f.Remote) {
						return true
					}
					break
				}
			}
		}
	}
	return false
}
