package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/lint"
	"gatewright/catalog/rule"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/generators/artefact"
)

// warnReversed tells of rules at a packet filter that let packets of the other
// direction pass, with one such packet and what its addresses are.
func (p *production) warnReversed(t console.Console) {
	var filters, rules []string
	var example rule.Flow
	for _, o := range p.outputs {
		for _, c := range o.Coverage {
			if c.Verdict != artefact.Wider || o.Kind != artefact.PacketFilter {
				continue
			}
			if len(filters) == 0 || filters[len(filters)-1] != o.Generator {
				filters = append(filters, o.Generator)
			}
			if !slices.Contains(rules, c.Name()) {
				rules = append(rules, c.Name())
			}
			for _, w := range c.Witnesses {
				if w.Backend && !example.Local.IsValid() {
					example = w.Flow
				}
			}
		}
	}
	if len(rules) == 0 {
		return
	}
	t.Warnf("%s: %s packets in the other direction, such as %s%s; set wan and lan to the interfaces of the two sides",
		strings.Join(filters, ", "), alsoAccept(rules), example, purposes(example))
}

// alsoAccept names up to three rules as the subject of what they accept.
func alsoAccept(rules []string) string {
	if len(rules) == 1 {
		return "rule " + rules[0] + " also accepts"
	}
	text := strings.Join(rules[:min(len(rules), 3)], ", ")
	if more := len(rules) - 3; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return "rules " + text + " also accept"
}

// purposes says of the addresses of a flow what they are for, if that is special.
func purposes(f rule.Flow) string {
	var texts []string
	for _, a := range []netip.Addr{f.Remote, f.Local} {
		if what := lint.Purpose(a); what != "" {
			texts = append(texts, a.String()+" is "+what)
		}
	}
	if len(texts) == 0 {
		return ""
	}
	return " (" + strings.Join(texts, ", ") + ")"
}
