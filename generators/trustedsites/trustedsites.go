// Package trustedsites renders the policy's trusted sites as a registry file for
// Windows: the site-to-zone map that Internet Explorer, Microsoft Edge in Internet
// Explorer mode, and programs that embed them look up.
//
// It is not a traffic filter, and does not render the rules of the policy.
package trustedsites

import (
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// format is raised when the template changes what it writes.
const format = 2

const (
	regName = "trusted-sites.reg"
	load    = "reg import " + regName
	what    = "trusted sites for Windows"
)

// Values of the options hive and whole-domains.
const (
	hiveUser    = "user"
	hiveMachine = "machine"
	no          = "no"
	yes         = "yes"
)

// Generator renders a registry file.
type Generator struct{}

func (Generator) Name() string { return "trusted-sites" }

func (Generator) Kind() artefact.Kind { return artefact.ZoneMap }

func (Generator) Description() string {
	return "a Windows registry file that puts the trusted sites into their browser zone"
}

func (Generator) Options() []artefact.Option {
	return []artefact.Option{
		{
			Name:    "hive",
			Doc:     "zone map to fill: user, of the user who loads the file; machine, of the machine, loaded by an administrator",
			Values:  []string{hiveUser, hiveMachine},
			Default: []string{hiveUser},
		},
		{
			Name:    "whole-domains",
			Doc:     "yes: trust example.com with all its subdomains even if only example.com or only *.example.com is listed",
			Values:  []string{no, yes},
			Default: []string{no},
		},
	}
}

// Generate renders the trusted sites. Names that the zone map cannot hold are left
// out, and the coverage says so.
func (Generator) Generate(p *rule.Policy, s artefact.Settings) (artefact.Output, error) {
	m := newZoneMap(p, s.Text("whole-domains") == yes)
	v := m.view(p, s.Text("hive"))
	data, err := v.render()
	if err != nil {
		return artefact.Output{}, err
	}
	keys := 0
	for _, site := range v.Sites {
		keys += len(site.Keys)
	}
	return artefact.Output{
		Artefacts: []artefact.Artefact{{Name: regName, Data: artefact.Seal(data), Load: load, Elements: keys}},
		Coverage:  m.coverage(p),
	}, nil
}
