package jsonc

import (
	"errors"
	"strings"
	"testing"
)

func mustParse(t *testing.T, text string) *Doc {
	t.Helper()
	doc, err := Parse("v.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestZeroValueIsNothing(t *testing.T) {
	var v Value
	if v.Kind() != Invalid || v.Bytes() != nil || v.Text() != "" || v.Pointer() != "" {
		t.Errorf("the zero Value has contents: %v %q %q", v.Kind(), v.Text(), v.Pointer())
	}
	if line, col := v.Pos(); line != 0 || col != 0 {
		t.Errorf("the zero Value is at %d:%d", line, col)
	}
	for range v.Elements() {
		t.Error("the zero Value has an element")
	}
	for range v.Members() {
		t.Error("the zero Value has a member")
	}
	if err := v.Errorf("message"); err.Error() != "message" {
		t.Errorf("error is %q", err)
	}
	d := NewDecoder(mustParse(t, "1"))
	if _, ok := d.String(v); ok || d.Err().Error() != "expected a string, found nothing" {
		t.Errorf("decoder: %v, %v", ok, d.Err())
	}
}

func TestIterationStopsAndKeepsToItsKind(t *testing.T) {
	for in, want := range map[string]int{
		`[[1, 2], {"a": 3}, 4]`: 2, `[]`: 0, `{"a": [1, 2], "b": 1, "c": 2}`: 2, `{}`: 0, `"abc"`: 0, `1`: 0,
	} {
		root, n := mustParse(t, in).Root(), 0
		for i := range root.Elements() {
			if i != n {
				t.Errorf("%s: element %d has index %d", in, n, i)
			}
			if n++; n == 2 {
				break
			}
		}
		for range root.Members() {
			if n++; n == 2 {
				break
			}
		}
		if n != want {
			t.Errorf("%s: %d steps, want %d", in, n, want)
		}
	}
}

func TestBytesAreThoseOfTheDocument(t *testing.T) {
	data := []byte(`["plain", "es\ncaped", 1.50, true, null, [], {}]`)
	doc, err := Parse("", data)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"plain", "es\ncaped", "1.50", "true", "null", "", ""}
	for i, v := range doc.Root().Elements() {
		if v.Text() != want[i] {
			t.Errorf("element %d is %q, want %q", i, v.Text(), want[i])
		}
	}
	for _, v := range doc.Root().Elements() {
		if b := v.Bytes(); &b[0] != &data[2] || cap(b) != len(b) {
			t.Errorf("%q is copied, or may be appended to in place", b)
		}
		break
	}
	if n := testing.AllocsPerRun(100, func() {
		for _, v := range doc.Root().Elements() {
			if v.Kind() == Number && len(v.Bytes()) != 4 {
				t.Error("wrong number")
			}
		}
	}); n != 0 {
		t.Errorf("a walk takes %v allocations, want none", n)
	}
}

func TestErrorText(t *testing.T) {
	cause := errors.New("cause")
	for _, c := range []struct {
		err  Error
		want string
	}{
		{Error{"catalog.json", 14, 18, "/endpoints/3/prefixes/0", cause}, "catalog.json:14:18: /endpoints/3/prefixes/0: cause"},
		{Error{"catalog.json", 1, 1, "", cause}, "catalog.json:1:1: cause"},
		{Error{"catalog.json", 0, 0, "", cause}, "catalog.json: cause"},
		{Error{"", 2, 3, "/a", cause}, "2:3: /a: cause"},
		{Error{"", 0, 0, "", cause}, "cause"},
		{Error{"a\nb", 1, 1, "/\x1b[2J", errors.New("x\r\ny\u2028\u202e")}, `a\nb:1:1: /\x1b[2J: x\r\ny\u2028\u202e`},
		{Error{"f", 1, 1, "", errors.New("\"" + strings.Repeat("é", 5000) + "\" is too long")},
			`f:1:1: "` + strings.Repeat("é", 499) + "…" + strings.Repeat("é", 499-len("\" is too long")) + `" is too long`},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got %s\nwant %s", got, c.want)
		}
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"":                              `""`,
		"a\"\n\x1b\u202e":               `"a\"\n\x1b\u202e"`,
		strings.Repeat("é", 80):         `"` + strings.Repeat("é", 80) + `"`,
		strings.Repeat("é", 81):         `"` + strings.Repeat("é", 80) + `"…`,
		strings.Repeat("\xff", 100_000): `"` + strings.Repeat(`\xff`, 80) + `"…`,
	} {
		if got := Quote(in); got != want {
			t.Errorf("Quote(%.20q) = %s, want %s", in, got, want)
		}
	}
}

// Pointer returns the JSON pointer of v (RFC 6901), empty for the root. It is
// meant for messages: of a key of more than 80 characters it shows the first 80
// and an ellipsis.
func (v Value) Pointer() string {
	if v.doc == nil {
		return ""
	}
	return v.doc.pointer(int(v.i))
}
