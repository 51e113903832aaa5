package nftables

import (
	"fmt"
	"net/netip"
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/templates"
)

// Explain answers as the kernel decides by the file of Generate: it reads its sets and
// rules, and matches a flow's first packet.
func (Generator) Explain(p *rule.Policy, s artefact.Settings) (artefact.Explainer, error) {
	c, err := configure(s)
	if err == nil {
		err = c.CheckRoles(p)
	}
	if err != nil {
		return nil, err
	}
	v, err := newView(p, c)
	if err != nil {
		return nil, err
	}
	text, err := templates.Execute("nftables/gatewright.nft.tmpl", v)
	if err != nil {
		return nil, err
	}
	held, err := readFile(text)
	if err != nil {
		return nil, err
	}
	e := explainer{policy: p, config: c, sets: held.sets, lines: held.lines}
	return e.answer, nil
}

type explainer struct {
	policy *rule.Policy
	config config
	sets   Ruleset
	lines  []heldLine
}

func (e *explainer) answer(q rule.Question) artefact.Answer {
	f := q.Flow
	packet := e.config.PacketOf(f)
	var a artefact.Answer
	var open []rule.ID
	for _, l := range e.lines {
		if !packet.Local.IsValid() || !e.meets(l, packet) || !e.matches(l, packet) {
			continue
		}
		switch {
		case !packet.Remote.IsValid() && e.far(l, packet) != "":
			open = artefact.AddRule(open, l.rule)
			continue
		case a.By == nil:
			a.By = l.words()
		}
		a.Rules = artefact.AddRule(a.Rules, l.rule)
	}
	if a.By != nil {
		return e.config.Accepted(f, a)
	}
	a = e.config.Unmatched(e.policy, f, open, fmt.Sprintf("policy drop of chain %s, table %s", e.hook(f.Direction), e.config.table))
	if len(e.config.families) == 1 && a.Action == artefact.NoMatch && familyOf(f.Local) != e.config.families[0] {
		a.Why = fmt.Sprintf("table %s sees no flows of %s", e.config.table, familyOf(f.Local))
	}
	return a
}

// hook is the base chain that a flow passes.
func (e *explainer) hook(d rule.Direction) name {
	switch {
	case e.config.Place == artefact.PlaceForward:
		return forwardHook
	case d == rule.Inbound:
		return inputHook
	}
	return outputHook
}

// meets reports whether a packet comes to the chain that a line is in.
func (e *explainer) meets(l heldLine, p artefact.Packet) bool {
	switch l.chain {
	case outboundChain:
		return p.Meets(rule.Outbound)
	case inboundChain:
		return p.Meets(rule.Inbound)
	}
	return l.chain == e.hook(p.Direction)
}

// far is the match of the remote's end.
func (e *explainer) far(l heldLine, p artefact.Packet) string {
	if p.Direction == rule.Inbound {
		return l.Source
	}
	return l.Destination
}

// matches compares everything but a remote that is not known.
func (e *explainer) matches(l heldLine, p artefact.Packet) bool {
	source, destination := p.Local, p.Remote
	if p.Direction == rule.Inbound {
		source, destination = destination, source
	}
	port, ranges := p.Port, l.Ports
	if l.Published != "" {
		port, ranges = p.OriginalPort(), e.sets.Ports[l.Published]
	}
	holds := func(end string, a netip.Addr) bool {
		return end == "" || e.sets.addresses(l.Line, end).Contains(a) || a == p.Remote && !a.IsValid()
	}
	return l.Protocol == p.Protocol && l.view.Family == familyOf(p.Local) &&
		(!p.Remote.IsValid() || l.view.Family == familyOf(p.Remote)) &&
		holds(l.Source, source) && holds(l.Destination, destination) &&
		slices.ContainsFunc(ranges, func(r netset.PortRange) bool { return r.Contains(port) })
}

// words is the line in words of nft.
func (l heldLine) words() []string {
	out := []string{fmt.Sprintf("chain %s, table %s", l.view.Chain, l.view.Table)}
	add := func(match, value string) {
		if value != "" {
			out = append(out, match+" "+value)
		}
	}
	add(string(l.view.Family)+" saddr", string(l.view.Source))
	add(string(l.view.Family)+" daddr", string(l.view.Destination))
	add(string(l.view.Protocol)+" dport", string(l.view.Ports))
	if l.Published != "" {
		add("ct original proto-dst", "@"+l.Published)
	}
	if l.rule == "" {
		out = append(out, l.Comment)
	}
	return out
}
