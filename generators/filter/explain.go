package filter

import (
	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Explainer answers for flows as a packet filter that holds a ruleset decides.
type Explainer struct {
	Policy  *rule.Policy
	Config  artefact.Filter
	Ours    netset.PrefixSet // the addresses of all roles
	Held    *Ruleset
	Words   func(Step) []string // a rule that matched, in the backend's words
	Dropped func(hook string) string
}

// Answer walks a flow's first packet through the chains that it comes to: by the policy
// of the base chain in mode enforce, or else by the chains that the site leads to.
func (e *Explainer) Answer(q rule.Question) artefact.Answer {
	f := q.Flow
	packet := e.Config.PacketOf(f, e.Ours)
	var all []Outcome
	if packet.Local.IsValid() {
		for _, chain := range e.chains(packet) {
			all = append(all, e.Held.Walk(chain, PacketOf(packet))...)
		}
	}
	var a artefact.Answer
	var open []rule.ID
	for _, o := range all {
		switch {
		case o.Verdict != Accept:
		case o.Unsure:
			open = artefact.AddRule(open, o.ID)
		default:
			if a.By == nil {
				a.By = e.by(o)
			}
			a.Rules = artefact.AddRule(a.Rules, o.ID)
		}
	}
	if a.By != nil {
		return e.Config.Accepted(f, a)
	}
	return e.Config.Unmatched(e.Policy, f, open, e.Dropped(e.hook(f.Direction)))
}

// chains returns the chains that decide about a packet.
func (e *Explainer) chains(p artefact.Packet) (chains []string) {
	if e.Config.Mode == artefact.ModeEnforce {
		return []string{e.hook(p.Direction)}
	}
	for _, d := range []rule.Direction{rule.Outbound, rule.Inbound} {
		if p.Meets(d) {
			chains = append(chains, EntryOf(d))
		}
	}
	return chains
}

// hook is the hook that a flow passes.
func (e *Explainer) hook(d rule.Direction) string {
	switch {
	case e.Config.Place == artefact.PlaceForward:
		return Forward
	case d == rule.Inbound:
		return Input
	}
	return Output
}

// PacketOf is the first packet of a flow, with its incoming and outgoing interfaces.
func PacketOf(p artefact.Packet) Packet {
	out := Packet{Protocol: p.Protocol, Source: p.Local, Destination: p.Remote, Port: p.Port, Original: p.OriginalPort(), In: p.Interface, Out: p.Interface}
	if p.Direction == rule.Inbound {
		out.Source, out.Destination = p.Remote, p.Local
	}
	return out
}

func (e *Explainer) by(o Outcome) (words []string) {
	for _, s := range o.Path {
		words = append(words, e.Words(s)...)
	}
	return words
}
