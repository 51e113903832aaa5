package iptables

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// takeRule reads a rule of iptables in the section that is read.
func (r *rulesReader) takeRule(line string, chain name) error {
	_, inTree := r.trees.index[chain]
	switch {
	case inTree:
		text, err := r.trees.take(line, chain, r.config.Mode, r.file.At)
		r.section.Trees = append(r.section.Trees, text)
		return err
	case r.id != "":
		return r.takeLine(line, chain)
	case r.section.Title == interfacesTitle:
		return r.takeWay(line, chain)
	}
	if cleared, ok := strings.CutPrefix(line, "-A "+string(chain)+" -j "); ok && strings.Contains(cleared, " 0x0/") {
		mark, err := readCleared(cleared)
		r.config.Mark = mark
		return err
	}
	for _, c := range []ruleComment{adminComment, resolverComment} {
		if strings.Contains(line, ` --comment "`+string(c)+`" -j `) {
			return r.takeGuardLine(line, chain, c)
		}
	}
	return nil
}

// ruleChains returns the chains that hold the rules of the policy.
func (r *rulesReader) ruleChains() []name {
	if !r.sided() {
		return []name{outboundChain, inboundChain}
	}
	chains := []name{outboundRules, inboundRules, outboundOnSite, inboundOnSite}
	return slices.DeleteFunc(chains, func(n name) bool { return !r.declared[n] })
}

func directionOf(chain name) rule.Direction {
	if slices.Contains([]name{inboundChain, inboundRules, inboundOnSite, inputHook}, chain) {
		return rule.Inbound
	}
	return rule.Outbound
}

// takeLine reads a line of a rule of the policy.
func (r *rulesReader) takeLine(line string, chain name) error {
	if !slices.Contains(r.ruleChains(), chain) {
		return errors.New("a chain for rules of this file")
	}
	v, l, err := r.readLine(line, chain)
	if err == nil && (v.In != "" || v.Out != "") {
		err = errors.New("interfaces in the section of interfaces alone")
	}
	if len(r.section.Lines) == 0 {
		r.comment = lineComment(r.id, r.labels)
	}
	v.Comment = r.comment
	l.rule, l.labels = r.id, r.labels
	r.section.Lines, r.lines = append(r.section.Lines, v), append(r.lines, l)
	return err
}

// takeGuardLine reads what mode enforce lets through beside the policy.
func (r *rulesReader) takeGuardLine(line string, chain name, c ruleComment) error {
	v, l, err := r.readLine(line, chain)
	if err == nil && (v.In != "" || v.Out != "" || v.Original != "") {
		err = errors.New("addresses and ports of packets")
	}
	v.Comment = c
	l.labels = []string{string(c)}
	r.section.Lines, r.lines = append(r.section.Lines, v), append(r.lines, l)
	return err
}

// takeWay reads a line that tells interfaces apart.
func (r *rulesReader) takeWay(line string, chain name) (err error) {
	var w way
	var to name
	for words := strings.Fields(line)[2:]; len(words) > 1 && err == nil; words = words[2:] {
		switch words[0] {
		case "-i":
			w.in, err = readDevice(words[1])
		case "-o":
			w.out, err = readDevice(words[1])
		case "-j":
			to = name(words[1])
		default:
			err = errors.New("interfaces and a chain")
		}
	}
	leads := slices.Contains(r.ruleChains(), to) && to != chain && directionOf(to) == directionOf(chain)
	switch {
	case err != nil:
	case !leads || !slices.Contains([]name{outboundChain, inboundChain}, chain) || slices.Contains(r.ways[to], w):
		err = errors.New("a way to a chain for rules of this file, each once")
	case len(r.ways[to]) == maxWays:
		err = fmt.Errorf("at most %d ways to a chain", maxWays)
	}
	r.ways[to] = append(r.ways[to], w)
	r.section.Lines = append(r.section.Lines, lineView{Chain: chain, In: w.in, Out: w.out, Target: to.target()})
	return err
}

// readLine reads a rule that accepts, but for its comment.
func (r *rulesReader) readLine(line string, chain name) (v lineView, l heldLine, err error) {
	const comment, jump = ` -m comment --comment "`, `" -j `
	head, tail, _ := strings.Cut(line, comment)
	end := strings.LastIndex(tail, jump)
	if end < 0 {
		return v, l, errors.New("a comment, and where packets go")
	}
	v.Chain = chain
	l = heldLine{Line: Line{Family: int(r.family), Direction: directionOf(chain), Source: r.family.whole(), Destination: r.family.whole()}, chain: chain, at: r.file.At}
	for words := strings.Fields(head)[2:]; len(words) > 0; {
		n := 2
		if words[0] == "--match-set" {
			n = 3
		}
		if len(words) < n {
			return v, l, errors.New("a value of " + words[0])
		}
		if err := r.readOption(&v, &l.Line, words[0], words[1], words[n-1]); err != nil {
			return v, l, err
		}
		words = words[n:]
	}
	if l.Protocol == 0 || l.Ports == nil {
		return v, l, errors.New("a protocol and ports")
	}
	text := tail[end+len(jump):]
	if _, inTree := r.trees.index[name(text)]; inTree {
		v.next, v.Target = name(text), target(text)
	} else if v.Target, l.Mark, err = readVerdict(text, r.config.Mode); err == nil {
		v.verdict = v.Target
	}
	l.next = v.next
	return v, l, err
}

// readOption reads one option of a rule. How its words stand, the comparison tells.
func (r *rulesReader) readOption(v *lineView, l *Line, option, value, last string) (err error) {
	switch option {
	case "-i":
		v.In, err = readDevice(value)
	case "-o":
		v.Out, err = readDevice(value)
	case "-s":
		err = readEnd(&v.Source, &l.Source, value, r.family)
	case "-d":
		err = readEnd(&v.Destination, &l.Destination, value, r.family)
	case "-p":
		if l.Protocol, err = netset.ParseProtocol(value); err != nil {
			return errors.New("tcp or udp")
		}
		v.Protocol = protocolOf(l.Protocol)
	case "-m", "--ctdir":
	case "--dport":
		err = readPortOption(&v.Port, l, value, false)
	case "--dports":
		err = readPortOption(&v.Ports, l, value, true)
	case "--ctorigdstport":
		l.Published = true
		err = readPortOption(&v.Original, l, value, false)
	case "--match-set":
		if last == "src" {
			err = r.readMatchSet(&v.SourceSet, &l.Source, value)
		} else {
			err = r.readMatchSet(&v.DestinationSet, &l.Destination, value)
		}
	default:
		err = errors.New("an option that stands here")
	}
	return err
}

func readPortOption(to *ports, l *Line, value string, several bool) (err error) {
	if l.Ports != nil {
		return errors.New("ports once")
	}
	*to, l.Ports, err = readPortText(value, several)
	return err
}

func readEnd(to *address, s *netset.PrefixSet, value string, f family) error {
	a, p, err := readAddress(value, f)
	*to = a
	if err == nil {
		*s, err = met(*s, netset.PrefixSetOf(p))
	}
	return err
}

func (r *rulesReader) readMatchSet(to *name, s *netset.PrefixSet, value string) error {
	n, f, err := readSetName(value)
	held, known := r.sets[n]
	switch {
	case err != nil:
		return err
	case !known || f != r.family || !r.config.ipset:
		return errors.New("a set of this family that " + setsFile + " fills")
	}
	*to, r.used[n] = n, true
	*s, err = met(*s, held)
	return err
}

// met returns what one side of a packet meets that is matched but once.
func met(a, b netset.PrefixSet) (netset.PrefixSet, error) {
	switch {
	case isWhole(a):
		return b, nil
	case isWhole(b):
		return a, nil
	}
	return a, errors.New("a match of each side, once")
}

// resolve follows the lines through the trees, and finds where they accept.
func (r *rulesReader) resolve() error {
	bad, err := r.trees.resolve()
	if err == nil {
		bad, err = 1, r.findPoints()
	}
	for i := range r.lines {
		if l := &r.lines[i]; err == nil && l.next != "" {
			bad, err = l.at, r.trees.follow(l)
		}
	}
	if err == nil {
		bad, err = r.trees.checkUse()
	}
	if err != nil {
		return r.file.ForeignAt(bad, err)
	}
	return nil
}
