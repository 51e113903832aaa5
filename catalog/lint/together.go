package lint

import (
	"slices"

	"gatewright/catalog/netset"
)

// together finds entries that several others cover between them, among those that none
// covers alone. All its findings can be followed at once. A name counts as covered if
// patterns of other entries cover it one by one.
func (l *lookup) together(by []int) []Finding {
	classes := map[class][]int{}
	for i := range l.entries {
		if e := &l.entries[i]; by[i] < 0 && (!e.Prefixes.IsEmpty() || len(e.Names) > 0) {
			classes[classOf(e)] = append(classes[classOf(e)], i)
		}
	}
	var found []Finding
	for _, members := range classes {
		s := shares{lookup: l, members: members, gone: map[int]bool{}}
		s.findPlaces()
		for _, i := range slices.Backward(members) { // as of equal entries the first stays
			s.gone[i] = s.coverOf(i) != nil
		}
		for _, i := range members {
			if !s.gone[i] {
				continue
			}
			f := Finding{
				Kind: Together, Entry: l.entries[i].ID,
				Why: "the other entries hold every endpoint of this one between them: it lets no further flow pass",
				Do:  "exclude this entry, or the others if it alone is what is wanted",
			}
			for _, j := range s.coverOf(i) {
				f.Others = append(f.Others, l.entries[j].ID)
			}
			found = append(found, f)
		}
	}
	return found
}

// shares tells which members of a class share what they hold.
type shares struct {
	*lookup
	members []int           // in order
	places  map[int][][]int // by a member that has nothing to itself: who holds each run of its addresses, and each of its names
	gone    map[int]bool    // found to be superfluous
}

func (s *shares) findPlaces() {
	own := map[int]bool{} // has something to itself
	for _, open := range segments(s.entries, s.members) {
		if len(open) == 1 {
			own[open[0]] = true
		}
	}
	s.places = map[int][][]int{}
	for _, i := range s.members {
		names := s.entries[i].Names
		for k := 0; k < len(names) && !own[i]; k++ {
			holders := s.holders(names[k])
			own[i] = len(holders) == 1
			s.places[i] = append(s.places[i], holders)
		}
	}
	for _, open := range segments(s.entries, s.members) {
		var holders []int
		for _, i := range open {
			if own[i] {
				continue
			}
			if holders == nil {
				holders = slices.Clone(open)
			}
			s.places[i] = append(s.places[i], holders)
		}
	}
	for i, has := range own {
		if has {
			delete(s.places, i)
		}
	}
}

// holders returns the members that hold a name.
func (s *shares) holders(n netset.Pattern) []int {
	return slices.DeleteFunc(s.index.holders(n), func(j int) bool {
		_, is := slices.BinarySearch(s.members, j)
		return !is
	})
}

// coverOf returns members that cover the member i between them, of those that are not
// gone; nil if they do not.
func (s *shares) coverOf(i int) []int {
	var cover []int
	for _, holders := range s.places[i] {
		var have netset.ServiceSet
		helped := false // where the services are unsaid
		add := func(j int, chosen bool) {
			e := &s.entries[j]
			if j == i || s.gone[j] || !s.takesPart(j, i) || helped && have.Covers(s.entries[i].Services.Intersect(e.Services)) {
				return
			}
			if have, helped = have.Union(e.Services), true; !chosen {
				cover = append(cover, j)
			}
		}
		for _, j := range cover {
			if _, holds := slices.BinarySearch(holders, j); holds {
				add(j, true)
			}
		}
		for _, j := range holders {
			add(j, false)
		}
		if !helped || !have.Covers(s.entries[i].Services) {
			return nil
		}
	}
	slices.Sort(cover)
	return cover
}
