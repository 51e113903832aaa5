package lint

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"gatewright/catalog"
	"gatewright/catalog/netset"
)

// MaxPairs bounds the pairs of entries that are told for their categories.
const MaxPairs = 100

// categories finds endpoints that entries of two categories hold, as they are or within
// a wider endpoint, for TCP ports that both ask for: PAC routes tell categories apart.
// There is one finding for a pair of entries, and one for all pairs over the bound.
func categories(entries []catalog.Entry) []Finding {
	x := crossings{entries: entries, pairs: map[[2]int]*crossing{}}
	for i := range entries {
		if e := &entries[i]; e.Kind == catalog.KindFlow && e.Category != "" {
			x.members = append(x.members, i)
		}
	}
	x.byName()
	x.byAddress()
	var found []Finding
	for ids, c := range x.pairs {
		if c != nil {
			found = append(found, x.finding(ids, c))
		}
	}
	slices.SortFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Entry, b.Entry), slices.Compare(a.Others, b.Others))
	})
	if x.more != nil {
		a, b := &entries[x.more[0]], &entries[x.more[1]]
		found = append(found, Finding{
			Kind: Categories, Entry: a.ID, Others: []string{b.ID},
			Why: fmt.Sprintf("these entries hold an endpoint of two categories, too, as others may: only %d pairs are told", MaxPairs),
			Do:  "mend or exclude what is told, or select fewer entries, and look again",
		})
	}
	return found
}

// crossings are the pairs of entries of different categories that share an endpoint.
type crossings struct {
	entries []catalog.Entry
	members []int                // flows with a category, in order
	pairs   map[[2]int]*crossing // the lesser entry first; nil if their ports differ
	told    int                  // pairs that are not nil
	more    *[2]int              // the first pair over the bound
}

// crossing is what two entries share.
type crossing struct {
	endpoints    []string // names that both hold; one that the other holds in a wider one
	narrow, wide string   // the first that is within a wider one
}

// meet returns the pair of two entries, made if they are of different categories and
// share a port; nil if they do not, or are over the bound.
func (x *crossings) meet(i, j int) *crossing {
	a, b := &x.entries[i], &x.entries[j]
	if a.Category == b.Category {
		return nil
	}
	ids := [2]int{min(i, j), max(i, j)}
	c, known := x.pairs[ids]
	if known || x.more != nil {
		return c
	}
	unsaid := a.Services.IsEmpty() || b.Services.IsEmpty()
	switch {
	case !unsaid && a.Services.Intersect(b.Services).Only(netset.TCP).IsEmpty():
	case x.told == MaxPairs:
		x.more = &ids
		return nil
	default:
		x.told++
		c = &crossing{}
	}
	x.pairs[ids] = c
	return c
}

func (x *crossings) byName() {
	index := indexNames(x.entries)
	for _, i := range x.members {
		for _, n := range x.entries[i].Names {
			for wide, holders := range index.covering(n) {
				for _, j := range holders {
					if x.entries[j].Kind == catalog.KindFlow && x.entries[j].Category != "" {
						x.meet(i, j).add(n.String(), wide)
					}
				}
			}
		}
	}
}

func (x *crossings) byAddress() {
	for started, open := range segments(x.entries, x.members) {
		for _, s := range started {
			for _, j := range open {
				x.meet(s.entry, j)
			}
		}
		if x.more != nil {
			return
		}
	}
}

// add notes a name that both entries hold, one of them by a pattern that may be wider.
func (c *crossing) add(name, by string) {
	if c == nil {
		return
	}
	c.endpoints = append(c.endpoints, name)
	if name != by && c.wide == "" {
		c.narrow, c.wide = name, by
	}
}

func (x *crossings) finding(ids [2]int, c *crossing) Finding {
	a, b := &x.entries[ids[0]], &x.entries[ids[1]]
	slices.Sort(c.endpoints)
	f := Finding{
		Kind: Categories, Entry: a.ID, Others: []string{b.ID}, Endpoints: slices.Compact(c.endpoints),
		Do: `see that "routes" sends all of them one way, or exclude what is not meant`,
	}
	for p := range a.Prefixes.Intersect(b.Prefixes).Prefixes() {
		f.Endpoints = append(f.Endpoints, p.String())
		if c.wide != "" {
			continue
		}
		for _, e := range []*catalog.Entry{a, b} {
			if around := prefixAround(e.Prefixes, p); around.Bits() < p.Bits() {
				c.narrow, c.wide = p.String(), around.String()
			}
		}
	}
	words := []string{string(a.Category), string(b.Category)}
	slices.Sort(words)
	f.Why = fmt.Sprintf("these endpoints are of the categories %s and %s: a PAC file sends them by the first route that takes one of the entries", words[0], words[1])
	if c.wide != "" {
		f.Why = fmt.Sprintf("these endpoints are of the categories %s and %s, such as %s within %s: a PAC file follows the narrower endpoint, and between equal ones the first route", words[0], words[1], c.narrow, c.wide)
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
