package iptables

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	"gatewright/generators/engine/enginetest"
)

// TestChangedFilesLeaveNothing loads 30 policies, each by the commands of its headers:
// in the end there are the chains and sets of the last one alone.
func TestChangedFilesLeaveNothing(t *testing.T) {
	bindings := []rule.Binding{{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/8")}}
	load := func(g *enginetest.Gateway, n int) {
		t.Helper()
		var b netset.PrefixBuilder
		for i := range 40 + n%7 {
			b.Add(netip.PrefixFrom(netip.AddrFrom4([4]byte{20, byte(n), byte(2 * i), 0}), 24))
		}
		many := ruletest.Grant(t, "sample/many", fmt.Sprint("many", n%5), rule.Outbound, "clients", "tcp 443")
		many.Prefixes = b.Build()
		few := ruletest.Grant(t, "sample/few", fmt.Sprint("few", n%3), rule.Outbound, "clients", fmt.Sprint("udp ", n+1), "198.51.100.0/24", "2001:db8::/32")
		e := example{in: rule.Input{Bindings: bindings, Grants: []rule.Grant{many, few}}, inline: 20}
		was := maxInline
		defer func() { maxInline = was }()
		maxInline = e.inline
		out, err := generate(t, e.in, nil)
		if err == nil {
			err = g.LoadByCommand(out.Artefacts)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	names := func(g *enginetest.Gateway) (ours []string) {
		dump, err := g.DumpIptables(engine.IptablesDefault)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range [][]byte{dump.Ipset, dump.IPv4, dump.IPv6} {
			for line := range strings.Lines(string(text)) {
				words := strings.Fields(line)
				if len(words) > 1 && (strings.HasPrefix(words[0], ":"+prefix) || words[0] == "create" && strings.HasPrefix(words[1], prefix)) {
					ours = append(ours, strings.TrimPrefix(words[0]+" "+words[1], ":"))
				}
			}
		}
		slices.Sort(ours)
		return ours
	}
	fresh := func() *enginetest.Gateway {
		g, err := enginetest.NewGateway(t.Context(), enginetest.Site{Bindings: bindings, Mode: artefact.ModeChains})
		if err == nil {
			err = g.LoadIptables(engine.IptablesDefault, []artefact.Artefact(nil))
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(g.Close)
		return g
	}
	g, one := fresh(), fresh()
	for n := range 30 {
		load(g, n)
	}
	load(one, 29)
	if got, want := names(g), names(one); !slices.Equal(got, want) || !slices.ContainsFunc(want, func(n string) bool { return strings.HasPrefix(n, "create ") }) {
		t.Errorf("after 30 loads there are\n%s\nafter one\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
