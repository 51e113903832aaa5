package main

import (
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/words"
	"gatewright/generators/artefact"
)

// family is IPv4 or IPv6.
type family struct {
	name, other string
	of          func(netset.PrefixSet) netset.PrefixSet
	seen        func(site.Families) bool
}

var families = []family{
	{"IPv4", "IPv6", netset.PrefixSet.V4, func(f site.Families) bool { return f.V4 }},
	{"IPv6", "IPv4", netset.PrefixSet.V6, func(f site.Families) bool { return f.V6 }},
}

// lackedBy reports whether a role has addresses and none of the family.
func (f family) lackedBy(b rule.Binding) bool {
	return !b.Local().IsEmpty() && f.of(b.Local()).IsEmpty()
}

// warnOneFamily tells of prefixes that packet filters do not have, because the role
// that they are for has addresses of the other family alone.
func (p *production) warnOneFamily(t console.Console) {
	for _, f := range families {
		var texts []string
		names := map[string][]string{}
		for _, o := range p.outputs {
			if text := p.unpaired(f, o); text != "" {
				texts, names[text] = append(texts, text), append(names[text], o.Generator)
			}
		}
		for _, text := range slices.Compact(texts) {
			t.Warnf("%s not in %s; add %s addresses under \"bind\", or ignore this if the network has no %s", text, strings.Join(names[text], " and "), f.name, f.name)
		}
	}
}

// unpaired says of which rules a packet filter lacks the prefixes of a family, and
// whose addresses are missing for them; empty if it lacks none.
func (p *production) unpaired(f family, o artefact.Made) string {
	filter, err := artefact.FilterOf(o.Settings)
	if o.Kind != artefact.PacketFilter || err != nil || !f.seen(familiesOf(o.Generator, o.Settings)) {
		return ""
	}
	var roles []rule.Role
	rules, prefixes := 0, 0
	for i := range p.result.Policy.Rules {
		r := &p.result.Policy.Rules[i]
		n := f.of(r.Remote.Prefixes()).Len()
		if n == 0 || !filter.Serves(r.Role) || !f.lackedBy(p.result.Policy.Binding(r.Role)) {
			continue
		}
		if rules, prefixes = rules+1, prefixes+n; !slices.Contains(roles, r.Role) {
			roles = append(roles, r.Role)
		}
	}
	if rules == 0 {
		return ""
	}
	slices.Sort(roles)
	return fmt.Sprintf("%s only %s addresses: %s of %s %s", words.RolesHave(roles), f.other,
		words.Plural(prefixes, f.name+" prefix", f.name+" prefixes"), words.Count(rules, "rule"), isOrAre(prefixes))
}

func isOrAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// oneFamily says why no packet of a flow passes where our side and the remote have no
// family in common; empty if they have one, or the remote's addresses are not known.
func (e *explainer) oneFamily(f rule.Flow, roles []rule.Role) string {
	const proxied = `send it to the proxy with "routes"`
	remote := e.result.AddressesOf(f)
	for _, family := range families {
		lacking := slices.DeleteFunc(slices.Clone(roles), func(r rule.Role) bool { return !family.lackedBy(e.result.Policy.Binding(r)) })
		if len(lacking) > 0 && !family.of(remote).IsEmpty() {
			return fmt.Sprintf("%s no %s address here, so no %s packet passes; add %s addresses under \"bind\", or %s",
				words.RolesHave(lacking), family.name, family.name, family.name, proxied)
		}
	}
	if f.MixesFamilies() {
		return fmt.Sprintf("%s is %s and %s is %s, and no packet has both; %s", f.Remote, rule.Family(f.Remote), f.Local, rule.Family(f.Local), proxied)
	}
	return ""
}
