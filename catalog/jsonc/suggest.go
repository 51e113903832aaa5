package jsonc

import (
	"cmp"
	"strings"
)

// list joins words of ours for a message.
func list(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = Quote(w)
	}
	return cmp.Or(strings.Join(quoted, ", "), "none")
}

func didYouMean(word string) string {
	if word == "" {
		return ""
	}
	return "; did you mean " + Quote(word) + "?"
}

// Nearest returns the known word that is s in another case, or else one that is
// one edit away, or "".
func Nearest(s string, known []string) string {
	for _, test := range []func(a, b string) bool{strings.EqualFold, near} {
		for _, k := range known {
			if test(s, k) {
				return k
			}
		}
	}
	return ""
}

// near reports whether, case aside, one character inserted, left out, replaced,
// or swapped with its neighbour makes a and b equal. Words of one or two
// characters are near only in another case: too many words are.
func near(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	if a == b || len(b) <= 2 {
		return a == b
	}
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	swapped := len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
	return len(a) <= 1 && len(b) <= 1 || swapped
}
