package nftables

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// takeRule reads a rule that accepts, or that clears the mark.
func (r *reader) takeRule(line string, chain name) (err error) {
	if mask, ok := strings.CutPrefix(line, fmt.Sprintf("add rule %s %s meta mark set meta mark & ", r.view.Table, chain)); ok {
		r.config.Mark, err = readBit(mask, true)
		return err
	}
	match, comment, _ := strings.Cut(line, ` accept comment "`)
	switch _, ours := DirectionOf(string(chain)); {
	case ours && r.rule != nil:
		return r.takeLine(match, chain)
	case ours:
		return errors.New("the title of a rule before it")
	}
	for _, known := range []ruleComment{adminComment, resolverComment} {
		if comment == string(known)+`"` {
			return r.takeGuardLine(match, known, chain)
		}
	}
	return nil // the comparison finds it if it is not of the template
}

// takeLine reads a line of a rule.
func (r *reader) takeLine(match string, chain name) error {
	l := heldLine{chain: chain, rule: rule.ID(r.id), labels: r.labels}
	l.Direction, _ = DirectionOf(string(chain))
	if len(r.rule.Lines) == 0 {
		r.comment = lineComment(r.labels)
	}
	v, err := r.readLine(match, r.comment, &l)
	if err != nil {
		return err
	}
	near := v.Source
	if l.Direction == rule.Inbound {
		near = v.Destination
	}
	switch {
	case near == "":
		return errors.New("a match of the addresses of our side")
	case (v.Mark == "") != (r.config.Mode != artefact.ModeMark):
		return errors.New("a mark in mode mark alone")
	}
	v.Counter = v.counterOf(r.id)
	l.Counter = string(v.Counter)
	l.view = v
	r.rule.Lines = append(r.rule.Lines, v)
	r.lines = append(r.lines, l)
	return nil
}

// takeGuardLine reads a line of a base chain.
func (r *reader) takeGuardLine(match string, comment ruleComment, chain name) error {
	l := heldLine{chain: chain, labels: []string{string(comment)}}
	if l.Direction = rule.Outbound; chain == inputHook {
		l.Direction = rule.Inbound
	}
	v, err := r.readLine(match, comment, &l)
	switch {
	case err != nil:
		return err
	case v.Source == "" || v.Mark != "" || v.Published != "":
		return errors.New("a match of source addresses and ports")
	}
	l.view = v
	r.guards[chain] = append(r.guards[chain], v)
	r.lines = append(r.lines, l)
	return nil
}

// readLine reads what a line matches.
func (r *reader) readLine(match string, comment ruleComment, l *heldLine) (v lineView, err error) {
	v, l.Comment = lineView{Table: r.view.Table, Chain: l.chain, Comment: comment}, string(comment)
	words := matchWords(strings.Fields(match))
	words.take(5)
	for len(words) > 0 && err == nil {
		err = r.readMatch(&words, &v, &l.Line)
	}
	switch {
	case err != nil:
	case v.Protocol == "" || (v.Ports == "") == (v.Published == ""):
		err = errors.New("a protocol, and ports of the packet or of its connection")
	case !slices.Contains(r.config.families, v.Family):
		err = fmt.Errorf("addresses of a family that table %s sees", r.view.Table)
	}
	return v, err
}

// matchWords are the words of a rule that are not yet read.
type matchWords []string

// take returns the next n words; empty ones where there are no more.
func (w *matchWords) take(n int) []string {
	have := min(n, len(*w))
	taken := append(slices.Clone((*w)[:have]), make([]string, n-have)...)
	*w = (*w)[have:]
	return taken
}

// list returns the words of an anonymous set, or the next one.
func (w *matchWords) list() []string {
	if len(*w) == 0 || (*w)[0] != "{" {
		return w.take(1)
	}
	w.take(1)
	end := slices.Index(*w, "}")
	if end < 0 {
		end = len(*w)
	}
	list := w.take(end)
	w.take(1)
	for i := range list {
		list[i] = strings.TrimSuffix(list[i], ",")
	}
	return list
}

// readMatch reads the next match. How its words stand, the comparison tells.
func (r *reader) readMatch(words *matchWords, v *lineView, l *Line) (err error) {
	switch word := words.take(1)[0]; word {
	case "iifname":
		v.In, l.In, err = readInterfaces(words.list())
	case "oifname":
		v.Out, l.Out, err = readInterfaces(words.list())
	case "tcp", "udp":
		words.take(1)
		v.Protocol = keyword(word)
		if v.Ports, l.Ports, err = readPorts(words.list()); err == nil {
			l.Protocol, err = netset.ParseProtocol(word)
		}
	case "ct":
		err = r.readPublished(words.take(9), v, l)
	case "ip", "ip6":
		err = r.readAddress(family(word), words.take(2), v, l)
	case "counter":
		words.take(2)
	case "meta":
		text := words.take(6)[5]
		if l.Mark, err = readBit(text, false); err == nil {
			v.Mark = bitsOf(l.Mark)
		}
	default:
		err = errors.New("a match that stands here")
	}
	return err
}

// readPublished reads what follows "ct" of "ct direction original meta l4proto tcp ct
// original proto-dst @set".
func (r *reader) readPublished(words []string, v *lineView, l *Line) (err error) {
	if l.Protocol, err = netset.ParseProtocol(words[4]); err != nil {
		return errors.New("tcp or udp")
	}
	v.Protocol, l.Original = protocolOf(l.Protocol), true
	v.Published, err = r.setOf(words[8], "")
	l.Published = string(v.Published)
	return err
}

// readAddress reads "saddr @set", or a prefix in place of the set.
func (r *reader) readAddress(f family, words []string, v *lineView, l *Line) error {
	if v.Family != "" && v.Family != f {
		return errors.New("addresses of one family")
	}
	v.Family, l.Family = f, 4
	if f == ipv6 {
		l.Family = 6
	}
	a, err := addresses(""), error(nil)
	if strings.HasPrefix(words[1], "@") {
		n, bad := r.setOf(words[1], f)
		a, err = n.addresses(), bad
	} else {
		a, err = readPrefixAddress(words[1], f)
	}
	if text := strings.TrimPrefix(string(a), "@"); words[0] == "saddr" {
		v.Source, l.Source = a, text
	} else {
		v.Destination, l.Destination = a, text
	}
	return err
}

// setOf reads "@name" of a set that the file has filled before: of a family, or of
// ports for none.
func (r *reader) setOf(text string, f family) (name, error) {
	n, err := readName(strings.TrimPrefix(text, "@"))
	if err == nil && (r.declared[n] == 0 || kindOf(n).family != f) {
		err = errors.New("a set of this file, of the kind that stands here")
	}
	r.used[string(n)] = true
	return n, err
}
