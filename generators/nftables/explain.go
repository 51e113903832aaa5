package nftables

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Explain answers as the kernel decides by the ruleset of Generate: it reads the
// sets and rules as they are rendered, and matches a flow's first packet.
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
	e := explainer{policy: p, config: c, prefixes: map[addresses]netset.PrefixSet{}, ports: map[name][]netset.PortRange{}}
	return e.answer, e.read(v)
}

type explainer struct {
	policy   *rule.Policy
	config   config
	prefixes map[addresses]netset.PrefixSet // by "@set", or the prefix itself
	ports    map[name][]netset.PortRange
	lines    []explainedLine
}

// explainedLine is a line of the view, with the rule of the policy that it is of;
// none for what mode enforce lets through beside the policy.
type explainedLine struct {
	lineView
	rule  rule.ID
	ports []netset.PortRange // of the packet
}

// read reads the elements of all sets and the ports of all lines.
func (e *explainer) read(v *view) error {
	sets := slices.Clone(v.Locals)
	var lines []explainedLine
	for _, h := range v.Hooks {
		if h.Guard != nil {
			for _, l := range h.Guard.Lines {
				lines = append(lines, explainedLine{lineView: l})
			}
		}
	}
	for _, r := range v.Rules {
		sets = append(sets, r.Sets...)
		for _, l := range r.Lines {
			lines = append(lines, explainedLine{lineView: l, rule: r.id})
		}
	}
	for _, s := range sets {
		if err := e.readSet(s); err != nil {
			return fmt.Errorf("set %s: %w", s.Name, err)
		}
	}
	for _, l := range lines {
		var err error
		if l.ports, err = readPorts(strings.Trim(string(l.Ports), "{ }"), ", "); err != nil {
			return err
		}
		for _, a := range []addresses{l.Source, l.Destination} {
			if err := e.readPrefix(a); err != nil {
				return err
			}
		}
		e.lines = append(e.lines, l)
	}
	return nil
}

func (e *explainer) readSet(s setView) error {
	if s.Type == "inet_service" {
		ranges, err := readPorts(string(s.Elements), newElement)
		e.ports[s.Name] = ranges
		return err
	}
	var b netset.PrefixBuilder
	for text := range strings.SplitSeq(string(s.Elements), newElement) {
		p, _, err := netset.ParsePrefix(text)
		if err != nil {
			return err
		}
		b.Add(p)
	}
	e.prefixes[s.Name.addresses()] = b.Build()
	return nil
}

// readPrefix reads an address part that names no set.
func (e *explainer) readPrefix(a addresses) error {
	if _, known := e.prefixes[a]; known || a == "" {
		return nil
	}
	p, _, err := netset.ParsePrefix(string(a))
	e.prefixes[a] = netset.PrefixSetOf(p)
	return err
}

func readPorts(text, separator string) ([]netset.PortRange, error) {
	var out []netset.PortRange
	for word := range strings.SplitSeq(text, separator) {
		if word == "" {
			continue
		}
		r, err := netset.ParsePortRange(word)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
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
func (e *explainer) meets(l explainedLine, p artefact.Packet) bool {
	switch l.Chain {
	case outboundChain:
		return p.Meets(rule.Outbound)
	case inboundChain:
		return p.Meets(rule.Inbound)
	}
	return l.Chain == e.hook(p.Direction)
}

// far is the match of the remote's end.
func (e *explainer) far(l explainedLine, p artefact.Packet) addresses {
	if p.Direction == rule.Inbound {
		return l.Source
	}
	return l.Destination
}

// matches compares everything but a remote that is not known.
func (e *explainer) matches(l explainedLine, p artefact.Packet) bool {
	source, destination := p.Local, p.Remote
	if p.Direction == rule.Inbound {
		source, destination = destination, source
	}
	port, ranges := p.Port, l.ports
	if l.Published != "" {
		port, ranges = p.OriginalPort(), e.ports[l.Published]
	}
	holds := func(part addresses, a netip.Addr) bool {
		return part == "" || e.prefixes[part].Contains(a) || a == p.Remote && !a.IsValid()
	}
	return l.Protocol == protocolOf(p.Protocol) && l.Family == familyOf(p.Local) &&
		(!p.Remote.IsValid() || l.Family == familyOf(p.Remote)) &&
		holds(l.Source, source) && holds(l.Destination, destination) &&
		slices.ContainsFunc(ranges, func(r netset.PortRange) bool { return r.Contains(port) })
}

// words is the line in words of nft.
func (l explainedLine) words() []string {
	out := []string{fmt.Sprintf("chain %s, table %s", l.Chain, l.Table)}
	add := func(match, value string) {
		if value != "" {
			out = append(out, match+" "+value)
		}
	}
	add(string(l.Family)+" saddr", string(l.Source))
	add(string(l.Family)+" daddr", string(l.Destination))
	add(string(l.Protocol)+" dport", string(l.Ports))
	if l.Published != "" {
		add("ct original proto-dst", "@"+string(l.Published))
	}
	if l.rule == "" {
		out = append(out, string(l.Comment))
	}
	return out
}
