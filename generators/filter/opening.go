package filter

import (
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Opening is packets that a chain accepts, all of them by the same rules.
type Opening struct {
	In, Out             []string // interfaces; empty for every one
	Protocol            netset.Protocol
	Ports               []netset.PortRange // of the packet, or before DNAT
	BeforeDNAT          bool
	Source, Destination netset.PrefixSet
	Family              Family

	Mark    uint32  // bits that are set on the way
	ID      rule.ID // empty outside the policy
	Comment string  // of the rule that accepts
}

// Traffic returns the packets as a set.
func (o Opening) Traffic() rule.TrafficSet {
	return rule.TrafficOf(netset.ServicesOver(o.Protocol, o.Ports), o.BeforeDNAT, o.whole(o.Source), o.whole(o.Destination))
}

// whole is the address space of the opening's families where it matches no address.
func (o Opening) whole(s netset.PrefixSet) netset.PrefixSet {
	if !s.IsEmpty() {
		return s
	}
	return o.Family.Of(netset.EveryAddress())
}

// Openings returns what a chain accepts of first packets over TCP and UDP, an opening
// for each way through it, in the chain's order. Openings overlap where an earlier rule
// takes packets before a later one. Ways that match a state, ICMP, loopback or a mark
// open nothing new and are left out.
func (rs *Ruleset) Openings(chain string) []Opening {
	w := opener{rs: rs}
	w.walk(chain, Match{}, netset.PrefixSet{}, netset.PrefixSet{}, Outcome{}, 0)
	return w.out
}

// AddOpenings adds what a chain accepts itself to a reading, of a base chain without
// what it jumps to. Labels are those of the rule that opens.
func (rs *Ruleset) AddOpenings(out *artefact.Reading, p artefact.HookPoint, isBase bool, d rule.Direction, labels func(Opening) []string) {
	for _, o := range rs.Openings(p.Chain) {
		if isBase && o.ID != "" {
			continue
		}
		p.In, p.Out, p.Mark = strings.Join(o.In, " "), strings.Join(o.Out, " "), o.Mark
		out.Accept(p, artefact.Accepted{Rule: o.ID, Labels: labels(o), Direction: d, Traffic: o.Traffic()})
	}
}

type opener struct {
	rs  *Ruleset
	out []Opening
}

// maxDepth bounds the chains on a way: nft refuses more than 16 jumps.
const maxDepth = 16

// way is what the rules on a way match together.
type way struct {
	match               Match
	source, destination netset.PrefixSet // empty for every address
}

func (w *opener) walk(chain string, m Match, source, destination netset.PrefixSet, o Outcome, depth int) {
	c, ok := w.rs.Chain(chain)
	if !ok || depth > maxDepth {
		return
	}
	for i := range c.Rules {
		r := &c.Rules[i]
		at, ok := w.narrow(way{m, source, destination}, r.Match)
		if !ok {
			continue
		}
		then := o.with(chain, r)
		switch {
		case r.Map != "":
			w.elements(r, at, then, depth)
		case r.Verdict == Jump || r.Verdict == Goto:
			w.walk(r.Target, at.match, at.source, at.destination, then, depth+1)
		case r.Verdict == Accept:
			w.open(at, then)
		case r.Verdict == Continue:
			o = then
		}
	}
}

func (w *opener) elements(r *Rule, at way, o Outcome, depth int) {
	m, ok := w.rs.Map(r.Map)
	if !ok {
		return
	}
	for _, e := range byChain(m.Elements) {
		in := at
		end := &in.destination
		if r.Lookup == Source {
			end = &in.source
		}
		if both(end, e.Prefixes) {
			w.walk(e.Chain, in.match, in.source, in.destination, o, depth+1)
		}
	}
}

// byChain joins elements that lead to one chain, in the order of their first: so that
// no file makes us walk a chain more than once for a map.
func byChain(elements []Element) []Element {
	at := map[string]int{}
	var out []Element
	var joined [][]netset.PrefixSet
	for _, e := range elements {
		i, ok := at[e.Chain]
		if !ok {
			i = len(out)
			at[e.Chain] = i
			out = append(out, e)
			joined = append(joined, nil)
		}
		joined[i] = append(joined[i], e.Prefixes)
	}
	for i, sets := range joined {
		if len(sets) > 1 {
			var b netset.PrefixBuilder
			for _, s := range sets {
				b.AddSet(s)
			}
			out[i].Prefixes = b.Build()
		}
	}
	return out
}

// both intersects addresses; an empty set means all. It is false if nothing is left.
func both(have *netset.PrefixSet, more netset.PrefixSet) bool {
	if have.IsEmpty() {
		*have = more
	} else {
		*have = have.Intersect(more)
	}
	return !have.IsEmpty()
}

// narrow adds a rule's match to a way; false if no first packet over TCP or UDP takes
// both.
func (w *opener) narrow(at way, m Match) (way, bool) {
	if m.State != "" || m.Loopback != "" || m.ICMP != nil || m.HopLimit != 0 || m.Marked != 0 {
		return at, false
	}
	ok := merge(&at.match.Protocol, m.Protocol) && merge(&at.match.Family, m.Family)
	for _, one := range []struct{ have, more *[]string }{{&at.match.In, &m.In}, {&at.match.Out, &m.Out}} {
		if len(*one.more) > 0 {
			*one.have = *one.more
		}
	}
	ok = ok && w.narrowPorts(&at.match.Ports, m.Ports) && w.narrowPorts(&at.match.Original, m.Original)
	for _, one := range []struct {
		have *netset.PrefixSet
		more Addresses
	}{{&at.source, m.From}, {&at.destination, m.To}} {
		if !one.more.IsAll() {
			ok = ok && both(one.have, w.rs.addresses(one.more))
		}
	}
	return at, ok
}

// merge narrows a part whose zero value means all.
func merge[T comparable](have *T, more T) bool {
	var all T
	if more == all {
		return true
	}
	if *have != all && *have != more {
		return false
	}
	*have = more
	return true
}

// narrowPorts keeps the ports that a rule matches; false if none is left.
func (w *opener) narrowPorts(have *Ports, more Ports) bool {
	if more.IsAll() {
		return true
	}
	if s, ok := w.rs.Set(more.Set); ok && more.Set != "" {
		more = Ports{Ranges: s.Ports}
	}
	if !have.IsAll() {
		var both []netset.PortRange
		for _, a := range have.Ranges {
			for _, b := range more.Ranges {
				if first, last := max(a.First, b.First), min(a.Last, b.Last); first <= last {
					both = append(both, netset.PortRange{First: first, Last: last})
				}
			}
		}
		more.Ranges = both
	}
	*have = more
	return len(more.Ranges) > 0
}

func (rs *Ruleset) addresses(a Addresses) netset.PrefixSet {
	if a.Prefix.IsValid() {
		return netset.PrefixSetOf(a.Prefix)
	}
	if s, ok := rs.Set(a.Set); ok {
		return s.Prefixes
	}
	return netset.PrefixSet{}
}

func (w *opener) open(at way, o Outcome) {
	m := at.match
	one := Opening{
		In: m.In, Out: m.Out, Protocol: m.Protocol, Ports: m.Ports.Ranges, Family: m.Family,
		Source: at.source, Destination: at.destination, Mark: o.Mark, ID: o.ID, Comment: o.Path[len(o.Path)-1].Rule.Comment,
	}
	if !m.Original.IsAll() {
		one.BeforeDNAT, one.Ports = true, m.Original.Ranges
	}
	w.out = append(w.out, one)
}
