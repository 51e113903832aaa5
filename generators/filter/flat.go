package filter

import (
	"slices"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Flat makes the ruleset of a policy in mode chains for a backend that has neither maps
// nor gotos: the chain of each direction accepts by itself. A rule has a family, a
// protocol, at most so many ranges of ports in place, at most one interface of each
// side, a set of local addresses and, unless the remote may be any, one of remotes.
// Rules of any remote come first in their family, else those of the policy are in its
// order.
func Flat(p *rule.Policy, c artefact.Filter, families []Family, n Naming, mostPorts int) (Built, error) {
	b := newBuilder(p, c, n)
	var chains []Chain
	for _, d := range []rule.Direction{rule.Outbound, rule.Inbound} {
		chain := Chain{Name: EntryOf(d)}
		for _, f := range families {
			any, lines, remotes := b.linesOf(d, f)
			for _, l := range any {
				chain.Rules = append(chain.Rules, l.apart(mostPorts)...)
			}
			for i, own := range lines {
				remote := b.addSet(f, remotes[i], "rule", n.Stem(own[0].id))
				for _, l := range own {
					*l.remote(d) = remote
					chain.Rules = append(chain.Rules, l.apart(mostPorts)...)
				}
			}
		}
		chains = append(chains, chain)
	}
	built := Built{Ruleset: Ruleset{Chains: chains, Sets: b.usedSets(chains)}}
	built.Sort()
	built.IndexChains()
	for i := range p.Rules {
		if r := &p.Rules[i]; b.carried[r.ID] {
			built.Rules = append(built.Rules, BuiltRule{Rule: r, Chain: EntryOf(r.Direction)})
		}
	}
	return built, b.err
}

// remote is the end of a line that is not ours.
func (l *line) remote(d rule.Direction) *Addresses {
	if d == rule.Inbound {
		return &l.From
	}
	return &l.To
}

// apart returns a rule for so many ranges of ports of a line and each pair of
// interfaces.
func (l line) apart(mostPorts int) (rules []Rule) {
	m := l.Match
	at := &m.Ports
	if !m.Original.IsAll() {
		at = &m.Original
	}
	for ranges := range slices.Chunk(l.ports.Ports(l.Protocol), mostPorts) {
		*at = Ports{Ranges: slices.Clone(ranges)}
		for _, m.In = range artefact.OneByOne(l.In) {
			for _, m.Out = range artefact.OneByOne(l.Out) {
				rules = append(rules, Rule{Match: m, Verdict: Accept, ID: l.id})
			}
		}
	}
	return rules
}
