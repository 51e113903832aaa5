package netset

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// NameSet is an immutable set of FQDN patterns. No pattern is covered by a single other
// one. The zero value is empty.
//
// Two sets may match the same names and not be Equal, when several patterns together
// cover one.
type NameSet struct {
	patterns []Pattern // by Pattern.Compare
	trie     *nameTrie // of patterns; nil if there are none
}

// NameSetOf returns the set of the patterns without those that one other covers, and
// without zero values.
//
// Time is near-linear, but for star labels of one parent domain that differ only
// between their first and last stars ("*a*", "*b*"): those are compared one by one.
func NameSetOf(patterns ...Pattern) NameSet {
	ordered := widestFirst(patterns)
	trie := newNameTrie(len(ordered))
	kept := ordered[:0]
	for _, p := range ordered {
		if !trie.covers(0, p.text) {
			trie.insert(p.text)
			kept = append(kept, p)
		}
	}
	return nameSetOf(kept, trie)
}

func nameSetOf(patterns []Pattern, trie *nameTrie) NameSet {
	if len(patterns) == 0 {
		return NameSet{}
	}
	return NameSet{sortNames(patterns), trie}
}

// widestFirst returns the valid patterns in an order in which a pattern comes after all
// that cover it: it has at least as many characters besides stars as they have and, if
// as many, fewer stars.
func widestFirst(patterns []Pattern) []Pattern {
	type ranked struct {
		letters, stars int
		pattern        Pattern
	}
	list := make([]ranked, 0, len(patterns))
	for _, p := range patterns {
		if p.text != "" {
			stars := strings.Count(p.text, "*")
			list = append(list, ranked{len(p.text) - stars, stars, p})
		}
	}
	slices.SortFunc(list, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.letters, b.letters), cmp.Compare(b.stars, a.stars))
	})
	out := make([]Pattern, len(list))
	for i, r := range list {
		out[i] = r.pattern
	}
	return out
}

// sortNames returns the patterns ordered by Pattern.Compare, whose order is that of the
// keys made here.
func sortNames(patterns []Pattern) []Pattern {
	type keyed struct {
		key     string
		pattern Pattern
	}
	var keys strings.Builder
	keys.Grow(32 * len(patterns))
	list := make([]keyed, len(patterns))
	for i, p := range patterns {
		start := keys.Len()
		for rest := p.text; rest != ""; {
			var label string
			rest, label = cutLast(rest)
			keys.WriteString(label)
			keys.WriteByte(0)
		}
		list[i] = keyed{keys.String()[start:], p}
	}
	slices.SortFunc(list, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	out := make([]Pattern, len(list))
	for i, k := range list {
		out[i] = k.pattern
	}
	return out
}

// IsEmpty reports whether the set has no pattern.
func (s NameSet) IsEmpty() bool { return len(s.patterns) == 0 }

// Len counts the patterns.
func (s NameSet) Len() int { return len(s.patterns) }

// Patterns yields the patterns in the order of Pattern.Compare.
func (s NameSet) Patterns() iter.Seq[Pattern] { return slices.Values(s.patterns) }

// Equal reports whether both sets have the same patterns.
func (s NameSet) Equal(t NameSet) bool { return slices.Equal(s.patterns, t.patterns) }

// Match reports whether a pattern matches name, which is lower-case and without
// trailing dot, as ParseName returns it. Time is linear in the name's labels, and in
// the number of star labels that match a part of it.
func (s NameSet) Match(name string) bool {
	return s.trie != nil && !hasEmptyLabel(name) && s.trie.covers(0, name)
}

// Covers reports whether one pattern of s covers p.
func (s NameSet) Covers(p Pattern) bool { return s.Match(p.text) }

// Union returns the patterns of both sets without those that one other covers.
func (s NameSet) Union(t NameSet) NameSet {
	if s.IsEmpty() {
		return t
	}
	if t.IsEmpty() {
		return s
	}
	return NameSetOf(slices.Concat(s.patterns, t.patterns)...)
}

// Overlaps reports whether a name matches both sets.
func (s NameSet) Overlaps(t NameSet) bool {
	if len(s.patterns) < len(t.patterns) {
		s, t = t, s
	}
	for _, p := range t.patterns {
		if s.trie.overlapping(0, p.text, anyPattern) {
			return true
		}
	}
	return false
}

// Overlapping returns the patterns of s that match a name that p matches, in the order
// of Pattern.Compare. Time is that of Match, and linear in what lies below a star of p.
func (s NameSet) Overlapping(p Pattern) []Pattern {
	return NameIndex{s.trie}.Overlapping(p)
}

// Without returns the patterns of s that no pattern of t covers. This is not set
// subtraction: what is left may still match names that t matches.
func (s NameSet) Without(t NameSet) NameSet {
	var kept []Pattern
	for _, p := range s.patterns {
		if !t.Covers(p) {
			kept = append(kept, p)
		}
	}
	if len(kept) == len(s.patterns) {
		return s
	}
	trie := newNameTrie(len(kept))
	for _, p := range kept {
		trie.insert(p.text)
	}
	return NameSet{kept, trie}
}

// String returns the patterns joined by ", ".
func (s NameSet) String() string { return s.join(", ") }

func (s NameSet) join(sep string) string {
	words := make([]string, len(s.patterns))
	for i, p := range s.patterns {
		words[i] = p.text
	}
	return strings.Join(words, sep)
}
