package lint

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/netset"
)

// covered finds entries that another entry makes superfluous: all their endpoints are
// endpoints of the other, for the same flows and of the same category. They are told
// at the other entry. Candidates come from sorting addresses and from looking names up
// label by label, so that only entries that share an endpoint are compared.
func covered(entries []catalog.Entry) []Finding {
	by := make([]int, len(entries)) // the entry that covers it, or -1
	for i := range by {
		by[i] = -1
	}
	l := lookup{entries: entries, names: make([]netset.NameSet, len(entries))}
	judge := func(i int, candidates []int) {
		for _, j := range candidates {
			if j != i && l.covers(j, i) && (j < i || !l.covers(i, j)) {
				by[i] = j
				return
			}
		}
	}
	l.byAddress(judge)
	l.byName(judge)
	superfluous := map[int][]string{} // by an entry that none covers
	for i := range entries {
		top := i
		for by[top] >= 0 {
			top = by[top]
		}
		if top != i {
			superfluous[top] = append(superfluous[top], entries[i].ID)
		}
	}
	var found []Finding
	for top, ids := range superfluous {
		found = append(found, Finding{
			Kind: Covered, Entry: entries[top].ID, Others: ids,
			Why: "every endpoint of the other entries is one of this entry's, too: they let no further flow pass",
			Do:  "exclude this entry if the narrower ones are what is wanted, or exclude them",
		})
	}
	slices.SortFunc(found, func(a, b Finding) int { return cmp.Compare(a.Entry, b.Entry) })
	return found
}

// covers reports whether every flow of the entry b is one of a, as far as the publisher
// says, and a PAC file sends it the same way.
func (l *lookup) covers(i, j int) bool {
	a, b := &l.entries[i], &l.entries[j]
	return a.Kind == b.Kind && a.Category == b.Category && a.Role == b.Role &&
		a.Services.Covers(b.Services) && a.Services.IsEmpty() == b.Services.IsEmpty() &&
		(a.Direction == b.Direction || a.Direction == catalog.Bidirectional && b.Direction != "") &&
		len(b.Pending)+len(a.Narrowings) == 0 && a.Prefixes.Covers(b.Prefixes) && l.coversNames(i, b.Names)
}

func (l *lookup) coversNames(i int, names []netset.Pattern) bool {
	if len(names) == 0 {
		return true
	}
	if l.names[i].IsEmpty() {
		l.names[i] = netset.NameSetOf(l.entries[i].Names...)
	}
	return !slices.ContainsFunc(names, func(n netset.Pattern) bool { return !l.names[i].Covers(n) })
}

// lookup finds the entries that hold an endpoint of another.
type lookup struct {
	entries []catalog.Entry
	names   []netset.NameSet // by entry, once asked for
}

// byName calls judge for each entry of names alone with the entries that may hold its
// first name, in order.
func (l *lookup) byName(judge func(i int, candidates []int)) {
	named := map[string][]int{} // by the text of a pattern
	var odd []int               // with stars inside names, which are not looked up
	for i := range l.entries {
		for _, n := range l.entries[i].Names {
			named[n.String()] = append(named[n.String()], i)
			if _, subdomains := n.Subdomains(); !n.IsExact() && !subdomains {
				odd = append(odd, i)
			}
		}
	}
	for i := range l.entries {
		e := &l.entries[i]
		if len(e.Names) == 0 || !e.Prefixes.IsEmpty() {
			continue
		}
		name := e.Names[0].String()
		list := slices.Concat(named[name], odd)
		for rest := name; rest != ""; {
			_, rest, _ = strings.Cut(rest, ".")
			list = append(list, named["*."+rest]...)
		}
		slices.Sort(list)
		judge(i, slices.Compact(list))
	}
}

// edge is where a range of an entry starts, or has ended.
type edge struct {
	at    netip.Addr
	entry int
	ends  bool // the range's last address is at
	first bool // the entry's first range starts here
}

// byAddress calls judge for each entry with prefixes with the entries that hold its
// first address, in order. It is one sweep over all ranges by their addresses.
func (l *lookup) byAddress(judge func(i int, candidates []int)) {
	edges := edgesOf(l.entries)
	var open []int // entries that hold the address, in order
	for len(edges) > 0 {
		n := 0
		for ; n < len(edges) && edges[n].at == edges[0].at && !edges[n].ends; n++ {
			if at, has := slices.BinarySearch(open, edges[n].entry); !has {
				open = slices.Insert(open, at, edges[n].entry)
			}
		}
		for _, e := range edges[:n] {
			if e.first {
				judge(e.entry, open)
			}
		}
		if n == 0 { // a range ends
			if at, has := slices.BinarySearch(open, edges[0].entry); has {
				open = slices.Delete(open, at, at+1)
			}
			n = 1
		}
		edges = edges[n:]
	}
}

// edgesOf returns the edges of all ranges by address; of one address the starts come
// first.
func edgesOf(entries []catalog.Entry) []edge {
	var edges []edge
	for i := range entries {
		first := true
		for from, to := range entries[i].Prefixes.Ranges() {
			edges = append(edges, edge{at: from, entry: i, first: first}, edge{at: to, entry: i, ends: true})
			first = false
		}
	}
	slices.SortFunc(edges, func(a, b edge) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(order(a), order(b)), cmp.Compare(a.entry, b.entry))
	})
	return edges
}

// order puts starts before ends at one address.
func order(e edge) int {
	if e.ends {
		return 1
	}
	return 0
}
