package report

import (
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/words"
	"gatewright/generators/artefact"
	"gatewright/generators/expect"
)

// Expected is an expectation that was asked.
type Expected struct {
	rule.Expectation
	Place   site.Place // in the site file
	Answers []expect.Answer
}

// Holds reports whether nothing contradicts the expectation.
func (e Expected) Holds() bool {
	return !slices.ContainsFunc(e.Answers, func(a expect.Answer) bool { return !a.Holds })
}

// Name is the expectation in words: its kind and its flows.
func (e Expected) Name() string { return fmt.Sprintf("%s %s", e.Expects, e.Flows) }

// Expectations tells what became of expectations of a compiled site.
type Expectations struct {
	Result *site.Result
	Whole  bool // lists of remotes as a whole, for machines; else some of them
}

// Findings are what does not hold, and what is not seen.
func (x Expectations) Findings(e Expected) []Finding {
	found := x.hidden(e)
	if !e.Holds() {
		found = append(found, x.failures(e))
	}
	return found
}

// hidden tells of a closed world what packet filters cannot see.
func (x Expectations) hidden(e Expected) []Finding {
	var outputs, rules []string
	for _, a := range e.Answers {
		if len(a.Hidden) > 0 {
			outputs = append(outputs, a.At)
		}
		for _, id := range a.Hidden {
			if line := "rule " + string(id) + x.entriesOf(id); !slices.Contains(rules, line) {
				rules = append(rules, line)
			}
		}
	}
	if len(rules) == 0 {
		return nil
	}
	text := fmt.Sprintf("%s: %s cannot see names that have no addresses, so it is unknown which addresses they lead to", e.Name(), strings.Join(outputs, ", "))
	return []Finding{Finding{Check: CheckFlows, Level: LevelWarning, Text: text, Details: rules}.At(e.Place)}
}

// failures reports the counterexample at the first output where the expectation fails,
// and the names of the other outputs where it fails.
func (x Expectations) failures(e Expected) Finding {
	f := Finding{Check: CheckFlows, Level: LevelError, Name: e.Name()}.At(e.Place)
	var others []string
	for _, a := range e.Answers {
		if a.Holds {
			continue
		}
		text, more := x.Failure(e, a)
		if a.Promise && a.Unread == nil {
			text += " (" + ByPromise + ")"
		}
		if f.Text == "" {
			f.Text, f.Details = e.Name()+": "+text, more
			continue
		}
		others = append(others, a.At)
		f.Also = append(append(f.Also, text), more...)
	}
	if len(others) > 0 {
		f.Text += "; it fails at " + strings.Join(others, ", ") + ", too"
	}
	return f
}

// ByPromise marks what is decided by what publishers promise of their names.
const ByPromise = "relying on the publisher that names lead to their entry's addresses"

// Failure tells why an expectation does not hold at one place, and what more there is
// of a closed world.
func (x Expectations) Failure(e Expected, a expect.Answer) (text string, more []string) {
	at := a.At
	switch {
	case a.Unread != nil:
		return fmt.Sprintf("at %s this is unknown: %v", at, a.Unread), nil
	case e.Expects == rule.ExpectOnly:
		more = x.elseLines(a)
		return fmt.Sprintf("at %s other remotes pass through %s: for example %s%s", at, words.Count(len(more), "rule"), a.Flow, x.ofEntries(a.Flow)), more
	case e.RoutesRequests():
		return fmt.Sprintf("at %s %s goes %s%s", at, a.Flow, wayText(a.Via), x.ofEntries(a.Flow)), nil
	case e.Expects == rule.ExpectAllow:
		return fmt.Sprintf("at %s %s does not pass: %s", at, a.Flow, x.refusal(a)), nil
	}
	return fmt.Sprintf("at %s %s passes by %s", at, a.Flow, x.passing(a)), nil
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
func (x Expectations) passing(a expect.Answer) string {
	var by []string
	for _, id := range a.Rules {
		by = append(by, "rule "+string(id))
	}
	text := strings.Join(append(by, a.Labels...), ", ")
	if entries := x.ofEntries(a.Flow); entries != "" {
		text += entries
	} else if len(a.Rules) > 0 {
		text += ", which the policy does not have"
	}
	return text
}

// ofEntries names the entries that give a flow.
func (x Expectations) ofEntries(f rule.Flow) string {
	var names []string
	for _, e := range x.Result.Accepting(f) {
		names = append(names, artefact.Label(e))
	}
	if len(names) == 0 {
		return ""
	}
	return ", of " + words.Some(names)
}

// refusal says why a flow does not pass.
func (x Expectations) refusal(a expect.Answer) string {
	f := a.Flow
	accepted := x.Result.Policy.Decide(f).Rules
	filter := a.Kind == artefact.PacketFilter
	switch {
	case len(accepted) > 0 && filter && !f.Remote.IsValid():
		return fmt.Sprintf(`rule %s accepts it by a name without addresses, which packet filters cannot see; add addresses in your own catalogue, or list the outputs that are meant under "in"`, accepted[0])
	case len(accepted) > 0:
		return fmt.Sprintf("rule %s accepts it, but the files do not; run generate again", accepted[0])
	}
	near := x.Result.Policy.Explain(f).Near
	if len(near) == 0 {
		return "no rule is near it; see `gatewright explain`"
	}
	var misses []string
	for _, m := range near[0].Misses {
		misses = append(misses, string(m.Dimension)+": "+m.Why)
	}
	return fmt.Sprintf("the nearest rule is %s; it does not match: %s", near[0].Rule, strings.Join(misses, "; "))
}

// elseLines lists what passes beside the listed remotes, rule by rule.
func (x Expectations) elseLines(a expect.Answer) (lines []string) {
	for _, e := range a.Else {
		remotes := slices.Concat(words.Texts(slices.Values(e.Names)), words.Texts(e.Prefixes.Prefixes()))
		if e.Any {
			remotes = []string{"any remote"}
		}
		lines = append(lines, fmt.Sprintf("rule %s%s: %s on %s", e.Rule.ID, x.entriesOf(e.Rule.ID), x.listed(remotes), e.Rule.Services))
	}
	for _, passes := range a.Traffic {
		by := strings.Join(passes.Labels, ", ")
		if passes.Rule != "" {
			by = "rule " + string(passes.Rule) + x.entriesOf(passes.Rule)
		}
		var remotes netset.PrefixSet
		var services netset.ServiceSet
		for _, f := range passes.Flows {
			remotes, services = remotes.Union(f.Remote), services.Union(netset.ServiceSetOf(f.Service))
		}
		lines = append(lines, fmt.Sprintf("%s: %s on %s", by, x.listed(words.Texts(remotes.Prefixes())), services))
	}
	return lines
}

// entriesOf are the ids of the entries of a rule of the policy.
func (x Expectations) entriesOf(id rule.ID) string {
	for _, r := range x.Result.Policy.Rules {
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

// listed is a list of remotes.
func (x Expectations) listed(all []string) string {
	if x.Whole {
		return strings.Join(all, ", ")
	}
	return words.Some(all)
}
