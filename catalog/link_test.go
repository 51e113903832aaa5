package catalog

import (
	"strings"
	"testing"
)

// TestSecretsOfURLs holds that no user, password or query of a URL is taken into a
// catalogue, nor shown by the error.
func TestSecretsOfURLs(t *testing.T) {
	for _, c := range []struct{ endpoint, link, want string }{
		{"a.example.com", "https://user:secret@www.example.com/page", `"https://www.example.com/page" holds a user, or a password, which everyone who reads the catalogue sees; write "https://www.example.com/page"`},
		{"a.example.com", "ftp://user:secret@www.example.com/page", `"ftp://www.example.com/page" is not the URL of a page; write one such as "https://www.example.com/page"`},
		{"a.example.com/p?secret", "https://www.example.com/", `"a.example.com/p…" has a query or a fragment, which an endpoint cannot have and which may be a secret; write "a.example.com/p"`},
		{"a.example.com/p#secret", "https://www.example.com/", `"a.example.com/p…" has a query or a fragment, which an endpoint cannot have and which may be a secret; write "a.example.com/p"`},
		{"https://user:secret@a.example.com/p?secret", "https://www.example.com/", `"https://a.example.com/p" is a URL; write "a.example.com/p" here, and "tcp 443" under "services"`},
	} {
		_, err := Read("f", []byte(`{"catalog": "own", "revision": "1", "title": "Own", "entries": [{"id": "a", "title": "A", "direction": "outbound", "role": "clients", "services": "tcp 443",
			"endpoints": ["`+c.endpoint+`"], "links": ["`+c.link+`"]}]}`))
		if err == nil || !strings.HasSuffix(err.Error(), ": "+c.want) || strings.Contains(err.Error(), "secret@") {
			t.Errorf("%s, %s:\n%v\nwant\n%s", c.endpoint, c.link, err, c.want)
		}
	}
}
