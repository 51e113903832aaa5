package main

import (
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/words"
	"gatewright/generators/artefact"
)

// warn prints what to check before the files are loaded.
func (p *production) warn(t console.Console) {
	for _, r := range p.result.Policy.Rules {
		for _, e := range r.Entries {
			if a := p.site.Answers[e.ID].Remote; a != nil && a.Any {
				t.Warnf("rule %s accepts any remote, because the site answers so for %s", r.ID, e.ID)
			}
		}
	}
	p.warnClients(t)
	p.warnResolver(t)
	p.warnReversed(t)
	p.warnOneFamily(t)
	for _, o := range p.outputs {
		if o.Kind == artefact.ProxyChooser && !knowsProxy(p.site) {
			t.Warnf("the PAC file has no proxy, so it answers DIRECT to every request; set one with --set pac.proxy=HOST:PORT")
		} else if o.Kind == artefact.ProxyChooser {
			p.warnUnfiltered(t, o)
		}
	}
}

// warnClients tells that rules for the clients are for all private networks where the
// site does not say who they are. A PAC file does not go by the client's address.
func (p *production) warnClients(t console.Console) {
	_, bound := p.site.Bindings[rule.Clients]
	ofClients := func(r rule.Rule) bool { return r.Role == rule.Clients }
	byAddress := func(o artefact.Made) bool {
		filter, err := artefact.FilterOf(o.Settings)
		return o.Kind == artefact.Proxy || o.Kind == artefact.PacketFilter && err == nil && filter.Serves(rule.Clients)
	}
	if !bound && slices.ContainsFunc(p.result.Policy.Rules, ofClients) && slices.ContainsFunc(p.outputs, byAddress) {
		networks := words.Texts(site.DefaultClients().Prefixes())
		t.Warnf(`role clients is not bound, so it stands for all private networks: %s; write its addresses under "bind", or give them with --bind clients=CIDR`, strings.Join(networks, ", "))
	}
}

// knowsProxy reports whether the PAC file of a site can send anything to a proxy.
func knowsProxy(s *site.Site) bool {
	named := func(r site.Route) bool { return r.Via != rule.Direct && r.Via != rule.Proxied }
	for generator, options := range s.Options {
		if isChooser(generator) && len(options["proxy"]) > 0 {
			return true
		}
	}
	return slices.ContainsFunc(s.Routes, named)
}

// warnResolver warns about a default-deny where clients can ask the resolver but the
// resolver can ask nobody, unless the site dismissed the question.
func (p *production) warnResolver(t console.Console) {
	const resolver, entry = "resolver", "m365-additional/dns"
	if p.result.Policy.Binding(resolver).Local().IsEmpty() {
		p.warnNoResolver(t)
		return
	}
	asks := func(r rule.Rule) bool { return r.Role == resolver && r.Direction == rule.Outbound && isDNS(r.Services) }
	if slices.ContainsFunc(p.result.Policy.Rules, asks) {
		return
	}
	mend := `add the servers that it asks in your own catalogue, as an entry with "role": "resolver", "direction": "outbound" and "services": "tcp 53; udp 53"`
	for _, o := range p.result.Outcomes {
		switch {
		case o.Entry.ID != entry || o.State == site.NotSelected:
		case o.State == site.IsDismissed:
			return
		default:
			mend = fmt.Sprintf(`answer which servers it asks, as in "answers": {%q: {"remote": ["<CIDR>"]}}`, entry)
		}
	}
	for _, name := range p.enforced() {
		t.Warnf("%s, mode enforce: clients reach the resolver, but the resolver's own queries are dropped; %s", name, mend)
	}
}

// warnNoResolver warns about a default-deny that accepts flows to names but no DNS. An
// open entry for DNS asks for it already, and a dismissed one means it is not needed.
func (p *production) warnNoResolver(t console.Console) {
	asks := func(r rule.Rule) bool { return r.Direction == rule.Outbound && isDNS(r.Services) }
	opens := func(r rule.Rule) bool { return r.Direction == rule.Outbound }
	told := func(o site.Outcome) bool {
		return o.State != site.NotSelected && o.Entry.Direction != catalog.Inbound && isDNS(o.Entry.Services)
	}
	if rules := p.result.Policy.Rules; !slices.ContainsFunc(rules, opens) || slices.ContainsFunc(rules, asks) || slices.ContainsFunc(p.result.Outcomes, told) {
		return
	}
	for _, name := range p.enforced() {
		t.Warnf(`%s, mode enforce: no rule accepts DNS, so names cannot be resolved; bind the resolver that clients ask with --bind resolver=ADDRESS, or add an entry with "services": "tcp 53; udp 53"; if the clients need no DNS here, dismiss that entry: "answers": {"<its id>": {"dismissed": "<the reason>"}}`, name)
	}
}

// enforced are the generators of a default-deny.
func (p *production) enforced() (names []string) {
	for _, o := range p.outputs {
		if o.Kind == artefact.PacketFilter && artefact.Mode(o.Settings.Text("mode")) == artefact.ModeEnforce {
			names = append(names, o.Generator)
		}
	}
	return names
}

// isDNS reports whether names are asked for so: in the clear or over TLS.
func isDNS(s netset.ServiceSet) bool {
	const dns, overTLS = 53, 853
	for _, p := range []netset.Protocol{netset.TCP, netset.UDP} {
		if s.Contains(p, dns) || s.Contains(p, overTLS) {
			return true
		}
	}
	return false
}
