package lint

import (
	"cmp"
	"slices"

	"gatewright/catalog"
	"gatewright/catalog/netset"
)

// covered finds entries that others make superfluous: all their endpoints are endpoints
// of another entry, or of several together, for the same flows and of the same
// category. The entries that one other covers are told at that one.
func (l *lookup) covered() []Finding {
	entries, by := l.entries, l.alone()
	superfluous := map[int][]string{} // by an entry that none covers
	for i := range entries {
		top := i
		for by[top] >= 0 {
			top = by[top]
		}
		if top != i {
			superfluous[top] = append(superfluous[top], entries[i].ID)
		}
	}
	var found []Finding
	for top, ids := range superfluous {
		found = append(found, Finding{
			Kind: Covered, Entry: entries[top].ID, Others: ids,
			Why: "this entry contains every endpoint of the other entries: they accept no additional flow",
			Do:  "exclude this entry if you want only the narrower ones, or else exclude those",
		})
	}
	found = append(found, l.together(by)...)
	slices.SortFunc(found, func(a, b Finding) int { return cmp.Compare(a.Entry, b.Entry) })
	return found
}

// alone returns for each entry one that covers it, or -1. Candidates are those that
// hold one of its endpoints for one of its services, the one that the fewest hold.
func (l *lookup) alone() []int {
	fewest := make([]netset.Holders, len(l.entries))
	for _, p := range l.places {
		for _, one := range p.parts {
			for _, i := range one.Value {
				if fewest[i] == nil || len(one.Value) < len(fewest[i]) {
					fewest[i] = one.Value
				}
			}
		}
	}
	by := make([]int, len(l.entries))
	for i := range by {
		by[i] = -1
		for _, h := range fewest[i] {
			if j := int(h); j != i && l.covers(j, i) && (j < i || !l.covers(i, j)) {
				by[i] = j
				break
			}
		}
	}
	return by
}

// covers reports whether every flow of the entry j is one of i, as far as the publisher
// says, and a PAC file sends it the same way.
func (l *lookup) covers(i, j int) bool {
	a, b := &l.entries[i], &l.entries[j]
	return classOf(a) == classOf(b) && a.Services.Covers(b.Services) && l.takesPart(i, j) &&
		a.Prefixes.Covers(b.Prefixes) && l.coversNames(i, b.Names)
}

// class is what entries that cover each other have in common.
type class struct {
	kind     catalog.Kind
	category catalog.Category
	role     string
	unsaid   bool // the services
}

func classOf(e *catalog.Entry) class {
	return class{e.Kind, e.Category, e.Role, e.Services.IsEmpty()}
}

// takesPart reports whether flows of the entry i can stand for those of j, which is of
// the same class: it has their direction, and the site's values cannot narrow it.
func (l *lookup) takesPart(i, j int) bool {
	a, b := &l.entries[i], &l.entries[j]
	return len(b.Pending)+len(a.Narrowings) == 0 &&
		(a.Direction == b.Direction || a.Direction == catalog.Bidirectional && b.Direction != "")
}

func (l *lookup) coversNames(i int, names []netset.Pattern) bool {
	return !slices.ContainsFunc(names, func(n netset.Pattern) bool { return !l.coversName(i, n) })
}

func (l *lookup) coversName(i int, n netset.Pattern) bool {
	if l.names[i].IsEmpty() {
		l.names[i] = netset.NameSetOf(l.entries[i].Names...)
	}
	return l.names[i].Covers(n)
}
