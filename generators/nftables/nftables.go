// Package nftables renders a policy as an nftables ruleset: sets of prefixes, and
// the chains gatewright_outbound and gatewright_inbound that accept by them.
//
// A packet filter sees addresses but never names. Endpoints that the policy knows only
// by name are not rendered, and the coverage reports them.
package nftables

import (
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/templates"
)

// Tables.
const (
	defaultTable           = "inet filter"
	ownTable     tableSpec = "inet gatewright"
)

// format is raised when the template changes what it writes.
const format = 4

const (
	fileName    = "gatewright.nft"
	title       = "nftables ruleset"
	loadCommand = "nft -f " + fileName
)

// Generator renders gatewright.nft.
type Generator struct{}

func (Generator) Name() string { return "nftables" }

func (Generator) Kind() artefact.Kind { return artefact.PacketFilter }

func (Generator) Description() string {
	return "sets and chains for nftables: an allow fragment, packet marks, or a complete default-deny"
}

// Generate renders one artefact. A rule is rendered by its prefixes, in the
// address families that its role, its remote and the table have in common.
func (Generator) Generate(p *rule.Policy, s artefact.Settings) (artefact.Output, error) {
	f, err := newFile(p, s)
	if err != nil {
		return artefact.Output{}, err
	}
	v := f.view()
	data, err := templates.Execute("nftables/gatewright.nft.tmpl", v)
	if err != nil {
		return artefact.Output{}, err
	}
	judged, err := coverage(p, f.config)
	return artefact.Output{
		Artefacts: []artefact.Artefact{{
			Name:     fileName,
			Data:     artefact.Seal(data),
			Load:     loadCommand,
			Rules:    len(v.Rules),
			Elements: v.elements(),
		}},
		Coverage: judged,
	}, err
}
