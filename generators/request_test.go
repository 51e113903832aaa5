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

// requests returns what of the boundary flows of a policy and the witnesses of a
// coverage a browser would ask a proxy for, each once. Through a proxy, unlike
// through a gateway, a client of one family can ask for a literal of the other. The
// unspecified address is no destination.
func requests(p *rule.Policy, coverage []artefact.Coverage) []rule.Flow {
	all := engine.BoundaryFlows(p)
	for _, c := range coverage {
		for _, w := range c.Witnesses {
			all = append(all, w.Flow)
		}
	}
	for i := range p.Rules {
		all = append(all, mixedFlows(p, &p.Rules[i])...)
	}
	seen := map[rule.Flow]bool{}
	return slices.DeleteFunc(all, func(f rule.Flow) bool {
		request := f.Direction == rule.Outbound && f.Protocol == netset.TCP && (f.Name != "" || !f.Remote.Unmap().IsUnspecified())
		twice := seen[f]
		seen[f] = true
		return !request || twice
	})
}

// mixedFlows are flows of a rule between addresses of different families.
func mixedFlows(p *rule.Policy, r *rule.Rule) []rule.Flow {
	var flows []rule.Flow
	for local := range p.Binding(r.Role).Local().Ranges() {
		for remote := range r.Remote.Prefixes().Ranges() {
			for _, ports := range r.Services.Ports(netset.TCP) {
				f := rule.Flow{Direction: r.Direction, Protocol: netset.TCP, Port: ports.First, Local: local, Remote: remote}
				if local.Is4() != remote.Is4() {
					flows = append(flows, f)
				}
				break
			}
		}
		if len(flows) > 0 {
			break
		}
	}
	return flows
}

// interpreters are the engines that evaluate PAC files.
func interpreters() map[string]func(context.Context, []byte, []string) ([]string, error) {
	return map[string]func(context.Context, []byte, []string) ([]string, error){
		"pacparser": engine.EvaluatePacparser,
		"node":      engine.EvaluateNode,
	}
}

// TestPAC evaluates every case in both interpreters and compares the way of each
// boundary flow with the policy's route.
func TestPAC(t *testing.T) {
	for _, c := range corpus(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := c.compile(t)
			for _, s := range pacSettings(p) {
				complain(t, routeDifferences(t, p, generate(t, pac.Generator{}, p, s)))
			}
		})
	}
}

func routeDifferences(t *testing.T, p *rule.Policy, out artefact.Output) []string {
	t.Helper()
	flows := requests(p, out.Coverage)
	urls := make([]string, len(flows))
	for i, f := range flows {
		urls[i] = urlOf(f)
	}
	var all []string
	for name, evaluate := range interpreters() {
		got, err := evaluate(context.Background(), out.Artefacts[0].Data, urls)
		if err != nil {
			t.Fatal(err)
		}
		answers := map[string]bool{}
		for i, f := range flows {
			want := answerOf(route(p, f))
			answers[want] = true
			if got[i] != want {
				all = append(all, fmt.Sprintf("%s answers %q, the policy %q: %s", name, got[i], want, urls[i]))
			}
		}
		if len(flows) < 10 || len(answers) < 2 && routed(p) {
			all = append(all, fmt.Sprintf("%d URLs were asked with %d answers; want at least ten, of two ways", len(flows), len(answers)))
		}
		for _, w := range strays(p, out.Coverage) {
			if i := slices.Index(flows, w); got[i] == answerOf(route(p, literal(w))) {
				all = append(all, fmt.Sprintf("%s sends witness %s the way of its address", name, flowText(w)))
			}
		}
	}
	return all
}

// strays returns the witnesses of a PAC file's coverage: flows by name that go
// another way than the same ones to the literal address.
func strays(p *rule.Policy, coverage []artefact.Coverage) []rule.Flow {
	var flows []rule.Flow
	for _, c := range coverage {
		for _, w := range c.Witnesses {
			flows = append(flows, w.Flow)
		}
	}
	return flows
}

func literal(f rule.Flow) rule.Flow {
	f.Name = ""
	return f
}

// routed reports whether a route other than to the proxy has members.
func routed(p *rule.Policy) bool {
	return slices.ContainsFunc(p.Routes, func(r rule.Route) bool { return r.Via != rule.Proxied && len(r.Members) > 0 })
}

// route is the policy's answer for machines of every role.
func route(p *rule.Policy, f rule.Flow) rule.Via {
	var roles []rule.Role
	for _, b := range p.Bindings {
		roles = append(roles, b.Role)
	}
	return p.Route(f, roles...)
}

// urlOf returns the URL by which a browser opens the flow.
func urlOf(f rule.Flow) string {
	host := f.Name
	if host == "" {
		host = f.Remote.String()
		if f.Remote.Is6() {
			host = "[" + host + "]"
		}
	}
	switch f.Port {
	case 80:
		return "http://" + host + "/"
	case 443:
		return "https://" + host + "/"
	}
	return fmt.Sprintf("http://%s:%d/path", host, f.Port)
}

// answerOf returns a way as a PAC file says it.
func answerOf(v rule.Via) string {
	switch v {
	case rule.Direct:
		return "DIRECT"
	case rule.Proxied:
		v = pacProxy
	}
	return "PROXY " + strings.ReplaceAll(string(v), ", ", "; PROXY ")
}

// TestSquid parses every case under every setting with the real Squid, runs it, and
// asks the boundary flows by real requests.
func TestSquid(t *testing.T) {
	for _, c := range corpus(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := c.compile(t)
			for _, s := range append(squidSettings(), setting{name: "default"}) {
				t.Run(s.name, func(t *testing.T) { testSquid(t, p, s) })
			}
		})
	}
}

func testSquid(t *testing.T, p *rule.Policy, s setting) {
	out := generate(t, squid.Generator{}, p, s)
	place := "first"
	if s.name == "conf.d" {
		place = "conf.d"
	}
	if err := engine.ParseSquid(context.Background(), out, place); err != nil {
		t.Error(err)
	}
	complain(t, requestDifferences(t, p, out, place))
}

// requestDifferences asks Squid and the model the same flows.
func requestDifferences(t *testing.T, p *rule.Policy, out artefact.Output, place string) []string {
	t.Helper()
	proxy, err := engine.StartSquid(context.Background(), out, place)
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Stop()
	flows := requests(p, out.Coverage)
	got, err := proxy.Asks(flows)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	accepted := 0
	for i, f := range flows {
		want := p.Decide(rule.Seen(f, rule.Proxy)).Accept()
		if place == "conf.d" && f.Port != 443 { // which Debian's rules refuse before
			want = false
		}
		if want {
			accepted++
		}
		if got[i] != want {
			all = append(all, fmt.Sprintf("squid accepts %t, model %t: %s", got[i], want, flowText(f)))
		}
	}
	if len(flows) < 10 || accepted == len(flows) || accepted == 0 && place == "first" && carriedByProxy(p) {
		all = append(all, fmt.Sprintf("%d flows were asked, %d accepted; want at least ten, of both kinds", len(flows), accepted))
	}
	for _, c := range out.Coverage {
		for _, w := range c.Witnesses {
			if i := slices.Index(flows, w.Flow); i < 0 || got[i] != w.Backend {
				all = append(all, fmt.Sprintf("squid does not answer %t, as the coverage says: witness %s", w.Backend, flowText(w.Flow)))
			}
		}
	}
	return all
}

// carriedByProxy reports whether a rule has requests that a proxy carries.
func carriedByProxy(p *rule.Policy) bool {
	return slices.ContainsFunc(p.Rules, func(r rule.Rule) bool {
		return r.Direction == rule.Outbound && !r.Services.Only(netset.TCP).IsEmpty()
	})
}
