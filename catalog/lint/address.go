package lint

import (
	"fmt"
	"net/netip"

	"gatewright/catalog"
	"gatewright/catalog/netset"
)

// Bounds of a prefix's length in bits: a prefix that is as short, or shorter, is
// found. A /8 is a 256th of all IPv4 addresses; a /20 of IPv6 is more than the
// registries commonly allocate to one network (RIPE-738 section 5.1 starts at /32).
const (
	WideIPv4 = 8
	WideIPv6 = 20
)

func wide(e *catalog.Entry) []Finding {
	var found []string
	for p := range e.Prefixes.Prefixes() {
		if p.Addr().Is4() && p.Bits() <= WideIPv4 || p.Addr().Is6() && p.Bits() <= WideIPv6 {
			found = append(found, p.String())
		}
	}
	if len(found) == 0 {
		return nil
	}
	return []Finding{{
		Kind: Wide, Entry: e.ID, Endpoints: found,
		Why: fmt.Sprintf("as wide as an IPv4 /%d or IPv6 /%d, or wider: more than one service has", WideIPv4, WideIPv6),
		Do:  "select a narrower entry, or list the prefixes that are used in a catalogue of the site's own",
	}}
}

// reservedBlock is a block that no public service has its addresses in.
type reservedBlock struct {
	prefix netip.Prefix
	what   string
}

// reservedBlocks are those of the special-purpose registries that are not globally
// reachable (RFC 6890, IANA's IPv4 and IPv6 Special-Purpose Address Registries),
// multicast, and what is reserved.
func reservedBlocks() []reservedBlock {
	var blocks []reservedBlock
	for _, b := range []struct{ prefix, what string }{
		{"0.0.0.0/8", "of this network alone (RFC 791)"},
		{"10.0.0.0/8", "private (RFC 1918)"},
		{"100.64.0.0/10", "shared (RFC 6598)"},
		{"127.0.0.0/8", "for loopback (RFC 1122)"},
		{"169.254.0.0/16", "link-local (RFC 3927)"},
		{"172.16.0.0/12", "private (RFC 1918)"},
		{"192.0.2.0/24", "for documentation (RFC 5737)"},
		{"192.168.0.0/16", "private (RFC 1918)"},
		{"198.18.0.0/15", "for benchmarking (RFC 2544)"},
		{"198.51.100.0/24", "for documentation (RFC 5737)"},
		{"203.0.113.0/24", "for documentation (RFC 5737)"},
		{"224.0.0.0/4", "for multicast (RFC 5771)"},
		{"240.0.0.0/4", "reserved (RFC 1112)"},
		{"::/127", "unspecified and loopback (RFC 4291)"},
		{"100::/64", "discard-only (RFC 6666)"},
		{"2001:db8::/32", "for documentation (RFC 3849)"},
		{"3fff::/20", "for documentation (RFC 9637)"},
		{"fc00::/7", "unique-local (RFC 4193)"},
		{"fe80::/10", "link-local (RFC 4291)"},
		{"ff00::/8", "for multicast (RFC 4291)"},
	} {
		if p, _, err := netset.ParsePrefix(b.prefix); err == nil {
			blocks = append(blocks, reservedBlock{p, b.what})
		}
	}
	return blocks
}

// reserved finds addresses that a public feed cannot mean, one finding for each block.
func reserved(e *catalog.Entry, blocks []reservedBlock) []Finding {
	var found []Finding
	for _, b := range blocks {
		if inside := e.Prefixes.Intersect(netset.PrefixSetOf(b.prefix)); !inside.IsEmpty() {
			var list []string
			for p := range inside.Prefixes() {
				list = append(list, p.String())
			}
			found = append(found, Finding{
				Kind: Reserved, Entry: e.ID, Endpoints: list,
				Why: fmt.Sprintf("%s is %s: no public service is reached there, but machines of the site's own may be", b.prefix, b.what),
				Do:  "exclude the entry, and tell its publisher",
			})
		}
	}
	return found
}
