package engine

import (
	"context"
	"net/netip"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

func prefixes(t *testing.T, texts ...string) netset.PrefixSet {
	t.Helper()
	var b netset.PrefixBuilder
	for _, text := range texts {
		p, _, err := netset.ParsePrefix(text)
		if err != nil {
			t.Fatal(err)
		}
		b.Add(p)
	}
	return b.Build()
}

func flow(d rule.Direction, proto netset.Protocol, local, remote string, port, published uint16) rule.Flow {
	return rule.Flow{Direction: d, Protocol: proto, Port: port, Published: published, Local: netip.MustParseAddr(local), Remote: netip.MustParseAddr(remote)}
}

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

func TestDecide(t *testing.T) {
	site := Site{Bindings: []rule.Binding{{Role: "clients", Addresses: prefixes(t, "10.0.0.0/8", "fd00::/8")}}}
	for _, place := range []Place{Forward, Host} {
		site.Place = place
		g, err := NewGateway(context.Background(), site)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		for range 2 {
			if err := g.LoadNFT([]byte(handmade)); err != nil {
				t.Fatal(err)
			}
		}
		flows := []rule.Flow{
			flow(rule.Outbound, netset.TCP, "10.0.0.9", "52.112.0.0", 443, 0),
			flow(rule.Outbound, netset.TCP, "10.0.0.9", "52.111.255.255", 443, 0),
			flow(rule.Outbound, netset.UDP, "10.0.0.9", "52.112.0.0", 443, 0),
			flow(rule.Outbound, netset.TCP, "10.0.0.9", "52.115.255.255", 443, 0),
			flow(rule.Outbound, netset.UDP, "fd00::9", "2603:1010::1", 50000, 0),
			flow(rule.Outbound, netset.UDP, "fd00::9", "2603:1010::1", 49999, 0),
			flow(rule.Inbound, netset.TCP, "10.0.0.5", "52.125.128.9", 8443, 0),
			flow(rule.Inbound, netset.TCP, "10.0.0.5", "52.125.128.9", 8443, 443),
			flow(rule.Inbound, netset.TCP, "10.0.0.5", "52.125.128.9", 443, 8443),
			flow(rule.Inbound, netset.TCP, "fd00::5", "2603:1010::9", 8443, 443),
			flow(rule.Inbound, netset.TCP, "fd00::5", "2603:1010::9", 443, 8443),
			flow(rule.Inbound, netset.TCP, "fd00::5", "2603:1010::9", 443, 0),
		}
		want := []bool{true, false, false, true, true, false, true, true, false, true, false, true}
		for range 200 {
			flows = append(flows, flows[:12]...)
			want = append(want, want[:12]...)
		}
		got, err := g.Decide(flows)
		if err != nil {
			t.Fatal(err)
		}
		for i := range flows {
			if got[i] != want[i] {
				t.Fatalf("%s: %+v: accepted %t", place, flows[i], got[i])
			}
		}
	}
}
