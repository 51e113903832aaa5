package jsonc

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"testing"
	"unicode/utf8"
)

// FuzzParse holds that exactly what encoding/json accepts of the plain reading
// is accepted, with equal content, but for what this package refuses by design.
func FuzzParse(f *testing.F) {
	for _, c := range malformed {
		f.Add([]byte(c.in))
	}
	for _, c := range wellFormed {
		f.Add([]byte(c.in))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := Parse("fuzz.json", data)
		if err != nil {
			checkRefused(t, data, err)
			return
		}
		want, err := decodeAny(plain(doc.data))
		if err != nil {
			t.Fatalf("accepted %q, which encoding/json refuses: %v", data, err)
		}
		if got := toAny(doc.Root()); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: got %#v, want %#v", data, got, want)
		}
		if len(data) < 2048 {
			checkPlaces(t, doc.Root(), want)
		}
	})
}

// checkRefused fails if the input is JSON that no rule of this package forbids,
// or if its error is no single printable line at a place within the text.
func checkRefused(t *testing.T, data []byte, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.File != "fuzz.json" || bytes.ContainsAny([]byte(err.Error()), "\n\r\x1b") {
		t.Fatalf("%q: error %q", data, err)
	}
	text := plain(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	if !json.Valid(text) {
		return
	}
	duplicates, depth := shape(text)
	lone := regexp.MustCompile(`\\u[dD][89a-fA-F]`)
	switch {
	case !utf8.Valid(data), bytes.IndexByte(data, 0) >= 0, lone.Match(data):
	case duplicates, depth > MaxDepth, len(data) > MaxString:
	default:
		t.Fatalf("refused %q, which encoding/json accepts: %v", data, err)
	}
}
