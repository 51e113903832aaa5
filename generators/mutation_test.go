package generators

import (
	"bytes"
	"testing"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	"gatewright/generators/iptables"
	"gatewright/generators/nftables"
)

// mutate returns the output with old replaced by new in every artefact, and fails if
// there is no old.
func mutate(t *testing.T, out artefact.Output, old, new string) artefact.Output {
	t.Helper()
	changed := false
	mutant := artefact.Output{Coverage: out.Coverage}
	for _, a := range out.Artefacts {
		data := bytes.ReplaceAll(a.Data, []byte(old), []byte(new))
		changed = changed || !bytes.Equal(data, a.Data)
		a.Data = data
		mutant.Artefacts = append(mutant.Artefacts, a)
	}
	if !changed {
		t.Fatalf("no artefact holds %q", old)
	}
	return mutant
}

// named returns a case of the corpus, compiled.
func named(t *testing.T, name string) *rule.Policy {
	t.Helper()
	for _, c := range corpus(t) {
		if c.name == name {
			return c.compile(t)
		}
	}
	t.Fatalf("no case %s", name)
	return nil
}

func filterSettingNamed(t *testing.T, generator Generator, name string, p *rule.Policy) filterSetting {
	t.Helper()
	for _, s := range filterSettings(generator, p) {
		if s.name == name {
			return s
		}
	}
	t.Fatalf("%s has no setting %s", generator.Name(), name)
	return filterSetting{}
}

// noticed holds that a broken artefact is seen.
func noticed(t *testing.T, by string, complaints []string) {
	t.Helper()
	if len(complaints) == 0 {
		t.Errorf("%s do not notice the change", by)
	}
}

// Changes of one prefix that make a packet filter accept less or more.
func prefixMutations() map[string]string {
	return map[string]string{"narrower": "52.112.0.0/15", "wider": "52.112.0.0/13"}
}

// TestBrokenPacketFiltersAreNoticed holds that the tests of the packet filters can
// fail: one prefix of an artefact is changed.
func TestBrokenPacketFiltersAreNoticed(t *testing.T) {
	p := named(t, "row-10-screen-sharing")
	for name, prefix := range prefixMutations() {
		t.Run(name, func(t *testing.T) {
			s := filterSettingNamed(t, nftables.Generator{}, "default", p)
			out := mutate(t, generate(t, nftables.Generator{}, p, s.setting), "52.112.0.0/14", prefix)
			g := gateway(t, s.site)
			loadTwice(t, func() error { return g.LoadNFT(out.Artefacts[0].Data) })
			noticed(t, "nftables' sets", nftDifferences(t, g, p, s))
			noticed(t, "nftables' packets", packetDifferences(t, g, p, s, out.Coverage))
			for _, form := range []string{"default", "no-ipset"} {
				s := filterSettingNamed(t, iptables.Generator{}, form, p)
				out := mutate(t, generate(t, iptables.Generator{}, p, s.setting), "52.112.0.0/14", prefix)
				g := gateway(t, s.site)
				loadTwice(t, func() error { return g.LoadIptables(engine.IptablesNFT, out.Artefacts) })
				noticed(t, "iptables' sets, "+form, iptablesDifferences(t, g, p, s, engine.IptablesNFT))
				noticed(t, "iptables' packets, "+form, packetDifferences(t, g, p, s, out.Coverage))
			}
		})
	}
}

// TestWrongPortIsNoticed changes the published port of a rule.
func TestWrongPortIsNoticed(t *testing.T) {
	p := named(t, "published")
	s := filterSettingNamed(t, nftables.Generator{}, "default", p)
	out := mutate(t, generate(t, nftables.Generator{}, p, s.setting), "ct original proto-dst", "th dport")
	g := gateway(t, s.site)
	loadTwice(t, func() error { return g.LoadNFT(out.Artefacts[0].Data) })
	noticed(t, "packets to published ports", packetDifferences(t, g, p, s, out.Coverage))
}

// TestWrongWitnessIsNoticed turns the answer of a witness around.
func TestWrongWitnessIsNoticed(t *testing.T) {
	p := named(t, "remote-of-every-part")
	s := filterSettingNamed(t, nftables.Generator{}, "default", p)
	out := generate(t, nftables.Generator{}, p, s.setting)
	g := gateway(t, s.site)
	loadTwice(t, func() error { return g.LoadNFT(out.Artefacts[0].Data) })
	turned := false
	for i, c := range out.Coverage {
		for j := range c.Witnesses {
			out.Coverage[i].Witnesses[j].Backend = !c.Witnesses[j].Backend
			turned = true
		}
	}
	if !turned {
		t.Fatal("the case has no witness")
	}
	noticed(t, "witnesses", packetDifferences(t, g, p, s, out.Coverage))
}
