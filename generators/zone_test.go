package generators

import (
	"testing"

	"gatewright/generators/artefact"
	"gatewright/generators/proof"
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

// TestTrustedSites reads every case's registry file back.
func TestTrustedSites(t *testing.T) {
	for _, c := range corpus(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := c.compile(t)
			for _, s := range append(trustedSitesSettings(), setting{name: "default"}) {
				out := generate(t, trustedsites.Generator{}, p, s)
				r, err := proof.TrustedSites(t.Context(), p, s.settings(t, trustedsites.Generator{}), out.Artefacts)
				complain(t, proofComplaints(r, err))
				zone, err := trustedsites.Generator{}.Read(artefact.FilesOf(out.Artefacts))
				if err != nil {
					t.Fatal(err)
				}
				for _, line := range out.Coverage {
					for _, w := range line.Witnesses {
						if zone.Trusts(w.Flow.Name) != w.Backend {
							t.Errorf("%s: the zone trusts %t: witness %s", s.name, !w.Backend, w.Flow.Name)
						}
					}
				}
			}
		})
	}
}
