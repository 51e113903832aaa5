package iptables

import (
	"iter"
	"net/netip"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
)

// edgeFlows yields flows of every kind at both sides of the edges of each rule's
// remotes, local addresses and ports; and of one rule's addresses with every port
// that another begins with.
func edgeFlows(p *rule.Policy) iter.Seq[rule.Flow] {
	var starts []uint16
	for i := range p.Rules {
		starts = append(starts, portEdges(&p.Rules[i])[1])
	}
	return func(yield func(rule.Flow) bool) {
		for i := range p.Rules {
			r := &p.Rules[i]
			remotes, locals, numbers := remoteEdges(r), ruletest.Edges(p.Binding(r.Role).Local()), portEdges(r)
			for f := range ruletest.Flows(locals, remotes, append(starts, numbers[1])) {
				if !yield(f) {
					return
				}
			}
			for f := range ruletest.Flows(locals, few(remotes), numbers) {
				if !yield(f) {
					return
				}
			}
		}
	}
}

// remoteEdges are documentation addresses (RFC 5737, RFC 3849) for any remote.
func remoteEdges(r *rule.Rule) []netip.Addr {
	if r.Remote.Any {
		return []netip.Addr{netip.MustParseAddr("192.0.2.77"), netip.MustParseAddr("2001:db8:77::")}
	}
	return ruletest.Edges(r.Remote.Prefixes())
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
