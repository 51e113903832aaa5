package filter

import (
	"slices"

	"gatewright/catalog/netset"
)

// class is the addresses that the same rules hold.
type class struct {
	rules    netset.Holders
	prefixes netset.PrefixSet
}

// classesOf cuts the addresses of the sets, all of one family, by which sets hold
// them: disjoint classes in the order of their rules. ok is false if that takes more
// than the budget.
func classesOf(sets []netset.PrefixSet, budget *netset.Budget) (classes []class, ok bool) {
	cells, ok := netset.HoldersOf(sets, budget)
	for prefixes, rules := range cells.All() {
		classes = append(classes, class{rules, prefixes})
	}
	slices.SortFunc(classes, func(a, b class) int { return slices.Compare(a.rules, b.rules) })
	return classes, ok
}
