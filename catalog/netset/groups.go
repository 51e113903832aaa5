package netset

import "iter"

// Groups has one group for each of several values, in the order of insertion. The zero
// value is empty.
type Groups[V Value[V], T any] struct {
	values []V
	things []*T
	byHash map[uint64][]int
}

// Of returns what belongs to a value; if that is new, it is zero.
func (g *Groups[V, T]) Of(value V) *T {
	h := value.Hash()
	for _, i := range g.byHash[h] {
		if g.values[i].Equal(value) {
			return g.things[i]
		}
	}
	if g.byHash == nil {
		g.byHash = map[uint64][]int{}
	}
	g.byHash[h] = append(g.byHash[h], len(g.values))
	g.values, g.things = append(g.values, value), append(g.things, new(T))
	return g.things[len(g.things)-1]
}

// All yields the values with what belongs to them.
func (g *Groups[V, T]) All() iter.Seq2[V, *T] {
	return func(yield func(V, *T) bool) {
		for i, value := range g.values {
			if !yield(value, g.things[i]) {
				return
			}
		}
	}
}
