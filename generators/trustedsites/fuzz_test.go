package trustedsites

import (
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/generators/artefact"
	"gatewright/generators/artefact/artefacttest"
	"gatewright/generators/engine"
)

// ascii is a character of a comment, or what.
func ascii(r rune) string {
	switch {
	case r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029':
		return " "
	case r > '~':
		return "?"
	case r == '\\':
		return "/"
	}
	return string(r)
}

// FuzzComment holds that comments keep every text, fitted as stated, and that the
// registry editor takes nothing of it for a key or a value.
func FuzzComment(f *testing.F) {
	for _, text := range hostileTexts() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := string(commentOf(s))
		if want := artefacttest.Fitted(s, 1000, ascii); c != want {
			t.Errorf("comment %q of %q; want %q", c, s, want)
		}
		text := "; " + c + "\r\n"
		if got := statements([]byte(text)); got != "" || strings.ContainsAny(c, "\r\n") {
			t.Errorf("comment %q is read as %q", c, got)
		}
	})
}

// FuzzKey holds that a pattern becomes a key that is read back as it was, and that
// means the pattern as far as its limit says.
func FuzzKey(f *testing.F) {
	for _, s := range []string{"www.example.com", "*.a.example.com", "example.com", "*.example.com", "a*.example.com", "example.co.uk", "x.example.co.uk", "_x.example.com", "EXAMPLE.com."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := netset.ParsePattern(s)
		if err != nil {
			return
		}
		k, limit := keyOf(p)
		if limit == stars || limit == suffix {
			return
		}
		for _, hive := range []string{hiveUser, hiveMachine} {
			path := string(pathOf(hive, k))
			if strings.Trim(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.*\\ ") != "" {
				t.Errorf("%q: path %q", s, path)
			}
			r := reader{file: &artefact.Lines{}}
			if !r.takeKey("["+path+"]", &siteView{}) || r.hive != hive || len(r.reading.Zones) != 1 || r.reading.Zones[0] != k.zone() {
				t.Errorf("%q: %q is read as %+v", s, path, r)
			}
			for _, name := range engine.BoundaryNames(p) {
				got, want := r.reading.Trusts(name), p.Match(name)
				if got && !want && limit != wholeDomain || want && !got && limit != oneLabel {
					t.Errorf("%q: the key %v trusts %q: %t", s, k, name, got)
				}
			}
		}
	})
}
