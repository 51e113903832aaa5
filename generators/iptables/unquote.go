package iptables

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/generators/artefact"
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
func readName(s string, limit int) (name, error) {
	rest, ok := strings.CutPrefix(s, prefix)
	if !ok || rest == "" || len(s) > limit || strings.ContainsFunc(rest, func(r rune) bool { return !isNameRune(r) }) {
		return "", fmt.Errorf("a name of at most %d letters, digits, - and _ that starts with %s", limit, prefix)
	}
	return name(s), nil
}

// readSetName reads a name of setName, and the family of the set.
func readSetName(s string) (name, family, error) {
	n, err := readName(s, maxSet-len(staging))
	for _, f := range []family{ipv4, ipv6} {
		if err == nil && strings.HasSuffix(s, "_"+f.digit()) {
			return n, f, nil
		}
	}
	return "", 0, cmp.Or(err, errors.New("a name that ends in the family of the set, _4 or _6"))
}

// readAddress reads what addressOf writes.
func readAddress(text string, f family) (address, netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || p != p.Masked() || familyOf(p.Addr()) != f || p.String() != text {
		return "", p, fmt.Errorf("a prefix of IPv%s", f.digit())
	}
	return addressOf(p), p, nil
}

// readElement reads an element of a set: a prefix, or an address without a length.
func readElement(text string, f family) (netip.Prefix, error) {
	p, err := readPrefix(text)
	if err != nil || p != p.Masked() || p.Bits() == 0 || familyOf(p.Addr()) != f || string(netset.PrefixSetOf(p).AppendText(nil, "")) != text {
		return p, fmt.Errorf("an address or a prefix of IPv%s", f.digit())
	}
	return p, nil
}

// readPortText reads what portOf or, for several, portsOf writes, in any order.
func readPortText(text string, several bool) (ports, []netset.PortRange, error) {
	want := errors.New("a port or a range such as 50000:59999")
	words := strings.Split(text, ",")
	list := make([]netset.PortRange, len(words))
	for i, word := range words {
		r, err := netset.ParsePortRange(strings.Replace(word, ":", "-", 1))
		if err != nil || string(portOf(r)) != word {
			return "", nil, want
		}
		list[i] = r
	}
	first := func(a, b netset.PortRange) int { return cmp.Compare(a.First, b.First) }
	_, overlap := artefact.Overlapping(list, first, func(a, b netset.PortRange) bool { return a.Last >= b.First })
	switch {
	case several != (len(list) > 1):
		return "", nil, want
	case overlap || multiport(list) < len(list):
		return "", nil, errors.New("at most 15 ports, a range counted twice, that do not overlap")
	}
	return portsOf(list), list, nil
}

func readDevice(text string) (device, error) {
	if checkInterface(text) != nil {
		return "", fmt.Errorf("the name of an interface, of at most %d letters, digits, - _ . and @", maxInterface)
	}
	return device(text), nil
}

// readVerdict reads what a rule that accepts says in a mode, and the bit that it sets.
func readVerdict(text string, m artefact.Mode) (target, uint32, error) {
	if m != artefact.ModeMark {
		if text != string(accept) {
			return "", 0, fmt.Errorf("-j %s", accept)
		}
		return accept, 0, nil
	}
	bits, _ := strings.CutPrefix(text, "MARK --set-xmark ")
	mark, err := readBit(bits)
	if err != nil || string(setMark(mark)) != text {
		return "", 0, errors.New("-j MARK --set-xmark and one bit, such as 0x10000/0x10000")
	}
	return setMark(mark), mark, nil
}

// readCleared reads what clearMark writes of one bit.
func readCleared(text string) (uint32, error) {
	_, bit, _ := strings.Cut(text, "/")
	mark, err := readBit(bit + "/" + bit)
	if err != nil || string(clearMark(mark)) != text {
		return 0, errors.New("one bit of a mark, such as 0x0/0x10000")
	}
	return mark, nil
}
