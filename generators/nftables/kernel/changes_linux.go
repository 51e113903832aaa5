package kernel

import (
	"bytes"
	"maps"
	"reflect"
	"slices"
	"strings"

	"gatewright/generators/lcs"
)

// Changes is what has to change for a table to hold what it should.
type Changes struct {
	Have, Want *Table

	table    bool // comes, or has other flags
	sets     []setChange
	chains   []chainChange
	counters counterChange
	drops    []string        // tables that go as a whole
	undoes   bool            // it takes back a first step: all of that, with the rules of its chains, or nothing
	untable  bool            // the table goes, if it is empty
	kept     map[string]bool // what other rules still use, by step.object
	left     map[any]string  // what is left out, by step.part, and why; nil if nothing may be
	stays    *Changes
	staysFor error
}

// setChange is what changes of one set or map.
type setChange struct {
	have, want *set // nil for one that comes or goes
	del, add   elements
	replaced   bool // it is declared otherwise
}

// chainChange is what changes of one chain.
type chainChange struct {
	have, want *chain
	edits      []edit
	replaced   bool
}

// edit is a rule that comes or goes.
type edit struct {
	gone   *rule
	new    *rule
	before *rule // that the new one comes before; nil for the end of the chain
}

type counterChange struct{ del, add []string }

// Compare returns what has to change.
func Compare(have, want *Table) *Changes {
	c := &Changes{Have: have, Want: want, kept: map[string]bool{}}
	if have.Own && !have.Missing && want.Missing {
		c.Drop(have.Name)
		return c
	}
	c.table = !want.Missing && (have.Missing || have.Flags != want.Flags)
	before, after := byName(have.Sets, setNameOf), byName(want.Sets, setNameOf)
	replaced := map[string]bool{}
	for _, w := range want.Sets {
		if one, changed := compareSets(before[w.Name], w); changed {
			c.sets = append(c.sets, one)
			replaced[w.Name] = one.replaced
		}
	}
	for _, h := range have.Sets {
		if after[h.Name] == nil {
			c.sets = append(c.sets, setChange{have: h})
		}
	}
	c.compareChains(replaced)
	c.counters = counterChange{without(have.Counters, want.Counters), without(want.Counters, have.Counters)}
	return c
}

// Drop removes a table with everything in it, such as "inet gatewright".
func (c *Changes) Drop(table string) { c.drops = append(c.drops, table) }

// Stays returns, after Commit, what goes and is still there, because of an error.
// Nothing leads to it any more.
func (c *Changes) Stays() (*Changes, error) { return c.stays, c.staysFor }

// Unsaved returns what goes and could not be made again, of the tables that were read.
func (c *Changes) Unsaved(read ...*Table) (all []string) {
	for _, t := range read {
		goes := slices.Contains(c.drops, t.Name)
		if goes {
			all = append(all, t.unsaved...)
		}
		if goes || t == c.Have && t.Own && len(c.chains) > 0 {
			all = append(all, t.nameless...)
		}
	}
	return all
}

// IsEmpty reports whether nothing has to change.
func (c *Changes) IsEmpty() bool {
	return !c.table && len(c.sets)+len(c.chains)+len(c.counters.add)+len(c.counters.del)+len(c.drops) == 0
}

func setNameOf(s *set) string     { return s.Name }
func chainNameOf(c *chain) string { return c.Name }

func byName[T any](list []*T, name func(*T) string) map[string]*T {
	m := map[string]*T{}
	for _, one := range list {
		m[name(one)] = one
	}
	return m
}

// without returns what of a is not in b.
func without(a, b []string) (rest []string) {
	in := map[string]bool{}
	for _, s := range b {
		in[s] = true
	}
	for _, s := range a {
		if !in[s] {
			rest = append(rest, s)
		}
	}
	return rest
}

// sameAs compares declarations, but for what sets say beside.
func (s spec) sameAs(o spec) bool {
	return s.Flags == o.Flags && s.KeyType == o.KeyType && s.KeySize == o.KeySize && s.DataType == o.DataType
}

func compareSets(have, want *set) (one setChange, changed bool) {
	one = setChange{have: have, want: want}
	switch {
	case have == nil:
		one.add = want.Elements
		return one, true
	case !have.Spec.sameAs(want.Spec) || !sameRaw(have.Raw, want.Raw):
		one.replaced, one.add = true, want.Elements
		return one, true
	}
	one.compareElements()
	return one, len(one.del)+len(one.add) > 0
}

func sameRaw(a, b [][]byte) bool {
	sorted := func(list [][]byte) [][]byte { return slices.SortedFunc(slices.Values(list), bytes.Compare) }
	return len(a) == len(b) && (len(a) == 0 || slices.EqualFunc(sorted(a), sorted(b), bytes.Equal))
}

// compareElements walks two lists in order.
func (c *setChange) compareElements() {
	a, b := c.have.Elements, c.want.Elements
	same := make([]int32, len(c.have.Targets)) // place of a target in want
	for i, t := range c.have.Targets {
		same[i] = int32(slices.Index(c.want.Targets, t))
	}
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].First.less(b[0].First):
			c.del, a = append(c.del, a[0]), a[1:]
		case len(a) == 0 || b[0].First.less(a[0].First):
			c.add, b = append(c.add, b[0]), b[1:]
		default:
			if a[0].Last != b[0].Last || a[0].Target >= 0 && same[a[0].Target] != b[0].Target {
				c.del, c.add = append(c.del, a[0]), append(c.add, b[0])
			}
			a, b = a[1:], b[1:]
		}
	}
}

func (h *hook) sameAs(o *hook) bool {
	if h == nil || o == nil {
		return h == o
	}
	x, y := *h, *o
	x.Policy, y.Policy = 0, 0
	return reflect.DeepEqual(x, y)
}

func (c *Changes) compareChains(replacedSets map[string]bool) {
	before, after := byName(c.Have.Chains, chainNameOf), byName(c.Want.Chains, chainNameOf)
	replaced := map[string]bool{}
	for _, w := range c.Want.Chains {
		h := before[w.Name]
		replaced[w.Name] = h != nil && !h.Hook.sameAs(w.Hook)
	}
	anew := func(r *rule) bool {
		again := replaced[r.decoded.Target]
		r.lookups(func(name string) { again = again || replacedSets[name] })
		return again
	}
	for _, w := range c.Want.Chains {
		one := chainChange{have: before[w.Name], want: w, replaced: replaced[w.Name]}
		var rules []*rule
		if one.have != nil {
			rules = one.have.Rules
		}
		one.edits = compareRules(rules, w.Rules, func(r *rule) bool { return one.replaced || anew(r) })
		if one.have == nil || one.replaced || len(one.edits) > 0 || one.newPolicy() {
			c.chains = append(c.chains, one)
		}
	}
	for _, h := range c.Have.Chains {
		if after[h.Name] == nil {
			c.chains = append(c.chains, chainChange{have: h, edits: compareRules(h.Rules, nil, nil)})
		}
	}
}

// newPolicy reports whether a base chain alone decides otherwise about the rest.
func (c chainChange) newPolicy() bool {
	return c.have != nil && c.want != nil && c.have.Hook != nil && c.want.Hook != nil && c.have.Hook.Policy != c.want.Hook.Policy
}

// compareRules returns the edits that make one list of the other: as few as there can
// be, unless both are very long. A rule that has to be made anew never stays.
func compareRules(have, want []*rule, anew func(*rule) bool) (edits []edit) {
	stay := lcs.Staying(len(have), len(want), func(i, j int) bool { return !anew(have[i]) && have[i].same(want[j]) })
	kept := map[int]bool{}
	var before *rule
	for j, i := range slices.Backward(stay) {
		if i >= 0 {
			kept[i], before = true, have[i]
			continue
		}
		edits = append(edits, edit{new: want[j], before: before})
	}
	slices.Reverse(edits)
	for i, h := range have {
		if !kept[i] {
			edits = append(edits, edit{gone: h})
		}
	}
	return edits
}

// keep notes what others still use, and reports whether the rest can go without it.
func (c *Changes) keep(object string) bool {
	if c.kept[object] || c.undoes && !strings.HasPrefix(object, "table ") {
		return false
	}
	c.kept[object] = true
	return true
}

// sorted returns the names of what is kept.
func (c *Changes) sorted() []string { return slices.Sorted(maps.Keys(c.kept)) }
