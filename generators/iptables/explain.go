package iptables

import (
	"strings"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/filter"
	"gatewright/templates"
)

// Explain answers as the kernel decides by the files of Generate: it walks a flow's
// first packet through their chains.
func (Generator) Explain(p *rule.Policy, s artefact.Settings) (artefact.Explainer, error) {
	c, err := configure(p, s)
	if err != nil {
		return nil, err
	}
	known, unknown := map[family]*filter.Decider{}, map[family]*filter.Decider{}
	for _, f := range []family{ipv4, ipv6} {
		r, err := newRules(p, c, f)
		if err != nil {
			return nil, err
		}
		held := r.ruleset()
		for i := range held.Chains {
			if one := &held.Chains[i]; one.Hook != nil {
				one.Name = one.Hook.Name
			}
		}
		e := filter.Decider{Policy: p, Config: c.Filter, Ours: c.Local(p), Held: &held, Words: r.words, Dropped: func(hook string) string {
			return "policy DROP of chain " + strings.ToUpper(hook)
		}}
		folded := held.Fold()
		whole := e
		whole.Held = &folded // of each class one way, however many prefixes it has
		known[f], unknown[f] = &e, &whole
	}
	return func(q rule.Question) artefact.Answer {
		of := known
		if !q.Flow.Remote.IsValid() {
			of = unknown
		}
		if f := familyOf(q.Flow.Local); of[f] != nil && q.Flow.Local.IsValid() {
			return of[f].Answer(q)
		}
		return of[ipv4].Answer(q)
	}, nil
}

// words is a step of a packet in words of iptables: the chain and, unless it only
// accepts, what the rule matches. Steps between the chains of a tree say nothing.
func (r *lowering) words(s filter.Step) []string {
	var out []string
	switch {
	case s.Chain == filter.Outbound || s.Chain == filter.Inbound:
		out = []string{"chain " + s.Chain + ", " + r.family.program() + " table " + string(r.config.table())}
	case !strings.HasPrefix(s.Chain, prefix):
		out = []string{"chain " + strings.ToUpper(s.Chain) + ", " + r.family.program() + " table " + string(r.config.table())}
	case s.Rule.IsWay() && r.cells[s.Rule.Target]:
		return nil
	default:
		out = []string{"chain " + s.Chain}
	}
	if s.Rule.Map != "" {
		return out
	}
	for _, ports := range []struct {
		word string
		filter.Ports
	}{{" dport ", s.Rule.Ports}, {" ctorigdstport ", s.Rule.Original}} {
		if !ports.IsAll() {
			out = append(out, s.Rule.Protocol.String()+ports.word+string(portsOf(ports.Ranges)))
			if s.Rule.ID == "" {
				out = append(out, s.Rule.Comment)
			}
			return out
		}
	}
	if s.Rule.ID != "" && s.Rule.Verdict == filter.Accept {
		return out
	}
	return append(out, ruleText(*s.Rule))
}

// RuleText is a rule in words of iptables, without its chain and comment.
func RuleText(r filter.Rule) string {
	r.Comment = ""
	return ruleText(r)
}

// ruleText is a rule as the file has it behind its chain.
func ruleText(r filter.Rule) string {
	text := string(wayLines([]line{{Rule: r}}))
	if !r.IsWay() {
		data, err := templates.ExecutePart("iptables/gatewright.iptables.tmpl", "line", lineOf(line{Rule: r}))
		if text = string(data); err != nil {
			return err.Error()
		}
	}
	return strings.TrimSpace(strings.TrimPrefix(text, "-A "))
}
