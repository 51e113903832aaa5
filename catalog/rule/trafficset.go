package rule

import (
	"cmp"
	"slices"

	"gatewright/catalog/netset"
)

// TrafficSet is an immutable set of first packets as a packet filter sees them: by
// protocol, port, source and destination. A filter knows no direction; it is added where
// people read. The zero value is empty. Sets that were made of different parts for the
// same packets are equal, with one exception: the ports before and after a DNAT are kept
// apart, as a rule matches the one or the other, so that all ports of the one kind do
// not equal all of the other.
type TrafficSet struct{ planes [4]servedPairs }

type servedPairs = netset.Product[netset.ServiceSet, pairs]

// pairs are pairs of addresses: a source and a destination.
type pairs = netset.Product[netset.PrefixSet, netset.PrefixSet]

// A plane has packets of one family and one kind of port: of IPv4 and the packet's own
// port, but for these bits of its place.
const (
	publishedPlane = 1 << iota
	v6Plane
)

// TrafficOf returns every packet from the source to the destination on the services;
// addresses combine within one family alone. The ports are those of the packet or, if
// published, of the connection's original destination, before any DNAT.
func TrafficOf(services netset.ServiceSet, published bool, source, destination netset.PrefixSet) TrafficSet {
	var t TrafficSet
	for i := range t.planes {
		if v6 := i&v6Plane != 0; published == (i&publishedPlane != 0) {
			t.planes[i] = netset.ProductOf(services, netset.ProductOf(family(source, v6), family(destination, v6)))
		}
	}
	return t
}

// Traffic returns what a packet filter accepts of one rule: by its prefixes, or any
// address. Names are not in it.
func (p *Policy) Traffic(r *Rule) TrafficSet {
	remote := r.Remote.Prefixes()
	if r.Remote.Any {
		remote = netset.EveryAddress()
	}
	plain, published := p.locals(r.Direction, r.Role)
	if r.Direction == Inbound {
		return UniteTraffic(TrafficOf(r.Services, false, remote, plain), TrafficOf(r.Services, true, remote, published))
	}
	return TrafficOf(r.Services, false, plain, remote)
}

func family(s netset.PrefixSet, v6 bool) netset.PrefixSet {
	if v6 {
		return s.V6()
	}
	return s.V4()
}

// UniteTraffic returns the packets of any of the sets.
func UniteTraffic(list ...TrafficSet) TrafficSet {
	var all TrafficSet
	for i := range all.planes {
		var planes []servedPairs
		for _, t := range list {
			planes = append(planes, t.planes[i])
		}
		all.planes[i], _ = netset.UniteProducts(planes, nil)
	}
	return all
}

// Subtract returns the packets of t that are not in u.
func (t TrafficSet) Subtract(u TrafficSet) TrafficSet {
	for i := range t.planes {
		t.planes[i] = t.planes[i].Subtract(u.planes[i])
	}
	return t
}

// OfEveryPort adds that packets on every port of a protocol are on every original port,
// too, and the reverse.
func (t TrafficSet) OfEveryPort() TrafficSet {
	out := t
	for i, all := range t.planes {
		for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
			every := netset.ServicesOver(protocol, nil)
			other := &out.planes[i^publishedPlane]
			*other = other.Union(netset.ProductOf(every, onAll(every, all)))
		}
	}
	return out
}

// onAll returns the pairs that go with all of the services.
func onAll(every netset.ServiceSet, p servedPairs) (common pairs) {
	rest := every
	for services, ends := range p.All() {
		switch {
		case services.Intersect(every).IsEmpty():
			continue
		case rest.Equal(every):
			common = ends
		default:
			common = common.Intersect(ends)
		}
		rest = rest.Subtract(services)
	}
	if !rest.IsEmpty() {
		return pairs{}
	}
	return common
}

// In returns the packets of the families.
func (t TrafficSet) In(v4, v6 bool) TrafficSet {
	for i := range t.planes {
		if is := i&v6Plane != 0; is && !v6 || !is && !v4 {
			t.planes[i] = servedPairs{}
		}
	}
	return t
}

// IsEmpty reports whether no packet is in the set.
func (t TrafficSet) IsEmpty() bool { return t.Equal(TrafficSet{}) }

// Equal reports whether both sets hold the same packets.
func (t TrafficSet) Equal(u TrafficSet) bool {
	return slices.EqualFunc(t.planes[:], u.planes[:], servedPairs.Equal)
}

// Flows is every flow between its local addresses and its remotes on a service;
// addresses combine within one family alone.
type Flows struct {
	Service       netset.Service
	Published     bool // its ports are of the original destination, before any DNAT
	Local, Remote netset.PrefixSet
}

// Flows returns the packets as disjoint flows of a direction, in a canonical form:
// sorted by protocol, family, kind of port, ports and local addresses.
func (t TrafficSet) Flows(d Direction) []Flows {
	var flows []Flows
	for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
		for i, all := range t.planes {
			from := len(flows)
			for services, ends := range all.All() {
				ends = byLocal(ends, d)
				for _, ports := range services.Ports(protocol) {
					for local, remote := range ends.All() {
						flows = append(flows, Flows{netset.Service{Protocol: protocol, Ports: ports}, i&publishedPlane != 0, local, remote})
					}
				}
			}
			// Ports with the same addresses come together; their ranges go by number.
			slices.SortStableFunc(flows[from:], func(a, b Flows) int { return cmp.Compare(a.Service.Ports.First, b.Service.Ports.First) })
		}
	}
	return flows
}

// byLocal returns the pairs of a source and a destination with the local one first.
func byLocal(ends pairs, d Direction) pairs {
	if d == Outbound {
		return ends
	}
	var turned []pairs
	for source, destination := range ends.All() {
		turned = append(turned, netset.ProductOf(destination, source))
	}
	all, _ := netset.UniteProducts(turned, nil)
	return all
}
