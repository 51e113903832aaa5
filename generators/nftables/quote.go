package nftables

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/generators/artefact"
	"gatewright/generators/filter"
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
	addresses   string // right side of saddr and daddr: "@set" or one prefix
	ports       string // right side of dport: "443" or "@set"
	icmpMatch   string // "icmpv6 type { nd-router-solicit, nd-router-advert }"
	statement   string // "accept", "goto CHAIN", "ip daddr vmap @map"
	interfaces  string // right side of iifname and oifname
	bits        string // a mark or a mask: "0x00010000"
	elements    string // elements of a set or map, one a line
)

// Comments are lines, and words of nft in quotes, which have no escapes.
func (Generator) Comments() artefact.CommentSyntax {
	return artefact.CommentSyntax{Sign: "#", Beside: quotedComment}
}

var quotedComment = regexp.MustCompile(` comment "[^"]*"`)

const (
	prefix     name = "gatewright_" // of every name of ours in a table that may be the site's
	newElement      = ",\n\t\t\t"

	maxComment     = 1000 // bytes
	maxRuleComment = 128  // bytes; nft 1.0.6 refuses 129
	maxName        = 255  // bytes (NFT_NAME_MAXLEN with its zero)
	maxSlug        = 64   // bytes; keeps names of a few parts under maxName
)

// commentOf makes a text fit a "#" line of at most maxComment bytes.
func commentOf(s string) comment { return comment(artefact.Cut(artefact.OneLine(s), maxComment)) }

func commentsOf(lines []string) []comment {
	out := make([]comment, len(lines))
	for i, l := range lines {
		out[i] = commentOf(l)
	}
	return out
}

// ruleCommentOf makes a text fit a rule's comment: as artefact.OneLine does, and with "
// as ', for nft knows no escape, and % as _, because nft 1.0.6 lists comments through a
// printf format. What is over 128 bytes is cut.
func ruleCommentOf(s string) ruleComment {
	return ruleComment(artefact.Cut(ruleCommentLetters.Replace(artefact.OneLine(s)), maxRuleComment))
}

var ruleCommentLetters = strings.NewReplacer(`"`, "'", "%", "_")

// slugOf accepts what may be part of a name, as rule ids and roles may: nft quotes
// no names.
func slugOf(s string) (slug, error) {
	if s == "" || len(s) > maxSlug || !artefact.HasOnly(s, "") {
		return "", fmt.Errorf("%q cannot be part of an nft name; expect at most %d letters, digits, - and _", s, maxSlug)
	}
	return slug(s), nil
}

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
func tableOf(s string) (tableSpec, []filter.Family, error) {
	word, table, _ := strings.Cut(s, " ")
	families := []filter.Family{filter.IPv4, filter.IPv6}
	switch word {
	case "inet":
	case "ip":
		families = families[:1]
	case "ip6":
		families = families[1:]
	default:
		return "", nil, fmt.Errorf("%q: unknown table family %q; write inet, ip or ip6 and a name, such as %q", s, word, defaultTable)
	}
	if table == "" || !artefact.HasOnly(table, ".") || strings.IndexByte("-.0123456789", table[0]) >= 0 || len(table) > maxName {
		return "", nil, fmt.Errorf("%q: bad table name %q; expect a letter or _, then at most %d letters, digits, - _ and .", s, table, maxName-1)
	}
	if slices.Contains(strings.Fields(keywords), table) {
		return "", nil, fmt.Errorf("%q: table name %q is a keyword of nft, which nft refuses as a name; give the table another name", s, table)
	}
	return tableSpec(s), families, nil
}

// familyWord is nft's name of a family of addresses; empty for both.
func familyWord(f filter.Family) keyword {
	switch f {
	case filter.IPv4:
		return "ip"
	case filter.IPv6:
		return "ip6"
	}
	return ""
}

// addressType is nft's type for sets of the family's addresses.
func addressType(f filter.Family) keyword {
	if f == filter.IPv6 {
		return "ipv6_addr"
	}
	return "ipv4_addr"
}

// verdictMap is nft's type for maps from the family's addresses to chains.
func verdictMap(f filter.Family) keyword { return addressType(f) + " : verdict" }

// addressesOf names a set, or writes a prefix.
func addressesOf(a filter.Addresses) addresses {
	switch {
	case a.Set != "":
		return addresses("@" + a.Set)
	case a.Prefix.IsValid():
		return addresses(a.Prefix.String())
	}
	return ""
}

func protocolOf(p netset.Protocol) keyword { return keyword(p.String()) }

func prefixElements(s netset.PrefixSet) elements {
	return elements(s.AppendRanges(nil, newElement)) + ","
}

// verdictElements sends each prefix or range to the element's chain.
func verdictElements(e filter.Element) elements {
	to := toChain(e.Chain)
	return elements(e.Prefixes.AppendRanges(nil, to+newElement)) + elements(to) + ","
}

// toChain follows the key of a map's element.
func toChain(chain string) string { return " : goto " + chain }

// listedElements are words that the reader has accepted, each with its end.
func listedElements(words []string, end string) elements {
	return elements(strings.Join(words, end+newElement) + end + ",")
}

// count is the number of elements in a block that is not empty.
func (e elements) count() int { return 1 + strings.Count(string(e), newElement) }

func portElements(ranges []netset.PortRange) elements {
	words := make([]string, len(ranges))
	for i, r := range ranges {
		words[i] = r.String()
	}
	return elements(strings.Join(words, newElement)) + ","
}

// portsOf is one port or range, or the name of a set of several: empty for all.
func portsOf(p filter.Ports) ports {
	switch {
	case p.Set != "":
		return ports("@" + p.Set)
	case len(p.Ranges) == 1:
		return ports(p.Ranges[0].String())
	}
	return ""
}

// endOf is the verdict of a rule or, without one, what else the rule is for.
func endOf(r filter.Rule) statement {
	ends := map[filter.End]string{filter.Source: " saddr", filter.Destination: " daddr"}
	switch {
	case r.Map != "":
		return statement(string(familyWord(r.Family)) + ends[r.Lookup] + " vmap @" + r.Map)
	case r.Target != "":
		return statement(string(r.Verdict) + " " + r.Target)
	case r.Verdict != filter.Continue:
		return statement(r.Verdict)
	case r.ClearMark != 0:
		return statement("meta mark set meta mark & " + bitsOf(^r.ClearMark))
	}
	return statement(`counter name "` + r.Counter + `"`)
}

func hopLimitOf(n uint8) keyword {
	if n == 0 {
		return ""
	}
	return keyword(strconv.Itoa(int(n)))
}

// icmpTypes are nft's words for the types of ICMP messages that a guard lets pass.
var icmpTypes = map[filter.Family]map[uint8]string{
	filter.IPv6: {
		130: "mld-listener-query", 131: "mld-listener-report", 132: "mld-listener-done",
		133: "nd-router-solicit", 134: "nd-router-advert", 135: "nd-neighbor-solicit", 136: "nd-neighbor-advert",
		143: "mld2-listener-report",
	},
}

// icmpOf matches types of a family's ICMP.
func icmpOf(f filter.Family, list []filter.ICMP) icmpMatch {
	if len(list) == 0 {
		return ""
	}
	word := "icmp"
	if f == filter.IPv6 {
		word = "icmpv6"
	}
	types := make([]string, len(list))
	for i, one := range list {
		types[i] = cmp.Or(icmpTypes[f][one.Type], strconv.Itoa(int(one.Type)))
	}
	if len(types) > 1 {
		return icmpMatch(word + " type { " + strings.Join(types, ", ") + " }")
	}
	return icmpMatch(word + " type " + types[0])
}

// interfacesOf quotes names that artefact.CheckInterface has accepted; empty for none.
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
