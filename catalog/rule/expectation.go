package rule

import "gatewright/catalog/netset"

// Expects is what is expected of flows.
type Expects string

const (
	ExpectAllow   Expects = "allow"   // each is let pass
	ExpectDeny    Expects = "deny"    // none is let pass
	ExpectDirect  Expects = "direct"  // a PAC file sends each straight out
	ExpectProxied Expects = "proxied" // a PAC file sends each to a proxy
	ExpectOnly    Expects = "only"    // those with the listed remotes alone are let pass
)

// Expectation is something that holds of every flow of a pattern, or else is wrong.
type Expectation struct {
	Expects Expects
	Flows   FlowPattern
	In      []string  // generators; nil for the policy and all that carry the flows
	Listed  Endpoints // of ExpectOnly
}

// RoutesRequests reports whether the way of requests is meant, and not whether they
// pass.
func (e Expectation) RoutesRequests() bool {
	return e.Expects == ExpectDirect || e.Expects == ExpectProxied
}

// Wants reports whether a request may go that way.
func (e Expectation) Wants(v Via) bool { return (v == Direct) == (e.Expects == ExpectDirect) }

// Else is what a rule lets pass beside the listed remotes of a closed world.
type Else struct {
	Rule      *Rule
	Endpoints      // patterns of which some names are not listed among them
	Flow      Flow // one of them
}

// Beyond returns what the rules let pass of the pattern's flows to other remotes than
// the listed ones, rule by rule.
func (p *Policy) Beyond(a PatternFlows, listed Endpoints) (all []Else) {
	names := netset.NameSetOf(listed.Names...)
	for r, on := range p.meeting(a) {
		e := Else{Rule: r, Endpoints: Endpoints{Any: r.Remote.Any}}
		var ok bool
		if r.Remote.Any {
			e.Flow, ok = a.flowOn(on, p.unlisted(), netset.PrefixSet{})
		}
		for n := range r.Remote.Names().Patterns() {
			if name, is := names.Uncovered(n); is {
				e.Names = append(e.Names, n)
				e.Flow, ok = a.flowOn(on, name, netset.PrefixSet{})
			}
		}
		for _, part := range a.byAddress(r.Remote.Prefixes().Subtract(listed.Prefixes)) {
			if on := part.ours.Intersect(on); !on.IsEmpty() {
				e.Prefixes = e.Prefixes.Union(part.remotes)
				e.Flow, ok = a.flowOn(on, "", part.remotes)
			}
		}
		if ok {
			all = append(all, e)
		}
	}
	return all
}

// NamesAlone returns the rules that accept flows of the pattern's side by names without
// addresses.
func (p *Policy) NamesAlone(a PatternFlows) (ids []ID) {
	for r := range p.meeting(a) {
		if !r.Remote.Unaddressed.IsEmpty() {
			ids = append(ids, r.ID)
		}
	}
	return ids
}
