package rule

import (
	"slices"

	"gatewright/catalog/netset"
)

// Compiled is a policy with the grants from which it was compiled. The grants show
// which entry gives which endpoint.
type Compiled struct {
	Policy *Policy
	Grants []Grant
	Routed []Role // whose machines use the PAC file; nil for one file for each role
}

// Diff is what differs between two policies. However their rules are worded, split,
// grouped or named: what both accept is not in it.
type Diff struct {
	Added   Change // newly accepted
	Removed Change // no longer accepted
	Routes  []RouteChange

	TrustedAdded, TrustedRemoved []TrustedSite // with the names that came or went alone
	OpenAdded, OpenRemoved       []Open        // open items, whatever they say in words
}

// IsEmpty reports whether the policies are the same in everything that a Diff holds.
func (d Diff) IsEmpty() bool {
	return len(d.Added.Rules)+len(d.Removed.Rules)+len(d.Routes) == 0 &&
		len(d.TrustedAdded)+len(d.TrustedRemoved)+len(d.OpenAdded)+len(d.OpenRemoved) == 0
}

// Change is the set of flows that one policy accepts and the other does not.
type Change struct {
	Rules []RuleChange // rules of the one that accept more, in its order; none is empty
}

// RuleChange is what one rule accepts and the other policy does not.
type RuleChange struct {
	Rule    *Rule
	Entries []Entry // those of the rule that give any of it, sorted by id
	Parts   []PartChange
}

// PartChange is every flow between its local addresses and its remotes on its
// services. Of a flow that is known by name and by address, it holds the view by
// which the one policy accepts it; the other may accept it by the other view.
type PartChange struct {
	Services  netset.ServiceSet
	Published bool // the ports are the original destination ports, before DNAT
	Local     netset.PrefixSet

	Prefixes netset.PrefixSet
	Names    []NameChange // in the order of Pattern.Compare

	// Any stands for every remote except those of ButPrefixes and ButNames. Prefixes
	// and Names are then empty.
	Any         bool
	ButPrefixes netset.PrefixSet
	ButNames    netset.NameSet

	// Elsewhere is set if the other policy accepts the same remotes in the same
	// direction, but for other local addresses or services. Only the latter are then
	// new.
	Elsewhere bool
}

// NameChange is every name that Pattern matches, and And if it is set, and none of
// Except does.
type NameChange struct {
	Pattern, And netset.Pattern
	Except       []netset.Pattern // those that overlap Pattern, in order
	Example      string           // such a name
}

// Compare returns the exact difference of two policies. Names are returned as patterns
// with exceptions, because a difference of patterns is not a set of patterns. A pattern
// that several others cover together counts as covered. Ports before and after DNAT are
// kept separate.
//
// The time is nearly linear if rules do not overlap. For rules that overlap, MaxOverlap
// limits it: a larger difference is a TooLargeError, and the result is never
// incomplete.
func Compare(old, new Compiled) (Diff, error) {
	var d Diff
	if old.Policy == new.Policy {
		return d, nil
	}
	budget := netset.NewBudget(MaxOverlap)
	for _, direction := range []Direction{Outbound, Inbound} {
		was, is := acceptedOf(old, direction, budget), acceptedOf(new, direction, budget)
		d.Added.add(is, was, new.Grants, budget)
		d.Removed.add(was, is, old.Grants, budget)
		if !budget.Spend(0) {
			return Diff{}, tooLarge(direction, was, is)
		}
	}
	d.Added.sort(new.Policy)
	d.Removed.sort(old.Policy)
	d.Routes = routeChanges(old.Policy, new.Policy, old.Routed, budget)
	if !budget.Spend(0) {
		return Diff{}, tooManyRoutes(old.Policy, new.Policy)
	}
	d.TrustedAdded = moreTrusted(new.Policy.TrustedSites, old.Policy.TrustedSites)
	d.TrustedRemoved = moreTrusted(old.Policy.TrustedSites, new.Policy.TrustedSites)
	d.OpenAdded = moreOpen(new.Policy.Open, old.Policy.Open)
	d.OpenRemoved = moreOpen(old.Policy.Open, new.Policy.Open)
	return d, nil
}

// moreTrusted returns the names of a that b does not trust.
func moreTrusted(a, b []TrustedSite) []TrustedSite {
	var patterns []netset.Pattern
	for _, s := range b {
		patterns = slices.AppendSeq(patterns, s.Names.Patterns())
	}
	trusted := netset.NameSetOf(patterns...)
	var more []TrustedSite
	for _, s := range a {
		var names []netset.Pattern
		for n := range s.Names.Patterns() {
			if _, outside := trusted.Uncovered(n); outside {
				names = append(names, n)
			}
		}
		if len(names) > 0 {
			more = append(more, TrustedSite{Entry: s.Entry, Names: netset.NameSetOf(names...)})
		}
	}
	return more
}

// moreOpen returns the items of a whose entry, missing fact and endpoint b has not.
func moreOpen(a, b []Open) []Open {
	type item struct{ entry, missing, endpoint, line string }
	key := func(o Open) item {
		if o.Missing != MissingBinding && o.Missing != MissingValue {
			return item{o.Entry.ID, o.Missing, o.Endpoint, ""}
		}
		return item{o.Entry.ID, o.Missing, o.Endpoint, o.Line} // which role, which value
	}
	have := map[item]bool{}
	for _, o := range b {
		have[key(o)] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(o Open) bool { return have[key(o)] })
}
