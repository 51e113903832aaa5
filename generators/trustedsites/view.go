package trustedsites

import (
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/templates"
)

const (
	leftOut   = "left out, as the coverage says: "
	firstLine = "Windows Registry Editor Version 5.00"
	trustLine = `"https"=dword:00000002` // puts the key before it into the trusted zone
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
	header := artefact.Header(&rule.Policy{Sources: p.Sources, Open: p.Open}, what, load, format)
	v := regView{Header: comments(header)}
	for i, t := range p.TrustedSites {
		site := siteView{Label: commentOf(artefact.Label(t.Entry))}
		if out := m.leftOut(t); !out.IsEmpty() {
			site.LeftOut = commentOf(leftOut + out.String())
		}
		for _, k := range m.sites[i] {
			site.Keys = append(site.Keys, pathOf(hive, k))
		}
		v.Sites = append(v.Sites, site)
	}
	return v
}

// render returns the file, with the line ends of the registry editors.
func (v regView) render() ([]byte, error) {
	data, err := templates.Execute("trustedsites/trusted-sites.reg.tmpl", v)
	return crlf(data), err
}
