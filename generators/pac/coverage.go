package pac

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// unlisted is a name that no entry lists (RFC 2606).
const unlisted = "unlisted.invalid"

// coverage has one line for each rule, then one for each trusted site.
//
// A PAC file blocks nothing, so a verdict is on the way that a request takes: it is
// exact if every request of the rule to its prefixes goes the way that it would go if
// its address were known too; a request to any remote asks for no other way. It is
// narrower if a request by a name that no entry lists goes another way than one to the
// literal address, in a prefix that is published without names. The options proxy,
// plain, local and internal are the site's own word, and no verdict is on them.
func coverage(p *rule.Policy, roles []rule.Role) ([]artefact.Coverage, error) {
	return coverageWithin(p, roles, netset.NewBudget(maxLooks))
}

func coverageWithin(p *rule.Policy, roles []rule.Role, looks *netset.Budget) ([]artefact.Coverage, error) {
	all := findStrays(p, roles, looks)
	var named netset.PrefixBuilder
	for i := range p.Rules {
		named.AddSet(p.Rules[i].Remote.AddressedPrefixes)
	}
	addressed := named.Build()
	out := make([]artefact.Coverage, 0, len(p.Rules)+len(p.TrustedSites))
	for i := range p.Rules {
		r := &p.Rules[i]
		c := artefact.Requested(r, roles...)
		if c.Verdict != artefact.NotApplicable {
			f, ok := all.flow(r, p.Binding(r.Role).Local(), r.Remote.BarePrefixes.Subtract(addressed), looks)
			c = verdict(c, f, ok)
		}
		out = append(out, c)
	}
	if looks.Exhausted() {
		return nil, fmt.Errorf("the prefixes and ports of %d rules overlap in so many ways that %d looks do not tell which requests go astray; give pac.roles fewer roles, select fewer entries, or name the other generators and leave pac out", len(p.Rules), maxLooks)
	}
	return append(out, artefact.TrustedSitesNotApplicable(p, "a PAC file has no browser zones")...), nil
}

// verdict judges a rule that the file serves by a flow of it that goes astray.
func verdict(c artefact.Coverage, stray rule.Flow, found bool) artefact.Coverage {
	if found {
		c.Verdict = artefact.Narrower
		c.Reason = "some of its prefixes are published without names; a PAC file sees only literal addresses, so a request by name takes the route of unlisted names"
		c.Remedy = "add the names that clients use in your own catalogue, or let the proxy reach these prefixes"
		c.Witnesses = []artefact.Witness{{Flow: stray}}
	}
	return c
}

// maxLooks bounds what looking for flows that go astray may cost: a look is one at a
// part of the addresses for one rule, or at a range of ports for one prefix.
const maxLooks = 64_000_000

// stray is addresses of which literals go another way, on these ports, than names that
// no entry lists.
type stray struct {
	first, last netip.Addr
	class       int // of strays with the same services
}

// strays are in the order of their addresses, and disjoint.
type strays struct {
	list    []stray
	classes []netset.ServiceSet
	byHash  map[uint64][]int
}

// findStrays walks over the prefixes of the routes, of which the longest decides.
func findStrays(p *rule.Policy, roles []rule.Role, looks *netset.Budget) *strays {
	all := collect(p, roles)
	usual := usualWays(all, p.Routes)
	type open struct {
		prefix   netip.Prefix
		services netset.ServiceSet // of which its literals go astray
	}
	s := &strays{byHash: map[uint64][]int{}}
	var stack []open    // each holds the next
	var from netip.Addr // where the last one's own addresses start; zero after the last address
	closeUpTo := func(within func(netip.Prefix) bool) {
		for ; len(stack) > 0 && !within(stack[len(stack)-1].prefix); stack = stack[:len(stack)-1] {
			top := stack[len(stack)-1]
			last := lastOf(top.prefix)
			s.add(from, last, top.services)
			from = last.Next()
		}
	}
	for _, n := range slices.SortedFunc(maps.Keys(all.prefixes), netip.Prefix.Compare) {
		closeUpTo(func(p netip.Prefix) bool { return p.Contains(n.Addr()) })
		var services netset.ServiceSet
		if len(stack) > 0 {
			services = stack[len(stack)-1].services
			s.add(from, n.Addr().Prev(), services)
		}
		for _, one := range all.prefixes[n].shares {
			services = services.Subtract(one.services).Union(one.services.Subtract(usual[p.Routes[one.route].Via]))
		}
		if !looks.Spend(services.Size()) {
			return s
		}
		stack, from = append(stack, open{n, services}), n.Addr()
	}
	closeUpTo(func(netip.Prefix) bool { return false })
	return s
}

// usualWays returns the ports on which names that no entry lists go each way.
func usualWays(all endpoints, routes []rule.Route) map[rule.Via]netset.ServiceSet {
	left := netset.ServicesOver(netset.TCP, nil)
	ways := map[rule.Via]netset.ServiceSet{}
	take := func(via rule.Via, services netset.ServiceSet) {
		ways[via] = ways[via].Union(services.Intersect(left))
		left = left.Subtract(services)
	}
	if e := all.names[unlisted]; e != nil {
		for _, s := range e.shares {
			take(routes[s.route].Via, s.services)
		}
	}
	for _, s := range all.any.shares {
		take(routes[s.route].Via, s.services)
	}
	take(rule.Proxied, left)
	return ways
}

// add adds a range of addresses, which may be none.
func (s *strays) add(first, last netip.Addr, services netset.ServiceSet) {
	if services.IsEmpty() || !first.IsValid() || !last.IsValid() || last.Less(first) {
		return
	}
	h := services.Hash()
	at := slices.IndexFunc(s.byHash[h], func(class int) bool { return s.classes[class].Equal(services) })
	if at < 0 {
		at = len(s.byHash[h])
		s.byHash[h] = append(s.byHash[h], len(s.classes))
		s.classes = append(s.classes, services)
	}
	s.list = append(s.list, stray{first, last, s.byHash[h][at]})
}

func lastOf(p netip.Prefix) netip.Addr {
	for _, last := range netset.PrefixSetOf(p).Ranges() {
		return last
	}
	return netip.Addr{}
}

// flow returns a flow of the rule, by a name that no entry lists to one of the bare
// addresses, that goes another way than one to the literal.
func (s *strays) flow(r *rule.Rule, local, bare netset.PrefixSet, looks *netset.Budget) (rule.Flow, bool) {
	f := rule.Flow{Direction: rule.Outbound, Protocol: netset.TCP, Name: unlisted}
	known := map[int]bool{} // classes of other ports
	for start, end := range bare.Ranges() {
		from, ok := local.Like(start).First()
		at, _ := slices.BinarySearchFunc(s.list, start, func(one stray, a netip.Addr) int { return one.last.Compare(a) })
		for ; ok && at < len(s.list) && !end.Less(s.list[at].first) && looks.Spend(1); at++ {
			one := &s.list[at]
			if known[one.class] {
				continue
			}
			if ports := s.classes[one.class].Intersect(r.Services).Ports(netset.TCP); len(ports) > 0 {
				f.Port, f.Remote, f.Local = ports[0].First, one.first, from
				if f.Remote.Less(start) {
					f.Remote = start
				}
				return f, true
			}
			looks.Spend((s.classes[one.class].Size() + r.Services.Size()) / 4)
			known[one.class] = true
		}
	}
	return rule.Flow{}, false
}
