package iptables

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"gatewright/generators/filter"
	"gatewright/generators/lcs"
)

// Changes turns one Kernel into another. A chain that changes is written again as a
// whole, so it is correct whatever somebody else does to it at the same time. Rules
// that stay keep their counters. All other chains are not touched.
type Changes struct {
	List []filter.Change

	sets   []*set // that come, or are filled anew in the place of those there
	refill map[string]bool
	gone   []string        // sets to be removed
	inUse  map[string]bool // of those, that rules of others match
	stale  []string        // sets that a run which was cut off left, in the way of sets
	tables []tableChange
}

// tableChange is what changes in one table of a family.
type tableChange struct {
	table     *table            // as it is wanted
	rewritten map[string]*chain // chains of it, with what they hold now; nil for new ones
	policies  map[string]bool   // built-in chains whose policy changes
	emptied   []string          // chains that go or that rules of others lead to
	gone      []string
}

// Compare returns what has to change.
func Compare(have, want *Kernel) *Changes {
	c := &Changes{refill: map[string]bool{}, inUse: map[string]bool{}}
	for _, w := range want.tables {
		c.compareTables(have.table(w.family, w.name), w)
	}
	c.compareSets(have, want)
	return c
}

func (c *Changes) add(sign byte, kind, in, text string) {
	c.List = append(c.List, filter.Change{Sign: sign, Kind: kind, In: in, Text: text})
}

// place names a chain.
func (t *table) place(chain string) string {
	s := chain + " of " + t.family.program()
	if t.name != filterTable {
		s += ", table " + t.name
	}
	return s
}

func (c *Changes) compareTables(have, want *table) {
	t := tableChange{table: want, rewritten: map[string]*chain{}, policies: map[string]bool{}}
	for _, h := range have.chains {
		switch {
		case want.named[h.name] != nil:
		case have.led[h.name] && len(h.rules) == 0: // the rules of others lead to it, and it does nothing
		default:
			t.emptied = append(t.emptied, h.name)
			if !have.led[h.name] {
				t.gone = append(t.gone, h.name)
				c.add('-', "chain", "", have.place(h.name))
			}
			c.compareRules(h, &chain{}, have.place(h.name))
		}
	}
	for _, w := range want.chains {
		h := have.named[w.name]
		if h == nil {
			c.add('+', "chain", "", want.place(w.name))
			h = &chain{}
			t.rewritten[w.name] = h
		}
		if h.policy != w.policy && h.policy != "" {
			t.policies[w.name] = true
			c.add('-', "policy", want.place(w.name), h.policy)
			c.add('+', "policy", want.place(w.name), w.policy)
		}
		if c.compareRules(h, w, want.place(w.name)) {
			t.rewritten[w.name] = h
		}
	}
	c.tables = append(c.tables, t)
}

// compareRules adds how the rules of a chain differ, and reports whether they do.
func (c *Changes) compareRules(have, want *chain, place string) bool {
	old, wanted := keys(have.rules), keys(want.rules)
	stay := lcs.Staying(len(old), len(wanted), func(i, j int) bool { return old[i] == wanted[j] })
	kept := map[int]bool{}
	for _, i := range stay {
		kept[i] = true
	}
	before := len(c.List)
	for i, r := range have.rules {
		if !kept[i] {
			c.add('-', "rule", place, r.text)
		}
	}
	for i, r := range want.rules {
		if stay[i] < 0 {
			c.add('+', "rule", place, r.text)
		}
	}
	return len(c.List) > before
}

func keys(rules []savedRule) []string {
	out := make([]string, len(rules))
	for i, r := range rules {
		out[i] = r.key()
	}
	return out
}

func (c *Changes) compareSets(have, want *Kernel) {
	earlier := map[string][]*set{} // sets that go, by what their names begin with
	for _, h := range have.sets {
		if want.set(h.name) == nil && !(have.used[h.name] && h.isEmpty()) {
			earlier[stemOf(h.name)] = append(earlier[stemOf(h.name)], h)
		}
	}
	for _, w := range want.sets {
		if h := have.set(w.name); h != nil {
			c.compareSet(h, w)
			continue
		}
		c.sets = append(c.sets, w)
		c.add('+', "set", "", w.name)
		before := &set{}
		if stem := stemOf(w.name); len(earlier[stem]) > 0 {
			before, earlier[stem] = earlier[stem][0], earlier[stem][1:]
			c.removeSet(have, before)
		}
		c.compareElements(before, w, w.name)
	}
	for _, stem := range slices.Sorted(maps.Keys(earlier)) {
		for _, h := range earlier[stem] {
			c.removeSet(have, h)
			c.compareElements(h, &set{}, h.name)
		}
	}
	for _, s := range c.sets {
		if staged := string(name(s.name).staging()); have.set(staged) != nil {
			c.stale = append(c.stale, staged)
		}
	}
}

// stemOf leaves out what tells versions of a set apart.
func stemOf(set string) string { return set[:max(0, strings.LastIndexByte(set, '_'))] }

// removeSet removes a set, or empties one that rules of others match.
func (c *Changes) removeSet(have *Kernel, s *set) {
	c.gone = append(c.gone, s.name)
	if c.inUse[s.name] = have.used[s.name]; !c.inUse[s.name] {
		c.add('-', "set", "", s.name)
	}
}

// compareSet compares two sets of one name.
func (c *Changes) compareSet(have, want *set) {
	before := len(c.List)
	if have.spec != want.spec {
		c.add('-', "set", "", have.name+" ("+have.spec+")")
		c.add('+', "set", "", want.name+" ("+want.spec+")")
	}
	c.compareElements(have, want, want.name)
	if len(c.List) > before {
		c.sets = append(c.sets, want)
		c.refill[want.name] = true
	}
}

func (c *Changes) compareElements(have, want *set, name string) {
	difference(have.prefixes, want.prefixes, netip.Prefix.Compare, func(sign byte, p netip.Prefix) {
		c.add(sign, "element", name, textOf(p))
	})
	difference(have.odd, want.odd, func(a, b oddElement) int { return strings.Compare(a.key, b.key) }, func(sign byte, e oddElement) {
		c.add(sign, "element", name, e.key)
	})
}

// difference returns the elements that only one of two sorted lists has.
func difference[T any](have, want []T, compare func(a, b T) int, tell func(sign byte, one T)) {
	for len(have) > 0 || len(want) > 0 {
		order := 0
		switch {
		case len(have) == 0:
			order = 1
		case len(want) == 0:
			order = -1
		default:
			order = compare(have[0], want[0])
		}
		if order < 0 {
			tell('-', have[0])
		} else if order > 0 {
			tell('+', want[0])
		}
		if order <= 0 {
			have = have[1:]
		}
		if order >= 0 {
			want = want[1:]
		}
	}
}

// textOf is an element as ipset prints it.
func textOf(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}
