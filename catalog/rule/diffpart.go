package rule

import (
	"cmp"
	"slices"

	"gatewright/catalog/netset"
)

// change is the endpoints of a rule that are new in one where.
type change struct {
	where    where
	prefixes netset.PrefixBuilder
	names    []NameChange
	any      bool
	but      Endpoints // if any
}

// add adds what rules of a accept and b does not: each endpoint in one place with all of
// our side that it is new for, whatever the number of rules that have it.
func (c *Change) add(a, b *accepted, grants []Grant, budget *netset.Budget) {
	more := a.addresses.Subtract(b.addresses)
	newAddresses := netset.Map(more.Cells(), func(w where) (where, bool) {
		w = w.Subtract(b.any)
		return w, !w.IsEmpty()
	})
	x := comparison{a: a, b: b, budget: budget, find: newAddresses.Finder(), beyond: map[[2]int]where{}}
	from := grantsByKey(grants, a)
	for i, r := range a.rules {
		if rc := x.rule(r, a.sides[i]); len(rc.Parts) > 0 {
			rc.Entries = x.responsible(rc, from[r.key()], a.sides[i])
			c.Rules = append(c.Rules, rc)
		}
		if !budget.Spend(0) {
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
	beyond map[[2]int]where                                              // of a's where, what is not of b's listed
}

// rule returns what a rule of a accepts beyond b, without the entries.
func (x *comparison) rule(r *Rule, at int) RuleChange {
	rc := RuleChange{Rule: r}
	if r.Remote.Any {
		rc.Parts = x.anyParts(at)
		return rc
	}
	var changes changeList
	for w, prefixes := range x.newPrefixes(r.Remote.Prefixes(), at) {
		changes.of(w).prefixes.AddSet(prefixes)
	}
	addNames := func(names netset.NameSet, but netset.NameSet) {
		for n := range names.Patterns() {
			for w, name := range x.newNames(n, at) {
				if !but.Covers(n) { // which tells of it
					c := changes.of(w)
					c.names = append(c.names, name)
				}
			}
		}
	}
	addNames(r.Remote.Addressed, r.Remote.Unaddressed)
	addNames(r.Remote.Unaddressed, netset.NameSet{})
	for _, c := range changes.list {
		rc.Parts = append(rc.Parts, x.parts(c)...)
	}
	return rc
}

// newPrefixes yields the addresses that are new for a where of a, with what of it they
// are new for.
func (x *comparison) newPrefixes(s netset.PrefixSet, at int) func(yield func(where, netset.PrefixSet) bool) {
	return func(yield func(where, netset.PrefixSet) bool) {
		for _, cell := range x.find(s) {
			w := x.a.wheres[at].Intersect(cell.Value)
			x.budget.Spend(w.Size())
			if !w.IsEmpty() && !yield(w, cell.Key) {
				return
			}
		}
	}
}

// newNames yields the names of a pattern that are new for a where of a, with what of it
// they are new for.
func (x *comparison) newNames(n netset.Pattern, at int) func(yield func(where, NameChange) bool) {
	return func(yield func(where, NameChange) bool) {
		rest := x.uncovered(n, at)
		switch {
		case rest.IsEmpty():
		case n.IsExact():
			yield(rest, NameChange{Pattern: n, Example: n.String()})
		default:
			x.newNamesOfWildcard(n, rest, yield)
		}
	}
}

// uncovered returns what of a where is not accepted for all names of a pattern by one
// pattern of b. Of most patterns, b lists the very same.
func (x *comparison) uncovered(n netset.Pattern, at int) where {
	listed, ok := x.b.names[n]
	if !ok {
		listed = -1
	}
	rest, known := x.beyond[[2]int{at, listed}]
	if !known {
		rest = x.a.wheres[at].Subtract(x.b.any)
		if listed >= 0 {
			rest = rest.Subtract(x.b.whereListed(listed, x.budget))
		}
		x.beyond[[2]int{at, listed}] = rest
	}
	if rest.IsEmpty() {
		return rest
	}
	return rest.Subtract(x.b.whereCovered(n, x.budget))
}

// newNamesOfWildcard cuts what is left of our side by the patterns of b that match some
// of the names there, which may match all of them together.
func (x *comparison) newNamesOfWildcard(n netset.Pattern, rest where, yield func(where, NameChange) bool) {
	byListed := map[int][]netset.Pattern{}
	overlapping := x.b.nameIndex().Overlapping(n)
	x.budget.Spend(len(overlapping))
	for _, q := range overlapping {
		byListed[x.b.names[q]] = append(byListed[x.b.names[q]], q)
	}
	var of accounts
	for place, patterns := range byListed {
		of.add(x.b.whereListed(place, x.budget).Intersect(rest), Endpoints{Names: patterns})
	}
	for w, but := range of.within(rest, x.budget) {
		example, found, _ := netset.FindName([]netset.Pattern{n}, but.Names, x.budget)
		if found && !yield(w, NameChange{Pattern: n, Except: but.Names, Example: example}) {
			return
		}
	}
}

// anyParts returns what of every remote is new for a where of a.
func (x *comparison) anyParts(at int) (parts []PartChange) {
	rest := x.a.wheres[at].Subtract(x.b.any)
	if rest.IsEmpty() {
		return nil
	}
	var of accounts
	for prefixes, w := range x.b.addresses.All() {
		of.add(w.Intersect(rest), Endpoints{Prefixes: prefixes})
	}
	byListed := map[int][]netset.Pattern{}
	for p, place := range x.b.names {
		byListed[place] = append(byListed[place], p)
	}
	for place, patterns := range byListed {
		of.add(x.b.whereListed(place, x.budget).Intersect(rest), Endpoints{Names: netset.PatternListOf(patterns)})
	}
	for w, but := range of.within(rest, x.budget) {
		parts = append(parts, x.parts(&change{where: w, any: true, but: but})...)
	}
	return parts
}

// accounts are endpoints of b with what of our side they are accepted for.
type accounts struct{ plain, published []grid }

func (a *accounts) add(w where, e Endpoints) {
	if !w.plain.IsEmpty() {
		a.plain = append(a.plain, gridOf(w.plain, e))
	}
	if !w.published.IsEmpty() {
		a.published = append(a.published, gridOf(w.published, e))
	}
}

// within cuts our side at the edges of the accounts, which are within it, and yields
// each part with the endpoints that it is accepted for.
func (a *accounts) within(rest where, budget *netset.Budget) func(yield func(where, Endpoints) bool) {
	return func(yield func(where, Endpoints) bool) {
		plain := joinGrids(append(a.plain, gridOf(rest.plain, Endpoints{})), budget)
		published := joinGrids(append(a.published, gridOf(rest.published, Endpoints{})), budget)
		var byEndpoints changeList
		for services, r := range plain.All() {
			for locals, e := range r.All() {
				byEndpoints.but(e).where.plain = byEndpoints.but(e).where.plain.Union(netset.ProductOf(services, locals))
			}
		}
		for services, r := range published.All() {
			for locals, e := range r.All() {
				byEndpoints.but(e).where.published = byEndpoints.but(e).where.published.Union(netset.ProductOf(services, locals))
			}
		}
		for _, c := range byEndpoints.list {
			if !yield(c.where, c.but) {
				return
			}
		}
	}
}

// changeList finds changes by what they have in common.
type changeList struct {
	list   []*change
	byHash map[uint64][]*change
}

// of returns the change of a where.
func (l *changeList) of(w where) *change {
	return l.find(w.Hash(), func(c *change) bool { return c.where.Equal(w) }, change{where: w})
}

// but returns the change of exceptions.
func (l *changeList) but(e Endpoints) *change {
	return l.find(e.Hash(), func(c *change) bool { return c.but.Equal(e) }, change{but: e})
}

func (l *changeList) find(hash uint64, is func(*change) bool, new change) *change {
	if i := slices.IndexFunc(l.byHash[hash], is); i >= 0 {
		return l.byHash[hash][i]
	}
	if l.byHash == nil {
		l.byHash = map[uint64][]*change{}
	}
	l.byHash[hash] = append(l.byHash[hash], &new)
	l.list = append(l.list, &new)
	return &new
}

// parts returns a change as parts, each of which has every combination of its services
// and local addresses.
func (x *comparison) parts(c *change) (parts []PartChange) {
	slices.SortStableFunc(c.names, func(m, n NameChange) int { return m.Pattern.Compare(n.Pattern) })
	p := PartChange{Prefixes: c.prefixes.Build(), Names: c.names, Any: c.any}
	if c.any {
		p.ButPrefixes, p.ButNames = c.but.Prefixes, netset.NameSetOf(c.but.Names...)
	}
	p.Elsewhere = x.isElsewhere(p)
	for i, of := range []ourSide{c.where.plain, c.where.published} {
		for services, locals := range of.All() {
			p.Services, p.Local, p.Published = services, locals, i == 1
			x.budget.Spend(1 + len(p.Names) + p.Prefixes.Size())
			parts = append(parts, p)
		}
	}
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

// responsible returns the entries of the grants of a rule that give some of its change.
func (x *comparison) responsible(rc RuleChange, grants []*Grant, at int) []Entry {
	isNew := map[netset.Pattern]bool{} // whether names of the pattern are
	var prefixes netset.PrefixBuilder
	any := false
	for _, p := range rc.Parts {
		any = any || p.Any
		prefixes.AddSet(p.Prefixes)
		for _, n := range p.Names {
			isNew[n.Pattern] = true
		}
	}
	addresses := prefixes.Build()
	gives := func(g *Grant) bool {
		if any && (g.Any || x.hasNewPrefixes(g.Prefixes, at)) || g.Prefixes.Overlaps(addresses) {
			return true
		}
		return slices.ContainsFunc(g.Names, func(n netset.Pattern) bool {
			is, known := isNew[n]
			if !known {
				for range x.newNames(n, at) {
					is = true
				}
				isNew[n] = is
			}
			return is
		})
	}
	var entries []Entry
	for _, g := range grants {
		if gives(g) {
			entries = append(entries, g.Entry)
		}
	}
	slices.SortFunc(entries, func(x, y Entry) int { return cmp.Compare(x.ID, y.ID) })
	return slices.CompactFunc(entries, func(x, y Entry) bool { return x.ID == y.ID })
}

func (x *comparison) hasNewPrefixes(s netset.PrefixSet, at int) bool {
	for range x.newPrefixes(s, at) {
		return true
	}
	return false
}
