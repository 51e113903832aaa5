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
	"gatewright/generators/proof"
	"gatewright/generators/squid"
)

// sight is what an engine is told of a flow, and whether the flow comes to it. Two
// flows of which it is told the same are one to it.
type sight func(rule.Flow) (told rule.Flow, comes bool)

// byReadBack is what a packet filter's rules see.
func byReadBack(f rule.Flow) (rule.Flow, bool) {
	f = rule.Seen(f, rule.PacketFilter)
	if f.Published == f.Port {
		f.Published = 0
	}
	return f, f.Local.Is4() == f.Remote.Is4()
}

// byPackets is what can be sent. A packet that is translated to the port that it had
// is not one that was never translated.
func (s filterSetting) byPackets(f rule.Flow) (rule.Flow, bool) {
	return rule.Seen(f, rule.PacketFilter), s.site.Carries(f)
}

// bySquid is a request in the name of a client.
func bySquid(f rule.Flow) (rule.Flow, bool) {
	told := rule.Seen(f, rule.Proxy)
	told.Published = 0
	return told, requested(f) && (f.Name != "" || f.Remote.IsValid())
}

// byPAC is a request of nobody knows whom.
func byPAC(f rule.Flow) (rule.Flow, bool) {
	told, comes := bySquid(f)
	told.Local = netip.Addr{}
	return told, comes
}

// byChromium leaves out what Chromium asks no PAC file about.
func byChromium(f rule.Flow) (rule.Flow, bool) {
	told, comes := byPAC(f)
	own := f.Name == "" && (f.Remote.Unmap().IsLoopback() || f.Remote.Unmap().IsLinkLocalUnicast()) ||
		strings.HasSuffix("."+f.Name, ".localhost")
	return told, comes && !own
}

// byAll is all of a flow on which there are verdicts.
func byAll(p *rule.Policy) sight {
	return func(f rule.Flow) (rule.Flow, bool) {
		return f, f.Local.Is4() == f.Remote.Is4() && whole(p, f)
	}
}

// distinct returns the flows that come to an engine, each once as it sees them.
func distinct(flows []rule.Flow, see sight) []rule.Flow {
	seen := make(map[rule.Flow]bool, len(flows))
	var each []rule.Flow
	for _, f := range flows {
		if told, comes := see(f); comes && !seen[told] {
			seen[told] = true
			each = append(each, f)
		}
	}
	return each
}

// randomFlows returns n flows that differ to an engine: half of them edges, if there
// are as many, and others made of the parts of edges and of what is near them; half of
// these from edges that the policy accepts or routes. It returns fewer if it does not
// find more.
func randomFlows(r *rand.Rand, p *rule.Policy, edges []rule.Flow, n int, see sight) []rule.Flow {
	inside := slices.DeleteFunc(slices.Clone(edges), func(f rule.Flow) bool {
		return !p.Decide(f).Accept() && (!requested(f) || route(p, f) == rule.Proxied)
	})
	flows := slices.Clone(edges)
	r.Shuffle(len(flows), func(i, j int) { flows[i], flows[j] = flows[j], flows[i] })
	flows = distinct(flows, see)
	flows = flows[:min(len(flows), n/2)]
	const tries = 5
	for range tries {
		for i := range 2 * n {
			f := pick(r, edges)
			if i%2 == 0 && len(inside) > 0 {
				f = pick(r, inside)
			}
			flows = append(flows, variedFlow(r, f, edges))
		}
		if flows = distinct(flows, see); len(flows) >= n {
			return flows[:n]
		}
	}
	return flows
}

// variedFlow is a flow of which some parts are those of edges, or near its own.
func variedFlow(r *rand.Rand, f rule.Flow, edges []rule.Flow) rule.Flow {
	if r.IntN(4) == 0 {
		f.Local = pick(r, edges).Local
	}
	if r.IntN(2) == 0 {
		f.Local = addressNear(r, f.Local)
	}
	if r.IntN(4) == 0 {
		f.Remote, f.Name = pick(r, edges).Remote, pick(r, edges).Name
	}
	if r.IntN(4) == 0 {
		from := pick(r, edges)
		f.Port, f.Protocol, f.Published = from.Port, from.Protocol, from.Published
	}
	if r.IntN(8) == 0 {
		f.Port = uint16(1 + r.IntN(65535))
	}
	if f.Direction == rule.Inbound {
		f.Name = ""
	} else {
		f.Published = 0
	}
	switch r.IntN(16) {
	case 0:
		f.Remote = randomAddress(r, f.Remote.Is4())
	case 1, 2, 3, 4:
		f.Remote = addressNear(r, f.Remote)
	}
	if f.Name != "" && r.IntN(3) == 0 {
		f.Name = nameNear(r, f.Name)
	}
	return f
}

func randomAddress(r *rand.Rand, v4 bool) netip.Addr {
	if v4 {
		return netip.AddrFrom4([4]byte{byte(1 + r.IntN(223)), byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))})
	}
	b := [16]byte{0x20, byte(r.IntN(2)), byte(r.IntN(256)), byte(r.IntN(256))}
	b[15] = byte(r.IntN(256))
	return netip.AddrFrom16(b)
}

// addressNear returns an address that shares its first bits, of any number, with a.
func addressNear(r *rand.Rand, a netip.Addr) netip.Addr {
	if !a.IsValid() {
		return a
	}
	b := a.AsSlice()
	for i, bits := len(b)-1, r.IntN(a.BitLen()); bits > 0; i, bits = i-1, bits-8 {
		mask := byte(0xff) >> max(8-bits, 0)
		b[i] = b[i]&^mask | byte(r.IntN(256))&mask
	}
	if near, _ := netip.AddrFromSlice(b); !near.Is4In6() {
		return near
	}
	return a
}

// nameNear returns a name with a label more, a label less, or another label.
func nameNear(r *rand.Rand, name string) string {
	labels := strings.Split(name, ".")
	i := r.IntN(len(labels))
	other := pick(r, []string{"a", "b", "x-", "cdn", "autodiscover", fmt.Sprintf("x%d", r.IntN(1000))})
	switch r.IntN(4) {
	case 0:
		labels = slices.Insert(labels, i, other)
	case 1:
		labels = slices.Delete(labels, i, i+1)
	case 2:
		labels[i] = other
	case 3:
		labels[i] = other + labels[i]
	}
	near := strings.Join(labels, ".")
	if _, err := netset.ParseName(near); err != nil {
		return name
	}
	return near
}

// witnessComplaints holds that an engine answers the witnesses of a coverage that come
// to it as the coverage says, and otherwise than the model decides the whole flow.
func witnessComplaints(p *rule.Policy, coverage []artefact.Coverage, see sight, accepts func(rule.Flow) bool) (witnesses int, complaints []string) {
	for _, c := range coverage {
		for _, w := range c.Witnesses {
			if _, comes := see(w.Flow); !comes {
				continue
			}
			witnesses++
			if got, model := accepts(w.Flow), p.Decide(w.Flow).Accept(); got != w.Backend || got == model {
				complaints = append(complaints, fmt.Sprintf("the engine accepts %t, the coverage says %t, the model decides %t: witness of rule %s, which is %s: %s", got, w.Backend, model, c.Rule, c.Verdict, flowText(w.Flow)))
			}
		}
	}
	return witnesses, complaints
}

// TestWitnessesAreHeld holds that a witness is noticed on which an engine answers as
// the model decides the whole flow, or not as the coverage says.
func TestWitnessesAreHeld(t *testing.T) {
	p, s := named(t, "remote-of-every-part"), setting{name: "default"}
	settings := s.settings(t, squid.Generator{})
	coverage := generate(t, squid.Generator{}, p, s).Coverage
	answers := func(f rule.Flow) bool { return squidAccepts(p, settings, f) }
	if n, complaints := witnessComplaints(p, coverage, bySquid, answers); n == 0 || len(complaints) > 0 {
		t.Errorf("%d witnesses, %v", n, complaints)
	}
	_, complaints := witnessComplaints(p, coverage, bySquid, func(f rule.Flow) bool { return p.Decide(f).Accept() })
	noticed(t, "witnesses that an engine decides as the model", complaints)
	for i := range coverage {
		for j := range coverage[i].Witnesses {
			coverage[i].Witnesses[j].Backend = !coverage[i].Witnesses[j].Backend
		}
	}
	_, complaints = witnessComplaints(p, coverage, bySquid, answers)
	noticed(t, "witnesses turned around", complaints)
}

// TestRandomFlowsDiffer holds that an engine is asked each flow once, and hears both
// answers often.
func TestRandomFlowsDiffer(t *testing.T) {
	p := damagedPolicy(t)
	for name, see := range map[string]sight{"read back": byReadBack, "squid": bySquid, "pac": byPAC, "whole": byAll(p)} {
		const n = 4_000
		flows := randomFlows(rand.New(rand.NewPCG(8, 8)), p, proof.RequestFlows(p), n, see)
		if len(flows) != n || len(distinct(flows, see)) != n {
			t.Errorf("%s: %d flows, %d of them differ; want %d", name, len(flows), len(distinct(flows, see)), n)
		}
		accepted := 0
		for _, f := range flows {
			if told, _ := see(f); p.Decide(told).Accept() || name == "pac" && route(p, told) == rule.Direct {
				accepted++
			}
		}
		if accepted < n/50 || accepted > n-n/50 {
			t.Errorf("%s: %d of %d flows are accepted", name, accepted, n)
		}
	}
}
