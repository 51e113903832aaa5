package artefact

import (
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// How many local addresses and services of a rule are looked at for a witness: the
// first ones of the parts that no other rule's addresses and ports tell apart.
const (
	someLocals   = 32
	someServices = 64
)

// witnessSearch looks for a flow of one rule on which a backend that does not see
// all of it must differ from the model.
type witnessSearch struct {
	*Judge
	rule *rule.Rule
}

// unaddressed returns a flow to a name that is published without addresses, at an
// address that no rule carries; a packet filter does not accept it.
func (w witnessSearch) unaddressed() (rule.Flow, bool) {
	for pattern := range w.rule.Remote.Unaddressed.Patterns() {
		for _, name := range examples(pattern) {
			promised := sync.OnceValue(func() netset.PrefixSet { return w.promised(name) })
			by := sync.OnceValue(func() netset.Holders { return w.addressedNames().of(name) })
			if f, ok := w.each(func(f rule.Flow) (netip.Addr, bool) {
				if a, ok := w.documented(by(), f); ok {
					return a, true
				}
				return w.uncarried(promised().Like(f.Local), f).First()
			}); ok {
				f.Name = name
				return f, true
			}
		}
	}
	return rule.Flow{}, false
}

// reversed returns a flow of the other direction whose first packet looks like one of
// the rule, where no interfaces tell, and that the model does not accept: both its ends
// are addresses of our side, and the rule's remote holds one of them.
func (w witnessSearch) reversed(ours netset.PrefixSet, locals []netip.Addr) (rule.Flow, bool) {
	ends := ours
	if !w.rule.Remote.Any {
		ends = ours.Intersect(w.rule.Remote.Prefixes())
	}
	if ends.IsEmpty() {
		return rule.Flow{}, false
	}
	for _, local := range locals {
		if !ours.Contains(local) {
			continue
		}
		for end := range someOf(ends.Like(local), local) {
			for _, s := range w.services() {
				f := rule.Flow{Direction: rule.Inbound, Protocol: s.Protocol, Port: s.Ports.First, Remote: local, Local: end}
				if w.rule.Direction == rule.Inbound {
					f.Direction, f.Remote, f.Local = rule.Outbound, local, end
				}
				if !w.accepts(f) {
					return f, !w.looks.Exhausted()
				}
			}
		}
	}
	return rule.Flow{}, false
}

// published returns a flow of the rule to a published address that a filter which goes
// by the port after DNAT does not accept: to the port that was asked for, or to another
// one.
func (w witnessSearch) published() (rule.Flow, bool) {
	for _, local := range w.cutLocals(w.policy.Binding(w.rule.Role).Published) {
		remote, ok := w.remoteOutside(local)
		if !ok {
			continue
		}
		for _, s := range w.services() {
			f := rule.Flow{Direction: rule.Inbound, Protocol: s.Protocol, Published: s.Ports.First, Remote: remote, Local: local}
			for _, f.Port = range append([]uint16{s.Ports.First, 1, 65535}, w.cuts[s.Protocol]...) {
				if !w.acceptsAfterDNAT(f) {
					return f, !w.looks.Exhausted()
				}
			}
		}
	}
	return rule.Flow{}, false
}

// remoteOutside returns a remote of the rule in the family of an address of our side,
// one that is not ours itself if there is one.
func (w witnessSearch) remoteOutside(local netip.Addr) (netip.Addr, bool) {
	remotes := w.rule.Remote.Prefixes()
	if w.rule.Remote.Any {
		remotes = unicast()
	}
	remotes = remotes.Like(local)
	outside := remotes
	for _, side := range w.sides {
		outside = outside.Subtract(side)
	}
	if remote, ok := outside.First(); ok {
		return remote, true
	}
	return remotes.First()
}

// acceptsAfterDNAT reports whether some rule accepts an inbound flow, or the packets of
// the opposite one, by the addresses that are not published and the port after DNAT.
func (w witnessSearch) acceptsAfterDNAT(f rule.Flow) bool {
	w.looks.Spend(1 + len(w.policy.Rules)/16)
	return slices.ContainsFunc(w.policy.Rules, func(r rule.Rule) bool {
		ours, local, remote := w.policy.Binding(r.Role).Addresses, f.Local, f.Remote
		if r.Direction == rule.Outbound {
			ours, local, remote = w.policy.Binding(r.Role).Local(), f.Remote, f.Local
		}
		return r.Services.Contains(f.Protocol, f.Port) && ours.Contains(local) && r.Remote.Accepts("", remote)
	})
}

// accepts reports whether some rule accepts the flow.
func (w witnessSearch) accepts(f rule.Flow) bool {
	rules := w.by[f.Direction]
	w.looks.Spend(1 + len(rules)/16)
	return slices.ContainsFunc(rules, func(r *rule.Rule) bool { return w.policy.Accepts(r, f) })
}

// onSite returns a flow of the rule whose remote is an address of another role, and
// that no rule for remotes on the site carries in either direction.
func (w witnessSearch) onSite() (rule.Flow, rule.Role, bool) {
	var carriers []*rule.Rule
	for i := range w.policy.Rules {
		if r := &w.policy.Rules[i]; r.OnSite {
			carriers = append(carriers, r)
		}
	}
	var role rule.Role
	f, ok := w.each(func(f rule.Flow) (netip.Addr, bool) {
		if !w.looks.Spend(1 + len(carriers) + len(w.policy.Bindings)) {
			return netip.Addr{}, true // of a verdict that does not hold
		}
		carried := w.carriedOnSite(carriers, f)
		for _, b := range w.policy.Bindings {
			if role = b.Role; role == w.rule.Role {
				continue
			}
			if remote, ok := b.Local().Like(f.Local).Subtract(carried).First(); ok {
				return remote, true
			}
		}
		return netip.Addr{}, false
	})
	return f, role, ok
}

// carriedOnSite returns the remotes to which rules for remotes on the site accept the
// packets of a flow, which are those of the opposite one as well, and its local
// address.
func (w witnessSearch) carriedOnSite(carriers []*rule.Rule, f rule.Flow) netset.PrefixSet {
	local := netip.PrefixFrom(f.Local, f.Local.BitLen())
	var all netset.PrefixBuilder
	all.Add(local)
	for _, r := range carriers {
		ours := w.policy.Binding(r.Role).Local()
		switch {
		case !r.Services.Contains(f.Protocol, f.Port):
		case r.Direction != f.Direction && r.Remote.Accepts("", f.Local):
			all.AddSet(ours)
		case r.Direction != f.Direction || !ours.Contains(f.Local):
		case r.Remote.Any:
			all.Add(netip.PrefixFrom(f.Local, 0).Masked())
		default:
			all.AddSet(r.Remote.Prefixes())
		}
	}
	return all.Build()
}

// someOf yields the ends of the first ranges of a set, without one address.
func someOf(s netset.PrefixSet, but netip.Addr) iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		n := 0
		for first, last := range s.Ranges() {
			for _, a := range []netip.Addr{first, last} {
				if a != but && !yield(a) {
					return
				}
			}
			if n++; n == someLocals {
				return
			}
		}
	}
}

// each asks for a remote address for each local address and service of the rule
// that other rules may tell apart, until there is one.
func (w witnessSearch) each(remote func(rule.Flow) (netip.Addr, bool)) (rule.Flow, bool) {
	return w.eachOf(w.localsOf(), w.services(), remote)
}

func (w witnessSearch) eachOf(locals []netip.Addr, services []netset.Service, remote func(rule.Flow) (netip.Addr, bool)) (rule.Flow, bool) {
	for _, local := range locals {
		for _, s := range services {
			f := rule.Flow{Direction: w.rule.Direction, Protocol: s.Protocol, Port: s.Ports.First, Local: local}
			if a, ok := remote(f); ok {
				f.Remote = a
				return f, true
			}
		}
	}
	return rule.Flow{}, false
}

// localsOf returns an address of each part of the role's addresses that the bindings
// of other roles cut out.
func (w witnessSearch) localsOf() []netip.Addr {
	role := w.rule.Role
	if _, known := w.locals[role]; !known {
		w.locals[role] = w.cutLocals(w.policy.Binding(role).Local())
	}
	return w.locals[role]
}

func (j *Judge) cutLocals(all netset.PrefixSet) (locals []netip.Addr) {
	parts := []netset.PrefixSet{all}
	for _, side := range j.sides {
		if len(parts) < someLocals && side.Overlaps(all) {
			parts = cut(parts, side)
		}
	}
	for _, part := range parts[:min(len(parts), someLocals)] {
		for _, one := range []netset.PrefixSet{part.V4(), part.V6()} {
			if a, ok := one.First(); ok {
				locals = append(locals, a)
			}
		}
	}
	return locals
}

func cut(parts []netset.PrefixSet, side netset.PrefixSet) (out []netset.PrefixSet) {
	for _, part := range parts {
		for _, piece := range []netset.PrefixSet{part.Subtract(side), part.Intersect(side)} {
			if !piece.IsEmpty() {
				out = append(out, piece)
			}
		}
	}
	return out
}

// services returns one port of each part of the rule's services that the services
// of other rules cut out, TCP first.
func (w witnessSearch) services() (out []netset.Service) {
	add := func(p netset.Protocol, port uint16) {
		if len(out) < someServices {
			out = append(out, single(p, port))
		}
	}
	for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
		ranges, cuts := w.rule.Services.Ports(protocol), w.cuts[protocol]
		for _, r := range ranges {
			add(protocol, r.First)
		}
		for _, r := range ranges {
			at, _ := slices.BinarySearch(cuts, r.First)
			for ; len(out) < someServices && at < len(cuts) && cuts[at] <= r.Last; at++ {
				if cuts[at] != r.First {
					add(protocol, cuts[at])
				}
			}
		}
	}
	return out
}

func single(p netset.Protocol, port uint16) netset.Service {
	return netset.Service{Protocol: p, Ports: netset.PortRange{First: port, Last: port}}
}

// documented returns an address in the family of the flow's local side that is reserved
// for documentation, that a name may have which such rules list with addresses, and
// that no rule carries. It is asked for before sets of all other addresses are made.
func (w witnessSearch) documented(by netset.Holders, f rule.Flow) (netip.Addr, bool) {
	for _, t := range w.documentation() {
		if t.address.Is4() == f.Local.Is4() && t.listed.Equal(by) && !w.carries(t.takers, f) {
			return t.address, true
		}
	}
	return netip.Addr{}, false
}

// uncarried returns those of the addresses that no rule accepts for the flow.
func (w witnessSearch) uncarried(addresses netset.PrefixSet, f rule.Flow) netset.PrefixSet {
	for _, r := range w.by[f.Direction] {
		switch {
		case addresses.IsEmpty() || !w.looks.Spend(1):
			return netset.PrefixSet{}
		case !w.reaches(r, f):
		case r.Remote.Any:
			return netset.PrefixSet{}
		default:
			addresses = addresses.Subtract(r.Remote.AddressedPrefixes).Subtract(r.Remote.BarePrefixes)
		}
	}
	return addresses
}

// carries reports whether one of the rules accepts the flow, but for its remote.
func (w witnessSearch) carries(rules []*rule.Rule, f rule.Flow) bool {
	w.looks.Spend(len(rules))
	return slices.ContainsFunc(rules, func(r *rule.Rule) bool { return w.reaches(r, f) })
}

func (w witnessSearch) reaches(r *rule.Rule, f rule.Flow) bool {
	return r.Direction == f.Direction && r.Services.Contains(f.Protocol, f.Port) &&
		w.policy.Binding(r.Role).Local().Contains(f.Local)
}

// examples returns names that the pattern matches, with different labels in place
// of its stars.
func examples(p netset.Pattern) []string {
	names := []string{p.Example()}
	for i := 0; i < 4 && !p.IsExact(); i++ {
		name := strings.ReplaceAll(p.String(), "*", "w"+strconv.Itoa(i))
		if p.Match(name) {
			names = append(names, name)
		}
	}
	return names
}

// unicast returns the addresses that a flow can go to: neither of "this network"
// (RFC 1122 section 3.2.1.3) nor multicast nor broadcast. Linux carries flows to
// 240.0.0.0/4.
func unicast() netset.PrefixSet { return unicastAddresses() }

var unicastAddresses = sync.OnceValue(func() netset.PrefixSet {
	var b netset.PrefixBuilder
	b.AddRange(netip.MustParseAddr("1.0.0.0"), netip.MustParseAddr("223.255.255.255"))
	b.AddRange(netip.MustParseAddr("240.0.0.0"), netip.MustParseAddr("255.255.255.254"))
	b.AddRange(netip.MustParseAddr("1::"), netip.MustParseAddr("feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))
	return b.Build()
})
