package generators

import (
	"testing"

	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	"gatewright/generators/trustedsites"
)

// trustedSitesSettings are the settings of the trusted-sites generator beside the
// default.
func trustedSitesSettings() []setting {
	return []setting{
		{"machine", map[string][]string{"hive": {"machine"}}},
		{"whole-domains", map[string][]string{"whole-domains": {"yes"}}},
	}
}

// TestTrustedSites reads every case's registry file back. No engine loads it here:
// what it trusts is compared with the policy by names at and around each pattern,
// as far as the coverage lets the two be equal.
func TestTrustedSites(t *testing.T) {
	for _, c := range corpus(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := c.compile(t)
			for _, s := range append(trustedSitesSettings(), setting{name: "default"}) {
				out := generate(t, trustedsites.Generator{}, p, s)
				zone, err := trustedsites.ReadBack(out.Artefacts[0].Data)
				if err != nil {
					t.Fatal(err)
				}
				verdicts := map[artefact.Verdict]bool{}
				for _, line := range out.Coverage {
					verdicts[line.Verdict] = true
					for _, w := range line.Witnesses {
						if zone.Trusts(w.Flow.Name) != w.Backend {
							t.Errorf("%s: the zone trusts %t: witness %s", s.name, !w.Backend, w.Flow.Name)
						}
					}
				}
				listed := trusted(p)
				for pattern := range listed.Patterns() {
					for _, name := range engine.BoundaryNames(pattern) {
						got, want := zone.Trusts(name), listed.Match(name)
						short := verdicts[artefact.Narrower] || verdicts[artefact.Absent] || verdicts[artefact.Wider]
						if got && !want && !verdicts[artefact.Wider] || want && !got && !short {
							t.Errorf("%s: the zone trusts %q: %t; the policy %t", s.name, name, got, want)
						}
					}
				}
			}
		})
	}
}
