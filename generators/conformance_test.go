package generators

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// setting is one set of options under which a generator is tested. Every generator
// has the setting "default"; what it lacks elsewhere is in the lists of the tests
// that ask real engines.
type setting struct {
	name    string
	options map[string][]string
}

// settingsOf returns the settings under which a generator renders a policy.
func settingsOf(g Generator, p *rule.Policy) []setting {
	all := []setting{{name: "default"}}
	switch g.Kind() {
	case artefact.PacketFilter:
		for _, f := range filterSettings(g, p) {
			if f.name != "default" {
				all = append(all, f.setting)
			}
		}
	case artefact.ProxyChooser:
		all = append(all, pacSettings(p)...)
	case artefact.Proxy:
		all = append(all, squidSettings()...)
	case artefact.ZoneMap:
		all = append(all, trustedSitesSettings()...)
	}
	return slices.DeleteFunc(all, func(s setting) bool { return !takes(g, s) })
}

// takes reports whether a generator has the options of a setting, with these values.
func takes(g Generator, s setting) bool {
	_, err := artefact.Configure(g.Options(), s.options)
	return err == nil
}

// generate renders a policy, or fails the test.
func generate(t *testing.T, g Generator, p *rule.Policy, s setting) artefact.Output {
	t.Helper()
	options, err := artefact.Configure(g.Options(), s.options)
	if err != nil {
		t.Fatalf("%s %s: %v", g.Name(), s.name, err)
	}
	out, err := g.Generate(p, options)
	if err != nil {
		t.Fatalf("%s %s: %v", g.Name(), s.name, err)
	}
	return out
}

// generated calls f with every case, generator and setting.
func generated(t *testing.T, f func(t *testing.T, c corpusCase, g Generator, s setting, p *rule.Policy)) {
	for _, c := range corpus(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := c.compile(t)
			for _, g := range conforming() {
				for _, s := range settingsOf(g, p) {
					f(t, c, g, s, p)
				}
			}
		})
	}
}

func TestSameInputGivesSameBytes(t *testing.T) {
	generated(t, func(t *testing.T, c corpusCase, g Generator, s setting, p *rule.Policy) {
		want := text(generate(t, g, p, s))
		if text(generate(t, g, p, s)) != want {
			t.Errorf("%s %s: generated twice, the bytes differ", g.Name(), s.name)
		}
		if text(generate(t, g, c.shuffled().compile(t), s)) != want {
			t.Errorf("%s %s: the order of the input changes bytes", g.Name(), s.name)
		}
	})
}

func TestPolicyIsUnchanged(t *testing.T) {
	generated(t, func(t *testing.T, c corpusCase, g Generator, s setting, p *rule.Policy) {
		generate(t, g, p, s)
		if got, want := fmt.Sprintf("%+v", *p), fmt.Sprintf("%+v", *c.compile(t)); got != want {
			t.Errorf("%s %s: the policy has changed", g.Name(), s.name)
		}
	})
}

func TestArtefactsAreText(t *testing.T) {
	generated(t, func(t *testing.T, c corpusCase, g Generator, s setting, p *rule.Policy) {
		seen := map[string]bool{}
		for _, a := range generate(t, g, p, s).Artefacts {
			if seen[a.Name] {
				t.Errorf("%s %s: two artefacts are named %s", g.Name(), s.name, a.Name)
			}
			seen[a.Name] = true
			if !g.Makes(a.Name) {
				t.Errorf("%s %s: makes %s and says that it does not", g.Name(), s.name, a.Name)
			}
			for _, complaint := range textComplaints(a.Data) {
				t.Errorf("%s %s: %s %s", g.Name(), s.name, a.Name, complaint)
			}
		}
		if len(seen) == 0 {
			t.Errorf("%s %s: no artefact", g.Name(), s.name)
		}
	})
}

func TestMakesNothingElse(t *testing.T) {
	for _, g := range conforming() {
		for _, name := range []string{"", ".git/HEAD", "../gatewright.nft", "gatewright/../x.txt", "gatewright/a/b.txt", "gatewright", "gatewright.nft.sh", "sub/proxy.pac"} {
			if g.Makes(name) {
				t.Errorf("%s says that it makes %q", g.Name(), name)
			}
		}
	}
	if Makes("", "proxy.pac") || Makes("squid", "proxy.pac") || !Makes("pac", "proxy.pac") {
		t.Error("proxy.pac is the file of pac alone")
	}
}

// textComplaints holds that lines end all in LF or, where Windows wants it, all in
// CRLF, the last one too.
func textComplaints(data []byte) []string {
	var all []string
	if crlf := bytes.Count(data, []byte("\r\n")); crlf == bytes.Count(data, []byte("\n")) {
		data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	}
	if !bytes.HasSuffix(data, []byte("\n")) || bytes.HasSuffix(data, []byte("\n\n")) {
		all = append(all, "does not end in one line end")
	}
	for i, c := range data {
		if c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
			all = append(all, fmt.Sprintf("has the control character %#02x near offset %d", c, i))
			break
		}
	}
	return all
}

// TestCoverageIsComplete holds that each rule and each trusted site has a verdict,
// in order, with what the verdict owes.
func TestCoverageIsComplete(t *testing.T) {
	generated(t, func(t *testing.T, c corpusCase, g Generator, s setting, p *rule.Policy) {
		coverage := generate(t, g, p, s).Coverage
		if got, want := len(coverage), len(p.Rules)+len(p.TrustedSites); got != want {
			t.Fatalf("%s %s: %d lines of coverage; want %d", g.Name(), s.name, got, want)
		}
		for i, line := range coverage {
			id, entries := subject(p, i)
			if line.Rule != id || !slices.Equal(line.Entries, entries) {
				t.Errorf("%s %s: coverage %d is of %s %v; want %s %v", g.Name(), s.name, i, line.Rule, line.Entries, id, entries)
			}
			for _, complaint := range coverageComplaints(p, line) {
				t.Errorf("%s %s: coverage of %s %v: %s", g.Name(), s.name, id, entries, complaint)
			}
		}
	})
}

// subject returns the rule or trusted site that line i of a coverage is about.
func subject(p *rule.Policy, i int) (rule.ID, []string) {
	if i >= len(p.Rules) {
		return "", []string{p.TrustedSites[i-len(p.Rules)].Entry.ID}
	}
	var entries []string
	for _, e := range p.Rules[i].Entries {
		entries = append(entries, e.ID)
	}
	return p.Rules[i].ID, entries
}

func coverageComplaints(p *rule.Policy, c artefact.Coverage) []string {
	var all []string
	known := []artefact.Verdict{artefact.Exact, artefact.Narrower, artefact.Wider, artefact.NotApplicable, artefact.Absent}
	if !slices.Contains(known, c.Verdict) {
		all = append(all, fmt.Sprintf("unknown verdict %q", c.Verdict))
	}
	short := c.Verdict == artefact.Narrower || c.Verdict == artefact.Wider
	if short != (len(c.Witnesses) > 0) {
		all = append(all, fmt.Sprintf("verdict %q with %d witnesses", c.Verdict, len(c.Witnesses)))
	}
	if (c.Verdict == artefact.Exact) != (c.Reason == "") {
		all = append(all, fmt.Sprintf("verdict %q with reason %q", c.Verdict, c.Reason))
	}
	if (short || c.Verdict == artefact.Absent) != (c.Remedy != "") {
		all = append(all, fmt.Sprintf("verdict %q with remedy %q", c.Verdict, c.Remedy))
	}
	for _, w := range c.Witnesses {
		if accepts(p, c, w.Flow) == w.Backend {
			all = append(all, fmt.Sprintf("the model agrees with the backend on witness %+v", w.Flow))
		}
	}
	return all
}

// accepts is the model's answer for a witness: for a rule whether the flow is
// accepted, for a trusted site whether its name is listed.
func accepts(p *rule.Policy, c artefact.Coverage, f rule.Flow) bool {
	if c.Rule != "" {
		return p.Decide(f).Accept()
	}
	return trusted(p).Match(f.Name)
}

// trusted returns the names of all trusted sites.
func trusted(p *rule.Policy) netset.NameSet {
	var names netset.NameSet
	for _, t := range p.TrustedSites {
		names = names.Union(t.Names)
	}
	return names
}

// TestGeneratorsAreListedOnce holds names and options that users type.
func TestGeneratorsAreListedOnce(t *testing.T) {
	names := map[string]bool{}
	for _, g := range All() {
		if names[g.Name()] {
			t.Errorf("generator %s is listed twice", g.Name())
		}
		names[g.Name()] = true
		found, err := ByName(g.Name())
		if err != nil || found != g {
			t.Errorf("ByName(%q) is %v, %v", g.Name(), found, err)
		}
		if g.Description() == "" {
			t.Errorf("generator %s has no description", g.Name())
		}
		options := map[string]bool{}
		for _, o := range g.Options() {
			if options[o.Name] || o.Doc == "" {
				t.Errorf("%s: option %s exists twice or has no documentation", g.Name(), o.Name)
			}
			options[o.Name] = true
		}
	}
	if _, err := ByName("none"); err == nil {
		t.Errorf("ByName finds a generator that is none of %v", slices.Sorted(maps.Keys(names)))
	}
}
