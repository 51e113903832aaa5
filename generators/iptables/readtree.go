package iptables

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/generators/artefact"
)

// Bounds of a tree that is read. newTree makes chains of at most 2*fanOut+leafSize rules,
// and iptables-nft loads no chain that is 16 jumps away from the hook.
const (
	maxTreeRules = 4 * fanOut
	maxTreeDepth = 14
)

// trees are the chains of all trees of a file, in the order in which they are declared:
// those of a tree after its first one, and a tree after the one that it leads to.
type trees struct {
	family family
	whole  area // of the family
	index  map[name]int
	nodes  []*node
}

func newTrees(f family) trees {
	return trees{family: f, whole: area{source: f.whole(), destination: f.whole()}, index: map[name]int{}}
}

// node is a chain of a tree.
type node struct {
	name  name
	at    int // the line that declares it
	rules []treeRule
	used  bool
	area
	depth int
}

// area is the addresses that come through a chain, and where they go on.
type area struct {
	source, destination netset.PrefixSet
	end
}

// end is the chain of another tree or, without one, what is done.
type end struct {
	next    name
	verdict target
	mark    uint32
}

// treeRule is a rule of a chain of a tree.
type treeRule struct {
	area
	text ruleLines
	at   int
}

func (t *trees) declare(n name, at int) error {
	if _, known := t.index[n]; known {
		return errors.New("each chain once")
	}
	t.index[n] = len(t.nodes)
	t.nodes = append(t.nodes, &node{name: n, at: at})
	return nil
}

func (t *trees) names() []name {
	out := make([]name, len(t.nodes))
	for i, n := range t.nodes {
		out[i] = n.name
	}
	return out
}

// take reads "-A CHAIN -s PREFIX -d PREFIX -g CHAIN" or "... -j VERDICT", and returns the
// rule as it is written.
func (t *trees) take(line string, chain name, m artefact.Mode, at int) (ruleLines, error) {
	n := t.nodes[t.index[chain]]
	r := treeRule{area: t.whole, at: at}
	match, verdict, jumps := strings.Cut(line, " -j ")
	var s step
	var err error
	for words := strings.Fields(match)[2:]; len(words) > 1 && err == nil; words = words[2:] {
		switch words[0] {
		case "-s":
			err = readEnd(&s.Source, &r.source, words[1], t.family)
		case "-d":
			err = readEnd(&s.Destination, &r.destination, words[1], t.family)
		case "-g":
			if _, known := t.index[name(words[1])]; !known {
				err = errors.New("a chain of this file")
			}
			s.next, r.next = name(words[1]), name(words[1])
		default:
			err = errors.New("an address, and where packets go")
		}
	}
	if err == nil && jumps {
		s.verdict, r.mark, err = readVerdict(verdict, m)
		r.verdict = s.verdict
	}
	r.text = ruleLines(appendRule(nil, chain, s))
	switch {
	case err != nil:
	case (s.next == "") != jumps:
		err = errors.New("-g or -j")
	case s.next != "" && s.Source != "" && s.Destination != "":
		err = errors.New("an address of one side")
	case slices.ContainsFunc(n.rules, func(other treeRule) bool { return other.text == r.text }):
		err = errors.New("each rule of a chain once")
	case len(n.rules) == maxTreeRules:
		err = fmt.Errorf("at most %d rules in a chain", maxTreeRules)
	}
	n.rules = append(n.rules, r)
	return r.text, err
}

// resolve finds what comes through each chain, the last one first. Its errors are of
// the line that it returns.
func (t *trees) resolve() (bad int, err error) {
	for i := len(t.nodes) - 1; i >= 0; i-- {
		n := t.nodes[i]
		if len(n.rules) == 0 {
			return n.at, errors.New("a chain with rules")
		}
		rest := t.whole
		for k, r := range n.rules {
			here, err := t.enter(i, r, rest)
			if err == nil && k > 0 && here.end != n.end {
				err = errors.New("where the other rules of the chain go")
			}
			if err == nil {
				n.end = here.end
				err = n.join(here)
			}
			if err != nil {
				return r.at, err
			}
			if r.next != "" {
				rest = rest.without(r.area)
			}
		}
	}
	return 0, nil
}

// enter returns what comes through a rule of chain i of what is left.
func (t *trees) enter(i int, r treeRule, rest area) (area, error) {
	here := r.area.within(rest)
	if j := t.index[r.next]; r.next != "" && j > i {
		child := t.nodes[j]
		child.used = true
		here, here.end = here.within(child.area), child.end
		t.nodes[i].depth = max(t.nodes[i].depth, child.depth+1)
	}
	switch {
	case here.next != "" && t.index[here.next] >= i:
		return here, errors.New("a chain that does not lead back")
	case t.nodes[i].depth > maxTreeDepth:
		return here, fmt.Errorf("at most %d chains below each other", maxTreeDepth)
	}
	return here, nil
}

// within keeps what of an area is in another; where it ends is a's.
func (a area) within(b area) area {
	a.source, a.destination = intersection(a.source, b.source), intersection(a.destination, b.destination)
	return a
}

// intersection is Intersect, without work where one of the sets is a whole family.
func intersection(a, b netset.PrefixSet) netset.PrefixSet {
	if s, err := met(a, b); err == nil {
		return s
	}
	return a.Intersect(b)
}

// without takes away what a rule matches by one side at most.
func (a area) without(b area) area {
	if isWhole(b.source) {
		a.destination = a.destination.Subtract(b.destination)
	} else {
		a.source = a.source.Subtract(b.source)
	}
	return a
}

func (a area) isEmpty() bool { return a.source.IsEmpty() || a.destination.IsEmpty() }

// join adds an area that differs by one side.
func (n *node) join(b area) error {
	switch {
	case b.isEmpty():
	case n.isEmpty():
		n.source, n.destination = b.source, b.destination
	case n.source.Equal(b.source):
		n.destination = n.destination.Union(b.destination)
	case n.destination.Equal(b.destination):
		n.source = n.source.Union(b.source)
	default:
		return errors.New("addresses of one side that differ in a chain")
	}
	return nil
}

// follow narrows a line by the trees that it leads through.
func (t *trees) follow(l *heldLine) (err error) {
	next := l.next
	for range 2 { // one tree for each side
		n := t.nodes[t.index[next]]
		n.used, l.Mark = true, n.mark
		if l.Source, err = met(l.Source, n.source); err == nil {
			l.Destination, err = met(l.Destination, n.destination)
		}
		if next = n.next; next == "" || err != nil {
			return err
		}
	}
	return errors.New("a tree for each side at most")
}

// checkUse refuses a chain that nothing leads to.
func (t *trees) checkUse() (bad int, err error) {
	for _, n := range t.nodes {
		if !n.used {
			return n.at, errors.New("a chain that a rule leads to")
		}
	}
	return 0, nil
}
