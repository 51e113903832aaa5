package iptables

import (
	"fmt"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/filter"
)

// addTo adds the file to a reading.
func (r *rules) addTo(out *artefact.Reading) {
	whole := r.ruleset()
	held := whole.Fold()
	for _, d := range []rule.Direction{rule.Outbound, rule.Inbound} {
		r.addOpenings(out, &held, filter.EntryOf(d), d)
	}
	beside := func(name, value string) {
		out.Beside = append(out.Beside, artefact.Statement{File: r.family.file(), Name: name, Value: value})
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
		d := rule.Outbound
		if c.Hook.Name == filter.Input {
			d = rule.Inbound
		}
		r.addOpenings(out, &held, c.Name, d)
	}
}

// addOpenings adds what a chain accepts itself, of a built-in one without what it jumps
// to.
func (r *rules) addOpenings(out *artefact.Reading, held *filter.Ruleset, chain string, d rule.Direction) {
	for _, o := range held.Openings(chain) {
		if r.isBase(chain) && o.ID != "" {
			continue
		}
		p := artefact.HookPoint{File: r.family.file(), Chain: chain, In: strings.Join(o.In, " "), Out: strings.Join(o.Out, " "), Mark: o.Mark}
		out.Accept(p, artefact.Accepted{Rule: o.ID, Labels: r.labelsOf(o), Direction: d, Traffic: o.Traffic()})
	}
}

// labelsOf returns the labels of the rule that opens, or what the file says in place of
// them.
func (r *rules) labelsOf(o filter.Opening) (out []string) {
	if o.ID == "" {
		return []string{o.Comment}
	}
	for _, s := range r.sections {
		if s.id == o.ID {
			for _, l := range s.labels {
				out = append(out, string(l))
			}
		}
	}
	return out
}
