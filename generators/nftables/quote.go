package nftables

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// Types that views hold. Only this file makes values of them, and unquote.go of texts
// that this file would have made.
type (
	comment     string // text of a "#" line
	ruleComment string // what stands between the quotes of a rule's comment
	tableSpec   string // family and name of a table: "inet filter"
	name        string // of a chain, set or counter
	slug        string // part of a name
	keyword     string // a word of nft's own language
	family      string // the address family keyword: "ip" or "ip6"
	addresses   string // right side of saddr and daddr: "@set" or one prefix
	ports       string // right side of dport: "443" or "{ 80, 443 }"
	interfaces  string // right side of iifname and oifname
	bits        string // a mark or a mask: "0x00010000"
	elements    string // elements of a set, one a line
)

const (
	ipv4 family = "ip"
	ipv6 family = "ip6"
)

const (
	prefix     name = "gatewright_" // of every name of ours in a table that may be the site's
	newElement      = ",\n\t"

	maxComment     = 1000 // bytes
	maxRuleComment = 128  // bytes; nft 1.0.6 refuses 129
	maxName        = 255  // bytes (NFT_NAME_MAXLEN with its zero)
	maxSlug        = 64   // bytes; keeps names of a few parts under maxName
	maxInterface   = 15   // bytes (IFNAMSIZ with its zero)
	ellipsis       = "..."
)

// commentOf makes a text fit a "#" line of at most maxComment bytes, as oneLine
// does.
func commentOf(s string) comment { return comment(cut(oneLine(s), maxComment)) }

func commentsOf(lines []string) []comment {
	out := make([]comment, len(lines))
	for i, l := range lines {
		out[i] = commentOf(l)
	}
	return out
}

// ruleCommentOf makes a text fit a rule's comment: as oneLine does, and with " as
// ', for nft knows no escape, and % as _, because nft 1.0.6 lists comments through
// a printf format. What is over 128 bytes is cut.
func ruleCommentOf(s string) ruleComment {
	return ruleComment(cut(ruleCommentLetters.Replace(oneLine(s)), maxRuleComment))
}

var ruleCommentLetters = strings.NewReplacer(`"`, "'", "%", "_")

// oneLine replaces white space by a space, and what is not printable ASCII by a
// question mark: engines and terminals do not agree on where other lines end. It parts "##", for
// "##[error]" commands the runner of a pipeline that shows the file.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r < ' ' || r > '~':
			return '?'
		}
		return r
	}, s)
	return strings.ReplaceAll(s, "##", "# ")
}

// cut shortens ASCII to limit bytes at most, and shows it.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return s[:limit-len(ellipsis)] + ellipsis
}

// slugOf accepts what may be part of a name, as rule ids and roles may: nft quotes
// no names.
func slugOf(s string) (slug, error) {
	if s == "" || len(s) > maxSlug || strings.ContainsFunc(s, func(r rune) bool { return !isNameRune(r) }) {
		return "", fmt.Errorf("%q cannot be part of a name in nft; expect at most %d letters, digits, - and _", s, maxSlug)
	}
	return slug(s), nil
}

// nameOf returns a name of ours.
func nameOf(parts ...slug) name {
	n := prefix + name(parts[0])
	for _, p := range parts[1:] {
		n += "_" + name(p)
	}
	return n
}

func isNameRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}

func (n name) addresses() addresses { return addresses("@" + n) }

// keywords are the words that nft 1.0.6 refuses as the name of a table, in order.
const keywords = `
accept add ah all and arp auto-merge bridge bytes cgroup chain comment comp constant continue
counter cpu create ct day dccp define delete describe device devices dnat drop dst dup dynamic ecn
element elements eq esp ether exists expires export exthdr fib flags flow flowtable flush frag fwd
gc-interval ge get goto gt handle hbh hook hour ibriport ibrname icmp icmpv6 igmp iif iifgroup
iifname iiftype import include index inet insert interval ip ip6 ipsec jhash jump le limit list log
lt map mark masquerade meta meter mh missing monitor name ne netdev nftrace not notrack numgen
obriport obrname offload oif oifgroup oifname oiftype or osf packets pkttype policy position
priority queue quota random redefine redirect reject rename replace reset return rt rt0 rt2
rtclassid rule ruleset sctp secmark set size skgid skuid snat socket srh symhash synproxy table tcp
th time timeout tproxy type typeof udp udplite undefine update vlan vmap xor xt
`

// tableOf reads "FAMILY NAME", and the families of addresses that the table sees.
func tableOf(s string) (tableSpec, []family, error) {
	word, table, _ := strings.Cut(s, " ")
	families := []family{ipv4, ipv6}
	switch word {
	case "inet":
	case "ip":
		families = families[:1]
	case "ip6":
		families = families[1:]
	default:
		return "", nil, fmt.Errorf("%q: unknown table family %q; write inet, ip or ip6 and a name, such as %q", s, word, defaultTable)
	}
	bad := strings.ContainsFunc(table, func(r rune) bool { return !isNameRune(r) && r != '.' })
	if table == "" || bad || strings.IndexByte("-.0123456789", table[0]) >= 0 || len(table) > maxName {
		return "", nil, fmt.Errorf("%q: bad table name %q; expect a letter or _, then at most %d letters, digits, - _ and .", s, table, maxName-1)
	}
	if slices.Contains(strings.Fields(keywords), table) {
		return "", nil, fmt.Errorf("%q: table name %q is a word of nft's own language, which nft refuses as a name; give the table another", s, table)
	}
	return tableSpec(s), families, nil
}

// addressType is nft's type for sets of the family's addresses.
func (f family) addressType() keyword {
	if f == ipv6 {
		return "ipv6_addr"
	}
	return "ipv4_addr"
}

// tagged tells the families apart in names: "net4", "tcp6".
func (f family) tagged(word string) slug {
	if f == ipv6 {
		return slug(word + "6")
	}
	return slug(word + "4")
}

// of returns the addresses of s that are of the family.
func (f family) of(s netset.PrefixSet) netset.PrefixSet {
	if f == ipv6 {
		return s.V6()
	}
	return s.V4()
}

func familyOf(a netip.Addr) family {
	if a.Is6() {
		return ipv6
	}
	return ipv4
}

func prefixAddresses(p netip.Prefix) addresses { return addresses(p.String()) }

func protocolOf(p netset.Protocol) keyword { return keyword(p.String()) }

func (k keyword) slug() slug { return slug(k) }

func (n name) slug() slug { return slug(n) }

// chainOf is the chain that holds the rules of a direction, in every mode.
func chainOf(d rule.Direction) name {
	if d == rule.Inbound {
		return inboundChain
	}
	return outboundChain
}

func prefixElements(s netset.PrefixSet) elements {
	return elements(s.AppendText(nil, newElement))
}

// count is the number of elements in a block that is not empty.
func (e elements) count() int { return 1 + strings.Count(string(e), newElement) }

func portElements(ranges []netset.PortRange) elements {
	return elements(joinPorts(ranges, newElement))
}

// portsOf is one port or range, or an anonymous set of several.
func portsOf(ranges []netset.PortRange) ports {
	if len(ranges) == 1 {
		return ports(ranges[0].String())
	}
	return ports("{ " + joinPorts(ranges, ", ") + " }")
}

func joinPorts(ranges []netset.PortRange, separator string) string {
	words := make([]string, len(ranges))
	for i, r := range ranges {
		words[i] = r.String()
	}
	return strings.Join(words, separator)
}

// checkInterface refuses what is no interface name, what nft would read as a
// wildcard, and what its quotes cannot hold.
func checkInterface(s string) error {
	bad := strings.ContainsFunc(s, func(r rune) bool { return !isNameRune(r) && r != '.' && r != '@' })
	if s == "" || s == "." || s == ".." || bad || len(s) > maxInterface {
		return fmt.Errorf("bad interface name %q; expect at most %d letters, digits, - _ . and @", s, maxInterface)
	}
	return nil
}

// interfacesOf quotes names that checkInterface has accepted; empty for none.
func interfacesOf(names []string) interfaces {
	switch len(names) {
	case 0:
		return ""
	case 1:
		return interfaces(`"` + names[0] + `"`)
	}
	return interfaces(`{ "` + strings.Join(names, `", "`) + `" }`)
}

// bitsOf writes a mark or a mask as nft lists it.
func bitsOf(v uint32) bits {
	digits := strconv.FormatUint(uint64(v), 16)
	return bits("0x" + strings.Repeat("0", 8-len(digits)) + digits)
}
