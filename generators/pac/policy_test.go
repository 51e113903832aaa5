package pac

import (
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
)

// grant is ruletest.Grant with its id as the group and without a row.
func grant(t testing.TB, id string, role rule.Role, route int, services string, remotes ...string) rule.Grant {
	t.Helper()
	g := ruletest.Grant(t, id, id, rule.Outbound, role, services, remotes...)
	g.Entry.Row, g.Route = "", route
	return g
}

// bindings has two roles of both families.
func bindings(t testing.TB) []rule.Binding {
	return []rule.Binding{
		{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/8", "fd00::/8")},
		{Role: "exchange", Addresses: ruletest.Prefixes(t, "192.168.7.5", "fd00:7::5")},
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
