package artefact

import (
	"net/netip"
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// ByAddress returns the verdict on a rule for a backend that renders every
// prefix, service and local address, and knows no names.
func ByAddress(p *rule.Policy, r *rule.Rule) Coverage {
	c := cover(r, Exact)
	switch {
	case r.Remote.Any:
	case r.Remote.Prefixes().IsEmpty():
		c.Verdict, c.Reason = Absent, "the publisher gives names alone and a packet filter sees only addresses"
	case !shareFamily(p, r):
		c.Verdict, c.Reason = NotApplicable, "the role and the remote have no address family in common, so no flow can match"
		return c
	default:
		for pattern := range r.Remote.Unaddressed.Patterns() {
			if f, ok := namedFlow(p, r, pattern); ok && !p.Decide(rule.Seen(f, rule.PacketFilter)).Accept() {
				c.Verdict, c.Reason = Narrower, "some of its names are published without addresses and a packet filter sees only addresses"
				c.Witnesses = []Witness{{Flow: f}}
				break
			}
		}
	}
	if c.Verdict != Exact {
		c.Remedy = addressRemedy(r.Direction)
	}
	return c
}

// addressRemedy is what helps where names have no addresses.
func addressRemedy(d rule.Direction) string {
	const add = "add the addresses that the site accepts for these names in a catalogue of its own"
	if d == rule.Inbound {
		return add
	}
	return "let a proxy carry these names, or " + add
}

// ByRequest returns the verdict on a rule for a backend that sees outbound TCP
// requests by name or literal from machines of the given roles, and renders every
// name, literal and port of the rules of these roles.
func ByRequest(p *rule.Policy, r *rule.Rule, roles ...rule.Role) Coverage {
	c := cover(r, NotApplicable)
	switch {
	case r.Direction == rule.Inbound:
		c.Reason = "a proxy does not carry inbound flows"
		return c
	case r.Services.Only(netset.TCP).IsEmpty():
		c.Reason = "a proxy carries TCP alone"
		return c
	case !slices.Contains(roles, r.Role):
		c.Reason = "the file does not serve role " + string(r.Role)
		return c
	}
	c.Verdict = Exact
	if f, ok := unlistedFlow(p, r); ok && !p.Decide(rule.Seen(f, rule.Proxy)).Accept() {
		c.Verdict, c.Reason = Narrower, "some of its prefixes are published without names; a proxy sees them only in requests for literal addresses"
		c.Remedy = "let a packet filter carry these prefixes, or add the names that clients use in a catalogue of the site's own"
		c.Witnesses = []Witness{{Flow: f}}
	}
	return c
}

// RulesNotApplicable returns one line for each rule, for a generator that carries
// no traffic.
func RulesNotApplicable(p *rule.Policy, reason string) []Coverage {
	out := make([]Coverage, len(p.Rules))
	for i := range p.Rules {
		out[i] = cover(&p.Rules[i], NotApplicable)
		out[i].Reason = reason
	}
	return out
}

// TrustedSitesNotApplicable returns one line for each trusted site, for a generator
// that carries traffic.
func TrustedSitesNotApplicable(p *rule.Policy, reason string) []Coverage {
	out := make([]Coverage, len(p.TrustedSites))
	for i, t := range p.TrustedSites {
		out[i] = Coverage{Entries: []string{t.Entry.ID}, Verdict: NotApplicable, Reason: reason}
	}
	return out
}

func cover(r *rule.Rule, v Verdict) Coverage {
	c := Coverage{Rule: r.ID, Verdict: v}
	for _, e := range r.Entries {
		c.Entries = append(c.Entries, e.ID)
	}
	return c
}

func shareFamily(p *rule.Policy, r *rule.Rule) bool {
	local, remote := p.Binding(r.Role).Local(), r.Remote.Prefixes()
	return !local.V4().IsEmpty() && !remote.V4().IsEmpty() || !local.V6().IsEmpty() && !remote.V6().IsEmpty()
}

// namedFlow returns a flow to a name of the pattern at an address that no rule
// lists, if there is one that honours the publisher's promise.
func namedFlow(p *rule.Policy, r *rule.Rule, pattern netset.Pattern) (rule.Flow, bool) {
	local, ok := first(p.Binding(r.Role).Local())
	name := pattern.Example()
	remote, found := unlistedAddress(p, local)
	if !ok || !found || listedWithAddresses(p, name) {
		return rule.Flow{}, false
	}
	return flowOf(r, name, remote, local), true
}

// unlistedFlow returns a flow to a bare prefix of the rule by a name that no rule
// lists, if there is one that honours the publisher's promise.
func unlistedFlow(p *rule.Policy, r *rule.Rule) (rule.Flow, bool) {
	const name = "unlisted.invalid"
	bare := r.Remote.BarePrefixes
	for i := range p.Rules {
		bare = bare.Subtract(p.Rules[i].Remote.AddressedPrefixes)
	}
	local := p.Binding(r.Role).Local()
	for _, family := range []func(netset.PrefixSet) netset.PrefixSet{netset.PrefixSet.V4, netset.PrefixSet.V6} {
		remote, ok := first(family(bare))
		from, bound := first(family(local))
		if ok && bound {
			return flowOf(r, name, remote, from), true
		}
	}
	return rule.Flow{}, false
}

// flowOf is a flow of the rule on its first service; TCP, if the rule has any.
func flowOf(r *rule.Rule, name string, remote, local netip.Addr) rule.Flow {
	f := rule.Flow{Direction: r.Direction, Name: name, Remote: remote, Local: local}
	for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
		if ports := r.Services.Ports(protocol); len(ports) > 0 {
			f.Protocol, f.Port = protocol, ports[0].First
			break
		}
	}
	return f
}

func first(s netset.PrefixSet) (netip.Addr, bool) {
	for a := range s.Ranges() {
		return a, true
	}
	return netip.Addr{}, false
}

func listedWithAddresses(p *rule.Policy, name string) bool {
	for i := range p.Rules {
		if p.Rules[i].Remote.Addressed.Match(name) {
			return true
		}
	}
	return false
}

// unlistedAddress returns a documentation address (RFC 5737, RFC 3849) of the
// family of local that no rule lists.
func unlistedAddress(p *rule.Policy, local netip.Addr) (netip.Addr, bool) {
	for _, text := range []string{"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"} {
		a := netip.MustParseAddr(text)
		if a.Is4() == local.Is4() && !listed(p, a) {
			return a, true
		}
	}
	return netip.Addr{}, false
}

func listed(p *rule.Policy, a netip.Addr) bool {
	for i := range p.Rules {
		if p.Rules[i].Remote.Prefixes().Contains(a) {
			return true
		}
	}
	return false
}
