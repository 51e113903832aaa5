package iptables

import (
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Values of the option ipset.
const (
	ipsetYes = "yes"
	ipsetNo  = "no"
)

func (Generator) Options() []artefact.Option {
	const modes = "chains: chains in table filter, which the site's rules jump to; mark: chains in table mangle that set a bit on accepted packets, which the site's rules match; enforce: own the built-in chains, and " + artefact.EnforceDoc
	return artefact.FilterOptions(modes, artefact.Option{
		Name:    "ipset",
		Doc:     "yes: put many prefixes into ipset sets; no: put all prefixes into trees of chains, for machines without ipset",
		Values:  []string{ipsetYes, ipsetNo},
		Default: []string{ipsetYes},
	})
}

// config is the settings, parsed.
type config struct {
	artefact.Filter
	ipset bool
}

// configure refuses what makes no sense together, or for the policy.
func configure(p *rule.Policy, s artefact.Settings) (config, error) {
	f, err := artefact.FilterOf(s)
	if err == nil {
		err = f.CheckRoles(p)
	}
	return config{Filter: f, ipset: s.Text("ipset") == ipsetYes}, err
}
