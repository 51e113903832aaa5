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
	"gatewright/generators/pac"
	"gatewright/generators/proof"
	"gatewright/generators/squid"
)

// pacProxy is the proxy of the settings that have one, so that routes show.
const pacProxy = "proxy.example.net:3128"

// pacSettings are the settings of the pac generator beside the default.
func pacSettings(p *rule.Policy) []setting {
	proxied := map[string][]string{"proxy": {pacProxy}, "plain": {"proxy"}}
	if len(p.Bindings) > 0 {
		proxied["roles"] = roleNames(p)
	}
	return []setting{{"proxied", proxied}}
}

func roleNames(p *rule.Policy) []string {
	var names []string
	for _, b := range p.Bindings {
		names = append(names, string(b.Role))
	}
	return names
}

// squidSettings are the settings of the squid generator beside the default.
func squidSettings() []setting {
	return []setting{
		{"conf.d", map[string][]string{"place": {"conf.d"}}},
		{"enforce", map[string][]string{"mode": {"enforce"}}},
	}
}

// witnesses are the flows that a coverage shows.
func witnesses(coverage []artefact.Coverage) []rule.Flow {
	var flows []rule.Flow
	for _, c := range coverage {
		for _, w := range c.Witnesses {
			flows = append(flows, w.Flow)
		}
	}
	return flows
}

// isBrowser reports whether an interpreter is one, which asks PAC files not of all
// URLs.
func isBrowser(in proof.Interpreter) bool { return in.Name == "Chromium" || in.Name == "Firefox" }

// interpretersOf are the interpreters that a case is asked in. Browsers take seconds
// for each, so they see the examples alone, and every case in make prove.
func interpretersOf(caseName string) []proof.Interpreter {
	return slices.DeleteFunc(proof.Interpreters(), func(in proof.Interpreter) bool {
		return isBrowser(in) && amount(10) < 10 && !strings.HasPrefix(caseName, "example-")
	})
}

// requests are some thousand boundary flows of a policy at most that a browser asks
// a proxy for. The unspecified address is no destination.
func requests(p *rule.Policy) []rule.Flow {
	return share(slices.DeleteFunc(proof.RequestFlows(p), func(f rule.Flow) bool { return f.Name == "" && f.Remote.Unmap().IsUnspecified() }))
}

// route is the policy's answer for machines of every role.
func route(p *rule.Policy, f rule.Flow) rule.Via { return p.Route(f, roles(p)...) }

// answerOf returns a way as a PAC file of pacSettings says it.
func answerOf(v rule.Via) string {
	switch v {
	case rule.Direct:
		return "DIRECT"
	case rule.Proxied:
		v = pacProxy
	}
	return "PROXY " + strings.ReplaceAll(string(v), ", ", "; PROXY ")
}

// share are the flows that a case is asked: all of them in make prove, and otherwise
// at most some thousands, evenly spread.
func share(flows []rule.Flow) []rule.Flow {
	if amount(10) == 10 {
		return flows
	}
	return evenly(flows, 2_000)
}

// evenly returns at most so many flows, evenly spread.
func evenly(flows []rule.Flow, most int) []rule.Flow {
	if len(flows) <= most {
		return flows
	}
	some := make([]rule.Flow, most)
	for i := range some {
		some[i] = flows[i*len(flows)/most]
	}
	return some
}

// mostSpelled is how many of a case's flows are asked in every form: all in make prove,
// and otherwise some.
func mostSpelled(flows []rule.Flow) int {
	if amount(10) == 10 {
		return len(flows)
	}
	return 1_500
}

// TestPAC evaluates every case in the interpreters and compares the way of each
// boundary flow with the policy's route.
func TestPAC(t *testing.T) {
	done := newFigures(t)
	for _, c := range corpus(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := c.compile(t)
			for _, s := range pacSettings(p) {
				out := generate(t, pac.Generator{}, p, s)
				for _, in := range interpretersOf(c.name) {
					complain(t, routeDifferences(t, p, s, out, in, done.of(c.name)))
				}
			}
		})
	}
}

func routeDifferences(t *testing.T, p *rule.Policy, s setting, out artefact.Output, in proof.Interpreter, count counter) []string {
	t.Helper()
	settings := s.settings(t, pac.Generator{})
	flows, err := proof.PACFlows(p, settings)
	if err != nil {
		t.Fatal(err)
	}
	ways := map[rule.Via]bool{}
	for _, f := range flows {
		ways[route(p, f)] = true
	}
	var all []string
	if len(flows) < 10 || len(ways) < 2 && routed(p) {
		all = append(all, fmt.Sprintf("%d flows are asked of %d ways; want at least ten, of two ways", len(flows), len(ways)))
	}
	strays, complaints := strayComplaints(p, out.Coverage)
	flows = share(flows)
	for _, f := range strays {
		flows = append(flows, f, literal(f))
	}
	r, err := in.PAC(t.Context(), p, settings, out.Artefacts, flows, mostSpelled(flows))
	if whole := len(distinct(flows, toldPAC)); !isBrowser(in) && r.Flows != whole {
		complaints = append(complaints, fmt.Sprintf("%s is asked %d of %d flows", in.Name, r.Flows, whole))
	}
	count(in.Name, figure{r.Flows, r.Asked, len(strays)})
	return slices.Concat(all, complaints, proofComplaints(r, err))
}

// toldPAC is byPAC of every flow, the unspecified address's too.
func toldPAC(f rule.Flow) (rule.Flow, bool) {
	told, _ := byPAC(f)
	return told, true
}

func literal(f rule.Flow) rule.Flow {
	f.Name = ""
	return f
}

// routed reports whether a route other than to the proxy has members.
func routed(p *rule.Policy) bool {
	return slices.ContainsFunc(p.Routes, func(r rule.Route) bool { return r.Via != rule.Proxied && len(r.Members) > 0 })
}

// roles are all that a policy binds.
func roles(p *rule.Policy) []rule.Role {
	var all []rule.Role
	for _, b := range p.Bindings {
		all = append(all, b.Role)
	}
	return all
}

// TestSquid parses every case under every setting with the real Squid, runs it, and
// asks the boundary flows by real requests.
func TestSquid(t *testing.T) {
	done := newFigures(t)
	for _, c := range corpus(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := c.compile(t)
			for _, s := range append(squidSettings(), setting{name: "default"}) {
				t.Run(s.name, func(t *testing.T) {
					out := generate(t, squid.Generator{}, p, s)
					if err := engine.ParseSquid(context.Background(), out.Artefacts, s.settings(t, squid.Generator{}).Text("place")); err != nil {
						t.Error(err)
					}
					complain(t, requestDifferences(t, p, s, out, done.of(c.name)))
				})
			}
		})
	}
}

// requestDifferences asks Squid and the model the same flows, the witnesses of the
// coverage among them.
func requestDifferences(t *testing.T, p *rule.Policy, s setting, out artefact.Output, count counter) []string {
	t.Helper()
	settings := s.settings(t, squid.Generator{})
	flows := append(share(proof.RequestFlows(p)), witnesses(out.Coverage)...)
	var all []string
	accepted := 0
	for _, f := range flows {
		if squidAccepts(p, settings, f) {
			accepted++
		}
	}
	if len(flows) < 10 || accepted == len(flows) || accepted == 0 && settings.Text("place") == "first" && carriedByProxy(p) {
		all = append(all, fmt.Sprintf("%d flows were asked, %d accepted; want at least ten, of both kinds", len(flows), accepted))
	}
	for _, c := range out.Coverage {
		for _, w := range c.Witnesses {
			if squidAccepts(p, settings, w.Flow) != w.Backend {
				all = append(all, fmt.Sprintf("squid does not answer %t, as the coverage says: witness %s", w.Backend, w.Flow))
			}
		}
	}
	r, err := proof.SquidFlows(t.Context(), p, settings, out.Artefacts, flows, mostSpelled(flows))
	if whole := len(distinct(flows, bySquid)); r.Flows != whole {
		all = append(all, fmt.Sprintf("Squid is asked %d of %d flows", r.Flows, whole))
	}
	count("Squid", figure{r.Flows, r.Asked, len(witnesses(out.Coverage))})
	return append(all, proofComplaints(r, err)...)
}

// squidAccepts reports whether Squid has to let a flow through as both kinds of
// request.
func squidAccepts(p *rule.Policy, s artefact.Settings, f rule.Flow) bool {
	accepted := p.Decide(rule.Seen(f, rule.Proxy)).Accept()
	a := engine.SquidAnswer{Connect: accepted, Get: accepted}
	if s.Text("place") == "conf.d" {
		a = a.AfterDebian(f.Port)
	}
	return a.Connect && a.Get
}

// carriedByProxy reports whether a rule has requests that a proxy carries.
func carriedByProxy(p *rule.Policy) bool {
	return slices.ContainsFunc(p.Rules, func(r rule.Rule) bool {
		return r.Direction == rule.Outbound && !r.Services.Only(netset.TCP).IsEmpty()
	})
}
