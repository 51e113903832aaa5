package rule

import (
	"maps"
	"slices"

	"gatewright/catalog/netset"
)

// Before is requests that go direct before any route is asked.
type Before struct {
	Names    netset.NameSet
	Prefixes netset.PrefixSet // of literals
}

// Strays returns a flow of the pattern that goes another way than is wanted, and its
// way, for machines of the roles. ok is false if there is none.
func (p *Policy) Strays(a PatternFlows, wanted func(Via) bool, before Before, roles []Role, budget *netset.Budget) (f Flow, via Via, ok bool) {
	w := wayFinder{routes: routesOf(p, roles...), asked: a, wanted: wanted, before: before, budget: budget}
	w.listNames()
	if a.Name != (netset.Pattern{}) {
		if f, via, ok = w.strayName(a.Name); ok {
			return f, via, true
		}
	}
	if a.Any {
		for _, n := range slices.SortedFunc(maps.Keys(w.names), netset.Pattern.Compare) {
			if f, via, ok = w.strayName(n); ok {
				return f, via, true
			}
		}
		for n := range before.Names.Patterns() {
			if !wanted(Direct) {
				f, ok = a.request(n.Example(), netset.PrefixSet{}, a.Services)
				return f, Direct, ok
			}
		}
		if f, via, ok = w.strayRest(p.unlisted()); ok {
			return f, via, true
		}
	}
	return w.strayLiteral()
}

// wayFinder looks for requests that go another way than is wanted.
type wayFinder struct {
	*routes
	asked  PatternFlows
	wanted func(Via) bool
	before Before
	budget *netset.Budget
}

// request is a flow of the pattern with a name or one of some addresses.
func (a PatternFlows) request(name string, remotes netset.PrefixSet, services netset.ServiceSet) (Flow, bool) {
	return a.flowOn(netset.ProductOf(services, a.Locals), name, remotes)
}

// strayName looks among the names of a pattern.
func (w *wayFinder) strayName(n netset.Pattern) (f Flow, via Via, ok bool) {
	inner := w.before.Names.Overlapping(n)
	if !w.wanted(Direct) {
		for _, q := range inner {
			if name, found, _ := netset.FindName([]netset.Pattern{n, q}, nil, w.budget); found {
				f, ok = w.asked.request(name, netset.PrefixSet{}, w.asked.Services)
				return f, Direct, ok
			}
		}
	}
	layers := []netset.Cells[netset.ServiceSet, layer]{netset.CellsOf(w.asked.Services, layer{})}
	for _, q := range w.index.Overlapping(n) {
		layers = append(layers, netset.Map(w.ofPattern(q), func(by claim) (layer, bool) { return layer{{q, by, false}}, true }))
	}
	all, _ := netset.Fold(layers, func(a, b layer) layer {
		both := slices.SortedFunc(slices.Values(slices.Concat(a, b)), layered.compare)
		w.budget.Spend(len(both))
		return both
	}, w.budget)
	for services, l := range all.All() {
		if services = services.Intersect(w.asked.Services); services.IsEmpty() {
			continue
		}
		if f, via, ok = w.strayLayer(n, services, l, inner); ok {
			return f, via, true
		}
	}
	return Flow{}, "", false
}

// strayLayer looks among the names of a pattern on services on which the same patterns
// decide, those that decide first before the others.
func (w *wayFinder) strayLayer(n netset.Pattern, services netset.ServiceSet, l layer, but []netset.Pattern) (Flow, Via, bool) {
	but = slices.Clone(but)
	for _, one := range l {
		if !w.wanted(one.claim.via) {
			if name, found, _ := netset.FindName([]netset.Pattern{n, one.pattern}, but, w.budget); found {
				f, ok := w.asked.request(name, netset.PrefixSet{}, services)
				return f, one.claim.via, ok
			}
		}
		but = append(but, one.pattern)
	}
	name, found, _ := netset.FindName([]netset.Pattern{n}, but, w.budget)
	if !found {
		return Flow{}, "", false
	}
	return w.strayBy(w.any, name, netset.PrefixSet{}, services)
}

// strayBy looks where a decider sends a name, or addresses, on some services.
func (w *wayFinder) strayBy(d decider, name string, remotes netset.PrefixSet, services netset.ServiceSet) (Flow, Via, bool) {
	for ports, by := range d.All() {
		if both := ports.Intersect(services); !both.IsEmpty() && !w.wanted(by.via) {
			f, ok := w.asked.request(name, remotes, both)
			return f, by.via, ok
		}
	}
	return Flow{}, "", false
}

// strayRest looks at a name that no route lists.
func (w *wayFinder) strayRest(name string) (Flow, Via, bool) {
	return w.strayBy(w.any, name, netset.PrefixSet{}, w.asked.Services)
}

// strayLiteral looks among the pattern's literals.
func (w *wayFinder) strayLiteral() (Flow, Via, bool) {
	all := w.asked.Addresses()
	if direct := all.Intersect(w.before.Prefixes); !direct.IsEmpty() && !w.wanted(Direct) {
		f, ok := w.asked.request("", direct, w.asked.Services)
		return f, Direct, ok
	}
	rest := all.Subtract(w.before.Prefixes)
	listed := w.ofLiterals(rest, w.budget)
	for remotes, d := range listed.All() {
		if f, via, ok := w.strayBy(decide(w.any, d), "", remotes, w.asked.Services); ok {
			return f, via, true
		}
	}
	if rest = rest.Subtract(listed.Support()); rest.IsEmpty() {
		return Flow{}, "", false
	}
	return w.strayBy(w.any, "", rest, w.asked.Services)
}
