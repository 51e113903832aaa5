package squid

import (
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// example is one policy with settings; the golden file has its name.
type example struct {
	name     string
	in       rule.Input
	settings map[string][]string
}

func examples(t testing.TB) []example {
	return []example{
		{"empty", rule.Input{}, nil},
		{"empty-enforce", rule.Input{}, settings("mode=enforce")},
		{"names", namesInput(t), nil},
		{"site", siteInput(t), nil},
		{"site-conf.d", siteInput(t), settings("place=conf.d", "mode=enforce", "dir=/srv/squid/lists")},
		{"hostile", hostileInput(t), nil},
	}
}

func settings(pairs ...string) map[string][]string {
	raw := map[string][]string{}
	for _, pair := range pairs {
		option, value, _ := strings.Cut(pair, "=")
		raw[option] = append(raw[option], value)
	}
	return raw
}

// namesInput has every form of pattern, and those that meet at an apex.
func namesInput(t testing.TB) rule.Input {
	return rule.Input{
		Bindings: []rule.Binding{{Role: "clients", Addresses: prefixes(t, "10.0.0.0/8")}},
		Grants: []rule.Grant{grant(t, "sample/names", "names", "out", "clients", "tcp 443",
			"exact.example.com",
			"*.alone.example",
			"*.with.example", "with.example",
			"*.below.wide.example", "*.wide.example", "wide.example",
			"*.one.glob.example", "*e.glob.example",
			"autodiscover.*.example.org",
			"*-files.example.org",
			"*.a*.deep.example.org",
			"_tcp.example.net", "xn--bcher-kva.example.net",
		)},
	}
}

// siteInput has every shape of rule: names, literals of both families, both, any
// remote, rules of several roles, and rules that a proxy does not carry.
func siteInput(t testing.TB) rule.Input {
	return rule.Input{
		Sources: []rule.Source{{Name: "sample", Version: "2025-01-08", Digest: "sha256:0123"}},
		Bindings: []rule.Binding{
			{Role: "clients", Addresses: prefixes(t, "10.0.0.0/8", "fc00::/7")},
			{Role: "servers", Addresses: prefixes(t, "192.168.7.5"), Published: prefixes(t, "192.168.7.6", "::/16")},
			{Role: "sts", Addresses: prefixes(t, "192.168.8.1")},
		},
		Grants: []rule.Grant{
			grant(t, "sample/sharing", "skype", "out", "clients", "tcp 443", "52.112.0.0/14", "2603:1063::/38", "::/80"),
			grant(t, "sample/wizard", "exchange", "out", "servers", "tcp 80,443,8000-8100; udp 53", "domains.live.com"),
			grant(t, "sample/mixed", "exchange", "out", "clients", "tcp 443", "203.0.113.0/28", "*.mixed.example.com"),
			grant(t, "sample/loose", "exchange", "out", "clients", "tcp 443", "loose.example.com"),
			grant(t, "sample/anywhere", "", "out", "servers", "tcp 49443", "any"),
			grant(t, "sample/media", "skype", "out", "clients", "udp 3478", "13.107.64.0/18"),
			grant(t, "sample/inbound", "identity", "in", "sts", "tcp 443", "104.211.54.99"),
		},
		TrustedSites: []rule.TrustedSite{{Entry: rule.Entry{ID: "sample/zone"}, Names: netset.NameSetOf(pattern(t, "*.example.com"))}},
		Open:         []rule.Open{{Entry: rule.Entry{ID: "sample/pstn"}, Missing: rule.MissingRemote, Why: "published elsewhere"}},
	}
}

// hostileTexts try to leave a comment.
func hostileTexts() []string {
	return []string{
		"a\nhttp_access allow all\r\nhttp_access allow all",
		`"; acl gatewright_x src all`,
		"ends in a backslash \\",
		"*/ </script> {{ .Rules }} %s%d%n # ; } '",
		"größer 漢字 \u202e \u2028 \x00 \x1b[2J \xff",
		strings.Repeat("long ü", 2000),
	}
}

func hostileInput(t testing.TB) rule.Input {
	in := rule.Input{Bindings: []rule.Binding{{Role: "clients", Addresses: prefixes(t, "10.0.0.0/8")}}}
	for i, text := range hostileTexts() {
		id := "sample/" + string(rune('a'+i))
		g := grant(t, id, id, "out", "clients", "tcp 443", "www.example.com")
		g.Entry.Title, g.Entry.Row, g.Entry.Condition = text, text, text
		in.Grants = append(in.Grants, g)
		in.Sources = append(in.Sources, rule.Source{Name: id, Version: text, Digest: text})
		in.Open = append(in.Open, rule.Open{Entry: rule.Entry{ID: id}, Missing: rule.MissingValue, Endpoint: text, Why: text})
	}
	return in
}

// grant takes remotes as prefixes, patterns, or the word any.
func grant(t testing.TB, id, group, direction string, role rule.Role, services string, remotes ...string) rule.Grant {
	t.Helper()
	s, err := netset.ParseServices(services)
	if err != nil {
		t.Fatal(err)
	}
	g := rule.Grant{
		Entry:     rule.Entry{ID: id, Row: "7", Title: "Title of " + id},
		Group:     group,
		Direction: rule.Direction(direction + "bound"),
		Role:      role,
		Services:  s,
		Route:     rule.NoRoute,
	}
	var addrs []string
	for _, r := range remotes {
		switch {
		case r == "any":
			g.Any = true
		case strings.ContainsAny(r, ":/") || strings.Trim(r, "0123456789.") == "":
			addrs = append(addrs, r)
		default:
			g.Names = append(g.Names, pattern(t, r))
		}
	}
	g.Prefixes = prefixes(t, addrs...)
	return g
}

func prefixes(t testing.TB, texts ...string) netset.PrefixSet {
	t.Helper()
	var b netset.PrefixBuilder
	for _, text := range texts {
		p, _, err := netset.ParsePrefix(text)
		if err != nil {
			t.Fatal(err)
		}
		b.Add(p)
	}
	return b.Build()
}

func pattern(t testing.TB, text string) netset.Pattern {
	t.Helper()
	p, err := netset.ParsePattern(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func compile(t testing.TB, in rule.Input) *rule.Policy {
	t.Helper()
	p, err := rule.Compile(in)
	if err != nil {
		t.Fatal(err)
	}
	return p
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

// bundle is all artefacts of an output in one text.
func bundle(out artefact.Output) string {
	var b strings.Builder
	for _, a := range out.Artefacts {
		b.WriteString("-- " + a.Name + " --\n")
		b.Write(a.Data)
	}
	return b.String()
}

// reversed is the same input in another order.
func reversed(in rule.Input) rule.Input {
	in.Grants, in.Bindings = slices.Clone(in.Grants), slices.Clone(in.Bindings)
	in.Open, in.Sources = slices.Clone(in.Open), slices.Clone(in.Sources)
	slices.Reverse(in.Grants)
	slices.Reverse(in.Bindings)
	slices.Reverse(in.Open)
	slices.Reverse(in.Sources)
	return in
}
