package trustedsites

import (
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// regView is what trusted-sites.reg.tmpl renders.
type regView struct {
	Header []comment
	Sites  []siteView
}

// siteView is one trusted site; without keys, if the zone map can hold none of its
// names.
type siteView struct {
	Label comment
	Keys  []keyPath
}

func (m zoneMap) view(p *rule.Policy, hive string) regView {
	header := artefact.Header(&rule.Policy{Sources: p.Sources, Open: p.Open}, "trusted sites for Windows", load)
	v := regView{Header: comments(header)}
	for i, t := range p.TrustedSites {
		site := siteView{Label: commentOf(artefact.Label(t.Entry))}
		for _, k := range m.sites[i] {
			site.Keys = append(site.Keys, pathOf(hive, k))
		}
		v.Sites = append(v.Sites, site)
	}
	return v
}
