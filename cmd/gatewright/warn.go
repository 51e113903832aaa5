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

// shownIDs is how many ids a warning names.
const shownIDs = 6

// someOf names the first of many.
func someOf(ids []string) string {
	if more := len(ids) - shownIDs; more > 1 {
		return fmt.Sprintf("%s and %d more", strings.Join(ids[:shownIDs], ", "), more)
	}
	return strings.Join(ids, ", ")
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
