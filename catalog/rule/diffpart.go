package rule

import (
	"iter"
	"maps"
	"slices"

	"gatewright/catalog/netset"
)

// change is remotes that are new for some of our side.
type change struct {
	any      bool
	but      Endpoints          // if any
	prefixes []netset.PrefixSet // disjoint
	names    []NameChange
}

// add adds what rules of a accept and b does not: each endpoint in one place with all
// of our side that it is new for, whatever the number of rules that have it.
func (c *Change) add(a, b *accepted, grants []Grant, budget *netset.Budget) {
	more := a.addresses.Subtract(b.addresses)
	newAddresses := netset.Map(more.Cells(), func(w where) (where, bool) {
		w = w.Subtract(b.any)
		return w, !w.IsEmpty()
	})
	x := comparison{a: a, b: b, budget: budget, find: newAddresses.Finder(), notListed: map[[2]int]where{}, wildcards: map[wildcardAt][]placedName{}}
	from := grantsByKey(grants, a)
	for i, r := range a.rules {
		if rc := x.rule(r, a.at[i]); len(rc.Parts) > 0 {
			rc.Entries = x.responsible(from[r.key()], a.at[i])
			c.Rules = append(c.Rules, rc)
		}
		if budget.Exhausted() {
			return
		}
	}
}

// sort puts the rules into the policy's order.
func (c *Change) sort(p *Policy) {
	slices.SortFunc(c.Rules, func(a, b RuleChange) int { return compareRules(*a.Rule, *b.Rule) })
}

func grantsByKey(grants []Grant, a *accepted) map[key][]*Grant {
	byKey := map[key][]*Grant{}
	for _, r := range a.rules {
		byKey[r.key()] = nil
	}
	for i := range grants {
		k := grants[i].key()
		if _, ok := byKey[k]; ok {
			byKey[k] = append(byKey[k], &grants[i])
		}
	}
	return byKey
}

// comparison finds what a accepts beyond b, in one direction.
type comparison struct {
	a, b   *accepted
	budget *netset.Budget
	find   func(netset.PrefixSet) []netset.Cell[netset.PrefixSet, where] // new addresses

	notListed map[[2]int]where // of a's where, what is not of b's listed
	wildcards map[wildcardAt][]placedName
}

// wildcardAt is a pattern at a place in a.wheres.
type wildcardAt struct {
	pattern netset.Pattern
	at      int
}

// placedName is names that are new for some of our side.
type placedName struct {
	where where
	name  NameChange
}

// rule returns what a rule of a accepts beyond b, without the entries.
func (x *comparison) rule(r *Rule, at int) RuleChange {
	var changes netset.Groups[where, change]
	names := func(yield func(netset.Pattern) bool) {
		for n := range r.Remote.Addressed.Patterns() {
			if !r.Remote.Unaddressed.Covers(n) && !yield(n) { // which tells of it
				return
			}
		}
		r.Remote.Unaddressed.Patterns()(yield)
	}
	for w, more := range x.beyond(r.Remote.Any, r.Remote.Prefixes(), names, at) {
		c := changes.Of(w)
		c.any, c.but = more.any, more.but
		c.prefixes, c.names = append(c.prefixes, more.prefixes...), append(c.names, more.names...)
	}
	rc := RuleChange{Rule: r}
	for w, c := range changes.All() {
		rc.Parts = append(rc.Parts, x.parts(w, c)...)
	}
	return rc
}

// beyond yields what of some remotes is new for a where of a, with what of that it is
// new for: addresses, patterns with exceptions, and any with exceptions.
func (x *comparison) beyond(any bool, prefixes netset.PrefixSet, names iter.Seq[netset.Pattern], at int) iter.Seq2[where, change] {
	return func(yield func(where, change) bool) {
		if any {
			rest := x.a.wheres[at].Subtract(x.b.any)
			if rest.IsEmpty() {
				return
			}
			for but, w := range x.exceptions(rest, x.b.addresses, maps.Keys(x.b.names)).All() {
				if !yield(*w, change{any: true, but: but}) {
					return
				}
			}
			return
		}
		for _, cell := range x.find(prefixes) {
			w := x.a.wheres[at].Intersect(cell.Value)
			x.budget.Spend(w.Size())
			if !w.IsEmpty() && !yield(w, change{prefixes: []netset.PrefixSet{cell.Key}}) {
				return
			}
		}
		for n := range names {
			for _, one := range x.newNames(n, at) {
				if !yield(one.where, change{names: []NameChange{one.name}}) {
					return
				}
			}
		}
	}
}

// newNames returns the names of a pattern that are new for a where of a.
func (x *comparison) newNames(n netset.Pattern, at int) []placedName {
	key := wildcardAt{n, at}
	found, known := x.wildcards[key]
	if known {
		return found
	}
	rest := x.uncovered(n, at)
	switch {
	case rest.IsEmpty():
		return nil
	case n.IsExact():
		return []placedName{{rest, NameChange{Pattern: n, Example: n.String()}}}
	}
	// Patterns that match some of the names may match all of them together.
	overlapping := x.b.index().Overlapping(n)
	x.budget.Spend(len(overlapping))
	for but, w := range x.exceptions(rest, netset.Product[netset.PrefixSet, where]{}, slices.Values(overlapping)).All() {
		if example, is, _ := netset.FindName([]netset.Pattern{n}, but.Names, x.budget); is {
			found = append(found, placedName{*w, NameChange{Pattern: n, Except: but.Names, Example: example}})
		}
	}
	x.wildcards[key] = found
	return found
}

// uncovered returns what of a where is not accepted for all names of a pattern by one
// pattern of b. Of most patterns, b lists the very same.
func (x *comparison) uncovered(n netset.Pattern, at int) where {
	listed, ok := x.b.names[n]
	if !ok {
		listed = -1
	}
	rest, known := x.notListed[[2]int{at, listed}]
	if !known {
		rest = x.a.wheres[at].Subtract(x.b.any)
		if listed >= 0 {
			rest = rest.Subtract(x.b.whereListed(listed, x.budget))
		}
		x.notListed[[2]int{at, listed}] = rest
	}
	if rest.IsEmpty() {
		return rest
	}
	return rest.Subtract(x.b.whereCovered(n, x.budget))
}

// exceptions cuts what is left of our side by the endpoints of b that are accepted
// there: some addresses, and some patterns that b lists.
func (x *comparison) exceptions(rest where, addresses netset.Product[netset.PrefixSet, where], names iter.Seq[netset.Pattern]) *netset.Groups[Endpoints, where] {
	var list []placed
	for prefixes, w := range addresses.All() {
		list = append(list, placed{w, Endpoints{Prefixes: prefixes}})
	}
	byListed := map[int][]netset.Pattern{}
	for n := range names {
		byListed[x.b.names[n]] = append(byListed[x.b.names[n]], n)
	}
	for place, patterns := range byListed {
		list = append(list, placed{x.b.whereListed(place, x.budget), Endpoints{Names: netset.PatternListOf(patterns)}})
	}
	return cutBy(list, rest, x.budget)
}

// parts returns a change as parts, each of which has every combination of its services
// and local addresses.
func (x *comparison) parts(w where, c *change) (parts []PartChange) {
	slices.SortStableFunc(c.names, func(m, n NameChange) int { return m.Pattern.Compare(n.Pattern) })
	var prefixes netset.PrefixBuilder
	for _, s := range c.prefixes {
		prefixes.AddSet(s)
	}
	p := PartChange{Prefixes: prefixes.Build(), Names: c.names, Any: c.any}
	if c.any {
		p.ButPrefixes, p.ButNames = c.but.Prefixes, netset.NameSetOf(c.but.Names...)
	}
	p.Elsewhere = x.isElsewhere(p)
	for services, locals := range w.All() {
		for original, ports := range services.Kinds() {
			p.Services, p.Local, p.Published = ports, locals, original
			x.budget.Spend(1 + len(p.Names) + p.Prefixes.Size())
			parts = append(parts, p)
		}
	}
	slices.SortStableFunc(parts, func(p, q PartChange) int { return compareBool(p.Published, q.Published) })
	return parts
}

// isElsewhere reports whether b accepts every remote of the part for some of our side.
func (x *comparison) isElsewhere(p PartChange) bool {
	if p.Any || !x.b.any.IsEmpty() {
		return !x.b.any.IsEmpty()
	}
	return x.b.allAddresses().Covers(p.Prefixes) && !slices.ContainsFunc(p.Names, func(n NameChange) bool {
		return x.b.whereCovered(n.Pattern, x.budget).IsEmpty()
	})
}

// responsible returns the entries of a rule's grants that give some of its change.
func (x *comparison) responsible(grants []*Grant, at int) []Entry {
	gives := func(g *Grant) bool {
		for range x.beyond(false, g.Prefixes, slices.Values(g.Names), at) {
			return true
		}
		return g.Any
	}
	var entries []Entry
	for _, g := range grants {
		if gives(g) {
			entries = append(entries, g.Entry)
		}
	}
	return sortedEntries(entries)
}
