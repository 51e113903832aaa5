package trustedsites

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
)

// The index answers as its keys do, one by one.
func TestIndexAnswersAsItsKeys(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	labels := []string{"a", "b", "c", "ab"}
	globs := append([]string{"*", "a*", "*b"}, labels...)
	random := func(words []string) string {
		parts := make([]string, r.IntN(4))
		for i := range parts {
			parts[i] = words[r.IntN(len(words))]
		}
		return strings.Join(append(parts, labels[r.IntN(2)], "example", "com"), ".")
	}
	asked, trusted, covered, overlapping := 0, 0, 0, 0
	for range 3000 {
		var keys []key
		for range r.IntN(5) {
			text := random(labels)
			if r.IntN(2) == 0 {
				text = "*." + text
			}
			if p, err := netset.ParsePattern(text); err == nil {
				if k, l := keyOf(p); l != stars && l != suffix {
					keys = append(keys, k)
				}
			}
		}
		x := indexOf(keys)
		host, text := random(labels), random(globs)
		p, err := netset.ParsePattern(text)
		if err != nil {
			t.Fatal(err)
		}
		any := func(holds func(key) bool) bool { return slices.ContainsFunc(keys, holds) }
		trusts := any(func(k key) bool { return k.trusts(host) })
		covers := any(func(k key) bool { return k.trusts(p.String()) && (k.below == "" || !manyLabels(p)) })
		overlaps := any(func(k key) bool { return k.overlaps(p) })
		if x.trusts(host) != trusts || x.covers(p) != covers || x.overlaps(p) != overlaps {
			t.Fatalf("%q: trusts %s is %v, covers %s is %v, overlaps is %v; want %v, %v, %v",
				keys, host, x.trusts(host), p, x.covers(p), x.overlaps(p), trusts, covers, overlaps)
		}
		asked++
		for _, one := range []struct {
			yes   bool
			count *int
		}{{trusts, &trusted}, {covers, &covered}, {overlaps, &overlapping}} {
			if one.yes {
				*one.count++
			}
		}
	}
	if least := asked / 50; trusted < least || covered < least || overlapping < covered {
		t.Errorf("of %d questions %d, %d and %d are answered yes: too few to tell", asked, trusted, covered, overlapping)
	}
}
