package filter

import (
	"cmp"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Decider answers for flows as a packet filter that holds a ruleset decides.
type Decider struct {
	Policy  *rule.Policy
	Config  artefact.Filter
	Ours    netset.PrefixSet // the addresses of all roles
	Held    *Ruleset
	Words   func(Step) []string // a rule that matched, in the backend's words
	Dropped func(hook string) string
}

// Answer walks a flow's first packet through the chains that it comes to: by the policy
// of the base chain in mode enforce, or else by the chains that the site leads to.
func (d *Decider) Answer(q rule.Question) artefact.Answer {
	f := q.Flow
	packet := PacketOf(f)
	if d.Ours.Contains(f.Remote) {
		packet.In = d.Config.SiteInterface()
		packet.Out = packet.In
	}
	var all []Outcome
	if f.Local.IsValid() {
		for _, chain := range d.chains(f.Direction) {
			all = append(all, d.Held.Walk(chain, packet)...)
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
				a.By = d.by(o)
			}
			a.Rules = artefact.AddRule(a.Rules, o.ID)
		}
	}
	if a.By != nil {
		return d.Config.Accepted(f, a)
	}
	return d.Config.Unmatched(d.Policy, f, open, d.Dropped(d.hook(f.Direction)))
}

// chains returns the chains that decide about a flow of a direction. A gateway that is
// told of no interfaces does not know which side is ours, and asks both.
func (d *Decider) chains(of rule.Direction) []string {
	switch {
	case d.Config.Mode == artefact.ModeEnforce:
		return []string{d.hook(of)}
	case d.Config.HasSides():
		return []string{EntryOf(of)}
	}
	return []string{EntryOf(rule.Outbound), EntryOf(rule.Inbound)}
}

// hook is the hook that a flow passes.
func (d *Decider) hook(of rule.Direction) string {
	switch {
	case d.Config.Place == artefact.PlaceForward:
		return Forward
	case of == rule.Inbound:
		return Input
	}
	return Output
}

// PacketOf is the first packet of a flow, on the interfaces that rules ask for.
func PacketOf(f rule.Flow) Packet {
	p := Packet{Protocol: f.Protocol, Source: f.Local, Destination: f.Remote, Port: f.Port, Original: cmp.Or(f.Published, f.Port)}
	if f.Direction == rule.Inbound {
		p.Source, p.Destination = f.Remote, f.Local
	}
	return p
}

func (d *Decider) by(o Outcome) (words []string) {
	for _, s := range o.Path {
		words = append(words, d.Words(s)...)
	}
	return words
}
