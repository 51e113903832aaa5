package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/generators/artefact"
	"gatewright/generators/nftables"
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
	p.warnReversed(t)
	for _, o := range p.outputs {
		if o.name == "pac" && !knowsProxy(p.site) {
			t.warnf("the PAC file knows no proxy, so every answer is DIRECT and it does nothing; give one with --set pac.proxy=HOST:PORT")
		} else if o.name == "pac" {
			p.warnUnfiltered(t, o)
		}
	}
}

// knowsProxy reports whether the PAC file of a site can send anything to a proxy.
func knowsProxy(s *site.Site) bool {
	named := func(r site.Route) bool { return r.Via != rule.Direct && r.Via != rule.Proxied }
	return len(s.Options["pac"]["proxy"]) > 0 || slices.ContainsFunc(s.Routes, named)
}

// warnUnfiltered tells, entry by entry, of names that the PAC file sends past the proxy
// and that a packet filter of the same run can match no address of: one that drops by
// default cuts them off.
func (p *production) warnUnfiltered(t talk, pac generated) {
	var roles []rule.Role
	for _, role := range pac.settings.List("roles") {
		roles = append(roles, rule.Role(role))
	}
	var ids []string
	for _, g := range p.result.Input.Grants {
		unfiltered := func(o generated) bool { return isFilter(o.name) && p.goesUnfiltered(g, roles, o) }
		if slices.Contains(roles, g.Role) && slices.ContainsFunc(p.outputs, unfiltered) && !slices.Contains(ids, g.Entry.ID) {
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

// goesUnfiltered reports whether the PAC file answers direct for a name of the grant of
// which no grant gives addresses that a packet filter of this run can match.
func (p *production) goesUnfiltered(g rule.Grant, roles []rule.Role, o generated) bool {
	filter, err := artefact.FilterOf(o.settings)
	local, seen := p.anAddress(g.Role), familiesOf(o.name, o.settings)
	if err != nil || !filter.Serves(g.Role) || !local.IsValid() || g.Direction != rule.Outbound || p.result.Reaches(g, seen) {
		return false
	}
	for _, name := range g.Names {
		for _, ports := range g.Services.Ports(netset.TCP) {
			f := rule.Flow{Direction: rule.Outbound, Protocol: netset.TCP, Port: ports.First, Name: name.Example(), Local: local}
			if p.result.Policy.Route(f, roles...) == rule.Direct && !p.result.Addressed(f, seen) {
				return true
			}
		}
	}
	return false
}

// familiesOf returns the families that a packet filter sees.
func familiesOf(generator string, s artefact.Settings) site.Families {
	if generator == (nftables.Generator{}).Name() {
		if table, err := nftables.TableOf(s); err == nil {
			v4, v6 := nftables.FamiliesOf(table)
			return site.Families{V4: v4, V6: v6}
		}
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
