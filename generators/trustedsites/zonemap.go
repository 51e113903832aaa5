package trustedsites

import (
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// key is one key below ZoneMap\Domains: a domain, and a key below it or "".
//
//	example.com           example.com and every name below it
//	example.com\www       www.example.com alone
//	example.com\*.office  the names one label below office.example.com
//
// Microsoft ships keys of each form. How deep a wildcard below a domain reaches is
// documented nowhere; one label is what Wine's conformance tests have tried.
type key struct{ domain, below string }

// limit is why a pattern has no key that means the same.
type limit int

const (
	none        limit = iota
	wholeDomain       // its key would trust the domain with all subdomains
	oneLabel          // its key trusts one label of many
	stars             // the zone map has no such stars
	suffix            // Windows takes it for a public suffix
)

// keyOf returns the key for a pattern, and what keeps the key from meaning the
// pattern. There is no key for stars and suffix.
func keyOf(p netset.Pattern) (key, limit) {
	host := p.String()
	apex, wild := p.Subdomains()
	if wild {
		host = apex
	} else if !p.IsExact() {
		return key{}, stars
	}
	domain, rest, ok := splitDomain(host)
	switch {
	case !ok:
		return key{}, suffix
	case rest == "":
		return key{domain, ""}, wholeDomain
	case wild:
		return key{domain, "*." + rest}, oneLabel
	}
	return key{domain, rest}, none
}

// trusts reports whether the key puts a host into the zone, as far as is known.
func (k key) trusts(host string) bool {
	if k.below == "" {
		return host == k.domain || strings.HasSuffix(host, "."+k.domain)
	}
	below, ok := strings.CutSuffix(host, "."+k.domain)
	if !ok {
		return false
	}
	if parent, ok := strings.CutPrefix(k.below, "*."); ok {
		label, rest, _ := strings.Cut(below, ".")
		return label != "" && rest == parent
	}
	return below == k.below
}

// host is the key as a name: a domain, a host, or a wildcard.
func (k key) host() string {
	if k.below == "" {
		return k.domain
	}
	return k.below + "." + k.domain
}

// overlaps reports whether the key trusts some host that a pattern matches.
func (k key) overlaps(p netset.Pattern) bool {
	host := k.host()
	parent, wild := strings.CutPrefix(host, "*.")
	if !wild && p.Match(host) {
		return true
	}
	if !wild && k.below != "" {
		return false
	}
	below, err := netset.ParsePattern("*." + parent)
	deep := wild && !manyLabels(p) && p.Labels() != below.Labels()
	return err == nil && p.Overlaps(below) && !deep
}

// manyLabels reports whether the pattern's first star stands for one or more labels.
func manyLabels(p netset.Pattern) bool { return strings.HasPrefix(p.String(), "*.") }

// zoneMap is what the file says: the keys of each trusted site of a policy.
type zoneMap struct {
	listed       netset.NameSet // of all trusted sites
	wholeDomains bool           // whether a domain may stand for one of its halves
	sites        [][]key
	keys         keyIndex // of all sites
}

func newZoneMap(p *rule.Policy, wholeDomains bool) zoneMap {
	var m zoneMap
	var listed []netset.Pattern
	for _, t := range p.TrustedSites {
		listed = slices.AppendSeq(listed, t.Names.Patterns())
	}
	m.listed = netset.NameSetOf(listed...)
	m.wholeDomains = wholeDomains
	for _, t := range p.TrustedSites {
		var keys []key
		seen := map[key]bool{}
		for p := range t.Names.Patterns() {
			if k, ok := m.render(p); ok && !seen[k] {
				keys = append(keys, k)
				seen[k] = true
			}
		}
		m.sites = append(m.sites, keys)
	}
	m.keys = indexOf(slices.Concat(m.sites...))
	return m
}

// render returns the key for a pattern, and false if it gets none.
func (m zoneMap) render(p netset.Pattern) (key, bool) {
	k, l := keyOf(p)
	switch l {
	case none, oneLabel:
		return k, true
	case wholeDomain:
		return k, m.wholeDomains || m.listsWhole(k.domain)
	}
	return key{}, false
}

// leftOut returns the names of a trusted site that get no key.
func (m zoneMap) leftOut(t rule.TrustedSite) netset.NameSet {
	var out []netset.Pattern
	for p := range t.Names.Patterns() {
		if _, ok := m.render(p); !ok {
			out = append(out, p)
		}
	}
	return netset.NameSetOf(out...)
}

// listsWhole reports whether the domain and all its subdomains are listed.
func (m zoneMap) listsWhole(domain string) bool {
	below, err := netset.ParsePattern("*." + domain)
	return err == nil && m.listed.Covers(below) && m.listed.Match(domain)
}
