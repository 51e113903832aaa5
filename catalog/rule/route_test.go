package rule

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
)

// slowRoute lists every endpoint of every grant, sorts the ones that match by the
// words of the definition, and takes the first.
func slowRoute(in Input, f Flow, roles ...Role) Via {
	type candidate struct {
		exact         bool
		labels, route int
	}
	var found []candidate
	for _, g := range in.Grants {
		if g.Route == NoRoute || g.Direction != Outbound || f.Direction != Outbound || f.Protocol != netset.TCP ||
			!slices.Contains(roles, g.Role) || !g.Services.Contains(f.Protocol, f.Port) {
			continue
		}
		switch {
		case g.Any && (f.Name != "" || f.Remote.IsValid()):
			found = append(found, candidate{false, 0, g.Route})
		case f.Name != "":
			for _, n := range g.Names {
				if n.Match(f.Name) {
					found = append(found, candidate{!strings.Contains(n.String(), "*"), 1 + strings.Count(n.String(), "."), g.Route})
				}
			}
		default:
			for p := range g.Prefixes.Prefixes() {
				if p.Contains(f.Remote) {
					found = append(found, candidate{false, 1 + p.Bits(), g.Route})
				}
			}
		}
	}
	if len(found) == 0 {
		return Proxied
	}
	slices.SortFunc(found, func(a, b candidate) int {
		switch {
		case a.exact != b.exact && a.exact:
			return -1
		case a.exact != b.exact:
			return 1
		case a.labels != b.labels:
			return b.labels - a.labels
		}
		return a.route - b.route
	})
	return in.Routes[found[0].route]
}

func TestRouteAgreesWithItsDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	seen := map[Via]int{}
	for range 1500 {
		in := randomInput(t, r)
		p := mustCompile(t, in)
		for range 120 {
			f := randomFlow(r)
			got, want := p.Route(f, "clients", "exchange"), slowRoute(in, f, "clients", "exchange")
			if got != want {
				t.Fatalf("%v: route %s, want %s\n%+v", f, got, want, in.Grants)
			}
			seen[got]++
		}
	}
	for _, via := range []Via{Direct, Proxied, "other:8080"} {
		if seen[via] < 500 {
			t.Errorf("only %d flows went %s; the test is too weak", seen[via], via)
		}
	}
}

func TestSeen(t *testing.T) {
	a := netip.MustParseAddr("192.0.2.1")
	whole := Flow{Name: "example.com", Remote: a}
	if got := Seen(whole, PacketFilter); got.Name != "" || got.Remote != a {
		t.Errorf("a packet filter sees %+v", got)
	}
	if got := Seen(whole, Proxy); got.Name != "example.com" || got.Remote.IsValid() {
		t.Errorf("a proxy sees %+v of a named flow", got)
	}
	if got := Seen(Flow{Remote: a}, Proxy); got.Remote != a {
		t.Errorf("a proxy sees %+v of a literal", got)
	}
}

func TestFlowString(t *testing.T) {
	for _, test := range []struct {
		flow Flow
		want string
	}{
		{Flow{Direction: Outbound, Protocol: netset.TCP, Port: 443, Name: "example.com"}, "outbound tcp example.com:443"},
		{Flow{Direction: Outbound, Protocol: netset.TCP, Port: 443, Name: "example.com", Remote: netip.MustParseAddr("2001:db8::1"), Local: netip.MustParseAddr("fd00::1")}, "outbound tcp example.com=[2001:db8::1]:443 from fd00::1"},
		{Flow{Direction: Inbound, Protocol: netset.UDP, Port: 8443, Published: 443, Remote: netip.MustParseAddr("192.0.2.1"), Local: netip.MustParseAddr("10.0.0.5")}, "inbound udp 192.0.2.1 to 10.0.0.5:8443 published 443"},
	} {
		if got := test.flow.String(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
