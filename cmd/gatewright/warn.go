package main

import (
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/generators/artefact"
)

// warn tells what to look at before the files are loaded.
func (p *production) warn(t talk) {
	for _, r := range p.result.Policy.Rules {
		for _, e := range r.Entries {
			if a := p.site.Answers[e.ID].Remote; a != nil && a.Any {
				t.warnf("rule %s accepts any remote, as the site answers for %s", r.ID, e.ID)
			}
		}
	}
	p.warnResolver(t)
	for _, o := range p.outputs {
		named := func(r site.Route) bool { return r.Via != rule.Direct && r.Via != rule.Proxied }
		if o.name == "pac" && len(p.site.Options["pac"]["proxy"]) == 0 && !slices.ContainsFunc(p.site.Routes, named) {
			t.warnf("the PAC file knows no proxy, so every answer is DIRECT and it does nothing; give one with --set pac.proxy=HOST:PORT")
		} else if o.name == "pac" {
			p.warnUnfiltered(t, o)
		}
	}
}

// warnUnfiltered tells, entry by entry, of names that the PAC file sends past the proxy
// and that a packet filter of the same run has no addresses for: one that drops by
// default cuts them off.
func (p *production) warnUnfiltered(t talk, pac generated) {
	var roles []rule.Role
	for _, role := range pac.settings.List("roles") {
		roles = append(roles, rule.Role(role))
	}
	lacking := p.lacking()
	var ids []string
	for _, g := range p.result.Input.Grants {
		if lacking[g.Role] && slices.Contains(roles, g.Role) && p.goesUnfiltered(g, roles) && !slices.Contains(ids, g.Entry.ID) {
			ids = append(ids, g.Entry.ID)
		}
	}
	slices.Sort(ids)
	if len(ids) > 0 {
		t.warnf("names of %s go direct by proxy.pac and have no packet-filter rule: %s; send them to the proxy with \"routes\", or add addresses in a catalogue of the site's own",
			plural(len(ids), "entry", "entries"), someOf(ids))
	}
}

// shownIDs is how many ids a warning names.
const shownIDs = 6

// someOf names the first of many.
func someOf(ids []string) string {
	if more := len(ids) - shownIDs; more > 1 {
		return fmt.Sprintf("%s and %d more", strings.Join(ids[:shownIDs], ", "), more)
	}
	return strings.Join(ids, ", ")
}

// lacking returns the roles of which a packet filter of this run carries the flows and
// cannot say all of them.
func (p *production) lacking() map[rule.Role]bool {
	short := map[rule.ID]bool{}
	for _, o := range p.outputs {
		for _, c := range o.Coverage {
			if isFilter(o.name) && (c.Verdict == artefact.Absent || c.Verdict == artefact.Narrower) {
				short[c.Rule] = true
			}
		}
	}
	roles := map[rule.Role]bool{}
	for _, r := range p.result.Policy.Rules {
		if short[r.ID] {
			roles[r.Role] = true
		}
	}
	return roles
}

// goesUnfiltered reports whether the PAC file answers direct for a name that the grant
// gives without addresses, and that no other grant gives with addresses.
func (p *production) goesUnfiltered(g rule.Grant, roles []rule.Role) bool {
	if g.Direction != rule.Outbound || g.Any || !g.Prefixes.IsEmpty() {
		return false
	}
	for _, name := range g.Names {
		for _, ports := range g.Services.Ports(netset.TCP) {
			f := rule.Flow{Direction: rule.Outbound, Protocol: netset.TCP, Port: ports.First, Name: name.Example()}
			if p.result.Policy.Route(f, roles...) == rule.Direct && !p.addressed(g.Role, name, ports.First) {
				return true
			}
		}
	}
	return false
}

// addressed reports whether a packet filter has the addresses of a name, or takes any.
func (p *production) addressed(role rule.Role, name netset.Pattern, port uint16) bool {
	return slices.ContainsFunc(p.result.Input.Grants, func(g rule.Grant) bool {
		if g.Direction != rule.Outbound || g.Role != role || !g.Services.Contains(netset.TCP, port) {
			return false
		}
		covers := func(other netset.Pattern) bool { return other.Covers(name) }
		return g.Any || !g.Prefixes.IsEmpty() && slices.ContainsFunc(g.Names, covers)
	})
}

// warnResolver tells of a default-deny that lets the site ask its resolver, and the
// resolver nobody.
func (p *production) warnResolver(t talk) {
	const resolver, dns = "resolver", 53
	asks := func(r rule.Rule) bool {
		return r.Role == resolver && r.Direction == rule.Outbound && r.Services.Contains(netset.UDP, dns)
	}
	if p.result.Policy.Binding(resolver).Local().IsEmpty() || slices.ContainsFunc(p.result.Policy.Rules, asks) {
		return
	}
	for _, o := range p.outputs {
		if isFilter(o.name) && artefact.Mode(o.settings.Text("mode")) == artefact.ModeEnforce {
			t.warnf("%s, mode enforce: clients reach the resolver, and the questions that it asks on are dropped; say whom it asks, as in \"answers\": {\"m365-additional/dns\": {\"remote\": [\"<CIDR>\"]}}", o.name)
		}
	}
}
