package rule

import "gatewright/catalog/netset"

// Expects is what is expected of flows.
type Expects string

const (
	ExpectAllow   Expects = "allow"   // every flow passes
	ExpectDeny    Expects = "deny"    // no flow passes
	ExpectDirect  Expects = "direct"  // a PAC file sends every flow direct
	ExpectProxied Expects = "proxied" // a PAC file sends every flow to a proxy
	ExpectOnly    Expects = "only"    // only flows with the listed remotes pass
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

// Else is what a rule accepts in addition to the listed remotes of ExpectOnly.
type Else struct {
	Rule      *Rule
	Endpoints      // patterns with at least one name that is not listed
	Flow      Flow // one of them
}

// Beyond returns, rule by rule, the flows of the pattern that the rules accept although
// their remotes are not listed.
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
