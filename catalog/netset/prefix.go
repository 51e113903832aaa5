package netset

import (
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"strings"
)

// ParsePrefix reads a CIDR, "192.0.2.0/24" or "2001:db8::/32", or a bare address as a
// prefix of that address alone.
//
// The prefix is masked. IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2) becomes IPv4. What
// was normalized so is told in note, which is empty if nothing was. A zone, length 0 (a
// person writes "any" for that), and whatever else is not a CIDR is an error that says
// what to write. Source of the notation: RFC 4632 section 3.1, RFC 4291 section 2.3.
func ParsePrefix(s string) (p netip.Prefix, note string, err error) {
	if strings.IndexByte(s, '/') < 0 {
		return parseBare(s)
	}
	if p, err = netip.ParsePrefix(s); err != nil {
		return netip.Prefix{}, "", explainPrefix(s)
	}
	if p.Addr().Is4In6() {
		return parseMapped(s, p)
	}
	if p.Bits() == 0 {
		return netip.Prefix{}, "", everyAddress(s)
	}
	masked := p.Masked()
	if masked != p {
		note = "host bits dropped: " + p.String() + " is read as " + masked.String()
	}
	return masked, note, nil
}

func parseBare(s string) (netip.Prefix, string, error) {
	a, err := netip.ParseAddr(s)
	switch {
	case err != nil || a.Zone() != "":
		return netip.Prefix{}, "", explainPrefix(s)
	case a.Is4():
		return netip.PrefixFrom(a, 32), "bare address read as /32", nil
	case a.Is4In6():
		return parseMapped(s, netip.PrefixFrom(a, 128))
	}
	return netip.PrefixFrom(a, 128), "bare address read as /128", nil
}

// parseMapped turns a prefix of the IPv4-mapped block into the IPv4 prefix that it
// maps.
func parseMapped(s string, mapped netip.Prefix) (netip.Prefix, string, error) {
	length := mapped.Bits() - 96
	if length < 0 {
		return netip.Prefix{}, "", fmt.Errorf("%q is wider than the IPv4-mapped block ::ffff:0:0/96; write the IPv4 prefix, such as %q",
			clip(s), mapped.Addr().Unmap().String()+"/24")
	}
	if length == 0 {
		return netip.Prefix{}, "", everyAddress(s)
	}
	p := netip.PrefixFrom(mapped.Addr().Unmap(), length)
	note := "IPv4-mapped " + s + " written as " + p.Masked().String()
	if p.Masked() != p {
		note += "; host bits dropped"
	}
	return p.Masked(), note, nil
}

func everyAddress(s string) error {
	return fmt.Errorf(`%q covers a whole address family; write a narrower prefix, or the word "any" where that is meant`, clip(s))
}

// explainPrefix says why s is no CIDR, and what to write.
func explainPrefix(s string) error {
	if s == "" {
		return errors.New(`empty prefix; write a CIDR such as "192.0.2.0/24" or "2001:db8::/32"`)
	}
	if s != strings.TrimSpace(s) {
		return fmt.Errorf("%q has space around it; write %q", clip(s), clip(strings.TrimSpace(s)))
	}
	if i := strings.IndexByte(s, '%'); i >= 0 {
		return fmt.Errorf("%q has a zone, which is valid on one machine only; write it without %q", clip(s), clip(zoneOf(s[i:])))
	}
	if strings.HasPrefix(s, "[") {
		return fmt.Errorf("%q has brackets; write only the address, without brackets and port", clip(s))
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return fmt.Errorf("%q has a port; write %q here and the port under services", s, ap.Addr())
	}
	if cidrs := rangeAsCIDRs(s); cidrs != "" {
		return fmt.Errorf("%q is a range; write it as CIDRs: %s", clip(s), cidrs)
	}
	if before, after, ok := strings.Cut(s, "/"); ok {
		return explainLength(s, before, after)
	}
	if plain := withoutLeadingZeros(s); plain != "" {
		return fmt.Errorf("%q has leading zeros, which some programs read as octal; write %q if decimal is meant", s, plain)
	}
	return notCIDR(s)
}

func notCIDR(s string) error {
	return fmt.Errorf(`%q is not a CIDR; write an address such as "192.0.2.1", or a prefix such as "192.0.2.0/24" or "2001:db8::/32"`, clip(s))
}

// zoneOf returns the leading zone of s, "%eth0" of "%eth0/64".
func zoneOf(s string) string {
	zone, _, _ := strings.Cut(s, "/")
	return zone
}

// rangeAsCIDRs turns "192.0.2.0-192.0.2.255" into CIDRs, or returns "" if s is no range
// or takes many.
func rangeAsCIDRs(s string) string {
	before, after, ok := strings.Cut(s, "-")
	if !ok {
		return ""
	}
	first, err1 := netip.ParseAddr(strings.TrimSpace(before))
	last, err2 := netip.ParseAddr(strings.TrimSpace(after))
	if err1 != nil || err2 != nil {
		return ""
	}
	var b PrefixBuilder
	b.AddRange(first, last)
	set := b.Build()
	if v4, v6 := set.CoversFamily(); v4 || v6 || set.Len() > 8 {
		return ""
	}
	return set.String()
}

// explainLength explains s, which is "address/length", by its two parts.
func explainLength(s, before, after string) error {
	a, err := netip.ParseAddr(before)
	if err != nil {
		if plain := withoutLeadingZeros(before); plain != "" {
			return fmt.Errorf("%q has leading zeros, which some programs read as octal; write %q if decimal is meant",
				clip(s), clip(plain+"/"+after))
		}
		return notCIDR(s)
	}
	if length, ok := maskLength(after); ok && a.Is4() {
		return fmt.Errorf("%q has a network mask; write %q", s, netip.PrefixFrom(a, length).Masked())
	}
	return fmt.Errorf("%q has no valid prefix length; write a decimal number from 1 to %d after the slash", clip(s), a.BitLen())
}

// maskLength returns the length of a dotted network mask, "255.255.255.0", longer than
// 0.
func maskLength(s string) (int, bool) {
	mask, err := netip.ParseAddr(s)
	if err != nil || !mask.Is4() {
		return 0, false
	}
	length := bits.LeadingZeros32(^uint32(addr4Of(mask)))
	return length, length > 0 && addr4Of(mask) == ^(maxAddr4>>length)
}

// withoutLeadingZeros returns the dotted IPv4 address s without leading zeros, or "" if
// that is not what ails it.
func withoutLeadingZeros(s string) string {
	fields := strings.Split(s, ".")
	for i, field := range fields {
		if trimmed := strings.TrimLeft(field, "0"); trimmed != "" {
			fields[i] = trimmed
		} else if field != "" {
			fields[i] = "0"
		}
	}
	a, err := netip.ParseAddr(strings.Join(fields, "."))
	if err != nil || !a.Is4() {
		return ""
	}
	return a.String()
}
