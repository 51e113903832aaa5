package enginetest

import (
	"encoding/json"
	"fmt"

	"gatewright/generators/artefact"
	"gatewright/generators/engine"
)

// LoadNFT loads an nftables artefact as a site does. The first time it boots: in
// one transaction the ruleset is flushed, the artefact is included, and the site's
// base chains follow. After that it reloads the artefact alone.
func (g *Gateway) LoadNFT(text []byte) error {
	file, err := g.inside.write("gatewright.nft", text)
	if err != nil {
		return err
	}
	if g.booted {
		return g.nftLoad(file)
	}
	probes, err := g.render("engine.nft", "probes.nft.tmpl", nil)
	if err != nil {
		return err
	}
	conf, err := g.render("nftables.conf", "site.nft.tmpl", g.site.nftView(probes, file))
	if err != nil {
		return err
	}
	if err := g.nftLoad(conf); err != nil {
		return err
	}
	g.booted = true
	return nil
}

// DumpNFT returns `nft -j list ruleset`.
func (g *Gateway) DumpNFT() ([]byte, error) { return g.inside.DumpNFT() }

// LoadIptables loads the artefacts of iptables in their order by the tools of the
// variant: ipset restore, then restore without flush for both families. The first
// time the site's own rules are loaded before.
func (g *Gateway) LoadIptables(variant engine.Variant, artefacts []artefact.Artefact) error {
	if !g.booted {
		if err := g.bootIptables(variant); err != nil {
			return err
		}
		g.booted = true
	}
	return g.inside.LoadIptables(variant, artefacts)
}

func (g *Gateway) bootIptables(variant engine.Variant) error {
	probes, err := g.render("engine.nft", "probes.nft.tmpl", nil)
	if err != nil {
		return err
	}
	if err := g.nftLoad(probes); err != nil {
		return err
	}
	rules, err := execute("site.iptables.tmpl", g.site.iptablesView())
	if err != nil {
		return err
	}
	for _, family := range []string{"iptables", "ip6tables"} {
		if _, err := g.inside.run(rules, toolOf(variant, family)); err != nil {
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
		if _, err := g.inside.write(a.Name, a.Data); err != nil {
			return err
		}
	}
	for _, a := range artefacts {
		if _, err := g.inside.run(nil, "sh", "-c", a.Load); err != nil {
			return err
		}
	}
	return nil
}

// DumpIptables returns what the kernel holds for a variant of iptables.
func (g *Gateway) DumpIptables(variant engine.Variant) (engine.IptablesDump, error) {
	return g.inside.DumpIptables(variant)
}

func (g *Gateway) nftLoad(file string) error {
	_, err := g.inside.run(nil, "nft", "-f", file)
	return err
}

// toolOf is a variant's restore of a family, "iptables" or "ip6tables".
func toolOf(v engine.Variant, family string) string {
	if v == engine.IptablesDefault {
		return family + "-restore"
	}
	return family + "-" + string(v) + "-restore"
}

func (g *Gateway) render(name, template string, view any) (string, error) {
	text, err := execute(template, view)
	if err != nil {
		return "", err
	}
	return g.inside.write(name, text)
}

// counters are probes counted by the gateway's own table.
type counters struct{ entered, left int }

// count returns the counters since the ruleset was booted.
func (g *Gateway) count() (counters, error) {
	out, err := g.inside.run(nil, "nft", "-j", "list", "counters", "table", "inet", "gatewright_engine")
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
