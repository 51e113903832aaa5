package site

import (
	"slices"
	"strings"
	"testing"

	"gatewright/catalog"
)

func revision(t *testing.T, entries string) []*catalog.Catalog {
	t.Helper()
	c, err := catalog.Read("own.json", []byte(`{"catalog": "own", "revision": "1", "title": "Own", "placeholders": {"tenant": "label"}, "entries": [`+entries+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	return []*catalog.Catalog{c}
}

func siteOf(t *testing.T, text string) *Site {
	t.Helper()
	s, err := Read("site.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const (
	entryA        = `{"id": "a", "title": "A", "endpoints": ["192.0.2.0/24"], "services": "tcp 443", "direction": "outbound", "role": "clients"}`
	entryNoRemote = `{"id": "a", "title": "A", "services": "tcp 443", "direction": "outbound", "role": "clients"}`
	entryName     = `{"id": "a", "title": "A", "endpoints": ["*.example.com"], "services": "tcp 443", "direction": "outbound", "role": "clients"}`
	entryAUnsaid  = `{"id": "a", "title": "A", "endpoints": ["192.0.2.0/24"], "unsaid": {"services": {"why": "nobody says"}}, "direction": "outbound", "role": "clients"}`
	entryB        = `{"id": "b", "title": "B", "endpoints": ["198.51.100.1"], "services": "tcp 25", "direction": "inbound", "role": "mail"}`
	entryInArea   = `{"id": "b", "title": "B", "area": "mail", "endpoints": ["198.51.100.1"], "services": "tcp 25", "direction": "inbound", "role": "mail"}`
	entryC        = `{"id": "c", "title": "C", "unsaid": {"remote": {"why": "elsewhere"}}, "services": "tcp 25", "direction": "outbound", "role": "clients"}`
)

// What one side alone has may be named, answered and referred to; what neither has
// may not.
func TestBuildPairTakesWhatOneSideHas(t *testing.T) {
	s := siteOf(t, `{"bind": {"mail": ["10.0.0.1"]}, "select": {"exclude": ["own/d"]}, "answers": {
		"own/a": {"services": "tcp 8443"}, "own/c": {"remote": {"from": ["own/b"]}}}}`)
	entryD := strings.Replace(entryB, `"b"`, `"d"`, 1)
	old, new, err := BuildPair(s, revision(t, entryAUnsaid+","+entryC), revision(t, entryA+","+entryB+","+entryC+","+entryD))
	if err != nil {
		t.Fatal(err)
	}
	if len(old.Policy.Rules) != 1 || old.Policy.Rules[0].Services.String() != "tcp 8443" || len(old.Policy.Open) != 1 || old.Policy.Open[0].Entry.ID != "own/c" {
		t.Errorf("old: %+v, open %+v", old.Policy.Rules, old.Policy.Open)
	}
	var services []string
	for _, r := range new.Policy.Rules {
		services = append(services, r.Services.String())
	}
	slices.Sort(services)
	if !slices.Equal(services, []string{"tcp 25", "tcp 25", "tcp 443"}) || len(new.Policy.Open) != 0 {
		t.Errorf("new: %v, open %+v", services, new.Policy.Open)
	}
	_, _, err = BuildPair(siteOf(t, `{"answers": {"own/x": {"dismissed": "a slip"}}}`), revision(t, entryA), revision(t, entryB))
	if err == nil || !strings.Contains(err.Error(), `no entry "own/x" in the loaded catalogues`) {
		t.Errorf("what neither side has: error %v", err)
	}
	_, _, err = BuildPair(siteOf(t, `{"answers": {"own/a": {"services": "tcp 1"}}}`), revision(t, entryA), revision(t, entryA))
	if err == nil || !strings.Contains(err.Error(), "the publisher states the services") {
		t.Errorf("what both sides state: error %v", err)
	}
}

func TestCompareTellsAttributes(t *testing.T) {
	with := func(entry, more string) string { return strings.TrimSuffix(entry, "}") + "," + more + "}" }
	for name, test := range map[string]struct{ old, new, want string }{
		"the same":          {entryA, entryA, ""},
		"another order":     {entryA + "," + entryC, entryC + "," + entryA, ""},
		"endpoints of rule": {entryA, strings.Replace(entryA, "/24", "/25", 1), "own/a: prefixes: 192.0.2.128/25|"},
		"came":              {entryA, entryA + "," + entryC, "own/c: came"},
		"went":              {entryA + "," + entryC, entryA, "own/c: went"},
		"category":          {entryA, with(entryA, `"category": "allow"`), "own/a: category: |allow"},
		"required":          {entryA, with(entryA, `"required": true`), "own/a: required: false|true"},
		"area":              {entryA, with(entryA, `"area": "mail"`), "own/a: area: |mail"},
		"notes":             {entryA, with(entryA, `"notes": ["cookies", "more"]`), "own/a: notes: |cookies / more"},
		"condition":         {entryA, with(entryA, `"condition": "if hybrid"`), "own/a: condition: |if hybrid"},
		"links":             {entryA, with(entryA, `"links": ["https://example.com/a"]`), "own/a: links: |https://example.com/a"},
		"remote role": {with(entryNoRemote, `"remote": {"role": "mail"}`), with(entryNoRemote, `"remote": {"role": "exchange"}`),
			"own/a: remote role: mail|exchange"},
		"narrowings": {with(entryName, `"narrowed": {"*.example.com": ["<tenant>.example.com"]}`), with(entryName, `"narrowed": {"*.example.com": ["<tenant>-my.example.com", "<tenant>.example.com"]}`),
			"own/a: narrowings: *.example.com to <tenant>.example.com|*.example.com to <tenant>-my.example.com, <tenant>.example.com"},
		"open endpoints": {entryAUnsaid, strings.Replace(entryAUnsaid, "192.0.2.0/24", "192.0.2.0/25", 1),
			"own/a: prefixes: 192.0.2.128/25|"},
		"not selected": {with(entryA, `"instance": ["China"]`), with(entryA, `"instance": ["China"], "category": "allow"`), ""},
	} {
		old, new, err := BuildPair(&Site{}, revision(t, test.old), revision(t, test.new))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var told []string
		for _, c := range Compare(old, new) {
			switch {
			case c.Old == nil:
				told = append(told, c.ID()+": came")
			case c.New == nil:
				told = append(told, c.ID()+": went")
			}
			for _, f := range c.Facts {
				told = append(told, c.ID()+": "+f.Name+": "+f.Old+"|"+f.New)
			}
		}
		if got := strings.Join(told, "; "); got != test.want {
			t.Errorf("%s: told %q, want %q", name, got, test.want)
		}
	}
}

// What "from" may name on one side is what it may name there alone: an entry or an
// area, of a catalogue or of the feed that it is an instance of.
func TestBuildPairTakesReferencesOfOneSide(t *testing.T) {
	instance := func(entries string) []*catalog.Catalog {
		list := revision(t, entries)
		list[0].Feed = "feed"
		return list
	}
	for _, ref := range []string{"own/mail", "feed/mail", "own/b", "feed/b"} {
		s := siteOf(t, `{"bind": {"mail": ["10.0.0.1"]}, "answers": {"own/c": {"remote": {"from": ["`+ref+`"]}}}}`)
		old, new, err := BuildPair(s, instance(entryC), instance(entryInArea+","+entryC))
		if err != nil {
			t.Errorf("%s: %v", ref, err)
			continue
		}
		if len(old.Policy.Rules) != 0 || len(new.Policy.Rules) != 2 {
			t.Errorf("%s: %d rules, then %d; want none, then 2", ref, len(old.Policy.Rules), len(new.Policy.Rules))
		}
		if _, err := Build(s, instance(entryInArea+","+entryC)); err != nil {
			t.Errorf("%s: alone, it is refused: %v", ref, err)
		}
		if _, _, err := BuildPair(s, instance(entryC), instance(entryC)); err == nil || !strings.Contains(err.Error(), `"from" names "`+ref+`", which is neither an entry`) {
			t.Errorf("%s, which neither side has: %v", ref, err)
		}
	}
}

func TestIsSite(t *testing.T) {
	for text, want := range map[string]bool{
		`{"catalogs": ["a.json"]}`:                             true,
		"// mine\n{\"bind\": {\"sts\": [\"10.0.0.1\"]},}":      true,
		`{"catalog": "own", "entries": [], "select": "all"}`:   false,
		`{"values": [{"name": "AzureCloud"}]}`:                 false,
		`{"changeNumber": 1, "cloud": "Public", "values": []}`: false,
		`{"values": {"email_domain": ["a.example"]}}`:          true,
		`{"as_of": "2026-01-01"}`:                              true,
		`{"keep_removed": "30d"}`:                              true,
		`{"paths": "host"}`:                                    true,
		`{"output": "out"}`:                                    true,
		`{"generators": []}`:                                   true,
		`{"x": {"bind": 1}, "y": ["select"]}`:                  false,
		`{"selected": 1, "bind": {}}`:                          true,
		`[{"id": 1, "select": 2}]`:                             false,
		`{"select": `:                                          false,
		"select.example.com":                                   false,
		"":                                                     false,
	} {
		if IsSite([]byte(text)) != want {
			t.Errorf("IsSite(%q) = %t", text, !want)
		}
	}
}

// ID returns the entry's id.
func (c EntryChange) ID() string {
	if c.New != nil {
		return c.New.Entry.ID
	}
	return c.Old.Entry.ID
}
