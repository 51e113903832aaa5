package netset

import (
	"encoding/binary"
	"slices"
)

// Holders are sets by their number in a list, ascending. It is a Value.
type Holders []int32

// Equal reports whether both are the same sets.
func (h Holders) Equal(g Holders) bool { return slices.Equal(h, g) }

// Hash is the same for equal ones.
func (h Holders) Hash() uint64 {
	sum := newHash
	for _, i := range h {
		sum = sum.add(uint64(i))
	}
	return uint64(sum)
}

// Contains reports whether a set is one of the holders.
func (h Holders) Contains(set int32) bool {
	_, found := slices.BinarySearch(h, set)
	return found
}

// holdersPerStep is how many holders count as much against a budget as what is noted
// of them.
const holdersPerStep = 16

// HoldersOf cuts the union of the sets by which of them hold each part. What that takes
// is spent of the budget: a step for each range, and one more for each 16 sets that
// hold it. ok is false if it ran out. Time is near-linear where the sets do not
// overlap.
func HoldersOf[K Axis[K]](sets []K, budget *Budget) (c Cells[K, Holders], ok bool) {
	var axis K
	cells := axis.sweep().holders(sets, budget)
	slices.SortFunc(cells, func(x, y Cell[K, Holders]) int { return axis.sweep().compare(x.Key, y.Key) })
	return Cells[K, Holders]{cells}, !budget.Exhausted()
}

func (spans[M, N, K]) holders(sets []K, budget *Budget) (cells []Cell[K, Holders]) {
	listsM, listsN := make([][]span[M], len(sets)), make([][]span[N], len(sets))
	for i, s := range sets {
		listsM[i], listsN[i] = s.lists()
	}
	m, n := holdersOfSpans(listsM, budget), holdersOfSpans(listsN, budget)
	var axis K
	for _, h := range m.order {
		cells = append(cells, Cell[K, Holders]{axis.both(m.spans[h], n.spans[h]), holdersOfKey(h)})
	}
	for _, h := range n.order {
		if _, done := m.spans[h]; !done {
			cells = append(cells, Cell[K, Holders]{axis.both(nil, n.spans[h]), holdersOfKey(h)})
		}
	}
	return cells
}

// heldSpans are spans by the key of their holders, and the keys in the order in which
// they were found.
type heldSpans[N number[N]] struct {
	order []string
	spans map[string][]span[N]
}

func (s *heldSpans[N]) add(holders []int32, key []byte, one span[N]) []byte {
	key = key[:0]
	for _, i := range holders {
		key = binary.BigEndian.AppendUint32(key, uint32(i))
	}
	list, known := s.spans[string(key)]
	if !known {
		s.order = append(s.order, string(key))
	}
	s.spans[string(key)] = extend(list, one)
	return key
}

func holdersOfKey(key string) Holders {
	h := make(Holders, len(key)/4)
	for i := range h {
		h[i] = int32(binary.BigEndian.Uint32([]byte(key[4*i : 4*i+4])))
	}
	return h
}

// holdersOfSpans walks over all spans by their first and last numbers.
func holdersOfSpans[N number[N]](lists [][]span[N], budget *Budget) heldSpans[N] {
	starts, ends := edgesOf(lists)
	held := heldSpans[N]{spans: map[string][]span[N]{}}
	var open []int32 // ascending
	var from N       // what they hold starts there
	var key []byte
	add := func(to N) bool {
		key = held.add(open, key, span[N]{from, to})
		return budget.Spend(1 + len(open)/holdersPerStep)
	}
	for len(ends) > 0 {
		if len(starts) > 0 && !ends[0].at.less(starts[0].at) {
			at := starts[0].at
			if len(open) > 0 && from.less(at) && !add(at.prev()) {
				break
			}
			for from = at; len(starts) > 0 && starts[0].at == at; starts = starts[1:] {
				i, _ := slices.BinarySearch(open, starts[0].set)
				open = slices.Insert(open, i, starts[0].set)
			}
			continue
		}
		at := ends[0].at
		if !add(at) {
			break
		}
		for from = at.next(); len(ends) > 0 && ends[0].at == at; ends = ends[1:] {
			i, _ := slices.BinarySearch(open, ends[0].set)
			open = slices.Delete(open, i, i+1)
		}
	}
	return held
}

// edge is the first or the last number of a span of a set.
type edge[N number[N]] struct {
	at  N
	set int32
}

func edgesOf[N number[N]](lists [][]span[N]) (starts, ends []edge[N]) {
	n := 0
	for _, list := range lists {
		n += len(list)
	}
	starts, ends = make([]edge[N], 0, n), make([]edge[N], 0, n)
	for i, list := range lists {
		for _, s := range list {
			starts, ends = append(starts, edge[N]{s.first, int32(i)}), append(ends, edge[N]{s.last, int32(i)})
		}
	}
	for _, edges := range [][]edge[N]{starts, ends} {
		sortBy(edges, func(x, y edge[N]) int { return order(x.at, y.at) })
	}
	return starts, ends
}
