package rule

import (
	"maps"
	"slices"
	"sync"

	"gatewright/catalog/netset"
)

// accepted is what a policy accepts in one direction, by remote: for each address and
// for each pattern where on our side, so that what many rules share is held once.
type accepted struct {
	rules  []*Rule
	at     []int   // by rule, its place in wheres
	wheres []where // those that rules have, each once

	any       where // of the rules that accept every remote
	addresses netset.Product[netset.PrefixSet, where]
	names     map[netset.Pattern]int // the place in listed
	listed    []listed

	// What is worked out when it is asked for.
	index        func() netset.NameIndex  // of names
	allAddresses func() netset.PrefixSet  // that are accepted somewhere, but for "any"
	covering     map[netset.Pattern]where // see whereCovered
}

// listed is which of wheres the rules have that list a pattern.
type listed struct {
	before, last int // the place in listed of those before the last one, or -1
	where        *where
}

// acceptedOf sorts out what the policy accepts in a direction; where rules overlap,
// that costs of the budget. In a rule that accepts any remote, endpoints of other
// entries count, too: they tell what these entries give.
func acceptedOf(c Compiled, d Direction, budget *netset.Budget) *accepted {
	a := &accepted{names: map[netset.Pattern]int{}, covering: map[netset.Pattern]where{}}
	a.index = sync.OnceValue(func() netset.NameIndex { return netset.NameIndexOf(slices.Collect(maps.Keys(a.names))) })
	a.allAddresses = sync.OnceValue(func() netset.PrefixSet { return a.addresses.Cells().Support() })
	known := map[key]int{} // by what a where is told by
	var remotes [][]Remote // by where
	beside := map[key]bool{}
	for i := range c.Policy.Rules {
		r := &c.Policy.Rules[i]
		if r.Direction != d {
			continue
		}
		k := r.key()
		at, ok := known[k.local()]
		if !ok {
			at = len(a.wheres)
			known[k.local()] = at
			a.wheres, remotes = append(a.wheres, c.Policy.where(r)), append(remotes, nil)
		}
		a.rules, a.at = append(a.rules, r), append(a.at, at)
		remotes[at] = append(remotes[at], r.Remote)
		beside[k] = beside[k] || r.Remote.Any
	}
	for i := range c.Grants {
		g := &c.Grants[i]
		if k := g.key(); beside[k] && !g.Any {
			at := known[k.local()]
			remotes[at] = append(remotes[at], Remote{BarePrefixes: g.Prefixes, Unaddressed: netset.NameSetOf(g.Names...)})
		}
	}
	a.gather(remotes, budget)
	return a
}

// gather sorts out remotes, which are by where.
func (a *accepted) gather(remotes [][]Remote, budget *netset.Budget) {
	var products []netset.Product[netset.PrefixSet, where]
	var anys []where
	for at, list := range remotes {
		var prefixes netset.PrefixBuilder
		next := map[int]int{}
		for _, r := range list {
			if r.Any {
				anys = append(anys, a.wheres[at])
			}
			prefixes.AddSet(r.AddressedPrefixes)
			prefixes.AddSet(r.BarePrefixes)
			a.list(r.Addressed, at, next)
			a.list(r.Unaddressed, at, next)
		}
		products = append(products, netset.ProductOf(prefixes.Build(), a.wheres[at]))
	}
	a.addresses, _ = netset.UniteProducts(products, budget)
	a.any, _ = netset.UniteProducts(anys, budget)
}

// list notes that rules of a where list the names; those of one where come together,
// with one map from a place in listed to the place that has this where, too.
func (a *accepted) list(names netset.NameSet, at int, next map[int]int) {
	for n := range names.Patterns() {
		before, ok := a.names[n]
		if !ok {
			before = -1
		} else if a.listed[before].last == at {
			continue
		}
		to, ok := next[before]
		if !ok {
			to = len(a.listed)
			a.listed = append(a.listed, listed{before: before, last: at})
			next[before] = to
		}
		a.names[n] = to
	}
}

// whereListed returns where the rules accept that have a place in listed.
func (a *accepted) whereListed(place int, budget *netset.Budget) where {
	l := &a.listed[place]
	if l.where == nil {
		var list []where
		for at := place; at >= 0; at = a.listed[at].before {
			list = append(list, a.wheres[a.listed[at].last])
		}
		w, _ := netset.UniteProducts(list, budget)
		l.where = &w
	}
	return *l.where
}

// whereCovered returns where every name of the pattern is accepted by "any" or by a
// pattern that covers it.
func (a *accepted) whereCovered(n netset.Pattern, budget *netset.Budget) where {
	w, ok := a.covering[n]
	if !ok {
		list := []where{a.any}
		for _, p := range a.index().Covering(n) {
			list = append(list, a.whereListed(a.names[p], budget))
		}
		w, _ = netset.UniteProducts(list, budget)
		a.covering[n] = w
	}
	return w
}

// local is the part of a key that tells where it is of.
func (k key) local() key { return key{role: k.role, services: k.services} }
