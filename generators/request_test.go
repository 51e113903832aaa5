package generators

import (
	"context"
	"slices"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	"gatewright/generators/squid"
)

func pacSettings(p *rule.Policy) []setting { return nil }

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
		request := f.Direction == rule.Outbound && f.Protocol == netset.TCP && (f.Name != "" || !f.Remote.IsUnspecified())
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
			t.Errorf("squid accepts %t, model %t: %s", got[i], want, flowText(f))
		}
	}
	if len(flows) < 10 || accepted == len(flows) || accepted == 0 && place == "first" && carriedByProxy(p) {
		t.Errorf("%d flows were asked, %d accepted; want at least ten, of both kinds", len(flows), accepted)
	}
	for _, c := range out.Coverage {
		for _, w := range c.Witnesses {
			if i := slices.Index(flows, w.Flow); i < 0 || got[i] != w.Backend {
				t.Errorf("squid does not answer %t, as the coverage says: witness %s", w.Backend, flowText(w.Flow))
			}
		}
	}
}

// carriedByProxy reports whether a rule has requests that a proxy carries.
func carriedByProxy(p *rule.Policy) bool {
	return slices.ContainsFunc(p.Rules, func(r rule.Rule) bool {
		return r.Direction == rule.Outbound && !r.Services.Only(netset.TCP).IsEmpty()
	})
}
