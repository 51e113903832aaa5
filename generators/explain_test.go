package generators

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	packetfilter "gatewright/generators/filter"
	"gatewright/generators/iptables"
	"gatewright/generators/nftables"
	"gatewright/generators/pac"
	"gatewright/generators/squid"
	"gatewright/generators/trustedsites"
)

// explainer returns what answers for a generator, or fails the test.
func explainer(t *testing.T, g Generator, p *rule.Policy, s setting) artefact.Explainer {
	t.Helper()
	options, err := artefact.Configure(g.Options(), s.options)
	if err != nil {
		t.Fatalf("%s %s: %v", g.Name(), s.name, err)
	}
	explain, err := g.Explain(p, options)
	if err != nil {
		t.Fatalf("%s %s: %v", g.Name(), s.name, err)
	}
	return explain
}

// answerComplaints holds what an action owes.
func answerComplaints(p *rule.Policy, f rule.Flow, a artefact.Answer) []string {
	var all []string
	complain := func(format string, args ...any) {
		all = append(all, fmt.Sprintf("%s: %+v: ", f, a)+fmt.Sprintf(format, args...))
	}
	switch a.Action {
	case artefact.Accepts, artefact.GoesDirect, artefact.GoesProxy, artefact.Trusts:
		if len(a.By) == 0 {
			complain("nothing says by what")
		}
	case artefact.NoMatch, artefact.NotCarried, artefact.AcceptsIf:
		if a.Why == "" || len(a.By) > 0 {
			complain("want why, and nothing by")
		}
	case artefact.Refuses:
		if a.Why == "" && len(a.By) == 0 {
			complain("neither why nor by what")
		}
	default:
		complain("unknown action")
	}
	if a.Action != artefact.Accepts && a.Action != artefact.AcceptsIf && len(a.Rules) > 0 {
		complain("rules that accept")
	}
	for _, id := range a.Rules {
		if !slices.ContainsFunc(p.Rules, func(r rule.Rule) bool { return r.ID == id }) {
			complain("unknown rule %s", id)
		}
	}
	return all
}

// TestExplainPacketFilters compares the answers for every boundary flow with the
// model, as the engines are in TestPacketFilters.
func TestExplainPacketFilters(t *testing.T) {
	forEachCase(t, func(t *testing.T, p *rule.Policy) {
		for _, g := range []Generator{nftables.Generator{}, iptables.Generator{}} {
			for _, s := range filterSettings(g.Name(), p) {
				explain := explainer(t, g, p, s.setting)
				for _, f := range s.flows(p, nil) {
					a := explain(rule.Question{Flow: f})
					complain(t, answerComplaints(p, f, a))
					if want := s.accepts(p, f); s.explained(p, f) && (a.Action == artefact.Accepts) != want {
						t.Errorf("%s %s answers %+v, the model %t: %s", g.Name(), s.name, a, want, flowText(f))
					}
				}
			}
		}
	})
}

// explained reports whether a flow shows what the rules say: what a gateway of two
// sides does with a flow within one is a matter of its routing.
func (s filterSetting) explained(p *rule.Policy, f rule.Flow) bool {
	return !s.sides || s.site.Local().Contains(f.Local) && !s.site.Local().Contains(f.Remote)
}

// TestExplainIsWhatIsReadBack compares the answers for every boundary flow with what
// the kernel holds of the artefacts, as their readers decide.
func TestExplainIsWhatIsReadBack(t *testing.T) {
	forEachCase(t, func(t *testing.T, p *rule.Policy) {
		s := filterSettings("nftables", p)[0]
		g := gateway(t, s.site)
		out := generate(t, nftables.Generator{}, p, s.setting)
		loadTwice(t, func() error { return g.LoadNFT(out.Artefacts[0].Data) })
		dump, err := g.DumpNFT()
		if err != nil {
			t.Fatal(err)
		}
		rs, err := nftables.ReadBack(dump, s.table)
		if err != nil {
			t.Fatal(err)
		}
		compareReadBack(t, explainer(t, nftables.Generator{}, p, s.setting), acceptedBy(&rs), s.flows(p, nil))
	})
	for _, number := range []int{0, 1} { // default and mark
		forEachCase(t, func(t *testing.T, p *rule.Policy) {
			s := filterSettings("iptables", p)[number]
			g := gateway(t, s.site)
			out := generate(t, iptables.Generator{}, p, s.setting)
			loadTwice(t, func() error { return g.LoadIptables(engine.IptablesNFT, out.Artefacts) })
			dump, err := g.DumpIptables(engine.IptablesNFT)
			if err != nil {
				t.Fatal(err)
			}
			rs, err := iptables.ReadBack(iptables.Dump(dump), []string{"filter", "mangle"}[number])
			if err != nil {
				t.Fatal(err)
			}
			compareReadBack(t, explainer(t, iptables.Generator{}, p, s.setting), acceptedByEither(&rs), s.flows(p, nil))
		})
	}
}

// acceptedBy is what the chain for a flow's direction accepts.
func acceptedBy(rs *packetfilter.Ruleset) func(rule.Flow) bool {
	return func(f rule.Flow) bool {
		all := rs.Walk(packetfilter.EntryOf(f.Direction), packetfilter.PacketOf(artefact.Packet{Flow: f}))
		return len(all) == 1 && all[0].Verdict == packetfilter.Accept
	}
}

// acceptedByEither is acceptedBy for iptables, by the address family.
func acceptedByEither(h *iptables.Held) func(rule.Flow) bool {
	v4, v6 := acceptedBy(&h.IPv4), acceptedBy(&h.IPv6)
	return func(f rule.Flow) bool { return f.Local.Is4() && v4(f) || f.Local.Is6() && v6(f) }
}

// compareReadBack compares answers with what a chain for each direction accepts, of
// which a gateway asks both.
func compareReadBack(t *testing.T, explain artefact.Explainer, accepts func(rule.Flow) bool, flows []rule.Flow) {
	t.Helper()
	for _, f := range flows {
		seen := rule.Seen(f, rule.PacketFilter)
		if a, want := explain(rule.Question{Flow: f}), accepts(seen) || accepts(reversed(seen)); (a.Action == artefact.Accepts) != want {
			t.Errorf("the answer is %+v, what is read back accepts %t: %s", a, want, flowText(f))
		}
	}
}

// TestExplainPAC compares the answers for every request with the policy's route.
func TestExplainPAC(t *testing.T) {
	forEachCase(t, func(t *testing.T, p *rule.Policy) {
		for _, s := range pacSettings(p) {
			explain := explainer(t, pac.Generator{}, p, s)
			for _, f := range requests(p) {
				a := explain(rule.Question{Flow: f})
				complain(t, answerComplaints(p, f, a))
				ours := slices.ContainsFunc(p.Bindings, func(b rule.Binding) bool { return b.Local().Contains(f.Local) })
				want := answerOf(route(p, f))
				switch {
				case !ours && len(p.Bindings) > 0:
					want = ""
				case len(p.Bindings) == 0: // the file is for clients, who have no address
					continue
				}
				if got := strings.Join(a.By, ""); got != want || (want == "DIRECT") != (a.Action == artefact.GoesDirect) {
					t.Errorf("the answer is %+v, the policy's %q: %s", a, want, flowText(f))
				}
			}
		}
	})
}

// TestExplainSquid compares the answers for every request, as CONNECT, plain and of
// either kind, with the model and with what Debian's lines leave of it.
func TestExplainSquid(t *testing.T) {
	forEachCase(t, func(t *testing.T, p *rule.Policy) {
		for _, s := range append(squidSettings(), setting{name: "default"}) {
			explain := explainer(t, squid.Generator{}, p, s)
			for _, f := range requests(p) {
				decision := p.Decide(rule.Seen(f, rule.Proxy))
				want := engine.SquidAnswer{Connect: decision.Accept(), Get: decision.Accept()}
				if s.name == "conf.d" {
					want = want.AfterDebian(f.Port)
				}
				for scheme, accepts := range map[string]bool{"https": want.Connect, "wss": want.Connect, "http": want.Get, "": want.Connect || want.Get} {
					a := explain(rule.Question{Flow: f, Scheme: scheme})
					complain(t, answerComplaints(p, f, a))
					if (a.Action == artefact.Accepts) != accepts || accepts && !slices.Equal(a.Rules, decision.Rules) {
						t.Errorf("%s: the answer is %+v, the model %s by %v: %s %s", s.name, a, want, decision.Rules, scheme, flowText(f))
					}
					if both := strings.Contains(a.Why, "accepts plain requests; "); both != (scheme == "" && want.Connect != want.Get) {
						t.Errorf("%s: the answer is %+v, the model %s: %s %s", s.name, a, want, scheme, flowText(f))
					}
				}
			}
		}
	})
}

// TestExplainSquidPorts asks for every port that the rule has, at the place that
// Debian's lines come before.
func TestExplainSquidPorts(t *testing.T) {
	p := ruletest.Compile(t, rule.Input{
		Bindings: []rule.Binding{{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/8")}},
		Grants:   []rule.Grant{ruletest.Grant(t, "sample/one", "", rule.Outbound, "clients", "tcp 1-65535", "www.example.com")},
	})
	explain := explainer(t, squid.Generator{}, p, setting{options: map[string][]string{"place": {"conf.d"}}})
	for port := uint16(65535); port > 0; port-- {
		f := rule.Flow{Direction: rule.Outbound, Protocol: netset.TCP, Port: port, Name: "www.example.com", Local: netip.MustParseAddr("10.0.0.1")}
		want := engine.SquidAnswer{Connect: true, Get: true}.AfterDebian(port)
		got := engine.SquidAnswer{
			Connect: explain(rule.Question{Flow: f, Scheme: "https"}).Action == artefact.Accepts,
			Get:     explain(rule.Question{Flow: f, Scheme: "http"}).Action == artefact.Accepts,
		}
		if got != want {
			t.Errorf("port %d: the answers are %s; want %s", port, got, want)
		}
	}
}

// TestExplainTrustedSites compares the answers for names at and around each pattern
// with what is read back.
func TestExplainTrustedSites(t *testing.T) {
	forEachCase(t, func(t *testing.T, p *rule.Policy) {
		for _, s := range append(trustedSitesSettings(), setting{name: "default"}) {
			explain := explainer(t, trustedsites.Generator{}, p, s)
			zone, err := trustedsites.Generator{}.Read(artefact.FilesOf(generate(t, trustedsites.Generator{}, p, s).Artefacts))
			if err != nil {
				t.Fatal(err)
			}
			for pattern := range trusted(p).Patterns() {
				for _, name := range engine.BoundaryNames(pattern) {
					f := rule.Flow{Direction: rule.Outbound, Protocol: netset.TCP, Port: 443, Name: name}
					a := explain(rule.Question{Flow: f})
					complain(t, answerComplaints(p, f, a))
					if (a.Action == artefact.Trusts) != zone.Trusts(name) {
						t.Errorf("%s: the answer is %+v, the zone trusts %t: %s", s.name, a, zone.Trusts(name), name)
					}
				}
			}
		}
	})
}

// TestExplainNotCarried holds what each backend says of flows that never come to it,
// or of which it sees too little.
func TestExplainNotCarried(t *testing.T) {
	flows := []string{
		"inbound tcp 192.0.2.1 to 10.0.0.1:443", "outbound udp 192.0.2.1:443 from 10.0.0.1",
		"outbound tcp unlisted.invalid:443 from 10.0.0.1",
	}
	forEachCase(t, func(t *testing.T, p *rule.Policy) {
		for _, g := range All() {
			for _, s := range settingsOf(g, p) {
				explain := explainer(t, g, p, s)
				for i, text := range flows {
					q, err := rule.ParseFlow(text)
					if err != nil {
						t.Fatal(err)
					}
					a := explain(q)
					complain(t, answerComplaints(p, q.Flow, a))
					filter := g.Name() == "nftables" || g.Name() == "iptables"
					if i < 2 && !filter && a.Action != artefact.NotCarried {
						t.Errorf("%s answers %+v: %s", g.Name(), a, text)
					}
				}
			}
		}
	})
}

// forEachCase calls f with the policy of every case.
func forEachCase(t *testing.T, f func(t *testing.T, p *rule.Policy)) {
	for _, c := range corpus(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f(t, c.compile(t))
		})
	}
}

// TestRandomPoliciesExplained compares the answers with the model for random policies
// and flows.
func TestRandomPoliciesExplained(t *testing.T) {
	t.Parallel()
	const flowsEach = 500
	byChance(t, 5, amount(500_000), func(t *testing.T, r *rand.Rand, p *rule.Policy, count counter) []string {
		flows := randomFlows(r, p, engine.EveryBoundaryFlow(p), flowsEach, func(f rule.Flow) (rule.Flow, bool) {
			return f, f.Local.Is4() == f.Remote.Is4()
		})
		asked, all := 0, []string(nil)
		compare := func(g Generator, s setting, f rule.Flow, ok bool, a artefact.Answer) {
			asked++
			if !ok {
				all = append(all, fmt.Sprintf("%s %s answers %+v: %s", g.Name(), s.name, a, flowText(f)))
			}
		}
		for _, g := range []Generator{nftables.Generator{}, iptables.Generator{}} {
			for _, s := range filterSettings(g.Name(), p) {
				if s.sides || s.site.Place == engine.Host {
					continue
				}
				explain := explainer(t, g, p, s.setting)
				for _, f := range flows {
					a := explain(rule.Question{Flow: f})
					compare(g, s.setting, f, (a.Action == artefact.Accepts) == s.accepts(p, f), a)
				}
			}
		}
		proxied := pacSettings(p)[0]
		browse, proxy := explainer(t, pac.Generator{}, p, proxied), explainer(t, squid.Generator{}, p, setting{name: "default"})
		for _, f := range flows {
			a := proxy(rule.Question{Flow: f})
			compare(squid.Generator{}, setting{name: "default"}, f, f.Direction == rule.Inbound || f.Protocol == netset.UDP ||
				(a.Action == artefact.Accepts) == p.Decide(rule.Seen(f, rule.Proxy)).Accept(), a)
			a = browse(rule.Question{Flow: f})
			compare(pac.Generator{}, proxied, f, a.Action == artefact.NotCarried || strings.Join(a.By, "") == answerOf(route(p, f)), a)
		}
		count("explain, by the model of each backend", figure{len(flows), asked, 0})
		return all
	})
}
