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

// The functions of this file take a text only if quote.go or the engines write it.
// Their errors say what is expected in its place.

func readComment(s string) (comment, error) {
	if c := commentOf(s); string(c) == s {
		return c, nil
	}
	return "", fmt.Errorf("a comment of at most %d bytes", maxComment)
}

// checkName refuses a name that is not one of ours.
func checkName(s string, limit int) error {
	rest, ok := strings.CutPrefix(s, prefix)
	if !ok || rest == "" || len(s) > limit || !artefact.HasOnly(rest, "") {
		return fmt.Errorf("a name of at most %d letters, digits, - and _ that starts with %s", limit, prefix)
	}
	return nil
}

// readPrefix reads a prefix, or a single address without a length.
func (f family) readPrefix(text string) (netip.Prefix, error) {
	var p netip.Prefix
	var err error
	if strings.Contains(text, "/") {
		p, err = netip.ParsePrefix(text)
	} else if a, single := netip.ParseAddr(text); single == nil {
		p = netip.PrefixFrom(a, a.BitLen())
	}
	if err != nil || !p.IsValid() || p != p.Masked() || p.Bits() == 0 || familyOf(p.Addr()) != f || p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("an address or a prefix of IPv%s", f.digit())
	}
	return p, nil
}

// readElement reads an element of a set as addElements writes it.
func (f family) readElement(text string) (netip.Prefix, error) {
	p, err := f.readPrefix(text)
	if err == nil && string(netset.PrefixSetOf(p).AppendText(nil, "")) != text {
		err = fmt.Errorf("an address or a prefix of IPv%s", f.digit())
	}
	return p, err
}

// readPorts reads "443", "50000:59999", or a list of them in any order.
func readPorts(text string) ([]netset.PortRange, error) {
	var list []netset.PortRange
	for word := range strings.SplitSeq(text, ",") {
		r, err := netset.ParsePortRange(strings.Replace(word, ":", "-", 1))
		if err != nil || string(portOf(r)) != word {
			return nil, errors.New("a port or a range such as 50000:59999")
		}
		list = append(list, r)
	}
	first := func(a, b netset.PortRange) int { return cmp.Compare(a.First, b.First) }
	_, overlap := artefact.Overlapping(list, first, func(a, b netset.PortRange) bool { return a.Last >= b.First })
	if overlap || multiport(list) < len(list) {
		return nil, errors.New("at most 15 ports, a range counted twice, that do not overlap")
	}
	return list, nil
}

func readDevice(text string) ([]string, error) {
	if artefact.CheckInterface(text) != nil {
		return nil, artefact.ErrInterface
	}
	return []string{text}, nil
}
