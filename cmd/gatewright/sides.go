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
	t.Warnf("%s: %s may be an address of our side, so packets of the other direction pass, too, such as %s%s; set wan and lan to the interfaces of the two sides",
		strings.Join(filters, ", "), remoteOf(rules), example, purposes(example))
}

// remoteOf names the remotes of up to three rules.
func remoteOf(rules []string) string {
	if more := len(rules) - 3; more > 0 {
		return fmt.Sprintf("the remotes of rules %s and %d more", strings.Join(rules[:3], ", "), more)
	}
	if len(rules) == 1 {
		return "the remote of rule " + rules[0]
	}
	return "the remotes of rules " + strings.Join(rules, ", ")
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
