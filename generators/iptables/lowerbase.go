package iptables

import (
	"slices"

	"gatewright/generators/filter"
)

// addBases adds the rules of built-in chains that the file owns, or of ours that the
// site's jump to.
func (b *lowering) addBases() {
	for _, one := range b.config.bases() {
		c := b.held[one.hook]
		s := section{title: commentOf("Chain " + one.chain + ".")}
		for _, r := range c.Rules {
			if r.Counter != "" && r.Verdict == filter.Continue {
				continue // the chain's policy counts
			}
			r.Counter, r.Family = "", filter.Family(b.family)
			if r.From.Set != "" {
				r = b.askResolver(r)
			}
			s.lines = append(s.lines, b.baseLines(one.chain, r)...)
		}
		b.add(s)
	}
}

// baseLines makes as many lines of a rule as it takes.
func (b *lowering) baseLines(chain string, r filter.Rule) (lines []line) {
	switch {
	case r.Protocol != 0:
		return b.portLines(chain, r)
	case len(r.ICMP) == 0:
		return []line{{chain: chain, Rule: r}}
	}
	types := r.ICMP
	for i := range types {
		r.ICMP = types[i : i+1]
		lines = append(lines, line{chain: chain, Rule: r})
	}
	return lines
}

// askResolver leads a rule that matches a set on both sides through a tree for each.
func (b *lowering) askResolver(r filter.Rule) filter.Rule {
	if b.resolver == "" {
		from, _ := b.built.Set(r.From.Set)
		to, _ := b.built.Set(r.To.Set)
		b.resolver = b.declare(prefix + "dns")
		s := section{title: commentOf(r.Comment + ".")}
		source, last := prefix+"dns_from", prefix+"dns_accept"
		inner, leaves := b.tree(b.resolver, prefix+"dns_to", filter.Destination, []element{{to.Prefixes, source}})
		s.ways = slices.Concat(inner, leaves[0])
		b.declare(source)
		inner, leaves = b.tree(source, source, filter.Source, []element{{from.Prefixes, last}})
		s.ways = slices.Concat(s.ways, inner, leaves[0])
		b.declare(last)
		s.lines = []line{{chain: last, Rule: filter.Rule{Match: filter.Match{Family: r.Family}, Verdict: filter.Accept, Comment: r.Comment}}}
		b.add(s)
	}
	r.From, r.To, r.Verdict, r.Target, r.Comment = filter.Addresses{}, filter.Addresses{}, filter.Jump, b.resolver, ""
	return r
}
