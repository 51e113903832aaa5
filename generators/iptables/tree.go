package iptables

import (
	mathbits "math/bits"
	"net/netip"
	"slices"
	"sort"

	"gatewright/catalog/netset"
)

// Shape of a tree. A chain of more than leafSize lines sends packets on to cells of
// about one in fanOut of its prefixes, so that a packet walks at most
// 2*fanOut+leafSize+1 rules a level: a jump costs as much as ten of them. iptables-nft
// loads no chain that is 16 jumps away from the hook, and takes long for many chains: a
// wide tree is low and has few.
const (
	leafSize = 16
	fanOut   = 8
)

// tree is chains that tell the targets of addresses apart. A packet walks from chain 0
// to the chain of the smallest cell that it lies in, by goto, so that it never comes
// back to a sibling.
type tree struct{ chains []treeChain }

// treeChain is one chain: its cells in this order, then its leaves.
type treeChain struct {
	cells  []cell
	leaves []leaf
}

// cell sends the addresses of a prefix that no earlier cell of its chain has to
// another chain of the tree.
type cell struct {
	within netip.Prefix
	chain  int
}

// leaf is a prefix of a target or, if the target's prefixes stand in a set, any of
// those.
type leaf struct {
	prefix netip.Prefix
	target int
	inSet  bool
}

// newTree makes the tree of disjoint sets of one family, one for each target.
func newTree(sets []netset.PrefixSet, inSet func(target int) bool) tree {
	var all []leaf
	for target, s := range sets {
		for p := range s.Prefixes() {
			all = append(all, leaf{p, target, inSet(target)})
		}
	}
	slices.SortFunc(all, func(a, b leaf) int { return a.prefix.Compare(b.prefix) })
	lists := [][]leaf{all}
	var t tree
	for i := 0; i < len(lists); i++ {
		var c treeChain
		rest := lists[i]
		limit := limitOf(len(rest))
		for len(linesOf(rest)) > leafSize {
			first, end := heavy(rest, limit)
			c.cells = append(c.cells, cell{common(rest[first].prefix, rest[end-1].prefix), len(lists)})
			lists = append(lists, rest[first:end])
			rest = slices.Concat(rest[:first], rest[end:])
		}
		c.leaves = linesOf(rest)
		t.chains = append(t.chains, c)
	}
	return t
}

// limitOf bounds the prefixes of a cell. It jumps with the powers of two, so that one
// prefix more does not move the others.
func limitOf(n int) int { return max(leafSize, 1<<mathbits.Len(uint(n-1))/fanOut) }

// linesOf returns the leaves that make a line, those of a set once: no more than one
// too many for a chain without cells.
func linesOf(list []leaf) (lines []leaf) {
	seen := map[int]bool{}
	for _, l := range list {
		switch {
		case len(lines) > leafSize:
			return lines
		case l.inSet && seen[l.target]:
			continue
		}
		seen[l.target] = true
		lines = append(lines, l)
	}
	return lines
}

// heavy returns a run of at most limit prefixes, and of half as many at least if
// there are more than limit, that are all prefixes of the list in one cell: it goes
// to the heavier half of the address space until that is light enough.
func heavy(list []leaf, limit int) (first, end int) {
	end = len(list)
	for end-first > limit {
		bit := common(list[first].prefix, list[end-1].prefix).Bits()
		middle := first + sort.Search(end-first, func(i int) bool { return bitOf(list[first+i].prefix.Addr(), bit) })
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
