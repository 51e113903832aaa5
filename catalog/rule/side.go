package rule

import (
	"cmp"
	"net/netip"
	"slices"

	"gatewright/catalog/netset"
)

// webPort is asked where nobody says another (RFC 9110 section 4.2.2).
const webPort = 443

// Completed is a question of which direction, protocol and port are known.
type Completed struct {
	Question

	// Assumed says what was not asked: "outbound tcp 443"; empty if nothing was.
	Assumed string

	// Because is what the assumption was taken from, "rule ID" or "entry ID"; empty if
	// nothing.
	Because string
}

// IsBare reports whether a question is a host alone, which a client opens by https.
func (q Question) IsBare() bool {
	return q.Flow.Direction == "" && q.Flow.Protocol == 0 && q.Flow.Port == 0
}

// Complete fills in the direction, the protocol and the port that a question leaves
// open: outbound, tcp and 443 of a host alone; else those of each rule that accepts its
// remote, or the same if none does. Of a rule's ports 443 is taken, or else the first;
// tcp before udp.
func (p *Policy) Complete(q Question) []Completed {
	if q.IsBare() {
		return []Completed{q.opened()}
	}
	if q.Flow.Direction == "" && q.Flow.Port != 0 {
		q.Flow.Direction = Outbound // HOST:PORT
	}
	if f := q.Flow; f.Direction != "" && f.Protocol != 0 && f.Port != 0 {
		return []Completed{{Question: q}}
	}
	var all []Completed
	for i := range p.Rules {
		r := &p.Rules[i]
		c, ok := q.As(r.Direction, r.Services, "rule "+string(r.ID))
		known := slices.ContainsFunc(all, func(other Completed) bool { return other.Flow == c.Flow })
		if ok && !known && r.Remote.Accepts(q.Flow.Name, q.Flow.Remote) && p.playedBy(c.Question, r) {
			all = append(all, c)
		}
	}
	if len(all) > 0 {
		return all
	}
	return []Completed{q.opened()}
}

// opened is the question as of a client that opens it, where it says no more.
func (q Question) opened() Completed {
	f := q.Flow
	f.Direction = cmp.Or(f.Direction, Outbound)
	f.Protocol = cmp.Or(f.Protocol, netset.TCP)
	f.Port = cmp.Or(f.Port, webPort)
	return Completed{Question: Question{f, q.Role, q.Scheme}, Assumed: assumed(f)}
}

func assumed(f Flow) string {
	return string(f.Direction) + " " + netset.Service{Protocol: f.Protocol, Ports: netset.PortRange{First: f.Port, Last: f.Port}}.String()
}

// As fills in what the question leaves open with a direction and services, if they
// hold what it says.
func (q Question) As(d Direction, services netset.ServiceSet, because string) (Completed, bool) {
	f := q.Flow
	if f.Direction != "" && f.Direction != d {
		return Completed{}, false
	}
	f.Direction = d
	for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
		ranges := services.Ports(protocol)
		wanted := f.Protocol == 0 || f.Protocol == protocol
		if !wanted || len(ranges) == 0 || f.Port != 0 && !services.Contains(protocol, f.originalPort()) {
			continue
		}
		f.Protocol = protocol
		if f.Port == 0 {
			f.Port = ranges[0].First
			if services.Contains(protocol, webPort) {
				f.Port = webPort
			}
		}
		return Completed{Question{f, q.Role, q.Scheme}, assumed(f), because}, true
	}
	return Completed{}, false
}

// playedBy reports whether our side of a complete question may play the role of a rule.
func (p *Policy) playedBy(q Question, r *Rule) bool {
	locals := p.Binding(r.Role).possible(q.Flow)
	switch {
	case locals.IsEmpty():
		return false
	case q.Flow.Local.IsValid():
		return locals.Contains(q.Flow.Local)
	case q.Role != "":
		return q.Role == r.Role || locals.Overlaps(p.Binding(q.Role).Local())
	}
	return true
}

// possible returns the addresses of a role that a flow may have: where no proxy can
// stand between, those of the remote's family.
func (b Binding) possible(f Flow) netset.PrefixSet {
	if !f.Remote.IsValid() || f.mayBeProxied() {
		return b.Local()
	}
	return family(b.Local(), !f.Remote.Unmap().Is4())
}

// Side is a part of our side that has one answer to a question.
type Side struct {
	// Roles are those that the question names, or that are bound to the address
	// that it names, in the policy's order.
	Roles []Role

	// Local is not empty, unless the role that the question names is not bound:
	// the same rules accept the flow for each of these addresses.
	Local netset.PrefixSet

	// Whole says that Local is every address of the only role that the flow may have.
	Whole bool

	// Flow has one of the addresses of Local, of the remote's family if there is one.
	Flow Flow
}

// Sides returns the parts of our side that a complete question is about: the
// address that it names, or the addresses of the role that it names, or those of
// every bound role in turn. The addresses of a role are parted where rules tell them
// apart. If the flow is Impossible for all of them, they are one side.
func (p *Policy) Sides(q Question) []Side {
	all := p.sides(q)
	for i := range all {
		s := &all[i]
		if len(s.Roles) == 1 {
			b := p.Binding(s.Roles[0])
			s.Whole = s.Local.Equal(b.Local()) || s.Local.Equal(b.possible(q.Flow))
		}
	}
	return all
}

func (p *Policy) sides(q Question) []Side {
	var all []Side
	switch {
	case q.Flow.Local.IsValid():
		s := Side{Local: netset.PrefixSetOf(netip.PrefixFrom(q.Flow.Local, q.Flow.Local.BitLen())), Flow: q.Flow}
		for _, b := range p.Bindings {
			if b.Local().Contains(q.Flow.Local) {
				s.Roles = append(s.Roles, b.Role)
			}
		}
		return []Side{s}
	case q.Role != "" && p.Binding(q.Role).Local().IsEmpty(), len(p.Bindings) == 0:
		s := Side{Flow: q.Flow}
		if q.Role != "" {
			s.Roles = []Role{q.Role}
		}
		return []Side{s}
	}
	for _, b := range p.Bindings {
		if q.Role != "" && q.Role != b.Role {
			continue
		}
		parts := []netset.PrefixSet{b.Local()}
		if possible := b.possible(q.Flow); !possible.IsEmpty() {
			parts = p.parts(q.Flow, possible)
		}
		for _, part := range parts {
			f := q.Flow
			f.Local = anAddress(part, f.Remote)
			all = append(all, Side{Roles: []Role{b.Role}, Local: part, Flow: f})
		}
	}
	return all
}

// parts splits addresses of our side by the rules that accept the flow for them;
// those that more rules accept come first.
func (p *Policy) parts(f Flow, locals netset.PrefixSet) []netset.PrefixSet {
	parts := []netset.PrefixSet{locals}
	for i := range p.Rules {
		for _, accepted := range p.localsOf(&p.Rules[i], f) {
			var next []netset.PrefixSet
			for _, part := range parts {
				for _, piece := range []netset.PrefixSet{part.Intersect(accepted), part.Subtract(accepted)} {
					if !piece.IsEmpty() {
						next = append(next, piece)
					}
				}
			}
			parts = next
		}
	}
	return parts
}

// localsOf returns the addresses of our side for which a rule accepts the flow,
// those that are published apart.
func (p *Policy) localsOf(r *Rule, f Flow) []netset.PrefixSet {
	if f.Direction != r.Direction || !r.Remote.Accepts(f.Name, f.Remote) {
		return nil
	}
	var all []netset.PrefixSet
	b := p.Binding(r.Role)
	after, before := r.Services.Contains(f.Protocol, f.Port), r.Services.Contains(f.Protocol, f.originalPort())
	if r.Direction == Outbound {
		before = after
	}
	if after {
		all = append(all, b.Addresses)
	}
	if before {
		all = append(all, b.Published)
	}
	return all
}

// anAddress returns an address of a set that is not empty, of the family of like if
// there is one: the second of a range, because the first is often a network's own.
func anAddress(s netset.PrefixSet, like netip.Addr) netip.Addr {
	family := s.V4()
	if like.Is6() || family.IsEmpty() {
		family = s.V6()
	}
	if family.IsEmpty() {
		family = s
	}
	for first, last := range family.Ranges() {
		if first != last {
			return first.Next()
		}
		return first
	}
	return netip.Addr{}
}
