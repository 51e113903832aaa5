package netset

import "slices"

// PatternList is a list of patterns, sorted by Pattern.Compare, each once. Unlike a
// NameSet, it keeps those that others cover.
type PatternList []Pattern

// PatternListOf sorts the patterns and drops repeated ones, in place.
func PatternListOf(patterns []Pattern) PatternList {
	return slices.Compact(sortNames(patterns))
}

// Union returns the patterns of both lists.
func (l PatternList) Union(m PatternList) PatternList {
	if len(m) == 0 {
		return l
	}
	out := make(PatternList, 0, len(l)+len(m))
	for len(l) > 0 && len(m) > 0 {
		c := l[0].Compare(m[0])
		if c > 0 {
			l, m = m, l
		}
		out = append(out, l[0])
		l = l[1:]
		if c == 0 {
			m = m[1:]
		}
	}
	return append(append(out, l...), m...)
}

// Equal reports whether both lists have the same patterns.
func (l PatternList) Equal(m PatternList) bool { return slices.Equal(l, m) }

// Hash is the same for equal lists.
func (l PatternList) Hash() uint64 {
	h := newHash
	for _, p := range l {
		for i := range len(p.text) {
			h = h.add(uint64(p.text[i]))
		}
		h = h.add(0)
	}
	return uint64(h)
}

// Without returns the patterns of l that m does not list.
func (l PatternList) Without(m PatternList) PatternList {
	var out PatternList
	for _, p := range l {
		for len(m) > 0 && m[0].Compare(p) < 0 {
			m = m[1:]
		}
		if len(m) == 0 || m[0] != p {
			out = append(out, p)
		}
	}
	return out
}
