package lint

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"gatewright/catalog"
	"gatewright/catalog/netset"
)

// MaxPairs limits the pairs of entries that are reported for their categories.
const MaxPairs = 100

// categories finds endpoints that entries of two categories hold, as they are or within
// a wider endpoint, for TCP ports that both ask for: PAC routes tell categories apart.
// There is one finding for a pair of entries, and one for all pairs over the bound.
func (l *lookup) categories() []Finding {
	x := crossings{lookup: l, told: map[[2]int32]bool{}}
	for _, p := range l.places {
		for _, one := range p.parts {
			if !one.Key.Only(netset.TCP).IsEmpty() && x.more == nil {
				x.meet(p.listing, one.Value)
			}
		}
	}
	var found []Finding
	for ids := range x.told {
		found = append(found, l.crossing(ids[0], ids[1]))
	}
	slices.SortFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Entry, b.Entry), slices.Compare(a.Others, b.Others))
	})
	if x.more != nil {
		found = append(found, Finding{
			Kind: Categories, Entry: l.entries[x.more[0]].ID, Others: []string{l.entries[x.more[1]].ID},
			Why: fmt.Sprintf("these entries also hold an endpoint in two categories, and others may, too: only %d pairs are reported", MaxPairs),
			Do:  "fix or exclude the reported entries, or select fewer entries, and run lint again",
		})
	}
	return found
}

// crossings are the pairs of entries of different categories that share an endpoint.
type crossings struct {
	*lookup
	told map[[2]int32]bool // the lesser entry first
	more *[2]int32         // the first pair over the bound
}

// meet tells the pairs of those that hold an endpoint; of a name, one of the two lists
// it.
func (x *crossings) meet(listing, held netset.Holders) {
	byCategory := map[catalog.Category]netset.Holders{}
	for _, i := range held {
		if e := &x.entries[i]; e.Kind == catalog.KindFlow && e.Category != "" {
			byCategory[e.Category] = append(byCategory[e.Category], i)
		}
	}
	if len(byCategory) < 2 {
		return
	}
	for _, own := range slices.Sorted(maps.Keys(byCategory)) {
		for _, i := range byCategory[own] {
			if listing != nil && !listing.Contains(i) {
				continue
			}
			for _, other := range slices.Sorted(maps.Keys(byCategory)) {
				for k := 0; other != own && k < len(byCategory[other]); k++ {
					x.tell(min(i, byCategory[other][k]), max(i, byCategory[other][k]))
				}
			}
			if x.more != nil || !x.budget.Spend(1+len(held)/looksPerStep) {
				return
			}
		}
	}
}

// tell notes a pair, unless it shares no TCP port or there are too many.
func (x *crossings) tell(i, j int32) {
	ids := [2]int32{i, j}
	switch {
	case x.more != nil || x.told[ids] || x.services(i).Only(netset.TCP).Intersect(x.services(j)).IsEmpty():
	case len(x.told) == MaxPairs:
		x.more = &ids
	default:
		x.told[ids] = true
	}
}

// crossing is what two entries share.
func (l *lookup) crossing(i, j int32) Finding {
	a, b := &l.entries[i], &l.entries[j]
	f := Finding{
		Kind: Categories, Entry: a.ID, Others: []string{b.ID},
		Do: `see that "routes" sends all of them one way, or exclude what is not meant`,
	}
	var narrow, wide string // the first endpoint that is within a wider one
	for _, pair := range [2][2]int32{{i, j}, {j, i}} {
		for _, n := range l.entries[pair[0]].Names {
			for _, around := range l.index.Covering(n) {
				if !l.listing[around].Contains(pair[1]) {
					continue
				}
				f.Endpoints = append(f.Endpoints, n.String())
				if around != n && wide == "" {
					narrow, wide = n.String(), around.String()
				}
			}
		}
	}
	slices.Sort(f.Endpoints)
	f.Endpoints = slices.Compact(f.Endpoints)
	for p := range a.Prefixes.Intersect(b.Prefixes).Prefixes() {
		f.Endpoints = append(f.Endpoints, p.String())
		if wide != "" {
			continue
		}
		for _, e := range []*catalog.Entry{a, b} {
			if around := prefixAround(e.Prefixes, p); around.Bits() < p.Bits() {
				narrow, wide = p.String(), around.String()
			}
		}
	}
	words := []string{string(a.Category), string(b.Category)}
	slices.Sort(words)
	f.Why = fmt.Sprintf("these endpoints are in both categories, %s and %s: a PAC file uses the first route that selects one of the entries", words[0], words[1])
	if wide != "" {
		f.Why = fmt.Sprintf("these endpoints are in both categories, %s and %s, such as %s within %s: a PAC file follows the narrower endpoint, and for equal ones the first route", words[0], words[1], narrow, wide)
	}
	return f
}

// prefixAround returns the prefix of a set that holds p, which is one of its parts.
func prefixAround(s netset.PrefixSet, p netip.Prefix) netip.Prefix {
	for around := range s.Prefixes() {
		if around.Overlaps(p) {
			return around
		}
	}
	return p
}
