package iptables

import (
	"net/netip"
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// edgeFlows yields flows of every kind at both sides of the edges of each rule's
// remotes, local addresses and ports; and of one rule's addresses with every port
// that another begins with.
func edgeFlows(p *rule.Policy) func(func(rule.Flow) bool) {
	var starts []uint16
	for i := range p.Rules {
		starts = append(starts, portEdges(&p.Rules[i])[1])
	}
	return func(yield func(rule.Flow) bool) {
		for i := range p.Rules {
			r := &p.Rules[i]
			remotes, locals, numbers := remoteEdges(r), edges(p.Binding(r.Role).Local()), portEdges(r)
			if !flows(locals, remotes, append(starts, numbers[1]), yield) || !flows(locals, few(remotes), numbers, yield) {
				return
			}
		}
	}
}

// remoteEdges are documentation addresses (RFC 5737, RFC 3849) for any remote.
func remoteEdges(r *rule.Rule) []netip.Addr {
	if r.Remote.Any {
		return []netip.Addr{netip.MustParseAddr("192.0.2.77"), netip.MustParseAddr("2001:db8:77::")}
	}
	return edges(r.Remote.Prefixes())
}

// few are some edges of each family.
func few(list []netip.Addr) []netip.Addr {
	var out []netip.Addr
	for _, is4 := range []bool{true, false} {
		n := 0
		for _, a := range list {
			if a.Is4() == is4 && n < 4 {
				out, n = append(out, a), n+1
			}
		}
	}
	return out
}

// portEdges are both sides of the edges of a rule's ports, but never port 0.
func portEdges(r *rule.Rule) []uint16 {
	var out []uint16
	for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
		for _, ranges := range r.Services.Ports(protocol) {
			out = append(out, max(ranges.First, 2)-1, ranges.First, ranges.Last, min(ranges.Last, 65534)+1)
		}
	}
	return out
}

// flows yields every combination, in both directions, by both protocols, and with
// the port as the one before DNAT or after it alone.
func flows(locals, remotes []netip.Addr, numbers []uint16, yield func(rule.Flow) bool) bool {
	for _, port := range numbers {
		for _, f := range []rule.Flow{
			{Direction: rule.Outbound, Protocol: netset.TCP, Port: port},
			{Direction: rule.Outbound, Protocol: netset.UDP, Port: port},
			{Direction: rule.Inbound, Protocol: netset.TCP, Port: port},
			{Direction: rule.Inbound, Protocol: netset.UDP, Port: port},
			{Direction: rule.Inbound, Protocol: netset.TCP, Port: 8443, Published: port},
			{Direction: rule.Inbound, Protocol: netset.TCP, Port: port, Published: 8443},
		} {
			for _, f.Local = range locals {
				for _, f.Remote = range remotes {
					if f.Local.Is4() == f.Remote.Is4() && !yield(f) {
						return false
					}
				}
			}
		}
	}
	return true
}

// edges are both sides of the edges of a set, each once.
func edges(s netset.PrefixSet) []netip.Addr {
	var out []netip.Addr
	for first, last := range s.Ranges() {
		for _, a := range []netip.Addr{first.Prev(), first, last, last.Next()} {
			if a.IsValid() {
				out = append(out, a)
			}
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}
