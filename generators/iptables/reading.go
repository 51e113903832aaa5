package iptables

import (
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/filter"
)

// addTo adds the file to a reading.
func (r *rules) addTo(out *artefact.Reading) { r.addRuleset(out, r.ruleset(), r.family.file()) }

// addRuleset adds what the file's chains hold in a place.
func (r *rules) addRuleset(out *artefact.Reading, whole filter.Ruleset, place string) {
	held := whole.Fold()
	for _, d := range []rule.Direction{rule.Outbound, rule.Inbound} {
		held.AddOpenings(out, artefact.HookPoint{File: place, Chain: filter.EntryOf(d)}, false, d, r.labelsOf)
	}
	beside := func(name, value string) {
		out.Beside = append(out.Beside, artefact.Statement{File: place, Name: name, Value: value})
	}
	beside("mode", string(r.config.Mode))
	beside("place", string(r.config.Place))
	if r.config.Mode == artefact.ModeMark {
		beside("mark", fmt.Sprintf("%#x", r.config.Mark))
	}
	for _, c := range whole.Chains {
		if c.Hook == nil || r.config.Mode != artefact.ModeEnforce {
			continue
		}
		beside("policy", c.Name+" "+strings.ToUpper(string(c.Hook.Policy)))
		for _, one := range c.Rules {
			if one.Protocol == 0 { // or else it is told as what it opens
				beside("chain "+c.Name, ruleText(one))
			}
		}
		held.AddOpenings(out, artefact.HookPoint{File: place, Chain: c.Name}, true, c.Hook.Direction(), r.labelsOf)
	}
}

// labelsOf returns the labels of the rule that opens, or what the file says in place of
// them.
func (r *rules) labelsOf(o filter.Opening) (out []string) {
	switch {
	case o.Comment == "":
		return nil // of a rule that somebody made by hand
	case o.ID == "":
		return []string{o.Comment}
	}
	i := slices.IndexFunc(r.sections, func(s section) bool { return s.id == o.ID })
	if i < 0 {
		_, words, _ := strings.Cut(o.Comment, ": ")
		return strings.Split(words, "; ")
	}
	for _, l := range r.sections[i].labels {
		out = append(out, string(l))
	}
	return out
}
