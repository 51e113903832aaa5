package rule

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"gatewright/catalog/netset"
)

// RouteChange is requests that a PAC file sends another way, whether the policies
// accept them or not.
type RouteChange struct {
	Role     Role // or several, as a list
	From, To Via
	Services netset.ServiceSet // TCP alone
	Names    []NameChange      // in the order of Pattern.Compare
	Prefixes netset.PrefixSet  // of literals
	Any      bool              // every name and literal that no pattern or prefix of either policy's routes holds
}

// routeChanges compares Policy.Route of both for machines of some roles together, or of
// each: every name and literal, on every port.
func routeChanges(old, new *Policy, roles []Role, budget *netset.Budget) []RouteChange {
	groups := [][]Role{roles}
	if roles == nil {
		groups = slices.Collect(slices.Chunk(routedRoles(old, new), 1))
	}
	var changes []RouteChange
	for _, group := range groups {
		c := routeComparison{was: routesOf(old, group...), is: routesOf(new, group...), budget: budget, found: map[routeKey]*RouteChange{}}
		c.compare()
		keys := slices.SortedFunc(maps.Keys(c.found), func(a, b routeKey) int {
			return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), cmp.Compare(a.services, b.services))
		})
		for _, k := range keys {
			change := c.found[k]
			change.Role = listOf(group)
			slices.SortStableFunc(change.Names, func(a, b NameChange) int { return a.Pattern.Compare(b.Pattern) })
			changes = append(changes, *change)
		}
	}
	return changes
}

func listOf(roles []Role) Role {
	words := make([]string, len(roles))
	for i, role := range roles {
		words[i] = string(role)
	}
	return Role(strings.Join(words, ", "))
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

// claim is what an endpoint asks for on a port: the greater rank has it, and between
// equal ranks the earlier route.
type claim struct {
	rank  Rank
	route int
	via   Via
}

func (c claim) Equal(d claim) bool { return c == d }

func (c claim) Hash() uint64 { return uint64(c.rank)<<32 ^ uint64(c.route) }

// beats reports whether c has it, and not d.
func (c claim) beats(d claim) bool {
	return c.rank > d.rank || c.rank == d.rank && c.route < d.route
}

// decider is which claim has each TCP port.
type decider = netset.Cells[netset.ServiceSet, claim]

func decide(list ...decider) decider {
	all, _ := netset.Fold(list, func(a, b claim) claim {
		if b.beats(a) {
			return b
		}
		return a
	}, nil)
	return all
}

// routes are what a policy's routes say for machines of some roles.
type routes struct {
	members []routed
	any     decider // every port is decided: by a route of "any", or Proxied

	// What is worked out when it is asked for.
	names map[netset.Pattern][]int // the members that list a pattern
	index netset.NameIndex
}

// routed is a member with what decides about it beside its endpoints.
type routed struct {
	RouteMember
	route int
	via   Via
}

func (m *routed) claim(rank Rank) decider {
	return netset.CellsOf(m.Services, claim{rank, m.route, m.via})
}

// noRank is below every endpoint: where no route matches.
const noRank Rank = -1

func routesOf(p *Policy, roles ...Role) *routes {
	r := &routes{any: netset.CellsOf(netset.ServicesOver(netset.TCP, nil), claim{rank: noRank, via: Proxied})}
	for i, route := range p.Routes {
		for _, m := range route.Members {
			if !slices.Contains(roles, m.Role) {
				continue
			}
			r.members = append(r.members, routed{m, i, route.Via})
			if m.Any {
				r.any = decide(r.any, r.members[len(r.members)-1].claim(AnyRank))
			}
		}
	}
	return r
}

// listNames sorts out the patterns of all members, once there is reason to.
func (r *routes) listNames() {
	if r.names != nil {
		return
	}
	r.names = map[netset.Pattern][]int{}
	for i, m := range r.members {
		for _, n := range m.Names {
			r.names[n] = append(r.names[n], i)
		}
	}
	r.index = netset.NameIndexOf(slices.Collect(maps.Keys(r.names)))
}

// ofPattern returns who decides about the names of a pattern, going by it alone.
func (r *routes) ofPattern(p netset.Pattern) decider {
	var list []decider
	for _, i := range r.names[p] {
		list = append(list, r.members[i].claim(NameRank(p)))
	}
	return decide(list...)
}

// ofName returns who decides about a name.
func (r *routes) ofName(name netset.Pattern) decider {
	list := []decider{r.any}
	for _, p := range r.index.Covering(name) {
		list = append(list, r.ofPattern(p))
	}
	return decide(list...)
}

// ofLiterals returns who decides about each literal of a set that a prefix holds.
func (r *routes) ofLiterals(within netset.PrefixSet, budget *netset.Budget) netset.Cells[netset.PrefixSet, decider] {
	type group struct {
		claim    claim
		services string
	}
	builders := map[group]*netset.PrefixBuilder{}
	services := map[string]netset.ServiceSet{}
	for i := range r.members {
		m := &r.members[i]
		text := m.Services.String()
		services[text] = m.Services
		for p := range m.Prefixes.Touching(within).Prefixes() {
			g := group{claim{PrefixRank(p.Bits()), m.route, m.via}, text}
			if builders[g] == nil {
				builders[g] = &netset.PrefixBuilder{}
			}
			builders[g].Add(p)
		}
	}
	var list []netset.Cells[netset.PrefixSet, decider]
	for g, b := range builders {
		list = append(list, netset.CellsOf(b.Build().Intersect(within), netset.CellsOf(services[g.services], g.claim)))
	}
	all, _ := netset.Fold(list, func(a, b decider) decider {
		both := decide(a, b)
		budget.Spend(both.Len())
		return both
	}, budget)
	return all
}

// routeComparison finds what goes another way for machines of one role.
type routeComparison struct {
	was, is *routes
	budget  *netset.Budget
	found   map[routeKey]*RouteChange
}

type routeKey struct {
	from, to Via
	services string
}

func (c *routeComparison) change(from, to Via, services netset.ServiceSet) *RouteChange {
	k := routeKey{from, to, services.String()}
	if c.found[k] == nil {
		c.found[k] = &RouteChange{From: from, To: to, Services: services}
	}
	return c.found[k]
}

// move is from where to where something goes.
type move struct{ from, to Via }

func (m move) Equal(n move) bool { return m == n }

func (m move) Hash() uint64 { return uint64(len(m.from))<<32 | uint64(len(m.to)) }

// moves returns on which ports two deciders, which decide about every port, differ.
func moves(was, is decider) netset.Cells[netset.ServiceSet, move] {
	all, _ := netset.Zip(was, is, func(a, b *claim) (move, bool) {
		return move{a.via, b.via}, a.via != b.via
	}, nil)
	return all
}

// compare looks at what members of one policy alone list: a request that goes another
// way is decided about by one of these endpoints, before or after.
func (c *routeComparison) compare() {
	for services, m := range moves(c.was.any, c.is.any).All() {
		c.change(m.from, m.to, services).Any = true
	}
	names, prefixes := c.differing()
	c.compareLiterals(prefixes)
	if len(names) == 0 {
		return
	}
	c.was.listNames()
	c.is.listNames()
	changed := map[netset.Pattern]bool{}
	for _, n := range names {
		changed[n] = !c.was.ofPattern(n).Equal(c.is.ofPattern(n))
	}
	for _, n := range names {
		switch {
		case !changed[n]:
		case n.IsExact():
			c.compareName(n)
		default:
			c.compareWildcard(n, changed)
		}
		if c.budget.Exhausted() {
			return
		}
	}
}

// compareName compares an exact name where it is listed itself; else wildcards tell.
func (c *routeComparison) compareName(n netset.Pattern) {
	listed := c.was.ofPattern(n).Support().Union(c.is.ofPattern(n).Support())
	for services, m := range moves(c.was.ofName(n), c.is.ofName(n)).All() {
		if services = services.Intersect(listed); !services.IsEmpty() {
			to := c.change(m.from, m.to, services)
			to.Names = append(to.Names, NameChange{Pattern: n, Example: n.String()})
		}
	}
}

// differing returns the patterns and the prefixes that are listed with one services,
// route and way by a member of one policy, and not by the member of the other that
// corresponds to it.
func (c *routeComparison) differing() ([]netset.Pattern, netset.PrefixSet) {
	type kind struct {
		route    int
		via      Via
		services string
	}
	sort := func(r *routes) map[kind][]*routed {
		byKind := map[kind][]*routed{}
		for i := range r.members {
			m := &r.members[i]
			k := kind{m.route, m.via, m.Services.String()}
			byKind[k] = append(byKind[k], m)
		}
		return byKind
	}
	var names []netset.Pattern
	var prefixes netset.PrefixBuilder
	differ := func(a, b *routed) {
		var x, y RouteMember
		if a != nil {
			x = a.RouteMember
		}
		if b != nil {
			y = b.RouteMember
		}
		for _, one := range [][2]netset.PatternList{{x.Names, y.Names}, {y.Names, x.Names}} {
			names = append(names, one[0].Without(one[1])...)
		}
		prefixes.AddSet(x.Prefixes.Unlike(y.Prefixes))
		prefixes.AddSet(y.Prefixes.Unlike(x.Prefixes))
	}
	was, is := sort(c.was), sort(c.is)
	for k, list := range was {
		pairMembers(list, is[k], differ)
		delete(is, k)
	}
	for _, list := range is {
		pairMembers(nil, list, differ)
	}
	return netset.PatternListOf(names), prefixes.Build()
}

// pairMembers pairs members of the same entry, and then the others in their order.
func pairMembers(a, b []*routed, differ func(a, b *routed)) {
	byEntry := map[string][]*routed{}
	for _, m := range b {
		byEntry[m.Entry] = append(byEntry[m.Entry], m)
	}
	var restA, restB []*routed
	for _, m := range a {
		same := byEntry[m.Entry]
		if len(same) == 0 {
			restA = append(restA, m)
			continue
		}
		differ(m, same[0])
		byEntry[m.Entry] = same[1:]
	}
	for _, m := range b {
		if left := byEntry[m.Entry]; len(left) > 0 && left[0] == m {
			restB = append(restB, m)
			byEntry[m.Entry] = left[1:]
		}
	}
	for len(restA) > 0 && len(restB) > 0 {
		differ(restA[0], restB[0])
		restA, restB = restA[1:], restB[1:]
	}
	for _, m := range restA {
		differ(m, nil)
	}
	for _, m := range restB {
		differ(nil, m)
	}
}

func (c *routeComparison) compareLiterals(prefixes netset.PrefixSet) {
	if prefixes.IsEmpty() {
		return
	}
	was, is := c.was.ofLiterals(prefixes, c.budget), c.is.ofLiterals(prefixes, c.budget)
	moved, _ := netset.Zip(was, is, func(a, b *decider) (netset.Cells[netset.ServiceSet, move], bool) {
		before, after := c.was.any, c.is.any
		if a != nil {
			before = decide(before, *a)
		}
		if b != nil {
			after = decide(after, *b)
		}
		m := moves(before, after)
		return m, !m.IsEmpty()
	}, c.budget)
	for set, m := range moved.All() {
		for services, way := range m.All() {
			to := c.change(way.from, way.to, services)
			to.Prefixes = to.Prefixes.Union(set)
		}
	}
}
