package filter

import (
	"net/netip"
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// Packet is the first packet of a flow. An address that is not known is invalid.
type Packet struct {
	In, Out             string // interfaces; empty for those that rules ask for
	Protocol            netset.Protocol
	Source, Destination netip.Addr
	Port                uint16 // destination, as the hook sees it
	Original            uint16 // destination before DNAT
	Mark                uint32
}

// Outcome is what may become of a packet.
type Outcome struct {
	Verdict Verdict // Accept, Drop, or Continue for one that comes back undecided
	ID      rule.ID // of the last rule of the policy on the way; empty if there is none
	Mark    uint32
	Unsure  bool   // goes by an address that is not known
	Path    []Step // the rules that matched, in their order
}

// Step is one rule that matched.
type Step struct {
	Chain string
	Rule  *Rule
}

// Walk returns what becomes of a packet that comes to a chain: one outcome if the
// packet is known whole, or else every one that its unknown address leaves open, each
// with another way. A chain that the ruleset lacks decides nothing.
func (rs *Ruleset) Walk(chain string, p Packet) []Outcome {
	w := walker{rs: rs, packet: p}
	w.enter(chain, Outcome{Mark: p.Mark}, nil)
	return w.out
}

type walker struct {
	rs     *Ruleset
	packet Packet
	out    []Outcome
}

// place is where a jump comes back to.
type place struct {
	chain *Chain
	next  int
}

// enter walks a chain from its first rule.
func (w *walker) enter(name string, o Outcome, back []place) {
	c, ok := w.rs.Chain(name)
	if !ok {
		w.leave(o, back)
		return
	}
	w.from(place{c, 0}, o, back)
}

// from walks a chain from one of its rules on. Where a rule may match or not, both are
// followed.
func (w *walker) from(at place, o Outcome, back []place) {
	for i := at.next; i < len(at.chain.Rules); i++ {
		r := &at.chain.Rules[i]
		m := w.matches(r, o.Mark)
		if m == no {
			continue
		}
		then := o.with(at.chain.Name, r)
		then.Unsure = o.Unsure || m == maybe
		switch {
		case r.Map != "":
			if w.lookUp(r, then, back) && m == yes {
				return
			}
		case r.Verdict == Jump:
			w.enter(r.Target, then, append(slices.Clip(back), place{at.chain, i + 1}))
		case r.Verdict == Goto:
			w.enter(r.Target, then, back)
		case r.Verdict == Continue:
			w.from(place{at.chain, i + 1}, then, back)
		default:
			then.Verdict = r.Verdict
			w.out = append(w.out, then)
		}
		if m == yes && r.Map == "" {
			return
		}
		if m == maybe || r.Map != "" && !w.packet.end(r.Lookup).IsValid() {
			o.Unsure = true // what follows is for packets that this rule does not match
		}
	}
	if at.chain.Hook != nil {
		o.Verdict = at.chain.Hook.Policy
		w.out = append(w.out, o)
		return
	}
	w.leave(o, back)
}

// leave goes back to where the chain was jumped to from.
func (w *walker) leave(o Outcome, back []place) {
	if len(back) == 0 {
		w.out = append(w.out, o)
		return
	}
	last := len(back) - 1
	w.from(back[last], o, back[:last])
}

// lookUp goes to the chain of the packet's address, or to those of all elements if it
// is not known. It reports whether the packet certainly has an element.
func (w *walker) lookUp(r *Rule, o Outcome, back []place) bool {
	m, ok := w.rs.Map(r.Map)
	if !ok {
		return false
	}
	a := w.packet.end(r.Lookup)
	for _, e := range m.Elements {
		switch {
		case !a.IsValid():
			o.Unsure = true
			w.enter(e.Chain, o, back)
		case e.Prefixes.Contains(a):
			w.enter(e.Chain, o, back)
			return true
		}
	}
	return false
}

func (o Outcome) with(chain string, r *Rule) Outcome {
	o.Path = append(slices.Clip(o.Path), Step{chain, r})
	o.Mark = o.Mark&^r.ClearMark | r.SetMark
	if r.ID != "" {
		o.ID = r.ID
	}
	return o
}

func (p Packet) end(e End) netip.Addr {
	if e == Source {
		return p.Source
	}
	return p.Destination
}

// truth is yes, no, or maybe where an address is not known.
type truth int

const (
	no truth = iota
	maybe
	yes
)

// matches compares a rule with the first packet of a flow over TCP or UDP, which no
// state but new, no loopback and no ICMP match.
func (w *walker) matches(r *Rule, mark uint32) truth {
	p, m := w.packet, r.Match
	fits := m.State == "" && m.Loopback == "" && m.ICMP == nil && m.HopLimit == 0 &&
		onInterface(m.In, p.In) && onInterface(m.Out, p.Out) &&
		(m.Protocol == 0 || m.Protocol == p.Protocol) && mark&m.Marked == m.Marked &&
		w.holds(m.Ports, p.Port) && w.holds(m.Original, p.Original) && p.is(m.Family)
	if !fits {
		return no
	}
	return min(w.contains(m.From, p.Source), w.contains(m.To, p.Destination))
}

func onInterface(names []string, name string) bool {
	return len(names) == 0 || name == "" || slices.Contains(names, name)
}

// is reports whether what is known of the packet is of the family.
func (p Packet) is(f Family) bool {
	for _, a := range []netip.Addr{p.Source, p.Destination} {
		if f != Both && a.IsValid() && FamilyOf(a) != f {
			return false
		}
	}
	return true
}

func (w *walker) holds(p Ports, port uint16) bool {
	ranges := p.Ranges
	if p.Set != "" {
		if s, ok := w.rs.Set(p.Set); ok {
			ranges = s.Ports
		}
	}
	return p.IsAll() || slices.ContainsFunc(ranges, func(r netset.PortRange) bool { return r.Contains(port) })
}

func (w *walker) contains(a Addresses, at netip.Addr) truth {
	switch {
	case a.IsAll():
		return yes
	case !at.IsValid():
		return maybe
	case a.Prefix.IsValid() && a.Prefix.Contains(at):
		return yes
	}
	if s, ok := w.rs.Set(a.Set); ok && s.Prefixes.Contains(at) {
		return yes
	}
	return no
}

// AdmitsTCP reports whether a chain accepts the first packet of a connection by TCP.
func (rs *Ruleset) AdmitsTCP(chain string, remote netip.Addr, local netip.AddrPort) bool {
	p := Packet{Protocol: netset.TCP, Source: remote, Destination: local.Addr(), Port: local.Port(), Original: local.Port()}
	return slices.ContainsFunc(rs.Walk(chain, p), func(o Outcome) bool { return o.Verdict == Accept })
}
