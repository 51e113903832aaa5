package nftables

import (
	"fmt"
	"net/netip"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// Ruleset is what the kernel holds of an artefact: the sets of one table, and the
// rules of gatewright_outbound and gatewright_inbound in their order.
type Ruleset struct {
	Prefixes map[string]netset.PrefixSet
	Ports    map[string][]netset.PortRange
	Rules    []Line

	// What package kernel reads besides, and ReadBack does not look at.
	Hooks  []Hook   // base chains of the table
	Others []string // tables, and chains of the table, that are neither
}

// Line is one rule that accepts. Empty parts match everything.
type Line struct {
	Direction   rule.Direction // by the chain that it is in
	In, Out     []string       // interfaces
	Protocol    netset.Protocol
	Family      int    // 4 or 6 if the rule matches one family, or else 0
	Source      string // name of a set in Prefixes; in a Hook also a prefix
	Destination string // likewise
	Ports       []netset.PortRange
	Original    bool   // only packets in the direction of who opened the connection
	Published   string // name of a set in Ports, matched by the connection's original destination port
	Counter     string
	Mark        uint32 // the bit that is set before the rule accepts
	Comment     string
}

// Hook is a base chain.
type Hook struct {
	Chain    string
	Type     string // "filter"
	Hook     string // "forward"
	Priority int
	Policy   string // "accept" or "drop"
	Rules    []HookRule
}

// HookRule is one rule of a base chain.
type HookRule struct {
	Line
	Beside  []string // what else it matches: "ct state established,related", "iif lo", "icmpv6 type 2"
	Cleared uint32   // bits of the mark that it clears
	Verdict string   // "accept", "drop", "jump CHAIN", or empty for none
}

// String describes the rule roughly as nft writes it.
func (r HookRule) String() string {
	var words []string
	add := func(word, value string) {
		if value != "" {
			words = append(words, strings.TrimSpace(word+" "+value))
		}
	}
	add("iifname", strings.Join(r.In, ","))
	add("oifname", strings.Join(r.Out, ","))
	if r.Protocol != 0 {
		add("", r.Protocol.String())
	}
	if len(r.Ports) > 0 {
		add("dport", joinPorts(r.Ports, ","))
	}
	add("published", r.Published)
	add("saddr", r.Source)
	add("daddr", r.Destination)
	add("", strings.Join(r.Beside, " "))
	if r.Cleared != 0 {
		add("", fmt.Sprintf("mark and %#x", ^r.Cleared))
	}
	if r.Mark != 0 {
		add("", fmt.Sprintf("mark or %#x", r.Mark))
	}
	add("", r.Verdict)
	return strings.Join(words, " ")
}

// DirectionOf returns the direction of the flows that a chain of ours accepts; false
// for any other chain.
func DirectionOf(chain string) (d rule.Direction, ours bool) {
	switch name(chain) {
	case outboundChain:
		return rule.Outbound, true
	case inboundChain:
		return rule.Inbound, true
	}
	return "", false
}

// addresses returns what an end of a line matches: every address of the families that
// it matches if it names none.
func (rs Ruleset) addresses(l Line, end string) netset.PrefixSet {
	if end == "" {
		return everyAddress(l.Family)
	}
	if p, err := netip.ParsePrefix(end); err == nil {
		return netset.PrefixSetOf(p)
	}
	return rs.Prefixes[end]
}

// everyAddress is the address space of family 4 or 6, or of both for 0.
func everyAddress(family int) netset.PrefixSet {
	v4, v6 := netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	switch family {
	case 4:
		return netset.PrefixSetOf(v4)
	case 6:
		return netset.PrefixSetOf(v6)
	}
	return netset.PrefixSetOf(v4, v6)
}

// Boxes returns the flows that a line accepts on its interfaces, none of it empty.
func (rs Ruleset) Boxes(l Line) []rule.Box {
	b := rule.Box{Direction: l.Direction, Local: rs.addresses(l, l.Source), Remote: rs.addresses(l, l.Destination)}
	if l.Direction == rule.Inbound {
		b.Local, b.Remote = b.Remote, b.Local
	}
	protocols, ports := []netset.Protocol{l.Protocol}, l.Ports
	if l.Protocol == 0 {
		protocols = []netset.Protocol{netset.TCP, netset.UDP}
	}
	if b.Published = l.Published != ""; b.Published {
		ports = rs.Ports[l.Published]
	} else if len(ports) == 0 {
		ports = []netset.PortRange{{First: 1, Last: 65535}}
	}
	var boxes []rule.Box
	for _, b.Protocol = range protocols {
		for _, b.Ports = range ports {
			boxes = append(boxes, b)
		}
	}
	return boxes
}
