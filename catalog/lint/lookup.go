package lint

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/netset"
)

// nameIndex finds the entries that hold a name.
type nameIndex struct {
	plain map[string][]int   // by the text of an exact name, or of "*.example.com"
	odd   map[string][]named // with stars inside, by their last two labels, which hold none
}

type named struct {
	name  netset.Pattern
	entry int
}

func indexNames(entries []catalog.Entry) nameIndex {
	x := nameIndex{map[string][]int{}, map[string][]named{}}
	for i := range entries {
		for _, n := range entries[i].Names {
			if _, subdomains := n.Subdomains(); n.IsExact() || subdomains {
				x.plain[n.String()] = append(x.plain[n.String()], i)
			} else {
				x.odd[lastTwo(n)] = append(x.odd[lastTwo(n)], named{n, i})
			}
		}
	}
	return x
}

func lastTwo(n netset.Pattern) string {
	text := n.String()
	last := strings.LastIndexByte(text, '.')
	return text[1+strings.LastIndexByte(text[:max(last, 0)], '.'):]
}

// covering yields the patterns that cover n, itself among them, with the entries that
// list them.
func (x nameIndex) covering(n netset.Pattern) iter.Seq2[string, []int] {
	return func(yield func(string, []int) bool) {
		text := n.String()
		if list := x.plain[text]; len(list) > 0 && !yield(text, list) {
			return
		}
		for rest := text; rest != ""; {
			_, rest, _ = strings.Cut(rest, ".")
			wide := "*." + rest
			if list := x.plain[wide]; wide != text && len(list) > 0 && !yield(wide, list) {
				return
			}
		}
		for _, o := range x.odd[lastTwo(n)] {
			if o.name.Covers(n) && !yield(o.name.String(), []int{o.entry}) {
				return
			}
		}
	}
}

// holders returns the entries that hold a name, in order.
func (x nameIndex) holders(n netset.Pattern) []int {
	var list []int
	for _, entries := range x.covering(n) {
		list = append(list, entries...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// edge is where a range of an entry starts, or has ended.
type edge struct {
	at    netip.Addr
	entry int
	ends  bool // the range's last address is at
	first bool // the entry's first range starts here
}

// segments yields the runs of addresses that the same members of the entries hold: the
// ranges that start with the run, and the members, in order. It is one sweep over all
// ranges by their addresses; the slices are good until the next run.
func segments(entries []catalog.Entry, members []int) iter.Seq2[[]edge, []int] {
	return func(yield func([]edge, []int) bool) {
		edges := edgesOf(entries, members)
		var open []int
		for len(edges) > 0 {
			n := 1
			for n < len(edges) && edges[n].at == edges[0].at && edges[n].ends == edges[0].ends {
				n++
			}
			here := edges[:n]
			edges = edges[n:]
			for _, e := range here {
				at, has := slices.BinarySearch(open, e.entry)
				switch {
				case e.ends && has:
					open = slices.Delete(open, at, at+1)
				case !e.ends && !has:
					open = slices.Insert(open, at, e.entry)
				}
			}
			if here[0].ends {
				if len(open) == 0 || edges[0].at == here[0].at.Next() && !edges[0].ends {
					continue // nobody's, or the start tells of it
				}
				here = nil
			}
			if !yield(here, open) {
				return
			}
		}
	}
}

// edgesOf returns the edges of the members' ranges by address; of one address the
// starts come first.
func edgesOf(entries []catalog.Entry, members []int) []edge {
	var edges []edge
	for _, i := range members {
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
