package site

import (
	"fmt"
	"net/netip"

	"gatewright/catalog/rule"
)

// Prefixes that are wider than these are hardly of one site's machines.
const (
	widestV4 = 8
	widestV6 = 20
)

// WideBinding tells of each part of a role's addresses that is wider than a site's
// machines can be expected to have, such as half of a family. Unique local addresses
// (RFC 4193) and link-local ones (RFC 4291) are anybody's, however many.
func WideBinding(b rule.Binding) []string {
	if v4, v6 := b.Local().CoversFamily(); v4 || v6 {
		return nil // refused
	}
	var texts []string
	for p := range b.Local().Prefixes() {
		if isWide(p) {
			texts = append(texts, fmt.Sprintf("role %s is bound to %s, %s; bind it to the addresses that its machines have", b.Role, p, partOfFamily(p)))
		}
	}
	return texts
}

func isWide(p netip.Prefix) bool {
	if p.Addr().Is4() {
		return p.Bits() < widestV4
	}
	private := p.Addr().IsPrivate() && p.Bits() >= 7 || p.Addr().IsLinkLocalUnicast() && p.Bits() >= 10
	return p.Bits() < widestV6 && !private
}

// partOfFamily says how much of its family a prefix is.
func partOfFamily(p netip.Prefix) string {
	name := rule.Family(p.Addr())
	switch bits := p.Bits(); {
	case bits == 0:
		return "all of " + name
	case bits == 1:
		return "half of " + name
	case bits <= widestV4:
		return fmt.Sprintf("1/%d of %s", 1<<bits, name)
	}
	return fmt.Sprintf("wider than a /%d", widestV6)
}
