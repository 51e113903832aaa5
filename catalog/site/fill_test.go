package site

import (
	"fmt"
	"strings"
	"testing"

	"gatewright/catalog"
)

// TestFillsWithinLimit holds that the limit of endpoints counts what they stand for,
// and that it is known before they are filled.
func TestFillsWithinLimit(t *testing.T) {
	var endpoints, values strings.Builder
	for i := range 300 {
		fmt.Fprintf(&endpoints, `"a%d.<email_domain>",`, i)
	}
	for i := range 10_000 {
		fmt.Fprintf(&values, `"d%d.example.com",`, i)
	}
	s, err := Read("site.json", []byte(`{"values": {"email_domain": [`+values.String()+`], "tenant": ["t", "u"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	entry := func(id, endpoints string) string {
		return `{"id": "` + id + `", "title": "t", "direction": "outbound", "role": "clients", "services": "tcp 443", "endpoints": [` + endpoints + `]},`
	}
	const text = "site.json:1:13: /values/email_domain: own/%s expands to %d names with these values and references, so all entries together have %d; the limit is 2000000; give fewer values, or select fewer entries"
	for _, test := range []struct{ name, entries, want string }{
		{"one entry", entry("a", endpoints.String()), fmt.Sprintf(text, "a", 3_000_000, 3_000_000)},
		{"two placeholders", entry("a", `"<tenant>.<email_domain>"`) + entry("b", endpoints.String()), fmt.Sprintf(text, "b", 3_000_000, 3_020_000)},
		{"told once", entry("a", endpoints.String()) + entry("b", endpoints.String()), fmt.Sprintf(text, "a", 3_000_000, 3_000_000)},
		{"below the limit", entry("a", `"x.<email_domain>"`), ""},
	} {
		c, err := catalog.Read("own.json", []byte(`{"catalog": "own", "revision": "1", "title": "own", "placeholders": {"email_domain": "fqdn", "tenant": "label"}, "entries": [`+test.entries+entry("t", `"<tenant>.example.net"`)+`]}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = Build(s, []*catalog.Catalog{c}); err == nil && test.want != "" || err != nil && err.Error() != test.want {
			t.Errorf("%s: error %v\nwant %s", test.name, err, test.want)
		}
	}
}
