package squid

import (
	"testing"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/artefact/artefacttest"
)

// verdicts returns the verdict of each entry's rule.
func verdicts(t *testing.T, p *rule.Policy, place string) map[string]artefact.Coverage {
	t.Helper()
	out := generate(t, p, artefacttest.Settings("place="+place))
	if len(out.Coverage) != len(p.Rules)+len(p.TrustedSites) {
		t.Fatalf("%d lines of coverage for %d rules and %d trusted sites", len(out.Coverage), len(p.Rules), len(p.TrustedSites))
	}
	got := map[string]artefact.Coverage{}
	for i, c := range out.Coverage {
		if i < len(p.Rules) && c.Rule != p.Rules[i].ID {
			t.Errorf("line %d is on %s; want %s", i, c.Rule, p.Rules[i].ID)
		}
		for _, e := range c.Entries {
			got[e] = c
		}
	}
	return got
}

func TestCoverage(t *testing.T) {
	p := ruletest.Compile(t, siteInput(t))
	for place, want := range map[string]map[string]artefact.Verdict{
		placeFirst: {
			"sample/sharing":  artefact.Narrower,
			"sample/wizard":   artefact.Exact,
			"sample/mixed":    artefact.Exact,
			"sample/loose":    artefact.Exact,
			"sample/anywhere": artefact.Exact,
			"sample/media":    artefact.NotApplicable,
			"sample/inbound":  artefact.NotApplicable,
			"sample/zone":     artefact.NotApplicable,
		},
		placeConfD: {
			"sample/sharing":  artefact.Narrower,
			"sample/wizard":   artefact.Narrower,
			"sample/mixed":    artefact.Exact,
			"sample/loose":    artefact.Exact,
			"sample/anywhere": artefact.Narrower,
			"sample/media":    artefact.NotApplicable,
			"sample/inbound":  artefact.NotApplicable,
			"sample/zone":     artefact.NotApplicable,
		},
	} {
		got := verdicts(t, p, place)
		for entry, verdict := range want {
			c := got[entry]
			if c.Verdict != verdict {
				t.Errorf("place %s: %s is %s; want %s", place, entry, c.Verdict, verdict)
			}
			artefacttest.CheckCoverage(t, c)
			for _, w := range c.Witnesses {
				if p.Decide(w.Flow).Accept() == w.Backend {
					t.Errorf("place %s: %s: the model agrees with the backend on %+v", place, entry, w)
				}
			}
		}
	}
}

// TestPortsThatDebianRefuses holds which ports make a rule narrower in conf.d.
func TestPortsThatDebianRefuses(t *testing.T) {
	for services, want := range map[string]uint16{
		"tcp 443":             0,
		"tcp 443; udp 80":     0,
		"tcp 80,443":          80,
		"tcp 443-444":         444,
		"tcp 442-443":         442,
		"tcp 443,50000-50010": 50000,
		"tcp 1-65535":         1,
	} {
		for _, remote := range []string{"www.example.com", "*.example.com", "192.0.2.0/24", "2001:db8:5::/48", "any"} {
			in := rule.Input{
				Bindings: []rule.Binding{{Role: "clients", Addresses: ruletest.Prefixes(t, "fd00::/8")}},
				Grants:   []rule.Grant{ruletest.Grant(t, "sample/one", "", rule.Outbound, "clients", services, remote)},
			}
			p := ruletest.Compile(t, in)
			port, _ := refusedPort(&p.Rules[0])
			if port != want {
				t.Errorf("%s: refused port %d; want %d", services, port, want)
			}
			if port != 0 && !p.Decide(flowTo(p, &p.Rules[0], port)).Accept() {
				t.Errorf("%s to %s: the model does not accept %+v", services, remote, flowTo(p, &p.Rules[0], port))
			}
		}
	}
}
