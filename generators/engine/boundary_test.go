package engine

import (
	"net/netip"
	"slices"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
)

func compile(t *testing.T, in rule.Input) *rule.Policy {
	t.Helper()
	p, err := rule.Compile(in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func pattern(t *testing.T, text string) netset.Pattern {
	t.Helper()
	p, err := netset.ParsePattern(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func serviceSet(t *testing.T, text string) netset.ServiceSet {
	t.Helper()
	s, err := netset.ParseServices(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// twoRules has an outbound rule of names with addresses and an inbound rule to a
// published role.
func twoRules(t *testing.T) *rule.Policy {
	return compile(t, rule.Input{
		Bindings: []rule.Binding{
			{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/8", "fd00::/8")},
			{Role: "sts", Addresses: ruletest.Prefixes(t, "172.16.0.5"), Published: ruletest.Prefixes(t, "172.16.0.6")},
		},
		Grants: []rule.Grant{
			{
				Entry: rule.Entry{ID: "a"}, Group: "a", Direction: rule.Outbound, Role: "clients", Route: rule.NoRoute,
				Names: []netset.Pattern{pattern(t, "*.example.com")}, Prefixes: ruletest.Prefixes(t, "52.112.0.0/14", "2603:1010::/32"),
				Services: serviceSet(t, "tcp 80, 443; udp 3478-3481"),
			},
			{
				Entry: rule.Entry{ID: "b"}, Group: "b", Direction: rule.Inbound, Role: "sts", Route: rule.NoRoute,
				Prefixes: ruletest.Prefixes(t, "104.211.54.99"), Services: serviceSet(t, "tcp 443"),
			},
		},
	})
}

func TestBoundaryFlowsAskBothSidesOfEveryEdge(t *testing.T) {
	p := twoRules(t)
	flows := BoundaryFlows(p, Limits{Prefixes: 6, Ranges: 6, Patterns: 10})
	out, in := rule.Outbound, rule.Inbound
	named := flow(out, netset.TCP, "10.0.0.0", "52.112.0.0", 80, 0)
	named.Name = "deeper.any.example.com"
	apex := flow(out, netset.TCP, "10.0.0.0", "192.0.2.1", 80, 0)
	apex.Name = "example.com"
	for _, tt := range []struct {
		claim  string
		flow   rule.Flow
		accept bool
	}{
		{"first address", flow(out, netset.TCP, "10.0.0.0", "52.112.0.0", 80, 0), true},
		{"before the first address", flow(out, netset.TCP, "10.0.0.0", "52.111.255.255", 80, 0), false},
		{"last address", flow(out, netset.TCP, "10.0.0.0", "52.115.255.255", 80, 0), true},
		{"after the last address", flow(out, netset.TCP, "10.0.0.0", "52.116.0.0", 80, 0), false},
		{"IPv6", flow(out, netset.TCP, "fd00::", "2603:1010::", 80, 0), true},
		{"after the last IPv6 address", flow(out, netset.TCP, "fd00::", "2603:1011::", 80, 0), false},
		{"last of a port range", flow(out, netset.UDP, "10.0.0.0", "52.112.0.0", 3481, 0), true},
		{"after a port range", flow(out, netset.UDP, "10.0.0.0", "52.112.0.0", 3482, 0), false},
		{"other protocol", flow(out, netset.TCP, "10.0.0.0", "52.112.0.0", 3481, 0), false},
		{"other direction", flow(in, netset.TCP, "10.0.0.0", "52.112.0.0", 80, 0), false},
		{"outside the role", flow(out, netset.TCP, "11.0.0.0", "52.112.0.0", 80, 0), false},
		{"other role", flow(out, netset.TCP, "172.16.0.5", "52.112.0.0", 80, 0), false},
		{"published port of a published address", flow(in, netset.TCP, "172.16.0.6", "104.211.54.99", 8443, 443), true},
		{"published port of another address", flow(in, netset.TCP, "172.16.0.5", "104.211.54.99", 8443, 443), false},
		{"real port of a published address", flow(in, netset.TCP, "172.16.0.6", "104.211.54.99", 443, 8443), false},
		{"family that the remote lacks", flow(in, netset.TCP, "2001:db8::1", "2001:db8::1", 443, 0), false},
		{"name deeper than its pattern, at its address", named, true},
		{"apex, at an address of nobody", apex, false},
	} {
		if !slices.Contains(flows, tt.flow) {
			t.Errorf("%s: not asked: %+v", tt.claim, tt.flow)
		}
		if p.Decide(tt.flow).Accept() != tt.accept {
			t.Errorf("%s: %+v: the model accepts %t", tt.claim, tt.flow, !tt.accept)
		}
	}
}

func TestBoundaryFlowsAreSoundAndEachOnce(t *testing.T) {
	p := twoRules(t)
	flows := BoundaryFlows(p, Limits{Prefixes: 6, Ranges: 6, Patterns: 10})
	if !slices.Equal(flows, BoundaryFlows(p, Limits{Prefixes: 6, Ranges: 6, Patterns: 10})) {
		t.Error("the second call gives other flows")
	}
	seen := map[rule.Flow]bool{}
	for _, f := range flows {
		if f.Local.Is4() != f.Remote.Is4() || f.Port == 0 {
			t.Errorf("unsound flow %+v", f)
		}
		if seen[f] {
			t.Errorf("flow %+v is asked twice", f)
		}
		seen[f] = true
	}
}

func TestBoundaryFlowsAreBounded(t *testing.T) {
	var b netset.PrefixBuilder
	a := netip.MustParseAddr("20.0.0.0")
	for range 5000 {
		b.Add(netip.PrefixFrom(a, 32))
		a = a.Next().Next()
	}
	p := compile(t, rule.Input{
		Bindings: []rule.Binding{{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/8")}},
		Grants: []rule.Grant{{
			Entry: rule.Entry{ID: "a"}, Direction: rule.Outbound, Role: "clients", Route: rule.NoRoute,
			Prefixes: b.Build(), Services: serviceSet(t, "tcp 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21"),
		}},
	})
	if n := len(BoundaryFlows(p, Limits{Prefixes: 6, Ranges: 6, Patterns: 10})); n < 50 || n > 500 {
		t.Errorf("%d flows for one rule of 5,000 prefixes; want some hundreds", n)
	}
	asked := map[netip.Addr]bool{}
	for _, f := range BoundaryFlows(p, Limits{}) {
		asked[f.Remote] = true
	}
	for first, last := range b.Build().Ranges() {
		for _, a := range []netip.Addr{first.Prev(), first, last, last.Next()} {
			if !asked[a] {
				t.Fatalf("without a bound, %s is not asked", a)
			}
		}
	}
}

func flow(d rule.Direction, proto netset.Protocol, local, remote string, port, published uint16) rule.Flow {
	return rule.Flow{Direction: d, Protocol: proto, Port: port, Published: published, Local: netip.MustParseAddr(local), Remote: netip.MustParseAddr(remote)}
}
