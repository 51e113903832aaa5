// Package ruletest makes inputs and policies for tests of what renders them. What
// cannot be read or compiled ends the test.
package ruletest

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// Grant takes services as netset.ParseServices does, and each remote as a prefix,
// an address, a pattern, or the word any. Row and title of its entry are not empty.
func Grant(t testing.TB, id, group string, d rule.Direction, role rule.Role, services string, remotes ...string) rule.Grant {
	t.Helper()
	g := rule.Grant{
		Entry:     rule.Entry{ID: id, Row: "7", Title: "Title of " + id},
		Group:     group,
		Direction: d,
		Role:      role,
		Services:  Services(t, services),
		Route:     rule.NoRoute,
	}
	var addresses []string
	for _, r := range remotes {
		switch {
		case r == "any":
			g.Any = true
		case strings.ContainsAny(r, ":/") || strings.Trim(r, "0123456789.") == "":
			addresses = append(addresses, r)
		default:
			g.Names = append(g.Names, Pattern(t, r))
		}
	}
	g.Prefixes = Prefixes(t, addresses...)
	return g
}

// Prefixes reads prefixes and addresses.
func Prefixes(t testing.TB, texts ...string) netset.PrefixSet {
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

// Pattern reads a name or a wildcard.
func Pattern(t testing.TB, text string) netset.Pattern {
	t.Helper()
	p, err := netset.ParsePattern(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Services reads services such as "tcp 80,443; udp 3478-3481".
func Services(t testing.TB, text string) netset.ServiceSet {
	t.Helper()
	s, err := netset.ParseServices(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Compile is rule.Compile.
func Compile(t testing.TB, in rule.Input) *rule.Policy {
	t.Helper()
	p, err := rule.Compile(in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Reversed is the same input in another order: everything but the routes, whose
// order has a meaning. It shares nothing with in that can be changed.
func Reversed(in rule.Input) rule.Input {
	in.Sources = backward(in.Sources)
	in.Bindings = backward(in.Bindings)
	in.Grants = backward(in.Grants)
	in.TrustedSites = backward(in.TrustedSites)
	in.Open = backward(in.Open)
	return in
}

func backward[T any](s []T) []T {
	s = slices.Clone(s)
	slices.Reverse(s)
	return s
}

// Site has every shape of rule that a packet filter tells apart: both directions
// and families, prefixes, single addresses, any remote, names alone and with
// prefixes, published and direct addresses, port ranges; a role without rules, a
// trusted site, and an open item.
func Site(t testing.TB) rule.Input {
	t.Helper()
	return rule.Input{
		Sources: []rule.Source{{Name: "sample", Version: "2025-01-08", Digest: "sha256:0123"}},
		Bindings: []rule.Binding{
			{Role: "clients", Addresses: Prefixes(t, "10.0.0.0/8", "fc00::/7")},
			{Role: "sts", Addresses: Prefixes(t, "192.168.7.5", "fd00:7::5"), Published: Prefixes(t, "192.168.7.6", "fd00:7:1::/64")},
			{Role: "sbc", Addresses: Prefixes(t, "192.168.8.0/30")},
			{Role: "resolver", Addresses: Prefixes(t, "192.168.9.53", "fd00:9::53")},
		},
		Grants: []rule.Grant{
			Grant(t, "sample/screen-sharing", "skype", rule.Outbound, "clients", "tcp 443", "52.112.0.0/14", "2603:1063::/38"),
			Grant(t, "sample/media", "skype", rule.Outbound, "clients", "tcp 443; udp 3478-3481,50000-59999", "13.107.64.0/18", "224.0.0.0/3", "8000::/1"),
			Grant(t, "sample/probe", "", rule.Outbound, "clients", "tcp 1-65535", "192.0.2.1", "192.0.2.9", "2001:db8::9"),
			Grant(t, "sample/wizard", "exchange", rule.Outbound, "clients", "tcp 80,443", "domains.live.com"),
			Grant(t, "sample/mixed", "exchange", rule.Outbound, "clients", "tcp 443", "203.0.113.0/28", "*.mixed.example.com"),
			Grant(t, "sample/loose", "exchange", rule.Outbound, "clients", "tcp 443", "loose.example.com"),
			Grant(t, "sample/sts", "identity", rule.Inbound, "sts", "tcp 443,49443", "104.211.54.99", "104.211.54.134", "2603:1006::/40"),
			Grant(t, "sample/everyone", "identity", rule.Inbound, "sts", "tcp 8080", "any"),
			Grant(t, "sample/sbc", "voice", rule.Inbound, "sbc", "udp 5060-5061; tcp 5061", "52.112.0.0/14", "2603:1063::/38"),
			Grant(t, "sample/six", "voice", rule.Outbound, "sbc", "tcp 443", "2603:1063::/38"),
		},
		TrustedSites: []rule.TrustedSite{{Entry: rule.Entry{ID: "sample/zone"}, Names: netset.NameSetOf(Pattern(t, "*.example.com"))}},
		Open:         []rule.Open{{Entry: rule.Entry{ID: "sample/pstn"}, Missing: rule.MissingRemote, Why: "published elsewhere"}},
	}
}

// Hostile has, for each text, a source, a rule of clients to the remote and an open
// item, with the text in every place that may hold any text.
func Hostile(t testing.TB, remote string, texts ...string) rule.Input {
	t.Helper()
	in := rule.Input{Bindings: []rule.Binding{{Role: "clients", Addresses: Prefixes(t, "10.0.0.0/8")}}}
	for i, text := range texts {
		id := "sample/" + string(rune('a'+i))
		g := Grant(t, id, id, rule.Outbound, "clients", "tcp 443", remote)
		g.Entry.Title, g.Entry.Row, g.Entry.Condition = text, text, text
		in.Grants = append(in.Grants, g)
		in.Sources = append(in.Sources, rule.Source{Name: id, Version: text, Digest: text})
		in.Open = append(in.Open, rule.Open{Entry: rule.Entry{ID: id}, Missing: rule.MissingValue, Endpoint: text, Why: text})
	}
	return in
}

// Titled has one rule of clients, and the text in every place of an input that may
// hold any text.
func Titled(t testing.TB, text, services string, remotes ...string) rule.Input {
	t.Helper()
	g := Grant(t, "sample/a", "sample", rule.Outbound, "clients", services, remotes...)
	g.Entry.Title, g.Entry.Row, g.Entry.Condition = text, text, text
	return rule.Input{
		Sources:  []rule.Source{{Name: text, Version: text, Digest: text}},
		Bindings: []rule.Binding{{Role: "clients", Addresses: Prefixes(t, "10.0.0.0/8", "fc00::/7")}},
		Grants:   []rule.Grant{g},
		Open:     []rule.Open{{Entry: g.Entry, Missing: rule.MissingPath, Endpoint: text, Why: text}},
	}
}

// Large is a policy of one rule with n IPv4 prefixes, no two of which can be
// joined, and one IPv6 prefix; n is at most 1,000,000.
func Large(t testing.TB, n int) *rule.Policy {
	t.Helper()
	var set netset.PrefixBuilder
	for i := range n {
		v := uint32(i) * 2
		set.Add(netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(v>>16) + 20, byte(v >> 8), byte(v), 0}), 24))
	}
	g := Grant(t, "sample/big", "", rule.Outbound, "clients", "tcp 443", "2001:db8::/32")
	g.Prefixes = set.Build().Union(g.Prefixes)
	return Compile(t, rule.Input{
		Bindings: []rule.Binding{{Role: "clients", Addresses: Prefixes(t, "10.0.0.0/8")}},
		Grants:   []rule.Grant{g},
	})
}
