package main

import (
	"cmp"
	"fmt"
	"slices"

	"gatewright/catalog/lint"
	"gatewright/catalog/rule"
	"gatewright/cmd/gatewright/internal/change"
	"gatewright/cmd/gatewright/internal/report"
	"gatewright/cmd/gatewright/internal/words"
	"gatewright/generators/expect"
)

// addShortfalls notes what the outputs cannot say and what lint finds. With --strict
// the first fails, with a base what it did not have of either, and lint where the site
// says so.
func (inv *invocation) addShortfalls(p *production) error {
	known := map[string]bool{}
	if inv.base != "" {
		if err := inv.readBase(p, known); err != nil {
			return err
		}
	}
	level := func(strict bool) string {
		if strict || inv.base != "" {
			return report.LevelError
		}
		return report.LevelWarning
	}
	for _, s := range p.shortfalls() {
		if inv.base == "" || unknown(p.keys(s), known) {
			inv.find(report.Finding{Check: report.CheckCoverage, Level: level(inv.strict), Text: s.text}.At(s.place))
		}
	}
	found, err := p.lints(inv)
	if err != nil {
		return err
	}
	for _, f := range found {
		if inv.base == "" || unknown(lintKeys(f), known) {
			inv.find(report.Finding{Check: report.CheckLint, Level: level(p.site.Lint == report.LevelError), Text: lintText(f), Details: []string{f.Do}}.At(p.site.PlaceOfEntry(f.Entry)))
		}
	}
	return nil
}

func lintText(f lint.Finding) string {
	text := fmt.Sprintf("%s: %s: %s", f.Entry, f.Kind, f.Why)
	if len(f.Endpoints) > 0 {
		text += ": " + words.Endpoints(f.Endpoints)
	}
	return text
}

// lintKeys tell a finding from others of the same entry: one for each endpoint.
func lintKeys(f lint.Finding) (keys []string) {
	of := fmt.Sprintf("%s %s %q", f.Entry, f.Kind, f.Others)
	for _, endpoint := range f.Endpoints {
		keys = append(keys, of+" "+endpoint)
	}
	if keys == nil {
		keys = []string{of}
	}
	return keys
}

// lints is what lint finds, unless the site wants none of it or nothing would be told.
func (p *production) lints(inv *invocation) ([]lint.Finding, error) {
	if p.site.Lint == "off" || p.site.Lint != report.LevelError && inv.format == "text" && inv.base == "" {
		return nil, nil
	}
	removals, err := p.site.Removals(inv.site.catalogDir(p.siteDir))
	if err != nil {
		return nil, err
	}
	return findings(p.result, removals)
}

// tellGoneOutputs tells of the base's outputs that the site has no more, whose
// expectations nobody asks.
func (inv *invocation) tellGoneOutputs() error {
	s, dir, err := inv.site.read()
	if err != nil || len(s.Outputs) == 0 {
		return err
	}
	old := inv.site
	there, err := inv.openBase(&production{siteFile: cmp.Or(inv.site.file, defaultSite), siteDir: dir}, &old)
	if err != nil || !there {
		return err // and told for each output
	}
	base, baseDir, err := old.read()
	if err != nil {
		return fmt.Errorf("--new %s: %w", inv.base, err)
	}
	for _, one := range base.Outputs {
		if slices.Contains(s.OutputNames(), one.Name) {
			continue
		}
		one.Tree = old.tree
		if err := one.LoadExpectations(baseDir); err != nil {
			return fmt.Errorf("--new %s: %w", inv.base, err)
		}
		inv.find(report.Finding{Check: report.CheckFlows, Level: report.LevelWarning, Text: fmt.Sprintf("%s has an output %s, which is removed here together with %s", inv.base, one.Name, words.Count(len(one.Expectations), "expectation"))})
	}
	return nil
}

// tellChanged tells what the site newly accepts and no longer, beside the base: what no
// expectation names is seen by whoever reviews it.
func (inv *invocation) tellChanged(base, p *production) error {
	r, err := compareSites(compared{change.Compared{Name: inv.base, Result: base.result, Routed: pacRoles(base.site)}, base.site}, compared{change.Compared{Name: p.siteFile, Result: p.result, Routed: pacRoles(p.site)}, p.site})
	if err != nil || r.Same() {
		return err
	}
	inv.find(report.Finding{Check: report.CheckChange, Level: report.LevelNotice, Text: report.Headline(r), Details: report.Lines(r)})
	return nil
}

// tellGivenUp tells of expectations of the base that the site has no more, and that do
// not hold any more.
func (inv *invocation) tellGivenUp(base, p *production) {
	k := expect.Asker{Compiled: rule.Compiled{Policy: p.result.Policy, Grants: p.result.Input.Grants}}
	for i, e := range base.result.Expectations {
		if slices.ContainsFunc(p.site.Expectations, base.site.Expectations[i].Equal) {
			continue
		}
		e.In = nil // the policy tells
		answers, err := k.Ask(e)
		given := report.Expected{Expectation: e, Answers: answers}
		tell := func(why string) {
			inv.find(report.Finding{Check: report.CheckFlows, Level: report.LevelWarning, Text: fmt.Sprintf("%s expects %s, which is not expected here any more: %s", inv.base, given.Name(), why)})
		}
		if err != nil {
			tell(err.Error())
		}
		for _, a := range answers {
			if !a.Holds {
				why, _ := report.Expectations{Result: p.result}.Failure(given, a)
				tell(why)
			}
		}
	}
}
