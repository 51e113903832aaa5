package rule

import (
	"cmp"
	"slices"

	"gatewright/catalog/netset"
)

// Via says which way a PAC file sends a request: Direct, Proxied, or a list of
// proxies "host:port, host:port" to try in order.
type Via string

const (
	Direct  Via = "direct"
	Proxied Via = "proxy" // the proxies that the site gives to the PAC generator; the answer when no route matches
)

// Route sends the endpoints of its members one way. Routes are ordered: between
// equally specific endpoints the earlier route decides.
type Route struct {
	Via     Via
	Members []RouteMember // sorted by entry, role, services and endpoints
}

// RouteMember is an outbound remote of one entry, before minimization across
// entries, with its TCP services. An entry that takes its remote from several
// others has several.
type RouteMember struct {
	Entry string
	Role  Role
	Endpoints
	Services netset.ServiceSet // TCP only, never empty
}

func compileRoutes(vias []Via, grants []Grant) []Route {
	routes := make([]Route, len(vias))
	for i, v := range vias {
		routes[i].Via = v
	}
	for _, g := range grants {
		tcp := g.Services.Only(netset.TCP)
		if g.Route == NoRoute || g.Direction != Outbound || tcp.IsEmpty() {
			continue
		}
		m := RouteMember{Entry: g.Entry.ID, Role: g.Role, Endpoints: Endpoints{Any: true}, Services: tcp}
		if !g.Any {
			m.Endpoints = Endpoints{Prefixes: g.Prefixes, Names: netset.PatternListOf(slices.Clone(g.Names))}
		}
		routes[g.Route].Members = append(routes[g.Route].Members, m)
	}
	for i := range routes {
		members := routes[i].Members
		slices.SortFunc(members, compareMembers)
		routes[i].Members = slices.CompactFunc(members, func(a, b RouteMember) bool { return compareMembers(a, b) == 0 })
	}
	return routes
}

// compareMembers returns 0 for equal members alone: an entry that takes its remote
// from several others is several members. Any is the remote without endpoints.
func compareMembers(a, b RouteMember) int {
	c := cmp.Or(
		cmp.Compare(a.Entry, b.Entry),
		cmp.Compare(a.Role, b.Role),
		cmp.Compare(a.Services.String(), b.Services.String()),
		slices.CompareFunc(a.Names, b.Names, netset.Pattern.Compare),
	)
	if c != 0 || a.Prefixes.Equal(b.Prefixes) {
		return c
	}
	return cmp.Compare(a.Prefixes.String(), b.Prefixes.String())
}

// Rank orders endpoints by how specific they are; the greater decides. Exact names
// come before wildcards, more labels before fewer (a star label counts as one),
// longer prefixes before shorter ones, and any remote last.
type Rank int

// exactRank is above every label count; names have at most 127 labels (RFC 1035).
const exactRank Rank = 1000

// NameRank is the rank of a pattern among the names.
func NameRank(p netset.Pattern) Rank {
	if p.IsExact() {
		return exactRank
	}
	return Rank(p.Labels())
}

// PrefixRank is the rank of a prefix of the given length among the literals.
func PrefixRank(bits int) Rank { return Rank(bits) + 1 }

// AnyRank is the rank of an unrestricted remote.
const AnyRank Rank = 0

// Route is the reference answer for a PAC file: which way a flow goes, for
// machines of the given roles. The most specific endpoint that matches the flow's
// name or literal and its port decides, then the order of routes. A flow that no
// endpoint matches, or that no browser opens, is Proxied.
func (p *Policy) Route(f Flow, roles ...Role) Via {
	f = Seen(f, Proxy)
	best, via := Rank(-1), Proxied
	if f.Direction != Outbound {
		return via
	}
	for _, route := range p.Routes {
		for _, m := range route.Members {
			if !slices.Contains(roles, m.Role) || !m.Services.Contains(f.Protocol, f.Port) {
				continue
			}
			if rank := m.rank(f); rank > best {
				best, via = rank, route.Via
			}
		}
	}
	return via
}

// rank returns the rank of the member's most specific endpoint that matches, or -1.
func (m RouteMember) rank(f Flow) Rank {
	best := Rank(-1)
	if m.Any && (f.Name != "" || f.Remote.IsValid()) {
		best = AnyRank
	}
	if f.Name != "" {
		for _, n := range m.Names {
			if n.Match(f.Name) {
				best = max(best, NameRank(n))
			}
		}
	}
	if m.Prefixes.Contains(f.Remote) {
		for prefix := range m.Prefixes.Prefixes() {
			if prefix.Contains(f.Remote) {
				best = max(best, PrefixRank(prefix.Bits()))
			}
		}
	}
	return best
}
