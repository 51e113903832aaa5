package squid

import (
	"net/netip"
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
	squid, err := engine.StartSquid(t.Context(), generate(t, p, nil).Artefacts, "first")
	if err != nil {
		t.Fatal(err)
	}
	defer squid.Stop()
	matches := matcher(t, splitNames(netset.NameSetOf(grant.Names...)))
	var requests []engine.SquidRequest
	for _, pattern := range grant.Names {
		for _, name := range engine.BoundaryNames(pattern) {
			requests = append(requests, engine.SquidRequest{Flow: rule.Flow{
				Direction: rule.Outbound, Protocol: netset.TCP, Port: 443, Name: name,
				Local: netip.MustParseAddr("10.0.0.1"),
			}})
		}
	}
	got, err := squid.Ask(requests)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[engine.SquidAnswer]bool{}
	for i, r := range requests {
		seen[got[i]] = true
		if want := matches(r.Flow.Name); got[i] != (engine.SquidAnswer{Connect: want, Get: want}) {
			t.Errorf("Squid says of %q: %s; want allowed: %t", r.Flow.Name, got[i], want)
		}
	}
	if len(seen) != 2 {
		t.Errorf("Squid says %v; want both answers", seen)
	}
}
