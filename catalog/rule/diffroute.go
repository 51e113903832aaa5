package rule

import (
	"cmp"
	"maps"
	"slices"

	"gatewright/catalog/netset"
)

// RouteChange is endpoints that both policies accept and that a PAC file sends
// another way.
type RouteChange struct {
	Role     Role
	From, To Via
	Services netset.ServiceSet // TCP alone
	Names    []netset.Pattern  // in the order of Pattern.Compare
	Prefixes netset.PrefixSet  // of literals
	Any      bool              // every remote that no pattern or prefix of a route holds
}

// routeChanges compares Policy.Route of both: for literals address by address, for
// names endpoint by endpoint. A pattern is judged by a name of it that no more
// specific pattern matches.
func routeChanges(old, new Compiled) []RouteChange {
	var changes []RouteChange
	for _, role := range routedRoles(old.Policy, new.Policy) {
		if onlyWay(role, old, new) {
			continue
		}
		for _, ports := range routedPorts(role, old.Policy, new.Policy) {
			changes = append(changes, compareRoutes(routesOn(old.Policy, role, ports), routesOn(new.Policy, role, ports))...)
		}
	}
	return joinRoutes(changes)
}

// onlyWay reports whether all that a role is granted goes one and the same way, so
// that nothing can go another way.
func onlyWay(role Role, both ...Compiled) bool {
	ways := map[Via]bool{}
	for _, c := range both {
		for _, g := range c.Grants {
			if g.Role != role || g.Direction != Outbound || g.Services.Only(netset.TCP).IsEmpty() {
				continue
			}
			if g.Route == NoRoute {
				return false
			}
			ways[c.Policy.Routes[g.Route].Via] = true
		}
	}
	return len(ways) < 2
}

func routedRoles(policies ...*Policy) []Role {
	roles := map[Role]bool{}
	for _, p := range policies {
		for _, route := range p.Routes {
			for _, m := range route.Members {
				roles[m.Role] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(roles))
}

// routedPorts cuts the ports of a role's routes into sets that are never told apart.
func routedPorts(role Role, policies ...*Policy) []netset.ServiceSet {
	var cells []netset.ServiceSet
	seen := map[string]bool{}
	for _, p := range policies {
		for _, route := range p.Routes {
			for _, m := range route.Members {
				if m.Role != role || seen[m.Services.String()] {
					continue
				}
				seen[m.Services.String()] = true
				cells = cutServices(cells, m.Services)
			}
		}
	}
	return cells
}

func cutServices(cells []netset.ServiceSet, by netset.ServiceSet) []netset.ServiceSet {
	var out []netset.ServiceSet
	for _, c := range cells {
		out = append(out, c.Intersect(by), c.Subtract(by))
		by = by.Subtract(c)
	}
	return slices.DeleteFunc(append(out, by), netset.ServiceSet.IsEmpty)
}

// routing is what a policy's routes say for one role and ports that they do not tell
// apart, with what it accepts there.
type routing struct {
	role     Role
	ports    netset.ServiceSet
	accepted *endpoints
	exact    map[netset.Pattern]Via
	wild     map[netset.Pattern]Via
	byRank   []netset.Pattern // the patterns of wild, the most specific first
	anyVia   Via
	literals map[Via]netset.PrefixSet // but those that are Proxied
}

func routesOn(p *Policy, role Role, ports netset.ServiceSet) *routing {
	r := &routing{
		role: role, ports: ports, accepted: acceptedOn(p, role, ports), anyVia: Proxied,
		exact: map[netset.Pattern]Via{}, wild: map[netset.Pattern]Via{},
	}
	order := map[netset.Pattern]int{}
	var members [][]RouteMember // by route
	foundAny := false
	for i, route := range p.Routes {
		members = append(members, nil)
		for _, m := range route.Members {
			if m.Role != role || !m.Services.Covers(ports) {
				continue
			}
			members[i] = append(members[i], m)
			if m.Any && !foundAny {
				foundAny, r.anyVia = true, route.Via
			}
			for _, n := range m.Names {
				to := r.wild
				if n.IsExact() {
					to = r.exact
				}
				if _, ok := to[n]; !ok {
					to[n], order[n] = route.Via, i
				}
			}
		}
	}
	r.byRank = slices.SortedFunc(maps.Keys(r.wild), func(a, b netset.Pattern) int {
		return cmp.Or(cmp.Compare(NameRank(b), NameRank(a)), cmp.Compare(order[a], order[b]), a.Compare(b))
	})
	r.literals = routeLiterals(p.Routes, members)
	return r
}

// acceptedOn returns what the outbound rules of a role accept on the ports.
func acceptedOn(p *Policy, role Role, ports netset.ServiceSet) *endpoints {
	var list []*endpoints
	for i := range p.Rules {
		r := &p.Rules[i]
		if r.Direction == Outbound && r.Role == role && r.Services.Covers(ports) {
			list = append(list, &endpoints{r.Remote.Any, r.Remote.Prefixes(), r.Remote.Names()})
		}
	}
	return uniteEndpoints(list)
}

// routeLiterals returns which way each literal goes that a prefix holds: the longest
// prefix decides, and then the order of routes.
func routeLiterals(routes []Route, members [][]RouteMember) map[Via]netset.PrefixSet {
	byVia := map[Via]*netset.PrefixBuilder{}
	for i, list := range members {
		for _, m := range list {
			if byVia[routes[i].Via] == nil {
				byVia[routes[i].Via] = &netset.PrefixBuilder{}
			}
			byVia[routes[i].Via].AddSet(m.Prefixes)
		}
	}
	literals := map[Via]netset.PrefixSet{}
	disjoint := true
	for via, b := range byVia {
		set := b.Build()
		for _, other := range literals {
			disjoint = disjoint && !set.Overlaps(other)
		}
		literals[via] = set
	}
	if !disjoint {
		literals = routeByLength(routes, members)
	}
	delete(literals, Proxied)
	return literals
}

func routeByLength(routes []Route, members [][]RouteMember) map[Via]netset.PrefixSet {
	type level struct{ bits, route int }
	byLevel := map[level]*netset.PrefixBuilder{}
	for i, list := range members {
		for _, m := range list {
			for p := range m.Prefixes.Prefixes() {
				l := level{p.Bits(), i}
				if byLevel[l] == nil {
					byLevel[l] = &netset.PrefixBuilder{}
				}
				byLevel[l].Add(p)
			}
		}
	}
	levels := slices.SortedFunc(maps.Keys(byLevel), func(a, b level) int {
		return cmp.Or(cmp.Compare(b.bits, a.bits), cmp.Compare(a.route, b.route))
	})
	literals := map[Via]netset.PrefixSet{}
	var claimed netset.PrefixSet
	for _, l := range levels {
		set := byLevel[l].Build()
		via := routes[l.route].Via
		literals[via] = literals[via].Union(set.Subtract(claimed))
		claimed = claimed.Union(set)
	}
	return literals
}

// of returns which way a name goes.
func (r *routing) of(name string) Via {
	if p, err := netset.ParsePattern(name); err == nil {
		if via, ok := r.exact[p]; ok {
			return via
		}
	}
	for _, p := range r.byRank {
		if p.Match(name) {
			return r.wild[p]
		}
	}
	return r.anyVia
}

func (e *endpoints) match(name string) bool { return e.any || e.names.Match(name) }

func compareRoutes(old, new *routing) []RouteChange {
	found := map[[2]Via]*RouteChange{}
	change := func(from, to Via) *RouteChange {
		c := found[[2]Via{from, to}]
		if c == nil {
			c = &RouteChange{Role: old.role, From: from, To: to, Services: old.ports}
			found[[2]Via{from, to}] = c
		}
		return c
	}
	for _, p := range differentlyRouted(old, new) {
		name := nameOf(p, old, new)
		if name == "" || !old.accepted.match(name) || !new.accepted.match(name) {
			continue
		}
		if from, to := old.of(name), new.of(name); from != to {
			c := change(from, to)
			c.Names = append(c.Names, p)
		}
	}
	for from := range old.ways() {
		for to := range new.ways() {
			if set := movedLiterals(old, new, from, to); from != to && !set.IsEmpty() {
				change(from, to).Prefixes = set
			}
		}
	}
	if old.accepted.any && new.accepted.any && old.anyVia != new.anyVia {
		change(old.anyVia, new.anyVia).Any = true
	}
	var changes []RouteChange
	for _, ways := range slices.SortedFunc(maps.Keys(found), func(a, b [2]Via) int {
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	}) {
		changes = append(changes, *found[ways])
	}
	return changes
}

// ways returns the ways of literals.
func (r *routing) ways() map[Via]bool {
	ways := map[Via]bool{Proxied: true}
	for via := range r.literals {
		ways[via] = true
	}
	return ways
}

// movedLiterals returns the literals that both accept and that go from one way to
// another.
func movedLiterals(old, new *routing, from, to Via) netset.PrefixSet {
	var set netset.PrefixSet
	switch {
	case from == to:
		return set
	case from == Proxied:
		set = new.literals[to].Subtract(old.routed())
	case to == Proxied:
		set = old.literals[from].Subtract(new.routed())
	default:
		set = old.literals[from].Intersect(new.literals[to])
	}
	for _, r := range []*routing{old, new} {
		if !r.accepted.any {
			set = set.Intersect(r.accepted.prefixes)
		}
	}
	return set
}

// routed returns the literals that are not Proxied.
func (r *routing) routed() netset.PrefixSet {
	var all netset.PrefixSet
	for _, set := range r.literals {
		all = all.Union(set)
	}
	return all
}

// differentlyRouted returns the patterns that one of the two does not have, or sends
// another way, in order, and that have names which both accept.
func differentlyRouted(old, new *routing) []netset.Pattern {
	var list []netset.Pattern
	add := func(a, b map[netset.Pattern]Via, accepted *endpoints) {
		for p, via := range a {
			other, ok := b[p]
			if (!ok || other != via) && (accepted.any || accepted.names.Overlaps(netset.NameSetOf(p))) {
				list = append(list, p)
			}
		}
	}
	add(old.exact, new.exact, new.accepted)
	add(old.wild, new.wild, new.accepted)
	add(new.exact, old.exact, old.accepted)
	add(new.wild, old.wild, old.accepted)
	slices.SortFunc(list, netset.Pattern.Compare)
	return slices.Compact(list)
}

// nameOf returns a name of the pattern that no more specific pattern of the two
// matches; empty if there is none.
func nameOf(p netset.Pattern, both ...*routing) string {
	if p.IsExact() {
		return p.String()
	}
	var narrower []netset.Pattern
	for _, r := range both {
		for _, m := range []map[netset.Pattern]Via{r.exact, r.wild} {
			for q := range m {
				if NameRank(q) > NameRank(p) && q.Overlaps(p) {
					narrower = append(narrower, q)
				}
			}
		}
	}
	name, _ := netset.NameSetOf(narrower...).Outside(p)
	return name
}

// joinRoutes joins the ports of changes of the same endpoints.
func joinRoutes(changes []RouteChange) []RouteChange {
	var out []RouteChange
	for _, c := range changes {
		i := slices.IndexFunc(out, func(o RouteChange) bool {
			return o.Role == c.Role && o.From == c.From && o.To == c.To && o.Any == c.Any && slices.Equal(o.Names, c.Names) && o.Prefixes.Equal(c.Prefixes)
		})
		if i < 0 {
			out = append(out, c)
			continue
		}
		out[i].Services = out[i].Services.Union(c.Services)
	}
	return out
}
