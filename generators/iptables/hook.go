package iptables

import (
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Built-in chains.
const (
	inputHook   name = "INPUT"
	forwardHook name = "FORWARD"
	outputHook  name = "OUTPUT"
)

// Comments of the lines that mode enforce has by options and bindings.
const (
	adminComment    ruleComment = "option admin"
	resolverComment ruleComment = "DNS to role resolver"
)

const established keyword = "RELATED,ESTABLISHED"

// hook is a built-in chain, and our chains for its flows.
type hook struct {
	chain name
	entry name // mode mark: our chain that the site jumps to
	jumps []name
}

// hooks returns the built-in chains that flows of the place pass.
func (c config) hooks() []hook {
	if c.Place == artefact.PlaceHost {
		return []hook{
			{inputHook, inputEntry, []name{inboundChain}},
			{outputHook, outputEntry, []name{outboundChain}},
		}
	}
	return []hook{{forwardHook, forwardEntry, []name{outboundChain, inboundChain}}}
}

// addHooks connects our chains with the built-in ones, by own in mode enforce, or says
// how the site does.
func (b *builder) addHooks(own func(hook) error) error {
	for _, h := range b.config.hooks() {
		switch b.config.Mode {
		case artefact.ModeChains:
			b.wire(wiringView{Table: "filter", After: established, Chains: h.jumps, Lines: jumps(h.chain, h.jumps)})
		case artefact.ModeMark:
			b.addMarking(h)
		case artefact.ModeEnforce:
			if err := own(h); err != nil {
				return err
			}
		}
	}
	return nil
}

// wire adds to what the site writes into a table.
func (b *builder) wire(w wiringView) {
	for i := range b.view.Wiring {
		if known := &b.view.Wiring[i]; known.Table == w.Table {
			known.Chains, known.Lines = append(known.Chains, w.Chains...), append(known.Lines, w.Lines...)
			return
		}
	}
	b.view.Wiring = append(b.view.Wiring, w)
}

func jumps(from name, to []name) []lineView {
	var lines []lineView
	for _, n := range to {
		lines = append(lines, lineView{Chain: from, Target: n.target()})
	}
	return lines
}

// addMarking clears the bit of every packet before the rules set it, so that nobody
// else's mark opens anything.
func (b *builder) addMarking(h hook) {
	b.view.Chains = append(b.view.Chains, h.entry)
	b.view.Sections = append(b.view.Sections, sectionView{
		Title: titleOf(h.entry),
		Lines: append([]lineView{{Chain: h.entry, Target: clearMark(b.config.Mark)}}, jumps(h.entry, h.jumps)...),
	})
	b.wire(wiringView{Table: "mangle", Chains: []name{h.entry}, Lines: jumps(h.chain, []name{h.entry})})
	b.wire(wiringView{Table: "filter", After: established, Lines: []lineView{
		{Chain: h.chain, Mark: bitsOf(b.config.Mark), Target: accept},
	}})
}

func titleOf(chain name) comment { return commentOf("Chain " + string(chain) + ".") }

// own makes a built-in chain ours: what no rule accepts is dropped by its policy.
func (b *builder) own(h hook) error {
	var section sectionView
	if h.chain != outputHook {
		b.addAdmin(&section, h.chain)
	}
	if h.chain != inputHook {
		if err := b.addResolver(&section, h.chain); err != nil {
			return err
		}
	}
	b.addOwned(h, section)
	return nil
}

// addOwned puts a section with what options and bindings open into the frame of its
// built-in chain.
func (b *builder) addOwned(h hook, section sectionView) {
	section.Title = titleOf(h.chain)
	section.Lines = slices.Concat(b.protocolLines(h.chain), section.Lines, jumps(h.chain, h.jumps))
	b.view.Owned = append(b.view.Owned, h.chain)
	b.view.Sections = append(b.view.Sections, section)
}

// protocolLines are what connections and the protocols below them need.
func (b *builder) protocolLines(chain name) []lineView {
	lines := []lineView{{State: established, Target: accept}}
	switch chain {
	case inputHook:
		lines = append(lines, lineView{In: "lo", Target: accept})
	case outputHook:
		lines = append(lines, lineView{Out: "lo", Target: accept})
	}
	if b.family == ipv6 && chain != forwardHook {
		for _, icmp := range []keyword{"router-solicitation", "router-advertisement", "neighbour-solicitation", "neighbour-advertisement"} {
			lines = append(lines, lineView{Protocol: "icmpv6", HopLimit: "255", ICMP: icmp, Comment: "neighbour discovery (RFC 4861)", Target: accept})
		}
		for _, icmp := range []keyword{"130", "131", "132", "143"} {
			lines = append(lines, lineView{Protocol: "icmpv6", HopLimit: "1", ICMP: icmp, Comment: "groups of neighbour discovery (RFC 4890)", Target: accept})
		}
	}
	lines = append(lines, lineView{State: "INVALID", Target: drop})
	for i := range lines {
		lines[i].Chain = chain
	}
	return lines
}

// addAdmin lets administrators in.
func (b *builder) addAdmin(section *sectionView, chain name) {
	for _, a := range b.config.Admin {
		if familyOf(a.From.Addr()) == b.family {
			line := lineView{Chain: chain, step: step{verdict: accept}.narrowed(source, a.From), Comment: adminComment}
			section.addServices(line, a.Services, false)
		}
	}
}

// addResolver lets the addresses of the roles ask the role resolver, if it is bound.
func (b *builder) addResolver(section *sectionView, chain name) error {
	const resolver rule.Role = "resolver"
	dns := netset.PortRange{First: 53, Last: 53}
	services := netset.ServiceSetOf(netset.Service{Protocol: netset.TCP, Ports: dns}, netset.Service{Protocol: netset.UDP, Ports: dns})
	to, from := b.family.of(b.policy.Binding(resolver).Local()), b.family.of(b.config.Local(b.policy))
	if to.IsEmpty() || from.IsEmpty() {
		return nil
	}
	const stem = string(resolver)
	last, err := b.match(section, addresses{to, destination, stem, []string{"role", stem}}, step{verdict: accept})
	if err != nil {
		return err
	}
	line := lineView{Chain: chain, Comment: resolverComment}
	if line.step, err = b.match(section, addresses{from, source, stem, []string{"local"}}, last); err != nil {
		return err
	}
	section.addServices(line, services, false)
	return nil
}
