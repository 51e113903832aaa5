package netset

import (
	"cmp"
	"slices"
	"strings"
)

// nameCharacters are what labels consist of, as ParseName has it.
const nameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789-_"

// maxUncoveredWork bounds the search for a name, in states of patterns looked at.
const maxUncoveredWork = 1 << 21

// Uncovered returns a name that p matches but no pattern of s matches. ok is false if
// there is none. The patterns of s then cover p together, even if no single one does.
//
// The answer is exact, except for patterns that are constructed to be hard. If the
// search takes too long, ok is true and the name is empty, so no pattern is wrongly
// reported as covered. Like Covers, Uncovered ignores the length limits of DNS for
// names and labels.
func (s NameSet) Uncovered(p Pattern) (name string, ok bool) {
	if p.text == "" || s.Covers(p) {
		return "", false
	}
	if p.IsExact() {
		return p.text, true
	}
	name, ok, decided := FindName([]Pattern{p}, s.Overlapping(p), NewBudget(maxUncoveredWork))
	return name, ok || !decided
}

// FindName returns a name that all of one or two patterns match and none of others
// does; found is false if there is none. It is not decided if the budget ran out
// before: the search is hard for patterns that were made to be so.
func FindName(all, others []Pattern, budget *Budget) (name string, found, decided bool) {
	ask := func(name string) bool {
		matches := func(p Pattern) bool { return p.Match(name) }
		return !slices.ContainsFunc(all, func(p Pattern) bool { return !p.Match(name) }) && !slices.ContainsFunc(others, matches)
	}
	if !budget.Spend(len(others)) {
		return "", false, false
	}
	if example := all[0].Example(); ask(example) || all[0].IsExact() {
		return example, ask(example), true
	}
	for _, p := range others {
		if p.Covers(all[0]) {
			return "", false, true
		}
	}
	for _, c := range nameCharacters {
		if !budget.Spend(len(others)) {
			return "", false, false
		}
		if filled := fill(all[0].text, string(c), string(c)); ask(filled) {
			return filled, true, true
		}
	}
	return search(all, others, nameCharacters, budget)
}

// search is FindName for names of the given characters. It reads names from the right,
// as the labels of patterns align there, and walks over what the patterns, each as a
// nondeterministic automaton, can have read. States that can read no less than one that
// was seen before are left out: an antichain search for a counterexample of inclusion.
func search(all, others []Pattern, characters string, budget *Budget) (name string, found, decided bool) {
	type node struct {
		at     [2]cursor // in the first and the last of all
		others []cursor  // sorted
		read   string    // backwards
	}
	var texts []string
	for _, p := range slices.Concat(all, others) {
		texts = append(texts, p.text)
	}
	last := len(all) - 1
	var start []cursor
	for i := len(all); i < len(texts); i++ {
		start = appendCursor(start, texts, cursor{pattern: i, left: len(texts[i])})
	}
	letters := append(usedLetters(texts, characters), '.')
	var queue []node
	firsts, seconds := appendCursor(nil, texts, cursor{left: len(texts[0])}), appendCursor(nil, texts, cursor{pattern: last, left: len(texts[last])})
	for _, at := range pairs(firsts, seconds, last > 0) {
		queue = append(queue, node{at, sortCursors(start), ""})
	}
	seen := map[[2]cursor][][]cursor{}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		if n.at[0].ends(texts) && n.at[1].ends(texts) && !slices.ContainsFunc(n.others, func(c cursor) bool { return c.ends(texts) }) {
			return backwards(n.read), true, true
		}
		for _, letter := range letters {
			var next []cursor
			for _, c := range n.others {
				next = c.step(next, texts, letter)
			}
			next = sortCursors(next)
			if !budget.Spend(len(n.others) + 1) {
				return "", false, false
			}
			if slices.ContainsFunc(next, func(c cursor) bool { return c.isDeep(texts) && c.inStar }) {
				continue // one of the others matches however the name goes on
			}
			for _, at := range pairs(n.at[0].step(nil, texts, letter), n.at[1].step(nil, texts, letter), last > 0) {
				if !slices.ContainsFunc(seen[at], func(have []cursor) bool { return isSubset(have, next) }) {
					seen[at] = append(seen[at], next)
					queue = append(queue, node{at, next, n.read + string(letter)})
				}
			}
		}
	}
	return "", false, true
}

// pairs returns where two patterns can be at once; one pattern is in two places at no
// time.
func pairs(first, second []cursor, two bool) (all [][2]cursor) {
	for _, a := range first {
		if !two {
			all = append(all, [2]cursor{a, a})
			continue
		}
		for _, b := range second {
			all = append(all, [2]cursor{a, b})
		}
	}
	return all
}

// usedLetters returns the characters that the patterns have, and one that stands for
// all that they do not have.
func usedLetters(texts []string, characters string) []byte {
	var letters []byte
	other := false
	for _, c := range []byte(characters) {
		used := slices.ContainsFunc(texts, func(t string) bool { return strings.IndexByte(t, c) >= 0 })
		if used || !other {
			letters = append(letters, c)
		}
		other = other || !used
	}
	return letters
}

// cursor is a state of the automaton of a pattern: how much of its text is still to be
// matched, from the left, and whether the star that is a label and ends that text has
// matched a character.
type cursor struct {
	pattern, left int
	inStar        bool
}

// isLabelStar reports whether what is left ends in a star that is a whole label.
func (c cursor) isLabelStar(texts []string) bool {
	t := texts[c.pattern]
	return c.left > 0 && t[c.left-1] == '*' && (c.left == 1 || t[c.left-2] == '.') && (c.left == len(t) || t[c.left] == '.')
}

// isDeep reports whether what is left is the whole first label "*".
func (c cursor) isDeep(texts []string) bool { return c.left == 1 && c.isLabelStar(texts) }

// ends reports whether the pattern matches what was read.
func (c cursor) ends(texts []string) bool { return c.left == 0 || c.isDeep(texts) && c.inStar }

// appendCursor adds c and what it reaches without reading.
func appendCursor(list []cursor, texts []string, c cursor) []cursor {
	list = append(list, c)
	star := c.left > 0 && texts[c.pattern][c.left-1] == '*'
	if star && (!c.isLabelStar(texts) || c.inStar && c.left > 1) {
		return appendCursor(list, texts, cursor{pattern: c.pattern, left: c.left - 1})
	}
	return list
}

// step adds where the letter leads.
func (c cursor) step(list []cursor, texts []string, letter byte) []cursor {
	if c.left == 0 {
		return list
	}
	switch token := texts[c.pattern][c.left-1]; {
	case token != '*':
		if token == letter {
			list = appendCursor(list, texts, cursor{pattern: c.pattern, left: c.left - 1})
		}
	case letter != '.':
		list = appendCursor(list, texts, cursor{c.pattern, c.left, c.isLabelStar(texts)})
	case c.isDeep(texts) && c.inStar:
		list = append(list, cursor{pattern: c.pattern, left: c.left})
	}
	return list
}

func sortCursors(list []cursor) []cursor {
	slices.SortFunc(list, compareCursors)
	return slices.Compact(list)
}

func compareCursors(a, b cursor) int {
	place := func(c cursor) int {
		if c.inStar {
			return 2*c.left + 1
		}
		return 2 * c.left
	}
	return cmp.Or(cmp.Compare(a.pattern, b.pattern), cmp.Compare(place(a), place(b)))
}

// isSubset reports whether every cursor of a is in b; both are sorted.
func isSubset(a, b []cursor) bool {
	for _, c := range a {
		i, found := slices.BinarySearchFunc(b, c, compareCursors)
		if !found {
			return false
		}
		b = b[i+1:]
	}
	return true
}

func backwards(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}
