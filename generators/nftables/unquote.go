package nftables

import (
	"cmp"
	"errors"
	"fmt"
	mathbits "math/bits"
	"net/netip"
	"strconv"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/generators/artefact"
	"gatewright/generators/filter"
)

// The functions of this file take a text only if quote.go writes it. Their errors say
// what is expected in its place.

func readComment(s string) (comment, error) {
	if c := commentOf(s); string(c) == s {
		return c, nil
	}
	return "", fmt.Errorf("a comment of at most %d bytes", maxComment)
}

// readName reads a name of ours.
func readName(s string) (name, error) {
	rest, ok := strings.CutPrefix(s, string(prefix))
	if !ok || rest == "" || len(s) > maxName || !artefact.HasOnly(rest, "") {
		return "", fmt.Errorf("a name of at most %d letters, digits, - and _ that starts with %s", maxName, prefix)
	}
	return name(s), nil
}

// readRuleComment reads what stands between the quotes of a comment.
func readRuleComment(s string) (string, error) {
	if string(ruleCommentOf(s)) != s {
		return "", fmt.Errorf("a comment of at most %d bytes", maxRuleComment)
	}
	return s, nil
}

// readSetType reads the line with the type of a set or map.
func readSetType(line string) (f filter.Family, isMap bool, err error) {
	text, _, _ := strings.Cut(strings.TrimPrefix(line, "\t\ttype "), ";")
	for _, one := range []filter.Family{filter.IPv4, filter.IPv6} {
		switch keyword(text) {
		case addressType(one):
			return one, false, nil
		case verdictMap(one):
			return one, true, nil
		}
	}
	if text == "inet_service" {
		return filter.Both, false, nil
	}
	return 0, false, errors.New("the type of a set or map that generate writes")
}

// readPrefixes reads addresses, prefixes and ranges, in any order. Its errors are of
// the word whose index it returns.
func readPrefixes(words []string, f filter.Family) (s netset.PrefixSet, bad int, err error) {
	var b netset.PrefixBuilder
	var last addressRange
	apart := true // as Generate writes them, each is after the one before
	for i, word := range words {
		r, err := readElement(word, f)
		if err != nil {
			return s, i, err
		}
		b.AddRange(r.first, r.last)
		apart, last = apart && (i == 0 || last.last.Less(r.first)), r
	}
	if !apart {
		if i, found := overlappingElement(words, f); found {
			return s, i, errors.New("elements that do not overlap")
		}
	}
	return b.Build(), 0, nil
}

// overlappingElement returns the index of an element that overlaps another.
func overlappingElement(words []string, f filter.Family) (int, bool) {
	ranges := make([]addressRange, len(words))
	for i, word := range words {
		ranges[i], _ = readElement(word, f)
	}
	return artefact.Overlapping(ranges, addressRange.compare, addressRange.overlaps)
}

type addressRange struct{ first, last netip.Addr }

func (r addressRange) compare(s addressRange) int { return r.first.Compare(s.first) }

func (r addressRange) overlaps(s addressRange) bool {
	return r.first.Compare(s.last) <= 0 && s.first.Compare(r.last) <= 0
}

// readElement reads an element of a set or map as it is written alone.
func readElement(word string, f filter.Family) (r addressRange, err error) {
	var b netset.PrefixBuilder
	if first, last, ok := strings.Cut(word, "-"); ok {
		r.first, _ = netip.ParseAddr(first)
		r.last, _ = netip.ParseAddr(last)
		b.AddRange(r.first, r.last)
	} else if r.first, err = netip.ParseAddr(word); err == nil {
		r.last = r.first
		b.AddRange(r.first, r.last)
	} else if p, err := netip.ParsePrefix(word); err == nil {
		b.Add(p)
	}
	s := b.Build()
	if string(s.AppendRanges(nil, "")) != word || word == "" || !s.Equal(f.Of(s)) {
		return r, fmt.Errorf("an address, a prefix or a range of family %s", familyWord(f))
	}
	for r.first, r.last = range s.Ranges() {
	}
	return r, nil
}

// readPrefix reads what addressesOf writes of a prefix.
func readPrefix(text string, f filter.Family) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || p != p.Masked() || filter.FamilyOf(p.Addr()) != f || p.String() != text {
		return netip.Prefix{}, fmt.Errorf("a prefix of family %s", familyWord(f))
	}
	return p, nil
}

// readPortList reads ports and ranges, in any order.
func readPortList(words []string) (list []netset.PortRange, bad int, err error) {
	list = make([]netset.PortRange, len(words))
	for i, word := range words {
		if list[i], err = netset.ParsePortRange(word); err != nil || list[i].String() != word {
			return nil, i, errors.New("a port or a range such as 50000-59999")
		}
	}
	first := func(a, b netset.PortRange) int { return cmp.Compare(a.First, b.First) }
	if i, found := artefact.Overlapping(list, first, func(a, b netset.PortRange) bool { return a.Last >= b.First }); found {
		return nil, i, errors.New("ports that do not overlap")
	}
	return list, 0, nil
}

// readInterfaces reads the right side of iifname or oifname, which the words are.
func readInterfaces(words []string) ([]string, error) {
	names := make([]string, len(words))
	for i, word := range words {
		names[i] = strings.Trim(word, `"`)
		if artefact.CheckInterface(names[i]) != nil {
			return nil, artefact.ErrInterface
		}
	}
	return names, nil
}

// readBit reads a mark of one bit, or a mask that leaves out one.
func readBit(text string, inverted bool) (uint32, error) {
	v, err := strconv.ParseUint(text, 0, 32)
	bit := uint32(v)
	if inverted {
		bit = ^bit
	}
	if err != nil || mathbits.OnesCount32(bit) != 1 || string(bitsOf(uint32(v))) != text {
		return 0, errors.New("one bit of a mark, such as 0x00010000")
	}
	return bit, nil
}

// readPolicy reads what a base chain does with what no rule of it decides.
func readPolicy(text string) (filter.Verdict, error) {
	if v := filter.Verdict(text); v == filter.Accept || v == filter.Drop {
		return v, nil
	}
	return "", errors.New("policy accept or drop")
}

// readICMP reads what follows "icmp" or "icmpv6".
func readICMP(word string, w *words, one *filter.Rule) error {
	one.Family = filter.IPv4
	if word == "icmpv6" {
		one.Family = filter.IPv6
	}
	w.take(1)
	for _, text := range w.list() {
		t := filter.ICMP{Code: -1}
		for number, known := range icmpTypes[one.Family] {
			if known == text {
				t.Type = number
			}
		}
		if icmpTypes[one.Family][t.Type] != text {
			return errors.New("a type of ICMP that mode enforce lets pass")
		}
		one.ICMP = append(one.ICMP, t)
	}
	return nil
}
