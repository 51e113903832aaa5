package generators

import (
	"fmt"
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
			for _, g := range []Generator{nftables.Generator{}, iptables.Generator{}} {
				for _, s := range filterSettings(g.Name(), p) {
					for _, complaint := range readingComplaints(g, p, s, generate(t, g, p, s.setting)) {
						t.Errorf("%s %s: %s", g.Name(), s.name, complaint)
					}
				}
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

// expected is what the policy opens in the files of a generator.
func (s filterSetting) expected(generator string, p *rule.Policy) []opened {
	v4, v6 := netset.PrefixSetOf(netip.PrefixFrom(netip.IPv4Unspecified(), 0)), netset.PrefixSetOf(netip.PrefixFrom(netip.IPv6Unspecified(), 0))
	switch {
	case generator == "iptables":
		return append(s.expectedIn("gatewright.iptables", iptablesHooks, p, v4), s.expectedIn("gatewright.ip6tables", iptablesHooks, p, v6)...)
	case s.table == "ip site":
		return s.expectedIn("gatewright.nft", nftHooks, p, v4)
	}
	return s.expectedIn("gatewright.nft", nftHooks, p, v4.Union(v6))
}

// expectedIn is what the policy opens in a file that sees some addresses.
func (s filterSetting) expectedIn(file string, hooks [2]string, p *rule.Policy, seen netset.PrefixSet) []opened {
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

// readingComplaints tells where what an output's files open differs from the policy.
func readingComplaints(g Generator, p *rule.Policy, s filterSetting, out artefact.Output) (all []string) {
	complain := func(format string, a ...any) { all = append(all, fmt.Sprintf(format, a...)) }
	files := artefact.FilesOf(out.Artefacts)
	reading, err := g.Read(files)
	if err != nil || len(reading.Read) != len(files) || reading.Edited != nil {
		complain("read %v, edited %v, %v", reading.Read, reading.Edited, err)
		return all
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
	for _, o := range s.expected(g.Name(), p) {
		k := key{o.point, o.rule}
		if got, want := rule.RegionOf(have[k]...), rule.RegionOf(o.boxes...); !got.Equal(want) {
			complain("%s: rule %s opens\n%v\nwant\n%v", o.point, o.rule, got.Boxes(), want.Boxes())
		}
		delete(have, k)
	}
	for k, boxes := range have {
		complain("%s: rule %s opens %v; the policy has no such rule there", k.point, k.rule, rule.RegionOf(boxes...).Boxes())
	}
	return all
}
