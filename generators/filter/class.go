package filter

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"gatewright/catalog/netset"
)

// class is the addresses that the same rules hold.
type class struct {
	rules    []int // ascending
	prefixes netset.PrefixSet
}

// classesOf cuts the addresses of the sets, all of one family, by which sets hold
// them: disjoint classes in the order of their rules. It takes O(n log n) for n ranges,
// and beside that as long as all classes' rules together.
func classesOf(sets []netset.PrefixSet) []class {
	if len(sets) == 1 {
		return []class{{[]int{0}, sets[0]}}
	}
	s := sweep{builders: map[string]*netset.PrefixBuilder{}}
	for i, e := range edgesOf(sets) {
		if i > 0 && len(s.active) > 0 && s.at != e.at {
			s.add(e.at)
		}
		s.at = e.at
		s.turn(e)
	}
	if len(s.active) > 0 { // up to the family's last address, which has no next
		s.add(netip.Addr{})
	}
	return s.classes()
}

// edge is where a range of a set starts, or the address after its end; invalid after
// the last address of a family.
type edge struct {
	at    netip.Addr
	set   int
	start bool
}

// edgesOf returns the edges in ascending order, without those after the last address.
func edgesOf(sets []netset.PrefixSet) []edge {
	var edges []edge
	for i, s := range sets {
		for first, last := range s.Ranges() {
			edges = append(edges, edge{first, i, true})
			if next := last.Next(); next.IsValid() {
				edges = append(edges, edge{next, i, false})
			}
		}
	}
	slices.SortFunc(edges, func(a, b edge) int { return a.at.Compare(b.at) })
	return edges
}

// sweep is the addresses up to at, and the sets that hold what follows.
type sweep struct {
	at       netip.Addr
	active   []int // ascending
	key      []byte
	order    []string
	builders map[string]*netset.PrefixBuilder
}

func (s *sweep) turn(e edge) {
	i, found := slices.BinarySearch(s.active, e.set)
	switch {
	case e.start && !found:
		s.active = slices.Insert(s.active, i, e.set)
	case !e.start && found:
		s.active = slices.Delete(s.active, i, i+1)
	}
}

// add puts the addresses from at to before end into the class of the active sets.
func (s *sweep) add(end netip.Addr) {
	s.key = s.key[:0]
	for _, i := range s.active {
		s.key = binary.BigEndian.AppendUint32(s.key, uint32(i))
	}
	b, known := s.builders[string(s.key)]
	if !known {
		b = &netset.PrefixBuilder{}
		s.builders[string(s.key)] = b
		s.order = append(s.order, string(s.key))
	}
	last := lastOf(s.at)
	if end.IsValid() {
		last = end.Prev()
	}
	b.AddRange(s.at, last)
}

// lastOf is the last address of an address's family.
func lastOf(a netip.Addr) netip.Addr {
	bytes := a.AsSlice()
	for i := range bytes {
		bytes[i] = 0xff
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last
}

func (s *sweep) classes() []class {
	slices.Sort(s.order) // big-endian keys sort as their numbers do
	out := make([]class, len(s.order))
	for i, key := range s.order {
		out[i].prefixes = s.builders[key].Build()
		for j := 0; j < len(key); j += 4 {
			out[i].rules = append(out[i].rules, int(binary.BigEndian.Uint32([]byte(key[j:]))))
		}
	}
	return out
}
