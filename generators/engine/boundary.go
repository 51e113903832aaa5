package engine

import (
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// BoundaryFlows returns the flows at which a wrong rendering of the policy shows: for
// every rule both sides of the edges of its prefixes, port ranges and local addresses;
// the other protocol, the other direction and a published port in place of the real
// one; names at and around its patterns. A name that is published with addresses comes
// from one of them. Flows between strangers are asked of every policy, an empty one
// too. The same policy gives the same flows in the same order, each once. Both
// addresses of a flow are of one family. There are about four flows for each prefix and
// port range of a rule, and ten for each pattern.
func BoundaryFlows(p *rule.Policy, most Limits) []rule.Flow {
	b := boundary{policy: p, limits: most, free: map[bool]netip.Addr{}, targets: map[target]netip.Addr{}, seen: map[rule.Flow]bool{}}
	var listed netset.PrefixBuilder
	var named []netset.Pattern
	for _, r := range p.Rules {
		listed.AddSet(r.Remote.Prefixes())
		named = slices.AppendSeq(named, r.Remote.Addressed.Patterns())
	}
	b.listed, b.named = listed.Build(), netset.NameSetOf(named...)
	for i := range p.Rules {
		b.addRule(&p.Rules[i])
	}
	b.addStrangers()
	return b.flows
}

// Limits say how many prefixes of a family, port ranges of a protocol and patterns of a
// rule are looked at, evenly spread; 0 for all.
type Limits struct{ Prefixes, Ranges, Patterns int }

type boundary struct {
	policy  *rule.Policy
	limits  Limits
	listed  netset.PrefixSet      // every prefix of every rule
	named   netset.NameSet        // every name that is published with prefixes
	free    map[bool]netip.Addr   // an address that nobody lists, by whether it is IPv4
	targets map[target]netip.Addr // where names lead
	seen    map[rule.Flow]bool
	flows   []rule.Flow
}

func (b *boundary) add(f rule.Flow) {
	sound := f.Remote.IsValid() && f.Local.IsValid() && f.Remote.Is4() == f.Local.Is4() && f.Port != 0
	if sound && !b.seen[f] {
		b.seen[f] = true
		b.flows = append(b.flows, f)
	}
}

// addRule varies one part of a flow at a time, around flows that the rule accepts.
// Where the rule has nothing of a family, flows of that family still are asked.
func (b *boundary) addRule(r *rule.Rule) {
	locals := b.policy.Binding(r.Role).Local()
	for _, family := range []func(netset.PrefixSet) netset.PrefixSet{netset.PrefixSet.V4, netset.PrefixSet.V6} {
		local := b.orUnlisted(family, locals)
		remotes := b.orUnlisted(family, r.Remote.Prefixes())
		base := b.firstFlow(r)
		base.Local, base.Remote = firstOf(local), firstOf(remotes)
		b.addRemotes(r, base, remotes)
		if family(locals).IsEmpty() {
			continue
		}
		b.addLocals(base, local)
		b.addServices(r, base)
		b.addPublished(r, base)
		b.addNames(r, base)
		base.Direction = opposite(base.Direction)
		b.add(base)
	}
}

// addStrangers asks common services at an address that nobody lists, for the first
// role's machines or, without a role, for others that nobody lists.
func (b *boundary) addStrangers() {
	var locals netset.PrefixSet
	if len(b.policy.Bindings) > 0 {
		locals = b.policy.Bindings[0].Local()
	}
	for _, family := range []func(netset.PrefixSet) netset.PrefixSet{netset.PrefixSet.V4, netset.PrefixSet.V6} {
		local := firstOf(b.orUnlisted(family, locals))
		f := rule.Flow{Local: local, Remote: b.unlisted(local)}
		if f.Local == f.Remote {
			f.Local = f.Local.Next()
		}
		for _, f.Direction = range []rule.Direction{rule.Outbound, rule.Inbound} {
			for _, f.Protocol = range []netset.Protocol{netset.TCP, netset.UDP} {
				for _, f.Port = range []uint16{22, 53, 443} {
					b.add(f)
					b.addNamed(f, "unlisted.invalid")
				}
			}
		}
	}
}

// addNamed asks a flow by name, if our side opens it.
func (b *boundary) addNamed(f rule.Flow, name string) {
	if f.Direction == rule.Outbound {
		f.Name = name
		b.add(f)
	}
}

// orUnlisted returns the part of s that is of a family or, if there is none, an
// address of the family that nobody lists.
func (b *boundary) orUnlisted(family func(netset.PrefixSet) netset.PrefixSet, s netset.PrefixSet) netset.PrefixSet {
	if s := family(s); !s.IsEmpty() {
		return s
	}
	return family(netset.PrefixSetOf(
		netip.PrefixFrom(b.unlisted(netip.IPv4Unspecified()), 32),
		netip.PrefixFrom(b.unlisted(netip.IPv6Unspecified()), 128),
	))
}

// unlisted returns an address of the family of a that lies in no prefix of the
// policy: of a documentation prefix (RFC 5737, RFC 3849) or, if that is listed, the
// next one above or, from the low end on, below. Rules that together list a whole
// family leave the documentation prefix.
func (b *boundary) unlisted(a netip.Addr) netip.Addr {
	if b.free[a.Is4()].IsValid() {
		return b.free[a.Is4()]
	}
	documentation, low := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("1.0.0.1")
	if a.Is6() {
		documentation, low = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("100::1")
	}
	b.free[a.Is4()] = b.firstUnlisted(documentation, low)
	return b.free[a.Is4()]
}

// firstUnlisted returns the first address from one of starts on that no prefix
// lists, in the family of the starts; the first start if there is none.
func (b *boundary) firstUnlisted(starts ...netip.Addr) netip.Addr {
	for _, next := range starts {
		for first, last := range b.listed.Ranges() {
			if first.Compare(next) <= 0 && next.Compare(last) <= 0 && first.Is4() == next.Is4() {
				next = last.Next()
			}
		}
		if next.IsValid() && next.Is4() == starts[0].Is4() {
			return next
		}
	}
	return starts[0]
}

// addRemotes asks both sides of the prefixes' edges, by each protocol in turn.
func (b *boundary) addRemotes(r *rule.Rule, base rule.Flow, remotes netset.PrefixSet) {
	for _, a := range b.addressEdges(remotes) {
		f := base
		f.Remote = a
		b.add(f)
		for _, s := range b.services(r) {
			f.Protocol, f.Port = s.Protocol, s.Ports.Last
			b.add(f)
		}
	}
}

// addLocals asks both sides of the role's edges, and the addresses of other roles.
func (b *boundary) addLocals(base rule.Flow, local netset.PrefixSet) {
	edges := b.addressEdges(local)
	for _, other := range b.policy.Bindings {
		for a := range other.Local().Ranges() {
			edges = append(edges, a)
			break
		}
	}
	for _, a := range append(edges, b.unlisted(base.Local)) {
		f := base
		f.Local = a
		b.add(f)
	}
}

// addServices asks both sides of the port ranges' edges, each by both protocols.
func (b *boundary) addServices(r *rule.Rule, base rule.Flow) {
	for _, s := range b.services(r) {
		for _, port := range portEdges(s.Ports) {
			for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
				f := base
				f.Protocol, f.Port = protocol, port
				b.add(f)
			}
		}
	}
}

// addPublished asks inbound flows that come through a published port, to each kind
// of local address: the published port alone is of the rule, or the real one alone.
func (b *boundary) addPublished(r *rule.Rule, base rule.Flow) {
	if r.Direction != rule.Inbound {
		return
	}
	outside, ok := portOutside(r.Services, base.Protocol)
	if !ok {
		return
	}
	binding := b.policy.Binding(r.Role)
	for _, locals := range []netset.PrefixSet{binding.Addresses, binding.Published} {
		for a := range locals.Ranges() {
			f := base
			f.Local = a
			b.add(f)
			f.Port, f.Published = outside, base.Port
			b.add(f)
			f.Port, f.Published = base.Port, outside
			b.add(f)
			f.Port, f.Published = base.Port, base.Port
			b.add(f)
		}
	}
}

// addNames asks names at and around the patterns. The remote of a flow has a name
// only if our side opened it.
func (b *boundary) addNames(r *rule.Rule, base rule.Flow) {
	if r.Direction != rule.Outbound {
		return
	}
	for _, pattern := range spread(slices.Collect(r.Remote.Names().Patterns()), b.limits.Patterns) {
		for _, name := range BoundaryNames(pattern) {
			f := base
			f.Name, f.Remote = name, b.addressOf(r, name, base.Local)
			b.add(f)
			if name == pattern.Example() {
				for _, s := range b.services(r) {
					for _, f.Port = range portEdges(s.Ports) {
						f.Protocol = s.Protocol
						b.add(f)
					}
				}
			}
		}
	}
	if r.Remote.Any || !r.Remote.BarePrefixes.IsEmpty() {
		base.Name = "unlisted.invalid"
		b.add(base)
	}
}

// addressOf returns where a name leads: to an address that is published with it, by the
// rule if it can be, or, if there is none, to one that nobody lists.
func (b *boundary) addressOf(r *rule.Rule, name string, local netip.Addr) netip.Addr {
	to := target{name, local.Is4()}
	if a, known := b.targets[to]; known {
		return a
	}
	a, ok := publishedWith(r, name, local)
	for i := 0; !ok && i < len(b.policy.Rules) && b.named.Match(name); i++ {
		a, ok = publishedWith(&b.policy.Rules[i], name, local)
	}
	if !ok {
		a = b.unlisted(local)
	}
	b.targets[to] = a
	return a
}

// target is a name as machines of a family look it up.
type target struct {
	name string
	is4  bool
}

// publishedWith returns an address that the rule publishes with a name.
func publishedWith(r *rule.Rule, name string, local netip.Addr) (a netip.Addr, ok bool) {
	if !r.Remote.Addressed.Match(name) {
		return a, false
	}
	for a := range r.Remote.AddressedPrefixes.Ranges() {
		if a.Is4() == local.Is4() {
			return a, true
		}
	}
	return a, false
}

func opposite(d rule.Direction) rule.Direction {
	if d == rule.Inbound {
		return rule.Outbound
	}
	return rule.Inbound
}

// firstFlow is a flow of the rule's first service without addresses.
func (b *boundary) firstFlow(r *rule.Rule) rule.Flow {
	s := b.services(r)[0]
	return rule.Flow{Direction: r.Direction, Protocol: s.Protocol, Port: s.Ports.First}
}

// services returns some port ranges of the rule, TCP first. A rule has at least one.
func (b *boundary) services(r *rule.Rule) []netset.Service {
	var all []netset.Service
	for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
		for _, ports := range spread(r.Services.Ports(protocol), b.limits.Ranges) {
			all = append(all, netset.Service{Protocol: protocol, Ports: ports})
		}
	}
	return all
}

// spread returns at most n elements of s, the first and the last among them; all for 0.
func spread[T any](s []T, n int) []T {
	if n == 0 || len(s) <= n {
		return s
	}
	some := make([]T, n)
	for i := range some {
		some[i] = s[i*(len(s)-1)/(n-1)]
	}
	return some
}

// BoundaryNames returns names at and around a pattern: one that it matches, that one's
// parent, one and two labels deeper, a sibling, one that only ends alike, and the
// pattern with its stars as nothing, a character, and two labels.
func BoundaryNames(p netset.Pattern) []string {
	name := p.Example()
	_, parent, _ := strings.Cut(name, ".")
	edges := []string{name, parent, "deeper." + name, "two.deeper." + name, "sibling." + parent, "not" + name, "x" + parent}
	for _, star := range []string{"", "7", "two.labels"} {
		edges = append(edges, strings.ReplaceAll(p.String(), "*", star))
	}
	return slices.DeleteFunc(edges, func(n string) bool {
		_, err := netset.ParseName(n)
		return err != nil
	})
}
