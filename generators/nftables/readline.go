package nftables

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/generators/filter"
)

// words are the words of a rule that are not yet read.
type words []string

// take returns the next n words; empty ones where there are no more.
func (w *words) take(n int) []string {
	have := min(n, len(*w))
	taken := append(slices.Clone((*w)[:have]), make([]string, n-have)...)
	*w = (*w)[have:]
	return taken
}

// next reports whether the next words are those, and takes them if they are.
func (w *words) next(text string) bool {
	want := strings.Fields(text)
	if len(*w) < len(want) || !slices.Equal((*w)[:len(want)], want) {
		return false
	}
	w.take(len(want))
	return true
}

// list returns the words of an anonymous set, or the next one.
func (w *words) list() []string {
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

// readRule reads one rule. How its words stand, the comparison tells.
func (r *reader) readRule(line string) (one filter.Rule, err error) {
	match, comment, commented := strings.Cut(line, ` comment "`)
	if commented {
		one.Comment, err = readRuleComment(strings.TrimSuffix(comment, `"`))
	}
	for w := words(strings.Fields(match)); len(w) > 0 && err == nil; {
		err = r.readMatch(&w, &one)
	}
	switch {
	case err != nil:
	case one.Protocol == 0 && (!one.Ports.IsAll() || !one.Original.IsAll()), one.Protocol != 0 && one.Ports.IsAll() == one.Original.IsAll():
		err = errors.New("a protocol, and ports of the packet or of its connection")
	case one.Verdict == filter.Drop && one.State != "invalid":
		err = errors.New("drop only for ct state invalid")
	case one.Family != filter.Both && !slices.Contains(r.config.families, one.Family):
		err = fmt.Errorf("addresses of a family that table %s sees", r.config.table)
	}
	return one, err
}

func (r *reader) readMatch(w *words, one *filter.Rule) (err error) {
	switch word := w.take(1)[0]; word {
	case "iifname":
		one.In, err = readInterfaces(w.list())
	case "oifname":
		one.Out, err = readInterfaces(w.list())
	case "iif", "oif":
		w.take(1)
		one.Loopback = word
	case "icmp", "icmpv6":
		err = readICMP(word, w, one)
	case "tcp", "udp":
		w.take(1)
		if one.Ports, err = r.readPorts(w.take(1)[0]); err == nil {
			one.Protocol, err = netset.ParseProtocol(word)
		}
	case "ct":
		err = r.readConnection(w, one)
	case "ip":
		err = r.readAddress(filter.IPv4, w, one)
	case "ip6":
		err = r.readAddress(filter.IPv6, w, one)
	case "counter":
		one.Counter = strings.Trim(w.take(2)[1], `"`)
		_, err = readName(one.Counter)
	case "meta":
		err = readMark(w.take(6), one)
	case "accept", "drop":
		one.Verdict = filter.Verdict(word)
	case "jump", "goto":
		one.Verdict, one.Target = filter.Verdict(word), w.take(1)[0]
		if _, known := r.chains[one.Target]; !known {
			err = errors.New("a chain of this file")
		}
	default:
		err = errors.New("a match that is allowed here")
	}
	return err
}

// readConnection reads what follows "ct".
func (r *reader) readConnection(w *words, one *filter.Rule) (err error) {
	if w.next("state") {
		one.State = w.take(1)[0]
		if one.State != "established,related" && one.State != "invalid" {
			err = errors.New("ct state established,related or invalid")
		}
		return err
	}
	list := w.take(8)
	if one.Protocol, err = netset.ParseProtocol(list[4]); err != nil {
		return errors.New("tcp or udp")
	}
	one.Original, err = r.readPorts(w.take(1)[0])
	if one.Original.Set == "" {
		err = errors.New("a set of ports")
	}
	return err
}

func readMark(list []string, one *filter.Rule) (err error) {
	if list[4] == "&" {
		one.ClearMark, err = readBit(list[5], true)
	} else {
		one.SetMark, err = readBit(list[5], false)
	}
	return err
}

// readPorts reads one port or range, or "@name" of a set of ports.
func (r *reader) readPorts(text string) (p filter.Ports, err error) {
	if set, ok := strings.CutPrefix(text, "@"); ok {
		if s, known := r.setNamed(set); !known || s.Family != filter.Both {
			err = errors.New("a set of ports of this file")
		}
		return filter.Ports{Set: set}, err
	}
	list, _, err := readPortList([]string{text})
	return filter.Ports{Ranges: list}, err
}

// readAddress reads "saddr @set", a prefix in place of the set, "vmap @map", or the hop
// limit of IPv6.
func (r *reader) readAddress(f filter.Family, w *words, one *filter.Rule) error {
	if one.Family != filter.Both && one.Family != f {
		return errors.New("addresses of one family")
	}
	one.Family = f
	end := w.take(1)[0]
	if end == "hoplimit" {
		n, err := strconv.ParseUint(w.take(1)[0], 10, 8)
		one.HopLimit = uint8(n)
		return err
	}
	if w.next("vmap") {
		if one.Lookup = filter.Destination; end == "saddr" {
			one.Lookup = filter.Source
		}
		one.Map, one.Verdict = strings.TrimPrefix(w.take(1)[0], "@"), filter.Goto
		if !slices.ContainsFunc(r.held.Maps, func(m filter.Map) bool { return m.Name == one.Map && m.Family == one.Family }) {
			return errors.New("a map of this file and family")
		}
		return nil
	}
	a, err := r.addresses(w.take(1)[0], f)
	if end == "saddr" {
		one.From = a
	} else {
		one.To = a
	}
	return err
}

func (r *reader) addresses(text string, f filter.Family) (a filter.Addresses, err error) {
	set, ok := strings.CutPrefix(text, "@")
	if !ok {
		a.Prefix, err = readPrefix(text, f)
		return a, err
	}
	if s, known := r.setNamed(set); !known || s.Family != f {
		err = errors.New("a set of this file, of the kind that is expected here")
	}
	return filter.Addresses{Set: set}, err
}

// setNamed finds a set before the sets are sorted.
func (r *reader) setNamed(name string) (filter.Set, bool) {
	i := slices.IndexFunc(r.held.Sets, func(s filter.Set) bool { return s.Name == name })
	if i < 0 {
		return filter.Set{}, false
	}
	return r.held.Sets[i], true
}
