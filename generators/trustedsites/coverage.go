package trustedsites

import (
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// coverage has one line for each rule, then one for each trusted site.
func (m zoneMap) coverage(p *rule.Policy) []artefact.Coverage {
	out := artefact.RulesNotApplicable(p, "a browser zone is no traffic")
	for i, t := range p.TrustedSites {
		out = append(out, m.judge(t, m.sites[i]))
	}
	return out
}

// judge compares what a trusted site lists with what the file trusts.
func (m zoneMap) judge(t rule.TrustedSite, keys []key) artefact.Coverage {
	c := artefact.Coverage{Entries: []string{t.Entry.ID}, Verdict: artefact.Exact}
	missing := map[limit]bool{}
	rendered := false
	for p := range t.Names.Patterns() {
		_, l := keyOf(p)
		for _, host := range hostsOf(p) {
			if m.trusts(host) {
				rendered = true
			} else if !missing[l] {
				missing[l] = true
				c.Witnesses = append(c.Witnesses, artefact.Witness{Flow: visit(host)})
			}
		}
	}
	var wider []artefact.Witness
	for _, k := range keys {
		if host, ok := m.unlisted(k); ok {
			wider = append(wider, artefact.Witness{Flow: visit(host), Backend: true})
		}
	}
	switch {
	case !rendered:
		c.Verdict, c.Witnesses = artefact.Absent, nil
	case len(wider) > 0:
		c.Verdict, c.Witnesses = artefact.Wider, append(wider, c.Witnesses...)
	case len(missing) > 0:
		c.Verdict = artefact.Narrower
	}
	explain(&c, missing, len(wider) > 0)
	return c
}

// hostsOf returns hosts that a pattern matches, one for each depth that a key may
// tell from another.
func hostsOf(p netset.Pattern) []string {
	hosts := []string{p.Example()}
	if _, ok := p.Subdomains(); ok {
		if deeper := "deeper." + p.Example(); p.Match(deeper) {
			hosts = append(hosts, deeper)
		}
	}
	return hosts
}

// unlisted returns a host that a key of a whole domain trusts and nobody lists.
func (m zoneMap) unlisted(k key) (host string, ok bool) {
	if k.below != "" {
		return "", false
	}
	for _, host := range []string{k.domain, "any." + k.domain, "deeper.any." + k.domain} {
		if !m.listed.Match(host) {
			return host, true
		}
	}
	return "", false
}

// visit is the flow by which a browser opens a trusted site.
func visit(host string) rule.Flow {
	return rule.Flow{Direction: rule.Outbound, Protocol: netset.TCP, Port: 443, Name: host}
}

// explain gives the reasons and remedies in a fixed order.
func explain(c *artefact.Coverage, missing map[limit]bool, wider bool) {
	var reasons, remedies []string
	say := func(reason, remedy string) {
		reasons, remedies = append(reasons, reason), append(remedies, remedy)
	}
	if wider {
		say("whole-domains=yes trusts domains with all their subdomains where only one of both is listed",
			"set trusted-sites.whole-domains=no")
	}
	if missing[wholeDomain] {
		say("the zone map holds a domain only together with all its subdomains",
			"set trusted-sites.whole-domains=yes if both can be trusted, or answer with the names that are meant")
	}
	if missing[oneLabel] {
		say("below a domain, a wildcard of the zone map stands for one label for certain",
			"answer with the deeper names that are meant")
	}
	if missing[stars] {
		say("the zone map has no stars inside a name", "answer with the names that are meant")
	}
	if missing[suffix] {
		say("Windows takes the name for a public suffix, which the zone map cannot hold", "answer with the names that are meant")
	}
	c.Reason, c.Remedy = strings.Join(reasons, "; "), strings.Join(remedies, "; ")
}
