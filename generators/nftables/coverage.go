package nftables

import (
	"fmt"
	"net/netip"
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/filter"
)

// coverage has one line for each rule, then one for each trusted site.
func coverage(p *rule.Policy, c config) ([]artefact.Coverage, error) {
	var ours netset.PrefixSet
	for _, f := range c.families {
		ours = ours.Union(f.Of(c.Local(p)))
	}
	return artefact.CoverRules(p, artefact.NoZones, func(j *artefact.Judge, r *rule.Rule) artefact.Coverage { return c.cover(p, j, r, ours) })
}

// cover lessens the verdict of a filter of both families by what the table leaves
// out.
func (c config) cover(p *rule.Policy, j *artefact.Judge, r *rule.Rule, ours netset.PrefixSet) artefact.Coverage {
	v := c.Cover(j, r, ours)
	if v.Verdict == artefact.NotApplicable || v.Verdict == artefact.Absent {
		return v
	}
	seen := false
	var missed []artefact.Witness
	for _, f := range []filter.Family{filter.IPv4, filter.IPv6} {
		flow, ok := flowOf(p, r, f)
		switch {
		case slices.Contains(c.families, f):
			seen = seen || ok
		case ok:
			missed = append(missed, artefact.Witness{Flow: flow})
		}
	}
	switch {
	case len(missed) == 0:
		return v
	case seen && v.Verdict == artefact.Wider:
		v.Witnesses = append(v.Witnesses, missed...)
	case seen:
		v.Verdict, v.Witnesses = artefact.Narrower, append(v.Witnesses, missed...)
	default:
		v.Verdict, v.Witnesses = artefact.Absent, nil
	}
	v.Add(fmt.Sprintf("table %s sees only one address family, but the rule has flows of the other", c.table),
		"set table to a table of family inet, or also generate for a table of the other family")
	return v
}

// flowOf is a flow of the family that the rule accepts by addresses, if there is one.
func flowOf(p *rule.Policy, r *rule.Rule, f filter.Family) (rule.Flow, bool) {
	remotes := f.Of(r.Remote.Prefixes())
	if r.Remote.Any {
		// Documentation prefixes (RFC 5737, RFC 3849).
		remotes = f.Of(netset.PrefixSetOf(netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("2001:db8::1/128")))
	}
	remote, ok := remotes.First()
	local, has := f.Of(p.Binding(r.Role).Local()).First()
	flow := rule.Flow{Direction: r.Direction, Remote: remote, Local: local}
	flow.Protocol, flow.Port = firstService(r)
	return flow, ok && has
}

func firstService(r *rule.Rule) (netset.Protocol, uint16) {
	if tcp := r.Services.Ports(netset.TCP); len(tcp) > 0 {
		return netset.TCP, tcp[0].First
	}
	return netset.UDP, r.Services.Ports(netset.UDP)[0].First
}
