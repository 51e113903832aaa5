package artefact

import (
	"net/netip"
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// requestName is a name that a rule lists with addresses.
type requestName struct {
	name      string
	addresses netset.PrefixSet // that it may have by the publishers' promise
	rules     []*rule.Rule     // that may accept requests for it
}

// requestNames returns the names of all rules, in their order.
func requestNames(p *rule.Policy) (names []requestName) {
	for i := range p.Rules {
		for pattern := range p.Rules[i].Remote.Addressed.Patterns() {
			for _, name := range examples(pattern) {
				names = append(names, requestNameOf(p, name, unicast()))
			}
		}
	}
	return names
}

// requestNameOf looks at a name alone, for some addresses.
func requestNameOf(p *rule.Policy, name string, addresses netset.PrefixSet) requestName {
	n := requestName{name: name, addresses: witnessSearch{policy: p}.promised(addresses, name)}
	for i := range p.Rules {
		r := &p.Rules[i]
		if r.Remote.Any || r.Remote.Addressed.Match(name) || r.Remote.Unaddressed.Match(name) {
			n.rules = append(n.rules, r)
		}
	}
	return n
}

// unnamed returns a flow to a prefix that is published without names, by a name
// that no rule carries; a proxy does not accept it.
func (w witnessSearch) unnamed(listed func() []requestName) (rule.Flow, bool) {
	bare := w.rule.Remote.BarePrefixes.Intersect(unicast())
	if bare.IsEmpty() {
		return rule.Flow{}, false
	}
	locals, services := w.locals(), w.services()
	try := func(n requestName) (rule.Flow, bool) {
		addresses := bare.Intersect(n.addresses)
		if addresses.IsEmpty() {
			return rule.Flow{}, false
		}
		f, ok := w.eachOf(locals, services, func(f rule.Flow) (netip.Addr, bool) {
			f.Name = n.name
			carried := func(r *rule.Rule) bool { return w.policy.Accepts(r, rule.Seen(f, rule.Proxy)) }
			if f.Protocol != netset.TCP || slices.ContainsFunc(n.rules, carried) {
				return netip.Addr{}, false
			}
			return first(family(addresses, f.Local))
		})
		f.Name = n.name
		return f, ok
	}
	if f, ok := try(requestNameOf(w.policy, w.unlistedName(), bare)); ok {
		return f, true
	}
	for _, n := range listed() {
		if f, ok := try(n); ok {
			return f, true
		}
	}
	return rule.Flow{}, false
}
