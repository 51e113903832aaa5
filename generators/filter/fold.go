package filter

import (
	"reflect"
	"slices"

	"gatewright/catalog/netset"
)

// IsWay reports whether a rule sends packets on for good by one address at most, and by
// nothing else.
func (r Rule) IsWay() bool {
	return r.IsOurs() && r.Verdict == Goto && r.Map == "" && r.Protocol == 0 && len(r.In)+len(r.Out) == 0 &&
		r.Ports.IsAll() && r.Original.IsAll() && (r.From.IsAll() || r.To.IsAll())
}

// Ways returns from which rule on a list consists of ways by addresses of one end, and
// that end. Without any, the index is the length of the list.
func Ways(rules []Rule) (from int, end End) {
	known := false
	for from = len(rules); from > 0 && rules[from-1].IsWay(); from-- {
		r := rules[from-1]
		switch {
		case r.From.IsAll() && r.To.IsAll():
		case known && r.address(end).IsAll():
			return from, end
		case !known:
			if known, end = true, Source; r.From.IsAll() {
				end = Destination
			}
		}
	}
	if !known {
		return len(rules), end
	}
	return from, end
}

func (r Rule) address(e End) Addresses {
	if e == Source {
		return r.From
	}
	return r.To
}

// Fold returns an equivalent ruleset of one address family. It replaces each tree of
// chains that distinguishes addresses by a map, and adjacent rules that differ only in
// interfaces or ports by one rule.
func (rs *Ruleset) Fold() Ruleset {
	f := newFolder(rs)
	out := Ruleset{Sets: rs.Sets, Maps: slices.Clone(rs.Maps)}
	for _, c := range rs.Chains {
		if f.within[c.Name] {
			continue
		}
		from, end := Ways(c.Rules)
		rules := joinNeighbours(c.Rules[:from])
		if from < len(c.Rules) {
			m := Map{Name: c.Name, Family: c.Rules[from].Family}
			f.gather(&m, c.Rules[from:], end, m.Family.Of(netset.EveryAddress()))
			m.Elements = byChain(m.Elements)
			out.Maps = append(out.Maps, m)
			rules = append(rules, Rule{Match: Match{Family: m.Family}, Verdict: Goto, Map: m.Name, Lookup: end})
		}
		out.Chains = append(out.Chains, Chain{c.Name, c.Hook, rules})
	}
	out.Sort()
	return out
}

type folder struct {
	rs     *Ruleset
	chains map[string]*Chain
	within map[string]bool // chains of a tree below its first one
}

// newFolder finds the chains that are entered once, from one that goes by addresses of
// the same end as they do and by nothing else.
func newFolder(rs *Ruleset) *folder {
	f := &folder{rs, map[string]*Chain{}, map[string]bool{}}
	led := map[string]int{}
	for i := range rs.Chains {
		c := &rs.Chains[i]
		f.chains[c.Name] = c
		for _, r := range c.Rules {
			led[r.Target]++
		}
	}
	for _, c := range rs.Chains {
		from, end := Ways(c.Rules)
		for _, r := range c.Rules[from:] {
			if next := f.chains[r.Target]; next != nil && led[r.Target] == 1 && next.Hook == nil {
				start, other := Ways(next.Rules)
				f.within[r.Target] = start == 0 && other == end && len(next.Rules) > 0
			}
		}
	}
	return f
}

// gather adds where ways send the addresses of an area.
func (f *folder) gather(m *Map, ways []Rule, end End, area netset.PrefixSet) {
	for i, r := range ways {
		here := area
		if a := r.address(end); !a.IsAll() {
			here = area.Intersect(f.rs.addresses(a))
		}
		if here.IsEmpty() {
			continue
		}
		if i+1 < len(ways) {
			area = area.Subtract(here)
		}
		if f.within[r.Target] {
			f.gather(m, f.chains[r.Target].Rules, end, here)
		} else {
			m.Elements = append(m.Elements, Element{here, r.Target})
		}
	}
}

// joinNeighbours joins adjacent rules that differ in only one list.
func joinNeighbours(rules []Rule) []Rule {
	rules = joinBy(rules, func(r *Rule) *[]string { return &r.Out })
	rules = joinBy(rules, func(r *Rule) *[]string { return &r.In })
	rules = joinBy(rules, func(r *Rule) *[]netset.PortRange { return &r.Ports.Ranges })
	return joinBy(rules, func(r *Rule) *[]netset.PortRange { return &r.Original.Ranges })
}

func joinBy[T any](rules []Rule, list func(*Rule) *[]T) (out []Rule) {
	for _, r := range rules {
		if last := len(out) - 1; last >= 0 && len(*list(&r)) > 0 && len(*list(&out[last])) > 0 {
			one, other := out[last], r
			*list(&one), *list(&other) = nil, nil
			if reflect.DeepEqual(one, other) {
				*list(&out[last]) = slices.Concat(*list(&out[last]), *list(&r))
				continue
			}
		}
		out = append(out, r)
	}
	return out
}
