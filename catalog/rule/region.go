package rule

import (
	"cmp"
	"net/netip"
	"slices"

	"gatewright/catalog/netset"
)

// Box is the set of flows with every combination of its parts; addresses combine
// within one family alone.
type Box struct {
	Direction Direction
	Protocol  netset.Protocol
	Ports     netset.PortRange

	// Published says that Ports are of the connection's original destination, before
	// any DNAT. Outbound boxes never are.
	Published bool

	Local, Remote netset.PrefixSet
}

// Region is an immutable set of flows as a packet filter sees them, by addresses
// and ports. The zero value is empty. Two regions that were made of different boxes
// for the same flows are equal, with one exception: the ports before and after a
// DNAT are kept apart, so that all ports of the one kind do not equal all of the
// other.
type Region struct{ planes map[plane][]slab }

// plane is what flows of a Region are told apart by beside ports and addresses.
type plane struct {
	direction Direction
	protocol  netset.Protocol
	published bool
	v6        bool
}

// slab is a range of ports with the same pairs of addresses. The slabs of a plane
// are sorted and disjoint, and neighbours differ.
type slab struct {
	ports netset.PortRange
	parts []part
}

// part is every pair of a local and a remote address. The parts of a slab have
// disjoint locals and different remotes, none empty, and are sorted by local.
type part struct{ local, remote netset.PrefixSet }

// wholeSpace holds every address of both families.
func wholeSpace() netset.PrefixSet {
	return netset.PrefixSetOf(netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0))
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

// Boxes returns what a packet filter accepts of one rule, none of it empty.
func (p *Policy) Boxes(r *Rule) []Box {
	remote := r.Remote.Prefixes()
	if r.Remote.Any {
		remote = wholeSpace()
	}
	b := p.Binding(r.Role)
	plain, published := b.Local(), netset.PrefixSet{}
	if r.Direction == Inbound {
		plain, published = b.Addresses, b.Published
	}
	var boxes []Box
	for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
		for _, ports := range r.Services.Ports(protocol) {
			for i, local := range []netset.PrefixSet{plain, published} {
				if !local.IsEmpty() && !remote.IsEmpty() {
					boxes = append(boxes, Box{r.Direction, protocol, ports, i == 1, local, remote})
				}
			}
		}
	}
	return boxes
}

// RegionOf returns the union of the boxes.
func RegionOf(boxes ...Box) Region {
	byPlane := map[plane][]slab{}
	for _, b := range boxes {
		for _, v6 := range []bool{false, true} {
			one := part{family(b.Local, v6), family(b.Remote, v6)}
			if one.local.IsEmpty() || one.remote.IsEmpty() || b.Ports.First == 0 || b.Ports.Last < b.Ports.First {
				continue
			}
			k := plane{b.Direction, b.Protocol, b.Published && b.Direction == Inbound, v6}
			byPlane[k] = append(byPlane[k], slab{b.Ports, []part{one}})
		}
	}
	r := Region{planes: map[plane][]slab{}}
	for k, slabs := range byPlane {
		r.planes[k] = combine(slabs, nil, func(parts, _ []part) []part { return unite(parts) })
	}
	return r
}

func family(s netset.PrefixSet, v6 bool) netset.PrefixSet {
	if v6 {
		return s.V6()
	}
	return s.V4()
}

// combine cuts the slabs of a and b, which may overlap, at each other's edges and
// puts in the place of each piece what join makes of the parts of both.
func combine(a, b []slab, join func(a, b []part) []part) []slab {
	var out []slab
	edges := edgesOf(a, b)
	sweepA, sweepB := newSweep(a), newSweep(b)
	for i, first := range edges {
		last := uint32(65535)
		if i+1 < len(edges) {
			last = edges[i+1] - 1
		}
		if first > 65535 {
			break
		}
		parts := join(sweepA.at(uint16(first)), sweepB.at(uint16(first)))
		ports := netset.PortRange{First: uint16(first), Last: uint16(last)}
		if n := len(out); n > 0 && uint32(out[n-1].ports.Last)+1 == first && equalParts(out[n-1].parts, parts) {
			out[n-1].ports.Last = ports.Last
			continue
		}
		if len(parts) > 0 {
			out = append(out, slab{ports, parts})
		}
	}
	return out
}

// edgesOf returns where a slab starts, or the port after where one ends.
func edgesOf(lists ...[]slab) []uint32 {
	var edges []uint32
	for _, list := range lists {
		for _, s := range list {
			edges = append(edges, uint32(s.ports.First), uint32(s.ports.Last)+1)
		}
	}
	slices.Sort(edges)
	return slices.Compact(edges)
}

// sweep walks over slabs from port to port.
type sweep struct {
	waiting []slab // by first port
	active  []slab
}

func newSweep(slabs []slab) *sweep {
	return &sweep{waiting: slices.SortedStableFunc(slices.Values(slabs), func(x, y slab) int { return cmp.Compare(x.ports.First, y.ports.First) })}
}

// at returns the parts of every slab that holds the port. Ports must be asked in
// ascending order.
func (s *sweep) at(port uint16) (parts []part) {
	s.active = slices.DeleteFunc(s.active, func(one slab) bool { return one.ports.Last < port })
	for len(s.waiting) > 0 && s.waiting[0].ports.First <= port {
		s.active, s.waiting = append(s.active, s.waiting[0]), s.waiting[1:]
	}
	for _, one := range s.active {
		parts = append(parts, one.parts...)
	}
	return parts
}

// unite makes parts canonical whose locals overlap.
func unite(parts []part) []part {
	var out []part
	for _, p := range joinLocals(parts) {
		rest := p.local
		var next []part
		for _, o := range out {
			if !o.local.Overlaps(p.local) {
				next = append(next, o)
				continue
			}
			next = append(next, part{o.local.Intersect(p.local), o.remote.Union(p.remote)})
			if left := o.local.Subtract(p.local); !left.IsEmpty() {
				next = append(next, part{left, o.remote})
			}
			rest = rest.Subtract(o.local)
		}
		if !rest.IsEmpty() {
			next = append(next, part{rest, p.remote})
		}
		out = next
	}
	return joinRemotes(out)
}

// joinLocals unites the remotes of parts with the same locals.
func joinLocals(parts []part) []part {
	var locals []netset.PrefixSet
	var remotes []*netset.PrefixBuilder
	for _, p := range parts {
		i := slices.IndexFunc(locals, p.local.Equal)
		if i < 0 {
			i = len(locals)
			locals, remotes = append(locals, p.local), append(remotes, &netset.PrefixBuilder{})
		}
		remotes[i].AddSet(p.remote)
	}
	out := make([]part, len(locals))
	for i := range locals {
		out[i] = part{locals[i], remotes[i].Build()}
	}
	return out
}

// joinRemotes unites the disjoint locals of parts with the same remotes, drops empty
// ones, and sorts.
func joinRemotes(parts []part) []part {
	var out []part
	for _, p := range parts {
		if p.local.IsEmpty() || p.remote.IsEmpty() {
			continue
		}
		i := slices.IndexFunc(out, func(o part) bool { return o.remote.Equal(p.remote) })
		if i < 0 {
			out = append(out, p)
			continue
		}
		out[i].local = out[i].local.Union(p.local)
	}
	slices.SortFunc(out, func(a, b part) int { return firstAddress(a.local).Compare(firstAddress(b.local)) })
	return out
}

func firstAddress(s netset.PrefixSet) netip.Addr {
	for first := range s.Ranges() {
		return first
	}
	return netip.Addr{}
}

func equalParts(a, b []part) bool {
	return slices.EqualFunc(a, b, func(x, y part) bool { return x.local.Equal(y.local) && x.remote.Equal(y.remote) })
}

// without returns the pairs of a that are not in b; both are canonical.
func without(a, b []part) []part {
	var out []part
	for _, p := range a {
		rest := p.local
		for _, q := range b {
			if both := p.local.Intersect(q.local); !both.IsEmpty() {
				out = append(out, part{both, p.remote.Subtract(q.remote)})
				rest = rest.Subtract(q.local)
			}
		}
		out = append(out, part{rest, p.remote})
	}
	return joinRemotes(out)
}

// Union returns the flows of either region.
func (r Region) Union(s Region) Region {
	return r.each(s, func(a, b []part) []part { return unite(slices.Concat(a, b)) })
}

// Subtract returns the flows of r that are not in s.
func (r Region) Subtract(s Region) Region { return r.each(s, without) }

func (r Region) each(s Region, join func(a, b []part) []part) Region {
	out := Region{planes: map[plane][]slab{}}
	for _, planes := range []map[plane][]slab{r.planes, s.planes} {
		for k := range planes {
			if _, done := out.planes[k]; !done {
				out.planes[k] = combine(r.planes[k], s.planes[k], join)
			}
		}
	}
	return out
}

// IsEmpty reports whether no flow is in the region.
func (r Region) IsEmpty() bool {
	for _, slabs := range r.planes {
		if len(slabs) > 0 {
			return false
		}
	}
	return true
}

// Equal reports whether both regions hold the same flows.
func (r Region) Equal(s Region) bool { return r.Subtract(s).IsEmpty() && s.Subtract(r).IsEmpty() }

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
		slabs := r.planes[plane{f.Direction, f.Protocol, published, !f.Local.Unmap().Is4()}]
		i, _ := slices.BinarySearchFunc(slabs, port, func(s slab, port uint16) int { return cmp.Compare(s.ports.Last, port) })
		if i < len(slabs) && slabs[i].ports.Contains(port) && slices.ContainsFunc(slabs[i].parts, func(p part) bool {
			return p.local.Contains(f.Local) && p.remote.Contains(f.Remote)
		}) {
			return true
		}
	}
	return false
}

// Boxes returns the region as disjoint boxes in a canonical form: sorted by
// direction (outbound first), protocol, family, kind of port, ports and local
// addresses.
func (r Region) Boxes() []Box {
	var boxes []Box
	for _, k := range r.sortedPlanes() {
		for _, s := range r.planes[k] {
			for _, p := range s.parts {
				boxes = append(boxes, Box{k.direction, k.protocol, s.ports, k.published, p.local, p.remote})
			}
		}
	}
	return boxes
}

func (r Region) sortedPlanes() []plane {
	var planes []plane
	for k := range r.planes {
		planes = append(planes, k)
	}
	number := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	slices.SortFunc(planes, func(a, b plane) int {
		return cmp.Or(
			-cmp.Compare(a.direction, b.direction),
			cmp.Compare(a.protocol, b.protocol),
			cmp.Compare(number(a.v6), number(b.v6)),
			cmp.Compare(number(a.published), number(b.published)),
		)
	})
	return planes
}
