package netset

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// words returns every string over the letters with 1 to length characters.
func words(letters string, length int) []string {
	var all []string
	for layer := []string{""}; length > 0; length-- {
		var next []string
		for _, w := range layer {
			for _, c := range letters {
				next = append(next, w+string(c))
			}
		}
		all = append(all, next...)
		layer = next
	}
	return all
}

// slowMatchLabel is the definition: a star is any number of characters.
func slowMatchLabel(glob, label string) bool {
	if glob == "" {
		return label == ""
	}
	if glob[0] == '*' {
		return slowMatchLabel(glob[1:], label) || label != "" && slowMatchLabel(glob, label[1:])
	}
	return label != "" && glob[0] == label[0] && slowMatchLabel(glob[1:], label[1:])
}

// slowMatch is the definition: label by label, and a first label "*" for one label or
// more.
func slowMatch(pattern, name string) bool {
	globs, labels := strings.Split(pattern, "."), strings.Split(name, ".")
	if globs[0] == "*" {
		if len(labels) < len(globs) {
			return false
		}
		globs, labels = globs[1:], labels[len(labels)-len(globs)+1:]
	}
	if len(globs) != len(labels) {
		return false
	}
	for i, glob := range globs {
		if labels[i] == "" || !slowMatchLabel(glob, labels[i]) {
			return false
		}
	}
	return true
}

// A language is what a pattern matches of an enumerated list of names.
type language []bool

func languageOf(pattern string, names []string, match func(pattern, name string) bool) language {
	l := make(language, len(names))
	for i, name := range names {
		l[i] = match(pattern, name)
	}
	return l
}

func (l language) covers(m language) bool {
	for i := range m {
		if m[i] && !l[i] {
			return false
		}
	}
	return true
}

func (l language) overlaps(m language) bool {
	for i := range m {
		if m[i] && l[i] {
			return true
		}
	}
	return false
}

// TestLabelsAgainstEnumeration compares all globs of up to four characters over two
// letters, on all labels over three: the third letter is what a star may be that no
// glob spells out.
func TestLabelsAgainstEnumeration(t *testing.T) {
	var globs []string
	for _, glob := range words("ab*", 4) {
		if !strings.Contains(glob, "**") {
			globs = append(globs, glob)
		}
	}
	labels := words("abc", 8)
	languages := make([]language, len(globs))
	for i, glob := range globs {
		languages[i] = languageOf(glob, labels, slowMatchLabel)
		if !slices.Equal(languages[i], languageOf(glob, labels, matchLabel)) {
			t.Fatalf("%q does not match what it should", glob)
		}
	}
	for i, p := range globs {
		for j, q := range globs {
			if got, want := matchLabel(p, q), languages[i].covers(languages[j]); got != want {
				t.Errorf("%q covers %q: %v, want %v", p, q, got, want)
			}
			if got, want := overlapLabel(p, q), languages[i].overlaps(languages[j]); got != want {
				t.Errorf("%q overlaps %q: %v, want %v", p, q, got, want)
			}
		}
	}
}

// A nameWorld is a small world of patterns, with every name of it that can tell them
// apart.
type nameWorld struct {
	patterns  []Pattern
	languages []language
	names     []string
}

// newNameWorld has all patterns of up to two labels below two domains of two labels,
// and one of them below the other.
func newNameWorld(t *testing.T) nameWorld {
	var w nameWorld
	labels := append(words("abc", 2), "acb")
	domains := []string{"x.y", "a.y"}
	globs := []string{"a", "b", "ab", "*", "a*", "*a", "*b", "a*b", "*a*"}
	for _, domain := range domains {
		below := func(texts, left []string) []string {
			var out []string
			for _, text := range texts {
				for _, l := range left {
					out = append(out, l+"."+text)
				}
			}
			return out
		}
		apex := []string{domain}
		one, names1 := below(apex, globs), below(apex, labels)
		two, names2 := below(one, globs), below(names1, labels)
		w.names = append(append(append(append(w.names, domain), names1...), names2...), below(names2, labels)...)
		for _, text := range append(append(one, two...), domain) {
			p, err := ParsePattern(text)
			if err != nil {
				t.Fatal(err)
			}
			w.patterns = append(w.patterns, p)
		}
	}
	for _, p := range w.patterns {
		w.languages = append(w.languages, languageOf(p.String(), w.names, slowMatch))
	}
	return w
}

func TestPatternsAgainstEnumeration(t *testing.T) {
	w := newNameWorld(t)
	for i, p := range w.patterns {
		if !slices.Equal(w.languages[i], languageOf(p.String(), w.names, func(_, name string) bool { return p.Match(name) })) {
			t.Fatalf("%v does not match what it should", p)
		}
		if !p.Match(p.Example()) || !slowMatch(p.String(), p.Example()) {
			t.Errorf("%v does not match its example %q", p, p.Example())
		}
		for j, q := range w.patterns {
			if got, want := p.Covers(q), w.languages[i].covers(w.languages[j]); got != want {
				t.Errorf("%v covers %v: %v, want %v", p, q, got, want)
			}
			if got, want := p.Overlaps(q), w.languages[i].overlaps(w.languages[j]); got != want {
				t.Errorf("%v overlaps %v: %v, want %v", p, q, got, want)
			}
			if got, want := p.Compare(q), slowCompare(p, q); got != want || (got == 0) != (p == q) {
				t.Errorf("%v compares to %v as %d, want %d", p, q, got, want)
			}
		}
	}
}

func slowCompare(p, q Pattern) int {
	a, b := strings.Split(p.String(), "."), strings.Split(q.String(), ".")
	slices.Reverse(a)
	slices.Reverse(b)
	return slices.Compare(a, b)
}

func TestPatternMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"example.com", "example.com", true},
		{"example.com", "www.example.com", false},
		{"*.example.com", "example.com", false},
		{"*.example.com", "www.example.com", true},
		{"*.example.com", "a.b.c.example.com", true},
		{"*.example.com", "badexample.com", false},
		{"*.example.com", ".example.com", false},
		{"*.example.com", "a..example.com", false},
		{"*.example.com", "a.example.com.", false},
		{"*-files.example.com", "contoso-files.example.com", true},
		{"*-files.example.com", "-files.example.com", true},
		{"*-files.example.com", "a.b-files.example.com", false},
		{"*cdn.onenote.net", "cdn.onenote.net", true},
		{"*cdn.onenote.net", "site-cdn.onenote.net", true},
		{"autodiscover.*.onmicrosoft.com", "autodiscover.contoso.onmicrosoft.com", true},
		{"autodiscover.*.onmicrosoft.com", "autodiscover.a.b.onmicrosoft.com", false},
		{"autodiscover.*.onmicrosoft.com", "autodiscover.onmicrosoft.com", false},
		{"*.a*.example.com", "x.y.a.example.com", true},
		{"*.a*.example.com", "a.example.com", false},
		{"*.*.example.com", "a.example.com", false},
		{"*.*.example.com", "a.b.c.example.com", true},
	} {
		p := mustPattern(t, c.pattern)
		if p.Match(c.name) != c.want {
			t.Errorf("%s matches %q: %v", p, c.name, !c.want)
		}
	}
}

func mustPattern(t testing.TB, text string) Pattern {
	t.Helper()
	p, err := ParsePattern(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPatternForms(t *testing.T) {
	for _, c := range []struct {
		text, apex string
		exact      bool
		labels     int
		example    string
	}{
		{"example.com", "", true, 2, "example.com"},
		{"*.example.com", "example.com", false, 3, "any.example.com"},
		{"*.any.example.com", "any.example.com", false, 4, "some.any.example.com"},
		{"*.any.some.x.com", "any.some.x.com", false, 5, "x.any.some.x.com"},
		{"*-files.sharepoint.com", "", false, 3, "any-files.sharepoint.com"},
		{"autodiscover.*.onmicrosoft.com", "", false, 4, "autodiscover.any.onmicrosoft.com"},
		{"*.*.example.com", "", false, 4, "any.any.example.com"},
		{"*." + strings.Repeat("a", 63) + "*.example.com", "", false, 4, "x." + strings.Repeat("a", 63) + ".example.com"},
	} {
		p := mustPattern(t, c.text)
		apex, ok := p.Subdomains()
		if apex != c.apex || ok != (c.apex != "") || p.IsExact() != c.exact || p.Labels() != c.labels || p.Example() != c.example {
			t.Errorf("%s: apex %q, exact %v, %d labels, example %q", p, apex, p.IsExact(), p.Labels(), p.Example())
		}
	}
}

func TestZeroPatternMatchesNothing(t *testing.T) {
	var zero Pattern
	all := mustPattern(t, "*.example.com")
	_, sub := zero.Subdomains()
	if zero.Match("") || zero.IsExact() || sub || zero.Labels() != 0 || zero.Example() != "" || zero.String() != "" {
		t.Error("the zero pattern is something")
	}
	if zero.Covers(zero) || zero.Covers(all) || all.Covers(zero) || zero.Overlaps(zero) || all.Overlaps(zero) || zero.Overlaps(all) {
		t.Error("the zero pattern meets a pattern")
	}
	if zero.Compare(all) >= 0 || all.Compare(zero) <= 0 || zero.Compare(zero) != 0 {
		t.Error("the zero pattern is not first")
	}
}

func ExamplePattern_Covers() {
	wide, _ := ParsePattern("*.example.com")
	narrow, _ := ParsePattern("*-files.www.example.com")
	fmt.Println(wide.Covers(narrow), narrow.Covers(wide))
	// Output: true false
}
