package artefact

import (
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// SiteInterface is the interface of packets between two machines of this site; empty
// where rules for remotes outside may match these packets.
func (f Filter) SiteInterface() string {
	switch {
	case !f.tellsSite():
		return ""
	case len(f.LAN) > 0:
		return f.LAN[0]
	}
	return "-" // which no option names
}

// Accepted completes the answer for a flow that the filter accepts.
func (f Filter) Accepted(flow rule.Flow, a Answer) Answer {
	a.Action = Accepts
	if f.Mode == ModeMark {
		a.By = append(a.By, fmt.Sprintf("mark %#x is set", f.Mark))
	}
	if flow.Name != "" && flow.Remote.IsValid() {
		a.Why = "sees only the address " + flow.Remote.String()
	}
	return a
}

// Unmatched is the answer for a flow that no rule of the filter matches. Open are
// rules that match it if the remote's name leads to their addresses; drop names what
// drops it in ModeEnforce.
func (f Filter) Unmatched(p *rule.Policy, flow rule.Flow, open []rule.ID, drop string) Answer {
	switch {
	case f.Place == PlaceHost && !f.Local(p).Contains(flow.Local):
		return Answer{Action: NotCarried, Why: "this machine plays " + f.roleNames() + ", so it has no flow from or to that address"}
	case flow.MixesFamilies():
		return Answer{Action: NoMatch, Why: fmt.Sprintf("our side is %s but the remote is %s, and no packet mixes the two",
			rule.Family(flow.Local), rule.Family(flow.Remote))}
	case len(open) > 0:
		return Answer{Action: AcceptsIf, Rules: open, Why: condition(p, flow, open)}
	}
	a := Answer{Action: NoMatch, Why: siteDecides}
	switch f.Mode {
	case ModeMark:
		a.Why = "no mark is set; " + siteDecides
	case ModeEnforce:
		a.Action, a.By, a.Why = Refuses, []string{drop}, ""
	}
	if known := p.Decide(flow).Rules; len(known) > 0 {
		a.Why = strings.TrimSuffix(f.missed(p, flow, known)+"; "+a.Why, "; ")
	}
	return a
}

// missed says why no rule of the filter matches a flow that rules of the policy accept.
func (f Filter) missed(p *rule.Policy, flow rule.Flow, known []rule.ID) string {
	published := func(b rule.Binding) bool { return b.Published.Contains(flow.Local) }
	switch {
	case f.AfterDNAT && flow.Direction == rule.Inbound && slices.ContainsFunc(p.Bindings, published):
		return fmt.Sprintf("sees no port before DNAT, but %s for it", askRules(known))
	case f.tellsSite() && f.Local(p).Contains(flow.Remote):
		return fmt.Sprintf("both ends are addresses of our side, but %s for wan", askRules(known))
	}
	return fmt.Sprintf("sees no names, and %s no prefix for this one", haveRules(known))
}

// condition says to which addresses the name must resolve so the rules accept the flow.
func condition(p *rule.Policy, flow rule.Flow, open []rule.ID) string {
	var all netset.PrefixBuilder
	for i := range p.Rules {
		switch r := &p.Rules[i]; {
		case !slices.Contains(open, r.ID):
		case r.Direction == flow.Direction:
			all.AddSet(r.Remote.Prefixes())
		default: // a gateway that knows no sides takes the name's address for our side
			all.AddSet(p.Binding(r.Role).Local())
		}
	}
	prefixes := all.Build().Like(flow.Local)
	text := fmt.Sprintf("the name resolves to an address in one of the %d prefixes of %s", prefixes.Len(), ruleIDs(open))
	if prefixes.Len() == 1 {
		text = fmt.Sprintf("the name resolves to an address in %s, of %s", prefixes, ruleIDs(open))
	}
	known := p.Decide(flow).Rules
	if len(known) > 0 && !slices.ContainsFunc(known, func(id rule.ID) bool { return slices.Contains(open, id) }) {
		text += fmt.Sprintf("; %s no prefix for it", haveRules(known))
	}
	return text
}

// siteDecides is what becomes of a flow that no rule of ours matches.
const siteDecides = "the site's own rules decide"

// AddRule adds a rule to a list if the list does not have it. A flow that is accepted
// outside the policy has no rule.
func AddRule(list []rule.ID, id rule.ID) []rule.ID {
	if id == "" || slices.Contains(list, id) {
		return list
	}
	return append(list, id)
}

func (f Filter) roleNames() string {
	names := make([]string, len(f.Roles))
	for i, r := range f.Roles {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}

func haveRules(ids []rule.ID) string {
	if len(ids) == 1 {
		return ruleIDs(ids) + " has"
	}
	return ruleIDs(ids) + " have"
}

func askRules(ids []rule.ID) string {
	if len(ids) == 1 {
		return ruleIDs(ids) + " asks"
	}
	return ruleIDs(ids) + " ask"
}

// shownRules is how many rules an answer names.
const shownRules = 3

func ruleIDs(ids []rule.ID) string {
	var texts []string
	for _, id := range ids[:min(len(ids), shownRules)] {
		texts = append(texts, string(id))
	}
	text := strings.Join(texts, ", ")
	switch more := len(ids) - len(texts); {
	case len(ids) == 1:
		return "rule " + text
	case more > 0:
		return fmt.Sprintf("rules %s and %d more", text, more)
	}
	return "rules " + text
}
