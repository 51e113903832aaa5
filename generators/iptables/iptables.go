// Package iptables renders a policy for iptables and ip6tables, with or without ipset.
// It writes the chains gatewright_outbound and gatewright_inbound, trees of chains that
// distinguish addresses, and sets where there are many prefixes.
//
// A packet filter sees addresses but never names. Endpoints that the policy knows only
// by name are not rendered, and the coverage reports them.
package iptables

import (
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/filter"
	"gatewright/templates"
)

// format is raised when a template changes what it writes.
const format = 4

const (
	setsFile  = "gatewright.ipset"
	setsTitle = "sets for iptables and ip6tables, loaded before their rules"
	setsLoad  = "ipset restore < " + setsFile
)

// Generator renders gatewright.ipset, gatewright.iptables and gatewright.ip6tables.
type Generator struct{}

func (Generator) Name() string { return "iptables" }

func (Generator) Kind() artefact.Kind { return artefact.PacketFilter }

func (Generator) Description() string {
	return "chains for iptables and ip6tables, by ipset or without: an allow fragment, packet marks, or a complete default-deny"
}

// Generate renders the sets, unless ipset is no, and the rules of both families. A
// rule is rendered by its prefixes, in the families that its role and its remote
// have in common.
func (Generator) Generate(p *rule.Policy, s artefact.Settings) (artefact.Output, error) {
	c, err := configure(p, s)
	if err != nil {
		return artefact.Output{}, err
	}
	var out artefact.Output
	var sets []filter.Set
	for _, f := range []family{ipv4, ipv6} {
		r, err := newRules(p, c, f)
		if err != nil {
			return artefact.Output{}, err
		}
		data, err := templates.Execute("iptables/gatewright.iptables.tmpl", r.view())
		if err != nil {
			return artefact.Output{}, err
		}
		sets = append(sets, r.sets...)
		out.Artefacts = append(out.Artefacts, artefact.Artefact{
			Name: f.file(), Data: artefact.Seal(data), Load: c.load(f), Rules: r.carried, Elements: r.elements,
		})
	}
	ours := c.Local(p)
	out.Coverage, err = artefact.CoverRules(p, artefact.NoZones, func(j *artefact.Judge, r *rule.Rule) artefact.Coverage { return c.Cover(j, r, ours) })
	if err != nil || !c.ipset {
		return out, err
	}
	first := artefact.Artefact{Name: setsFile, Load: setsLoad}
	view := setsView{Header: setsHeader()}
	for _, s := range sets {
		view.Sets = append(view.Sets, newSet(s))
		first.Elements += s.Prefixes.Len()
	}
	data, err := templates.Execute("iptables/gatewright.ipset.tmpl", &view)
	if err != nil {
		return artefact.Output{}, err
	}
	first.Data = artefact.Seal(data)
	out.Artefacts = append([]artefact.Artefact{first}, out.Artefacts...)
	return out, nil
}
