package netset

import "iter"

// Product is an immutable set of pairs. It maps each part of one axis to a set. It is a
// Set itself, so products can be nested. The zero value is empty.
type Product[A Axis[A], B Set[B]] struct{ cells Cells[A, B] }

// ProductOf returns every pair of a member of a and one of b.
func ProductOf[A Axis[A], B Set[B]](a A, b B) Product[A, B] {
	if b.IsEmpty() {
		return Product[A, B]{}
	}
	return Product[A, B]{CellsOf(a, b)}
}

// UniteProducts returns the union of all of them. Where they overlap, the size of what
// goes with it counts against the budget; ok is false if that ran out.
func UniteProducts[A Axis[A], B Set[B]](list []Product[A, B], budget *Budget) (p Product[A, B], ok bool) {
	cells := make([]Cells[A, B], len(list))
	for i, one := range list {
		cells[i] = one.cells
	}
	c, ok := Fold(cells, func(a, b B) B {
		both := a.Union(b)
		budget.Spend(both.Size())
		return both
	}, budget)
	return Product[A, B]{c}, ok
}

// Cells returns the set as a step function.
func (p Product[A, B]) Cells() Cells[A, B] { return p.cells }

// All yields disjoint parts of the first axis with what goes with them: sets that
// differ and are not empty.
func (p Product[A, B]) All() iter.Seq2[A, B] { return p.cells.All() }

// IsEmpty reports whether the product has no pair.
func (p Product[A, B]) IsEmpty() bool { return p.cells.IsEmpty() }

// Equal reports whether both sets hold the same pairs.
func (p Product[A, B]) Equal(q Product[A, B]) bool { return p.cells.Equal(q.cells) }

// Hash is the same for equal sets.
func (p Product[A, B]) Hash() uint64 { return p.cells.Hash() }

// Size counts the ranges of all parts.
func (p Product[A, B]) Size() int {
	n := 0
	for a, b := range p.All() {
		n += a.Size() + b.Size()
	}
	return n
}

// Union returns the pairs of either set.
func (p Product[A, B]) Union(q Product[A, B]) Product[A, B] {
	both, _ := UniteProducts([]Product[A, B]{p, q}, nil)
	return both
}

// Intersect returns the pairs of both sets.
func (p Product[A, B]) Intersect(q Product[A, B]) Product[A, B] {
	return p.zip(q, func(a, b *B) (B, bool) {
		if a == nil || b == nil {
			var none B
			return none, false
		}
		both := (*a).Intersect(*b)
		return both, !both.IsEmpty()
	})
}

// Subtract returns the pairs of p that are not in q.
func (p Product[A, B]) Subtract(q Product[A, B]) Product[A, B] {
	return p.zip(q, func(a, b *B) (B, bool) {
		switch {
		case a == nil:
			var none B
			return none, false
		case b == nil:
			return *a, true
		}
		rest := (*a).Subtract(*b)
		return rest, !rest.IsEmpty()
	})
}

func (p Product[A, B]) zip(q Product[A, B], f func(a, b *B) (B, bool)) Product[A, B] {
	c, _ := Zip(p.cells, q.cells, f, nil)
	return Product[A, B]{c}
}
