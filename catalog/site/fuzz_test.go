package site

import (
	"strings"
	"testing"
	"unicode"

	"gatewright/catalog"
)

// FuzzRead reads any bytes as a site file: no panic, an error tells a
// place, and what is accepted holds no control character and no family of addresses,
// and builds a policy or says why not.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		``, `{}`, `[]`, "\xff\xfe{\x00}\x00",
		`{ "catalogs": [ "own.json" ], "select": { "area": [ "mail" ], "entry": [ "own/mail" ], "exclude": [ "hook" ], "instance": [ "Worldwide" ], "required_only": true } }`,
		`{ "bind": { "exchange": [ "10.0.0.1", "2001:db8::/32" ], "sts": { "published": [ "10.0.0.2" ], "addresses": [] } }, "group": "entry" }`,
		`{ "bind": { "exchange": [ "0.0.0.0/1", "128.0.0.0/1" ] } }`,
		`{ "answers": { "own/hook": { "remote": "any", "services": "tcp 1-65535", "direction": "inbound", "role": "sbc" }, "own/silent": { "dismissed": "no" } } }`,
		`{ "answers": { "own/hook": { "remote": { "from": [ "own/mail", "own/web" ] } }, "own/open-zone": { "remote": [ "*.example.com", "192.0.2.1" ] } } }`,
		`{ "values": { "tenant": [ "a", "b" ], "email_domain": "example.com" }, "paths": "host", "routes": [ { "area": [ "mail" ], "via": "direct" } ] }`,
		`{ "options": { "nftables": { "mode": "mark", "mark": 1, "x": true, "admin": [ "none" ] } }, "tolerate": { "pac": [ "wider" ] }, "generators": [ "pac" ], "output": "out" }`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Read("site.json", data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "site.json:") {
				t.Fatalf("the error tells no place: %v", err)
			}
			return
		}
		for _, text := range textsOf(s) {
			if text == "" || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("accepted text %q", text)
			}
		}
		for role, b := range s.Bindings {
			if v4, v6 := b.Local().CoversFamily(); v4 || v6 || b.Local().IsEmpty() {
				t.Fatalf("role %s is bound to %v", role, b.Local())
			}
		}
		r, err := Build(s, []*catalog.Catalog{ownCatalog(t)})
		if err == nil && len(r.Outcomes) != 11 {
			t.Fatalf("%d outcomes", len(r.Outcomes))
		}
	})
}

// textsOf returns the texts of a site that a person wrote.
func textsOf(s *Site) []string {
	var all []string
	for _, list := range [][]string{s.Catalogs, s.Generators, s.Select.Areas, s.Select.Entries, s.Select.Exclude, s.Select.Instances} {
		all = append(all, list...)
	}
	for _, values := range s.Values {
		all = append(all, values...)
	}
	for _, options := range s.Options {
		for _, values := range options {
			all = append(all, values...)
		}
	}
	if s.Output != "" {
		all = append(all, s.Output)
	}
	for _, a := range s.Answers {
		if a.Dismissed != "" {
			all = append(all, a.Dismissed)
		}
	}
	for _, r := range s.Routes {
		all = append(all, string(r.Via))
	}
	return all
}
