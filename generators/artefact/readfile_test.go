package artefact

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	l := LinesOf("f", []byte("one\n\n\ttwo\n"), 4)
	var lines []string
	for l.Next() {
		lines = append(lines, l.Line)
		if l.At != len(lines) {
			t.Errorf("line %d is said to be %d", len(lines), l.At)
		}
	}
	if want := []string{"one", "", "\ttwo"}; !slices.Equal(lines, want) || l.Next() {
		t.Errorf("lines %q; want %q", lines, want)
	}
	var foreign *ForeignError
	if err := l.ForeignAt(3, errors.New("x")); !errors.As(err, &foreign) || foreign.Line != 3 || foreign.Text != "\ttwo" {
		t.Errorf("error of line 3: %v", err)
	}
}

// The number of another format is told before what else such a file has.
func TestReadTitle(t *testing.T) {
	const (
		title = "# Gatewright: x, y; format 2\n"
		mend  = "; remove it, or generate the file again"

		untitled = `f:1: not written by Gatewright; expected "# Gatewright: x" and what it is` + mend
	)
	for text, want := range map[string]string{
		title:                                  "",
		"":                                     untitled,
		"# Gatewright: z; format 2\n":          untitled,
		"# Gatewright: x, y; format 02\n":      untitled,
		"SECRET\n\xff":                         untitled,
		"# Gatewright: x, y; format 3\n\xff":   "f has format 3, but this version writes format 2; generate it again",
		"# Gatewright: x, y\n# größer\n":       "f has format 1, but this version writes format 2; generate it again",
		title + "one\rtwo\n":                   `f:2: "one\rtwo" is not what generate writes; expected printable ASCII` + mend,
		title + "\n\u2028\n":                   `f:3: "\u2028" is not what generate writes; expected printable ASCII` + mend,
		title + "\xfftwo\n":                    `f:2: "\xfftwo" is not what generate writes; expected printable ASCII` + mend,
		title + "\x00":                         `f:2: "\x00" is not what generate writes; expected printable ASCII` + mend,
		title + strings.Repeat("a", 31) + "\n": `f:2: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" is not what generate writes; expected at most 30 bytes in a line` + mend,
		title + "two":                          `f:2: "two" is not what generate writes; expected a newline at its end` + mend,
	} {
		rest, err := LinesOf("f", []byte(text), 30).ReadTitle("x", 2)
		if got := ""; err != nil && err.Error() != want || err == nil && (want != got || rest != ", y") {
			t.Errorf("%q: %q, error %v\nwant %s", text, rest, err, want)
		}
	}
}

// A difference far into a line is what is shown of it.
func TestCompare(t *testing.T) {
	long := strings.Repeat("a", 200)
	for _, c := range []struct{ have, want, err string }{
		{"a\nb\n", "a\nb\n", ""},
		{"a\nb\n", "a\nc\n", `f:2: "b" is not what generate writes; expected "c"; remove it, or generate the file again`},
		{"a\nb\n", "a\n", `f:2: "b" is not what generate writes; expected ""; remove it, or generate the file again`},
		{"a\n", "a\nb\n", `f:2: "" is not what generate writes; expected "b"; remove it, or generate the file again`},
		{long + "b" + long + "\n", long + "c\n", `f:1: "…` + strings.Repeat("a", 30) + "b" + strings.Repeat("a", 89) + `…" is not what generate writes; expected "…` + strings.Repeat("a", 30) + `c"; remove it, or generate the file again`},
	} {
		err := Compare("f", []byte(c.have), []byte(c.want))
		if text := ""; err != nil && err.Error() != c.err || err == nil && c.err != text {
			t.Errorf("%q and %q: error %v\nwant %s", c.have, c.want, err, c.err)
		}
	}
}

func TestOverlapping(t *testing.T) {
	type span struct{ first, last int }
	first := func(a, b span) int { return cmp.Compare(a.first, b.first) }
	overlap := func(a, b span) bool { return a.last >= b.first }
	for _, c := range []struct {
		list []span
		at   int
		ok   bool
	}{
		{nil, 0, false},
		{[]span{{1, 2}, {3, 4}}, 0, false},
		{[]span{{3, 4}, {1, 2}}, 0, false},
		{[]span{{1, 3}, {3, 4}}, 1, true},
		{[]span{{5, 9}, {1, 2}, {8, 8}}, 2, true},
		{[]span{{5, 5}, {1, 2}, {5, 5}}, 2, true},
	} {
		if at, ok := Overlapping(c.list, first, overlap); at != c.at || ok != c.ok {
			t.Errorf("%v: %d, %t; want %d, %t", c.list, at, ok, c.at, c.ok)
		}
	}
}

func TestFilterTitle(t *testing.T) {
	for text, want := range map[string]struct {
		f    Filter
		rest string
		ok   bool
	}{
		", mode mark, place host":          {Filter{Mode: ModeMark, Place: PlaceHost}, "", true},
		", mode enforce, place forward, x": {Filter{Mode: ModeEnforce, Place: PlaceForward}, ", x", true},
		", mode open, place host":          {},
		", mode mark":                      {},
		"mode mark, place host":            {},
	} {
		if f, rest, ok := FilterTitle(text); f.Mode != want.f.Mode || f.Place != want.f.Place || rest != want.rest || ok != want.ok {
			t.Errorf("%q: %v, %q, %t", text, f, rest, ok)
		}
	}
}
