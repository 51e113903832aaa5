package rule

import (
	"maps"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
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

// byWay is what a packet filter accepts of a policy in each direction.
type byWay map[Direction]TrafficSet

func trafficOf(p *Policy) byWay {
	lists := map[Direction][]TrafficSet{}
	for i := range p.Rules {
		r := &p.Rules[i]
		lists[r.Direction] = append(lists[r.Direction], p.Traffic(r))
	}
	return byWay{Outbound: UniteTraffic(lists[Outbound]...), Inbound: UniteTraffic(lists[Inbound]...)}
}

func (w byWay) contains(f Flow) bool { return hasFlow(w[f.Direction].Flows(f.Direction), f) }

// hasFlow reports whether flows hold one, by its addresses and ports; one with an
// unknown address is in none.
func hasFlow(all []Flows, f Flow) bool {
	return slices.ContainsFunc(all, func(some Flows) bool {
		port := f.Port
		if some.Published {
			port = f.originalPort()
		}
		return some.Service.Protocol == f.Protocol && some.Service.Ports.First <= port && port <= some.Service.Ports.Last &&
			some.Local.Contains(f.Local) && some.Remote.Contains(f.Remote)
	})
}

func TestTrafficIsWhatTheRulesAcceptByAddress(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 1))
	flows := universeFlows()
	both := [2]int{}
	for range 60 {
		p := mustCompile(t, randomInput(t, r))
		traffic := trafficOf(p)
		lists := map[Direction][]Flows{Outbound: traffic[Outbound].Flows(Outbound), Inbound: traffic[Inbound].Flows(Inbound)}
		for _, f := range flows {
			want := p.Decide(f).Accept()
			if hasFlow(lists[f.Direction], f) != want {
				t.Fatalf("%v: the traffic says %t, the policy %t", f, !want, want)
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

// packet is a first packet of a small universe; its port is of the one kind or the
// other.
type packet struct {
	protocol            netset.Protocol
	port                uint16
	published           bool
	source, destination netip.Addr
}

func (p packet) in(f Flows, d Direction) bool {
	local, remote := p.source, p.destination
	if d == Inbound {
		local, remote = remote, local
	}
	return f.Service.Protocol == p.protocol && f.Published == p.published && f.Service.Ports.First <= p.port && p.port <= f.Service.Ports.Last &&
		f.Local.Contains(local) && f.Remote.Contains(remote)
}

// slowly is the slow, obvious form of a set: whether it has each packet of the
// universe.
type slowly map[packet]bool

// randomTraffic returns a set of random parts, in both forms.
func randomTraffic(r *rand.Rand) (TrafficSet, slowly) {
	ports := []uint16{1, 2, 3, 65535}
	addresses := []netip.Addr{
		netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("255.255.255.255"), netip.MustParseAddr("::"), netip.MustParseAddr("2001:db8::1"),
	}
	choose := func() (set []netip.Addr, of netset.PrefixSet) {
		var b netset.PrefixBuilder
		for _, a := range addresses {
			if r.IntN(2) == 0 {
				set = append(set, a)
				b.Add(netip.PrefixFrom(a, a.BitLen()))
			}
		}
		return set, b.Build()
	}
	var parts []TrafficSet
	all := slowly{}
	for range r.IntN(5) {
		from, source := choose()
		to, destination := choose()
		published := r.IntN(3) == 0
		var services []netset.Service
		for _, port := range ports {
			protocol := []netset.Protocol{netset.TCP, netset.UDP}[r.IntN(2)]
			services = append(services, netset.Service{Protocol: protocol, Ports: netset.PortRange{First: port, Last: port}})
			for _, a := range from {
				for _, b := range to {
					if a.Is4() == b.Is4() {
						all[packet{protocol, port, published, a, b}] = true
					}
				}
			}
		}
		parts = append(parts, TrafficOf(netset.ServiceSetOf(services...), published, source, destination))
	}
	return UniteTraffic(parts...), all
}

// has reports whether the flows of a set are the packets, no more, and none twice.
func (all slowly) areFlowsOf(t TrafficSet, d Direction) bool {
	count := 0
	for _, f := range t.Flows(d) {
		count += f.Local.Len() * f.Remote.Len() * int(f.Service.Ports.Last-f.Service.Ports.First+1)
		for p := range all {
			if p.in(f, d) {
				count--
			}
		}
	}
	for p := range all {
		if !slices.ContainsFunc(t.Flows(d), func(f Flows) bool { return p.in(f, d) }) {
			return false
		}
	}
	return count == 0
}

func TestTrafficAlgebra(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 2))
	for range 300 {
		a, slowA := randomTraffic(r)
		b, slowB := randomTraffic(r)
		less, both, v4 := slowly{}, maps.Clone(slowA), slowly{}
		maps.Copy(both, slowB)
		for p := range slowA {
			if !slowB[p] {
				less[p] = true
			}
			if p.source.Is4() {
				v4[p] = true
			}
		}
		for _, c := range []struct {
			name string
			got  TrafficSet
			want slowly
		}{
			{"itself", a, slowA}, {"union", UniteTraffic(a, b), both}, {"difference", a.Subtract(b), less},
			{"IPv4", a.In(true, false), v4}, {"both families", a.In(true, true), slowA}, {"no family", a.In(false, false), nil},
		} {
			for _, d := range []Direction{Outbound, Inbound} {
				if !c.want.areFlowsOf(c.got, d) || c.got.IsEmpty() != (len(c.want) == 0) {
					t.Fatalf("%s of\n%v\n%v\n%s is %v", c.name, slowA, slowB, d, c.got.Flows(d))
				}
			}
		}
		if a.Equal(b) != maps.Equal(slowA, slowB) || !UniteTraffic(a, a.Subtract(b)).Equal(a) || !UniteTraffic(a.Subtract(b), b).Equal(UniteTraffic(b, a)) {
			t.Fatalf("the laws of sets do not hold for\n%v\n%v", slowA, slowB)
		}
	}
}

// A set does not depend on how its parts are cut and ordered, nor on the direction that
// it is read in.
func TestTrafficIsCanonical(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 3))
	for range 60 {
		for d, traffic := range trafficOf(mustCompile(t, randomInput(t, r))) {
			for _, read := range []Direction{Outbound, Inbound} {
				var pieces []TrafficSet
				for _, f := range traffic.Flows(read) {
					for p := range f.Remote.Prefixes() {
						from, to := f.Local, netset.PrefixSetOf(p)
						if read == Inbound {
							from, to = to, from
						}
						for port := f.Service.Ports.First; port <= f.Service.Ports.Last; port++ {
							one := netset.Service{Protocol: f.Service.Protocol, Ports: netset.PortRange{First: port, Last: port}}
							piece := TrafficOf(netset.ServiceSetOf(one), f.Published, from, to)
							pieces = append(pieces, piece, piece)
						}
					}
				}
				r.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
				if got := UniteTraffic(pieces...); !got.Equal(traffic) || !reflect.DeepEqual(got.Flows(d), traffic.Flows(d)) {
					t.Fatalf("got  %v\nwant %v", got.Flows(d), traffic.Flows(d))
				}
			}
		}
	}
}

func TestTrafficSeesEveryPart(t *testing.T) {
	type part struct {
		service      netset.Service
		published    bool
		source, dest netset.PrefixSet
	}
	of := func(p part) TrafficSet {
		return TrafficOf(netset.ServiceSetOf(p.service), p.published, p.source, p.dest)
	}
	one := part{
		service: netset.Service{Protocol: netset.TCP, Ports: netset.PortRange{First: 10, Last: 20}},
		source:  prefixes("172.16.0.0/30", "fd00::/126"), dest: prefixes("10.0.0.0/30", "2001:db8::/126"),
	}
	whole := of(one)
	for name, change := range map[string]func(*part){
		"ends":        func(p *part) { p.source, p.dest = p.dest, p.source },
		"protocol":    func(p *part) { p.service.Protocol = netset.UDP },
		"first":       func(p *part) { p.service.Ports.First++ },
		"last":        func(p *part) { p.service.Ports.Last-- },
		"published":   func(p *part) { p.published = true },
		"source":      func(p *part) { p.source = prefixes("172.16.0.0/30", "fd00::/127") },
		"destination": func(p *part) { p.dest = prefixes("10.0.0.0/31", "2001:db8::/126") },
		"family":      func(p *part) { p.dest = prefixes("10.0.0.0/30") },
	} {
		other := one
		change(&other)
		if traffic := of(other); traffic.Equal(whole) || whole.Equal(traffic) || whole.Subtract(traffic).IsEmpty() {
			t.Errorf("%s: the changed part is the same traffic", name)
		}
	}
	if flows := whole.Flows(Outbound); len(flows) != 2 {
		t.Errorf("flows %v; want one for each family", flows)
	}
	one.service = netset.Service{Protocol: netset.UDP, Ports: netset.PortRange{First: 65535, Last: 65535}}
	if last := of(one); last.IsEmpty() || !last.Subtract(last).IsEmpty() {
		t.Errorf("the last port is lost")
	}
}

// Every port is every original port, of its protocol and addresses alone.
func TestTrafficOfEveryPort(t *testing.T) {
	a, b := prefixes("172.16.0.0/30"), prefixes("10.0.0.0/30", "2001:db8::/126")
	tcp := netset.ServicesOver(netset.TCP, nil)
	udp := netset.ServicesOver(netset.UDP, []netset.PortRange{{First: 2, Last: 65535}})
	for _, published := range []bool{false, true} {
		got := TrafficOf(tcp.Union(udp), published, a, b).OfEveryPort()
		want := UniteTraffic(TrafficOf(tcp.Union(udp), published, a, b), TrafficOf(tcp, !published, a, b))
		if !got.Equal(want) {
			t.Errorf("published %t: %v, want %v", published, got.Flows(Outbound), want.Flows(Outbound))
		}
	}
}

func BenchmarkTrafficOf100kPrefixes(b *testing.B) {
	var set netset.PrefixBuilder
	for i := range uint32(100_000) {
		set.Add(netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(11 + i>>15), byte(i >> 7), byte(i << 1), 0}), 24))
	}
	https := netset.ServicesOver(netset.TCP, []netset.PortRange{{First: 443, Last: 443}})
	traffic := TrafficOf(https, false, prefixes("172.16.0.0/12"), set.Build())
	b.ReportAllocs()
	for b.Loop() {
		if !traffic.Equal(UniteTraffic(traffic, traffic)) {
			b.Fatal("not equal")
		}
	}
}
