package netset

import (
	"cmp"
	"slices"
)

// Value distinguishes the cells of a space.
type Value[V any] interface {
	Equal(V) bool
	Hash() uint64 // equal values have equal hashes
}

// Set is a set, of one dimension or of several.
type Set[S any] interface {
	Value[S]
	Union(S) S
	Intersect(S) S
	Subtract(S) S
	IsEmpty() bool

	// Size counts the ranges that the set is made of: what it costs to look at it.
	Size() int
}

// Axis is a set of one dimension, so that lists of them can be swept: PrefixSet and
// ServiceSet.
type Axis[K any] interface {
	Set[K]

	sweep() sweep[K]
}

// sweep works on lists of sets of one axis.
type sweep[K any] interface {
	// refine cuts the sets of a and those of b at each other's edges. Within each list
	// the sets are disjoint, and so are the pieces.
	refine(a, b []K) []shard[K]

	// finder returns a function that cuts a set at the edges of disjoint ones; of.b is 0.
	finder([]K) func(K) []shard[K]

	// holders cuts the union of sets, which may overlap, by which of them hold each part.
	holders([]K, *Budget) []Cell[K, Holders]

	// unite returns what any of the sets holds; they are disjoint.
	unite([]K) K

	// compare orders disjoint sets, none of them empty, by their least members.
	compare(a, b K) int
}

// shard is what a[of.a] and b[of.b] share; an index of -1 stands for neither of a list.
type shard[K any] struct {
	of  pair
	key K
}

type pair struct{ a, b int32 }

// ranged is an axis that is made of two lists of spans: the families of addresses, or
// the protocols of services.
type ranged[M number[M], N number[N], K any] interface {
	lists() ([]span[M], []span[N])
	both([]span[M], []span[N]) K
}

// spans is the sweep of an axis that is made of spans.
type spans[M number[M], N number[N], K ranged[M, N, K]] struct{}

func (spans[M, N, K]) refine(a, b []K) []shard[K] {
	aM, aN := labelBoth[M, N](a)
	bM, bN := labelBoth[M, N](b)
	return shards[M, N, K](overlay(aM, bM), overlay(aN, bN))
}

// shards puts the sets together that each pair has in both lists, in order.
func shards[M number[M], N number[N], K ranged[M, N, K]](m map[pair][]span[M], n map[pair][]span[N]) (pieces []shard[K]) {
	var axis K
	for of, list := range m {
		pieces = append(pieces, shard[K]{of, axis.both(list, n[of])})
		delete(n, of)
	}
	for of, list := range n {
		pieces = append(pieces, shard[K]{of, axis.both(nil, list)})
	}
	slices.SortFunc(pieces, func(x, y shard[K]) int { return cmp.Or(cmp.Compare(x.of.a, y.of.a), cmp.Compare(x.of.b, y.of.b)) })
	return pieces
}

func (spans[M, N, K]) finder(sets []K) func(K) []shard[K] {
	m, n := labelBoth[M, N](sets)
	return func(within K) []shard[K] {
		listM, listN := within.lists()
		return shards[M, N, K](inside(m, listM), inside(n, listN))
	}
}

// inside returns what of each set is in the list.
func inside[N number[N]](sets []labelled[N], list []span[N]) map[pair][]span[N] {
	found := map[pair][]span[N]{}
	for _, s := range list {
		first, _ := slices.BinarySearchFunc(sets, s.first, func(one labelled[N], n N) int { return order(one.last, n) })
		for sets = sets[first:]; len(sets) > 0 && !s.last.less(sets[0].first); sets = sets[1:] {
			both := sets[0].span
			if both.first.less(s.first) {
				both.first = s.first
			}
			if s.last.less(both.last) {
				both.last = s.last
			}
			of := pair{sets[0].of, 0}
			found[of] = extend(found[of], both)
			if s.last.less(sets[0].last) {
				break // the next of the list may be in it, too
			}
		}
	}
	return found
}

func (spans[M, N, K]) unite(list []K) K {
	if len(list) == 1 {
		return list[0]
	}
	m, n := labelBoth[M, N](list)
	var axis K
	return axis.both(joinLabelled(m), joinLabelled(n))
}

func (spans[M, N, K]) compare(a, b K) int {
	aM, aN := a.lists()
	bM, bN := b.lists()
	switch {
	case len(aM) > 0 && len(bM) > 0:
		return order(aM[0].first, bM[0].first)
	case len(aM) > 0:
		return -1
	case len(bM) > 0:
		return 1
	}
	return order(aN[0].first, bN[0].first)
}

// labelled is a span with the index of the set that it is of.
type labelled[N number[N]] struct {
	span[N]
	of int32
}

// labelBoth returns the spans of disjoint sets, ascending.
func labelBoth[M number[M], N number[N], K ranged[M, N, K]](sets []K) (m []labelled[M], n []labelled[N]) {
	countM, countN := 0, 0
	for _, s := range sets {
		listM, listN := s.lists()
		countM, countN = countM+len(listM), countN+len(listN)
	}
	m, n = make([]labelled[M], 0, countM), make([]labelled[N], 0, countN)
	for i, s := range sets {
		listM, listN := s.lists()
		for _, r := range listM {
			m = append(m, labelled[M]{r, int32(i)})
		}
		for _, r := range listN {
			n = append(n, labelled[N]{r, int32(i)})
		}
	}
	sortBy(m, func(x, y labelled[M]) int { return order(x.first, y.first) })
	sortBy(n, func(x, y labelled[N]) int { return order(x.first, y.first) })
	return m, n
}

func joinLabelled[N number[N]](list []labelled[N]) []span[N] {
	var out []span[N]
	for _, s := range list {
		out = extend(out, s.span)
	}
	return out
}

// overlay returns the numbers that each pair of sets of a and b shares. Both lists are
// ascending and disjoint, and are used up.
func overlay[N number[N]](a, b []labelled[N]) map[pair][]span[N] {
	shared := map[pair]*[]span[N]{}
	var last pair
	var to *[]span[N]
	found := func(of pair, s span[N]) {
		if to == nil || of != last {
			if last, to = of, shared[of]; to == nil {
				to = new([]span[N])
				shared[of] = to
			}
		}
		*to = extend(*to, s)
	}
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].last.less(b[0].first):
			found(pair{a[0].of, -1}, a[0].span)
			a = a[1:]
		case len(a) == 0 || b[0].last.less(a[0].first):
			found(pair{-1, b[0].of}, b[0].span)
			b = b[1:]
		case a[0].first.less(b[0].first):
			found(pair{a[0].of, -1}, span[N]{a[0].first, b[0].first.prev()})
			a[0].first = b[0].first
		case b[0].first.less(a[0].first):
			found(pair{-1, b[0].of}, span[N]{b[0].first, a[0].first.prev()})
			b[0].first = a[0].first
		default:
			both := span[N]{a[0].first, a[0].last}
			if b[0].last.less(both.last) {
				both.last = b[0].last
			}
			found(pair{a[0].of, b[0].of}, both)
			a, b = after(a, both.last), after(b, both.last)
		}
	}
	out := make(map[pair][]span[N], len(shared))
	for of, list := range shared {
		out[of] = *list
	}
	return out
}

// after drops from the list what is up to last, which is within its first span.
func after[N number[N]](list []labelled[N], last N) []labelled[N] {
	if list[0].last == last {
		return list[1:]
	}
	list[0].first = last.next()
	return list
}

// hash is the state of a hash over 64-bit numbers: FNV-1a's constants, with a shift
// that carries high bits down.
type hash uint64

const newHash hash = 14695981039346656037

func (h hash) add(n uint64) hash {
	h = (h ^ hash(n)) * 1099511628211
	return h ^ h>>29
}
