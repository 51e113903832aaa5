package iptables

import (
	"gatewright/catalog/netset"
	"gatewright/generators/filter"
)

// flowLines sends a flow to its rule's chain.
func (b *lowering) flowLines(chain string, f flow) []line {
	b.led[f.ID] = true
	f.In, f.Out = nil, nil // told apart before
	return b.portLines(chain, f.Rule)
}

// portLines makes as many lines of a rule as its ports take.
func (b *lowering) portLines(chain string, r filter.Rule) (lines []line) {
	ranges, original := b.ranges(r.Ports), b.ranges(r.Original)
	for len(ranges)+len(original) > 0 {
		if len(original) > 0 {
			r.Ports, r.Original, original = filter.Ports{}, filter.Ports{Ranges: original[:1]}, original[1:]
		} else {
			n := multiport(ranges)
			r.Ports, ranges = filter.Ports{Ranges: ranges[:n]}, ranges[n:]
		}
		lines = append(lines, line{chain: chain, Rule: r})
	}
	return lines
}

func (b *lowering) ranges(p filter.Ports) []netset.PortRange {
	if s, ok := b.built.Set(p.Set); ok {
		return s.Ports
	}
	return p.Ranges
}

// multiport returns how many of the first ranges fit one multiport match: a port
// takes one of its slots, and a range two (XT_MULTI_PORTS).
func multiport(ranges []netset.PortRange) int {
	const slots = 15
	used := 0
	for i, r := range ranges {
		used++
		if r.First != r.Last {
			used++
		}
		if used > slots {
			return i
		}
	}
	return len(ranges)
}
