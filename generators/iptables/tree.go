package iptables

import (
	mathbits "math/bits"
	"net/netip"
	"slices"
	"sort"

	"gatewright/catalog/netset"
)

// Shape of a tree. A chain of more than leafSize prefixes sends packets on to cells
// of at most one in fanOut of its prefixes, and at least half of that, so that a
// packet walks at most 2*fanOut+1 rules a level. iptables-nft loads no chain that is
// 16 jumps away from the hook: a wide tree is a low one.
const (
	leafSize = 8
	fanOut   = 8
)

// tree is chains that match a set of addresses in place of a set of ipset. A packet
// walks from chain 0 to the chain of the smallest cell that it lies in, by goto, so
// that it never comes back to a sibling.
type tree struct{ chains []treeChain }

// treeChain is one chain: its cells in this order, then its prefixes.
type treeChain struct {
	cells    []cell
	prefixes []netip.Prefix
}

// cell sends the addresses of a prefix that no earlier cell of its chain has to
// another chain of the tree.
type cell struct {
	within netip.Prefix
	chain  int
}

// newTree makes the tree of a set of one family that is not empty.
func newTree(s netset.PrefixSet) tree {
	lists := [][]netip.Prefix{slices.Collect(s.Prefixes())}
	var t tree
	for i := 0; i < len(lists); i++ {
		var c treeChain
		rest := lists[i]
		limit := max(leafSize, (len(rest)+fanOut-1)/fanOut)
		for len(rest) > leafSize {
			first, end := heavy(rest, limit)
			c.cells = append(c.cells, cell{common(rest[first], rest[end-1]), len(lists)})
			lists = append(lists, rest[first:end])
			rest = slices.Concat(rest[:first], rest[end:])
		}
		c.prefixes = rest
		t.chains = append(t.chains, c)
	}
	return t
}

// heavy returns a run of at most limit prefixes, and of half as many at least if
// there are more than limit, that are all prefixes of the list in one cell: it goes
// to the heavier half of the address space until that is light enough.
func heavy(list []netip.Prefix, limit int) (first, end int) {
	end = len(list)
	for end-first > limit {
		bit := common(list[first], list[end-1]).Bits()
		middle := first + sort.Search(end-first, func(i int) bool { return bitOf(list[first+i].Addr(), bit) })
		if middle-first >= end-middle {
			end = middle
		} else {
			first = middle
		}
	}
	return first, end
}

// common returns the longest prefix that holds two prefixes of one family.
func common(p, q netip.Prefix) netip.Prefix {
	n := min(p.Bits(), q.Bits())
	a, b := p.Addr().AsSlice(), q.Addr().AsSlice()
	for i := range a {
		if d := a[i] ^ b[i]; d != 0 {
			n = min(n, 8*i+mathbits.LeadingZeros8(d))
			break
		}
	}
	return netip.PrefixFrom(p.Addr(), n).Masked()
}

// bitOf returns bit i of an address, counted from the left.
func bitOf(a netip.Addr, i int) bool {
	return a.AsSlice()[i/8]&(0x80>>(i%8)) != 0
}

// len counts the prefixes.
func (t tree) len() int {
	n := 0
	for _, c := range t.chains {
		n += len(c.prefixes)
	}
	return n
}

// single returns the only prefix of the tree, if it has but one.
func (t tree) single() (netip.Prefix, bool) {
	if len(t.chains) > 1 || len(t.chains[0].prefixes) > 1 {
		return netip.Prefix{}, false
	}
	return t.chains[0].prefixes[0], true
}
