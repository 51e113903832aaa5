package iptables

import (
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/filter"
)

// flow is what a rule of the policy matches, without addresses.
type flow struct {
	filter.Rule
	local string // set of our side's addresses
}

// class is the flows of the rules that hold the same remotes.
type class struct {
	remotes netset.PrefixSet
	flows   []flow
}

// flowOf returns a rule's flow, and the set of its remotes; empty for any remote.
func (b *lowering) flowOf(d rule.Direction, r filter.Rule) (f flow, remote string) {
	f = flow{r, r.From.Set}
	remote = r.To.Set
	if d == rule.Inbound {
		f.local, remote = remote, f.local
	}
	f.Family, f.From, f.To = filter.Family(b.family), filter.Addresses{}, filter.Addresses{}
	if !slices.ContainsFunc(b.flows[f.ID], func(have flow) bool { return have.Protocol == f.Protocol && have.published() == f.published() }) && f.ID != "" {
		b.flows[f.ID] = append(b.flows[f.ID], f)
	}
	return f, remote
}

func (f flow) published() bool { return !f.Original.IsAll() }

// isPlain reports whether a rule matches the packet's own port or that before DNAT, and
// not each of them for some addresses: then its chain tells its packets. Or else that
// is done before, by the lines of each class.
func (b *lowering) isPlain(id rule.ID) bool {
	flows := b.flows[id]
	return !slices.ContainsFunc(flows, func(f flow) bool { return f.published() != flows[0].published() })
}

// split takes the rules of a direction apart: those of any remote, and the classes.
func (b *lowering) split(d rule.Direction) (any class, classes []class) {
	var only class
	for _, r := range b.held[filter.EntryOf(d)].Rules {
		f, remote := b.flowOf(d, r)
		switch {
		case r.Map != "":
			m, _ := b.built.Map(r.Map)
			for _, e := range m.Elements {
				classes = append(classes, class{e.Prefixes, b.flowsOf(d, e.Chain, r)})
			}
		case remote == "":
			any.flows = append(any.flows, f)
		default:
			set, _ := b.built.Set(remote)
			only.remotes, only.flows = set.Prefixes, append(only.flows, f)
		}
	}
	if len(only.flows) > 0 {
		classes = append(classes, only)
	}
	return any, classes
}

// flowsOf returns the flows of a class's chain, on the interfaces and local addresses
// of the rule that leads to it if that has some.
func (b *lowering) flowsOf(d rule.Direction, chain string, by filter.Rule) (flows []flow) {
	for _, r := range b.held[chain].Rules {
		if len(by.In)+len(by.Out) > 0 {
			r.In, r.Out = by.In, by.Out
		}
		if !by.From.IsAll() || !by.To.IsAll() {
			r.From, r.To = by.From, by.To
		}
		f, _ := b.flowOf(d, r)
		flows = append(flows, f)
	}
	return flows
}

// with keeps what flows of a class are kept.
func (c class) with(keep func(flow) bool) class {
	var flows []flow
	for _, f := range c.flows {
		if keep(f) {
			flows = append(flows, f)
		}
	}
	return class{c.remotes, flows}
}
