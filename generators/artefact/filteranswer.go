package artefact

import (
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/rule"
)

// Packet is what a packet filter sees of a flow's first packet. Addresses that are
// not known are invalid.
type Packet struct {
	rule.Flow // as rule.Seen gives it

	// Either says that the packet may be that of the opposite flow: a gateway that
	// is told of no interfaces does not know which side is ours.
	Either bool
}

// PacketOf returns what the filter sees of a flow.
func (f Filter) PacketOf(flow rule.Flow) Packet {
	return Packet{rule.Seen(flow, rule.PacketFilter), !f.hasSides()}
}

// Meets reports whether the packet comes to the chain for flows of a direction.
func (p Packet) Meets(d rule.Direction) bool { return p.Either || p.Direction == d }

// OriginalPort is the destination port before DNAT.
func (p Packet) OriginalPort() uint16 {
	if p.Published != 0 {
		return p.Published
	}
	return p.Port
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
// rules that might match it, if the remote's address were known; drop names what
// drops it in ModeEnforce.
func (f Filter) Unmatched(p *rule.Policy, flow rule.Flow, open []rule.ID, drop string) Answer {
	switch {
	case f.Place == PlaceHost && !f.Local(p).Contains(flow.Local):
		return Answer{Action: NotCarried, Why: "this machine plays " + f.roleNames() + " and has no flow of that address"}
	case flow.MixesFamilies():
		return Answer{Action: NoMatch, Why: fmt.Sprintf("our side is %s here and the remote %s, and no packet has both",
			rule.Family(flow.Local), rule.Family(flow.Remote))}
	case len(open) > 0:
		return Answer{Action: Unknown, Why: unseen(p.Decide(flow).Rules, open) + fmt.Sprintf("; ask for %s=ADDRESS", flow.Name)}
	}
	a := Answer{Action: NoMatch, Why: siteDecides}
	switch f.Mode {
	case ModeMark:
		a.Why = "no mark is set; " + siteDecides
	case ModeEnforce:
		a.Action, a.By, a.Why = Refuses, []string{drop}, ""
	}
	if known := p.Decide(flow).Rules; len(known) > 0 {
		a.Why = strings.TrimSuffix(unseen(known, nil)+"; "+a.Why, "; ")
	}
	return a
}

// unseen says what a packet filter lacks of a flow by name: known are the rules that
// accept it, open those that it has by addresses.
func unseen(known, open []rule.ID) string {
	var addressed []rule.ID
	for _, id := range known {
		if slices.Contains(open, id) {
			addressed = append(addressed, id)
		}
	}
	switch {
	case len(addressed) > 0:
		return fmt.Sprintf("sees no name, but the addresses of %s", ruleIDs(addressed))
	case len(known) > 0 && len(open) > 0:
		return fmt.Sprintf("sees no name, and %s no prefix of it; others go by addresses", haveRules(known))
	case len(known) > 0:
		return fmt.Sprintf("sees no name, and %s no prefix of it", haveRules(known))
	}
	return "sees no name, only addresses"
}

// siteDecides is what becomes of a flow that no rule of ours matches.
const siteDecides = "the site's own rules decide"

// AddRule adds a rule to a list that does not have it yet. What is let through beside
// the policy has no rule.
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

func ruleIDs(ids []rule.ID) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = string(id)
	}
	if len(texts) == 1 {
		return "rule " + texts[0]
	}
	return "rules " + strings.Join(texts, ", ")
}
