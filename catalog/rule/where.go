package rule

import "gatewright/catalog/netset"

// where is what of our side may take part in flows of one direction: local addresses
// with services. Ports before a DNAT are original ones.
type where = netset.Product[netset.ServiceSet, netset.PrefixSet]

// where returns what the rule lets take part.
func (p *Policy) where(r *Rule) where {
	b := p.Binding(r.Role)
	if r.Direction == Outbound {
		return netset.ProductOf(r.Services, b.Local())
	}
	return netset.ProductOf(r.Services, b.Addresses).Union(netset.ProductOf(r.Services.Original(), b.Published))
}

// grid is what endpoints go with each part of our side.
type grid = netset.Cells[netset.ServiceSet, row]

type row = netset.Cells[netset.PrefixSet, Endpoints]

// gridOf returns the grid that has the endpoints everywhere on a part of our side.
func gridOf(of where, e Endpoints) grid {
	return netset.Map(of.Cells(), func(locals netset.PrefixSet) (row, bool) { return netset.CellsOf(locals, e), true })
}

// placed is endpoints with what of our side they are for.
type placed struct {
	where     where
	endpoints Endpoints
}

// cutBy cuts a part of our side by the endpoints that are for some of it, and returns
// the parts by those that each is for.
func cutBy(list []placed, whole where, budget *netset.Budget) *netset.Groups[Endpoints, where] {
	grids := []grid{gridOf(whole, Endpoints{})}
	for _, p := range list {
		if !p.endpoints.IsEmpty() {
			grids = append(grids, gridOf(p.where.Intersect(whole), p.endpoints))
		}
	}
	all, _ := netset.Fold(grids, func(a, b row) row {
		both, _ := netset.Fold([]row{a, b}, func(e, f Endpoints) Endpoints {
			joined := e.Union(f)
			budget.Spend(joined.Prefixes.Size() + len(joined.Names))
			return joined
		}, budget)
		return both
	}, budget)
	parts := &netset.Groups[Endpoints, where]{}
	for services, r := range all.All() {
		for locals, e := range r.All() {
			part := parts.Of(e)
			*part = part.Union(netset.ProductOf(services, locals))
		}
	}
	return parts
}
