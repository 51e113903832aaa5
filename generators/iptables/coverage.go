package iptables

import (
	"fmt"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// coverage has one line for each rule, then one for each trusted site.
func coverage(p *rule.Policy, c config) []artefact.Coverage {
	out := make([]artefact.Coverage, 0, len(p.Rules)+len(p.TrustedSites))
	for i := range p.Rules {
		v := artefact.ByAddress(p, &p.Rules[i])
		if role := p.Rules[i].Role; !c.serves(role) {
			v.Verdict, v.Remedy, v.Witnesses = artefact.NotApplicable, "", nil
			v.Reason = fmt.Sprintf("this machine plays %s, not %s", strings.Join(c.roles, ", "), role)
		}
		out = append(out, v)
	}
	for _, t := range p.TrustedSites {
		out = append(out, artefact.Coverage{
			Entries: []string{t.Entry.ID},
			Verdict: artefact.NotApplicable,
			Reason:  "a trusted site is a browser setting, which a packet filter knows nothing of",
		})
	}
	return out
}
