package rule

import (
	"cmp"
	"slices"

	"gatewright/catalog/netset"
)

// TrafficSet is an immutable set of first packets as a packet filter sees them: by
// protocol, port, source and destination. A packet filter knows no direction; reports
// add it for readers. The zero value is empty. Two sets with the same packets are
// equal, however they were built, with one exception: a rule matches either the ports
// before or the ports after DNAT, so the two kinds are kept separate and never equal
// each other.
type TrafficSet struct{ packets servedPairs }

type servedPairs = netset.Product[netset.ServiceSet, pairs]

// pairs are pairs of addresses of one family: a source and a destination.
type pairs = netset.Product[netset.PrefixSet, netset.PrefixSet]

func pairsOf(source, destination netset.PrefixSet) pairs {
	return netset.ProductOf(source.V4(), destination.V4()).Union(netset.ProductOf(source.V6(), destination.V6()))
}

// TrafficOf returns every packet from the source to the destination on the services;
// addresses combine within one family alone. The ports are those of the packet or, if
// published, of the connection's original destination, before any DNAT.
func TrafficOf(services netset.ServiceSet, published bool, source, destination netset.PrefixSet) TrafficSet {
	if published {
		services = services.Original()
	}
	return TrafficSet{netset.ProductOf(services, pairsOf(source, destination))}
}

// Traffic returns what a packet filter accepts of one rule: by its prefixes, or any
// address. Names are not in it.
func (p *Policy) Traffic(r *Rule) TrafficSet {
	remote := r.Remote.Prefixes()
	if r.Remote.Any {
		remote = netset.EveryAddress()
	}
	return trafficOn(r.Direction, p.where(r), remote)
}

// trafficOn returns the packets between a part of our side and some remotes.
func trafficOn(d Direction, on where, remotes netset.PrefixSet) TrafficSet {
	var list []servedPairs
	for services, locals := range on.All() {
		list = append(list, netset.ProductOf(services, pairsOf(turned(d, locals, remotes))))
	}
	return united(list)
}

// turned returns the source and the destination of flows of a direction.
func turned(d Direction, local, remote netset.PrefixSet) (source, destination netset.PrefixSet) {
	if d == Inbound {
		return remote, local
	}
	return local, remote
}

// UniteTraffic returns the packets of any of the sets.
func UniteTraffic(list ...TrafficSet) TrafficSet {
	var products []servedPairs
	for _, t := range list {
		products = append(products, t.packets)
	}
	return united(products)
}

func united(list []servedPairs) TrafficSet {
	all, _ := netset.UniteProducts(list, nil)
	return TrafficSet{all}
}

// Subtract returns the packets of t that are not in u.
func (t TrafficSet) Subtract(u TrafficSet) TrafficSet {
	return TrafficSet{t.packets.Subtract(u.packets)}
}

// Intersect returns the packets of both sets.
func (t TrafficSet) Intersect(u TrafficSet) TrafficSet {
	return TrafficSet{t.packets.Intersect(u.packets)}
}

// OfOnePort returns the packets of flows that have the same port before and after any
// DNAT: those of either kind of port are of both.
func (t TrafficSet) OfOnePort() TrafficSet {
	var list []servedPairs
	for services, ends := range t.packets.All() {
		for _, ports := range services.Kinds() {
			list = append(list, netset.ProductOf(ports, ends))
		}
	}
	return united(list)
}

// OfEveryPort adds that packets on every port of a protocol are on every original port,
// too, and the reverse.
func (t TrafficSet) OfEveryPort() TrafficSet {
	list := []servedPairs{t.packets}
	for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
		ports := netset.ServicesOver(protocol, nil)
		list = append(list, netset.ProductOf(ports.Original(), onAll(ports, t.packets)), netset.ProductOf(ports, onAll(ports.Original(), t.packets)))
	}
	return united(list)
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
	every, addresses := netset.ServicesOver(0, nil), netset.EveryAddress()
	if !v4 {
		addresses = addresses.V6()
	}
	if !v6 {
		addresses = addresses.V4()
	}
	return t.Intersect(TrafficOf(every.Union(every.Original()), false, addresses, addresses))
}

// IsEmpty reports whether no packet is in the set.
func (t TrafficSet) IsEmpty() bool { return t.packets.IsEmpty() }

// Equal reports whether both sets hold the same packets.
func (t TrafficSet) Equal(u TrafficSet) bool { return t.packets.Equal(u.packets) }

// Flows is every flow between its local addresses and its remotes on a service.
// Addresses combine only within one family.
type Flows struct {
	Service       netset.Service
	Published     bool // its ports are of the original destination, before any DNAT
	Local, Remote netset.PrefixSet
}

// Flows returns the packets as disjoint flows of a direction, in a canonical form:
// sorted by protocol, family, kind of port, ports and local addresses.
func (t TrafficSet) Flows(d Direction) []Flows {
	var flows []Flows
	for services, ends := range t.packets.All() {
		ends = byLocal(ends, d)
		for original, ports := range services.Kinds() {
			for one := range ports.All() {
				for local, remote := range ends.All() {
					flows = append(flows, Flows{one, original, local, remote})
				}
			}
		}
	}
	slices.SortStableFunc(flows, func(a, b Flows) int {
		return cmp.Or(
			cmp.Compare(a.Service.Protocol, b.Service.Protocol),
			compareBool(a.Local.V4().IsEmpty(), b.Local.V4().IsEmpty()),
			compareBool(a.Published, b.Published),
			cmp.Compare(a.Service.Ports.First, b.Service.Ports.First),
		)
	})
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
