package nftables

import (
	"cmp"
	"errors"
	"fmt"
	mathbits "math/bits"
	"net/netip"
	"slices"
	"strconv"
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
func readName(s string) (name, error) {
	rest, ok := strings.CutPrefix(s, string(prefix))
	if !ok || rest == "" || len(s) > maxName || strings.ContainsFunc(rest, func(r rune) bool { return !isNameRune(r) }) {
		return "", fmt.Errorf("a name of at most %d letters, digits, - and _ that starts with %s", maxName, prefix)
	}
	return name(s), nil
}

// content is the elements of a set: prefixes, or else ports.
type content struct {
	prefixes netset.PrefixSet
	ports    []netset.PortRange
}

// readElements reads the elements of a set, in any order. Its errors are of the element
// whose index it returns.
func readElements(words []string, kind setKind) (e elements, c content, bad int, err error) {
	if len(words) == 0 {
		return "", content{}, 0, errors.New("an element")
	}
	if kind.family == "" {
		c.ports, bad, err = readPortList(words)
	} else {
		c.prefixes, bad, err = readPrefixes(words, kind)
	}
	return elements(strings.Join(words, newElement)), c, bad, err
}

func readPrefixes(words []string, kind setKind) (s netset.PrefixSet, bad int, err error) {
	prefixes := make([]netip.Prefix, len(words))
	for i, word := range words {
		if prefixes[i], err = readElement(word, kind); err != nil {
			return s, i, err
		}
	}
	if i, found := artefact.Overlapping(prefixes, netip.Prefix.Compare, netip.Prefix.Overlaps); found {
		return s, i, errors.New("elements that do not overlap")
	}
	return netset.PrefixSetOf(prefixes...), 0, nil
}

// readElement reads a prefix, or an address without a length.
func readElement(word string, kind setKind) (netip.Prefix, error) {
	text := word
	if a, err := netip.ParseAddr(word); err == nil {
		text = netip.PrefixFrom(a, a.BitLen()).String()
	} else if kind.flags == "" {
		return netip.Prefix{}, errors.New("an address")
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p != p.Masked() || familyOf(p.Addr()) != kind.family || string(netset.PrefixSetOf(p).AppendText(nil, "")) != word {
		return netip.Prefix{}, fmt.Errorf("an address or a prefix of family %s", kind.family)
	}
	return p, nil
}

// readPrefixAddress reads what prefixAddresses writes.
func readPrefixAddress(text string, f family) (addresses, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || p != p.Masked() || familyOf(p.Addr()) != f || p.String() != text {
		return "", fmt.Errorf("a prefix of family %s", f)
	}
	return prefixAddresses(p), nil
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

// readPorts reads the right side of dport, which the words are.
func readPorts(words []string) (ports, []netset.PortRange, error) {
	list, _, err := readPortList(words)
	if err != nil || len(list) == 0 {
		return "", nil, cmp.Or(err, errors.New("a port"))
	}
	return portsOf(list), list, nil
}

// readInterfaces reads the right side of iifname or oifname, which the words are.
func readInterfaces(words []string) (interfaces, []string, error) {
	names := make([]string, len(words))
	for i, word := range words {
		names[i] = strings.Trim(word, `"`)
		if err := checkInterface(names[i]); err != nil {
			return "", nil, fmt.Errorf("the name of an interface, of at most %d letters, digits, - _ . and @", maxInterface)
		}
	}
	return interfacesOf(names), names, nil
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
func readPolicy(text string) (keyword, error) {
	if !slices.Contains([]string{"accept", "drop"}, text) {
		return "", errors.New("policy accept or drop")
	}
	return keyword(text), nil
}
