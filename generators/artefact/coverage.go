package artefact

import (
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// ByAddress returns the verdict on a rule for a backend that renders every
// prefix, service and local address, and knows no names.
func (j *Judge) ByAddress(r *rule.Rule) Coverage {
	c := cover(r, Exact)
	switch {
	case r.Remote.Any:
	case r.Remote.Prefixes().IsEmpty(), !shareFamily(j.policy, r) && !r.Remote.Unaddressed.IsEmpty():
		c.Verdict, c.Reason = Absent, "the publisher gives only names, but a packet filter sees only addresses"
	case !shareFamily(j.policy, r):
		c.Verdict, c.Reason = NotApplicable, "the role and the remote have no address family in common, so no flow can match"
		return c
	default:
		if f, ok := (witnessSearch{j, r}).unaddressed(); ok {
			c.Verdict, c.Reason = Narrower, "some of its names are published without addresses, but a packet filter sees only addresses"
			c.Witnesses = []Witness{{Flow: f}}
		}
	}
	if c.Verdict != Exact {
		c.Remedy = addressRemedy(r)
	}
	return c
}

// addressRemedy is what helps where names have no addresses.
func addressRemedy(r *rule.Rule) string {
	const add = "add the addresses that you accept for these names in your own catalogue"
	if r.Direction == rule.Inbound || r.Services.Only(netset.TCP).IsEmpty() { // no proxy carries it
		return add
	}
	return "use a proxy for these names, or " + add
}

// ByRequest returns the verdict on a rule for a backend that sees outbound TCP requests
// by name or literal from machines of the given roles, and renders every name, literal
// and port of the rules of these roles.
func (j *Judge) ByRequest(r *rule.Rule, roles ...rule.Role) Coverage {
	c := Requested(r, roles...)
	if c.Verdict == NotApplicable {
		return c
	}
	if f, ok := (witnessSearch{j, r}).unnamed(); ok {
		c.Verdict, c.Reason = Narrower, "some of its prefixes are published without names; a proxy sees them only in requests for literal addresses"
		c.Remedy = "use a packet filter for these prefixes, or add the names that clients use in your own catalogue"
		c.Witnesses = []Witness{{Flow: f}}
	}
	return c
}

// Requested returns NotApplicable for a rule that has no outbound TCP requests from
// machines of the roles; else Exact.
func Requested(r *rule.Rule, roles ...rule.Role) Coverage {
	c := cover(r, NotApplicable)
	switch {
	case r.Direction == rule.Inbound:
		c.Reason = "a proxy does not carry inbound flows"
	case r.Services.Only(netset.TCP).IsEmpty():
		c.Reason = "a proxy carries only TCP"
	case !slices.Contains(roles, r.Role):
		c.Reason = "the file does not serve role " + string(r.Role)
	default:
		c.Verdict = Exact
	}
	return c
}

// RulesNotApplicable returns one line for each rule, for a generator that carries
// no traffic.
func RulesNotApplicable(p *rule.Policy, reason string) []Coverage {
	out := make([]Coverage, len(p.Rules))
	for i := range p.Rules {
		out[i] = cover(&p.Rules[i], NotApplicable)
		out[i].Reason = reason
	}
	return out
}

// CoverRules returns one line for each rule, then one for each trusted site, which is
// not applicable for the reason.
func CoverRules(p *rule.Policy, sites string, cover func(*Judge, *rule.Rule) Coverage) ([]Coverage, error) {
	j := NewJudge(p)
	out := make([]Coverage, 0, len(p.Rules)+len(p.TrustedSites))
	for i := range p.Rules {
		out = append(out, cover(j, &p.Rules[i]))
	}
	return append(out, TrustedSitesNotApplicable(p, sites)...), j.Err()
}

// NoZones is why a packet filter has no use for trusted sites.
const NoZones = "a trusted site is a browser setting; packet filters have no such setting"

// TrustedSitesNotApplicable returns one line for each trusted site, for a generator
// that carries traffic.
func TrustedSitesNotApplicable(p *rule.Policy, reason string) []Coverage {
	out := make([]Coverage, len(p.TrustedSites))
	for i, t := range p.TrustedSites {
		out[i] = Coverage{Entries: []string{t.Entry.ID}, Verdict: NotApplicable, Reason: reason}
	}
	return out
}

func cover(r *rule.Rule, v Verdict) Coverage {
	c := Coverage{Rule: r.ID, Verdict: v}
	for _, e := range r.Entries {
		c.Entries = append(c.Entries, e.ID)
	}
	return c
}

func shareFamily(p *rule.Policy, r *rule.Rule) bool {
	return meets(p.Binding(r.Role).Local(), r)
}

// meets reports whether addresses of our side are of a family of the rule's remotes.
func meets(local netset.PrefixSet, r *rule.Rule) bool {
	if r.Remote.Any {
		return !local.IsEmpty()
	}
	remote := r.Remote.Prefixes()
	return !local.V4().IsEmpty() && !remote.V4().IsEmpty() || !local.V6().IsEmpty() && !remote.V6().IsEmpty()
}
