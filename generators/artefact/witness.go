package artefact

import (
	"iter"
	"net/netip"
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
	policy *rule.Policy
	rule   *rule.Rule
}

// unaddressed returns a flow to a name that is published without addresses, at an
// address that no rule carries; a packet filter does not accept it.
func (w witnessSearch) unaddressed() (rule.Flow, bool) {
	for pattern := range w.rule.Remote.Unaddressed.Patterns() {
		for _, name := range examples(pattern) {
			promised := sync.OnceValue(func() netset.PrefixSet { return w.promised(unicast(), name) })
			if f, ok := w.each(func(f rule.Flow) (netip.Addr, bool) {
				if a, ok := w.documented(name, f); ok {
					return a, true
				}
				return first(w.uncarried(family(promised(), f.Local), f))
			}); ok {
				f.Name = name
				return f, true
			}
		}
	}
	return rule.Flow{}, false
}

// reversed returns a flow of the other direction whose first packet looks like one of the
// rule, where no interfaces tell, and that the model does not accept: both its ends are
// addresses of our side, and the rule's remote holds one of them.
func (w witnessSearch) reversed(ours netset.PrefixSet) (rule.Flow, bool) {
	ends := ours
	if !w.rule.Remote.Any {
		ends = ours.Intersect(w.rule.Remote.Prefixes())
	}
	if ends.IsEmpty() {
		return rule.Flow{}, false
	}
	for _, local := range w.locals() {
		if !ours.Contains(local) {
			continue
		}
		for end := range someOf(family(ends, local), local) {
			for _, s := range w.services() {
				f := rule.Flow{Direction: rule.Inbound, Protocol: s.Protocol, Port: s.Ports.First, Remote: local, Local: end}
				if w.rule.Direction == rule.Inbound {
					f.Direction, f.Remote, f.Local = rule.Outbound, local, end
				}
				if !w.policy.Decide(f).Accept() {
					return f, true
				}
			}
		}
	}
	return rule.Flow{}, false
}

// onSite returns a flow of the rule whose remote is an address of another role, and that
// no rule for remotes on the site carries in either direction.
func (w witnessSearch) onSite() (rule.Flow, rule.Role, bool) {
	var carriers []*rule.Rule
	for i := range w.policy.Rules {
		if r := &w.policy.Rules[i]; r.OnSite {
			carriers = append(carriers, r)
		}
	}
	var role rule.Role
	f, ok := w.each(func(f rule.Flow) (netip.Addr, bool) {
		carried := w.carriedOnSite(carriers, f)
		for _, b := range w.policy.Bindings {
			if role = b.Role; role == w.rule.Role {
				continue
			}
			if remote, ok := first(family(b.Local(), f.Local).Subtract(carried)); ok {
				return remote, true
			}
		}
		return netip.Addr{}, false
	})
	return f, role, ok
}

// carriedOnSite returns the remotes to which rules for remotes on the site accept the
// packets of a flow, which are those of the opposite one as well, and its local address.
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
	return w.eachOf(w.locals(), w.services(), remote)
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

// locals returns an address of each part of the role's addresses that the bindings
// of other roles cut out.
func (w witnessSearch) locals() []netip.Addr {
	parts := []netset.PrefixSet{w.policy.Binding(w.rule.Role).Local()}
	for _, b := range w.policy.Bindings {
		var cut []netset.PrefixSet
		for _, part := range parts {
			cut = append(cut, part.Subtract(b.Local()), part.Intersect(b.Local()))
		}
		parts = cut[:0]
		for _, part := range cut {
			if !part.IsEmpty() && len(parts) < someLocals {
				parts = append(parts, part)
			}
		}
	}
	var locals []netip.Addr
	for _, part := range parts {
		for _, one := range []netset.PrefixSet{part.V4(), part.V6()} {
			if a, ok := first(one); ok {
				locals = append(locals, a)
			}
		}
	}
	return locals
}

// services returns one port of each part of the rule's services that the services
// of other rules cut out, TCP first.
func (w witnessSearch) services() []netset.Service {
	var out []netset.Service
	add := func(s netset.Service) {
		if w.rule.Services.Contains(s.Protocol, s.Ports.First) && len(out) < someServices {
			out = append(out, s)
		}
	}
	for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
		for _, r := range w.rule.Services.Ports(protocol) {
			add(single(protocol, r.First))
		}
		for i := range w.policy.Rules {
			for _, r := range w.policy.Rules[i].Services.Ports(protocol) {
				add(single(protocol, r.First))
				if r.Last < 65535 {
					add(single(protocol, r.Last+1))
				}
			}
		}
	}
	return out
}

func single(p netset.Protocol, port uint16) netset.Service {
	return netset.Service{Protocol: p, Ports: netset.PortRange{First: port, Last: port}}
}

// documented returns an address in the family of the flow's local side that is
// reserved for documentation (RFC 5737, RFC 3849), that the name may have, and that
// no rule carries. It is asked for before sets of all other addresses are made.
func (w witnessSearch) documented(name string, f rule.Flow) (netip.Addr, bool) {
	for _, a := range documentation {
		if a.Is4() == f.Local.Is4() && w.promises(name, a) && !w.carries(f, a) {
			return a, true
		}
	}
	return netip.Addr{}, false
}

// documentation are addresses that nobody has, fit for messages.
var documentation = []netip.Addr{
	netip.AddrFrom4([4]byte{192, 0, 2, 1}),
	netip.AddrFrom4([4]byte{198, 51, 100, 1}),
	netip.AddrFrom4([4]byte{203, 0, 113, 1}),
	netip.AddrFrom16([16]byte{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 15: 1}),
}

// promises reports whether a unicast address is one that promised returns.
func (w witnessSearch) promises(name string, a netip.Addr) bool {
	for i := range w.policy.Rules {
		r := &w.policy.Rules[i].Remote
		if r.Addressed.Match(name) != r.AddressedPrefixes.Contains(a) {
			return false
		}
	}
	return true
}

// promised returns those of the addresses that a name may have by the publishers'
// promise: those of every rule that lists the name with addresses, and of no other.
func (w witnessSearch) promised(addresses netset.PrefixSet, name string) netset.PrefixSet {
	var others []netset.PrefixSet
	for i := 0; i < len(w.policy.Rules) && !addresses.IsEmpty(); i++ {
		r := &w.policy.Rules[i].Remote
		if r.Addressed.Match(name) {
			addresses = addresses.Intersect(r.AddressedPrefixes)
		} else {
			others = append(others, r.AddressedPrefixes)
		}
	}
	for i := 0; i < len(others) && !addresses.IsEmpty(); i++ {
		addresses = addresses.Subtract(others[i])
	}
	return addresses
}

// uncarried returns those of the addresses that no rule accepts for the flow.
func (w witnessSearch) uncarried(addresses netset.PrefixSet, f rule.Flow) netset.PrefixSet {
	for r := range w.carriers(f) {
		if r.Any {
			return netset.PrefixSet{}
		}
		addresses = addresses.Subtract(r.AddressedPrefixes).Subtract(r.BarePrefixes)
	}
	return addresses
}

// carries reports whether some rule accepts the address for the flow.
func (w witnessSearch) carries(f rule.Flow, a netip.Addr) bool {
	for r := range w.carriers(f) {
		if r.Any || r.AddressedPrefixes.Contains(a) || r.BarePrefixes.Contains(a) {
			return true
		}
	}
	return false
}

// carriers yields the remotes of the rules that accept the flow, but for its remote.
func (w witnessSearch) carriers(f rule.Flow) iter.Seq[*rule.Remote] {
	return func(yield func(*rule.Remote) bool) {
		for i := range w.policy.Rules {
			r := &w.policy.Rules[i]
			if r.Direction == f.Direction && r.Services.Contains(f.Protocol, f.Port) &&
				w.policy.Binding(r.Role).Local().Contains(f.Local) && !yield(&r.Remote) {
				return
			}
		}
	}
}

// unlistedName returns a name that no rule lists.
func (w witnessSearch) unlistedName() string {
	for i := 0; ; i++ {
		name := "unlisted" + strings.Repeat("x", i) + ".invalid" // RFC 2606
		listed := false
		for j := range w.policy.Rules {
			r := &w.policy.Rules[j].Remote
			listed = listed || r.Addressed.Match(name) || r.Unaddressed.Match(name)
		}
		if !listed {
			return name
		}
	}
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

func family(s netset.PrefixSet, like netip.Addr) netset.PrefixSet {
	if like.Is4() {
		return s.V4()
	}
	return s.V6()
}

// unicast returns the addresses that a flow can go to: neither of "this network"
// (RFC 1122 section 3.2.1.3) nor multicast nor broadcast. Linux carries flows to
// 240.0.0.0/4.
func unicast() netset.PrefixSet {
	var b netset.PrefixBuilder
	b.AddRange(netip.MustParseAddr("1.0.0.0"), netip.MustParseAddr("223.255.255.255"))
	b.AddRange(netip.MustParseAddr("240.0.0.0"), netip.MustParseAddr("255.255.255.254"))
	b.AddRange(netip.MustParseAddr("1::"), netip.MustParseAddr("feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))
	return b.Build()
}

func first(s netset.PrefixSet) (netip.Addr, bool) {
	for a := range s.Ranges() {
		return a, true
	}
	return netip.Addr{}, false
}
