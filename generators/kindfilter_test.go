package generators

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// filterKindSettings are what all packet filters have: a fragment of either form, told
// of both sides or of one, on a gateway and on a host, and the default-deny.
func filterKindSettings(p *rule.Policy) []setting {
	all := []setting{
		{"mark", map[string][]string{"mode": {"mark"}, "mark": {"0x20"}}},
		{"enforce", map[string][]string{"mode": {"enforce"}, "place": {"forward"}, "admin": {"198.51.100.0/28 tcp 22", "2001:db8:99::/48 udp 161-162"}}},
		{"sides", map[string][]string{"wan": {"wan1", "wan2"}, "lan": {"lan1", "lan2"}}},
		{"wan", map[string][]string{"wan": {"wan1"}}},
		{"lan", map[string][]string{"lan": {"lan1"}, "mode": {"mark"}}},
		{"enforce-sides", map[string][]string{"mode": {"enforce"}, "place": {"forward"}, "admin": {"none"}, "wan": {"wan1"}, "lan": {"lan1"}}},
	}
	if roles := roleNames(p); len(roles) > 0 {
		all = append(all,
			setting{"host", map[string][]string{"place": {"host"}, "roles": roles}},
			setting{"host-enforce", map[string][]string{"mode": {"enforce"}, "place": {"host"}, "roles": roles, "admin": {"198.51.100.0/28 tcp 22"}}},
			setting{"host-of-one", map[string][]string{"place": {"host"}, "roles": roles[:1]}})
	}
	return all
}

// firstPacket is a flow's first packet, and the interfaces that it comes and goes by.
type firstPacket struct {
	flow    rule.Flow // as a packet filter sees it
	in, out string
}

// packetsOf are the ways that a flow's first packet may take: on a gateway by each pair
// of interfaces that options name, or by others. A remote that is one of our addresses
// is on the site; outside says that it is elsewhere and bears our address.
func (c *conformer) packetsOf(f rule.Flow, outside bool) (all []firstPacket) {
	wan, lan := c.setting.options["wan"], c.setting.options["lan"]
	if len(lan) == 0 {
		lan = []string{"inside"}
	}
	if len(wan) == 0 {
		wan = []string{"outside"}
	}
	if c.ours.Contains(f.Remote) && !outside {
		wan = lan
	}
	f = rule.Seen(f, rule.PacketFilter)
	for _, far := range wan {
		for _, near := range lan {
			p := firstPacket{f, near, far}
			if f.Direction == rule.Inbound {
				p.in, p.out = far, near
			}
			all = append(all, p)
		}
	}
	return all
}

func (c *conformer) isHost() bool { return slices.Equal(c.setting.options["place"], []string{"host"}) }

// hasSides reports whether options name an interface.
func (c *conformer) hasSides() bool {
	return len(c.setting.options["wan"])+len(c.setting.options["lan"]) > 0
}

// isOnSite reports whether a flow stays between two machines of the site, as far as the
// backend can tell.
func (c *conformer) isOnSite(f rule.Flow) bool { return c.hasSides() && c.ours.Contains(f.Remote) }

// rules are the rules by which the files accept a packet, in the policy's order, and
// whether they accept it by an option. On a gateway every packet comes to every chain.
func (c *conformer) rules(p firstPacket) (ids []rule.ID, byOption bool) {
	by := map[rule.ID]bool{}
	for _, at := range c.reading.Filters {
		if !among(at.Point.In, p.in) || !among(at.Point.Out, p.out) {
			continue
		}
		for _, l := range at.Lines {
			if !c.holds(l, p.flow) {
				continue
			}
			by[l.Rule] = true
		}
	}
	for _, r := range c.policy.Rules {
		if by[r.ID] {
			ids = append(ids, r.ID)
		}
		delete(by, r.ID)
	}
	byOption = by[""]
	delete(by, "")
	for id := range by {
		ids = append(ids, id)
	}
	return ids, byOption
}

// among reports whether an interface is in a list such as "eth0 eth1"; an empty list is
// of every interface.
func among(list, name string) bool {
	return list == "" || slices.Contains(strings.Fields(list), name)
}

// holds reports whether a line has the packet: as the flow that it is, or on a gateway
// as the opposite one.
func (c *conformer) holds(l artefact.Accepted, f rule.Flow) bool {
	if l.Direction != f.Direction {
		if c.isHost() {
			return false
		}
		f.Local, f.Remote = f.Remote, f.Local
	}
	return slices.ContainsFunc(l.Traffic.Flows(l.Direction), func(all rule.Flows) bool {
		port := f.Port
		if all.Published && f.Published != 0 {
			port = f.Published
		}
		return netset.ServiceSetOf(all.Service).Contains(f.Protocol, port) && all.Local.Contains(f.Local) && all.Remote.Contains(f.Remote)
	})
}

// accepts reports whether a rule accepts a packet as a filter sees it.
func (c *conformer) accepts(r *rule.Rule, seen rule.Flow) bool {
	return c.policy.Accepts(r, seen) || !c.isHost() && c.policy.Accepts(r, reversed(seen))
}

// opened reports whether an option of mode enforce lets the packet pass: questions to
// the resolver, and administrators.
func (c *conformer) opened(f rule.Flow) bool {
	o := c.setting.options
	if !slices.Equal(o["mode"], []string{"enforce"}) {
		return false
	}
	one := func(f rule.Flow) bool {
		if f.Direction == rule.Outbound {
			return f.Port == 53 && c.served().Contains(f.Local) && c.policy.Binding("resolver").Local().Contains(f.Remote)
		}
		return slices.ContainsFunc(o["admin"], func(text string) bool {
			from, services, ok := strings.Cut(text, " ")
			s, err := netset.ParseServices(services)
			return ok && err == nil && netip.MustParsePrefix(from).Contains(f.Remote) && s.Contains(f.Protocol, f.Port)
		})
	}
	return one(f) || !c.isHost() && one(reversed(f))
}

// served are the addresses of the roles that the filter serves.
func (c *conformer) served() netset.PrefixSet {
	if !c.isHost() {
		return c.ours
	}
	var all netset.PrefixBuilder
	for _, r := range rolesOf(c.setting) {
		all.AddSet(c.policy.Binding(r).Local())
	}
	return all.Build()
}

// filter holds packets, answers and verdicts to Decide by addresses. A packet against
// the policy's direction is one: where both ends are ours, a rule may let it pass that
// is not said to be wider.
func (c *conformer) filter(flows []rule.Flow) (all []string) {
	served := c.served()
	for _, f := range slices.Concat(flows, c.crossings()) {
		if served.Contains(f.Local) {
			all = append(all, c.filterFlow(f)...)
		}
	}
	return all
}

// crossings are flows of either direction between two addresses of our side, by a
// service of each rule.
func (c *conformer) crossings() (all []rule.Flow) {
	var ours []netip.Addr
	for first, last := range c.ours.Ranges() {
		ours = append(ours, first, last)
	}
	ours = ours[:min(len(ours), 12)]
	for i := range c.policy.Rules {
		r := &c.policy.Rules[i]
		for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
			for _, ports := range r.Services.Ports(protocol)[:min(1, len(r.Services.Ports(protocol)))] {
				for _, local := range ours {
					for _, remote := range ours {
						f := rule.Flow{Direction: rule.Outbound, Protocol: protocol, Port: ports.First, Local: local, Remote: remote}
						if local != remote && local.Is4() == remote.Is4() && whole(c.policy, f) {
							all = append(all, f, reversed(f))
						}
					}
				}
			}
		}
	}
	return all
}

func (c *conformer) filterFlow(f rule.Flow) (all []string) {
	seen := rule.Seen(f, rule.PacketFilter)
	packets := c.packetsOf(f, false)
	accepted, byOption := c.rules(packets[0])
	for _, p := range packets[1:] {
		if other, too := c.rules(p); !slices.Equal(other, accepted) || too != byOption {
			all = append(all, fmt.Sprintf("by %s and %s the files accept by %v: %v by others: %s", p.in, p.out, other, accepted, flowText(f)))
		}
	}
	if byOption != c.opened(seen) {
		all = append(all, fmt.Sprintf("an option: %t: %s", byOption, flowText(f)))
	}
	strange := func(ids []rule.ID, accepts func(*rule.Rule, rule.Flow) bool) {
		for _, id := range ids {
			if !slices.ContainsFunc(c.policy.Rules, func(r rule.Rule) bool { return r.ID == id && accepts(&r, seen) }) {
				all = append(all, fmt.Sprintf("the files accept by rule %s, and the policy does not: %s", id, flowText(f)))
			}
		}
	}
	strange(accepted, c.accepts)
	if c.isOnSite(f) {
		outside, _ := c.rules(c.packetsOf(f, true)[0])
		strange(outside, func(r *rule.Rule, f rule.Flow) bool {
			return c.policy.Accepts(r, f) || r.OnSite && c.accepts(r, f) // which no option keeps from wan
		})
	}
	all = append(all, c.judge(f, seen, accepted, byOption)...)
	if a := c.explain(rule.Question{Flow: f}); !c.isOnSite(f) {
		all = append(all, answerComplaints(c.policy, f, a)...)
		if passes := len(accepted) > 0 || byOption; (a.Action == artefact.Accepts) != passes || !someOfThem(a.Rules, accepted) {
			all = append(all, fmt.Sprintf("the answer is %+v, the files accept by %v and an option %t: %s", a, accepted, byOption, flowText(f)))
		}
	}
	return all
}

// someOfThem reports whether rules of an answer are among those that accept, and there
// are some if these are: of a packet that several rules accept, the first has it.
func someOfThem(told, accepted []rule.ID) bool {
	strange := slices.ContainsFunc(told, func(id rule.ID) bool { return !slices.Contains(accepted, id) })
	return !strange && (len(told) > 0 || len(accepted) == 0)
}
