// Package filter is the common model of packet filters: sets, maps and chains as the
// kernel evaluates them, independent of a backend's syntax. Generators build it from a
// policy and translate it for their backend. Readers of files, dumps and netlink
// produce it, too. Walk answers for a packet.
//
// The model has protocols, ports, addresses, interfaces and marks, but no direction:
// the chains alone decide where a packet goes.
package filter

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// Family is an address family: 4, 6, or 0 for both.
type Family uint8

const (
	Both Family = 0
	IPv4 Family = 4
	IPv6 Family = 6
)

// FamilyOf returns the family of an address; IPv4 for an invalid one.
func FamilyOf(a netip.Addr) Family {
	if a.Unmap().Is6() {
		return IPv6
	}
	return IPv4
}

// Of returns the addresses of s that are of the family.
func (f Family) Of(s netset.PrefixSet) netset.PrefixSet {
	switch f {
	case IPv4:
		return s.V4()
	case IPv6:
		return s.V6()
	}
	return s
}

// Ruleset is what a packet filter holds. It is a pure value: two that are equal by
// Equal do the same to every packet and count alike.
type Ruleset struct {
	Sets   []Set   // sorted by name, as Sort does
	Maps   []Map   // likewise
	Chains []Chain // in the order in which they are declared

	chainAt map[string]int // in Chains, once IndexChains was called
}

// Set is a named set of addresses of one family, or of ports.
type Set struct {
	Name     string
	Family   Family // of addresses; Both for a set of ports
	Prefixes netset.PrefixSet
	Ports    []netset.PortRange // ascending, disjoint, not adjacent
}

// Map sends an address to a chain. Its elements are disjoint.
type Map struct {
	Name     string
	Family   Family
	Elements []Element
}

// Element is the addresses of a map that lead to one chain.
type Element struct {
	Prefixes netset.PrefixSet
	Chain    string
}

// Chain is a list of rules. A packet that no rule decides goes back to the chain that
// it came from by a jump, or to the policy of the hook.
type Chain struct {
	Name  string
	Hook  *Hook // nil for a chain that others lead to
	Rules []Rule
}

// Hook makes a base chain of a chain.
type Hook struct {
	Name     string // "forward"
	Priority int    // of nftables
	Policy   Verdict
}

// Direction is that of the flows which a chain at the hook may accept by itself.
func (h *Hook) Direction() rule.Direction {
	if h.Name == Input {
		return rule.Inbound
	}
	return rule.Outbound
}

// String is the hook in words; empty for none.
func (h *Hook) String() string {
	if h == nil {
		return ""
	}
	return fmt.Sprintf("hook %s, priority %d, policy %s", h.Name, h.Priority, h.Policy)
}

// Verdict is what a rule does with a packet that it matches.
type Verdict string

const (
	Continue Verdict = "" // to the next rule
	Accept   Verdict = "accept"
	Drop     Verdict = "drop"
	Jump     Verdict = "jump" // to Target, and back
	Goto     Verdict = "goto" // to Target, and back to where this chain was jumped to from
)

// Rule is one rule: every part of Match has to hold.
type Rule struct {
	Match
	Verdict Verdict
	Target  string // the chain of Jump and Goto
	Map     string // with Goto: the map whose chain for the packet's Lookup end is the target
	Lookup  End

	SetMark, ClearMark uint32 // bits; what is cleared is cleared first
	Counter            string // name of the rule's counter; empty for none
	Comment            string

	ID rule.ID // the policy's rule to which it belongs; empty outside the policy
}

// IsOurs reports whether a rule is one that Build puts into a chain without a hook: it
// accepts, or sends on what it matches of protocol, ports, addresses and interfaces.
func (r Rule) IsOurs() bool {
	return (r.Verdict == Accept || r.Verdict == Goto) && r.State == "" && r.Loopback == "" && r.ICMP == nil &&
		r.HopLimit == 0 && r.Marked == 0 && r.ClearMark == 0
}

// End is one end of a packet.
type End uint8

const (
	Source End = iota
	Destination
)

// Match is what a rule matches. An empty part matches everything.
type Match struct {
	In, Out  []string // interfaces
	Family   Family
	Protocol netset.Protocol
	Ports    Ports // of the packet
	Original Ports // of the connection's destination before DNAT; packets of its direction alone
	From, To Addresses

	State    string // "established,related", "invalid"
	Loopback string // "iif", "oif"
	ICMP     []ICMP // types of the family's ICMP
	HopLimit uint8
	Marked   uint32 // bits that are set
}

// ICMP is a type of ICMP or ICMPv6 messages, with one code or all.
type ICMP struct {
	Type uint8
	Code int // -1 for every code
}

// Ports is ports of a rule, in a named set or in place; the zero value matches all.
type Ports struct {
	Set    string
	Ranges []netset.PortRange
}

// IsAll reports whether every port matches.
func (p Ports) IsAll() bool { return p.Set == "" && len(p.Ranges) == 0 }

// Addresses is a set by name or a prefix in place; the zero value matches all.
type Addresses struct {
	Set    string
	Prefix netip.Prefix
}

// IsAll reports whether every address matches.
func (a Addresses) IsAll() bool { return a.Set == "" && !a.Prefix.IsValid() }

// IndexChains makes Chain find the present chains at once.
func (rs *Ruleset) IndexChains() {
	rs.chainAt = make(map[string]int, len(rs.Chains))
	for i := range rs.Chains {
		rs.chainAt[rs.Chains[i].Name] = i
	}
}

// Chain returns the chain of a name; false if there is none.
func (rs *Ruleset) Chain(name string) (*Chain, bool) {
	if i, ok := rs.chainAt[name]; ok && i < len(rs.Chains) && rs.Chains[i].Name == name {
		return &rs.Chains[i], true
	}
	for i := range rs.Chains {
		if rs.Chains[i].Name == name {
			return &rs.Chains[i], true
		}
	}
	return nil, false
}

// Sort puts sets and maps in the order by which Set and Map find them.
func (rs *Ruleset) Sort() {
	slices.SortFunc(rs.Sets, func(a, b Set) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(rs.Maps, func(a, b Map) int { return strings.Compare(a.Name, b.Name) })
}

// Set returns the set of a name; false if there is none.
func (rs *Ruleset) Set(name string) (*Set, bool) {
	i, ok := slices.BinarySearchFunc(rs.Sets, name, func(s Set, n string) int { return strings.Compare(s.Name, n) })
	if !ok {
		return nil, false
	}
	return &rs.Sets[i], true
}

// Map returns the map of a name; false if there is none.
func (rs *Ruleset) Map(name string) (*Map, bool) {
	i, ok := slices.BinarySearchFunc(rs.Maps, name, func(m Map, n string) int { return strings.Compare(m.Name, n) })
	if !ok {
		return nil, false
	}
	return &rs.Maps[i], true
}

// Replace puts sets and maps in the place of those of the same names.
func (rs *Ruleset) Replace(by Ruleset) {
	for _, s := range by.Sets {
		if have, ok := rs.Set(s.Name); ok {
			*have = s
		}
	}
	for _, m := range by.Maps {
		if have, ok := rs.Map(m.Name); ok {
			*have = m
		}
	}
}

// Unled returns the chains with rules that no hook, rule or map leads to: a site's own
// rules have to.
func (rs *Ruleset) Unled() (names []string) {
	led := map[string]bool{}
	for _, m := range rs.Maps {
		for _, e := range m.Elements {
			led[e.Chain] = true
		}
	}
	for _, c := range rs.Chains {
		for _, r := range c.Rules {
			led[r.Target] = true
		}
	}
	for _, c := range rs.Chains {
		if c.Hook == nil && len(c.Rules) > 0 && !led[c.Name] {
			names = append(names, c.Name)
		}
	}
	return names
}
