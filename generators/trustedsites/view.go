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

// siteView is one trusted site.
type siteView struct {
	Label   comment
	LeftOut comment // the names without a key, empty if there are none
	Keys    []keyPath
}

func (m zoneMap) view(p *rule.Policy, hive string) regView {
	header := artefact.Header(&rule.Policy{Sources: p.Sources, Open: p.Open}, "trusted sites for Windows", load, format)
	v := regView{Header: comments(header)}
	for i, t := range p.TrustedSites {
		site := siteView{Label: commentOf(artefact.Label(t.Entry))}
		if out := m.leftOut(t); !out.IsEmpty() {
			site.LeftOut = commentOf("left out, as the coverage says: " + out.String())
		}
		for _, k := range m.sites[i] {
			site.Keys = append(site.Keys, pathOf(hive, k))
		}
		v.Sites = append(v.Sites, site)
	}
	return v
}
