package rule

import (
	"iter"
	"net/netip"
	"slices"

	"gatewright/catalog/netset"
)

// PatternFlows is a pattern together with its addresses on our side.
type PatternFlows struct {
	FlowPattern
	Locals netset.PrefixSet
}

func (a PatternFlows) ours() where { return netset.ProductOf(a.Services, a.Locals) }

// oursOf is where a rule or a grant accepts flows of one port, the same before and
// after any DNAT.
func (p *Policy) oursOf(services netset.ServiceSet, r Role) where {
	return netset.ProductOf(services, p.Binding(r).Local())
}

// meeting yields the rules that accept flows of the pattern's direction for some of its
// local addresses on some of its services, with these.
func (p *Policy) meeting(a PatternFlows) iter.Seq2[*Rule, where] {
	return func(yield func(*Rule, where) bool) {
		ours := a.ours()
		for i := range p.Rules {
			r := &p.Rules[i]
			if r.Direction != a.Direction {
				continue
			}
			if on := p.oursOf(r.Services, r.Role).Intersect(ours); !on.IsEmpty() && !yield(r, on) {
				return
			}
		}
	}
}

// addressed is flows by address: of one family, or of any two where a proxy may stand
// between.
type addressed struct {
	ours    where
	remotes netset.PrefixSet
}

// byAddress returns the flows to some remotes.
func (a PatternFlows) byAddress(remotes netset.PrefixSet) (all []addressed) {
	add := func(s netset.ServiceSet, locals, remotes netset.PrefixSet) {
		if !s.IsEmpty() && !locals.IsEmpty() && !remotes.IsEmpty() {
			all = append(all, addressed{netset.ProductOf(s, locals), remotes})
		}
	}
	rest := a.Services
	if a.Direction == Outbound {
		add(a.Services.Only(netset.TCP), a.Locals, remotes)
		rest = rest.Only(netset.UDP)
	}
	add(rest, a.Locals.V4(), remotes.V4())
	add(rest, a.Locals.V6(), remotes.V6())
	return all
}

// Addresses are the remotes that the pattern names by address.
func (a PatternFlows) Addresses() netset.PrefixSet {
	if a.Any {
		return netset.EveryAddress()
	}
	return a.Prefixes
}

// IsPossible reports whether there is such a flow: with addresses of one family on both
// sides, but for outbound TCP.
func (a PatternFlows) IsPossible() bool {
	return !a.ours().IsEmpty() && (a.Name != netset.Pattern{} || len(a.byAddress(a.Addresses())) > 0)
}

// Refused returns a flow of the pattern that no rule accepts. The flow has only the
// name or only the address of its remote, as the pattern gives it. ok is false if there
// is none.
func (p *Policy) Refused(a PatternFlows, budget *netset.Budget) (f Flow, ok bool) {
	if a.Any || a.Name != (netset.Pattern{}) {
		if f, ok = p.refusedName(a, budget); ok {
			return f, true
		}
	}
	for _, part := range a.byAddress(a.Addresses()) {
		if f, ok = p.refusedAddress(a, part, budget); ok {
			return f, true
		}
	}
	return f, false
}

// refusedName looks for a name that the rules' patterns leave out somewhere.
func (p *Policy) refusedName(a PatternFlows, budget *netset.Budget) (Flow, bool) {
	var list []placed
	rest := a.ours()
	for r, on := range p.meeting(a) {
		switch {
		case r.Remote.Any:
			rest = rest.Subtract(on)
		case !a.Any:
			list = append(list, placed{on, Endpoints{Names: r.Remote.Overlapping(a.Name)}})
		}
	}
	if a.Any {
		return a.flowOn(rest, p.unlisted(), netset.PrefixSet{})
	}
	on, name := uncoveredName(a.Name, rest, list, budget)
	return a.flowOn(on, name, netset.PrefixSet{})
}

// Overlapping returns the remote's patterns that match a name of p.
func (r Remote) Overlapping(p netset.Pattern) netset.PatternList {
	return netset.PatternListOf(slices.Concat(r.Addressed.Overlapping(p), r.Unaddressed.Overlapping(p)))
}

// uncoveredName returns a part of our side on which some name of a pattern is in none
// of the lists within it, and such a name; nothing if they cover it everywhere.
func uncoveredName(p netset.Pattern, rest where, list []placed, budget *netset.Budget) (where, string) {
	for but, on := range cutBy(list, rest, budget).All() {
		if name, found, decided := netset.FindName([]netset.Pattern{p}, but.Names, budget); found || !decided {
			return *on, name
		}
	}
	return where{}, ""
}

func (p *Policy) refusedAddress(a PatternFlows, part addressed, budget *netset.Budget) (Flow, bool) {
	rest := netset.ProductOf(part.remotes, part.ours)
	var accepted []netset.Product[netset.PrefixSet, where]
	for r, on := range p.meeting(a) {
		remotes := part.remotes
		if !r.Remote.Any {
			remotes = remotes.Intersect(r.Remote.Prefixes())
		}
		accepted = append(accepted, netset.ProductOf(remotes, on))
	}
	all, _ := netset.UniteProducts(accepted, budget)
	for remotes, on := range rest.Subtract(all).All() {
		return a.flowOn(on, "", remotes)
	}
	return Flow{}, false
}

// Accepted returns a flow of the pattern that a rule accepts, only by its name or only
// by its address. ok is false if there is none.
func (p *Policy) Accepted(a PatternFlows) (Flow, bool) {
	for r, on := range p.meeting(a) {
		if name := a.acceptedName(r.Remote); name != "" {
			return a.flowOn(on, name, netset.PrefixSet{})
		}
		remotes := a.Addresses()
		if !r.Remote.Any {
			remotes = remotes.Intersect(r.Remote.Prefixes())
		}
		for _, part := range a.byAddress(remotes) {
			if on := part.ours.Intersect(on); !on.IsEmpty() {
				return a.flowOn(on, "", part.remotes)
			}
		}
	}
	return Flow{}, false
}

// acceptedName returns a name of the pattern that a remote has.
func (a PatternFlows) acceptedName(r Remote) string {
	switch {
	case a.Any && !r.Any:
		for p := range r.Names().Patterns() {
			return p.Example()
		}
		return ""
	case a.Name == netset.Pattern{}:
		return ""
	case r.Any:
		return a.Name.Example()
	}
	for _, p := range r.Overlapping(a.Name) {
		if name, found, _ := netset.FindName([]netset.Pattern{a.Name, p}, nil, nil); found {
			return name
		}
	}
	return ""
}

// flowOn returns a flow of a part of our side to a name or to some addresses; false if
// the part is empty. Both addresses are of one family, if there are such.
func (a PatternFlows) flowOn(on where, name string, remotes netset.PrefixSet) (Flow, bool) {
	for services, locals := range on.All() {
		f := Flow{Direction: a.Direction, Name: name}
		f.Protocol, f.Port = firstService(services)
		if remotes.IsEmpty() {
			f.Local = anAddress(locals, f.Remote)
			return f, true
		}
		if locals.V4().IsEmpty() || remotes.V4().IsEmpty() {
			if v6 := locals.V6(); !v6.IsEmpty() && !remotes.V6().IsEmpty() {
				locals, remotes = v6, remotes.V6()
			}
		} else {
			locals, remotes = locals.V4(), remotes.V4()
		}
		f.Remote, f.Local = anAddress(remotes, f.Remote), anAddress(locals, f.Remote)
		return f, true
	}
	return Flow{}, false
}

func firstService(s netset.ServiceSet) (netset.Protocol, uint16) {
	for one := range s.All() {
		return one.Protocol, one.Ports.First
	}
	return 0, 0
}

// unlisted returns a name that no rule lists.
func (p *Policy) unlisted() string {
	for name := "unlisted.invalid"; ; name = "un" + name { // RFC 2606
		lists := func(r Rule) bool { return !r.Remote.Any && r.Remote.Accepts(name, netip.Addr{}) }
		if !slices.ContainsFunc(p.Rules, lists) {
			return name
		}
	}
}

// Overlaps reports whether the two patterns have a flow in common. Both must give its
// remote in the same way, by name or by address.
func (a PatternFlows) Overlaps(b PatternFlows) bool {
	on := a.ours().Intersect(b.ours())
	if a.Direction != b.Direction || on.IsEmpty() {
		return false
	}
	named := func(p FlowPattern) bool { return p.Any || p.Name != netset.Pattern{} }
	switch {
	case a.Any && named(b.FlowPattern), b.Any && named(a.FlowPattern), a.Name.Overlaps(b.Name):
		return true
	}
	for _, part := range a.byAddress(a.Addresses().Intersect(b.Addresses())) {
		if !part.ours.Intersect(on).IsEmpty() {
			return true
		}
	}
	return false
}
