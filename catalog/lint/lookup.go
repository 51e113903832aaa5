package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/netset"
)

// MaxOverlap bounds what looking at entries beside each other may cost where they
// overlap: in parts of their endpoints and services that the same entries hold, and in
// sixteenths of the entries that hold one.
const MaxOverlap = 4_000_000

// TooLargeError says that entries overlap in more than MaxOverlap places.
type TooLargeError struct {
	Entries int      // how many there are
	Largest []string // the ids of those that say most, at most three
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the endpoints and ports of %d entries overlap in more than %d places, above all those of %s, so lint cannot tell what each entry adds; check fewer entries at a time, for example with --area or --entry",
		e.Entries, MaxOverlap, strings.Join(e.Largest, ", "))
}

func tooLarge(entries []catalog.Entry) error {
	size := func(e *catalog.Entry) int { return max(1, e.Services.Size()) * (e.Prefixes.Size() + len(e.Names)) }
	sorted := make([]*catalog.Entry, len(entries))
	for i := range entries {
		sorted[i] = &entries[i]
	}
	slices.SortStableFunc(sorted, func(a, b *catalog.Entry) int { return cmp.Compare(size(b), size(a)) })
	err := &TooLargeError{Entries: len(entries)}
	for _, e := range sorted[:min(3, len(sorted))] {
		err.Largest = append(err.Largest, e.ID)
	}
	return err
}

// lookup tells which entries hold the same endpoints for the same services.
type lookup struct {
	entries []catalog.Entry
	budget  *netset.Budget
	places  []place
	index   netset.NameIndex
	listing map[netset.Pattern]netset.Holders // who lists a pattern as it is
	names   []netset.NameSet                  // by entry, once asked for
}

// place is endpoints that the same entries hold.
type place struct {
	listing netset.Holders // of names, those that list one and not only a wider one; else nil
	parts   []part
}

// part is services with the entries that hold an endpoint for all of them, or for some
// if their ports overlap too much to tell them apart at once. An entry whose services
// are unsaid holds it for any.
type part = netset.Cell[netset.ServiceSet, netset.Holders]

// newLookup sorts out the entries; names come first, then addresses.
func newLookup(entries []catalog.Entry, budget *netset.Budget) (*lookup, error) {
	l := &lookup{entries: entries, budget: budget, listing: map[netset.Pattern]netset.Holders{}, names: make([]netset.NameSet, len(entries))}
	l.addNames()
	l.addAddresses()
	if !l.budget.Spend(0) {
		return nil, tooLarge(entries)
	}
	return l, nil
}

func (l *lookup) addAddresses() {
	sets := make([]netset.PrefixSet, len(l.entries))
	for i := range l.entries {
		sets[i] = l.entries[i].Prefixes
	}
	cells, _ := netset.HoldersOf(sets, l.budget)
	for _, held := range cells.All() {
		l.places = append(l.places, place{parts: l.parts(held)})
	}
}

func (l *lookup) addNames() {
	var patterns []netset.Pattern
	for i := range l.entries {
		for _, n := range l.entries[i].Names {
			list := l.listing[n]
			if list == nil {
				patterns = append(patterns, n)
			}
			if len(list) == 0 || list[len(list)-1] != int32(i) {
				l.listing[n] = append(list, int32(i))
			}
		}
	}
	l.index = netset.NameIndexOf(patterns)
	known := map[uint64][]int{} // places, by the hash of their holders
	var held []netset.Holders   // of the places
	for _, n := range patterns {
		all := l.holding(n)
		if !l.budget.Spend(1 + len(all)/holdersPerStep) {
			return
		}
		hash := all.Hash()
		k := slices.IndexFunc(known[hash], func(at int) bool { return held[at].Equal(all) })
		if k < 0 {
			k = len(known[hash])
			known[hash] = append(known[hash], len(held))
			held = append(held, all)
			l.places = append(l.places, place{parts: l.parts(all)})
		}
		p := &l.places[known[hash][k]]
		p.listing = append(p.listing, l.listing[n]...)
	}
	for i := range l.places {
		slices.Sort(l.places[i].listing)
	}
}

// holdersPerStep is how many entries that hold an endpoint count as much as a part.
const holdersPerStep = 16

// holding returns the entries that hold a name.
func (l *lookup) holding(n netset.Pattern) (all netset.Holders) {
	covering := l.index.Covering(n)
	if len(covering) == 1 {
		return l.listing[n]
	}
	for _, wide := range covering {
		all = append(all, l.listing[wide]...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// parts tells holders of an endpoint apart by their services, where that is cheap.
func (l *lookup) parts(held netset.Holders) []part {
	if len(held) == 1 {
		return []part{{Key: anyService, Value: held}}
	}
	if !l.budget.Spend(1 + len(held)*stepsToPart/looksPerStep) {
		return nil
	}
	sets := make([]netset.ServiceSet, len(held))
	for k, i := range held {
		sets[k] = l.services(i)
	}
	cells, ok := netset.HoldersOf(sets, netset.NewBudget(stepsToPart*len(held)))
	if !ok || !l.budget.Spend(cells.Len()) {
		return []part{{Key: anyService, Value: held}}
	}
	parts := make([]part, 0, cells.Len())
	for services, by := range cells.All() {
		for k, at := range by {
			by[k] = held[at]
		}
		parts = append(parts, part{Key: services, Value: by})
	}
	return parts
}

// stepsToPart is how many steps for each holder parting them by services may take.
const stepsToPart = 4

// services returns those of an entry; any if they are unsaid.
func (l *lookup) services(i int32) netset.ServiceSet {
	if s := l.entries[i].Services; !s.IsEmpty() {
		return s
	}
	return anyService
}

var anyService = func() netset.ServiceSet {
	all := netset.PortRange{First: 1, Last: 65535}
	return netset.ServiceSetOf(netset.Service{Protocol: netset.TCP, Ports: all}, netset.Service{Protocol: netset.UDP, Ports: all})
}()
