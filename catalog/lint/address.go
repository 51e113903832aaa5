package lint

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"

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
		Why: fmt.Sprintf("an IPv4 /%d or IPv6 /%d, or wider: too wide for one service", WideIPv4, WideIPv6),
		Do:  "select a narrower entry, or list the prefixes that you use in your own catalogue",
	}}
}

// reservedBlock is a block that no public service has its addresses in.
type reservedBlock struct {
	prefix netset.PrefixSet // without what a block before it holds, or the registries except
	name   string           // the block as CIDR
	what   string
}

// reservedBlocks is blocksOfIANA, made once.
var reservedBlocks = sync.OnceValue(blocksOfIANA)

// blocksOfIANA are the blocks of IANA's IPv4 and IPv6 Special-Purpose Address
// Registries (RFC 6890, RFC 8190; as of 2025) that are not globally
// reachable, deprecated, or said to be neither; multicast; and the rest of IPv6 outside
// of what IANA allocates. A block stands after those inside it. IPv4-mapped addresses
// (::ffff:0:0/96) are read as the IPv4 addresses that they are.
func blocksOfIANA() []reservedBlock {
	taken := globallyReachable()
	var blocks []reservedBlock
	for _, b := range []struct{ name, what string }{
		{"0.0.0.0/8", "only for this network (RFC 791)"},
		{"10.0.0.0/8", "private (RFC 1918)"},
		{"100.64.0.0/10", "shared (RFC 6598)"},
		{"127.0.0.0/8", "for loopback (RFC 1122)"},
		{"169.254.0.0/16", "link-local (RFC 3927)"},
		{"172.16.0.0/12", "private (RFC 1918)"},
		{"192.0.0.0/29", "for IPv4 within IPv6 networks (RFC 7335)"},
		{"192.0.0.8/32", "a dummy address (RFC 7600)"},
		{"192.0.0.170/31", "for NAT64 discovery (RFC 7050, RFC 8880)"},
		{"192.0.0.0/24", "for IETF protocols (RFC 6890)"},
		{"192.0.2.0/24", "for documentation (RFC 5737)"},
		{"192.88.99.0/24", "for relays of 6to4, which are deprecated (RFC 7526)"},
		{"192.168.0.0/16", "private (RFC 1918)"},
		{"198.18.0.0/15", "for benchmarking (RFC 2544)"},
		{"198.51.100.0/24", "for documentation (RFC 5737)"},
		{"203.0.113.0/24", "for documentation (RFC 5737)"},
		{"224.0.0.0/4", "for multicast (RFC 5771)"},
		{"255.255.255.255/32", "for limited broadcast (RFC 8190, RFC 919)"},
		{"240.0.0.0/4", "reserved (RFC 1112)"},
		{"::/127", "unspecified and loopback (RFC 4291)"},
		{"64:ff9b::/96", "for translation from IPv4 and contains all IPv4 addresses (RFC 6052)"},
		{"64:ff9b:1::/48", "for translation from IPv4 within one network (RFC 8215)"},
		{"100::/64", "discard-only (RFC 6666)"},
		{"100:0:0:1::/64", "a dummy prefix (RFC 9780)"},
		{"2001::/32", "for Teredo tunnels (RFC 4380)"},
		{"2001:2::/48", "for benchmarking (RFC 5180)"},
		{"2001:10::/28", "for ORCHID, which is deprecated (RFC 4843)"},
		{"2001::/23", "for IETF protocols (RFC 2928)"},
		{"2001:db8::/32", "for documentation (RFC 3849)"},
		{"2002::/16", "for 6to4 tunnels (RFC 3056)"},
		{"3fff::/20", "for documentation (RFC 9637)"},
		{"5f00::/16", "for segments of SRv6 (RFC 9602)"},
		{"fc00::/7", "unique-local (RFC 4193)"},
		{"fe80::/10", "link-local (RFC 4291)"},
		{"fec0::/10", "site-local, which is deprecated (RFC 3879)"},
		{"ff00::/8", "for multicast (RFC 4291)"},
		{"::/3", "outside 2000::/3, the only range from which IANA allocates (RFC 4291)"},
		{"4000::/2", "outside 2000::/3, the only range from which IANA allocates (RFC 4291)"},
		{"8000::/1", "outside 2000::/3, the only range from which IANA allocates (RFC 4291)"},
	} {
		whole := prefixSet(b.name)
		blocks = append(blocks, reservedBlock{whole.Subtract(taken), b.name, b.what})
		taken = taken.Union(whole)
	}
	return blocks
}

// globallyReachable are the blocks inside reserved ones that the registries except.
func globallyReachable() netset.PrefixSet {
	return prefixSet(
		"192.0.0.9/32",    // Port Control Protocol anycast, RFC 7723
		"192.0.0.10/32",   // TURN anycast, RFC 8155
		"2001:1::1/128",   // Port Control Protocol anycast, RFC 7723
		"2001:1::2/128",   // TURN anycast, RFC 8155
		"2001:1::3/128",   // DNS-SD registration anycast, RFC 9665
		"2001:3::/32",     // AMT, RFC 7450
		"2001:4:112::/48", // AS112, RFC 7535
		"2001:20::/28",    // ORCHIDv2, RFC 7343
		"2001:30::/28",    // entity tags of drones, RFC 9374
	)
}

// prefixSet reads prefixes of this file.
func prefixSet(list ...string) netset.PrefixSet {
	var b netset.PrefixBuilder
	for _, text := range list {
		if p, _, err := netset.ParsePrefix(text); err == nil {
			b.Add(p)
		}
	}
	return b.Build()
}

// reserved finds addresses that a public feed cannot mean, one finding for each block.
func reserved(e *catalog.Entry, blocks []reservedBlock) []Finding {
	var found []Finding
	for _, b := range blocks {
		if inside := e.Prefixes.Intersect(b.prefix); !inside.IsEmpty() {
			found = append(found, Finding{
				Kind: Reserved, Entry: e.ID, Endpoints: texts(inside),
				Why: fmt.Sprintf("%s is %s: no public service has such an address, but your own machines may", b.name, b.what),
				Do:  "exclude the entry, and report it to its publisher",
			})
		}
	}
	return found
}

// texts lists the prefixes of a set.
func texts(s netset.PrefixSet) []string {
	var list []string
	for p := range s.Prefixes() {
		list = append(list, p.String())
	}
	return list
}

// WideShare is the part of a family's unicast addresses that one feed or rule holds at
// most, unless somebody says that it is meant.
const WideShare = 1.0 / 32

// Shares returns which part a set is of the unicast addresses of each family: of
// 1.0.0.0 to 223.255.255.255, and of 2000::/3.
func Shares(s netset.PrefixSet) (v4, v6 float64) {
	v4, v6 = s.Shares()
	return v4 * 256 / 223, v6 * 8
}

// Doubtful returns the addresses of a set that a public service can hardly have, and
// what they are: prefixes wider than the bounds, and those of special purpose.
// Addresses for documentation are nobody's, and do no harm.
func Doubtful(s netset.PrefixSet) (netset.PrefixSet, string) {
	var doubtful netset.PrefixBuilder
	var what []string
	doubt := func(part netset.PrefixSet, is string) {
		doubtful.AddSet(part)
		what = append(what, fmt.Sprintf("%s is %s", summary(part), is))
	}
	for p := range s.Prefixes() {
		if p.Addr().Is4() && p.Bits() < WideIPv4 {
			doubt(netset.PrefixSetOf(p), fmt.Sprintf("wider than /%d", WideIPv4))
		} else if p.Addr().Is6() && p.Bits() < WideIPv6 {
			doubt(netset.PrefixSetOf(p), fmt.Sprintf("wider than /%d", WideIPv6))
		}
	}
	if s = s.Subtract(doubtful.Build()); s.Overlaps(special()) {
		for _, b := range reservedBlocks() {
			if inside := s.Intersect(b.prefix); !inside.IsEmpty() && !strings.HasPrefix(b.what, "for documentation") {
				doubt(inside, b.what)
			}
		}
	}
	return doubtful.Build(), strings.Join(what, ", and ")
}

// special is every reserved block.
var special = sync.OnceValue(func() netset.PrefixSet {
	var b netset.PrefixBuilder
	for _, block := range reservedBlocks() {
		b.AddSet(block.prefix)
	}
	return b.Build()
})

// summary names up to three prefixes of a set.
func summary(s netset.PrefixSet) string {
	list := texts(s)
	if len(list) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:3], ", "), len(list)-3)
	}
	return strings.Join(list, ", ")
}

// Purpose is what an address of special purpose is for, such as "private (RFC 1918)";
// empty for one that anybody may have.
func Purpose(a netip.Addr) string {
	for _, b := range reservedBlocks() {
		if b.prefix.Contains(a) {
			return b.what
		}
	}
	return ""
}
