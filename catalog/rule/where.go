package rule

import "gatewright/catalog/netset"

// where is what of our side may take part in flows of one direction: local addresses
// with services, of which plain has the ports that a filter sees, and published those
// before a DNAT. It is a netset.Set.
type where struct{ plain, published ourSide }

type ourSide = netset.Product[netset.ServiceSet, netset.PrefixSet]

// where returns what the rule lets take part.
func (p *Policy) where(r *Rule) where {
	plain, published := p.locals(r.Direction, r.Role)
	return where{netset.ProductOf(r.Services, plain), netset.ProductOf(r.Services, published)}
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

func (w where) Union(v where) where {
	return where{w.plain.Union(v.plain), w.published.Union(v.published)}
}

func (w where) Intersect(v where) where {
	return where{w.plain.Intersect(v.plain), w.published.Intersect(v.published)}
}

func (w where) Subtract(v where) where {
	return where{w.plain.Subtract(v.plain), w.published.Subtract(v.published)}
}

func (w where) Equal(v where) bool {
	return w.plain.Equal(v.plain) && w.published.Equal(v.published)
}

func (w where) IsEmpty() bool { return w.plain.IsEmpty() && w.published.IsEmpty() }

func (w where) Size() int { return w.plain.Size() + w.published.Size() }

func (w where) Hash() uint64 { return w.plain.Hash() ^ w.published.Hash()*3 }

// Endpoints are remotes that join and never subtract, for a difference of patterns is
// no set of patterns. The zero value has none.
type Endpoints struct {
	Prefixes netset.PrefixSet
	Names    netset.PatternList
}

// Union returns the endpoints of either.
func (e Endpoints) Union(f Endpoints) Endpoints {
	return Endpoints{e.Prefixes.Union(f.Prefixes), e.Names.Union(f.Names)}
}

// Equal reports whether both have the same prefixes and list the same patterns.
func (e Endpoints) Equal(f Endpoints) bool {
	return e.Prefixes.Equal(f.Prefixes) && e.Names.Equal(f.Names)
}

// Hash is the same for equal endpoints.
func (e Endpoints) Hash() uint64 { return e.Prefixes.Hash() ^ e.Names.Hash()*3 }

// grid is what endpoints go with each part of our side.
type grid = netset.Cells[netset.ServiceSet, row]

type row = netset.Cells[netset.PrefixSet, Endpoints]

// gridOf returns the grid that has the endpoints everywhere on a part of our side.
func gridOf(of ourSide, e Endpoints) grid {
	g, _ := netset.Zip(of.Cells(), grid{}, func(locals *netset.PrefixSet, _ *row) (row, bool) {
		return netset.CellsOf(*locals, e), true
	}, nil)
	return g
}

// joinGrids joins what overlaps, within the budget.
func joinGrids(grids []grid, budget *netset.Budget) grid {
	all, _ := netset.Fold(grids, func(a, b row) row {
		both, _ := netset.Fold([]row{a, b}, func(e, f Endpoints) Endpoints {
			joined := e.Union(f)
			budget.Spend(joined.Prefixes.Size() + len(joined.Names))
			return joined
		}, budget)
		return both
	}, budget)
	return all
}
