package trustedsites

import (
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
)

// example is one policy with settings; the golden file has its name.
type example struct {
	name     string
	in       rule.Input
	settings map[string][]string
}

func examples(t testing.TB) []example {
	whole := map[string][]string{"whole-domains": {"yes"}}
	machine := map[string][]string{"hive": {"machine"}}
	return []example{
		{"empty", rule.Input{}, nil},
		{"sites", sitesInput(t), nil},
		{"sites-whole-domains", sitesInput(t), whole},
		{"sites-machine", sitesInput(t), machine},
		{"hostile", hostileInput(t), nil},
	}
}

// sitesInput has every form of name, and a rule that is none of this generator's.
func sitesInput(t testing.TB) rule.Input {
	return rule.Input{
		Sources:  []rule.Source{{Name: "sample", Version: "2025-01-08", Digest: "sha256:0123"}},
		Bindings: []rule.Binding{{Role: rule.Clients, Addresses: ruletest.Prefixes(t, "10.0.0.0/8")}},
		Grants:   []rule.Grant{ruletest.Grant(t, "sample/flow", "", rule.Outbound, rule.Clients, "tcp 443", "any")},
		TrustedSites: []rule.TrustedSite{
			trusted(t, "exact", "secure.aadcdn.microsoftonline-p.com", "contoso.sharepoint.com", "www.example.co.uk", "_x.example.net"),
			trusted(t, "both", "example.org", "*.example.org", "*.example.co.uk"),
			trusted(t, "other", "example.co.uk", "www.example.org"),
			trusted(t, "domain", "example.com"),
			trusted(t, "subdomains", "*.yammer.com", "www.yammer.com"),
			trusted(t, "below", "*.teams.example.net", "teams.example.net"),
			trusted(t, "stars", "*-files.example.net", "a.*.example.net"),
			trusted(t, "mixed", "login.example.net", "*x.example.net"),
			trusted(t, "suffix", "*.co.jp", "t.co"),
		},
		Open: []rule.Open{{Entry: rule.Entry{ID: "sample/teams"}, Missing: rule.MissingRemote, Why: "published elsewhere"}},
	}
}

func trusted(t testing.TB, id string, names ...string) rule.TrustedSite {
	t.Helper()
	var patterns []netset.Pattern
	for _, n := range names {
		patterns = append(patterns, ruletest.Pattern(t, n))
	}
	return rule.TrustedSite{
		Entry: rule.Entry{ID: "sample/" + id, Row: "7", Title: "Title of " + id},
		Names: netset.NameSetOf(patterns...),
	}
}

// hostileTexts try to leave a comment.
func hostileTexts() []string {
	return []string{
		"a\n[HKEY_CURRENT_USER\\Software]\r\n\"x\"=dword:1",
		"ends in a backslash \\",
		"\"quoted\" ; # */ </script> {{ .Sites }} %s%d%n",
		"größer 漢字 \u202e \u2028 \x00 \x1b[2J \xff \u0085",
		strings.Repeat("long ü", 2000),
	}
}

func hostileInput(t testing.TB) rule.Input {
	var in rule.Input
	for i, text := range hostileTexts() {
		s := trusted(t, string(rune('a'+i)), "www.example.com")
		s.Entry.Title, s.Entry.Row, s.Entry.Condition = text, text, text
		in.TrustedSites = append(in.TrustedSites, s)
		in.Sources = append(in.Sources, rule.Source{Name: s.Entry.ID, Version: text, Digest: text})
		in.Open = append(in.Open, rule.Open{Entry: s.Entry, Missing: rule.MissingValue, Endpoint: text, Why: text})
	}
	return in
}

func generate(t testing.TB, p *rule.Policy, raw map[string][]string) artefact.Output {
	t.Helper()
	s, err := artefact.Configure(Generator{}.Options(), raw)
	if err != nil {
		t.Fatal(err)
	}
	out, err := Generator{}.Generate(p, s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
