package generators

import (
	"net/netip"
	"slices"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	"gatewright/generators/iptables"
	"gatewright/generators/nftables"
)

// What a packet filter's files open, by rule and by hook point, is what the policy says.
func TestReadingIsThePolicy(t *testing.T) {
	for _, c := range corpus(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := c.compile(t)
			for _, s := range filterSettings("nftables", p) {
				v4, v6 := netset.PrefixSetOf(netip.PrefixFrom(netip.IPv4Unspecified(), 0)), netset.PrefixSetOf(netip.PrefixFrom(netip.IPv6Unspecified(), 0))
				seen := v4.Union(v6)
				if s.table == "ip site" {
					seen = v4
				}
				compareReading(t, nftables.Generator{}, p, s, s.expected(p, "gatewright.nft", seen, nftHooks))
			}
			for _, s := range filterSettings("iptables", p) {
				v4, v6 := netset.PrefixSetOf(netip.PrefixFrom(netip.IPv4Unspecified(), 0)), netset.PrefixSetOf(netip.PrefixFrom(netip.IPv6Unspecified(), 0))
				want := s.expected(p, "gatewright.iptables", v4, iptablesHooks)
				compareReading(t, iptables.Generator{}, p, s, append(want, s.expected(p, "gatewright.ip6tables", v6, iptablesHooks)...))
			}
		})
	}
}

// Base chains on the way of a client's DNS, on a gateway and on a host.
var (
	nftHooks      = [2]string{"forward", "output"}
	iptablesHooks = [2]string{"FORWARD", "OUTPUT"}
)

// opened is what one rule opens at one hook point.
type opened struct {
	point artefact.HookPoint
	rule  rule.ID
	boxes []rule.Box
}

// expected is what the policy opens in a file that sees some addresses.
func (s filterSetting) expected(p *rule.Policy, file string, seen netset.PrefixSet, hooks [2]string) []opened {
	var all []opened
	for i := range p.Rules {
		r := &p.Rules[i]
		point := artefact.HookPoint{File: file, Chain: "gatewright_outbound"}
		if s.sides {
			point.In, point.Out = engine.LAN, engine.WAN
		}
		if s.sides && r.OnSite {
			point.Out = engine.LAN
		}
		if r.Direction == rule.Inbound {
			point.Chain, point.In, point.Out = "gatewright_inbound", point.Out, point.In
		}
		if s.site.Mode == engine.Mark {
			point.Mark = s.site.Mark
		}
		all = append(all, opened{point, r.ID, p.Boxes(r)})
	}
	if s.site.Mode == engine.Enforce {
		all = append(all, opened{artefact.HookPoint{File: file, Chain: hooks[s.hook()]}, "", dnsBoxes(p)})
	}
	for i := range all {
		for j, b := range all[i].boxes {
			all[i].boxes[j].Local, all[i].boxes[j].Remote = b.Local.Intersect(seen), b.Remote.Intersect(seen)
		}
	}
	return slices.DeleteFunc(all, func(o opened) bool { return rule.RegionOf(o.boxes...).IsEmpty() })
}

func (s filterSetting) hook() int {
	if s.site.Place == engine.Host {
		return 1
	}
	return 0
}

// dnsBoxes are the questions of every role to the role resolver.
func dnsBoxes(p *rule.Policy) []rule.Box {
	var from netset.PrefixBuilder
	for _, b := range p.Bindings {
		from.AddSet(b.Local())
	}
	box := rule.Box{Direction: rule.Outbound, Ports: netset.PortRange{First: 53, Last: 53}, Local: from.Build(), Remote: p.Binding("resolver").Local()}
	tcp, udp := box, box
	tcp.Protocol, udp.Protocol = netset.TCP, netset.UDP
	return []rule.Box{tcp, udp}
}

func compareReading(t *testing.T, g interface {
	Generator
	Read(artefact.Files) (artefact.Reading, error)
}, p *rule.Policy, s filterSetting, want []opened) {
	t.Helper()
	files := artefact.Files{}
	for _, a := range generate(t, g, p, s.setting).Artefacts {
		files[a.Name] = a.Data
	}
	reading, err := g.Read(files)
	if err != nil || len(reading.Read) != len(files) || reading.Edited != nil {
		t.Fatalf("%s %s: read %v, edited %v, %v", g.Name(), s.name, reading.Read, reading.Edited, err)
	}
	type key struct {
		point artefact.HookPoint
		rule  rule.ID
	}
	have := map[key][]rule.Box{}
	for _, f := range reading.Filters {
		for _, l := range f.Lines {
			have[key{f.Point, l.Rule}] = append(have[key{f.Point, l.Rule}], l.Boxes...)
		}
	}
	for _, o := range want {
		k := key{o.point, o.rule}
		if got, wanted := rule.RegionOf(have[k]...), rule.RegionOf(o.boxes...); !got.Equal(wanted) {
			t.Errorf("%s %s: %s: rule %s opens\n%v\nwant\n%v", g.Name(), s.name, o.point, o.rule, got.Boxes(), wanted.Boxes())
		}
		delete(have, k)
	}
	for k, boxes := range have {
		t.Errorf("%s %s: %s: rule %s opens %v; the policy has no such rule there", g.Name(), s.name, k.point, k.rule, rule.RegionOf(boxes...).Boxes())
	}
}
