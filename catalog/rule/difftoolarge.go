package rule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// MaxOverlap bounds what the comparison of two policies may cost where their rules
// overlap: in ranges of addresses and ports, in patterns, and in steps of the search
// for names that patterns have in common.
const MaxOverlap = 4_000_000

// TooLargeError says that a difference is over MaxOverlap.
type TooLargeError struct {
	What     string // "outbound rules"
	Old, New int    // how many there are
	Largest  []ID   // those that say most, at most three
}

func (e *TooLargeError) Error() string {
	var ids []string
	for _, id := range e.Largest {
		ids = append(ids, string(id))
	}
	return fmt.Sprintf("the difference is too large to be told exactly: %d old and %d new %s overlap in more than %d places, above all %s; compare fewer entries at a time, such as by --area or --entry",
		e.Old, e.New, e.What, MaxOverlap, strings.Join(ids, ", "))
}

func tooLarge(d Direction, old, new *accepted) error {
	return &TooLargeError{string(d) + " rules", len(old.rules), len(new.rules), Largest(slices.Concat(new.rules, old.rules))}
}

func tooManyRoutes(old, new *Policy) error {
	var all []*Rule
	count := [2]int{}
	for i, p := range []*Policy{old, new} {
		for j := range p.Rules {
			if r := &p.Rules[j]; r.Direction == Outbound {
				all = append(all, r)
				count[i]++
			}
		}
	}
	return &TooLargeError{"outbound rules with routes", count[0], count[1], Largest(all)}
}

// Largest returns the rules that say most, each once, at most three.
func Largest(rules []*Rule) []ID {
	size := func(r *Rule) int {
		return r.Services.Size() * (1 + r.Remote.Prefixes().Size() + r.Remote.Names().Len())
	}
	sorted := slices.SortedStableFunc(slices.Values(rules), func(a, b *Rule) int { return cmp.Compare(size(b), size(a)) })
	var ids []ID
	for _, r := range sorted {
		if len(ids) < 3 && !slices.Contains(ids, r.ID) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}
