package feed

import (
	"strings"
	"testing"
)

const ownDocument = `{"catalog": "own", "revision": "1", "title": "Own", "entries": [{"id": "a", "title": "A",
	"endpoints": ["192.0.2.0/24"], "services": "tcp 443", "direction": "outbound", "role": "clients"}]}`

func TestReadOwn(t *testing.T) {
	utf16 := []byte{0xff, 0xfe}
	for _, c := range []byte("// comment\n" + ownDocument) {
		utf16 = append(utf16, c, 0)
	}
	for name, data := range map[string][]byte{"utf-8": []byte(ownDocument), "utf-16": utf16} {
		c, err := Read("own.json", data, Naming{})
		if err != nil || c.Name != "own" || len(c.Entries) != 1 {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		``:                       "f:1:1: empty input; expected a JSON value",
		`{"shape": "of a star"}`: "f:1:1: unknown kind of catalogue; expected one of: Gatewright's own, Microsoft 365 endpoints (JSON or CSV)",
		`{"catalog": 7}`:         `f:1:1: missing required key "revision"`,
		`{"a": `:                 "f:1:7: /a: expected a value, found the end of the file",
	} {
		if _, err := Read("f", []byte(text), Naming{}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
}
