package proof

import (
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// ways is what a PAC file has to answer: the policy's routes in the words of the
// pac generator's settings.
type ways struct {
	policy      *rule.Policy
	roles       []rule.Role
	proxies     string // "PROXY a:1; PROXY b:2"; DIRECT without any
	plainDirect bool
	local       netset.PrefixSet
	internal    []netset.Pattern
	fallback    bool
}

func newWays(p *rule.Policy, s artefact.Settings) (ways, error) {
	w := ways{policy: p, plainDirect: s.Text("plain") == "direct", fallback: s.Text("fallback") == "yes"}
	for _, role := range s.List("roles") {
		w.roles = append(w.roles, rule.Role(role))
	}
	w.proxies = w.words(s.List("proxy"))
	var local netset.PrefixBuilder
	for _, text := range slices.Concat(s.List("local"), s.List("internal")) {
		if n, _, err := netset.ParsePrefix(text); err == nil {
			local.Add(n)
			continue
		}
		name, err := netset.ParsePattern(text)
		if err != nil {
			return w, err
		}
		w.internal = append(w.internal, name)
	}
	w.local = local.Build()
	return w, nil
}

// words are the answer that names proxies to try in order.
func (w ways) words(proxies []string) string {
	if len(proxies) == 0 {
		return "DIRECT"
	}
	var words []string
	for _, proxy := range proxies {
		if !strings.Contains(proxy, " ") { // it says no kind
			proxy = "PROXY " + proxy
		}
		words = append(words, proxy)
	}
	if w.fallback {
		words = append(words, "DIRECT")
	}
	return strings.Join(words, "; ")
}

// size is how much a flow is held against: members of routes.
func (w ways) size() int {
	n := 0
	for _, r := range w.policy.Routes {
		n += len(r.Members)
	}
	return n
}

// answer is what FindProxyForURL has to say for a flow.
func (w ways) answer(f rule.Flow) string {
	if f.Name != "" && w.plainDirect && !strings.Contains(f.Name, ".") || f.Name == "" && w.local.Contains(f.Remote) {
		return "DIRECT"
	}
	if f.Name != "" && slices.ContainsFunc(w.internal, func(n netset.Pattern) bool { return n.Match(f.Name) }) {
		return "DIRECT"
	}
	switch via := w.policy.Route(f, w.roles...); via {
	case rule.Direct:
		return "DIRECT"
	case rule.Proxied:
		return w.proxies
	default:
		var list []string
		for proxy := range strings.SplitSeq(string(via), ",") {
			list = append(list, strings.Trim(proxy, " "))
		}
		return w.words(list)
	}
}

// flows are the boundary flows of all that decides a way: the rules, every endpoint
// of the routes, hosts without a dot, and local networks. No PAC file sees who asks.
func (w ways) flows() []rule.Flow {
	every := *w.policy
	every.Rules = append([]rule.Rule{}, w.policy.Rules...)
	for _, route := range w.policy.Routes {
		for _, m := range route.Members {
			every.Rules = append(every.Rules, memberRules(m)...)
		}
	}
	if !w.local.IsEmpty() {
		every.Rules = append(every.Rules, rule.Rule{
			Direction: rule.Outbound, Remote: rule.Remote{BarePrefixes: w.local}, Services: webServices(),
		})
	}
	if len(w.internal) > 0 {
		every.Rules = append(every.Rules, memberRules(rule.RouteMember{Endpoints: rule.Endpoints{Names: w.internal}, Services: webServices()})...)
	}
	flows := RequestFlows(&every)
	for _, name := range []string{"intranet", "localhost", "constructor"} {
		for _, port := range []uint16{80, 443, 8080} {
			flows = append(flows, rule.Flow{Direction: rule.Outbound, Protocol: netset.TCP, Port: port, Name: name})
		}
	}
	return asked(flows)
}

// asked is what a PAC file is told of flows, each once.
func asked(flows []rule.Flow) []rule.Flow {
	told := make([]rule.Flow, len(flows))
	for i, f := range flows {
		f.Local, f.Published = netip.Addr{}, 0
		told[i] = rule.Seen(f, rule.Proxy)
	}
	return each(told)
}

func webServices() netset.ServiceSet {
	return netset.ServiceSetOf(
		netset.Service{Protocol: netset.TCP, Ports: netset.PortRange{First: 80, Last: 80}},
		netset.Service{Protocol: netset.TCP, Ports: netset.PortRange{First: 443, Last: 443}},
	)
}

// memberRules are rules whose names are together those of the member: a set of names
// lacks what it covers, but here each pattern has a rank of its own.
func memberRules(m rule.RouteMember) []rule.Rule {
	base := rule.Rule{Direction: rule.Outbound, Role: m.Role, Services: m.Services}
	bare := base
	bare.Remote = rule.Remote{Any: m.Any, BarePrefixes: m.Prefixes}
	rules := []rule.Rule{bare}
	for rest := m.Names; len(rest) > 0; {
		names := base
		names.Remote.Unaddressed = netset.NameSetOf(rest...)
		rules = append(rules, names)
		kept := map[netset.Pattern]bool{}
		for n := range names.Remote.Unaddressed.Patterns() {
			kept[n] = true
		}
		var covered []netset.Pattern
		for _, n := range rest {
			if !kept[n] {
				covered = append(covered, n)
			}
		}
		rest = covered
	}
	return rules
}
