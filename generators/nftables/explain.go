package nftables

import (
	"fmt"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/filter"
	"gatewright/templates"
)

// Explain answers as the kernel decides by the file of Generate: it walks a flow's
// first packet through the chains.
func (Generator) Explain(p *rule.Policy, s artefact.Settings) (artefact.Explainer, error) {
	f, err := newFile(p, s)
	if err != nil {
		return nil, err
	}
	c := f.config
	e := filter.Decider{Policy: p, Config: c.Filter, Ours: c.Local(p), Held: &f.held, Words: f.words, Dropped: func(hook string) string {
		return fmt.Sprintf("policy drop of chain %s, table %s", hook, c.table)
	}}
	return func(q rule.Question) artefact.Answer {
		a := e.Answer(q)
		if len(c.families) == 1 && a.Action == artefact.NoMatch && filter.FamilyOf(q.Flow.Local) != c.families[0] {
			a.Why = fmt.Sprintf("table %s sees no flows of %s", c.table, familyWord(filter.FamilyOf(q.Flow.Local)))
		}
		return a
	}, nil
}

// words is a step of a packet in words of nft: the chain and, unless it only counts and
// accepts, what the rule matches.
func (f *file) words(s filter.Step) []string {
	out := []string{"chain " + s.Chain}
	if s.Chain == filter.Outbound || s.Chain == filter.Inbound || f.isBase(s.Chain) {
		out[0] += ", table " + string(f.config.table)
	}
	l := lineOf(*s.Rule)
	if l.Protocol != "" || s.Rule.Map != "" {
		out = append(out, lineText(l))
	}
	return out
}

// lineText is a line as the template writes it.
func lineText(l lineView) string {
	data, err := templates.ExecutePart("nftables/gatewright.nft.tmpl", "line", l)
	if err != nil {
		return err.Error()
	}
	return string(data)
}
