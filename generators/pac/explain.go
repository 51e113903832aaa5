package pac

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Explain answers as the file of Generate does: by the endpoints that are left in
// its tables.
func (Generator) Explain(p *rule.Policy, s artefact.Settings) (artefact.Explainer, error) {
	c, err := newConfig(p, s)
	if err != nil {
		return nil, err
	}
	e := explainer{policy: p, config: c, endpoints: collect(p, c.roles)}
	e.endpoints.leaveOut(c.internal)
	e.endpoints.minimize(p.Routes)
	for i, r := range p.Routes {
		proxies, err := parseVia(r.Via, c.proxies)
		if err != nil {
			return nil, fmt.Errorf("/routes/%d: %w", i, err)
		}
		e.ways = append(e.ways, proxies)
	}
	return e.answer, nil
}

type explainer struct {
	policy    *rule.Policy
	config    config
	endpoints endpoints
	ways      [][]proxy // of each route; none for direct
}

func (e *explainer) answer(q rule.Question) artefact.Answer {
	f := q.Flow
	switch {
	case f.Direction == rule.Inbound:
		return artefact.Answer{Action: artefact.NotCarried, Why: "a browser asks a PAC file only about requests that it opens, not about inbound flows"}
	case f.Protocol != netset.TCP:
		return artefact.Answer{Action: artefact.NotCarried, Why: "a browser asks a PAC file only about requests over TCP"}
	case !e.serves(f.Local):
		return artefact.Answer{Action: artefact.NotCarried, Why: "the file is for machines of role " + roleList(e.config.roles)}
	}
	request := rule.Seen(f, rule.Proxy)
	switch {
	case e.config.plain == plainDirect && request.Name != "" && !strings.Contains(request.Name, "."):
		return e.way(nil, "a host without a dot goes direct, as option plain says")
	case request.Name == "" && e.config.local.Contains(request.Remote):
		return e.way(nil, "a literal address in a network of option local or internal goes direct")
	case e.config.internal.Match(request.Name):
		return e.way(nil, "a name of option internal goes direct")
	}
	endpoint, route := e.deciding(request)
	switch {
	case route < 0 && len(e.config.proxies) == 0:
		return e.way(nil, "no route sends it elsewhere, and no proxy is set")
	case route < 0:
		return e.way(e.config.proxies, "no route sends it elsewhere")
	}
	via := e.policy.Routes[route].Via
	if e.policy.DefaultRoutes {
		return e.way(e.ways[route], fmt.Sprintf("%s goes %s by default: optimize, allow and entries without a category go direct, the rest by proxy", endpoint, map[bool]string{true: "direct", false: "by proxy"}[via == rule.Direct]))
	}
	return e.way(e.ways[route], fmt.Sprintf("%s goes by route %d, %s", endpoint, route, via))
}

// serves reports whether the file is for a machine of our side. Roles without
// addresses tell no machine from another.
func (e *explainer) serves(local netip.Addr) bool {
	var all netset.PrefixBuilder
	for _, r := range e.config.roles {
		all.AddSet(e.policy.Binding(r).Local())
	}
	set := all.Build()
	return set.IsEmpty() || set.Contains(local)
}

func roleList(roles []rule.Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}

// way is the answer of the file for proxies that are tried in order, none for
// direct.
func (e *explainer) way(proxies []proxy, why string) artefact.Answer {
	a := artefact.Answer{Action: artefact.GoesDirect, Why: why}
	if len(proxies) > 0 {
		a.Action = artefact.GoesProxy
	}
	a.By = []string{answerText(proxies, e.config.fallback)}
	return a
}

// deciding returns the endpoint that decides a request, as text, and its route; or
// -1 if none does.
func (e *explainer) deciding(request rule.Flow) (text string, route int) {
	best, route := rule.Rank(-1), -1
	try := func(one *endpoint, what string) {
		for _, s := range one.shares {
			if !s.services.Contains(request.Protocol, request.Port) {
				continue
			}
			if one.rank > best || one.rank == best && s.route < route {
				best, route, text = one.rank, s.route, what
			}
		}
	}
	if request.Name != "" {
		for _, one := range e.matching(request.Name) {
			try(one, one.pattern.String())
		}
	}
	for bits := 0; request.Remote.IsValid() && bits <= request.Remote.BitLen(); bits++ {
		around, err := request.Remote.Prefix(bits)
		if one := e.endpoints.prefixes[around]; err == nil && one != nil {
			try(one, around.String())
		}
	}
	if request.Name != "" || request.Remote.IsValid() {
		try(e.endpoints.any, "any host")
	}
	return text, route
}

// matching returns the name endpoints that match, in the order of their patterns.
func (e *explainer) matching(name string) []*endpoint {
	var all []*endpoint
	for _, one := range e.endpoints.names {
		if one.pattern.Match(name) {
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b *endpoint) int { return a.pattern.Compare(b.pattern) })
	return all
}
