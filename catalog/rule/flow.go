package rule

import (
	"net/netip"
	"slices"

	"gatewright/catalog/netset"
)

// Flow is one connection attempt as an all-seeing observer knows it. A part that
// is not known is left zero and matches nothing. Addresses are without a zone, and IPv4
// ones stand as such.
type Flow struct {
	Direction Direction
	Protocol  netset.Protocol

	// Port is the destination port that a filter sees, after any DNAT.
	Port uint16

	// Published is the original destination port, before DNAT; 0 means Port.
	Published uint16

	// Name is the remote's name (lower case, no trailing dot): outbound the one that
	// the client asked for, empty if it used a literal address; inbound the one that
	// its publisher knows it by, which nobody on the way sees.
	Name string

	// Remote is the remote's address. With an empty Name it is the literal.
	Remote netip.Addr

	// Local is the address on our side, after DNAT and before SNAT.
	Local netip.Addr
}

func (f Flow) originalPort() uint16 {
	if f.Published != 0 {
		return f.Published
	}
	return f.Port
}

// Family returns "IPv4" or "IPv6".
func Family(a netip.Addr) string { return FamilyName(a.Unmap().Is4()) }

// MixesFamilies reports whether one address of the flow is IPv4 and the other IPv6. No
// packet has both.
func (f Flow) MixesFamilies() bool {
	return f.Local.IsValid() && f.Remote.IsValid() && f.Local.Is4() != f.Remote.Is4()
}

// Impossible reports whether the flow mixes address families and cannot go through a
// proxy. A proxy carries only outbound TCP. Decide still answers by the parts of such a
// flow.
func (f Flow) Impossible() bool { return f.MixesFamilies() && !f.mayBeProxied() }

func (f Flow) mayBeProxied() bool { return f.Direction == Outbound && f.Protocol == netset.TCP }

// Layer is a place from which a flow is seen.
type Layer int

const (
	PacketFilter Layer = iota // sees addresses, never a name
	Proxy                     // sees the name, or the literal address if there is none
)

// Seen is what a layer gets to see of a flow.
func Seen(f Flow, l Layer) Flow {
	switch {
	case l == PacketFilter:
		f.Name = ""
	case f.Name != "":
		f.Remote = netip.Addr{}
	}
	return f
}

// Decision is the model's answer for a flow: accepted if any rule accepts it.
type Decision struct {
	Rules   []ID     // in the policy's order; empty if no rule accepts the flow
	Entries []string // ids of the entries behind these rules, sorted, each once
}

// Accept reports whether the flow is accepted.
func (d Decision) Accept() bool { return len(d.Rules) > 0 }

// Decide is the reference meaning of the policy.
func (p *Policy) Decide(f Flow) Decision {
	var d Decision
	seen := map[string]bool{}
	for i := range p.Rules {
		r := &p.Rules[i]
		if !p.Accepts(r, f) {
			continue
		}
		d.Rules = append(d.Rules, r.ID)
		for _, e := range r.Entries {
			if !seen[e.ID] {
				seen[e.ID] = true
				d.Entries = append(d.Entries, e.ID)
			}
		}
	}
	slices.Sort(d.Entries)
	return d
}

// Accepts reports whether one rule of the policy accepts the flow.
func (p *Policy) Accepts(r *Rule, f Flow) bool {
	if f.Direction != r.Direction || !r.Remote.Accepts(f.Name, f.Remote) {
		return false
	}
	b := p.Binding(r.Role)
	if r.Direction == Inbound {
		return b.Addresses.Contains(f.Local) && r.Services.Contains(f.Protocol, f.Port) ||
			b.Published.Contains(f.Local) && r.Services.Contains(f.Protocol, f.originalPort())
	}
	return b.Local().Contains(f.Local) && r.Services.Contains(f.Protocol, f.Port)
}
