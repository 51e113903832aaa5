package rule

import (
	"cmp"
	"fmt"
	"slices"

	"gatewright/catalog/netset"
)

// FamilyName returns "IPv4" or "IPv6".
func FamilyName(v4 bool) string {
	if v4 {
		return "IPv4"
	}
	return "IPv6"
}

// lane is what rules that cover a family together have in common beside a port.
type lane struct {
	direction Direction
	role      Role
}

// checkFamilies refuses rules that cover a family together: those of one direction,
// role and port. One rule alone was judged when it was compiled.
func (p *Policy) checkFamilies() error {
	var order []lane
	rules := map[lane][]familyRule{}
	for i := range p.Rules {
		r := &p.Rules[i]
		prefixes := r.Remote.Prefixes()
		if prefixes.IsEmpty() {
			continue
		}
		l := lane{r.Direction, r.Role}
		if rules[l] == nil {
			order = append(order, l)
		}
		v4, v6 := prefixes.Shares()
		rules[l] = append(rules[l], familyRule{r, prefixes, v4, v6})
	}
	for _, l := range order {
		if coversFamily(rules[l]) == nil {
			continue // whatever their ports are
		}
		if err := checkPorts(rules[l]); err != nil {
			return err
		}
	}
	return nil
}

// checkPorts refuses rules of a lane that share a port and cover a family together.
// Rules that share any port share one at which a range of theirs starts.
func checkPorts(rules []familyRule) error {
	type edge struct {
		protocol   netset.Protocol
		port, rule int
		starts     bool
	}
	var edges []edge
	for i, r := range rules {
		for s := range r.rule.Services.All() {
			edges = append(edges, edge{s.Protocol, int(s.Ports.First), i, true}, edge{s.Protocol, int(s.Ports.Last) + 1, i, false})
		}
	}
	slices.SortFunc(edges, func(a, b edge) int {
		return cmp.Or(cmp.Compare(a.protocol, b.protocol), cmp.Compare(a.port, b.port), compareBool(a.starts, b.starts), cmp.Compare(a.rule, b.rule))
	})
	var open []int // ascending
	for i, e := range edges {
		at, _ := slices.BinarySearch(open, e.rule)
		if !e.starts {
			open = slices.Delete(open, at, at+1)
			continue
		}
		open = slices.Insert(open, at, e.rule)
		if i+1 < len(edges) && edges[i+1].starts {
			continue // more come before the first of them ends
		}
		sharing := make([]familyRule, len(open))
		for j, k := range open {
			sharing[j] = rules[k]
		}
		if err := coversFamily(sharing); err != nil {
			return err
		}
	}
	return nil
}

// familyRule is a rule with what is looked at again and again.
type familyRule struct {
	rule     *Rule
	prefixes netset.PrefixSet
	v4, v6   float64 // their shares of each family
}

// coversFamily returns an error if two rules or more cover a family together.
func coversFamily(rules []familyRule) error {
	var v4, v6 float64
	for _, r := range rules {
		v4 += r.v4
		v6 += r.v6
	}
	if len(rules) < 2 || v4 < nearlyAll && v6 < nearlyAll {
		return nil
	}
	var all netset.PrefixBuilder
	var entries []Entry
	for _, r := range rules {
		all.AddSet(r.prefixes)
		entries = append(entries, r.rule.Entries...)
	}
	return wholeFamily(all.Build(), entries)
}

// nearlyAll allows for what summing up loses. Sets whose shares sum up to less than 1
// do not cover a family, so that most need no union.
const nearlyAll = 0.999

// wholeFamily refuses prefixes that cover a family.
func wholeFamily(s netset.PrefixSet, entries []Entry) error {
	if v4, v6 := s.CoversFamily(); v4 || v6 {
		return fmt.Errorf("the prefixes of %s together cover all %s addresses; if that is meant, answer \"remote\": \"any\" for one of them",
			entryIDs(entries), FamilyName(v4))
	}
	return nil
}
