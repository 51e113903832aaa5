// Package squid renders a policy as http_access rules for the Squid proxy
// (squid.conf), with the tokens of their ACLs in list files beside them.
//
// A proxy carries only TCP flows that our side opens, and sees the name or the literal
// address of a request. It is not a packet filter: inbound and UDP rules do not apply
// to it.
package squid

import (
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/templates"
)

// Values of the options place and mode.
const (
	placeFirst  = "first"
	placeConfD  = "conf.d"
	modeAllow   = "allow"
	modeEnforce = "enforce"
)

// format is raised when a template changes what it writes.
const format = 4

// Names of the artefacts, and where Debian's package reads them.
const (
	confName   = "gatewright.squid.conf"
	confTitle  = "http_access rules for Squid"
	listFolder = "gatewright/"
	listSuffix = ".txt"
	defaultDir = "/etc/squid/gatewright"
	Conf       = "/etc/squid/squid.conf" // that Squid starts from, as Debian has it
	confDDir   = "/etc/squid/conf.d"
	confDFile  = confDDir + "/gatewright.conf"
)

// Generator renders http_access rules and their list files.
type Generator struct{}

func (Generator) Name() string { return "squid" }

func (Generator) Kind() artefact.Kind { return artefact.Proxy }

func (Generator) Description() string {
	return "http_access rules and ACL lists for the Squid proxy: by name, by literal address, by port"
}

func (Generator) Options() []artefact.Option {
	return []artefact.Option{
		{
			Name:    "dir",
			Doc:     "folder on the proxy to which the list files are copied; the rules refer to it",
			Default: []string{defaultDir},
			Check:   checkDir,
		},
		{
			Name:    "place",
			Doc:     "where squid.conf includes the rules: first, before every http_access; conf.d, where Debian includes that folder",
			Values:  []string{placeFirst, placeConfD},
			Default: []string{placeFirst},
		},
		{
			Name:    "mode",
			Doc:     "for requests that no rule accepts: allow leaves them to the site's own http_access lines; enforce denies them",
			Values:  []string{modeAllow, modeEnforce},
			Default: []string{modeAllow},
		},
	}
}

// assumed is what the coverage takes for granted. Squid's first look at redirected
// HTTPS has an address and no name.
const assumed = "an explicit proxy, which uses the name in CONNECT; redirected HTTPS is denied unless you add the lines from the README of squid"

// Generate renders the list files and, after them, the configuration that names
// them. Rules that are inbound or have no TCP service are not rendered.
func (Generator) Generate(p *rule.Policy, s artefact.Settings) (artefact.Output, error) {
	dir, place := s.Text("dir"), s.Text("place")
	c, err := newConf(p, dir)
	if err != nil {
		return artefact.Output{}, err
	}
	load := loadCommand(dir, place, len(c.lists) > 0)
	var out artefact.Output
	for _, l := range c.lists {
		data, err := templates.Execute("squid/list.txt.tmpl", l.view())
		if err != nil {
			return artefact.Output{}, err
		}
		out.Artefacts = append(out.Artefacts, artefact.Artefact{
			Name: listFolder + l.file, Data: artefact.Seal(data), Elements: l.elements,
		})
	}
	c.view.Header = comments(artefact.Header(p, confTitle, load, format))
	c.view.First = place == placeFirst
	c.view.DenyAll = s.Text("mode") == modeEnforce
	data, err := templates.Execute("squid/squid.conf.tmpl", c.view)
	if err != nil {
		return artefact.Output{}, err
	}
	out.Artefacts = append(out.Artefacts, artefact.Artefact{
		Name: confName, Data: artefact.Seal(data), Load: load, Rules: c.rules(),
	})
	out.Assumes = assumed
	out.Coverage, err = coverage(p, place)
	return out, err
}

// loadCommand copies the artefacts to where Squid reads them and reconfigures it
// if they parse. For place first it puts the include on the first line of
// squid.conf, unless the site has it already.
func loadCommand(dir, place string, lists bool) string {
	files := confName
	if lists {
		files = listFolder + "*.txt " + confName
	}
	const reload = " && squid -k parse && squid -k reconfigure"
	if place == placeConfD {
		install := "install -m 644 " + confName + " " + confDFile
		if lists {
			install = "install -D -m 644 -t " + dir + " " + listFolder + "*.txt && " + install
		}
		return install + reload
	}
	include := includeLine(dir)
	return "install -D -m 644 -t " + dir + " " + files +
		" && { grep -qxF '" + include + "' " + Conf + " || sed -i '1i " + include + "' " + Conf + "; }" + reload
}
