package enginetest

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
)

func flow(d rule.Direction, proto netset.Protocol, local, remote string, port, published uint16) rule.Flow {
	return rule.Flow{Direction: d, Protocol: proto, Port: port, Published: published, Local: netip.MustParseAddr(local), Remote: netip.MustParseAddr(remote)}
}

// handmade is an artefact whose answers are known.
const handmade = `add table inet filter
add chain inet filter gatewright_outbound
add chain inet filter gatewright_inbound
flush chain inet filter gatewright_outbound
flush chain inet filter gatewright_inbound
add rule inet filter gatewright_outbound ip daddr 52.112.0.0/14 tcp dport 443 accept
add rule inet filter gatewright_outbound ip6 daddr 2603:1010::/32 udp dport 50000-59999 accept
add rule inet filter gatewright_inbound ip saddr 52.125.128.0/20 ip daddr 10.0.0.5 tcp dport 8443 accept
add rule inet filter gatewright_inbound ip6 saddr 2603:1010::/32 ip6 daddr fd00::5 meta l4proto tcp ct original proto-dst 443 accept
`

// asked is a flow and the answer of handmade.
type asked struct {
	flow   rule.Flow
	accept bool
}

func handmadeFlows() []asked {
	out, in := rule.Outbound, rule.Inbound
	return []asked{
		{flow(out, netset.TCP, "10.0.0.9", "52.112.0.0", 443, 0), true},
		{flow(out, netset.TCP, "10.0.0.9", "52.111.255.255", 443, 0), false},
		{flow(out, netset.UDP, "10.0.0.9", "52.112.0.0", 443, 0), false},
		{flow(out, netset.TCP, "10.0.0.9", "52.115.255.255", 443, 0), true},
		{flow(out, netset.UDP, "fd00::9", "2603:1010::1", 50000, 0), true},
		{flow(out, netset.UDP, "fd00::9", "2603:1010::1", 49999, 0), false},
		{flow(in, netset.TCP, "10.0.0.5", "52.125.128.9", 8443, 0), true},
		{flow(in, netset.TCP, "10.0.0.5", "52.125.128.9", 8443, 443), true},
		{flow(in, netset.TCP, "10.0.0.5", "52.125.128.9", 443, 8443), false},
		{flow(in, netset.TCP, "fd00::5", "2603:1010::9", 8443, 443), true},
		{flow(in, netset.TCP, "fd00::5", "2603:1010::9", 443, 8443), false},
		{flow(in, netset.TCP, "fd00::5", "2603:1010::9", 443, 0), true},
	}
}

func newGateway(t *testing.T, place artefact.Place) *Gateway {
	t.Helper()
	site := Site{Place: place, Bindings: []rule.Binding{{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/8", "fd00::/8")}}}
	g, err := NewGateway(context.Background(), site)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// TestDecide asks more flows than fit in one batch, through a gateway and at it.
func TestDecide(t *testing.T) {
	for _, place := range []artefact.Place{artefact.PlaceForward, artefact.PlaceHost} {
		g := newGateway(t, place)
		for range 2 {
			if err := g.LoadNFT([]byte(handmade)); err != nil {
				t.Fatal(err)
			}
		}
		var flows []rule.Flow
		for range 200 {
			for _, a := range handmadeFlows() {
				flows = append(flows, a.flow)
			}
		}
		got, err := g.Decide(flows)
		if err != nil {
			t.Fatal(err)
		}
		for i, accept := range got {
			if want := handmadeFlows()[i%12].accept; accept != want {
				t.Fatalf("%s: flow %d, %+v: accepted %t", place, i, flows[i], accept)
			}
		}
	}
}

// TestLostProbesAreNoVerdict drops probes where the counters are not looking: before
// they are counted as entered, and after they are counted as left.
func TestLostProbesAreNoVerdict(t *testing.T) {
	for _, hook := range []string{"prerouting priority -460", "postrouting priority 460"} {
		g := newGateway(t, artefact.PlaceForward)
		if err := g.LoadNFT([]byte(handmade)); err != nil {
			t.Fatal(err)
		}
		thief := "table inet thief { chain steal { type filter hook " + hook + "; policy drop; }\n }\n"
		if err := g.LoadNFT([]byte(thief)); err != nil {
			t.Fatal(err)
		}
		if verdicts, err := g.Decide([]rule.Flow{handmadeFlows()[0].flow}); err == nil {
			t.Errorf("%s: a lost probe is judged: %v", hook, verdicts)
		}
	}
}

func TestDecideRefuses(t *testing.T) {
	g := newGateway(t, artefact.PlaceForward)
	if _, err := g.Decide(nil); err == nil || err.Error() != "no ruleset is loaded" {
		t.Errorf("without a ruleset: %v", err)
	}
	if err := g.LoadNFT([]byte(handmade)); err != nil {
		t.Fatal(err)
	}
	for _, f := range []rule.Flow{
		{},
		flow(rule.Outbound, netset.TCP, "10.0.0.1", "2603:1010::1", 443, 0),
		flow(rule.Outbound, netset.TCP, "10.0.0.1", "224.0.0.1", 443, 0),
		flow(rule.Outbound, netset.TCP, "10.0.0.1", "127.0.0.1", 443, 0),
		flow(rule.Outbound, netset.TCP, "fe80::1", "2603:1010::1", 443, 0),
		flow(rule.Outbound, netset.TCP, "10.0.0.1", "10.0.0.1", 443, 0),
		flow(rule.Outbound, netset.TCP, "10.0.0.1", "52.112.0.0", 0, 0),
	} {
		if _, err := g.Decide([]rule.Flow{f}); err == nil {
			t.Errorf("%+v is sent", f)
		}
	}
}

func TestLoadErrorsSayWhatTheToolSaid(t *testing.T) {
	g := newGateway(t, artefact.PlaceForward)
	if err := g.LoadNFT([]byte("add rule inet nowhere nothing accept\n")); err == nil || !strings.Contains(err.Error(), "No such file or directory") {
		t.Errorf("nft: %v", err)
	}
	for _, variant := range []engine.Variant{engine.IptablesNFT, engine.IptablesLegacy} {
		bad := []artefact.Artefact{{Name: "a.iptables", Data: []byte("*filter\n-A nowhere -j ACCEPT\nCOMMIT\n")}}
		if err := newGateway(t, artefact.PlaceForward).LoadIptables(variant, bad); err == nil || !strings.Contains(err.Error(), "iptables-"+string(variant)+"-restore") {
			t.Errorf("%s: %v", variant, err)
		}
	}
	unknown := []artefact.Artefact{{Name: "proxy.pac"}}
	if err := g.LoadIptables(engine.IptablesNFT, unknown); err == nil {
		t.Error("a PAC file is loaded by iptables")
	}
}

// TestGatewayLeavesNothing holds that a closed gateway leaves no folder, and no
// interface where we live.
func TestGatewayLeavesNothing(t *testing.T) {
	g := newGateway(t, artefact.PlaceHost)
	if err := g.LoadNFT([]byte(handmade)); err != nil {
		t.Fatal(err)
	}
	dir := g.inside.dir
	g.Close()
	g.Close()
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is left: %v", dir, err)
	}
	for _, name := range []string{WAN, LAN, "wan", "lan"} {
		if _, err := net.InterfaceByName(name); err == nil {
			t.Errorf("interface %s is outside of its namespace", name)
		}
	}
}
