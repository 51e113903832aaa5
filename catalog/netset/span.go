package netset

import "slices"

// number is an unsigned number with a successor: a port or an address. next of the
// greatest and prev of the least wrap.
type number[N any] interface {
	comparable
	less(N) bool
	next() N
	prev() N
}

// span is the inclusive range of numbers from first to last; first <= last.
//
// The functions below take and return canonical lists: ascending, disjoint, and no two
// spans adjacent. A returned list may share memory with an argument, so nobody writes
// to a list after it was made.
type span[N number[N]] struct{ first, last N }

// order compares two numbers as cmp.Compare does.
func order[N number[N]](a, b N) int {
	switch {
	case a.less(b):
		return -1
	case b.less(a):
		return 1
	}
	return 0
}

// sortBy orders a list, which mostly is in order.
func sortBy[T any](list []T, by func(x, y T) int) {
	if !slices.IsSortedFunc(list, by) {
		slices.SortFunc(list, by)
	}
}

// extend adds s to the end of list, joined with the last span if it starts in it or
// right after it.
func extend[N number[N]](list []span[N], s span[N]) []span[N] {
	if len(list) > 0 {
		end := &list[len(list)-1]
		inOrder := !s.first.less(end.first)
		if inOrder && (!end.last.less(s.first) || end.last.next() == s.first) {
			if end.last.less(s.last) {
				end.last = s.last
			}
			return list
		}
	}
	return append(list, s)
}

// join makes a list that is ordered by first canonical, in place.
func join[N number[N]](list []span[N]) []span[N] {
	out := list[:0]
	for _, s := range list {
		out = extend(out, s)
	}
	return out
}

// find returns the index of the first span that does not end before n.
func find[N number[N]](list []span[N], n N) int {
	low, high := 0, len(list)
	for low < high {
		middle := int(uint(low+high) / 2)
		if list[middle].last.less(n) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

func contains[N number[N]](list []span[N], n N) bool {
	i := find(list, n)
	return i < len(list) && !n.less(list[i].first)
}

// covers reports whether every number of b is in a, in O(len(b) log len(a)).
func covers[N number[N]](a, b []span[N]) bool {
	for _, s := range b {
		a = a[find(a, s.first):]
		if len(a) == 0 || s.first.less(a[0].first) || a[0].last.less(s.last) {
			return false
		}
	}
	return true
}

// overlaps reports whether a number is in both lists, in O(m log n) for the shorter
// list's m.
func overlaps[N number[N]](a, b []span[N]) bool {
	if len(a) < len(b) {
		a, b = b, a
	}
	for _, s := range b {
		a = a[find(a, s.first):]
		if len(a) == 0 {
			return false
		}
		if !s.last.less(a[0].first) {
			return true
		}
	}
	return false
}

func union[N number[N]](a, b []span[N]) []span[N] {
	if len(a) == 0 {
		return b
	}
	if len(b) == 0 {
		return a
	}
	out := make([]span[N], 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if b[0].first.less(a[0].first) {
			a, b = b, a
		}
		out = extend(out, a[0])
		a = a[1:]
	}
	for _, s := range a {
		out = extend(out, s)
	}
	for _, s := range b {
		out = extend(out, s)
	}
	return slices.Clip(out)
}

func intersect[N number[N]](a, b []span[N]) []span[N] {
	var out []span[N]
	for len(a) > 0 && len(b) > 0 {
		if b[0].last.less(a[0].last) {
			a, b = b, a
		}
		common := span[N]{b[0].first, a[0].last}
		if common.first.less(a[0].first) {
			common.first = a[0].first
		}
		if !common.last.less(common.first) {
			out = append(out, common)
		}
		a = a[1:]
	}
	return out
}

// subtract returns the numbers of a that are not in b.
func subtract[N number[N]](a, b []span[N]) []span[N] {
	if len(b) == 0 {
		return a
	}
	var out []span[N]
	few := len(a) < len(b)/16 // so that finding the next one is worth more than walking
	for _, s := range a {
		if few {
			b = b[find(b, s.first):]
		}
		for len(b) > 0 && b[0].last.less(s.first) {
			b = b[1:]
		}
		out, b = appendRest(out, s, b)
	}
	return out
}

// appendRest adds what b leaves of s, and returns the part of b that does not end
// inside s.
func appendRest[N number[N]](out []span[N], s span[N], b []span[N]) (rest, left []span[N]) {
	for len(b) > 0 && !s.last.less(b[0].first) {
		if s.first.less(b[0].first) {
			out = append(out, span[N]{s.first, b[0].first.prev()})
		}
		if !b[0].last.less(s.last) {
			return out, b
		}
		s.first = b[0].last.next()
		b = b[1:]
	}
	return append(out, s), b
}

// touching returns the spans of a that overlap one of b.
func touching[N number[N]](a, b []span[N]) []span[N] {
	var out []span[N]
	for len(a) > 0 && len(b) > 0 {
		if b[0].last.less(a[0].first) {
			b = b[find(b, a[0].first):]
			continue
		}
		if i := find(a, b[0].first); i > 0 {
			a = a[i:]
			continue
		}
		if !b[0].last.less(a[0].first) {
			out = append(out, a[0])
		}
		a = a[1:]
	}
	return out
}

// unlike returns the spans of a that b does not have.
func unlike[N number[N]](a, b []span[N]) []span[N] {
	var out []span[N]
	for _, s := range a {
		for len(b) > 0 && b[0].first.less(s.first) {
			b = b[1:]
		}
		if len(b) == 0 || b[0] != s {
			out = append(out, s)
		}
	}
	return out
}
