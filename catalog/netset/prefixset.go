package netset

import (
	"iter"
	"net/netip"
	"slices"
)

// PrefixSet is an immutable set of IPv4 and IPv6 addresses. The zero value is empty.
// IPv4-mapped IPv6 addresses are the IPv4 addresses that they map. "Any" is not a
// prefix set: see CoversFamily.
type PrefixSet struct {
	v4 []span[addr4]
	v6 []span[addr6]
}

// PrefixSetOf returns the union of the prefixes. Host bits are ignored, and so are
// invalid prefixes.
func PrefixSetOf(prefixes ...netip.Prefix) PrefixSet {
	var b PrefixBuilder
	for _, p := range prefixes {
		b.Add(p)
	}
	return b.Build()
}

// EveryAddress holds the whole of both families.
func EveryAddress() PrefixSet {
	return PrefixSetOf(netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0))
}

// IsEmpty reports whether the set holds no address.
func (s PrefixSet) IsEmpty() bool { return len(s.v4) == 0 && len(s.v6) == 0 }

// Len counts the minimal prefixes, in time linear in their number.
func (s PrefixSet) Len() int {
	n := 0
	for range s.Prefixes() {
		n++
	}
	return n
}

// Like returns the addresses of the family of a.
func (s PrefixSet) Like(a netip.Addr) PrefixSet {
	if a.Unmap().Is6() {
		return s.V6()
	}
	return s.V4()
}

// First returns the lowest address, IPv4 first; false if the set is empty.
func (s PrefixSet) First() (a netip.Addr, ok bool) {
	for a = range s.Ranges() {
		return a, true
	}
	return a, false
}

// Contains reports whether a is in the set, in O(log n). It is false for an invalid
// address and for one with a zone.
func (s PrefixSet) Contains(a netip.Addr) bool {
	if a.Zone() != "" {
		return false
	}
	a = a.Unmap()
	switch {
	case a.Is4():
		return contains(s.v4, addr4Of(a))
	case a.Is6():
		return contains(s.v6, addr6Of(a))
	}
	return false
}

// Covers reports whether s holds every address of t. Every set covers the empty set.
func (s PrefixSet) Covers(t PrefixSet) bool { return covers(s.v4, t.v4) && covers(s.v6, t.v6) }

// Overlaps reports whether an address is in both sets.
func (s PrefixSet) Overlaps(t PrefixSet) bool { return overlaps(s.v4, t.v4) || overlaps(s.v6, t.v6) }

// Equal reports whether both sets hold the same addresses.
func (s PrefixSet) Equal(t PrefixSet) bool {
	return slices.Equal(s.v4, t.v4) && slices.Equal(s.v6, t.v6)
}

// Union returns the addresses of either set.
func (s PrefixSet) Union(t PrefixSet) PrefixSet {
	return PrefixSet{union(s.v4, t.v4), union(s.v6, t.v6)}
}

// Intersect returns the addresses of both sets.
func (s PrefixSet) Intersect(t PrefixSet) PrefixSet {
	return PrefixSet{intersect(s.v4, t.v4), intersect(s.v6, t.v6)}
}

// Subtract returns the addresses of s that are not in t.
func (s PrefixSet) Subtract(t PrefixSet) PrefixSet {
	return PrefixSet{subtract(s.v4, t.v4), subtract(s.v6, t.v6)}
}

// V4 returns the IPv4 addresses of the set.
func (s PrefixSet) V4() PrefixSet { return PrefixSet{v4: s.v4} }

// V6 returns the IPv6 addresses of the set.
func (s PrefixSet) V6() PrefixSet { return PrefixSet{v6: s.v6} }

// CoversFamily reports for each address family whether the set covers all of it.
// Callers refuse such a set, because only a person may allow that, with the word "any".
func (s PrefixSet) CoversFamily() (v4, v6 bool) {
	return covers(s.v4, []span[addr4]{{0, maxAddr4}}), covers(s.v6, []span[addr6]{{addr6{}, maxAddr6}})
}

// HostsOnly reports whether every minimal prefix is a single address. It is false for
// the empty set.
func (s PrefixSet) HostsOnly() bool {
	for p := range s.Prefixes() {
		if !p.IsSingleIP() {
			return false
		}
	}
	return !s.IsEmpty()
}

// Prefixes yields the smallest list of masked prefixes that makes up the set, IPv4
// first, ascending.
func (s PrefixSet) Prefixes() iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		_ = yieldPrefixes(s.v4, yield) && yieldPrefixes(s.v6, yield)
	}
}

func yieldPrefixes[N address[N]](list []span[N], yield func(netip.Prefix) bool) bool {
	for _, s := range list {
		for first, done := s.first, false; !done; {
			end, length := first.block(s.last)
			if !yield(netip.PrefixFrom(first.ip(), length)) {
				return false
			}
			first, done = end.next(), end == s.last
		}
	}
	return true
}

// Ranges yields the first and last address of each maximal range: disjoint, no two
// adjacent, IPv4 first, ascending.
func (s PrefixSet) Ranges() iter.Seq2[netip.Addr, netip.Addr] {
	return func(yield func(first, last netip.Addr) bool) {
		_ = yieldRanges(s.v4, yield) && yieldRanges(s.v6, yield)
	}
}

func yieldRanges[N address[N]](list []span[N], yield func(first, last netip.Addr) bool) bool {
	for _, s := range list {
		if !yield(s.first.ip(), s.last.ip()) {
			return false
		}
	}
	return true
}

// AppendText appends the minimal prefixes in the order of Prefixes, joined by sep; a
// single address has no length.
func (s PrefixSet) AppendText(b []byte, sep string) []byte {
	b = slices.Grow(b, (len(s.v4)+len(s.v6))*(len("255.255.255.255/32")+len(sep)))
	start := len(b)
	for p := range s.Prefixes() {
		b = appendPrefix(b, p, sep, start)
	}
	return b
}

func appendPrefix(b []byte, p netip.Prefix, sep string, start int) []byte {
	if len(b) > start {
		b = append(b, sep...)
	}
	if p.IsSingleIP() {
		return p.Addr().AppendTo(b)
	}
	return p.AppendTo(b)
}

// AppendRanges is AppendText but for maximal ranges of more than two prefixes: such a
// one is its first and last address, with a hyphen between.
func (s PrefixSet) AppendRanges(b []byte, sep string) []byte {
	b = slices.Grow(b, (len(s.v4)+len(s.v6))*(len("255.255.255.255/32")+len(sep)))
	return appendRanges(appendRanges(b, s.v4, sep, len(b)), s.v6, sep, len(b))
}

func appendRanges[N address[N]](b []byte, list []span[N], sep string, start int) []byte {
	for i, s := range list {
		if isRange(s) {
			if len(b) > start {
				b = append(b, sep...)
			}
			b = s.last.ip().AppendTo(append(s.first.ip().AppendTo(b), '-'))
			continue
		}
		yieldPrefixes(list[i:i+1], func(p netip.Prefix) bool {
			b = appendPrefix(b, p, sep, start)
			return true
		})
	}
	return b
}

// isRange reports whether a span is of more than two prefixes.
func isRange[N address[N]](s span[N]) bool {
	end, _ := s.first.block(s.last)
	if end == s.last {
		return false
	}
	end, _ = end.next().block(s.last)
	return end != s.last
}

// Intervals yields the first and the last address of everything that AppendRanges
// writes, in its order.
func (s PrefixSet) Intervals() iter.Seq2[netip.Addr, netip.Addr] {
	return func(yield func(first, last netip.Addr) bool) {
		_ = yieldIntervals(s.v4, yield) && yieldIntervals(s.v6, yield)
	}
}

func yieldIntervals[N address[N]](list []span[N], yield func(first, last netip.Addr) bool) bool {
	for _, s := range list {
		if end, _ := s.first.block(s.last); end != s.last && !isRange(s) {
			if !yield(s.first.ip(), end.ip()) {
				return false
			}
			s.first = end.next()
		}
		if !yield(s.first.ip(), s.last.ip()) {
			return false
		}
	}
	return true
}

// String returns the minimal prefixes joined by ", ".
func (s PrefixSet) String() string { return string(s.AppendText(nil, ", ")) }

// Size counts the maximal ranges.
func (s PrefixSet) Size() int { return len(s.v4) + len(s.v6) }

// Hash is the same for equal sets.
func (s PrefixSet) Hash() uint64 {
	h := newHash
	for _, r := range s.v4 {
		h = h.add(uint64(r.first)<<32 | uint64(r.last))
	}
	for _, r := range s.v6 {
		h = h.add(r.first.high).add(r.first.low).add(r.last.high).add(r.last.low)
	}
	return uint64(h)
}

func (s PrefixSet) lists() ([]span[addr4], []span[addr6]) { return s.v4, s.v6 }

func (PrefixSet) both(v4 []span[addr4], v6 []span[addr6]) PrefixSet { return PrefixSet{v4, v6} }

func (PrefixSet) sweep() sweep[PrefixSet] { return spans[addr4, addr6, PrefixSet]{} }

// Touching returns the maximal ranges of s that hold an address of t, whole.
func (s PrefixSet) Touching(t PrefixSet) PrefixSet {
	return PrefixSet{touching(s.v4, t.v4), touching(s.v6, t.v6)}
}

// Unlike returns the maximal ranges of s that are not maximal ranges of t. Their
// prefixes are not necessarily minimal prefixes of t.
func (s PrefixSet) Unlike(t PrefixSet) PrefixSet {
	return PrefixSet{unlike(s.v4, t.v4), unlike(s.v6, t.v6)}
}
