package pac

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// share is the part of an endpoint's services that goes by one route.
type share struct {
	route    int // index in Policy.Routes
	services netset.ServiceSet
}

// endpoint is one name pattern, one prefix or any remote, with what the routes say
// of it: shares in the order of routes, disjoint.
type endpoint struct {
	pattern netset.Pattern // of a name
	prefix  netip.Prefix   // of a prefix
	rank    rule.Rank
	shares  []share
}

// endpoints are all endpoints of the routes for the roles that a file serves.
type endpoints struct {
	names    map[string]*endpoint // by pattern
	prefixes map[netip.Prefix]*endpoint
	any      *endpoint
}

// served calls f with each member of a route that is of one of the roles, in the
// order of routes.
func served(p *rule.Policy, roles []rule.Role, f func(route int, m rule.RouteMember)) {
	for i, route := range p.Routes {
		for _, m := range route.Members {
			if slices.Contains(roles, m.Role) {
				f(i, m)
			}
		}
	}
}

func collect(p *rule.Policy, roles []rule.Role) endpoints {
	all := endpoints{names: map[string]*endpoint{}, prefixes: map[netip.Prefix]*endpoint{}, any: &endpoint{rank: rule.AnyRank}}
	served(p, roles, func(route int, m rule.RouteMember) {
		if m.Any {
			all.any.add(route, m.Services)
		}
		for _, n := range m.Names {
			e := all.names[n.String()]
			if e == nil {
				e = &endpoint{pattern: n, rank: rule.NameRank(n)}
				all.names[n.String()] = e
			}
			e.add(route, m.Services)
		}
		for n := range m.Prefixes.Prefixes() {
			e := all.prefixes[n]
			if e == nil {
				e = &endpoint{prefix: n, rank: rule.PrefixRank(n.Bits())}
				all.prefixes[n] = e
			}
			e.add(route, m.Services)
		}
	})
	return all
}

// add gives services to a route, except those that an earlier route has.
func (e *endpoint) add(route int, services netset.ServiceSet) {
	for _, s := range e.shares {
		services = services.Subtract(s.services)
	}
	if services.IsEmpty() {
		return
	}
	if last := len(e.shares) - 1; last >= 0 && e.shares[last].route == route {
		e.shares[last].services = e.shares[last].services.Union(services)
		return
	}
	e.shares = append(e.shares, share{route, services})
}

// leaveOut drops the names that go direct before any route.
func (all endpoints) leaveOut(internal netset.NameSet) {
	maps.DeleteFunc(all.names, func(_ string, e *endpoint) bool { return internal.Covers(e.pattern) })
}

// minimize drops every endpoint without which each of its requests would still go
// the same way on every port: by the next best endpoints, or as unmatched. All are
// judged by the whole set: what one drops to may itself be dropped, because what
// is below that goes the same way again. Patterns with stars inside labels stay.
func (all endpoints) minimize(routes []rule.Route) {
	redundant := func(e *endpoint, below []*endpoint) bool {
		return goesTheSameWay(e.shares, ordered(append(below, all.any)), routes)
	}
	starred := all.starred()
	var drop []string
	for text, e := range all.names {
		if below, ok := all.belowName(e, starred); ok && redundant(e, below) {
			drop = append(drop, text)
		}
	}
	lengths := all.lengths()
	var dropPrefixes []netip.Prefix
	for p, e := range all.prefixes {
		if redundant(e, all.abovePrefix(p, lengths)) {
			dropPrefixes = append(dropPrefixes, p)
		}
	}
	for _, text := range drop {
		delete(all.names, text)
	}
	for _, p := range dropPrefixes {
		delete(all.prefixes, p)
	}
	if goesTheSameWay(all.any.shares, nil, routes) {
		all.any.shares = nil
	}
}

// starred returns the patterns that are neither exact nor "*.x", by the labels
// after their last star.
func (all endpoints) starred() map[string][]*endpoint {
	bySuffix := map[string][]*endpoint{}
	for text, e := range all.names {
		if _, subdomains := e.pattern.Subdomains(); subdomains || e.pattern.IsExact() {
			continue
		}
		rest := text[strings.LastIndexByte(text, '*'):]
		suffix := rest[strings.IndexByte(rest, '.')+1:]
		bySuffix[suffix] = append(bySuffix[suffix], e)
	}
	return bySuffix
}

// belowName returns the endpoints that are no more specific than e and match all
// of its names. It is false if others match some of its names only, or might.
func (all endpoints) belowName(e *endpoint, starred map[string][]*endpoint) ([]*endpoint, bool) {
	suffix, subdomains := e.pattern.Subdomains()
	if !subdomains {
		suffix = e.pattern.String()
	}
	if !subdomains && !e.pattern.IsExact() {
		return nil, false
	}
	var below []*endpoint
	for ; suffix != ""; _, suffix, _ = strings.Cut(suffix, ".") {
		if other := all.names["*."+suffix]; other != nil && other != e && other.pattern.Covers(e.pattern) {
			below = append(below, other)
		}
		for _, other := range starred[suffix] {
			switch {
			case other.rank > e.rank || !other.pattern.Overlaps(e.pattern):
			case !other.pattern.Covers(e.pattern):
				return nil, false
			default:
				below = append(below, other)
			}
		}
	}
	return below, true
}

// lengths returns the lengths of the prefixes in bits, longest first. There are few
// of them beside the 129 that could be.
func (all endpoints) lengths() []int {
	seen := map[int]bool{}
	for p := range all.prefixes {
		seen[p.Bits()] = true
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b int) int { return b - a })
}

// abovePrefix returns the endpoints whose prefixes, of one of the lengths, contain p.
func (all endpoints) abovePrefix(p netip.Prefix, lengths []int) []*endpoint {
	var above []*endpoint
	for _, bits := range lengths {
		if bits >= p.Bits() {
			continue
		}
		wider, err := p.Addr().Prefix(bits)
		if other := all.prefixes[wider]; err == nil && other != nil {
			above = append(above, other)
		}
	}
	return above
}

// ordered returns the shares of endpoints that match the same requests, those that
// decide first: by rank, then by route.
func ordered(list []*endpoint) []share {
	slices.SortStableFunc(list, func(a, b *endpoint) int { return cmp.Compare(b.rank, a.rank) })
	var shares []share
	for start := 0; start < len(list); {
		end := start
		var equal []share
		for ; end < len(list) && list[end].rank == list[start].rank; end++ {
			equal = append(equal, list[end].shares...)
		}
		slices.SortStableFunc(equal, func(a, b share) int { return cmp.Compare(a.route, b.route) })
		shares, start = append(shares, equal...), end
	}
	return shares
}

// goesTheSameWay reports whether the services of shares go the way of their routes
// without them too, as those below decide, and Proxied where none does.
func goesTheSameWay(shares, below []share, routes []rule.Route) bool {
	for _, s := range shares {
		via, rest := routes[s.route].Via, s.services
		for _, other := range below {
			part := rest.Intersect(other.services)
			if !part.IsEmpty() && routes[other.route].Via != via {
				return false
			}
			rest = rest.Subtract(part)
		}
		if !rest.IsEmpty() && via != rule.Proxied {
			return false
		}
	}
	return true
}
