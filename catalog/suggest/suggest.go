// Package suggest finds the known word that is closest to an unknown one, such as a
// command, a flag, a key, an option or an entry's id. It imports only the standard
// library.
package suggest

import (
	"strconv"
	"strings"
)

// caseOnly is the length in bytes of words that are near only in another letter case:
// with an edit they would be near to too many.
const caseOnly = 2

// Nearest returns the known word that is nearest to the given one, the first of
// several: the same in another letter case, or else the one with the fewest edits that
// Edits counts. It returns "" if none is near.
func Nearest(word string, known []string) string {
	best, least := "", mostEdits(word)+1
	for _, k := range known {
		if strings.EqualFold(word, k) {
			return k
		}
		if n, ok := Edits(word, k); ok && n < least {
			best, least = k, n
		}
	}
	return best
}

// DidYouMean returns `; did you mean "outbound"?` for the end of a message, or "" if no
// known word is near.
func DidYouMean(word string, known []string) string {
	if nearest := Nearest(word, known); nearest != "" {
		return "; did you mean " + strconv.Quote(nearest) + "?"
	}
	return ""
}

// OneOf returns "expect one of inbound, outbound" for the end of a message, with the
// nearest if one is near.
func OneOf(word string, known []string) string {
	return "expect one of " + strings.Join(known, ", ") + DidYouMean(word, known)
}

// mostEdits is how many edits a slip in a word may have.
func mostEdits(word string) int { return 1 + len(word)/5 }

// Edits counts the bytes that have to be inserted, left out, replaced, or swapped with
// their neighbour to make of a slip the word that is known, letter case aside. ok is
// false if there are more than a slip of its length may have.
func Edits(slip, known string) (n int, ok bool) {
	a, b := strings.ToLower(slip), strings.ToLower(known)
	most := mostEdits(slip)
	if len(b) <= caseOnly {
		return 0, a == b
	}
	if max(len(a)-len(b), len(b)-len(a)) > most {
		return 0, false
	}
	n = distance(a, b)
	return n, n <= most
}

// distance is the number of edits between a and b, of which none touches what another
// one has changed.
func distance(a, b string) int {
	above, row, below := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		below[0] = i + 1
		for j := range len(b) {
			below[j+1] = min(row[j+1], below[j]) + 1
			if a[i] == b[j] {
				below[j+1] = min(below[j+1], row[j])
			} else {
				below[j+1] = min(below[j+1], row[j]+1)
			}
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				below[j+1] = min(below[j+1], above[j-1]+1)
			}
		}
		above, row, below = row, below, above
	}
	return row[len(b)]
}
