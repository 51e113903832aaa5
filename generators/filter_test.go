package generators

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	"gatewright/generators/iptables"
	"gatewright/generators/nftables"
)

// filterSetting is a setting of a packet filter's generator, with the site that it
// is made for.
type filterSetting struct {
	setting
	site  engine.Site
	table string // as nftables names it
	sides bool   // the artefact tells the gateway's interfaces apart
}

// filterSettings returns the settings of "nftables" or "iptables" for a policy.
func filterSettings(generator string, p *rule.Policy) []filterSetting {
	all := []filterSetting{
		{setting: setting{name: "default"}},
		{setting: setting{"mark", map[string][]string{"mode": {"mark"}, "mark": {"0x20"}}}, site: engine.Site{Mode: engine.Mark, Mark: 0x20}, table: "inet gatewright"},
		{setting: setting{"enforce", map[string][]string{"mode": {"enforce"}, "place": {"forward"}, "admin": {"none"}}}, site: engine.Site{Mode: engine.Enforce}, table: "inet gatewright"},
	}
	if len(p.Bindings) > 0 { // without a role no address is ours, and no machine a host
		roles := roleNames(p)
		all = append(all,
			filterSetting{setting: setting{"sides", map[string][]string{"wan": {engine.WAN}, "lan": {engine.LAN}}}, sides: true},
			filterSetting{setting: setting{"host", map[string][]string{"place": {"host"}, "roles": roles}}, site: engine.Site{Place: engine.Host}},
			filterSetting{
				setting: setting{"host-enforce", map[string][]string{"mode": {"enforce"}, "place": {"host"}, "roles": roles, "admin": {"none"}}},
				site:    engine.Site{Place: engine.Host, Mode: engine.Enforce}, table: "inet gatewright",
			},
		)
	}
	switch generator {
	case "nftables":
		all = append(all, filterSetting{setting: setting{"ipv4-table", map[string][]string{"table": {"ip site"}}}, site: engine.Site{Table: "ip site"}, table: "ip site"})
	case "iptables":
		all = append(all, filterSetting{setting: setting{"no-ipset", map[string][]string{"ipset": {"no"}}}})
	}
	for i := range all {
		all[i].site.Bindings = p.Bindings
		if all[i].table == "" {
			all[i].table = "inet filter"
		}
	}
	return all
}

// accepts is the model's answer for what a packet filter sees of a flow. A gateway
// that tells its sides apart accepts no flow to a remote on its own side; one that
// does not cannot tell a flow from the opposite one between the same addresses.
func (s filterSetting) accepts(p *rule.Policy, f rule.Flow) bool {
	f = rule.Seen(f, rule.PacketFilter)
	switch {
	case s.table == "ip site" && !f.Local.Is4():
		return false
	case s.sides:
		return p.Decide(f).Accept() && !s.site.Local().Contains(f.Remote)
	case s.site.Place == engine.Host:
		return p.Decide(f).Accept()
	}
	return p.Decide(f).Accept() || p.Decide(reversed(f)).Accept()
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

// flows returns the boundary flows of a policy that the setting carries, and the
// witnesses of a coverage. A gateway that tells its sides apart is also asked each
// flow from the wrong side.
func (s filterSetting) flows(p *rule.Policy, coverage []artefact.Coverage) []rule.Flow {
	flows := engine.BoundaryFlows(p)
	for _, c := range coverage {
		for _, w := range c.Witnesses {
			flows = append(flows, w.Flow)
		}
	}
	if s.sides {
		for _, f := range flows {
			flows = append(flows, reversed(f))
		}
	}
	return slices.DeleteFunc(flows, func(f rule.Flow) bool { return !s.site.Carries(f) })
}

// gateway returns a new gateway that is closed with the test.
func gateway(t *testing.T, site engine.Site) *engine.Gateway {
	t.Helper()
	g, err := engine.NewGateway(context.Background(), site)
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
	for _, c := range corpus(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := c.compile(t)
			for _, s := range filterSettings("nftables", p) {
				t.Run("nftables/"+s.name, func(t *testing.T) { testNFT(t, p, s) })
			}
			for _, s := range filterSettings("iptables", p) {
				for _, variant := range variants() {
					t.Run("iptables-"+string(variant)+"/"+s.name, func(t *testing.T) { testIptables(t, p, s, variant) })
				}
			}
		})
	}
}

func testNFT(t *testing.T, p *rule.Policy, s filterSetting) {
	out := generate(t, nftables.Generator{}, p, s.setting)
	g := gateway(t, s.site)
	loadTwice(t, func() error { return g.LoadNFT(out.Artefacts[0].Data) })
	complain(t, boxDifferences(readNFT(t, g, s.table), modelBoxes(p, s)))
	complain(t, packetDifferences(t, g, p, s, out.Coverage))
}

func variants() []engine.Variant {
	return []engine.Variant{engine.IptablesNFT, engine.IptablesLegacy}
}

func testIptables(t *testing.T, p *rule.Policy, s filterSetting, variant engine.Variant) {
	out := generate(t, iptables.Generator{}, p, s.setting)
	g := gateway(t, s.site)
	loadTwice(t, func() error { return g.LoadIptables(variant, out.Artefacts) })
	complain(t, boxDifferences(readIptables(t, g, s, variant), modelBoxes(p, s)))
	complain(t, packetDifferences(t, g, p, s, out.Coverage))
}

func readIptables(t *testing.T, g *engine.Gateway, s filterSetting, variant engine.Variant) []box {
	t.Helper()
	dump, err := g.DumpIptables(variant)
	if err != nil {
		t.Fatal(err)
	}
	table := "filter"
	if s.site.Mode == engine.Mark {
		table = "mangle"
	}
	rs, err := iptables.ReadBack(iptables.Dump(dump), table)
	if err != nil {
		t.Fatal(err)
	}
	return iptablesBoxes(rs)
}

func readNFT(t *testing.T, g *engine.Gateway, table string) []box {
	t.Helper()
	dump, err := g.DumpNFT()
	if err != nil {
		t.Fatal(err)
	}
	rs, err := nftables.ReadBack(dump, table)
	if err != nil {
		t.Fatal(err)
	}
	return nftBoxes(rs)
}

func complain(t *testing.T, complaints []string) {
	t.Helper()
	for _, c := range complaints {
		t.Error(c)
	}
}

// packetDifferences asks the gateway and the model the same flows, and the gateway
// the witnesses that can be sent.
func packetDifferences(t *testing.T, g *engine.Gateway, p *rule.Policy, s filterSetting, coverage []artefact.Coverage) []string {
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
	if len(flows) < 10 || accepted == len(flows) || accepted == 0 && s.name == "default" && len(modelBoxes(p, s)) > 0 {
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

func decide(t *testing.T, g *engine.Gateway, flows []rule.Flow) []bool {
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

// box is what one or more rules of a packet filter accept: every flow of these
// parts. Remote is invalid for any remote of the family.
type box struct {
	direction rule.Direction
	protocol  netset.Protocol
	ipv6      bool
	local     string
	remote    string // "any" for every address of the family
	ports     string
	published bool
}

// modelBoxes returns what a packet filter has to hold of a policy.
func modelBoxes(p *rule.Policy, s filterSetting) []box {
	var boxes []box
	for _, r := range p.Rules {
		b := p.Binding(r.Role)
		plain, published := b.Local(), netset.PrefixSet{}
		if r.Direction == rule.Inbound {
			plain, published = b.Addresses, b.Published
		}
		for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
			ports := r.Services.Ports(protocol)
			if len(ports) == 0 {
				continue
			}
			for _, ipv6 := range []bool{false, true} {
				remote := familyText(r.Remote.Prefixes(), ipv6)
				if r.Remote.Any {
					remote = "any"
				}
				for _, local := range []netset.PrefixSet{plain, published} {
					text := familyText(local, ipv6)
					if text == "" || remote == "" || ipv6 && s.table == "ip site" {
						continue
					}
					boxes = append(boxes, box{r.Direction, protocol, ipv6, text, remote, fmt.Sprint(ports), local.Equal(published)})
				}
			}
		}
	}
	return boxes
}

func familyText(s netset.PrefixSet, ipv6 bool) string {
	if ipv6 {
		return s.V6().String()
	}
	return s.V4().String()
}

// nftBoxes returns what nftables holds.
func nftBoxes(rs nftables.Ruleset) []box {
	var boxes []box
	for _, l := range rs.Rules {
		near, far := l.Source, l.Destination
		if l.Direction == rule.Inbound {
			near, far = far, near
		}
		b := box{l.Direction, l.Protocol, l.Family == 6, rs.Prefixes[near].String(), rs.Prefixes[far].String(), fmt.Sprint(l.Ports), l.Published != ""}
		if far == "" {
			b.remote = "any"
		}
		if b.published {
			b.ports = fmt.Sprint(rs.Ports[l.Published])
		}
		boxes = append(boxes, b)
	}
	return boxes
}

// iptablesBoxes returns what iptables and ip6tables hold.
func iptablesBoxes(rs iptables.Ruleset) []box {
	var boxes []box
	for _, l := range rs.Rules {
		near, far := l.Source, l.Destination
		if l.Direction == rule.Inbound {
			near, far = far, near
		}
		b := box{l.Direction, l.Protocol, l.Family == 6, near.String(), far.String(), fmt.Sprint(l.Ports), l.Published}
		if v4, v6 := far.CoversFamily(); v4 || v6 {
			b.remote = "any"
		}
		boxes = append(boxes, b)
	}
	return boxes
}

// boxDifferences compares what an engine holds with what it should.
func boxDifferences(got, want []box) []string {
	var all []string
	count := map[box]int{}
	for _, b := range got {
		count[b]++
	}
	for _, b := range want {
		if count[b]--; count[b] < 0 {
			all = append(all, "the engine does not hold "+boxText(b))
		}
	}
	for b, n := range count {
		if n > 0 {
			all = append(all, "the engine also holds "+boxText(b))
		}
	}
	return all
}

func boxText(b box) string {
	const limit = 300
	text := fmt.Sprintf("%+v", b)
	if len(text) > limit {
		text = text[:limit] + " ..."
	}
	return strings.TrimSpace(text)
}
