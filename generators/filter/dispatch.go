package filter

import (
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// dispatch returns the rules that lead to those of a family and direction: by a map
// from the remote's address to its class, or by one set if there is one class alone.
func (b *builder) dispatch(d rule.Direction, f Family, anyRemote []line, lines [][]line, remotes []netset.PrefixSet) []Rule {
	groups := b.groupsOf(anyRemote, lines, remotes)
	switch len(groups) {
	case 0:
		return nil
	case 1:
		return b.bySet(d, f, groups[0])
	}
	short, r := "out", Rule{Match: Match{Family: f}, Verdict: Goto, Lookup: Destination}
	if d == rule.Inbound {
		short, r.Lookup = "in", Source
	}
	shared := sharedBy(lines)
	r.In, r.Out, r.From, r.To = shared.In, shared.Out, shared.From, shared.To
	m := Map{Name: fmt.Sprintf("%s%s_%d", b.naming.Prefix, d, f), Family: f}
	for _, g := range groups {
		m.Elements = append(m.Elements, Element{g.prefixes.Build(), b.class(fmt.Sprintf("%s%d", short, f), g.lines, shared)})
	}
	b.out.Maps = append(b.out.Maps, m)
	r.Map = m.Name
	return []Rule{r}
}

// bySet matches the remote's address last, in every line.
func (b *builder) bySet(d rule.Direction, f Family, g *group) (rules []Rule) {
	set := b.addSet(f, g.prefixes.Build(), string(d))
	for _, l := range g.lines {
		if d == rule.Inbound {
			l.From = set
		} else {
			l.To = set
		}
		rules = append(rules, b.goTo(l))
	}
	return rules
}

// MaxLines limits the lines of all classes together. Nested rules with different ports
// need up to half the square of their number.
const MaxLines = 500_000

// ErrTooManyLines says that the lines of all classes would be over MaxLines.
var ErrTooManyLines = fmt.Errorf("the rules hold each other's addresses in so many ways that their matches would take over %d lines; group them by area, or select fewer entries", MaxLines)

// stepsPerLine is how many lines may be looked at for each of MaxLines.
const stepsPerLine = 64

// group is the addresses of classes that need the same lines.
type group struct {
	lines    []line
	prefixes netset.PrefixBuilder
}

// groupsOf returns the groups in the order of their rules. Classes of which rules of
// any remote take every packet are in none.
func (b *builder) groupsOf(anyRemote []line, lines [][]line, remotes []netset.PrefixSet) (groups []*group) {
	known := map[string]*group{}
	steps := MaxLines // beside those that the ranges take by themselves
	for _, r := range remotes {
		steps += 2 * r.Size()
	}
	classes, ok := classesOf(remotes, netset.NewBudget(steps))
	if !ok {
		b.err = ErrTooManyLines
		return nil
	}
	for _, c := range classes {
		var all []line
		for _, i := range c.rules {
			all = append(all, lines[i]...)
		}
		if b.lines += len(all); b.lines > MaxLines {
			b.err = ErrTooManyLines
			return nil
		}
		kept := b.needed(anyRemote, all)
		if b.steps > MaxLines*stepsPerLine {
			b.err = ErrTooManyLines
			return nil
		}
		if len(kept) == 0 {
			continue
		}
		key := strings.Join(idsOf(kept), " ")
		g := known[key]
		if g == nil {
			g = &group{lines: kept}
			known[key], groups = g, append(groups, g)
		}
		g.prefixes.AddSet(c.prefixes)
	}
	return groups
}

// idsOf returns the rules that lines are of, each once. They tell which lines are
// needed of the rules: what one of them takes of another's does not depend on a third.
func idsOf(lines []line) (ids []string) {
	seen := map[rule.ID]bool{}
	for _, l := range lines {
		if !seen[l.id] {
			seen[l.id] = true
			ids = append(ids, string(l.id))
		}
	}
	return ids
}

// sharedBy returns the interfaces and local addresses that all lines match, so that it
// is enough to match them once before the map.
func sharedBy(lines [][]line) (m Match) {
	first := lines[0][0]
	all := func(same func(line) bool) bool {
		return !slices.ContainsFunc(lines, func(of []line) bool {
			return slices.ContainsFunc(of, func(l line) bool { return !same(l) })
		})
	}
	if all(func(l line) bool { return slices.Equal(l.In, first.In) && slices.Equal(l.Out, first.Out) }) {
		m.In, m.Out = first.In, first.Out
	}
	if all(func(l line) bool { return l.From == first.From && l.To == first.To }) {
		m.From, m.To = first.From, first.To
	}
	return m
}

// needed returns the lines of which neither the earlier ones nor those before them take
// every packet, each on the ports that are left to it where that is no longer to say: a
// port in place is quicker to load and to match than a set.
func (b *builder) needed(earlier, lines []line) (kept []line) {
	seen := takers{steps: &b.steps}
	for _, l := range earlier {
		seen.add(l)
	}
	for _, l := range lines {
		by := seen.of(l)
		for _, id := range by {
			if b.takers[l.id] == nil {
				b.takers[l.id] = map[rule.ID]bool{}
			}
			b.takers[l.id][id] = true
		}
		if len(by) == 0 {
			kept = append(kept, b.onPorts(l, seen.leave(l)))
			seen.add(l)
		}
	}
	return kept
}

// onPorts is a line on fewer ports, unless they take more ranges.
func (b *builder) onPorts(l line, left netset.ServiceSet) line {
	ranges := left.Ports(l.Protocol)
	if left.Equal(l.ports) || len(ranges) > len(l.ports.Ports(l.Protocol)) {
		return l
	}
	if l.Original.IsAll() {
		l.Ports = b.portsOf(ranges, false)
	} else {
		l.Original = b.portsOf(ranges, true)
	}
	return l
}

// class adds the chain that holds the lines and returns its name: by its only rule, or
// by the digest of the rules' ids.
func (b *builder) class(short string, lines []line, shared Match) string {
	ids := idsOf(lines)
	stem := short + "_" + b.naming.Stem(lines[0].id)
	if len(ids) > 1 {
		stem = short + "_" + digest(strings.Join(ids, " "))
	}
	c := Chain{Name: b.name(stem, "class "+short+" of "+strings.Join(ids, " "))}
	for _, l := range lines {
		l = l.without(shared)
		c.Rules = append(c.Rules, b.goTo(l))
	}
	b.classes = append(b.classes, c)
	return c.Name
}

// without leaves out what is matched before the map.
func (l line) without(shared Match) line {
	if shared.In != nil || shared.Out != nil {
		l.In, l.Out = nil, nil
	}
	if !shared.From.IsAll() || !shared.To.IsAll() {
		l.Family, l.From, l.To = Both, Addresses{}, Addresses{}
	}
	return l
}
