package rule

import (
	"cmp"
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

// Over returns the boxes of one with its parts and a protocol and ports of its own: both
// TCP and UDP for the zero protocol, and every port for none.
func (b Box) Over(protocol netset.Protocol, ports []netset.PortRange) []Box {
	protocols := []netset.Protocol{protocol}
	if protocol == 0 {
		protocols = []netset.Protocol{netset.TCP, netset.UDP}
	}
	if len(ports) == 0 {
		ports = []netset.PortRange{{First: 1, Last: 65535}}
	}
	var boxes []Box
	for _, b.Protocol = range protocols {
		for _, b.Ports = range ports {
			boxes = append(boxes, b)
		}
	}
	return boxes
}

// Region is an immutable set of flows as a packet filter sees them, by addresses and
// ports: a product of ports, local and remote addresses for each plane. The zero value
// is empty. Two regions that were made of different boxes for the same flows are equal,
// with one exception: the ports before and after a DNAT are kept apart, so that all
// ports of the one kind do not equal all of the other.
type Region struct{ planes map[plane]portPairs }

type portPairs = netset.Product[netset.PortSet, pairs]

// pairs are pairs of a local and a remote address.
type pairs = netset.Product[netset.PrefixSet, netset.PrefixSet]

// plane is what flows of a Region are told apart by beside ports and addresses.
type plane struct {
	direction Direction
	protocol  netset.Protocol
	published bool
	v6        bool
}

// Boxes returns what a packet filter accepts of one rule, none of it empty.
func (p *Policy) Boxes(r *Rule) []Box {
	remote := r.Remote.Prefixes()
	if r.Remote.Any {
		remote = netset.EveryAddress()
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
	byPlane := map[plane][]portPairs{}
	for _, b := range boxes {
		if b.Ports.First == 0 {
			continue
		}
		ports := netset.PortRangeSet(b.Ports.First, b.Ports.Last)
		for _, v6 := range []bool{false, true} {
			one := netset.ProductOf(family(b.Local, v6), family(b.Remote, v6))
			if ports.IsEmpty() || one.IsEmpty() {
				continue
			}
			k := plane{b.Direction, b.Protocol, b.Published && b.Direction == Inbound, v6}
			byPlane[k] = append(byPlane[k], netset.ProductOf(ports, one))
		}
	}
	r := Region{planes: map[plane]portPairs{}}
	for k, list := range byPlane {
		r.planes[k], _ = netset.UniteProducts(list, nil)
	}
	return r
}

func family(s netset.PrefixSet, v6 bool) netset.PrefixSet {
	if v6 {
		return s.V6()
	}
	return s.V4()
}

// Union returns the flows of either region.
func (r Region) Union(s Region) Region { return r.each(s, portPairs.Union) }

// Subtract returns the flows of r that are not in s.
func (r Region) Subtract(s Region) Region { return r.each(s, portPairs.Subtract) }

func (r Region) each(s Region, join func(a, b portPairs) portPairs) Region {
	out := Region{planes: map[plane]portPairs{}}
	for _, planes := range []map[plane]portPairs{r.planes, s.planes} {
		for k := range planes {
			if _, done := out.planes[k]; !done {
				out.planes[k] = join(r.planes[k], s.planes[k])
			}
		}
	}
	return out
}

// IsEmpty reports whether no flow is in the region.
func (r Region) IsEmpty() bool {
	for _, p := range r.planes {
		if !p.IsEmpty() {
			return false
		}
	}
	return true
}

// Equal reports whether both regions hold the same flows.
func (r Region) Equal(s Region) bool { return r.Subtract(s).IsEmpty() && s.Subtract(r).IsEmpty() }

// Boxes returns the region as disjoint boxes in a canonical form: sorted by
// direction (outbound first), protocol, family, kind of port, ports and local
// addresses.
func (r Region) Boxes() []Box {
	var boxes []Box
	for _, k := range r.sortedPlanes() {
		from := len(boxes)
		for ports, all := range r.planes[k].All() {
			for first, last := range ports.Ranges() {
				for local, remote := range all.All() {
					boxes = append(boxes, Box{k.direction, k.protocol, netset.PortRange{First: first, Last: last}, k.published, local, remote})
				}
			}
		}
		// Ports with the same addresses come together; their ranges go by number.
		slices.SortStableFunc(boxes[from:], func(a, b Box) int { return cmp.Compare(a.Ports.First, b.Ports.First) })
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
