package netset

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// smallNames are all names below a.b with up to two labels of up to three letters.
func smallNames() []string {
	names := []string{"a.b"}
	labels := words("ab", 3)
	for _, l := range labels {
		names = append(names, l+".a.b")
		for _, m := range labels {
			names = append(names, m+"."+l+".a.b")
		}
	}
	return names
}

// checkUncovered holds the answer for p and s against what the names tell.
func checkUncovered(t *testing.T, p Pattern, s NameSet, names []string, name string, ok bool) {
	t.Helper()
	if ok && (!p.Match(name) || s.Match(name)) {
		t.Fatalf("%q is given as a name of %v beyond %v", name, p, s)
	}
	for _, n := range names {
		if !ok && p.Match(n) && !s.Match(n) {
			t.Fatalf("%q is a name of %v beyond %v, and none was found", n, p, s)
		}
	}
}

// With two letters, patterns cover others together all the time.
func TestUncoveredAgainstEnumeration(t *testing.T) {
	globs := []string{"a", "b", "*", "a*", "b*", "*a", "*b", "a*b", "b*a", "*a*", "*b*", "aa*", "ab*", "a*a", "b*b"}
	names := smallNames()
	r := rand.New(rand.NewPCG(31, 1))
	draw := func() Pattern {
		text := globs[r.IntN(len(globs))] + ".a.b"
		if r.IntN(2) == 0 {
			text = globs[r.IntN(len(globs))] + "." + text
		}
		return mustPattern(t, text)
	}
	covered, together := 0, 0
	for range 20000 {
		var patterns []Pattern
		for range 1 + r.IntN(8) {
			patterns = append(patterns, draw())
		}
		p, s := draw(), NameSetOf(patterns...)
		name, ok, _ := search([]Pattern{p}, s.Overlapping(p), "ab", nil)
		checkUncovered(t, p, s, names, name, ok)
		if !ok {
			covered++
			if !s.Covers(p) {
				together++
			}
		}
	}
	if covered < 1000 || together < 200 {
		t.Fatalf("%d covered, %d by several together; the test is too weak", covered, together)
	}
}

// A name of two patterns that cross, outside of others.
func TestFindNameAgainstEnumeration(t *testing.T) {
	globs := []string{"a", "*", "a*", "b*", "*a", "*b", "a*b", "b*a", "*a*", "aa*", "ab*"}
	names := smallNames()
	r := rand.New(rand.NewPCG(31, 4))
	draw := func() Pattern {
		text := globs[r.IntN(len(globs))] + ".a.b"
		if r.IntN(3) == 0 {
			text = globs[r.IntN(len(globs))] + "." + text
		}
		return mustPattern(t, text)
	}
	found, none := 0, 0
	for range 20000 {
		all := []Pattern{draw(), draw()}
		var others []Pattern
		for range r.IntN(6) {
			others = append(others, draw())
		}
		fits := func(name string) bool {
			matches := func(p Pattern) bool { return p.Match(name) }
			return all[0].Match(name) && all[1].Match(name) && !slices.ContainsFunc(others, matches)
		}
		name, ok, decided := search(all, others, "ab", nil)
		if ok {
			found++
		} else {
			none++
		}
		if !decided || ok && !fits(name) || !ok && slices.ContainsFunc(names, fits) {
			t.Fatalf("%v without %v: %q, %t, decided %t", all, others, name, ok, decided)
		}
	}
	if found < 4000 || none < 4000 {
		t.Fatalf("%d found, %d have none; the test is too weak", found, none)
	}
}

func TestFindName(t *testing.T) {
	for _, test := range []struct{ all, others, want string }{
		{"a*.x.y *b.x.y", "", "ab.x.y"},
		{"a*.x.y *b.x.y", "ab.x.y", "aab.x.y"},
		{"a*.x.y *b.x.y", "a*b.x.y ab.x.y", ""},
		{"a.x.y *b.x.y", "", ""},
		{"ab.x.y *b.x.y", "c.x.y", "ab.x.y"},
		{"ab.x.y *b.x.y", "ab.x.y", ""},
	} {
		var all, others []Pattern
		for _, text := range strings.Fields(test.all) {
			all = append(all, mustPattern(t, text))
		}
		for _, text := range strings.Fields(test.others) {
			others = append(others, mustPattern(t, text))
		}
		if name, found, decided := FindName(all, others, nil); !decided || found != (test.want != "") || len(name) != len(test.want) && found {
			t.Errorf("%s without %s: %q, %t, decided %t; want %q", test.all, test.others, name, found, decided, test.want)
		}
	}
	if _, _, decided := FindName([]Pattern{mustPattern(t, "a*.x.y"), mustPattern(t, "*bc.x.y")}, nil, NewBudget(3)); decided {
		t.Error("a budget that is too small is not told")
	}
}

func TestNameIndexAgainstPairs(t *testing.T) {
	w := newNameWorld(t)
	r := rand.New(rand.NewPCG(31, 5))
	for range 500 {
		given, _ := w.pick(r, 12)
		given = append(slices.Clone(given), given...)
		x, p := NameIndexOf(given), w.patterns[r.IntN(len(w.patterns))]
		var covering, overlapping []Pattern
		for _, q := range given {
			if q.Covers(p) {
				covering = append(covering, q)
			}
			if q.Overlaps(p) {
				overlapping = append(overlapping, q)
			}
		}
		for _, list := range []*[]Pattern{&covering, &overlapping} {
			slices.SortFunc(*list, Pattern.Compare)
			*list = slices.Compact(*list)
		}
		if got := x.Covering(p); !slices.Equal(got, covering) {
			t.Fatalf("of %v, %v cover %v; want %v", given, got, p, covering)
		}
		if got := x.Overlapping(p); !slices.Equal(got, overlapping) {
			t.Fatalf("of %v, %v overlap %v; want %v", given, got, p, overlapping)
		}
	}
	if got := (NameIndex{}).Covering(w.patterns[0]); got != nil {
		t.Errorf("the zero index covers by %v", got)
	}
}

func TestUncovered(t *testing.T) {
	var heads, tails []string
	for _, c := range nameCharacters {
		heads, tails = append(heads, "q."+string(c)+"*.x.y"), append(tails, "q.*"+string(c)+".x.y")
	}
	all := strings.Join(heads, " ")
	for _, test := range []struct{ pattern, set, want string }{
		{"*.example.com", "", "any.example.com"},
		{"*.example.com", "any.example.com", "a.example.com"},
		{"*.example.com", "*.com.example.com x.example.com", "any.example.com"},
		{"*.example.com", "*.example.com", ""},
		{"a.example.com", "b.example.com", "a.example.com"},
		{"a.example.com", "*.example.com", ""},
		{"q.*.x.y", all, ""},
		{"q.*.x.y", strings.Join(tails, " "), ""},
		{"q.*.x.y", strings.Join(heads[1:], " "), "q.any.x.y"},
		{"q.*.x.y", strings.Join(heads[1:], " ") + " q.any.x.y", "q.a.x.y"},
		{"q.*.x.y", strings.Join(heads[1:], " ") + " q.any.x.y q.a.x.y q.aa*.x.y q.some.x.y", "q.ab.x.y"},
		{"*.q.*.x.y", all, "any.q.any.x.y"},
	} {
		var patterns []Pattern
		for _, text := range strings.Fields(test.set) {
			patterns = append(patterns, mustPattern(t, text))
		}
		s, p := NameSetOf(patterns...), mustPattern(t, test.pattern)
		name, ok := s.Uncovered(p)
		if ok != (test.want != "") || ok && (!p.Match(name) || s.Match(name)) || len(name) != len(test.want) {
			t.Errorf("%v outside of %v: %q, %t; want %q", p, s, name, ok, test.want)
		}
	}
	if name, ok := (NameSet{}).Uncovered(Pattern{}); ok {
		t.Errorf("the zero pattern has a name outside: %q", name)
	}
}

// Patterns that are hard to decide never pass for covered, and end.
func TestUncoveredOfHardPatterns(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 2))
	var patterns []Pattern
	for _, c := range nameCharacters {
		patterns = append(patterns, mustPattern(t, "q."+string(c)+"*.x.y"))
	}
	for range 200 {
		letters := []byte(nameCharacters)
		r.Shuffle(len(letters), func(i, j int) { letters[i], letters[j] = letters[j], letters[i] })
		patterns = append(patterns, mustPattern(t, "q.*"+strings.Join(strings.Split(string(letters[:8]), ""), "*")+"*.x.y"))
	}
	name, ok := NameSetOf(patterns[1:]...).Uncovered(mustPattern(t, "q.*.x.y"))
	if !ok || name != "" && NameSetOf(patterns[1:]...).Match(name) {
		t.Errorf("%q, %t", name, ok)
	}
	NameSetOf(patterns...).Uncovered(mustPattern(t, "q.*.x.y"))
}

func TestOverlappingAgainstPairs(t *testing.T) {
	w := newNameWorld(t)
	r := rand.New(rand.NewPCG(31, 3))
	for range 500 {
		given, _ := w.pick(r, 12)
		s := NameSetOf(given...)
		p := w.patterns[r.IntN(len(w.patterns))]
		var want []Pattern
		for q := range s.Patterns() {
			if q.Overlaps(p) {
				want = append(want, q)
			}
		}
		if got := s.Overlapping(p); !slices.Equal(got, want) {
			t.Fatalf("of %v, %v overlap %v; want %v", s, got, p, want)
		}
	}
}

func FuzzUncovered(f *testing.F) {
	f.Add("*.a.b", "a*.a.b b*.a.b")
	f.Add("b.*.a.b", "*.a*.a.b *.b*.a.b")
	names := smallNames()
	f.Fuzz(func(t *testing.T, pattern, set string) {
		if strings.Trim(pattern+set, "ab*. ") != "" || len(set) > 100 {
			return
		}
		var patterns []Pattern
		for _, text := range strings.Fields(set) {
			if p, err := ParsePattern(text); err == nil {
				patterns = append(patterns, p)
			}
		}
		p, err := ParsePattern(pattern)
		if err != nil {
			return
		}
		s := NameSetOf(patterns...)
		name, ok, decided := search([]Pattern{p}, s.Overlapping(p), "ab", NewBudget(maxUncoveredWork))
		if !decided {
			return
		}
		checkUncovered(t, p, s, names, name, ok)
	})
}
