package netset

import (
	"iter"
	"slices"
)

// port is a number of 16 bits.
type port uint16

func (p port) less(q port) bool { return p < q }
func (p port) next() port       { return p + 1 }
func (p port) prev() port       { return p - 1 }

// PortSet is the simplest axis: a set of 16-bit numbers.
type PortSet struct{ list []span[port] }

// PortRangeSet returns the set of the numbers from first to last, both included; the
// empty set if last is before first.
func PortRangeSet(first, last uint16) PortSet {
	if last < first {
		return PortSet{}
	}
	return PortSet{[]span[port]{{port(first), port(last)}}}
}

// IsEmpty reports whether the set holds no number.
func (s PortSet) IsEmpty() bool { return len(s.list) == 0 }

// Equal reports whether both sets hold the same numbers.
func (s PortSet) Equal(t PortSet) bool { return slices.Equal(s.list, t.list) }

// Union returns the numbers of either set.
func (s PortSet) Union(t PortSet) PortSet { return PortSet{union(s.list, t.list)} }

// Intersect returns the numbers of both sets.
func (s PortSet) Intersect(t PortSet) PortSet { return PortSet{intersect(s.list, t.list)} }

// Subtract returns the numbers of s that are not in t.
func (s PortSet) Subtract(t PortSet) PortSet { return PortSet{subtract(s.list, t.list)} }

// Ranges yields the first and last number of each maximal range, ascending.
func (s PortSet) Ranges() iter.Seq2[uint16, uint16] {
	return func(yield func(first, last uint16) bool) {
		for _, r := range s.list {
			if !yield(uint16(r.first), uint16(r.last)) {
				return
			}
		}
	}
}

// Size counts the ranges.
func (s PortSet) Size() int { return len(s.list) }

// Hash is the same for equal sets.
func (s PortSet) Hash() uint64 {
	h := newHash
	for _, r := range s.list {
		h = h.add(uint64(r.first)<<16 | uint64(r.last))
	}
	return uint64(h)
}

func (s PortSet) lists() (a []span[port], b []span[port]) { return s.list, nil }

func (PortSet) both(a, _ []span[port]) PortSet { return PortSet{a} }

func (PortSet) sweep() sweep[PortSet] { return spans[port, port, PortSet]{} }
