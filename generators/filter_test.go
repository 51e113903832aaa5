package generators

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	"gatewright/generators/engine/enginetest"
	"gatewright/generators/iptables"
	"gatewright/generators/nftables"
	"gatewright/generators/nftables/nftablestest"
	"gatewright/generators/proof"
)

// filterSetting is a setting of a packet filter's generator, with the site that it
// is made for.
type filterSetting struct {
	setting
	site  enginetest.Site
	table string // as nftables names it
	sides bool   // the artefact tells the gateway's interfaces apart
}

// filterSettings returns the settings of a packet filter for a policy, as far as it has
// their options.
func filterSettings(g Generator, p *rule.Policy) []filterSetting {
	all := []filterSetting{
		{setting: setting{name: "default"}},
		{setting: setting{"mark", map[string][]string{"mode": {"mark"}, "mark": {"0x20"}}}, site: enginetest.Site{Mode: artefact.ModeMark, Mark: 0x20}, table: "inet gatewright"},
		{setting: setting{"enforce", map[string][]string{"mode": {"enforce"}, "place": {"forward"}, "admin": {"none"}}}, site: enginetest.Site{Mode: artefact.ModeEnforce}, table: "inet gatewright"},
	}
	if len(p.Bindings) > 0 { // without a role no address is ours, and no machine a host
		roles := roleNames(p)
		all = append(all,
			filterSetting{setting: setting{"sides", map[string][]string{"wan": {enginetest.WAN}, "lan": {enginetest.LAN}}}, sides: true},
			filterSetting{setting: setting{"host", map[string][]string{"place": {"host"}, "roles": roles}}, site: enginetest.Site{Place: artefact.PlaceHost}},
			filterSetting{
				setting: setting{"host-enforce", map[string][]string{"mode": {"enforce"}, "place": {"host"}, "roles": roles, "admin": {"none"}}},
				site:    enginetest.Site{Place: artefact.PlaceHost, Mode: artefact.ModeEnforce}, table: "inet gatewright",
			},
		)
	}
	all = append(all,
		filterSetting{setting: setting{"ipv4-table", map[string][]string{"table": {"ip site"}}}, site: enginetest.Site{Table: "ip site"}, table: "ip site"},
		filterSetting{setting: setting{"no-ipset", map[string][]string{"ipset": {"no"}}}})
	all = slices.DeleteFunc(all, func(s filterSetting) bool { return !takes(g, s.setting) })
	for i := range all {
		all[i].site.Bindings = p.Bindings
		if all[i].table == "" {
			all[i].table = "inet filter"
		}
	}
	return all
}

// accepts is the model's answer for what a packet filter sees of a flow. A gateway
// that tells its sides apart accepts no flow to a remote on its own side, but by a rule
// for these; there, and where it does not, it cannot tell a flow from the opposite one
// between the same addresses.
func (s filterSetting) accepts(p *rule.Policy, f rule.Flow) bool {
	f = rule.Seen(f, rule.PacketFilter)
	switch {
	case s.table == "ip site" && !f.Local.Is4():
		return false
	case s.sides && s.site.Local().Contains(f.Remote):
		return onSite(p, f) || onSite(p, reversed(f))
	case s.sides:
		return slices.ContainsFunc(p.Rules, func(r rule.Rule) bool { return !r.OnSite && p.Accepts(&r, f) })
	case s.site.Place == artefact.PlaceHost:
		return p.Decide(f).Accept()
	}
	return p.Decide(f).Accept() || p.Decide(reversed(f)).Accept()
}

// onSite reports whether a rule for remotes on the site accepts the flow.
func onSite(p *rule.Policy, f rule.Flow) bool {
	return slices.ContainsFunc(p.Rules, func(r rule.Rule) bool { return r.OnSite && p.Accepts(&r, f) })
}

// reversed is the flow that has the same packets in the other direction.
func reversed(f rule.Flow) rule.Flow {
	f.Local, f.Remote, f.Published = f.Remote, f.Local, 0
	if f.Direction == rule.Inbound {
		f.Direction = rule.Outbound
	} else {
		f.Direction = rule.Inbound
	}
	return f
}

// flows returns the boundary flows of a policy that the setting carries, every one in
// make prove, and the witnesses of a coverage. A gateway that tells its sides apart is
// also asked each flow from the wrong side.
func (s filterSetting) flows(p *rule.Policy, coverage []artefact.Coverage) []rule.Flow {
	flows := enginetest.BoundaryFlows(p)
	if amount(10) == 10 {
		flows = engine.BoundaryFlows(p, engine.Limits{})
	}
	flows = append(flows, witnesses(coverage)...)
	if s.sides {
		for _, f := range flows {
			flows = append(flows, reversed(f))
		}
	}
	return slices.DeleteFunc(flows, func(f rule.Flow) bool { return !s.site.Carries(f) })
}

// figure is what packetDifferences asks.
func (s filterSetting) figure(p *rule.Policy, coverage []artefact.Coverage) figure {
	flows := s.flows(p, coverage)
	return figure{len(distinct(flows, s.byPackets)), len(flows), len(distinct(witnesses(coverage), s.byPackets))}
}

// gateway returns a new gateway that is closed with the test.
func gateway(t *testing.T, site enginetest.Site) *enginetest.Gateway {
	t.Helper()
	g, err := enginetest.NewGateway(context.Background(), site)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// loadTwice loads what a packet filter's generator made, and loads it again.
func loadTwice(t *testing.T, load func() error) {
	t.Helper()
	for _, time := range []string{"first", "second"} {
		if err := load(); err != nil {
			t.Fatalf("the %s time: %v", time, err)
		}
	}
}

// TestPacketFilters loads every case under every setting into the real engines,
// twice, reads it back, and asks its boundary flows by packets.
func TestPacketFilters(t *testing.T) {
	done := newFigures(t)
	for _, c := range corpus(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := c.compile(t)
			for _, s := range filterSettings(nftables.Generator{}, p) {
				t.Run("nftables/"+s.name, func(t *testing.T) { testNFT(t, p, s, done.of(c.name)) })
			}
			for _, s := range filterSettings(iptables.Generator{}, p) {
				for _, variant := range variants() {
					t.Run("iptables-"+string(variant)+"/"+s.name, func(t *testing.T) { testIptables(t, p, s, variant, done.of(c.name)) })
				}
			}
		})
	}
}

func testNFT(t *testing.T, p *rule.Policy, s filterSetting, count counter) {
	out := generate(t, nftables.Generator{}, p, s.setting)
	g := gateway(t, s.site)
	loadTwice(t, func() error { return g.LoadNFT(out.Artefacts[0].Data) })
	complain(t, nftDifferences(t, g, p, s))
	complain(t, packetDifferences(t, g, p, s, out.Coverage))
	count("nftables, by packets", s.figure(p, out.Coverage))
	result, err := proof.NFTables(t.Context(), p, s.settings(t, nftables.Generator{}), out.Artefacts)
	complain(t, proofComplaints(result, err))
}

func variants() []engine.Variant {
	return []engine.Variant{engine.IptablesNFT, engine.IptablesLegacy}
}

func testIptables(t *testing.T, p *rule.Policy, s filterSetting, variant engine.Variant, count counter) {
	out := generate(t, iptables.Generator{}, p, s.setting)
	g := gateway(t, s.site)
	loadTwice(t, func() error { return g.LoadIptables(variant, out.Artefacts) })
	complain(t, iptablesDifferences(t, g, p, s, variant))
	complain(t, packetDifferences(t, g, p, s, out.Coverage))
	count("iptables-"+string(variant)+", by packets", s.figure(p, out.Coverage))
	result, err := proof.IptablesVariant(t.Context(), variant, p, s.settings(t, iptables.Generator{}), out.Artefacts)
	complain(t, proofComplaints(result, err))
}

// settings are the setting's options, checked.
func (s setting) settings(t *testing.T, g Generator) artefact.Settings {
	t.Helper()
	options, err := artefact.Configure(g.Options(), s.options)
	if err != nil {
		t.Fatal(err)
	}
	return options
}

// proofComplaints tells why a proof fails.
func proofComplaints(result proof.Result, err error) []string {
	switch {
	case err != nil:
		return []string{err.Error()}
	case !result.Proved():
		return []string{result.String()}
	}
	return nil
}

// nftDifferences compares what a gateway holds beside its site's own rules.
func nftDifferences(t *testing.T, g *enginetest.Gateway, p *rule.Policy, s filterSetting) []string {
	t.Helper()
	dump, err := g.DumpNFT()
	if err != nil {
		t.Fatal(err)
	}
	rs, err := nftablestest.ReadBack(dump, s.table)
	if err != nil {
		t.Fatal(err)
	}
	return disagreements(proof.NFTablesRules(p, s.settings(t, nftables.Generator{}), rs))
}

// iptablesDifferences compares what a gateway holds beside its site's own rules.
func iptablesDifferences(t *testing.T, g *enginetest.Gateway, p *rule.Policy, s filterSetting, variant engine.Variant) []string {
	t.Helper()
	dump, err := g.DumpIptables(variant)
	if err != nil {
		t.Fatal(err)
	}
	table := "filter"
	if s.site.Mode == artefact.ModeMark {
		table = "mangle"
	}
	rs, err := iptables.ReadBack(iptables.Dump(dump), table)
	if err != nil {
		t.Fatal(err)
	}
	return disagreements(proof.IptablesRules(p, s.settings(t, iptables.Generator{}), rs))
}

func disagreements(list []proof.Disagreement, err error) []string {
	var all []string
	if err != nil {
		all = append(all, err.Error())
	}
	for _, d := range list {
		all = append(all, d.String())
	}
	return all
}

func complain(t *testing.T, complaints []string) {
	t.Helper()
	for _, c := range complaints {
		t.Error(c)
	}
}

// packetDifferences asks the gateway and the model the same flows, and the gateway
// the witnesses that can be sent.
func packetDifferences(t *testing.T, g *enginetest.Gateway, p *rule.Policy, s filterSetting, coverage []artefact.Coverage) []string {
	t.Helper()
	var all []string
	flows := s.flows(p, coverage)
	got := decide(t, g, flows)
	accepted := 0
	for i, f := range flows {
		want := s.accepts(p, f)
		if want {
			accepted++
		}
		if got[i] != want {
			all = append(all, fmt.Sprintf("engine accepts %t, model %t: %s", got[i], want, flowText(f)))
		}
	}
	if len(flows) < 10 || accepted == len(flows) || accepted == 0 && s.name == "default" && slices.ContainsFunc(p.Rules, func(r rule.Rule) bool { return !p.Traffic(&r).IsEmpty() }) {
		all = append(all, fmt.Sprintf("%d flows were asked, %d accepted; want at least ten, of both kinds", len(flows), accepted))
	}
	for _, c := range coverage {
		for _, w := range c.Witnesses {
			if i := slices.Index(flows, w.Flow); i >= 0 && got[i] != w.Backend {
				all = append(all, fmt.Sprintf("engine accepts %t, coverage says %t: witness %s", got[i], w.Backend, flowText(w.Flow)))
			}
		}
	}
	return all
}

func decide(t *testing.T, g *enginetest.Gateway, flows []rule.Flow) []bool {
	t.Helper()
	got, err := g.Decide(flows)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// flowText is a flow on one line.
func flowText(f rule.Flow) string {
	text := fmt.Sprintf("%s %s %q %s port %d, local %s", f.Direction, f.Protocol, f.Name, f.Remote, f.Port, f.Local)
	if f.Published != 0 {
		text += fmt.Sprintf(", published port %d", f.Published)
	}
	return text
}
