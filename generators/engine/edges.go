package engine

import (
	"net/netip"
	"slices"

	"gatewright/catalog/netset"
)

// addressEdges returns the first and last address of some prefixes, and their
// neighbours outside, where the address space goes on.
func (b *boundary) addressEdges(s netset.PrefixSet) []netip.Addr {
	var edges []netip.Addr
	for _, p := range spread(slices.Collect(s.Prefixes()), b.limits.Prefixes) {
		first, last := p.Addr(), lastOf(p)
		for _, a := range []netip.Addr{first.Prev(), first, last, last.Next()} {
			if a.IsValid() {
				edges = append(edges, a)
			}
		}
	}
	return edges
}

// firstOf returns the lowest address of a set that is not empty.
func firstOf(s netset.PrefixSet) netip.Addr {
	for a := range s.Ranges() {
		return a
	}
	return netip.Addr{}
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := range b {
		if host := p.Bits() - 8*i; host < 8 {
			b[i] |= 0xff >> max(host, 0)
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// portEdges returns both sides of a range's edges; 0 is no port.
func portEdges(r netset.PortRange) []uint16 {
	edges := []uint16{r.First - 1, r.First, r.Last}
	if r.Last < 65535 {
		edges = append(edges, r.Last+1)
	}
	return edges
}

// portOutside returns a port that the services lack for the protocol.
func portOutside(s netset.ServiceSet, protocol netset.Protocol) (uint16, bool) {
	for port := uint16(8443); port != 8442; port++ {
		if port != 0 && !s.Contains(protocol, port) {
			return port, true
		}
	}
	return 0, false
}
