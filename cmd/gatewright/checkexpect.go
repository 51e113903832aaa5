package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/words"
	"gatewright/generators"
	"gatewright/generators/artefact"
	"gatewright/generators/expect"
)

// checkExpected refuses expectations of outputs that do not exist, or that carry no flow
// of theirs.
func checkExpected(s *site.Site) (errs []error) {
	for i, e := range s.Expectations {
		for _, name := range e.In {
			g, err := generators.ByName(name)
			switch {
			case err != nil:
			case !slices.ContainsFunc(s.Siblings(), func(one *site.Site) bool { return made(choose(one, nil), g) }):
				err = fmt.Errorf(`generator %s is not among the site's "generators"; add it there, or leave it out`, name)
			default:
				if err = expect.Carries(g.Kind(), e.Expectation); err != nil {
					err = fmt.Errorf("%s carries none of these flows: %w", name, err)
				}
			}
			if err != nil {
				errs = append(errs, s.Errorf(site.SectionExpect, site.InName(i, name), "%w", err))
			}
		}
	}
	return errs
}

// expectation is one that was asked.
type expectation struct {
	rule.Expectation
	place   site.Place
	answers []expect.Answer
}

// holds reports whether nothing contradicts the expectation.
func (e expectation) holds() bool {
	return !slices.ContainsFunc(e.answers, func(a expect.Answer) bool { return !a.Holds })
}

func (e expectation) name() string { return fmt.Sprintf("%s %s", e.Expects, e.Flows) }

// ask asks every expectation of the site of the policy and of the files that are there.
func (p *production) ask(f folder) ([]expectation, error) {
	k := expect.Asker{Compiled: rule.Compiled{Policy: p.result.Policy, Grants: p.result.Input.Grants}, Outputs: p.readings(f)}
	var all []expectation
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
		all = append(all, expectation{e, p.site.PlaceOf(site.SectionExpect, number), answers})
	}
	contradictions := k.Contradictions(p.result.Expectations)
	for _, i := range slices.Sorted(maps.Keys(contradictions)) {
		j := contradictions[i]
		other := p.site.PlaceOf(site.SectionExpect, strconv.Itoa(j))
		errs = append(errs, p.site.Errorf(site.SectionExpect, strconv.Itoa(i), "contradicts %q at %s:%d:%d: both are of some same flow; change one of the two", expectation{Expectation: p.result.Expectations[j]}.name(), other.File, other.Line, other.Col))
	}
	return all, errors.Join(errs...)
}

// isOfOthers reports whether an expectation is of generators that other outputs of the site
// file have, and this one has not.
func (p *production) isOfOthers(e rule.Expectation) bool {
	here := choose(p.site, nil)
	return len(e.In) > 0 && !slices.ContainsFunc(e.In, func(name string) bool {
		return slices.ContainsFunc(here, func(g generators.Generator) bool { return g.Name() == name })
	})
}

// readings are what the outputs of a run do, by the files that are there.
func (p *production) readings(f folder) (outputs []expect.Output) {
	for _, o := range p.outputs {
		g, err := generators.ByName(o.Generator)
		if err != nil {
			continue
		}
		reading, err := f.of(o.Generator)
		if err == nil && len(reading.Read) == 0 {
			err = errors.New("its files are missing; run generate")
		}
		outputs = append(outputs, expect.Output{Name: o.Generator, Kind: g.Kind(), Reading: reading, Unread: err})
	}
	return outputs
}

// tellExpected tells what does not hold, and how many expectations do.
func (inv *invocation) tellExpected(p *production, all []expectation) {
	held, promised := 0, 0
	for _, e := range all {
		inv.tellHidden(p, e)
		if e.holds() {
			held++
			inv.held = append(inv.held, inv.site.ofOutput(e.name()))
			if slices.ContainsFunc(e.answers, func(a expect.Answer) bool { return a.Promise }) {
				promised++
			}
			continue
		}
		inv.tellFailures(p, e)
	}
	if held > 0 && inv.format == "text" {
		text := words.Count(held, "expectation") + map[bool]string{true: " holds", false: " hold"}[held == 1]
		if promised > 0 {
			text += fmt.Sprintf(", %d of them %s", promised, byPromise)
		}
		inv.console.Sayf("%s", inv.site.ofOutput(text))
	}
}

// tellHidden tells of a closed world what packet filters cannot see.
func (inv *invocation) tellHidden(p *production, e expectation) {
	var outputs, rules []string
	for _, a := range e.answers {
		if len(a.Hidden) > 0 {
			outputs = append(outputs, a.At)
		}
		for _, id := range a.Hidden {
			if line := "rule " + string(id) + p.entriesOf(id); !slices.Contains(rules, line) {
				rules = append(rules, line)
			}
		}
	}
	if len(rules) > 0 {
		text := fmt.Sprintf("%s: at %s names without addresses are not seen: what they lead to is not known there", e.name(), strings.Join(outputs, ", "))
		inv.find(finding{Check: checkFlows, Level: levelWarning, Text: text, Details: rules}.at(e.place))
	}
}

// tellFailures tells of an expectation what contradicts it at the first place, and at which
// others.
func (inv *invocation) tellFailures(p *production, e expectation) {
	f := finding{Check: checkFlows, Level: levelError, Name: e.name()}.at(e.place)
	var others []string
	for _, a := range e.answers {
		if a.Holds {
			continue
		}
		text, more := p.failure(e, a, inv.listed)
		if a.Promise && a.Unread == nil {
			text += " (" + byPromise + ")"
		}
		if f.Text == "" {
			f.Text, f.Details = e.name()+": "+text, more
			continue
		}
		others = append(others, a.At)
		f.Also = append(append(f.Also, text), more...)
	}
	if len(others) > 0 {
		f.Text += "; it fails at " + strings.Join(others, ", ") + ", too"
	}
	inv.find(f)
}

// byPromise marks what is decided by what publishers promise of their names.
const byPromise = "by the publisher's promise that names lead to their entry's addresses"

// failure tells why an expectation does not hold at one place, and what more there is of a
// closed world.
func (p *production) failure(e expectation, a expect.Answer, listed func([]string) string) (text string, more []string) {
	at := a.At
	switch {
	case a.Unread != nil:
		return fmt.Sprintf("at %s it is not known: %v", at, a.Unread), nil
	case e.Expects == rule.ExpectOnly:
		more = p.elseLines(a, listed)
		return fmt.Sprintf("at %s other remotes pass by %s: for example %s%s", at, words.Count(len(more), "rule"), a.Flow, p.ofEntries(a.Flow)), more
	case e.RoutesRequests():
		return fmt.Sprintf("at %s %s goes %s%s", at, a.Flow, wayText(a.Via), p.ofEntries(a.Flow)), nil
	case e.Expects == rule.ExpectAllow:
		return fmt.Sprintf("at %s %s does not pass: %s", at, a.Flow, p.refusal(a)), nil
	}
	return fmt.Sprintf("at %s %s passes by %s", at, a.Flow, p.passing(a)), nil
}

func wayText(v rule.Via) string {
	switch v {
	case rule.Direct:
		return "direct"
	case rule.Proxied:
		return "by proxy"
	}
	return "by " + string(v)
}

// passing names the rules and entries by which a flow passes.
func (p *production) passing(a expect.Answer) string {
	var by []string
	for _, id := range a.Rules {
		by = append(by, "rule "+string(id))
	}
	text := strings.Join(append(by, a.Labels...), ", ")
	if entries := p.ofEntries(a.Flow); entries != "" {
		text += entries
	} else if len(a.Rules) > 0 {
		text += ", which the policy does not have"
	}
	return text
}

// ofEntries names the entries that give a flow.
func (p *production) ofEntries(f rule.Flow) string {
	var names []string
	for _, e := range p.result.Accepting(f) {
		names = append(names, artefact.Label(e))
	}
	if len(names) == 0 {
		return ""
	}
	return ", of " + words.Some(names)
}

// refusal says why a flow does not pass.
func (p *production) refusal(a expect.Answer) string {
	f := a.Flow
	accepted := p.result.Policy.Decide(f).Rules
	filter := isFilter(a.At)
	switch {
	case len(accepted) > 0 && filter && !f.Remote.IsValid():
		return fmt.Sprintf(`rule %s accepts it by a name without addresses, which no packet filter sees; add addresses in a catalogue of the site's own, or say "in" which outputs are meant`, accepted[0])
	case len(accepted) > 0:
		return fmt.Sprintf("rule %s accepts it, and the files do not; generate them again", accepted[0])
	}
	x := p.result.Policy.Explain(f)
	if len(x.Near) == 0 {
		return "no rule is near it; `gatewright explain` tells more"
	}
	var misses []string
	for _, m := range x.Near[0].Misses {
		misses = append(misses, string(m.Dimension)+": "+m.Why)
	}
	return fmt.Sprintf("the nearest rule is %s, which misses it by %s", x.Near[0].Rule, strings.Join(misses, "; "))
}

// listed is a list of remotes: some of it where people read, and all of it for machines.
func (inv *invocation) listed(all []string) string {
	if inv.format == "json" || inv.format == "junit" {
		return strings.Join(all, ", ")
	}
	return words.Some(all)
}

// elseLines lists what passes beside the listed remotes, rule by rule.
func (p *production) elseLines(a expect.Answer, listed func([]string) string) (lines []string) {
	for _, e := range a.Else {
		remotes := slices.Concat(words.Texts(slices.Values(e.Names)), words.Texts(e.Prefixes.Prefixes()))
		if e.Any {
			remotes = []string{"any remote"}
		}
		lines = append(lines, fmt.Sprintf("rule %s%s: %s on %s", e.Rule.ID, p.entriesOf(e.Rule.ID), listed(remotes), e.Rule.Services))
	}
	for _, passes := range a.Traffic {
		by := strings.Join(passes.Labels, ", ")
		if passes.Rule != "" {
			by = "rule " + string(passes.Rule) + p.entriesOf(passes.Rule)
		}
		var remotes netset.PrefixSet
		var services netset.ServiceSet
		for _, f := range passes.Flows {
			remotes, services = remotes.Union(f.Remote), services.Union(netset.ServiceSetOf(f.Service))
		}
		lines = append(lines, fmt.Sprintf("%s: %s on %s", by, listed(words.Texts(remotes.Prefixes())), services))
	}
	return lines
}

// entriesOf are the ids of the entries of a rule of the policy.
func (p *production) entriesOf(id rule.ID) string {
	for _, r := range p.result.Policy.Rules {
		if r.ID == id {
			var ids []string
			for _, e := range r.Entries {
				ids = append(ids, e.ID)
			}
			return ", of " + words.Some(ids)
		}
	}
	return ""
}
