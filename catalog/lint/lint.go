// Package lint finds things in catalogues that deserve a review before they become
// rules: wildcards under which anybody can get a name, names that the publisher gave
// up, endpoints in several categories, entries that others cover, very wide prefixes,
// and addresses that no public service has.
//
// A finding is not an error, because publishers do ask for such things. It says why it
// matters and what to do.
package lint

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/netset"
)

// Kind is what a finding is about.
type Kind string

const (
	Shared     Kind = "shared"     // a wildcard over names that anybody can get
	Retired    Kind = "retired"    // a name that its publisher removed
	Categories Kind = "categories" // an endpoint of two categories, for a pair of entries
	Covered    Kind = "covered"    // entries that add nothing to another one
	Together   Kind = "together"   // an entry that adds nothing to several others
	Wide       Kind = "wide"       // a prefix at or over the bound
	Reserved   Kind = "reserved"   // an address that no public service has
)

// kinds is the order in which findings are told, the weightiest first.
func kinds() []Kind { return []Kind{Shared, Wide, Reserved, Retired, Categories, Covered, Together} }

// Finding is one thing that is worth a look.
type Finding struct {
	Kind      Kind     `json:"kind"`
	Entry     string   `json:"entry"`               // id
	Endpoints []string `json:"endpoints,omitempty"` // which of its endpoints; none for the entry as a whole
	Others    []string `json:"others,omitempty"`    // ids of the other entries that it is about, sorted
	Why       string   `json:"why"`                 // why it matters
	Do        string   `json:"do"`                  // what can be done about it
}

// Input is what is looked at.
type Input struct {
	Entries []catalog.Entry // of any catalogues, each id once

	// Public names the catalogues whose addresses are those of public services.
	Public map[string]bool

	// Revisions are what is known of catalogues, by name, whether or not they are loaded.
	Revisions map[string]Revisions

	// Removed are the names that publishers' change records say were removed.
	Removed []Removed
}

// Revisions are the states of one catalogue that are known.
type Revisions struct {
	Newest *catalog.Catalog // nil if there is only one
	Older  []*catalog.Catalog
}

// Removed are the names that one version of a catalogue removed.
type Removed struct {
	Catalog, Version string
	Names            netset.NameSet
	Listed           netset.NameSet // what publishers that give change records list now
}

// Check looks at the entries. Findings come by kind, then by entry. Time is near-linear
// where entries do not overlap; where they do, MaxOverlap bounds it: a *TooLargeError.
func Check(in Input) ([]Finding, error) { return checkWithin(in, netset.NewBudget(MaxOverlap)) }

func checkWithin(in Input, budget *netset.Budget) ([]Finding, error) {
	var found []Finding
	domains, blocks := sharedDomains(), reservedBlocks()
	entries := slices.SortedFunc(slices.Values(in.Entries), func(a, b catalog.Entry) int { return cmp.Compare(a.ID, b.ID) })
	for i := range entries {
		e := &entries[i]
		found = append(found, shared(e, domains)...)
		found = append(found, wide(e)...)
		if in.Public[catalogOf(e)] {
			found = append(found, reserved(e, blocks)...)
		}
		found = append(found, in.retired(e)...)
		found = append(found, removed(e, in.Removed)...)
	}
	l, err := newLookup(entries, budget)
	if err != nil {
		return nil, err
	}
	found = append(found, l.categories()...)
	found = append(found, l.covered()...)
	if !l.budget.Spend(0) {
		return nil, tooLarge(entries)
	}
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(slices.Index(kinds(), a.Kind), slices.Index(kinds(), b.Kind)), cmp.Compare(a.Entry, b.Entry))
	})
	return found, nil
}

func catalogOf(e *catalog.Entry) string { name, _, _ := strings.Cut(e.ID, "/"); return name }

// retired finds what an entry has of an older revision of its own catalogue; and, in an
// entry of the site's own, what it has of one of another catalogue and no publisher
// that is loaded lists now.
func (in Input) retired(e *catalog.Entry) []Finding {
	own := catalogOf(e)
	found := gaveUp(e, in.Revisions[own], "revision %s no longer has it", "use the newest revision, or exclude the entry")
	if in.Public[own] {
		return found
	}
	for _, name := range slices.Sorted(maps.Keys(in.Revisions)) {
		if name == own {
			continue
		}
		r := in.Revisions[name]
		more := gaveUp(e, r, name+", revision %s, no longer has it", "remove it from this catalogue, or exclude the entry")
		found = append(found, slices.DeleteFunc(more, func(f Finding) bool { return in.isPublished(f.Endpoints[0], name) })...)
	}
	return found
}

// isPublished reports whether an entry of a publisher's lists an endpoint, in another
// catalogue than the one that gave it up.
func (in Input) isPublished(endpoint, gaveUp string) bool {
	prefix, name, _, err := catalog.ParseEndpoint(endpoint)
	return err == nil && slices.ContainsFunc(in.Entries, func(e catalog.Entry) bool {
		return in.Public[catalogOf(&e)] && catalogOf(&e) != gaveUp && (slices.Contains(e.Names, name) || !prefix.IsEmpty() && e.Prefixes.Covers(prefix))
	})
}

// gaveUp finds names and prefixes, each by itself, that an older revision of a
// catalogue lists and the newest gave up. What the newest lists in the entry's own
// place more narrowly, or elsewhere as it is, it has. what says so of a revision.
func gaveUp(e *catalog.Entry, r Revisions, what, do string) []Finding {
	if r.Newest == nil {
		return nil
	}
	var found []Finding
	add := func(endpoint, kind string) {
		found = append(found, Finding{
			Kind: Retired, Entry: e.ID, Endpoints: []string{endpoint},
			Why: fmt.Sprintf(what+": %s that its publisher gives up may go to somebody else", r.Newest.Revision, kind),
			Do:  do,
		})
	}
	for _, n := range e.Names {
		if listsName(r.Older, n) && !keepsName(r.Newest, e.ID, n) {
			add(n.String(), "a name")
		}
	}
	for p := range e.Prefixes.Prefixes() {
		set := netset.PrefixSetOf(p)
		if listsPrefix(r.Older, set) && !keepsPrefix(r.Newest, e.ID, set) {
			add(p.String(), "an address")
		}
	}
	return found
}

func listsName(catalogs []*catalog.Catalog, n netset.Pattern) bool {
	return slices.ContainsFunc(catalogs, func(c *catalog.Catalog) bool {
		return slices.ContainsFunc(c.Entries, func(e catalog.Entry) bool { return slices.Contains(e.Names, n) })
	})
}

func listsPrefix(catalogs []*catalog.Catalog, p netset.PrefixSet) bool {
	return slices.ContainsFunc(catalogs, func(c *catalog.Catalog) bool {
		return slices.ContainsFunc(c.Entries, func(e catalog.Entry) bool { return e.Prefixes.Covers(p) })
	})
}

// keepsName reports whether a catalogue still lists a name; in the entry of the same id
// also a part of it, or one around it.
func keepsName(c *catalog.Catalog, id string, n netset.Pattern) bool {
	return slices.ContainsFunc(c.Entries, func(e catalog.Entry) bool {
		if slices.Contains(e.Names, n) {
			return true
		}
		near := func(other netset.Pattern) bool { return other.Covers(n) || n.Covers(other) }
		return e.ID == id && (slices.ContainsFunc(e.Names, near) || slices.ContainsFunc(e.Pending, func(p catalog.Pending) bool {
			pattern, err := p.Pattern()
			return err == nil && near(pattern)
		}))
	})
}

// keepsPrefix is keepsName for a prefix.
func keepsPrefix(c *catalog.Catalog, id string, p netset.PrefixSet) bool {
	return slices.ContainsFunc(c.Entries, func(e catalog.Entry) bool {
		return e.Prefixes.Covers(p) || e.ID == id && e.Prefixes.Overlaps(p)
	})
}

// removed finds names that a publisher's change records say were removed and that the
// entry has still, because removals are delayed or because it is of another catalogue.
func removed(e *catalog.Entry, removals []Removed) []Finding {
	var found []Finding
	for _, r := range removals {
		var names []string
		for _, n := range e.Names {
			if r.Names.Covers(n) && !r.Listed.Covers(n) {
				names = append(names, n.String())
			}
		}
		if len(names) == 0 {
			continue
		}
		f := Finding{
			Kind: Retired, Entry: e.ID, Endpoints: names,
			Why: fmt.Sprintf("version %s of %s removed these names: somebody else may register a name that its publisher gave up", r.Version, r.Catalog),
			Do:  "remove them from this catalogue, or exclude the entry",
		}
		if catalogOf(e) == r.Catalog {
			f.Do = `see that nothing uses them any more, and shorten "keep_removed"`
		}
		found = append(found, f)
	}
	return found
}
