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
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	"gatewright/generators/pac"
	"gatewright/generators/trustedsites"
)

// backend is a generator under a setting, as the engines have been shown to answer
// whole flows.
type backend struct {
	generator Generator
	setting   setting
	layer     rule.Layer
	carries   func(rule.Flow) bool
	accepts   func(rule.Flow) bool
}

// backends are those that accept or deny.
func backends(t *testing.T, p *rule.Policy) []backend {
	var all []backend
	for _, g := range All() {
		switch g.Name() {
		case "nftables", "iptables":
			for _, s := range filterSettings(g.Name(), p) {
				all = append(all, backend{g, s.setting, rule.PacketFilter, s.decided(p), func(f rule.Flow) bool { return s.accepts(p, f) }})
			}
		case "squid":
			for _, s := range settingsOf(g, p) {
				settings := s.settings(t, g)
				all = append(all, backend{g, s, rule.Proxy, requested, func(f rule.Flow) bool { return squidAccepts(p, settings, f) }})
			}
		}
	}
	return all
}

// decided tells the flows that come to a packet filter and on which its verdicts are:
// not those that it cannot tell from the opposite one, nor from one end of our own to
// the other.
func (s filterSetting) decided(p *rule.Policy) func(rule.Flow) bool {
	return func(f rule.Flow) bool {
		if !s.site.Carries(f) || s.site.Local().Contains(f.Remote) {
			return false
		}
		return s.site.Place == engine.Host || !p.Decide(reversed(rule.Seen(f, rule.PacketFilter))).Accept()
	}
}

// requested reports whether a flow is a request that a proxy carries.
func requested(f rule.Flow) bool {
	return f.Direction == rule.Outbound && f.Protocol == netset.TCP && (f.Name != "" || !f.Remote.Unmap().IsUnspecified())
}

// unicast are the addresses to which a flow between two machines can go.
var unicast = []string{"1.0.0.0-223.255.255.255", "240.0.0.0-255.255.255.254", "1::-feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}

// whole reports whether verdicts are on a flow: it can be, and keeps the publishers'
// promise.
func whole(p *rule.Policy, f rule.Flow) bool {
	return engine.HonoursPromise(p, f) && slices.ContainsFunc(unicast, func(text string) bool {
		first, last, _ := strings.Cut(text, "-")
		return netip.MustParseAddr(first).Compare(f.Remote) <= 0 && f.Remote.Compare(netip.MustParseAddr(last)) <= 0
	})
}

// verdictComplaints holds the coverage of a policy to its whole flows that keep the
// publishers' promise: where a backend denies what a rule accepts, the rule is
// narrower, wider or absent; where it accepts what no rule does, a rule that it sees
// accept is wider; of an absent rule and one that does not apply it accepts nothing.
func (b backend) verdictComplaints(p *rule.Policy, coverage []artefact.Coverage, flows []rule.Flow) []string {
	var all []string
	say := func(r int, f rule.Flow, what string) {
		all = append(all, fmt.Sprintf("%s %s: rule %s is %s, but the backend %s: %s", b.generator.Name(), b.setting.name, p.Rules[r].ID, coverage[r].Verdict, what, flowText(f)))
	}
	for _, f := range flows {
		if !b.carries(f) || !whole(p, f) {
			continue
		}
		accepted, want := b.accepts(f), p.Decide(f).Accept()
		for i := range p.Rules {
			r, verdict := &p.Rules[i], coverage[i].Verdict
			none := verdict == artefact.NotApplicable || verdict == artefact.Absent
			switch {
			case want && !accepted && p.Accepts(r, f) && (verdict == artefact.Exact || verdict == artefact.NotApplicable):
				say(i, f, "denies what it accepts")
			case accepted && !want && p.Accepts(r, rule.Seen(f, b.layer)) && verdict != artefact.Wider:
				say(i, f, "accepts by it what it denies")
			case none && accepted && p.Accepts(r, rule.Seen(f, b.layer)):
				say(i, f, "sees it accept")
			}
		}
	}
	return all
}

// wayComplaints holds the coverage of a PAC file: a request by a name that nobody
// lists, to an address in a prefix of a rule, goes the way of its address unless the
// rule is narrower.
func wayComplaints(p *rule.Policy, coverage []artefact.Coverage, flows []rule.Flow) []string {
	var all []string
	listed := func(name string) bool {
		return slices.ContainsFunc(p.Rules, func(r rule.Rule) bool { return r.Remote.Names().Match(name) })
	}
	for _, f := range flows {
		if !requested(f) || f.Name == "" || listed(f.Name) || !whole(p, f) || route(p, f) == route(p, literal(f)) {
			continue
		}
		for i := range p.Rules {
			if p.Accepts(&p.Rules[i], f) && p.Rules[i].Remote.Prefixes().Contains(f.Remote) && coverage[i].Verdict != artefact.Narrower {
				all = append(all, fmt.Sprintf("pac: rule %s is %s, but a request goes another way than its address: %s", p.Rules[i].ID, coverage[i].Verdict, flowText(f)))
			}
		}
	}
	return all
}

func coverageComplaintsOf(t *testing.T, p *rule.Policy, flows []rule.Flow) []string {
	t.Helper()
	var all []string
	for _, b := range backends(t, p) {
		out := generate(t, b.generator, p, b.setting)
		all = append(all, b.verdictComplaints(p, out.Coverage, flows)...)
	}
	out := generate(t, pac.Generator{}, p, pacSettings(p)[0])
	return append(all, wayComplaints(p, out.Coverage, flows)...)
}

// modelled names in figures what verdicts are held to: no engine, but the model of what
// each backend sees and accepts, which other tests show the engines to follow.
const modelled = "verdicts, by the model of each backend"

// TestVerdictsAreProved holds the verdicts of every case, generator and setting.
func TestVerdictsAreProved(t *testing.T) {
	done := newFigures(t)
	for _, c := range corpus(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := c.compile(t)
			edges := engine.EveryBoundaryFlow(p)
			flows := append(share(edges), randomFlows(rand.New(rand.NewPCG(7, 7)), p, edges, 2_000, byAll(p))...)
			flows = distinct(flows, byAll(p))
			done.of(c.name)(modelled, figure{len(flows), len(flows), 0})
			complain(t, coverageComplaintsOf(t, p, flows))
		})
	}
}

// TestRandomPoliciesVerdicts does the same for random policies.
func TestRandomPoliciesVerdicts(t *testing.T) {
	t.Parallel()
	byChance(t, 6, amount(1_000_000), func(t *testing.T, r *rand.Rand, p *rule.Policy, count counter) []string {
		flows := randomFlows(r, p, engine.EveryBoundaryFlow(p), 2_000, byAll(p))
		count(modelled, figure{len(flows), len(flows), 0})
		return coverageComplaintsOf(t, p, flows)
	})
}

// TestWrongVerdictsAreNoticed turns verdicts around.
func TestWrongVerdictsAreNoticed(t *testing.T) {
	p := named(t, "remote-of-every-part")
	flows := engine.EveryBoundaryFlow(p)
	for _, b := range backends(t, p) {
		coverage := generate(t, b.generator, p, b.setting).Coverage
		turned := slices.Clone(coverage)
		short := false
		for i := range p.Rules {
			short = short || turned[i].Verdict != artefact.Exact
			turned[i].Verdict = artefact.Exact
		}
		if short {
			noticed(t, b.generator.Name()+" "+b.setting.name+", all exact,", b.verdictComplaints(p, turned, flows))
		}
		for i := range p.Rules {
			turned[i].Verdict = artefact.Absent
		}
		noticed(t, b.generator.Name()+" "+b.setting.name+", all absent,", b.verdictComplaints(p, turned, flows))
	}
	turned := slices.Clone(generate(t, pac.Generator{}, p, pacSettings(p)[0]).Coverage)
	for i := range p.Rules {
		turned[i].Verdict = artefact.Exact
	}
	noticed(t, "pac, all exact,", wayComplaints(p, turned, flows))
}

// TestAbsentRulesAreNotMentioned holds that an artefact says nothing of a rule that
// is absent or does not apply, and something of every other.
func TestAbsentRulesAreNotMentioned(t *testing.T) {
	generated(t, func(t *testing.T, c corpusCase, g Generator, s setting, p *rule.Policy) {
		out := generate(t, g, p, s)
		for i := range p.Rules {
			none := out.Coverage[i].Verdict == artefact.NotApplicable || out.Coverage[i].Verdict == artefact.Absent
			switch g.Name() {
			case "nftables", "iptables", "squid":
				if mentions(out, string(p.Rules[i].ID)) == none {
					t.Errorf("%s %s: rule %s is %s, and is mentioned: %t", g.Name(), s.name, p.Rules[i].ID, out.Coverage[i].Verdict, none)
				}
			default:
				if mentions(out, string(p.Rules[i].ID)) {
					t.Errorf("%s %s: rule %s is mentioned", g.Name(), s.name, p.Rules[i].ID)
				}
			}
		}
		switch g.Name() {
		case "pac":
			complain(t, strayEndpoints(t, p, s, out))
		case "trusted-sites":
			complain(t, strayKeys(t, p, out))
		}
	})
}

// mentions reports whether a name or a line of an artefact, comments apart, has a word.
func mentions(out artefact.Output, word string) bool {
	for _, a := range out.Artefacts {
		if strings.Contains(a.Name, word) {
			return true
		}
		for line := range strings.Lines(string(a.Data)) {
			comment := strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//") || strings.HasPrefix(line, ";")
			if !comment && strings.Contains(line, word) {
				return true
			}
		}
	}
	return false
}

// strayEndpoints returns the endpoints of a PAC file that are of no route's members of
// the roles that it serves.
func strayEndpoints(t *testing.T, p *rule.Policy, s setting, out artefact.Output) []string {
	t.Helper()
	file, err := pac.Generator{}.Read(artefact.FilesOf(out.Artefacts))
	if err != nil {
		t.Fatal(err)
	}
	served := map[string]bool{}
	for _, route := range p.Routes {
		for _, m := range route.Members {
			if !slices.Contains(s.settings(t, pac.Generator{}).List("roles"), string(m.Role)) {
				continue
			}
			for _, n := range m.Names {
				served[n.String()] = true
			}
			for n := range m.Prefixes.Prefixes() {
				served[n.String()] = true
			}
		}
	}
	var all []string
	stray := func(text string) {
		if !served[text] {
			all = append(all, "pac "+s.name+" has the endpoint "+text+" of no entry that it serves")
		}
	}
	for _, route := range file.Routes.Routes {
		for _, m := range route.Members {
			for _, n := range m.Names {
				stray(n.String())
			}
			for n := range m.Prefixes.Prefixes() {
				stray(n.String())
			}
		}
	}
	return all
}

// strayKeys returns the names that a registry file trusts by an absent site alone.
func strayKeys(t *testing.T, p *rule.Policy, out artefact.Output) []string {
	t.Helper()
	zone, err := trustedsites.Generator{}.Read(artefact.FilesOf(out.Artefacts))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for i, site := range p.TrustedSites {
		if out.Coverage[len(p.Rules)+i].Verdict != artefact.Absent {
			continue
		}
		for pattern := range site.Names.Patterns() {
			for _, name := range engine.BoundaryNames(pattern) {
				if zone.Trusts(name) && site.Names.Match(name) {
					all = append(all, "trusted-sites: "+site.Entry.ID+" is absent and "+name+" is trusted")
				}
			}
		}
	}
	return all
}
