package iptables

import (
	"fmt"
	"net/netip"
	"slices"

	"gatewright/catalog/netset"
	"gatewright/generators/filter"
)

// element is addresses that lead to a chain.
type element struct {
	prefixes netset.PrefixSet
	chain    string
}

// tree adds chains that send addresses of one end of a packet from start on to
// elements: the lines between them, and those that lead to each element.
func (b *lowering) tree(start, stem string, end filter.End, elements []element) (inner []line, leaves [][]line) {
	sets, sizes, total := make([]netset.PrefixSet, len(elements)), make([]int, len(elements)), 0
	for i, e := range elements {
		sets[i], sizes[i] = e.prefixes, e.prefixes.Len()
		total += sizes[i]
	}
	named := make([]filter.Addresses, len(elements))
	for i, size := range sizes {
		if b.config.ipset && total > maxInline && size > leafSize {
			named[i] = b.addSet(elements[i], size)
		} else {
			b.elements += size
		}
	}
	leaves = make([][]line, len(elements))
	if len(elements) == 0 || b.err != nil {
		return nil, leaves
	}
	use := newTree(sets, func(i int) bool { return named[i].Set != "" })
	chains := make([]string, len(use.chains))
	chains[0] = start
	for i, c := range use.chains {
		for _, cell := range c.cells {
			chains[cell.chain] = b.declare(b.cellChain(stem, cell.within))
			b.cells[chains[cell.chain]] = true
			inner = append(inner, b.wayLine(chains[i], end, filter.Addresses{Prefix: cell.within}, chains[cell.chain]))
		}
		for _, l := range c.leaves {
			a := filter.Addresses{Prefix: l.prefix}
			if l.inSet {
				a = named[l.target]
			}
			leaves[l.target] = append(leaves[l.target], b.wayLine(chains[i], end, a, elements[l.target].chain))
		}
	}
	return inner, leaves
}

func (b *lowering) wayLine(chain string, end filter.End, a filter.Addresses, to string) line {
	r := filter.Rule{Match: filter.Match{Family: filter.Family(b.family)}, Verdict: filter.Goto, Target: to}
	switch {
	case a.Prefix.IsValid() && a.Prefix.Bits() == 0: // every address that is left
	case end == filter.Source:
		r.From = a
	default:
		r.To = a
	}
	return line{chain: chain, Rule: r}
}

// cellChain names the chain of a cell by its addresses, so that it keeps its name while
// others change.
func (b *lowering) cellChain(stem string, cell netip.Prefix) string {
	digits := fmt.Sprintf("%x", cell.Addr().AsSlice())[:(cell.Bits()+3)/4]
	n := fmt.Sprintf("%s_%s_%d", stem, digits, cell.Bits())
	for next := 0; len(n) > maxChain || b.names[n]; next++ {
		n = stem + "_" + digest(fmt.Sprint(cell, next))
	}
	return n
}

// addSet declares the set of an element. What it holds is part of its name, so that
// rules never meet a set of another policy.
func (b *lowering) addSet(e element, size int) filter.Addresses {
	s := filter.Set{Name: setName(e.chain, e.prefixes), Family: filter.Family(b.family), Prefixes: e.prefixes}
	if size > maxElements && b.err == nil {
		b.err = fmt.Errorf("set %s has %d prefixes, but an ipset set holds at most %d; use the generator nftables, or select fewer entries", s.Name, size, maxElements)
	}
	if !slices.ContainsFunc(b.sets, func(have filter.Set) bool { return have.Name == s.Name }) {
		b.sets = append(b.sets, s)
	}
	return filter.Addresses{Set: s.Name}
}
