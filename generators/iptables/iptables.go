// Package iptables renders a policy for iptables and ip6tables, with ipset or
// without: chains gatewright_outbound and gatewright_inbound that accept, and the
// sets of prefixes that they accept by.
//
// A packet filter sees addresses and never names: what the policy knows by name
// alone is not rendered, and the coverage says so.
package iptables

import (
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/templates"
)

// format is raised when a template changes what it writes.
const format = 2

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
	c, err := configure(s)
	if err == nil {
		err = c.CheckRoles(p)
	}
	if err != nil {
		return artefact.Output{}, err
	}
	sets := newSets(p)
	out := artefact.Output{Coverage: coverage(p, c)}
	for _, f := range []family{ipv4, ipv6} {
		v, err := newRules(p, c, f, sets)
		if err != nil {
			return artefact.Output{}, err
		}
		data, err := templates.Execute("iptables/gatewright.iptables.tmpl", v)
		if err != nil {
			return artefact.Output{}, err
		}
		out.Artefacts = append(out.Artefacts, artefact.Artefact{
			Name: f.file(), Data: artefact.Seal(data), Load: f.load(), Rules: v.rules, Elements: v.elements,
		})
	}
	if !c.ipset {
		return out, nil
	}
	data, err := templates.Execute("iptables/gatewright.ipset.tmpl", sets)
	if err != nil {
		return artefact.Output{}, err
	}
	first := artefact.Artefact{Name: setsFile, Data: artefact.Seal(data), Load: setsLoad, Elements: sets.elements}
	out.Artefacts = append([]artefact.Artefact{first}, out.Artefacts...)
	return out, nil
}
