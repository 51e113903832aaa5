package netset

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// pick draws patterns of the world, with repeats, and returns what they match together.
func (w nameWorld) pick(r *rand.Rand, most int) (patterns []Pattern, matched language) {
	matched = make(language, len(w.names))
	for range r.IntN(most) {
		i := r.IntN(len(w.patterns))
		patterns = append(patterns, w.patterns[i])
		for n, in := range w.languages[i] {
			matched[n] = matched[n] || in
		}
	}
	return patterns, matched
}

func (w nameWorld) languageOf(p Pattern) language { return w.languages[slices.Index(w.patterns, p)] }

// checkMinimal holds that no pattern of the set covers another, that each was given,
// and that each given one is covered.
func (w nameWorld) checkMinimal(t *testing.T, s NameSet, given []Pattern) {
	t.Helper()
	kept := slices.Collect(s.Patterns())
	if len(kept) != s.Len() || s.IsEmpty() != (len(kept) == 0) || !slices.IsSortedFunc(kept, Pattern.Compare) {
		t.Fatalf("Len %d, IsEmpty %v, order of %v", s.Len(), s.IsEmpty(), kept)
	}
	for i, p := range kept {
		for j, q := range kept {
			if i != j && w.languageOf(p).covers(w.languageOf(q)) {
				t.Fatalf("%v covers %v in one set", p, q)
			}
		}
		if !slices.Contains(given, p) {
			t.Fatalf("%v was not given", p)
		}
	}
	for _, p := range given {
		if !slices.ContainsFunc(kept, func(q Pattern) bool { return w.languageOf(q).covers(w.languageOf(p)) }) {
			t.Fatalf("%v of %v is lost in %v", p, given, kept)
		}
	}
}

func TestNameSetAgainstEnumeration(t *testing.T) {
	w := newNameWorld(t)
	r := rand.New(rand.NewPCG(6, 1))
	for range 300 {
		given, matched := w.pick(r, 12)
		s := NameSetOf(given...)
		w.checkMinimal(t, s, given)
		for i, name := range w.names {
			if s.Match(name) != matched[i] {
				t.Fatalf("%v matches %q: %v", s, name, !matched[i])
			}
		}
		r.Shuffle(len(given), func(i, j int) { given[i], given[j] = given[j], given[i] })
		if again := NameSetOf(append(given, Pattern{})...); !again.Equal(s) || again.String() != s.String() {
			t.Fatalf("%v in another order is %v", s, again)
		}
	}
}

func TestNameSetAlgebraAgainstEnumeration(t *testing.T) {
	w := newNameWorld(t)
	r := rand.New(rand.NewPCG(7, 1))
	for range 2000 {
		givenA, matchedA := w.pick(r, 10)
		givenB, matchedB := w.pick(r, 10)
		a, b := NameSetOf(givenA...), NameSetOf(givenB...)
		before := a.String() + "|" + b.String()
		if got, want := a.Overlaps(b), matchedA.overlaps(matchedB); got != want || b.Overlaps(a) != want {
			t.Fatalf("%v overlaps %v: %v, want %v", a, b, got, want)
		}
		w.checkMinimal(t, a.Union(b), append(slices.Clone(givenA), givenB...))
		if !a.Union(b).Equal(b.Union(a)) {
			t.Fatalf("the union of %v and %v depends on the order", a, b)
		}
		w.checkWithout(t, a, b)
		p := w.patterns[r.IntN(len(w.patterns))]
		covered := slices.ContainsFunc(givenA, func(q Pattern) bool { return w.languageOf(q).covers(w.languageOf(p)) })
		if a.Covers(p) != covered {
			t.Fatalf("%v covers %v: %v", a, p, !covered)
		}
		if before != a.String()+"|"+b.String() {
			t.Fatalf("an operation changed its argument: %s", before)
		}
	}
}

func (w nameWorld) checkWithout(t *testing.T, a, b NameSet) {
	t.Helper()
	var want []Pattern
	for p := range a.Patterns() {
		if !slices.ContainsFunc(b.patterns, func(q Pattern) bool { return w.languageOf(q).covers(w.languageOf(p)) }) {
			want = append(want, p)
		}
	}
	got := a.Without(b)
	if !slices.Equal(slices.Collect(got.Patterns()), want) {
		t.Fatalf("%v without %v is %v, want %v", a, b, got, want)
	}
	for p := range a.Patterns() {
		if got.Covers(p) != slices.Contains(want, p) {
			t.Fatalf("%v without %v covers %v: %v", a, b, p, got.Covers(p))
		}
	}
}

// TestDeepNameSetsAgainstPairs takes longer patterns with more stars than can be
// enumerated. TestPatternsAgainstEnumeration proves the pairwise relations that are the
// oracle here.
func TestDeepNameSetsAgainstPairs(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 1))
	labels := []string{"a", "b", "ab", "aab", "abb", "*", "*", "a*", "*a", "*b", "a*b", "*a*", "aa*b", "a*bb", "*a*b*", "ab*"}
	draw := func() (list []Pattern) {
		for range r.IntN(30) {
			var text strings.Builder
			for range r.IntN(5) {
				text.WriteString(labels[r.IntN(len(labels))] + ".")
			}
			list = append(list, mustPattern(t, text.String()+[]string{"x.y", "a.y"}[r.IntN(2)]))
		}
		return list
	}
	anyPair := func(a, b []Pattern, holds func(p, q Pattern) bool) bool {
		return slices.ContainsFunc(a, func(p Pattern) bool {
			return slices.ContainsFunc(b, func(q Pattern) bool { return holds(p, q) })
		})
	}
	for range 3000 {
		given, other := draw(), draw()
		s, u := NameSetOf(given...), NameSetOf(other...)
		var want []Pattern
		for i, p := range given {
			covered := slices.ContainsFunc(given, func(q Pattern) bool { return q != p && q.Covers(p) })
			if !covered && !slices.Contains(given[:i], p) {
				want = append(want, p)
			}
		}
		slices.SortFunc(want, Pattern.Compare)
		if !slices.Equal(s.patterns, want) {
			t.Fatalf("%v is minimized to %v, want %v", given, s, want)
		}
		if s.Overlaps(u) != anyPair(given, other, Pattern.Overlaps) {
			t.Fatalf("%v overlaps %v: %v", s, u, s.Overlaps(u))
		}
		for _, p := range other {
			name := p.Example()
			if s.Match(name) != slices.ContainsFunc(given, func(q Pattern) bool { return q.Match(name) }) {
				t.Fatalf("%v matches %q: %v", s, name, s.Match(name))
			}
		}
	}
}

func TestNameSetRefusesWhatIsNoName(t *testing.T) {
	s := NameSetOf(mustPattern(t, "*.example.com"), mustPattern(t, "a.*.example.org"))
	for _, name := range []string{"", ".", ".example.com", "a..example.com", "a.example.com.", "example.com", "a..example.org"} {
		if s.Match(name) {
			t.Errorf("%q is matched", name)
		}
	}
	if s.Covers(Pattern{}) || (NameSet{}).Match("a.b") || (NameSet{}).Covers(mustPattern(t, "a.b")) || (NameSet{}).Overlaps(s) || s.Overlaps(NameSet{}) {
		t.Error("an empty set or pattern meets a name")
	}
	if !NameSetOf().Equal(NameSet{}) || !NameSetOf(Pattern{}).IsEmpty() || (NameSet{}).String() != "" {
		t.Error("the empty set is something")
	}
}

func ExampleNameSetOf() {
	var patterns []Pattern
	for _, text := range []string{"www.example.com", "*.example.com", "example.com", "*-files.example.com", "a.example.org"} {
		p, _ := ParsePattern(text)
		patterns = append(patterns, p)
	}
	fmt.Println(NameSetOf(patterns...))
	// Output: example.com, *.example.com, a.example.org
}

// manyPatterns returns n patterns in no order: names, subdomains, some of them covered,
// and stars in labels.
func manyPatterns(b *testing.B, n int) []Pattern {
	list := make([]Pattern, n)
	for i := range list {
		k := uint32(i) * 2_654_435_761 % uint32(n)
		form := [...]string{"www.site%d.com", "*.site%d.com", "cdn.host%d.net", "site%d.co.uk", "*-files%d.example.org", "a.*.zone%d.net"}[k%6]
		list[i] = mustPattern(b, fmt.Sprintf(form, k/4))
	}
	return list
}

func BenchmarkNameSet100k(b *testing.B) {
	patterns := manyPatterns(b, 100_000)
	b.ReportAllocs()
	for b.Loop() {
		b.ReportMetric(float64(NameSetOf(patterns...).Len()), "patterns")
	}
}

func BenchmarkParsePattern(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParsePattern("*.files.example.com"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNameSetMatch(b *testing.B) {
	s := NameSetOf(manyPatterns(b, 100_000)...)
	b.ReportAllocs()
	for b.Loop() {
		s.Match("www.a.site777.com")
	}
}

func BenchmarkNameSetOverlaps100k(b *testing.B) {
	patterns := manyPatterns(b, 100_000)
	s := NameSetOf(patterns...)
	t := NameSetOf(mustPattern(b, "*-none.example.net"), mustPattern(b, "no.example.com"))
	b.ReportAllocs()
	for b.Loop() {
		if s.Overlaps(t) {
			b.Fatal("overlap")
		}
	}
}
