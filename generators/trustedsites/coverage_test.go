package trustedsites

import (
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/artefact/artefacttest"
)

func TestCoverage(t *testing.T) {
	p := ruletest.Compile(t, sitesInput(t))
	var listed netset.NameSet
	for _, s := range p.TrustedSites {
		listed = listed.Union(s.Names)
	}
	for whole, want := range map[string]map[string]artefact.Verdict{
		"no": {
			"sample/flow": artefact.NotApplicable, "sample/exact": artefact.Exact, "sample/both": artefact.Exact, "sample/other": artefact.Exact,
			"sample/domain": artefact.Absent, "sample/subdomains": artefact.Absent, "sample/below": artefact.Narrower,
			"sample/stars": artefact.Narrower, // sample/below trusts a.teams.example.net
			"sample/mixed": artefact.Narrower, "sample/suffix": artefact.Absent,
		},
		"yes": {
			"sample/flow": artefact.NotApplicable, "sample/exact": artefact.Exact, "sample/both": artefact.Exact, "sample/other": artefact.Exact,
			"sample/domain": artefact.Wider, "sample/subdomains": artefact.Wider, "sample/below": artefact.Narrower,
			"sample/stars": artefact.Narrower, // sample/below trusts a.teams.example.net
			"sample/mixed": artefact.Narrower, "sample/suffix": artefact.Absent,
		},
	} {
		out := generate(t, p, map[string][]string{"whole-domains": {whole}})
		m := read(t, out.Artefacts[0].Data)
		if len(out.Coverage) != len(p.Rules)+len(p.TrustedSites) || len(out.Coverage) != len(want) {
			t.Fatalf("%d lines of coverage", len(out.Coverage))
		}
		for i, c := range out.Coverage {
			if (c.Rule != "") != (i < len(p.Rules)) {
				t.Errorf("line %d is on rule %q", i, c.Rule)
			}
			if entry := c.Entries[0]; c.Verdict != want[entry] {
				t.Errorf("whole-domains=%s: %s is %s; want %s", whole, entry, c.Verdict, want[entry])
			}
			artefacttest.CheckCoverage(t, c)
			for _, w := range c.Witnesses {
				if m.Trusts(w.Flow.Name) != w.Backend || listed.Match(w.Flow.Name) == w.Backend {
					t.Errorf("%s: witness %+v is none", c.Entries[0], w)
				}
			}
		}
	}
}

// TestOneSampleProvesNothing holds that a name that one site lists does not stand for
// the whole of a pattern or domain of another.
func TestOneSampleProvesNothing(t *testing.T) {
	for _, c := range []struct {
		whole      string
		a, b       []string
		wantA      artefact.Verdict
		wantB      artefact.Verdict
		witnessesA int
	}{
		{"no", []string{"*-files.example.net"}, []string{"any-files.example.net"}, artefact.Narrower, artefact.Exact, 1},
		{"no", []string{"*.a.example.net"}, []string{"deeper.any.a.example.net"}, artefact.Narrower, artefact.Exact, 1},
		{"no", []string{"*-x.a.example.net"}, []string{"*.a.example.net"}, artefact.Exact, artefact.Narrower, 0},
		{"no", []string{"*-x.b.a.example.net"}, []string{"*.a.example.net"}, artefact.Absent, artefact.Narrower, 0},
		{"no", []string{"*.example.net"}, []string{"any.example.net", "deeper.any.example.net"}, artefact.Narrower, artefact.Exact, 1},
		{"yes", []string{"example.net"}, []string{"any.example.net", "deeper.any.example.net"}, artefact.Wider, artefact.Exact, 1},
		{"yes", []string{"example.net"}, []string{"a*.example.net", "*.any.example.net", "any.example.net"}, artefact.Wider, artefact.Exact, 1},
		{"yes", []string{"*-files.example.net"}, []string{"example.net", "*.example.net"}, artefact.Exact, artefact.Exact, 0},
	} {
		in := rule.Input{TrustedSites: []rule.TrustedSite{trusted(t, "a", c.a...), trusted(t, "b", c.b...)}}
		out := generate(t, ruletest.Compile(t, in), map[string][]string{"whole-domains": {c.whole}})
		m := read(t, out.Artefacts[0].Data)
		a, b := out.Coverage[0], out.Coverage[1]
		if a.Verdict != c.wantA || b.Verdict != c.wantB || len(a.Witnesses) != c.witnessesA {
			t.Errorf("%v beside %v: %s with %d witnesses, and %s; want %s with %d, and %s",
				c.a, c.b, a.Verdict, len(a.Witnesses), b.Verdict, c.wantA, c.witnessesA, c.wantB)
		}
		listed := in.TrustedSites[0].Names.Union(in.TrustedSites[1].Names)
		for _, line := range out.Coverage {
			artefacttest.CheckCoverage(t, line)
			for _, w := range line.Witnesses {
				if m.Trusts(w.Flow.Name) != w.Backend || listed.Match(w.Flow.Name) == w.Backend {
					t.Errorf("%v beside %v: witness %+v is none", c.a, c.b, w)
				}
			}
		}
	}
}

// TestWiderKeepsBothWitnesses holds that a wider site tells what it lacks, too.
func TestWiderKeepsBothWitnesses(t *testing.T) {
	in := sitesInput(t)
	in.TrustedSites = in.TrustedSites[:0]
	in.TrustedSites = append(in.TrustedSites, trusted(t, "both-ways", "example.com", "*-x.example.net"))
	c := generate(t, ruletest.Compile(t, in), map[string][]string{"whole-domains": {"yes"}}).Coverage[1]
	if c.Verdict != artefact.Wider || len(c.Witnesses) != 2 || !c.Witnesses[0].Backend || c.Witnesses[1].Backend {
		t.Errorf("coverage is %+v", c)
	}
	const reason = "whole-domains=yes trusts a domain and all its subdomains, although only one of the two is listed; the zone map has no stars inside a name"
	const remedy = "set trusted-sites.whole-domains=no; answer with the names that are meant"
	if c.Reason != reason || c.Remedy != remedy {
		t.Errorf("reason %q, remedy %q", c.Reason, c.Remedy)
	}
}

// TestNothingUnlistedWithoutAsking holds that the file trusts no name that nobody
// lists, unless whole domains were asked for.
func TestNothingUnlistedWithoutAsking(t *testing.T) {
	p := ruletest.Compile(t, sitesInput(t))
	var listed netset.NameSet
	var hosts []string
	for _, s := range p.TrustedSites {
		listed = listed.Union(s.Names)
		for n := range s.Names.Patterns() {
			domain, _, _ := splitDomain(n.Example())
			for _, h := range []string{n.Example(), "any." + n.Example(), domain, "any." + domain, "a.b." + domain, "not" + domain} {
				if !strings.HasPrefix(h+".", ".") && h[len(h)-1] != '.' {
					hosts = append(hosts, h)
				}
			}
		}
	}
	m := read(t, generate(t, p, nil).Artefacts[0].Data)
	trusted := 0
	for _, h := range hosts {
		if m.Trusts(h) {
			trusted++
			if !listed.Match(h) {
				t.Errorf("%s is trusted, and nobody lists it", h)
			}
		}
	}
	if trusted < 10 {
		t.Errorf("only %d of %d hosts are trusted", trusted, len(hosts))
	}
}
