package iptables

import (
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// coverage has one line for each rule, then one for each trusted site.
func coverage(p *rule.Policy, c config) ([]artefact.Coverage, error) {
	j := artefact.NewJudge(p)
	out, ours := make([]artefact.Coverage, 0, len(p.Rules)+len(p.TrustedSites)), c.Local(p)
	for i := range p.Rules {
		out = append(out, c.Cover(j, &p.Rules[i], ours))
	}
	return append(out, artefact.TrustedSitesNotApplicable(p, "a trusted site is a browser setting, which a packet filter knows nothing of")...), j.Err()
}
