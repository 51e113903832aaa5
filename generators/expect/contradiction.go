package expect

import (
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// Contradictions returns, by its number, each expectation that cannot hold together
// with an earlier one, and the number of that.
func (k Asker) Contradictions(all []rule.Expectation) map[int]int {
	found := map[int]int{}
	var flows []rule.PatternFlows
	for i, e := range all {
		a, err := k.resolve(e)
		flows = append(flows, a)
		for j := 0; j < i && err == nil; j++ {
			if _, known := found[i]; !known && opposed(all[i], all[j]) && flows[j].Overlaps(a) {
				found[i] = j
			}
			if _, known := found[i]; !known && (excludes(all[i], all[j], flows[j], a) || excludes(all[j], all[i], a, flows[j])) {
				found[i] = j
			}
		}
	}
	return found
}

// opposed reports whether no flow can be as both expect.
func opposed(a, b rule.Expectation) bool {
	pair := func(x, y rule.Expects) bool {
		return a.Expects == x && b.Expects == y || a.Expects == y && b.Expects == x
	}
	return sharePlace(a, b) && (pair(rule.ExpectAllow, rule.ExpectDeny) || pair(rule.ExpectDirect, rule.ExpectProxied))
}

// excludes reports whether only leaves no room for what allow expects.
func excludes(only, allow rule.Expectation, allowed, closed rule.PatternFlows) bool {
	if only.Expects != rule.ExpectOnly || allow.Expects != rule.ExpectAllow || !sharePlace(only, allow) || !closed.Overlaps(allowed) {
		return false
	}
	if allowed.Any || !only.Listed.Prefixes.Covers(allowed.Prefixes) {
		return true
	}
	_, outside := netset.NameSetOf(only.Listed.Names...).Uncovered(allowed.Name)
	return allowed.Name != (netset.Pattern{}) && outside && only.Listed.Prefixes.IsEmpty() // or else its addresses may be listed
}

// sharePlace reports whether both are asked at some same place.
func sharePlace(a, b rule.Expectation) bool {
	shared := func(name string) bool { return slices.Contains(b.In, name) }
	return len(a.In) == 0 || len(b.In) == 0 || slices.ContainsFunc(a.In, shared)
}
