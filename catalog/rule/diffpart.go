package rule

import (
	"slices"

	"gatewright/catalog/netset"
)

// A Region alone does not do for a Diff: it holds no names, and what is new of a rule
// is wanted by rule. So both kinds of endpoints are compared over the same cells.

// side is what the rules of one direction, role and services accept together, for
// the plain or for the published addresses of the role.
type side struct {
	direction Direction
	published bool
	local     netset.PrefixSet
	services  netset.ServiceSet
	remote    *endpoints
}

type sideKey struct {
	direction Direction
	role      Role
	services  string
}

// endpoints are remotes of several rules.
type endpoints struct {
	any      bool
	prefixes netset.PrefixSet
	names    netset.NameSet
}

func uniteEndpoints(list []*endpoints) *endpoints {
	if len(list) == 1 {
		return list[0]
	}
	var e endpoints
	var prefixes netset.PrefixBuilder
	var names []netset.Pattern
	for _, one := range list {
		e.any = e.any || one.any
		prefixes.AddSet(one.prefixes)
		names = slices.AppendSeq(names, one.names.Patterns())
	}
	e.prefixes, e.names = prefixes.Build(), netset.NameSetOf(names...)
	return &e
}

// covers reports whether every remote of the part is among the endpoints.
func (e *endpoints) covers(p PartChange) bool {
	return e.any || !p.Any && e.prefixes.Covers(p.Prefixes) &&
		!slices.ContainsFunc(p.Names, func(n NameChange) bool { return !e.names.Covers(n.Pattern) })
}

// locals returns the local addresses of a role's rules: those that the port which a
// filter sees belongs to, and those that the original port belongs to.
func (p *Policy) locals(d Direction, r Role) (plain, published netset.PrefixSet) {
	b := p.Binding(r)
	if d == Inbound {
		return b.Addresses, b.Published
	}
	return b.Local(), netset.PrefixSet{}
}

// sidesOf returns the sides of a policy, in the order of its rules.
func sidesOf(p *Policy) []*side {
	var sides []*side
	remotes := map[sideKey][]*endpoints{}
	for i := range p.Rules {
		r := &p.Rules[i]
		k := sideKey{r.Direction, r.Role, r.Services.String()}
		remotes[k] = append(remotes[k], &endpoints{r.Remote.Any, r.Remote.Prefixes(), r.Remote.Names()})
	}
	for i := range p.Rules {
		r := &p.Rules[i]
		k := sideKey{r.Direction, r.Role, r.Services.String()}
		if remotes[k] == nil {
			continue
		}
		remote := uniteEndpoints(remotes[k])
		delete(remotes, k)
		plain, published := p.locals(r.Direction, r.Role)
		for i, local := range []netset.PrefixSet{plain, published} {
			if !local.IsEmpty() {
				sides = append(sides, &side{r.Direction, i == 1, local, r.Services, remote})
			}
		}
	}
	return sides
}

// cell is a part of the local addresses and services of a rule on which the other
// policy accepts the same remotes.
type cell struct {
	published bool
	local     netset.PrefixSet
	services  netset.ServiceSet
	accepted  *endpoints
	of        []*endpoints // those that accepted unites
}

// cellsOf cuts the local addresses and services of a rule at the edges of others.
func cellsOf(p *Policy, r *Rule, others []*side) []cell {
	var cells []cell
	plain, published := p.locals(r.Direction, r.Role)
	for i, local := range []netset.PrefixSet{plain, published} {
		if !local.IsEmpty() {
			cells = append(cells, cell{published: i == 1, local: local, services: r.Services})
		}
	}
	for _, o := range others {
		if o.direction != r.Direction {
			continue
		}
		var next []cell
		for _, c := range cells {
			next = append(next, c.cut(o)...)
		}
		cells = next
	}
	for i := range cells {
		cells[i].accepted = uniteEndpoints(cells[i].of)
	}
	return cells
}

// cut returns the cell in up to three pieces, of which one is inside the side.
func (c cell) cut(o *side) []cell {
	local, services := c.local.Intersect(o.local), c.services.Intersect(o.services)
	if c.published != o.published || local.IsEmpty() || services.IsEmpty() {
		return []cell{c}
	}
	inside := c
	inside.local, inside.services = local, services
	inside.of = append(slices.Clone(c.of), o.remote)
	pieces := []cell{inside}
	if rest := c.local.Subtract(local); !rest.IsEmpty() {
		piece := c
		piece.local = rest
		pieces = append(pieces, piece)
	}
	if rest := c.services.Subtract(services); !rest.IsEmpty() {
		piece := c
		piece.local, piece.services = local, rest
		pieces = append(pieces, piece)
	}
	return pieces
}

// partsOf returns what the rule accepts beyond what the other policy accepts in each
// cell; cells with the same answer are joined.
func partsOf(r *Rule, cells []cell, others []*side) []PartChange {
	own := endpoints{r.Remote.Any, r.Remote.Prefixes(), r.Remote.Names()}
	var parts []PartChange
	for _, c := range cells {
		p := beyond(&own, c.accepted)
		if !p.Any && p.Prefixes.IsEmpty() && len(p.Names) == 0 {
			continue
		}
		p.Published, p.Local, p.Services = c.published, c.local, c.services
		parts = append(parts, p)
	}
	parts = joinParts(parts)
	for i := range parts {
		parts[i].Elsewhere = slices.ContainsFunc(others, func(o *side) bool {
			return o.direction == r.Direction && o.remote.covers(parts[i])
		})
	}
	return parts
}

// beyond returns the endpoints of a that b does not have.
func beyond(a, b *endpoints) PartChange {
	switch {
	case b.any:
		return PartChange{}
	case a.any:
		return PartChange{Any: true, ButPrefixes: b.prefixes, ButNames: b.names}
	}
	p := PartChange{Prefixes: a.prefixes.Subtract(b.prefixes)}
	for n := range a.names.Patterns() {
		example, outside := b.names.Outside(n)
		if !outside {
			continue
		}
		change := NameChange{Pattern: n, Example: example}
		if !n.IsExact() {
			change.Except = b.names.Overlapping(n)
		}
		p.Names = append(p.Names, change)
	}
	return p
}

// joinParts joins parts with the same remotes: those with the same services by their
// local addresses, and then those with the same addresses by their services.
func joinParts(parts []PartChange) []PartChange {
	join := func(fits func(a, b PartChange) bool) {
		var joined []PartChange
		for _, p := range parts {
			i := slices.IndexFunc(joined, func(q PartChange) bool { return p.Published == q.Published && fits(p, q) && p.sameRemotes(q) })
			if i < 0 {
				joined = append(joined, p)
				continue
			}
			joined[i].Local, joined[i].Services = joined[i].Local.Union(p.Local), joined[i].Services.Union(p.Services)
		}
		parts = joined
	}
	for before := len(parts) + 1; len(parts) < before; {
		before = len(parts)
		join(func(a, b PartChange) bool { return a.Services.Equal(b.Services) })
		join(func(a, b PartChange) bool { return a.Local.Equal(b.Local) })
	}
	return parts
}

func (p PartChange) sameRemotes(q PartChange) bool {
	return p.Any == q.Any && p.Prefixes.Equal(q.Prefixes) && p.ButPrefixes.Equal(q.ButPrefixes) && p.ButNames.Equal(q.ButNames) &&
		slices.EqualFunc(p.Names, q.Names, func(m, n NameChange) bool {
			return m.Pattern == n.Pattern && slices.Equal(m.Except, n.Except)
		})
}
