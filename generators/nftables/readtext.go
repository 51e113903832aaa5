package nftables

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"gatewright/catalog/netset"
)

// ReadText reads a file of this package: its sets and the rules of its two chains.
// What stands in other chains is returned as others, line by line, with the sets that
// no rule of the two uses, and comments are passed over. A rule in the two chains that Generate does not write is an error with
// its line.
func ReadText(data []byte) (rs Ruleset, others []string, err error) {
	rs = Ruleset{Prefixes: map[string]netset.PrefixSet{}, Ports: map[string][]netset.PortRange{}}
	number := 0
	var set string // whose elements follow
	for line := range strings.Lines(string(data)) {
		number++
		line = strings.TrimSuffix(line, "\n")
		switch words := strings.Fields(line); {
		case set != "":
			if line == "}" {
				set = ""
			} else if err := rs.addElementText(set, strings.TrimSuffix(strings.TrimSpace(line), ",")); err != nil {
				return Ruleset{}, nil, fmt.Errorf("line %d: %w", number, err)
			}
		case len(words) == 0 || line[0] == '#':
		case len(words) == 6 && words[0] == "add" && words[1] == "element" && words[5] == "{":
			set = words[4]
		case len(words) > 5 && words[0] == "add" && words[1] == "rule" && isOurs(words[4]):
			l, err := readRuleText(line, words[4])
			if err != nil {
				return Ruleset{}, nil, fmt.Errorf("line %d: %w", number, err)
			}
			rs.Rules = append(rs.Rules, l)
		case slices.Contains([]string{"set", "counter"}, words[min(1, len(words)-1)]):
		default:
			others = append(others, line)
		}
	}
	if set != "" {
		return Ruleset{}, nil, fmt.Errorf("set %s does not end", set)
	}
	return rs, append(others, rs.besideRules()...), rs.checkSets()
}

// besideRules returns the sets that no rule uses, each with what it holds.
func (rs Ruleset) besideRules() (lines []string) {
	used := map[string]bool{}
	for _, l := range rs.Rules {
		used[l.Source], used[l.Destination], used[l.Published] = true, true, true
	}
	for _, set := range slices.Sorted(maps.Keys(rs.Prefixes)) {
		if !used[set] {
			lines = append(lines, fmt.Sprintf("set %s: %s", set, rs.Prefixes[set]))
		}
	}
	for _, set := range slices.Sorted(maps.Keys(rs.Ports)) {
		if !used[set] {
			lines = append(lines, fmt.Sprintf("set %s: %v", set, rs.Ports[set]))
		}
	}
	return lines
}

func isOurs(chain string) bool { _, ours := DirectionOf(chain); return ours }

// addElementText adds an address, a prefix or a range of ports to a set.
func (rs *Ruleset) addElementText(set, text string) error {
	if ports, err := netset.ParsePortRange(text); err == nil {
		rs.Ports[set] = append(rs.Ports[set], ports)
		return nil
	}
	var b netset.PrefixBuilder
	first, last, isRange := strings.Cut(text, "-")
	from, err1 := netip.ParseAddr(first)
	to, err2 := netip.ParseAddr(last)
	prefix, err3 := netip.ParsePrefix(text)
	switch {
	case isRange && err1 == nil && err2 == nil:
		b.AddRange(from, to)
	case err1 == nil && !isRange:
		b.Add(netip.PrefixFrom(from, from.BitLen()))
	case err3 == nil:
		b.Add(prefix)
	default:
		return fmt.Errorf("element %q of set %s is no address, prefix or port", text, set)
	}
	rs.Prefixes[set] = rs.Prefixes[set].Union(b.Build())
	return nil
}

// readRuleText reads a rule that the template writes, one match after the other.
func readRuleText(line, chain string) (Line, error) {
	match, comment, _ := strings.Cut(line, ` accept comment "`)
	l := Line{Comment: strings.TrimSuffix(comment, `"`)}
	l.Direction, _ = DirectionOf(chain)
	words := strings.Fields(match)[5:]
	next := func(n int) (taken []string) {
		n = min(n, len(words))
		taken, words = slices.Clone(words[:n]), words[n:]
		return append(taken, make([]string, 8-len(taken))...)
	}
	list := func() (values []string) {
		if len(words) == 0 || words[0] != "{" {
			return next(1)[:1]
		}
		next(1)
		for len(words) > 0 && words[0] != "}" {
			values = append(values, strings.TrimSuffix(next(1)[0], ","))
		}
		next(1)
		return values
	}
	for len(words) > 0 {
		var err error
		switch w := next(1)[0]; w {
		case "iifname":
			l.In = unquoteAll(list())
		case "oifname":
			l.Out = unquoteAll(list())
		case "tcp", "udp":
			if word := next(1)[0]; word != "dport" {
				err = fmt.Errorf("%q after %q", word, w)
				break
			}
			if l.Protocol, err = netset.ParseProtocol(w); err == nil {
				l.Ports, err = parsePorts(list())
			}
		case "ct":
			err = l.readPublished(next(8), next(1)[0])
		case "ip", "ip6":
			err = l.readAddress(w, next(2))
		case "counter":
			l.Counter = strings.Trim(next(2)[1], `"`)
		case "meta":
			err = l.readMark(next(6))
		default:
			err = fmt.Errorf("%q is no match that stands here", w)
		}
		if err != nil {
			return Line{}, fmt.Errorf("%w in %q", err, line)
		}
	}
	if !strings.Contains(line, ` accept comment "`) || l.Protocol == 0 {
		return Line{}, fmt.Errorf("no protocol, or no verdict, in %q", line)
	}
	return l, nil
}

func unquoteAll(list []string) []string {
	for i := range list {
		list[i] = strings.Trim(list[i], `"`)
	}
	return list
}

func parsePorts(list []string) ([]netset.PortRange, error) {
	var ranges []netset.PortRange
	for _, text := range list {
		r, err := netset.ParsePortRange(text)
		if err != nil {
			return nil, err
		}
		ranges = append(ranges, r)
	}
	return ranges, nil
}

// readPublished reads what follows "ct" of "ct direction original meta l4proto tcp ct
// original proto-dst @set".
func (l *Line) readPublished(w []string, set string) (err error) {
	if strings.Join(w[:4], " ") != "direction original meta l4proto" || strings.Join(w[5:8], " ") != "ct original proto-dst" || !strings.HasPrefix(set, "@") {
		return fmt.Errorf("%q after ct", strings.Join(w, " "))
	}
	l.Original, l.Published = true, set[1:]
	l.Protocol, err = netset.ParseProtocol(w[4])
	return err
}

// readAddress reads "saddr @set" or "daddr @set".
func (l *Line) readAddress(family string, w []string) error {
	l.Family = 4
	if family == "ip6" {
		l.Family = 6
	}
	set, ok := strings.CutPrefix(w[1], "@")
	switch {
	case ok && w[0] == "saddr":
		l.Source = set
	case ok && w[0] == "daddr":
		l.Destination = set
	default:
		return fmt.Errorf("%q after %q", w[0]+" "+w[1], family)
	}
	return nil
}

// readMark reads what follows "meta" of "meta mark set meta mark | 0x1".
func (l *Line) readMark(w []string) error {
	mark, err := strconv.ParseUint(w[5], 0, 32)
	if err != nil || strings.Join(w[:5], " ") != "mark set meta mark |" {
		return fmt.Errorf("%q after meta", strings.Join(w, " "))
	}
	l.Mark = uint32(mark)
	return nil
}

// checkSets refuses rules whose sets are not in the file: they would match nothing
// here, and in the kernel what is there already.
func (rs Ruleset) checkSets() error {
	for _, l := range rs.Rules {
		for _, set := range []string{l.Source, l.Destination} {
			if _, ok := rs.Prefixes[set]; set != "" && !ok {
				return fmt.Errorf("set %s has no elements in this file", set)
			}
		}
		if _, ok := rs.Ports[l.Published]; l.Published != "" && !ok {
			return fmt.Errorf("set %s has no elements in this file", l.Published)
		}
	}
	return nil
}
