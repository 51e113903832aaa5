package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/report"
	"gatewright/cmd/gatewright/internal/words"
	"gatewright/generators"
	"gatewright/generators/expect"
)

// checkExpected refuses expectations of outputs that do not exist, or that carry no
// flow of theirs.
func checkExpected(s *site.Site) (errs []error) {
	for i, e := range s.Expectations {
		for _, name := range e.In {
			g, err := generators.ByName(name)
			switch {
			case err != nil:
			case !slices.ContainsFunc(s.Siblings(), func(one *site.Site) bool { return makes(choose(one, nil), g) }):
				err = fmt.Errorf(`generator %s is not among the site's "generators"; add it there, or leave it out`, name)
			default:
				if err = expect.Carries(g.Kind(), e.Expectation); err != nil {
					err = fmt.Errorf("%s cannot carry any of these flows: %w", name, err)
				}
			}
			if err != nil {
				errs = append(errs, s.Errorf(site.SectionExpect, site.InName(i, name), "%w", err))
			}
		}
	}
	return errs
}

// ask asks every expectation of the site of the policy and of the files that are there.
func (p *production) ask(f folder) ([]report.Expected, error) {
	k := expect.Asker{Compiled: rule.Compiled{Policy: p.result.Policy, Grants: p.result.Input.Grants}, Outputs: p.readings(f)}
	var all []report.Expected
	var errs []error
	for i, e := range p.result.Expectations {
		number := strconv.Itoa(i)
		if p.isOfOthers(e) {
			continue
		}
		answers, err := k.Ask(e)
		if err != nil {
			errs = append(errs, p.site.Errorf(site.SectionExpect, number, "%w", err))
		}
		all = append(all, report.Expected{Expectation: e, Place: p.site.PlaceOf(site.SectionExpect, number), Answers: answers})
	}
	contradictions := k.Contradictions(p.result.Expectations)
	for _, i := range slices.Sorted(maps.Keys(contradictions)) {
		j := contradictions[i]
		other := p.site.PlaceOf(site.SectionExpect, strconv.Itoa(j))
		errs = append(errs, p.site.Errorf(site.SectionExpect, strconv.Itoa(i), "contradicts %q at %s:%d:%d: both cover the same flow; change one of the two", report.Expected{Expectation: p.result.Expectations[j]}.Name(), other.File, other.Line, other.Col))
	}
	return all, errors.Join(errs...)
}

// isOfOthers reports whether an expectation is of generators that other outputs of the
// site file have, and this one has not.
func (p *production) isOfOthers(e rule.Expectation) bool {
	here := choose(p.site, nil)
	return len(e.In) > 0 && !slices.ContainsFunc(e.In, func(name string) bool {
		return slices.ContainsFunc(here, func(g generators.Generator) bool { return g.Name() == name })
	})
}

// readings are what the outputs of a run do, by the files that are there.
func (p *production) readings(f folder) (outputs []expect.Output) {
	for _, o := range p.outputs {
		reading, err := f.of(o.Generator)
		if err == nil && len(reading.Read) == 0 {
			err = errors.New("its files are missing; run generate")
		}
		outputs = append(outputs, expect.Output{Name: o.Generator, Kind: o.Kind, Reading: reading, Unread: err})
	}
	return outputs
}

// tellExpected tells what does not hold, and how many expectations do.
func (inv *invocation) tellExpected(p *production, all []report.Expected) {
	held, promised := 0, 0
	x := report.Expectations{Result: p.result, Whole: inv.format == "json" || inv.format == "junit"}
	for _, e := range all {
		for _, f := range x.Findings(e) {
			inv.find(f)
		}
		if !e.Holds() {
			continue
		}
		held++
		inv.found.Held = append(inv.found.Held, inv.site.ofOutput(e.Name()))
		if slices.ContainsFunc(e.Answers, func(a expect.Answer) bool { return a.Promise }) {
			promised++
		}
	}
	if held > 0 && inv.format == "text" {
		text := words.Plural(held, "expectation holds", "expectations hold")
		if promised > 0 {
			text += fmt.Sprintf(", %d of them %s", promised, report.ByPromise)
		}
		inv.console.Sayf("%s", inv.site.ofOutput(text))
	}
}
