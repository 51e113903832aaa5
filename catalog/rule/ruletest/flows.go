package ruletest

import (
	"iter"
	"net/netip"
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// Edges returns both sides of the edges of a set, sorted, each once.
func Edges(s netset.PrefixSet) []netip.Addr {
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

// Flows yields every combination of addresses of one family and ports, in both
// directions and by both protocols; inbound TCP also with the port as the one
// before DNAT, or after it, alone.
func Flows(locals, remotes []netip.Addr, ports []uint16) iter.Seq[rule.Flow] {
	const other = 8443
	return func(yield func(rule.Flow) bool) {
		for _, port := range ports {
			for _, f := range []rule.Flow{
				{Direction: rule.Outbound, Protocol: netset.TCP, Port: port},
				{Direction: rule.Outbound, Protocol: netset.UDP, Port: port},
				{Direction: rule.Inbound, Protocol: netset.TCP, Port: port},
				{Direction: rule.Inbound, Protocol: netset.UDP, Port: port},
				{Direction: rule.Inbound, Protocol: netset.TCP, Port: other, Published: port},
				{Direction: rule.Inbound, Protocol: netset.TCP, Port: port, Published: other},
			} {
				for _, f.Local = range locals {
					for _, f.Remote = range remotes {
						if f.Local.Is4() == f.Remote.Is4() && !yield(f) {
							return
						}
					}
				}
			}
		}
	}
}
