package engine

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"gatewright/generators/artefact"
	"gatewright/templates"
)

var nft = program{"nft", "nftables"}

// LoadNFT loads an nftables artefact as a site does. The first time it boots: in
// one transaction the ruleset is flushed, the artefact is included, and the site's
// base chains follow. After that it reloads the artefact alone.
func (g *Gateway) LoadNFT(text []byte) error {
	file, err := g.write("gatewright.nft", text)
	if err != nil {
		return err
	}
	if g.booted {
		return g.nftLoad(file)
	}
	probes, err := g.render("engine.nft", "engine/probes.nft.tmpl", nil)
	if err != nil {
		return err
	}
	conf, err := g.render("nftables.conf", "engine/site.nft.tmpl", g.site.nftView(probes, file))
	if err != nil {
		return err
	}
	if err := g.nftLoad(conf); err != nil {
		return err
	}
	g.booted = true
	return nil
}

func (g *Gateway) nftLoad(file string) error {
	_, err := g.run(nft, nil, "-f", file)
	return err
}

// DumpNFT returns `nft -j list ruleset`.
func (g *Gateway) DumpNFT() ([]byte, error) { return g.run(nft, nil, "-j", "list", "ruleset") }

// LoadIptables loads the artefacts of iptables in their order by the tools of the
// variant: ipset restore, then restore without flush for both families. The first
// time the site's own rules are loaded before.
func (g *Gateway) LoadIptables(variant Variant, artefacts []artefact.Artefact) error {
	if !g.booted {
		if err := g.bootIptables(variant); err != nil {
			return err
		}
		g.booted = true
	}
	for _, a := range artefacts {
		var err error
		switch filepath.Ext(a.Name) {
		case ".ipset":
			_, err = g.run(ipset, a.Data, "restore")
		case ".iptables":
			_, err = g.run(restorer("iptables", variant), a.Data, "--noflush")
		case ".ip6tables":
			_, err = g.run(restorer("ip6tables", variant), a.Data, "--noflush")
		default:
			err = fmt.Errorf("%s: not a file that ipset, iptables or ip6tables loads", a.Name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

var ipset = program{"ipset", "ipset"}

func restorer(family string, v Variant) program {
	return program{family + "-" + string(v) + "-restore", "iptables"}
}

func (g *Gateway) bootIptables(variant Variant) error {
	probes, err := g.render("engine.nft", "engine/probes.nft.tmpl", nil)
	if err != nil {
		return err
	}
	if err := g.nftLoad(probes); err != nil {
		return err
	}
	rules, err := templates.Execute("engine/site.iptables.tmpl", g.site.iptablesView())
	if err != nil {
		return err
	}
	for _, family := range []string{"iptables", "ip6tables"} {
		if _, err := g.run(restorer(family, variant), rules); err != nil {
			return err
		}
	}
	return nil
}

// LoadByCommand writes the artefacts to a folder and loads them there by the commands
// that their headers show, in their order, with the iptables that this machine calls
// so. The site's own rules have to be loaded before.
func (g *Gateway) LoadByCommand(artefacts []artefact.Artefact) error {
	for _, a := range artefacts {
		if _, err := g.write(a.Name, a.Data); err != nil {
			return err
		}
	}
	for _, a := range artefacts {
		if _, err := g.run(program{"sh", "dash"}, nil, "-c", a.Load); err != nil {
			return err
		}
	}
	return nil
}

// DumpIptables returns what the kernel holds for a variant of iptables.
func (g *Gateway) DumpIptables(variant Variant) (IptablesDump, error) {
	var d IptablesDump
	for _, dump := range []struct {
		to      *[]byte
		program program
		args    []string
	}{
		{&d.Ipset, ipset, []string{"save"}},
		{&d.IPv4, program{"iptables-" + string(variant) + "-save", "iptables"}, nil},
		{&d.IPv6, program{"ip6tables-" + string(variant) + "-save", "iptables"}, nil},
	} {
		var err error
		if *dump.to, err = g.run(dump.program, nil, dump.args...); err != nil {
			return IptablesDump{}, err
		}
	}
	return d, nil
}

// run runs a program inside the gateway.
func (g *Gateway) run(p program, stdin []byte, args ...string) (out []byte, err error) {
	env := []string{"XTABLES_LOCKFILE=" + filepath.Join(g.dir, "xtables.lock")}
	err = g.inside.do(func() error {
		out, err = p.output(g.ctx, g.dir, stdin, env, args...)
		return err
	})
	return out, err
}

func (g *Gateway) write(name string, text []byte) (string, error) {
	file := filepath.Join(g.dir, name)
	return file, os.WriteFile(file, text, 0o600)
}

func (g *Gateway) render(name, template string, view any) (string, error) {
	text, err := templates.Execute(template, view)
	if err != nil {
		return "", err
	}
	return g.write(name, text)
}

// counters are probes counted by the gateway's own table.
type counters struct{ entered, left int }

// count returns the counters since the ruleset was booted.
func (g *Gateway) count() (counters, error) {
	out, err := g.run(nft, nil, "-j", "list", "counters", "table", "inet", "gatewright_engine")
	if err != nil {
		return counters{}, err
	}
	var dump struct {
		Nftables []struct {
			Counter struct {
				Name    string
				Packets int
			}
		}
	}
	if err := json.Unmarshal(out, &dump); err != nil {
		return counters{}, fmt.Errorf("nft -j list counters: %w", err)
	}
	var c counters
	for _, object := range dump.Nftables {
		switch object.Counter.Name {
		case "entered":
			c.entered = object.Counter.Packets
		case "left":
			c.left = object.Counter.Packets
		}
	}
	return c, nil
}
