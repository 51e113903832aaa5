package proof

import (
	"context"
	"fmt"
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	"gatewright/generators/trustedsites"
)

// TrustedSites reads the registry file among the artefacts back: no engine for it
// runs here. What it trusts of the names at and around each pattern has to be what
// the policy lists, but for what the generator's coverage says it cannot say.
func TrustedSites(_ context.Context, p *rule.Policy, s artefact.Settings, artefacts []artefact.Artefact) (Result, error) {
	out, err := trustedsites.Generator{}.Generate(p, s)
	if err != nil {
		return Result{}, err
	}
	r := Result{Generator: trustedsites.Generator{}.Name(), Engine: "our own reader of registry files"}
	r.Disagreements = textDifferences(out.Artefacts, artefacts, trustedsites.Generator{}.Comments())
	zone, err := trustedsites.Generator{}.Read(artefact.FilesOf(artefacts))
	if err != nil {
		r.Disagreements = append(r.Disagreements, Disagreement{"the file", "a registry file of trusted sites", err.Error()})
		return r, nil
	}
	own, err := trustedsites.Generator{}.Read(artefact.FilesOf(out.Artefacts))
	if err != nil {
		return Result{}, err
	}
	names := zoneNames(p)
	r.Asked, r.Compared = len(names), fmt.Sprintf("%d names", len(names))
	for _, name := range names {
		got, want := zone.Trusts(name), trusted(p, name)
		if got != want && (own.Trusts(name) != got || !excused(p, out.Coverage, name, got)) {
			r.Disagreements = append(r.Disagreements, Disagreement{name, trust(want), trust(got)})
		}
	}
	return r, nil
}

// zoneNames are the names at and around the patterns of the trusted sites.
func zoneNames(p *rule.Policy) []string {
	var names []string
	for _, t := range p.TrustedSites {
		for pattern := range t.Names.Patterns() {
			names = append(names, engine.BoundaryNames(pattern)...)
		}
	}
	return each(append(names, "unlisted.invalid"))
}

func trusted(p *rule.Policy, name string) bool {
	return slices.ContainsFunc(p.TrustedSites, func(t rule.TrustedSite) bool { return t.Names.Match(name) })
}

func trust(yes bool) string {
	if yes {
		return "trusted"
	}
	return "not trusted"
}

// excused reports whether the coverage has told of such a difference. A name that is
// listed and not trusted is of trusted sites that are all narrower, wider or absent;
// one that is trusted and not listed lies in a domain of a site that is wider.
func excused(p *rule.Policy, coverage []artefact.Coverage, name string, got bool) bool {
	lines := coverage[len(p.Rules):]
	told := false
	for i, t := range p.TrustedSites {
		v := lines[i].Verdict
		switch {
		case got:
			told = told || v == artefact.Wider && near(t.Names, name)
		case t.Names.Match(name):
			if v != artefact.Narrower && v != artefact.Wider && v != artefact.Absent {
				return false
			}
			told = true
		}
	}
	return told
}

// near reports whether the name is of the domain of a pattern in the set.
func near(set netset.NameSet, name string) bool {
	for pattern := range set.Patterns() {
		apex, ok := pattern.Subdomains()
		if !ok {
			apex = pattern.String()
		}
		below, err := netset.ParsePattern("*." + apex)
		if name == apex || err == nil && below.Match(name) {
			return true
		}
	}
	return false
}
