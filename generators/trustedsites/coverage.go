package trustedsites

import (
	"iter"
	"strconv"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// coverage has one line for each rule, then one for each trusted site.
func (m zoneMap) coverage(p *rule.Policy) []artefact.Coverage {
	out := artefact.RulesNotApplicable(p, "a browser zone is not traffic")
	for i, t := range p.TrustedSites {
		out = append(out, m.judge(t, m.sites[i]))
	}
	return out
}

// judge compares what a trusted site lists with what the file trusts.
func (m zoneMap) judge(t rule.TrustedSite, keys []key) artefact.Coverage {
	c := artefact.Coverage{Entries: []string{t.Entry.ID}, Verdict: artefact.Exact}
	missing := map[limit]bool{}
	rendered, wider := false, false
	for _, k := range keys {
		if k.below == "" && !m.listsWhole(k.domain) {
			wider = true
			c.Witnesses = append(c.Witnesses, witness(m.unlisted(k), true)...)
		}
	}
	for p := range t.Names.Patterns() {
		if m.keys.covers(p) {
			rendered = true
			continue
		}
		rendered = rendered || m.keys.overlaps(p)
		if _, l := keyOf(p); !missing[l] {
			missing[l] = true
			c.Witnesses = append(c.Witnesses, witness(m.untrusted(p), false)...)
		}
	}
	switch {
	case !rendered:
		c.Verdict, c.Witnesses = artefact.Absent, nil
	case wider:
		c.Verdict = artefact.Wider
	case len(missing) > 0:
		c.Verdict = artefact.Narrower
	}
	explain(&c, missing, wider)
	return c
}

// untrusted returns a host that a pattern matches and no key trusts; "" if it finds
// none.
func (m zoneMap) untrusted(p netset.Pattern) string {
	for host := range hostsOf(p) {
		if !m.keys.trusts(host) {
			return host
		}
	}
	return ""
}

// unlisted returns a host that a key of a whole domain trusts and nobody lists; ""
// if it finds none.
func (m zoneMap) unlisted(k key) string {
	if !m.listed.Match(k.domain) {
		return k.domain
	}
	below, err := netset.ParsePattern("*." + k.domain)
	if err != nil {
		return ""
	}
	for host := range hostsOf(below) {
		if !m.listed.Match(host) {
			return host
		}
	}
	return ""
}

// hostsOf yields names that a pattern matches: with different labels in place of its
// stars, and one label deeper where the first star stands for several.
func hostsOf(p netset.Pattern) iter.Seq[string] {
	const fillers = 64
	return func(yield func(string) bool) {
		hosts := []string{p.Example()}
		for i := 0; !p.IsExact() && i < fillers; i++ {
			// By turns another first letter, for patterns such as w*.example.com.
			filler := string(rune('a'+i%26)) + strconv.Itoa(i)
			hosts = append(hosts, strings.ReplaceAll(p.String(), "*", filler))
		}
		for _, host := range hosts {
			if p.Match(host) && !yield(host) {
				return
			}
		}
		for _, host := range hosts {
			if deeper := "deeper." + host; p.Match(deeper) && !yield(deeper) {
				return
			}
		}
	}
}

// visit is the flow by which a browser opens a trusted site.
func visit(host string) rule.Flow {
	return rule.Flow{Direction: rule.Outbound, Protocol: netset.TCP, Port: 443, Name: host}
}

// witness returns none without a host.
func witness(host string, backend bool) []artefact.Witness {
	if host == "" {
		return nil
	}
	return []artefact.Witness{{Flow: visit(host), Backend: backend}}
}

// explain gives the reasons and remedies in a fixed order.
func explain(c *artefact.Coverage, missing map[limit]bool, wider bool) {
	var reasons, remedies []string
	say := func(reason, remedy string) {
		reasons, remedies = append(reasons, reason), append(remedies, remedy)
	}
	if wider {
		say("whole-domains=yes trusts a domain and all its subdomains, although only one of the two is listed",
			"set trusted-sites.whole-domains=no")
	}
	if missing[wholeDomain] {
		say("the zone map can hold a domain only together with all its subdomains",
			"set trusted-sites.whole-domains=yes if both can be trusted, or answer with the exact names")
	}
	if missing[oneLabel] {
		say("below a domain, a wildcard in the zone map reliably matches only one label",
			"answer with the exact deeper names")
	}
	if missing[stars] {
		say("the zone map has no stars inside a name", "answer with the names that are meant")
	}
	if missing[suffix] {
		say("Windows takes the name for a public suffix, which the zone map cannot hold", "answer with the names that are meant")
	}
	c.Reason, c.Remedy = strings.Join(reasons, "; "), strings.Join(remedies, "; ")
}
