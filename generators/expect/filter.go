package expect

import (
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

func (q question) ofFilter(o Output, a *Answer) {
	lines := linesOf(o.Reading, q.flows.Direction)
	all := unite(lines)
	var found bool
	switch q.Expects {
	case rule.ExpectAllow:
		a.Flow, found = q.Compiled.RefusedAt(all, q.flows, q.budget)
		a.Promise = q.flows.Name != netset.Pattern{}
	case rule.ExpectDeny:
		a.Flow, found = q.Compiled.AcceptedAt(all, q.flows)
		a.Promise = q.flows.Name != netset.Pattern{}
		if found {
			a.Rules, a.Labels = letting(lines, a.Flow)
		}
	default:
		found = q.closedAt(lines, a)
		a.Hidden = q.Compiled.Policy.NamesAlone(q.flows)
	}
	a.Holds = !found
}

// closedAt asks a closed world of a packet filter.
func (q question) closedAt(lines []artefact.Accepted, a *Answer) (found bool) {
	everything := q.flows.Traffic(netset.EveryAddress())
	listed := q.Listed.Prefixes
	rest := unite(lines).Intersect(everything)
	if rest.Subtract(q.flows.Traffic(listed)).IsEmpty() {
		return false
	}
	a.Promise = true
	listed = q.Compiled.Promise(q.Listed).Prefixes
	allowed := q.flows.Traffic(listed)
	for _, l := range lines {
		more := l.Traffic.Intersect(everything).Subtract(allowed)
		flow, some := more.FlowOf(q.flows.Direction)
		if !some {
			continue
		}
		if a.Traffic == nil {
			a.Flow = flow
		}
		i := slices.IndexFunc(a.Traffic, func(p Passes) bool { return p.Rule == l.Rule && slices.Equal(p.Labels, l.Labels) })
		if i < 0 {
			i, a.Traffic = len(a.Traffic), append(a.Traffic, Passes{Rule: l.Rule, Labels: l.Labels})
		}
		a.Traffic[i].Flows = append(a.Traffic[i].Flows, more.Flows(q.flows.Direction)...)
	}
	return len(a.Traffic) > 0
}

// linesOf returns what the lines of a packet filter let pass of flows of a direction,
// at any of its hook points, by one kind of port. A filter that knows no sides takes a
// packet for one of the other direction as well.
func linesOf(r artefact.Reading, d rule.Direction) (lines []artefact.Accepted) {
	host := slices.ContainsFunc(r.Beside, func(s artefact.Statement) bool {
		return s.Name == "place" && s.Value == string(artefact.PlaceHost)
	})
	for _, f := range r.Filters {
		either := !host && f.Point.In == "" && f.Point.Out == ""
		for _, l := range f.Lines {
			if l.Direction == d || either {
				l.Traffic = l.Traffic.OfOnePort()
				lines = append(lines, l)
			}
		}
	}
	return lines
}

func unite(lines []artefact.Accepted) rule.TrafficSet {
	var all []rule.TrafficSet
	for _, l := range lines {
		all = append(all, l.Traffic)
	}
	return rule.UniteTraffic(all...)
}

// letting returns the rules, and the labels of what is beside them, that let a flow
// pass.
func letting(lines []artefact.Accepted, f rule.Flow) (ids []rule.ID, labels []string) {
	for _, l := range lines {
		if l.Traffic.Has(f) {
			ids = artefact.AddRule(ids, l.Rule)
			if l.Rule == "" {
				labels = append(labels, l.Labels...)
			}
		}
	}
	slices.Sort(labels)
	return ids, slices.Compact(labels)
}
