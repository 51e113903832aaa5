package netset

import (
	"iter"
	"slices"
)

// Cell is a part of a space, and what holds there.
type Cell[K, V any] struct {
	Key   K
	Value V
}

// Cells is an immutable step function. Its keys are disjoint and not empty, and its
// values differ, so two functions with the same mapping are Equal. The zero value has
// no cell.
type Cells[K Axis[K], V Value[V]] struct{ cells []Cell[K, V] }

// CellsOf returns the function that has one value; no cell if the key is empty.
func CellsOf[K Axis[K], V Value[V]](key K, value V) Cells[K, V] {
	if key.IsEmpty() {
		return Cells[K, V]{}
	}
	return Cells[K, V]{[]Cell[K, V]{{key, value}}}
}

// Budget bounds what sets may cost together where they overlap. Nil has no bound. Once
// it is exhausted, nothing that it bounded is an answer: ask Exhausted before using any
// of it.
type Budget struct{ left int }

// NewBudget returns a budget of n ranges, patterns or steps of a search.
func NewBudget(n int) *Budget { return &Budget{n} }

// Spend takes n from the budget, and reports whether it had that much.
func (b *Budget) Spend(n int) bool {
	if b == nil {
		return true
	}
	b.left = max(-1, b.left-n)
	return b.left >= 0
}

// Exhausted reports whether more was spent than the budget had.
func (b *Budget) Exhausted() bool { return b != nil && b.left < 0 }

// Zip refines two functions against each other: f gets the values of both, nil where
// there is none, and returns the value that holds there; none if it is not ok. What f
// spends of the budget is looked after: ok is false if it ran out, and the cells are
// then no answer. The pieces are as many as the keys have ranges at most, and time is
// near-linear in them.
func Zip[K Axis[K], V Value[V], W Value[W], X Value[X]](a Cells[K, V], b Cells[K, W], f func(*V, *W) (X, bool), budget *Budget) (c Cells[K, X], ok bool) {
	var axis K
	pieces := axis.sweep().refine(a.keys(), b.keys())
	var j joiner[K, X]
	for _, p := range pieces {
		var v *V
		var w *W
		if p.of.a >= 0 {
			v = &a.cells[p.of.a].Value
		}
		if p.of.b >= 0 {
			w = &b.cells[p.of.b].Value
		}
		if x, has := f(v, w); has {
			j.add(p.key, x)
		}
		if budget.Exhausted() {
			return c, false
		}
	}
	return j.cells(), true
}

// Map returns the function whose values are those that f makes; none where it is not
// ok.
func Map[K Axis[K], V Value[V], X Value[X]](c Cells[K, V], f func(V) (X, bool)) Cells[K, X] {
	var j joiner[K, X]
	for _, one := range c.cells {
		if x, has := f(one.Value); has {
			j.add(one.Key, x)
		}
	}
	return j.cells()
}

// joiner joins the keys of equal values; these are disjoint and not empty.
type joiner[K Axis[K], V Value[V]] struct{ Groups[V, []K] }

func (j *joiner[K, V]) add(key K, value V) {
	keys := j.Of(value)
	*keys = append(*keys, key)
}

func (j *joiner[K, V]) cells() Cells[K, V] {
	var axis K
	var out []Cell[K, V]
	for value, keys := range j.All() {
		out = append(out, Cell[K, V]{axis.sweep().unite(*keys), value})
	}
	slices.SortFunc(out, func(x, y Cell[K, V]) int { return axis.sweep().compare(x.Key, y.Key) })
	return Cells[K, V]{out}
}

// Fold joins functions, which may overlap: where several have a value, join makes one
// of two of them, and spends of the budget what that costs. The order does not matter
// if it does not to join. ok is false if the budget ran out.
func Fold[K Axis[K], V Value[V]](list []Cells[K, V], join func(a, b V) V, budget *Budget) (c Cells[K, V], ok bool) {
	switch len(list) {
	case 0:
		return c, true
	case 1:
		return list[0], true
	}
	a, ok := Fold(list[:len(list)/2], join, budget)
	if !ok {
		return c, false
	}
	b, ok := Fold(list[len(list)/2:], join, budget)
	if !ok {
		return c, false
	}
	return Zip(a, b, func(v, w *V) (V, bool) {
		switch {
		case w == nil:
			return *v, true
		case v == nil:
			return *w, true
		}
		return join(*v, *w), true
	}, budget)
}

func (c Cells[K, V]) keys() []K {
	keys := make([]K, len(c.cells))
	for i := range c.cells {
		keys[i] = c.cells[i].Key
	}
	return keys
}

// All yields the cells by the least member of their keys.
func (c Cells[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for _, one := range c.cells {
			if !yield(one.Key, one.Value) {
				return
			}
		}
	}
}

// Len counts the cells.
func (c Cells[K, V]) Len() int { return len(c.cells) }

// IsEmpty reports whether the function has no cell.
func (c Cells[K, V]) IsEmpty() bool { return len(c.cells) == 0 }

// Support returns where there is a value.
func (c Cells[K, V]) Support() K {
	var axis K
	if len(c.cells) == 0 {
		return axis
	}
	return axis.sweep().unite(c.keys())
}

// Finder returns a function that finds what of the cells lies within a key, in time
// that goes with what is asked for and found, and the logarithm of the cells' ranges.
func (c Cells[K, V]) Finder() func(within K) []Cell[K, V] {
	var axis K
	find := axis.sweep().finder(c.keys())
	return func(within K) []Cell[K, V] {
		var found []Cell[K, V]
		for _, s := range find(within) {
			found = append(found, Cell[K, V]{s.key, c.cells[s.of.a].Value})
		}
		return found
	}
}

// Equal reports whether both functions have the same values in the same places.
func (c Cells[K, V]) Equal(d Cells[K, V]) bool {
	return slices.EqualFunc(c.cells, d.cells, func(x, y Cell[K, V]) bool { return x.Key.Equal(y.Key) && x.Value.Equal(y.Value) })
}

// Hash is the same for equal functions.
func (c Cells[K, V]) Hash() uint64 {
	h := newHash
	for _, one := range c.cells {
		h = h.add(one.Key.Hash()).add(one.Value.Hash())
	}
	return uint64(h)
}
