package netset

import (
	"cmp"
	"net/netip"
	"slices"
)

// PrefixBuilder gathers addresses for a PrefixSet. The zero value is ready. It must not
// be copied while in use.
type PrefixBuilder struct {
	v4 []span[addr4]
	v6 []span[addr6]
}

// Add adds the addresses of p. Host bits are ignored; an invalid prefix adds nothing.
func (b *PrefixBuilder) Add(p netip.Prefix) {
	if !p.IsValid() {
		return
	}
	length := p.Bits()
	if p.Addr().Is4() {
		first := addr4Of(p.Addr()) &^ (maxAddr4 >> length)
		b.v4 = extend(b.v4, span[addr4]{first, first | maxAddr4>>length})
		return
	}
	mask := addr6{^uint64(0) >> min(length, 64), ^uint64(0) >> max(length-64, 0)}
	a := addr6Of(p.Addr())
	b.add6(addr6{a.high &^ mask.high, a.low &^ mask.low}, addr6{a.high | mask.high, a.low | mask.low})
}

// AddRange adds the addresses from first to last, both included. It adds nothing if one
// of them is invalid or has a zone, if last is before first, or if they are of
// different families. A range of IPv6 addresses that reaches into the IPv4-mapped block
// adds no IPv4 address.
func (b *PrefixBuilder) AddRange(first, last netip.Addr) {
	if first.Zone() != "" || last.Zone() != "" || !first.IsValid() || !last.IsValid() {
		return
	}
	if u, v := first.Unmap(), last.Unmap(); u.Is4() && v.Is4() {
		b.add4(addr4Of(u), addr4Of(v))
	} else if first.Is6() && last.Is6() {
		b.add6(addr6Of(first), addr6Of(last))
	}
}

// AddSet adds the addresses of s.
func (b *PrefixBuilder) AddSet(s PrefixSet) {
	for _, r := range s.v4 {
		b.v4 = extend(b.v4, r)
	}
	for _, r := range s.v6 {
		b.v6 = extend(b.v6, r)
	}
}

func (b *PrefixBuilder) add4(first, last addr4) {
	if first <= last {
		b.v4 = extend(b.v4, span[addr4]{first, last})
	}
}

func (b *PrefixBuilder) add6(first, last addr6) {
	if first.isMapped() && last.isMapped() {
		b.add4(addr4(first.low), addr4(last.low))
		return
	}
	if first.isMapped() {
		first = afterMapped
	}
	if last.isMapped() {
		last = beforeMapped
	}
	if !last.less(first) {
		b.v6 = extend(b.v6, span[addr6]{first, last})
	}
}

// Build returns the set of everything added so far. The builder keeps its content and
// may be used further.
func (b *PrefixBuilder) Build() PrefixSet {
	sort4(b.v4)
	sortBy(b.v6, func(x, y span[addr6]) int {
		return cmp.Or(cmp.Compare(x.first.high, y.first.high), cmp.Compare(x.first.low, y.first.low))
	})
	b.v4, b.v6 = join(b.v4), join(b.v6)
	return PrefixSet{slices.Clone(b.v4), slices.Clone(b.v6)}
}

// sort4 orders by first. Long lists, such as address lists of a million lines, are
// worth a radix sort.
func sort4(list []span[addr4]) {
	byFirst := func(a, b span[addr4]) int { return cmp.Compare(a.first, b.first) }
	switch {
	case slices.IsSortedFunc(list, byFirst):
	case len(list) < 1<<15:
		slices.SortFunc(list, byFirst)
	default:
		radixSort4(list)
	}
}

// radixSort4 orders by first, sixteen bits a pass, the low half first. The even number
// of passes ends in list.
func radixSort4(list []span[addr4]) {
	spare := make([]span[addr4], len(list))
	for _, shift := range []uint{0, 16} {
		place := make([]int, 1<<16)
		for _, s := range list {
			place[uint16(s.first>>shift)]++
		}
		total := 0
		for digit, n := range place {
			place[digit] = total
			total += n
		}
		for _, s := range list {
			digit := uint16(s.first >> shift)
			spare[place[digit]] = s
			place[digit]++
		}
		list, spare = spare, list
	}
}
