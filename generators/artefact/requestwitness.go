package artefact

import (
	"net/netip"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// unnamed returns a flow to a prefix that is published without names, by a name that no
// rule carries; a proxy does not accept it.
func (w witnessSearch) unnamed() (rule.Flow, bool) {
	bare := w.rule.Remote.BarePrefixes.Intersect(unicast())
	if bare.IsEmpty() {
		return rule.Flow{}, false
	}
	if f, ok := w.uncarriedRequest(w.unlisted(), bare.Subtract(w.listed())); ok {
		return f, true
	}
	for _, cell := range w.parts().find(bare) {
		for _, name := range w.parts().of(cell.Value).names {
			if f, ok := w.uncarriedRequest(name, cell.Key); ok {
				return f, true
			}
		}
		if !w.looks.Spend(1) {
			break
		}
	}
	return rule.Flow{}, false
}

// uncarriedRequest returns a TCP flow of the rule by a name, to one of the addresses,
// that no rule accepts for its name.
func (w witnessSearch) uncarriedRequest(name string, addresses netset.PrefixSet) (rule.Flow, bool) {
	if addresses.IsEmpty() {
		return rule.Flow{}, false
	}
	for _, local := range w.localsOf() {
		remote, ok := addresses.Like(local).First()
		if !ok {
			continue
		}
		if left := w.uncarriedPorts(name, local).Ports(netset.TCP); len(left) > 0 {
			return rule.Flow{Direction: rule.Outbound, Protocol: netset.TCP, Port: left[0].First, Name: name, Remote: remote, Local: local}, true
		}
	}
	return rule.Flow{}, false
}

// uncarriedPorts returns the TCP ports of the rule on which no rule accepts requests
// for a name from a local address.
func (w witnessSearch) uncarriedPorts(name string, local netip.Addr) netset.ServiceSet {
	left := w.rule.Services.Only(netset.TCP)
	without := func(r *rule.Rule) {
		w.looks.Spend(1 + (left.Size()+r.Services.Size())/16)
		if r.Direction == rule.Outbound && w.policy.Binding(r.Role).Local().Contains(local) {
			left = left.Subtract(r.Services)
		}
	}
	for i := 0; i < len(w.policy.Rules) && w.policy.Rules[i].Remote.Any; i++ { // they come first
		without(&w.policy.Rules[i])
	}
	for _, l := range []listing{w.addressedNames(), w.unaddressedNames()} {
		for _, i := range l.of(name) {
			if left.IsEmpty() || w.looks.Exhausted() {
				return left
			}
			without(&w.policy.Rules[i])
		}
	}
	return left
}
