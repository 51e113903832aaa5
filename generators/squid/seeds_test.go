package squid

import (
	"net/netip"
	"slices"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/engine"
)

// TestRealReaderOfSeeds holds that Squid itself takes the patterns that seed the fuzz
// target as its reader does.
func TestRealReaderOfSeeds(t *testing.T) {
	var patterns []string
	for _, s := range patternSeeds {
		patterns = append(patterns, s[0], s[1])
	}
	grant := ruletest.Grant(t, "test/seeds", "", rule.Outbound, "clients", "tcp 443", patterns...)
	p := ruletest.Compile(t, rule.Input{
		Bindings: []rule.Binding{{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/8")}},
		Grants:   []rule.Grant{grant},
	})
	squid, err := engine.StartSquid(t.Context(), generate(t, p, nil), "first")
	if err != nil {
		t.Fatal(err)
	}
	defer squid.Stop()
	matches := matcher(t, splitNames(netset.NameSetOf(grant.Names...)))
	var flows []rule.Flow
	for _, pattern := range grant.Names {
		for _, name := range engine.BoundaryNames(pattern) {
			flows = append(flows, rule.Flow{
				Direction: rule.Outbound, Protocol: netset.TCP, Port: 443, Name: name,
				Local: netip.MustParseAddr("10.0.0.1"),
			})
		}
	}
	got, err := squid.Asks(flows)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range flows {
		if got[i] != matches(f.Name) {
			t.Errorf("Squid matches %q: %t", f.Name, got[i])
		}
	}
	if !slices.Contains(got, true) || !slices.Contains(got, false) {
		t.Errorf("Squid answers %t %d times", got[0], len(got))
	}
}
