package filter

import (
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Hooks, and the base chains of the same names.
const (
	Input   = "input"
	Forward = "forward"
	Output  = "output"
)

// Hooks returns every hook that a flow can pass.
func Hooks() []string { return []string{Input, Forward, Output} }

// Entries returns the chains whose flows pass a hook.
func Entries(place artefact.Place, hook string) []string {
	switch {
	case place == artefact.PlaceForward && hook == Forward:
		return []string{Outbound, Inbound}
	case place == artefact.PlaceHost && hook == Input:
		return []string{Inbound}
	case place == artefact.PlaceHost && hook == Output:
		return []string{Outbound}
	}
	return nil
}

// BasePriority of our base chains, in nftables, is before that of the site's own
// filter.
const BasePriority = -10

// hooks returns the base chains of modes mark and enforce, one for each hook; those
// that no flow of the place passes accept.
func (b *builder) hooks(families []Family) []Chain {
	if b.config.Mode == artefact.ModeChains {
		return nil
	}
	var out []Chain
	for _, name := range Hooks() {
		entries := Entries(b.config.Place, name)
		c := Chain{Name: name, Hook: &Hook{Name: name, Priority: BasePriority, Policy: Accept}}
		guarded := b.config.Mode == artefact.ModeEnforce && len(entries) > 0
		switch {
		case guarded:
			c.Hook.Policy = Drop
			c.Rules = b.guard(name, families)
		case b.config.Mode == artefact.ModeMark:
			c.Rules = []Rule{{ClearMark: b.config.Mark}}
		}
		for _, entry := range entries {
			c.Rules = append(c.Rules, Rule{Verdict: Jump, Target: entry})
		}
		if guarded {
			c.Rules = append(c.Rules, Rule{Counter: b.naming.Prefix + name + "_dropped", Comment: "dropped by the policy of the chain"})
		}
		out = append(out, c)
	}
	return out
}

// Comments of rules that mode enforce alone has.
const (
	discoveryComment = "neighbour discovery (RFC 4861)"
	groupsComment    = "groups of neighbour discovery (RFC 4890)"
	adminComment     = "option admin"
	resolverComment  = "DNS to role resolver"
)

// GuardComments returns them.
func GuardComments() []string {
	return []string{discoveryComment, groupsComment, adminComment, resolverComment}
}

// guard is what a chain that drops by default lets pass and drops before the policy's
// rules: established connections with the ICMP errors that are related to them,
// loopback, neighbour discovery (RFC 4861) and the groups that it needs (RFC 4890),
// administrators and the resolver.
func (b *builder) guard(hook string, families []Family) []Rule {
	accept := func(m Match, comment string) Rule { return Rule{Match: m, Verdict: Accept, Comment: comment} }
	rules := []Rule{accept(Match{State: "established,related"}, "")}
	if loopback := map[string]string{Input: "iif", Output: "oif"}[hook]; loopback != "" {
		rules = append(rules, accept(Match{Loopback: loopback}, ""))
		if slices.Contains(families, IPv6) {
			rules = append(rules,
				accept(Match{Family: IPv6, HopLimit: 255, ICMP: types(133, 134, 135, 136)}, discoveryComment),
				accept(Match{Family: IPv6, HopLimit: 1, ICMP: types(130, 131, 132, 143)}, groupsComment))
		}
	}
	rules = append(rules, Rule{Match: Match{State: "invalid"}, Verdict: Drop, Counter: b.naming.Prefix + hook + "_invalid"})
	if hook != Output {
		rules = append(rules, b.admin(families)...)
	}
	if hook != Input {
		rules = append(rules, b.resolver(families)...)
	}
	return rules
}

func types(numbers ...uint8) []ICMP {
	out := make([]ICMP, len(numbers))
	for i, n := range numbers {
		out[i] = ICMP{n, -1}
	}
	return out
}

// admin lets administrators in.
func (b *builder) admin(families []Family) (rules []Rule) {
	for _, a := range b.config.Admin {
		if f := FamilyOf(a.From.Addr()); slices.Contains(families, f) {
			m := Match{Family: f, From: Addresses{Prefix: a.From}}
			rules = append(rules, b.services(m, a.Services, adminComment)...)
		}
	}
	return rules
}

// resolver lets the addresses of the roles ask the role resolver, if it is bound.
func (b *builder) resolver(families []Family) (rules []Rule) {
	const role rule.Role = "resolver"
	dns := netset.PortRange{First: 53, Last: 53}
	services := netset.ServiceSetOf(netset.Service{Protocol: netset.TCP, Ports: dns}, netset.Service{Protocol: netset.UDP, Ports: dns})
	servers, local := b.policy.Binding(role).Local(), b.config.Local(b.policy)
	for _, f := range families {
		to, from := f.Of(servers), f.Of(local)
		if to.IsEmpty() || from.IsEmpty() {
			continue
		}
		m := Match{Family: f, From: b.addSet(f, from, "local"), To: b.addSet(f, to, "role", string(role))}
		rules = append(rules, b.services(m, services, resolverComment)...)
	}
	return rules
}

// services accepts by one rule for each protocol.
func (b *builder) services(m Match, s netset.ServiceSet, comment string) (rules []Rule) {
	for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
		if ranges := s.Ports(protocol); len(ranges) > 0 {
			m.Protocol, m.Ports = protocol, b.portsOf(ranges, false)
			rules = append(rules, Rule{Match: m, Verdict: Accept, Comment: comment})
		}
	}
	return rules
}
