package lint

import (
	"slices"

	"gatewright/catalog/netset"
)

// together finds entries that several others cover between them, among those that none
// covers alone. All its findings can be followed at once. A name counts as covered if
// patterns of other entries cover it one by one.
func (l *lookup) together(by []int) []Finding {
	s := l.sharesOf(by)
	for i := range slices.Backward(l.entries) { // as of equal entries the first stays
		s.gone[i] = s.coverOf(int32(i)) != nil
	}
	var found []Finding
	for i := range l.entries {
		if !s.gone[i] {
			continue
		}
		f := Finding{
			Kind: Together, Entry: l.entries[i].ID,
			Why: "the other entries together contain every endpoint of this one: it accepts no additional flow",
			Do:  "exclude this entry, or exclude the others if you want only this one",
		}
		for _, j := range s.coverOf(int32(i)) {
			f.Others = append(f.Others, l.entries[j].ID)
		}
		found = append(found, f)
	}
	return found
}

// shares tells which entries of a class share all that they hold.
type shares struct {
	*lookup
	groups []part    // entries of one class
	in     [][]int32 // by an entry that has nothing to itself, the groups that it is in
	gone   []bool    // found to be superfluous
}

func (l *lookup) sharesOf(by []int) shares {
	s := shares{lookup: l, in: make([][]int32, len(l.entries)), gone: make([]bool, len(l.entries))}
	own := make([]bool, len(l.entries)) // has something to itself
	for _, p := range l.places {
		for _, one := range p.parts {
			for _, group := range l.byClass(one.Value, by) {
				if len(group) == 1 {
					own[group[0]] = true
				} else {
					s.groups = append(s.groups, part{Key: one.Key, Value: group})
				}
			}
		}
	}
	for at, group := range s.groups {
		for _, i := range group.Value {
			if !own[i] {
				s.in[i] = append(s.in[i], int32(at))
			}
		}
	}
	return s
}

// byClass parts holders that none covers alone by their classes.
func (l *lookup) byClass(held netset.Holders, by []int) map[class]netset.Holders {
	groups := map[class]netset.Holders{}
	for _, i := range held {
		if by[i] < 0 {
			c := classOf(&l.entries[i])
			groups[c] = append(groups[c], i)
		}
	}
	return groups
}

// looksPerStep is how many entries that are looked at count as much as a part.
const looksPerStep = 32

// coverOf returns entries that cover the entry i between them, of those that are not
// gone; nil if they do not.
func (s *shares) coverOf(i int32) (cover netset.Holders) {
	looked := 0
	defer func() { s.budget.Spend(looked / looksPerStep) }()
	for _, at := range s.in[i] {
		group := s.groups[at]
		missing := s.services(i).Intersect(group.Key)
		few, many := cover, group.Value
		if len(few) > len(many) {
			few, many = many, few
		}
		for k := 0; k < len(few) && !missing.IsEmpty(); k++ {
			if many.Contains(few[k]) {
				missing = missing.Subtract(s.services(few[k]))
			}
			looked++
		}
		for k := 0; k < len(group.Value) && !missing.IsEmpty(); k++ {
			j := group.Value[k]
			if looked++; j == i || s.gone[j] || !s.takesPart(int(j), int(i)) || missing.Intersect(s.services(j)).IsEmpty() {
				continue
			}
			missing = missing.Subtract(s.services(j))
			at, _ := slices.BinarySearch(cover, j)
			cover = slices.Insert(cover, at, j)
		}
		if !missing.IsEmpty() || !s.budget.Spend(0) {
			return nil
		}
	}
	return cover
}
