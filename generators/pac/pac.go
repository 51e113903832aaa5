// Package pac renders the routes of a policy as a proxy auto-configuration file,
// with which browsers choose for each request to go direct or through a proxy.
//
// A PAC file chooses the route and blocks nothing. It sees the URL of a request, and an
// address only if the URL has a literal one. The generated file never uses DNS.
package pac

import (
	"errors"
	"fmt"
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/templates"
)

// format is raised when the template changes what it writes.
const format = 4

const (
	fileName   = "proxy.pac"
	defaultDir = "/var/www/html"
)

const install = "install -D -m 644 " + fileName + " "

// loadCommand copies the file to where the web server reads it.
func loadCommand(dir string) string { return install + InstalledAs(dir) }

// InstalledAs returns where the file stands on a web server that serves a folder.
func InstalledAs(dir string) string { return dir + "/" + fileName }

// maxSize is the size in bytes of the largest file that Chromium 156 reads. It
// ignores a larger one and sends every request direct.
const maxSize = 1 << 20

// Values of the options plain and fallback.
const (
	plainDirect = "direct"
	plainProxy  = "proxy"
	yes         = "yes"
	no          = "no"
)

// Generator renders proxy.pac.
type Generator struct{}

func (Generator) Name() string { return "pac" }

func (Generator) Kind() artefact.Kind { return artefact.ProxyChooser }

func (Generator) Description() string {
	return "proxy auto-configuration file: which requests of a browser go direct and which through a proxy"
}

func (Generator) Options() []artefact.Option {
	return []artefact.Option{
		{
			Name:  "proxy",
			Doc:   "proxies for requests that no route sends elsewhere, tried in this order: HOST:PORT or [IPV6]:PORT, with HTTPS, SOCKS or SOCKS5 and a space before it for a proxy of that kind",
			List:  true,
			Check: func(s string) error { _, err := parseProxy(s); return err },
		},
		{
			Name:    "roles",
			Doc:     "roles of the machines that use the file",
			List:    true,
			Default: []string{string(rule.Clients)},
			Check:   func(s string) error { _, err := rule.ParseRole(s); return err },
		},
		{
			Name:    "plain",
			Doc:     "route for hosts without a dot, such as http://intranet/: direct, or proxy to treat them like any other host",
			Values:  []string{plainDirect, plainProxy},
			Default: []string{plainDirect},
		},
		{
			Name:  "local",
			Doc:   "CIDRs of networks whose literal addresses go direct before any route applies",
			List:  true,
			Check: func(s string) error { _, err := parseLocal(s); return err },
		},
		{
			Name:  "internal",
			Doc:   "names such as *.corp.example.com, and networks as in local, that go direct before any route applies",
			List:  true,
			Check: func(s string) error { _, _, err := parseInternal(s); return err },
		},
		{
			Name:    "dir",
			Doc:     "web server folder to which the file is copied",
			Default: []string{defaultDir},
			Check:   checkDir,
		},
		{
			Name:    "fallback",
			Doc:     "yes: a browser goes direct if it cannot reach any proxy of an answer",
			Values:  []string{no, yes},
			Default: []string{no},
		},
	}
}

// Generate renders the file. Its answer for a request is that of Policy.Route for the
// roles, except for hosts of one label if plain is direct, and for literals and names
// in local and internal. Without the option proxy, Proxied requests go direct too.
func (Generator) Generate(p *rule.Policy, s artefact.Settings) (artefact.Output, error) {
	c, err := newConfig(p, s)
	if err != nil {
		return artefact.Output{}, err
	}
	v, elements, err := newView(p, c)
	if err != nil {
		return artefact.Output{}, err
	}
	data, err := templates.Execute("pac/proxy.pac.tmpl", v)
	if err != nil {
		return artefact.Output{}, err
	}
	if len(data) > maxSize {
		return artefact.Output{}, fmt.Errorf("%s would have %d bytes for %d endpoints; Chromium ignores a PAC file over %d bytes and goes direct; select fewer entries, route fewer of them, give pac.roles fewer roles, or name the other generators and leave pac out",
			fileName, len(data), elements, maxSize)
	}
	var out artefact.Output
	if out.Coverage, err = coverage(p, c.roles); err != nil {
		return out, err
	}
	rules := 0
	for _, line := range out.Coverage {
		if line.Verdict != artefact.NotApplicable {
			rules++
		}
	}
	out.Artefacts = []artefact.Artefact{{Name: fileName, Data: artefact.Seal(data), Load: loadCommand(c.dir), Rules: rules, Elements: elements}}
	return out, nil
}

// config is what the options say.
type config struct {
	dir      string  // of the web server
	proxies  []proxy // empty: Proxied requests go direct
	roles    []rule.Role
	plain    string
	local    netset.PrefixSet // literals that go direct
	internal netset.NameSet   // names that go direct
	fallback bool
}

func newConfig(p *rule.Policy, s artefact.Settings) (config, error) {
	c := config{dir: s.Text("dir"), plain: s.Text("plain"), fallback: s.Text("fallback") == yes}
	if err := c.setDirect(s.List("local"), s.List("internal")); err != nil {
		return c, err
	}
	for _, text := range s.List("proxy") {
		proxy, err := parseProxy(text)
		if err != nil {
			return c, fmt.Errorf("option proxy: %w", err)
		}
		c.proxies = append(c.proxies, proxy)
	}
	for _, text := range s.List("roles") {
		role := rule.Role(text)
		if role != rule.Clients && p.Binding(role).Local().IsEmpty() {
			return c, fmt.Errorf("option roles: role %q is not bound; bind it to addresses, or leave it out", role)
		}
		if !slices.Contains(c.roles, role) {
			c.roles = append(c.roles, role)
		}
	}
	switch {
	case len(c.proxies) == 0 && c.plain == plainProxy:
		return c, errors.New("plain is proxy, but no proxy is set; set proxy, or omit plain")
	case len(c.proxies) == 0 && c.fallback:
		return c, errors.New("fallback is yes, but no proxy is set; set proxy, or omit fallback")
	}
	return c, nil
}

func checkDir(dir string) error { return artefact.CheckFolder(dir, defaultDir) }

// Internal returns the names that the settings send direct before any route; none of
// settings that Generate refuses.
func Internal(s artefact.Settings) netset.NameSet {
	var c config
	if c.setDirect(nil, s.List("internal")) != nil {
		return netset.NameSet{}
	}
	return c.internal
}

// setDirect takes what goes direct before any route, of the options local and internal.
func (c *config) setDirect(local, internal []string) error {
	var networks netset.PrefixBuilder
	var names []netset.Pattern
	for _, text := range local {
		n, err := parseLocal(text)
		if err != nil {
			return fmt.Errorf("option local: %w", err)
		}
		networks.Add(n)
	}
	for _, text := range internal {
		name, network, err := parseInternal(text)
		switch {
		case err != nil:
			return fmt.Errorf("option internal: %w", err)
		case network.IsValid():
			networks.Add(network)
		default:
			names = append(names, name)
		}
	}
	c.local, c.internal = networks.Build(), netset.NameSetOf(names...)
	if v4, v6 := c.local.CoversFamily(); v4 || v6 {
		return errors.New("options local and internal: the networks together cover a whole address family, and every literal address of it would go direct; list the networks that are local")
	}
	return nil
}
