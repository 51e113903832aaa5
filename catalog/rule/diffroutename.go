package rule

import (
	"cmp"
	"slices"

	"gatewright/catalog/netset"
)

// layer is the patterns of both policies that decide on the same ports about names that
// a pattern matches.
type layer []layered

type layered struct {
	pattern netset.Pattern
	claim   claim
	is      bool // of the later policy
}

func (l layered) compare(m layered) int {
	side := func(l layered) int {
		if l.is {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(side(l), side(m)),
		cmp.Compare(m.claim.rank, l.claim.rank), cmp.Compare(l.claim.route, m.claim.route),
		l.pattern.Compare(m.pattern),
	)
}

func (l layer) Equal(m layer) bool { return slices.Equal(l, m) }

func (l layer) Hash() uint64 {
	h := uint64(len(l))
	for _, one := range l {
		h = h*31 + one.claim.Hash() + netset.PatternList{one.pattern}.Hash()
	}
	return h
}

// compareWildcard finds the names of a pattern, which one policy has or sends another
// way, that go another way.
func (c *routeComparison) compareWildcard(p netset.Pattern, changed map[netset.Pattern]bool) {
	var list []netset.Cells[netset.ServiceSet, layer]
	for _, r := range []*routes{c.was, c.is} {
		overlapping := r.index.Overlapping(p)
		c.budget.Spend(len(overlapping))
		for _, q := range overlapping {
			list = append(list, netset.Map(r.ofPattern(q), func(by claim) (layer, bool) {
				return layer{{q, by, r == c.is}}, true
			}))
		}
	}
	layers, ok := netset.Fold(list, func(a, b layer) layer {
		both := slices.SortedFunc(slices.Values(slices.Concat(a, b)), layered.compare)
		c.budget.Spend(len(both))
		return both
	}, c.budget)
	if !ok {
		return
	}
	for services, l := range layers.All() {
		split := slices.IndexFunc(l, func(one layered) bool { return one.is })
		if split < 0 {
			split = len(l)
		}
		c.compareDecided(p, services, l[:split], l[split:], false, changed)
		c.compareDecided(p, services, l[split:], l[:split], true, changed)
	}
}

// compareDecided finds the names that p decides about by the own layer and that go
// another way by the other. A pair of patterns that both differ is told from the
// earlier policy's side alone.
func (c *routeComparison) compareDecided(p netset.Pattern, services netset.ServiceSet, own, other layer, isLater bool, changed map[netset.Pattern]bool) {
	i := slices.IndexFunc(own, func(l layered) bool { return l.pattern == p })
	if i < 0 {
		return
	}
	decided := own[i].claim
	var but netset.PatternList
	for _, l := range own[:i] {
		if l.claim.beats(decided) {
			but = append(but, l.pattern)
		}
	}
	for j, l := range other {
		if l.claim.via != decided.via && !(isLater && changed[l.pattern]) && l.pattern.Overlaps(p) {
			except := but
			for _, before := range other[:j] {
				if before.claim.beats(l.claim) {
					except = append(except[:len(except):len(except)], before.pattern)
				}
			}
			c.tell(NameChange{Pattern: p, And: l.pattern, Except: except}, services, decided.via, l.claim.via, isLater)
		}
		if l.pattern.Covers(p) {
			return // it, or one before it, decides about all names of p
		}
	}
	for _, l := range other {
		but = append(but[:len(but):len(but)], l.pattern)
	}
	rest := c.is.any
	if isLater {
		rest = c.was.any
	}
	for ports, by := range rest.All() {
		if both := ports.Intersect(services); !both.IsEmpty() && by.via != decided.via {
			c.tell(NameChange{Pattern: p, Except: but}, both, decided.via, by.via, isLater)
		}
	}
}

// tell adds a change of names, if there are such names. The narrower of two patterns
// stands for both.
func (c *routeComparison) tell(n NameChange, services netset.ServiceSet, from, to Via, isLater bool) {
	if isLater {
		from, to = to, from
	}
	switch all := []netset.Pattern{n.Pattern, n.And}; {
	case n.And == netset.Pattern{} || n.And.Covers(n.Pattern):
		n.And = netset.Pattern{}
	case n.Pattern.Covers(n.And):
		n.Pattern, n.And = n.And, netset.Pattern{}
	case all[1].Compare(all[0]) < 0:
		n.Pattern, n.And = n.And, n.Pattern
	}
	within := []netset.Pattern{n.Pattern}
	if (n.And != netset.Pattern{}) {
		within = append(within, n.And)
	}
	except := netset.PatternListOf(slices.Clone(n.Except))
	n.Except = slices.DeleteFunc([]netset.Pattern(except), func(q netset.Pattern) bool {
		return slices.ContainsFunc(within, func(w netset.Pattern) bool { return !w.Overlaps(q) })
	})
	c.budget.Spend(len(n.Except))
	example, found, _ := netset.FindName(within, n.Except, c.budget)
	if !found {
		return
	}
	n.Example = example
	change := c.change(from, to, services)
	change.Names = append(change.Names, n)
}
