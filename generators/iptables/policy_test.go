package iptables

import (
	"fmt"
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
	set := func(pairs ...string) map[string][]string {
		raw := map[string][]string{}
		for _, pair := range pairs {
			option, value, _ := strings.Cut(pair, "=")
			raw[option] = append(raw[option], value)
		}
		return raw
	}
	site := siteInput(t)
	return []example{
		{"empty", rule.Input{}, nil},
		{"empty-tree", rule.Input{}, set("ipset=no")},
		{"chains", site, nil},
		{"chains-host", site, set("place=host", "roles=sts", "roles=clients")},
		{"chains-interfaces", site, set("wan=eth0", "lan=eth2", "lan=eth1.100")},
		{"tree", site, set("ipset=no")},
		{"tree-interfaces", site, set("ipset=no", "lan=eth1")},
		{"mark", site, set("mode=mark")},
		{"mark-host-tree", site, set("mode=mark", "place=host", "roles=sts", "mark=0x80000000", "ipset=no")},
		{"enforce-forward", site, set("mode=enforce", "place=forward", "admin=198.51.100.0/24 tcp 22,443; udp 161", "admin=2001:db8:ad::/48 tcp 22", "wan=eth0", "lan=eth1")},
		{"enforce-host", site, set("mode=enforce", "place=host", "roles=sts", "roles=resolver", "admin=198.51.100.7 tcp 22")},
		{"enforce-tree", site, set("mode=enforce", "place=forward", "admin=none", "ipset=no")},
		{"hostile", hostileInput(t), nil},
	}
}

// siteInput has every shape of rule: both directions and families, prefixes, single
// addresses, any remote, names alone, published and direct addresses, port ranges.
func siteInput(t testing.TB) rule.Input {
	return rule.Input{
		Sources: []rule.Source{{Name: "sample", Version: "2025-01-08", Digest: "sha256:0123"}},
		Bindings: []rule.Binding{
			{Role: "clients", Addresses: prefixes(t, "10.0.0.0/8", "fc00::/7")},
			{Role: "sts", Addresses: prefixes(t, "192.168.7.5", "fd00:7::5"), Published: prefixes(t, "192.168.7.6", "fd00:7:1::/64")},
			{Role: "sbc", Addresses: prefixes(t, "192.168.8.0/30")},
			{Role: "resolver", Addresses: prefixes(t, "192.168.9.53", "fd00:9::53")},
		},
		Grants: []rule.Grant{
			grant(t, "sample/screen-sharing", "skype", "out", "clients", "tcp 443", "52.112.0.0/14", "2603:1063::/38"),
			grant(t, "sample/media", "skype", "out", "clients", "tcp 443; udp 3478-3481,50000-59999", "13.107.64.0/18", "224.0.0.0/3", "8000::/1"),
			grant(t, "sample/probe", "", "out", "clients", "tcp 1-65535", "192.0.2.1", "192.0.2.9", "2001:db8::9"),
			grant(t, "sample/wizard", "exchange", "out", "clients", "tcp 80,443", "domains.live.com"),
			grant(t, "sample/mixed", "exchange", "out", "clients", "tcp 443", "203.0.113.0/28", "*.mixed.example.com"),
			grant(t, "sample/loose", "exchange", "out", "clients", "tcp 443", "loose.example.com"),
			grant(t, "sample/sts", "identity", "in", "sts", "tcp 443,49443", "104.211.54.99", "104.211.54.134", "2603:1006::/40"),
			grant(t, "sample/everyone", "identity", "in", "sts", "tcp 8080", "any"),
			grant(t, "sample/sbc", "voice", "in", "sbc", "udp 5060-5061; tcp 5061", "52.112.0.0/14", "2603:1063::/38"),
			grant(t, "sample/six", "voice", "out", "sbc", "tcp 443", "2603:1063::/38"),
			grant(t, "sample/many", "", "in", "sts", "tcp 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31; udp 10-19,30-39,50-59,70-79,90-99,110-119,130-139,150,170-179", many(24)...),
		},
		TrustedSites: []rule.TrustedSite{{Entry: rule.Entry{ID: "sample/zone"}, Names: netset.NameSetOf(pattern(t, "*.example.com"))}},
		Open:         []rule.Open{{Entry: rule.Entry{ID: "sample/pstn"}, Missing: rule.MissingRemote, Why: "published elsewhere"}},
	}
}

// many are that many prefixes of each family, and no two that can be joined.
func many(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("198.18.%d.0/24", 2*i), fmt.Sprintf("2001:db8:%x::/48", 2*i))
	}
	return out
}

// hostileTexts try to leave a comment.
func hostileTexts() []string {
	return []string{
		"\" -j DROP -m comment --comment \"",
		"line one\nCOMMIT\r\n*filter\n-P INPUT DROP",
		"ends in a backslash \\",
		"*/ </script> {{ .Table }} %s%d%n # ; }",
		"größer 漢字 \u202e \u2028 \x00 \x1b[2J \xff",
		`one \ "two" 'three' -A gatewright_outbound -j ACCEPT`,
		strings.Repeat("long ü", 2000),
	}
}

func hostileInput(t testing.TB) rule.Input {
	in := rule.Input{Bindings: []rule.Binding{{Role: "clients", Addresses: prefixes(t, "10.0.0.0/8")}}}
	for i, text := range hostileTexts() {
		id := "sample/" + string(rune('a'+i))
		g := grant(t, id, id, "out", "clients", "tcp 443", "192.0.2.0/24")
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
	g := rule.Grant{
		Entry:     rule.Entry{ID: id, Row: "7", Title: "Title of " + id},
		Group:     group,
		Direction: rule.Direction(direction + "bound"),
		Role:      role,
		Services:  parseServices(t, services),
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

func parseServices(t testing.TB, text string) netset.ServiceSet {
	t.Helper()
	s, err := netset.ParseServices(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func compile(t testing.TB, in rule.Input) *rule.Policy {
	t.Helper()
	p, err := rule.Compile(in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func generate(t testing.TB, in rule.Input, raw map[string][]string) (artefact.Output, error) {
	t.Helper()
	s, err := artefact.Configure(Generator{}.Options(), raw)
	if err != nil {
		return artefact.Output{}, err
	}
	return Generator{}.Generate(compile(t, in), s)
}

// texts are the artefacts by name.
func texts(t testing.TB, in rule.Input, raw map[string][]string) map[string]string {
	t.Helper()
	out, err := generate(t, in, raw)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, a := range out.Artefacts {
		files[a.Name] = string(a.Data)
	}
	return files
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

func (e example) mode() string {
	if m := e.settings["mode"]; m != nil {
		return m[0]
	}
	return modeChains
}

// served is the input without grants of roles that the example's host does not play.
func (e example) served() rule.Input {
	in := e.in
	if e.settings["place"] == nil || e.settings["place"][0] != placeHost {
		return in
	}
	in.Grants = slices.DeleteFunc(slices.Clone(in.Grants), func(g rule.Grant) bool {
		return !slices.Contains(e.settings["roles"], string(g.Role))
	})
	return in
}
