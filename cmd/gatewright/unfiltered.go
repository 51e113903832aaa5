package main

import (
	"iter"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/report"
	"gatewright/cmd/gatewright/internal/words"
	"gatewright/generators"
	"gatewright/generators/artefact"
	"gatewright/generators/pac"
)

const mendUnfiltered = "send them to the proxy with \"routes\", or add their addresses in your own catalogue"

// warnUnfiltered tells, entry by entry, of names that the PAC file sends past the proxy
// and that a packet filter of the same run can match no address of: one that drops by
// default cuts them off.
func (p *production) warnUnfiltered(t console.Console, file artefact.Made) {
	ids := p.unfiltered(file, func(rule.Grant, artefact.Made) bool { return true })
	if len(ids) > 0 {
		t.Warnf("proxy.pac sends names of %s direct, but no packet filter has a rule for them: %s; %s", words.Plural(len(ids), "entry", "entries"), words.Some(ids), mendUnfiltered)
	}
}

// unfiltered returns the ids of those entries, at the packet filters that are asked
// for.
func (p *production) unfiltered(file artefact.Made, asked func(rule.Grant, artefact.Made) bool) []string {
	sent := directWay{p: p, internal: pac.Internal(file.Settings)}
	for _, role := range file.Settings.List("roles") {
		sent.roles = append(sent.roles, rule.Role(role))
	}
	var ids []string
	for _, g := range p.result.Input.Grants {
		cutOff := func(o artefact.Made) bool {
			return o.Kind == artefact.PacketFilter && asked(g, o) && p.goesUnfiltered(g, sent, o)
		}
		if slices.Contains(sent.roles, g.Role) && slices.ContainsFunc(p.outputs, cutOff) && !slices.Contains(ids, g.Entry.ID) {
			ids = append(ids, g.Entry.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// hiddenShortfalls are those entries where no verdict of a packet filter falls short:
// the rule is carried for other entries, or nothing of it is for machines that it sees.
func (p *production) hiddenShortfalls() []shortfall {
	var short []shortfall
	for _, file := range p.outputs {
		if file.Kind != artefact.ProxyChooser || !knowsProxy(p.site) {
			continue
		}
		unsaid := func(g rule.Grant, o artefact.Made) bool {
			return !slices.ContainsFunc(o.Coverage, func(c artefact.Coverage) bool { return c.FallsShort() && slices.Contains(c.Entries, g.Entry.ID) })
		}
		for _, id := range p.unfiltered(file, unsaid) {
			short = append(short, shortfall{text: id + ": its names go direct by proxy.pac and have no packet-filter rule; " + mendUnfiltered, place: p.site.PlaceOfEntry(id)})
		}
	}
	return short
}

// goesUnfiltered reports whether the PAC file answers direct for a name of the grant of
// which no grant gives addresses that a packet filter of this run can match.
func (p *production) goesUnfiltered(g rule.Grant, sent directWay, o artefact.Made) bool {
	filter, err := artefact.FilterOf(o.Settings)
	local, seen := p.anAddress(g.Role), familiesOf(o.Generator, o.Settings)
	if err != nil || !filter.Serves(g.Role) || !local.IsValid() || g.Direction != rule.Outbound || p.result.Reaches(g, seen) {
		return false
	}
	for _, name := range g.Names {
		for _, ports := range g.Services.Ports(netset.TCP) {
			f := rule.Flow{Direction: rule.Outbound, Protocol: netset.TCP, Port: ports.First, Local: local}
			for f.Name = range sent.examples(name) {
				if sent.goesDirect(f) && !p.result.Addressed(f, seen) {
					return true
				}
			}
		}
	}
	return false
}

// directWay tells what a PAC file sends past the proxy.
type directWay struct {
	p        *production
	roles    []rule.Role
	internal netset.NameSet
}

func (d directWay) goesDirect(f rule.Flow) bool {
	return d.internal.Match(f.Name) || d.p.result.Policy.Route(f, d.roles...) == rule.Direct
}

// examples yields a name of a pattern, and those of it that are internal.
func (d directWay) examples(name netset.Pattern) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !yield(name.Example()) {
			return
		}
		for _, inner := range d.internal.Overlapping(name) {
			if one := inner.Example(); name.Match(one) && !yield(one) {
				return
			}
		}
	}
}

// familiesOf returns the families that a packet filter sees.
func familiesOf(generator string, s artefact.Settings) site.Families {
	g, err := generators.ByName(generator)
	if some, ok := g.(interface {
		Families(artefact.Settings) (v4, v6 bool)
	}); err == nil && ok {
		v4, v6 := some.Families(s)
		return site.Families{V4: v4, V6: v6}
	}
	return site.Families{V4: true, V6: true}
}

// anAddress is an address of a role.
func (p *production) anAddress(role rule.Role) netip.Addr {
	for first := range p.result.Policy.Binding(role).Local().Ranges() {
		return first
	}
	return netip.Addr{}
}

// dropped says which packet filters let through no address of what the PAC file sends
// direct, and why; the roles are those of our side.
func (e *explainer) dropped(f rule.Flow, roles []rule.Role, answers []report.BackendAnswer) string {
	var filters []string
	direct := false
	for i, b := range e.backends {
		direct = direct || isChooser(b.name) && answers[i].Action == artefact.GoesDirect
		if isFilter(b.name) && e.loses(b, f, answers[i].Action) {
			filters = append(filters, b.name)
		}
	}
	if !direct || len(filters) == 0 {
		return ""
	}
	const sent = "proxy.pac sends it direct, and "
	if why := e.oneFamily(f, roles); why != "" {
		return sent + why
	}
	what := "its addresses"
	if f.Remote.IsValid() {
		what = "the address " + f.Remote.String()
	}
	return sent + "no rule of " + strings.Join(filters, " or ") + " has " + what + "; send it to the proxy with \"routes\", or add its addresses in your own catalogue"
}

// loses reports whether a packet filter that answers so lets no packet of the flow
// through, or only those to addresses of other names.
func (e *explainer) loses(b backend, f rule.Flow, a artefact.Action) bool {
	switch {
	case a == artefact.Accepts || a == artefact.NotCarried:
		return false
	case f.Remote.IsValid():
		return true
	}
	return !e.result.Addressed(f, b.seen)
}
