package rule

import (
	"net/netip"
	"slices"

	"gatewright/catalog/netset"
)

// The publisher's promise: where an entry gives names and addresses, its names lead to
// its addresses, and no other name does.

// promised are the grants that give names and addresses, of which some name is of a
// pattern, with such a name.
func (c Compiled) promised(p netset.Pattern) (all []ledName) {
	for i := range c.Grants {
		g := &c.Grants[i]
		if g.Any || g.Prefixes.IsEmpty() {
			continue
		}
		names := slices.DeleteFunc(slices.Clone(g.Names), func(n netset.Pattern) bool { return !n.Overlaps(p) })
		if len(names) == 0 {
			continue
		}
		if name, found, _ := netset.FindName([]netset.Pattern{p, names[0]}, nil, nil); found {
			all = append(all, ledName{g, netset.PatternListOf(names), name})
		}
	}
	return all
}

// ledName is a grant whose names lead to its addresses.
type ledName struct {
	grant *Grant
	names netset.PatternList // that overlap the pattern
	name  string             // of both
}

// PromisedAccepted returns a flow to a name of the pattern and an address that the name
// leads to, which a rule accepts by the address.
func (c Compiled) PromisedAccepted(a PatternFlows) (Flow, bool) {
	if a.Name == (netset.Pattern{}) {
		return Flow{}, false
	}
	for _, led := range c.promised(a.Name) {
		b := a
		b.Name, b.Prefixes = netset.Pattern{}, led.grant.Prefixes
		if f, ok := c.Policy.Accepted(b); ok {
			f.Name = led.name
			return f, true
		}
	}
	return Flow{}, false
}

// Promise adds to endpoints the names that lead to no other addresses, and the
// addresses that no other names lead to.
func (c Compiled) Promise(e Endpoints) Endpoints {
	names := netset.NameSetOf(e.Names...)
	var more []netset.Pattern
	var prefixes netset.PrefixBuilder
	prefixes.AddSet(e.Prefixes)
	for i := range c.Grants {
		g := &c.Grants[i]
		if g.Any || len(g.Names) == 0 || g.Prefixes.IsEmpty() {
			continue
		}
		if e.Prefixes.Covers(g.Prefixes) {
			more = append(more, g.Names...)
		}
		beyond := func(n netset.Pattern) bool { _, is := names.Uncovered(n); return is }
		if len(e.Names) > 0 && !slices.ContainsFunc(g.Names, beyond) {
			prefixes.AddSet(g.Prefixes)
		}
	}
	return Endpoints{Prefixes: prefixes.Build(), Names: e.Names.Union(netset.PatternListOf(more))}
}

// Traffic returns the first packets of the pattern's flows to some remotes.
func (a PatternFlows) Traffic(remotes netset.PrefixSet) TrafficSet {
	return trafficOn(a.Direction, a.ours(), remotes)
}

// FlowOf returns a flow of a direction whose first packet is in the set; false if it is
// empty.
func (t TrafficSet) FlowOf(d Direction) (Flow, bool) {
	for _, f := range t.Flows(d) {
		one := Flow{Direction: d, Protocol: f.Service.Protocol, Port: f.Service.Ports.First}
		one.Remote = anAddress(f.Remote, one.Remote)
		one.Local = anAddress(f.Local, one.Remote)
		return one, true
	}
	return Flow{}, false
}

// Has reports whether the first packet of a flow is in the set, by the port that a
// filter sees.
func (t TrafficSet) Has(f Flow) bool {
	one := func(a netip.Addr) netset.PrefixSet { return netset.PrefixSetOf(netip.PrefixFrom(a, a.BitLen())) }
	ports := netset.ServicesOver(f.Protocol, []netset.PortRange{{First: f.Port, Last: f.Port}})
	packet := trafficOn(f.Direction, netset.ProductOf(ports, one(f.Local)), one(f.Remote))
	return !packet.IsEmpty() && !t.Intersect(packet).IsEmpty()
}

// oursIn returns where on our side packets of the set are of a direction.
func (t TrafficSet) oursIn(d Direction) where {
	var list []where
	for _, f := range t.Flows(d) {
		list = append(list, netset.ProductOf(netset.ServiceSetOf(f.Service), f.Local))
	}
	all, _ := netset.UniteProducts(list, nil)
	return all
}

// RefusedAt returns a flow of the pattern that a packet filter with the traffic set t
// does not accept. It relies on the promise for names: if a rule accepts a name, the
// filter must accept every address of that name. The flow has no address if the name
// has none.
func (c Compiled) RefusedAt(t TrafficSet, a PatternFlows, budget *netset.Budget) (Flow, bool) {
	if a.Name == (netset.Pattern{}) {
		return a.Traffic(a.Addresses()).Subtract(t).FlowOf(a.Direction)
	}
	rest := a.ours().Subtract(a.open(t, netset.EveryAddress()))
	var list []placed
	for _, led := range c.promised(a.Name) {
		g := led.grant
		on := c.Policy.oursOf(g.Services, g.Role).Intersect(rest)
		if g.Direction != a.Direction || on.IsEmpty() || a.Traffic(g.Prefixes).IsEmpty() {
			continue
		}
		if f, ok := trafficOn(a.Direction, on, g.Prefixes).Subtract(t).FlowOf(a.Direction); ok {
			f.Name = led.name
			return f, true
		}
		list = append(list, placed{on, Endpoints{Names: led.names}})
	}
	on, name := uncoveredName(a.Name, rest, list, budget)
	return a.flowOn(on, name, netset.PrefixSet{})
}

// open returns where on our side the traffic has every one of some remotes.
func (a PatternFlows) open(t TrafficSet, remotes netset.PrefixSet) where {
	return a.ours().Subtract(a.Traffic(remotes).Subtract(t).oursIn(a.Direction))
}

// AcceptedAt returns a flow of the pattern that a packet filter with the traffic set t
// accepts. It relies on the promise for names: a name that an entry gives with
// addresses resolves to these addresses, and no other name does.
func (c Compiled) AcceptedAt(t TrafficSet, a PatternFlows) (Flow, bool) {
	if a.Name == (netset.Pattern{}) {
		return t.Intersect(a.Traffic(a.Addresses())).FlowOf(a.Direction)
	}
	var listed []netset.Pattern
	for _, led := range c.promised(a.Name) {
		if f, ok := t.Intersect(a.Traffic(led.grant.Prefixes)).FlowOf(a.Direction); ok {
			f.Name = led.name
			return f, true
		}
		listed = append(listed, led.names...)
	}
	name, found, _ := netset.FindName([]netset.Pattern{a.Name}, listed, nil)
	if !found {
		return Flow{}, false
	}
	var taken netset.PrefixBuilder
	for i := range c.Grants {
		if g := &c.Grants[i]; len(g.Names) > 0 {
			taken.AddSet(g.Prefixes)
		}
	}
	others := netset.EveryAddress().Subtract(taken.Build())
	return a.flowOn(a.open(t, others), name, others)
}
