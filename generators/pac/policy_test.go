package pac

import (
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// grant takes remotes as prefixes, patterns, or the word any.
func grant(t testing.TB, id string, role rule.Role, route int, services string, remotes ...string) rule.Grant {
	t.Helper()
	g := rule.Grant{
		Entry:     rule.Entry{ID: id, Title: "Title of " + id},
		Group:     id,
		Direction: rule.Outbound,
		Role:      role,
		Services:  parseServices(t, services),
		Route:     route,
	}
	var addresses []string
	for _, r := range remotes {
		switch {
		case r == "any":
			g.Any = true
		case strings.ContainsAny(r, ":/") || strings.Trim(r, "0123456789.") == "":
			addresses = append(addresses, r)
		default:
			g.Names = append(g.Names, pattern(t, r))
		}
	}
	g.Prefixes = prefixes(t, addresses...)
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

// bindings has two roles of both families.
func bindings(t testing.TB) []rule.Binding {
	return []rule.Binding{
		{Role: "clients", Addresses: prefixes(t, "10.0.0.0/8", "fd00::/8")},
		{Role: "exchange", Addresses: prefixes(t, "192.168.7.5", "fd00:7::5")},
	}
}

// settings reads "option=value" pairs.
func settings(pairs ...string) map[string][]string {
	raw := map[string][]string{}
	for _, pair := range pairs {
		option, value, _ := strings.Cut(pair, "=")
		raw[option] = append(raw[option], value)
	}
	return raw
}

func generate(t testing.TB, p *rule.Policy, raw map[string][]string) (artefact.Output, error) {
	t.Helper()
	s, err := artefact.Configure(Generator{}.Options(), raw)
	if err != nil {
		return artefact.Output{}, err
	}
	return Generator{}.Generate(p, s)
}

// text is the one artefact of an output.
func text(t testing.TB, p *rule.Policy, raw map[string][]string) []byte {
	t.Helper()
	out, err := generate(t, p, raw)
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Artefacts) != 1 {
		t.Fatalf("%d artefacts; want 1", len(out.Artefacts))
	}
	return out.Artefacts[0].Data
}

// reversed is the same input in another order, except that of the routes.
func reversed(in rule.Input) rule.Input {
	in.Grants, in.Bindings = slices.Clone(in.Grants), slices.Clone(in.Bindings)
	in.Open, in.Sources = slices.Clone(in.Open), slices.Clone(in.Sources)
	slices.Reverse(in.Grants)
	slices.Reverse(in.Bindings)
	slices.Reverse(in.Open)
	slices.Reverse(in.Sources)
	return in
}
