package iptables

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
	name        string // of a chain or a set
	keyword     string // a word of iptables' or ipset's own language
	address     string // one prefix
	ports       string // one port or range, or a list of them for multiport
	device      string // an interface
	bits        string // "VALUE/MASK" of a mark
	target      string // what -j takes: a chain, or a verdict with its options
	elements    string // lines that add the elements of a set
	chainLines  string // lines that declare chains
	ruleLines   string // lines that append rules to chains
)

// The chains that the site's rules may jump to.
const (
	outboundChain name = "gatewright_outbound"
	inboundChain  name = "gatewright_inbound"

	// In mode mark.
	forwardEntry name = "gatewright_forward"
	inputEntry   name = "gatewright_input"
	outputEntry  name = "gatewright_output"
)

// The chains that those lead to where interfaces are told apart: for remotes outside,
// and for those on the site.
const (
	outboundRules  name = prefix + "outbound"
	inboundRules   name = prefix + "inbound"
	outboundOnSite name = prefix + "outbound_site"
	inboundOnSite  name = prefix + "inbound_site"
)

const (
	prefix  = "gw_"  // of every other name of ours
	staging = "-new" // of the set that is filled and then swapped in

	// A line that is longer than ipset's 1,023 bytes is read as two, so that its tail
	// is a command even if its head is a comment (iptables-restore: 10,239).
	maxComment     = 500 // bytes
	maxRuleComment = 255 // bytes (XT_MAX_COMMENT_LEN with its zero)
	maxChain       = 28  // bytes (XT_EXTENSION_MAXNAMELEN with its zero)
	maxSet         = 31  // bytes (IPSET_MAXNAMELEN with its zero)
	maxInterface   = 15  // bytes (IFNAMSIZ with its zero)
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

// ruleCommentOf makes a text fit a rule's comment, as oneLine does, cuts what is
// over 255 bytes, and escapes what iptables-restore reads in quotes.
func ruleCommentOf(s string) ruleComment {
	return ruleComment(ruleCommentEscapes.Replace(cut(oneLine(s), maxRuleComment)))
}

var ruleCommentEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

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

// chainName returns a name of ours for a chain.
func chainName(parts ...string) (name, error) { return nameOf(maxChain, parts) }

// setName returns a name of ours for a set, with room for the staging suffix.
func setName(f family, parts ...string) (name, error) {
	return nameOf(maxSet-len(staging), append(slices.Clip(parts), f.digit()))
}

// nameOf joins parts that are slugs, as rule ids and roles are: ipset knows no
// quotes, and iptables-restore takes names in quotes that iptables refuses.
func nameOf(limit int, parts []string) (name, error) {
	s := prefix + strings.Join(parts, "_")
	if i := strings.IndexFunc(s, func(r rune) bool { return !isNameRune(r) }); i >= 0 {
		return "", fmt.Errorf("name %q has a character that iptables does not take; expect letters, digits, - and _", s)
	}
	if len(s) > limit {
		return "", fmt.Errorf("name %q has %d bytes; there is room for %d", s, len(s), limit)
	}
	return name(s), nil
}

func isNameRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}

// ruleStem shortens a rule's id to what tells it from the others, direction and
// hash: with the area before them, no digit of a number would fit a chain's name.
func ruleStem(id rule.ID) string {
	words := strings.Split(string(id), "-")
	return strings.Join(words[max(0, len(words)-2):], "-")
}

func (n name) staging() name { return n + staging }

func (n name) target() target { return target(n) }

const accept target = "ACCEPT"

const drop target = "DROP"

// setMark sets the bits of a mark and leaves the others.
func setMark(mark uint32) target { return target("MARK --set-xmark " + bitsOf(mark)) }

// clearMark clears the bits of a mark and leaves the others.
func clearMark(mark uint32) target {
	return target("MARK --set-xmark 0x0/0x" + strconv.FormatUint(uint64(mark), 16))
}

// bitsOf matches packets that have all bits of a mark.
func bitsOf(mark uint32) bits {
	s := "0x" + strconv.FormatUint(uint64(mark), 16)
	return bits(s + "/" + s)
}

func addressOf(p netip.Prefix) address { return address(p.String()) }

func protocolOf(p netset.Protocol) keyword { return keyword(p.String()) }

// addElements makes one line per prefix. The whole of a family, which several roles
// together may be, is two halves: ipset 7.17 takes no prefix of length 0.
func addElements(set name, s netset.PrefixSet) elements {
	add := "add " + string(set) + " "
	switch v4, v6 := s.CoversFamily(); {
	case v4:
		return elements(add + "0.0.0.0/1\n" + add + "128.0.0.0/1")
	case v6:
		return elements(add + "::/1\n" + add + "8000::/1")
	}
	return elements(s.AppendText([]byte(add), "\n"+add))
}

// portOf is one port or range: "443", "50000:59999".
func portOf(r netset.PortRange) ports {
	first := strconv.Itoa(int(r.First))
	if r.First == r.Last {
		return ports(first)
	}
	return ports(first + ":" + strconv.Itoa(int(r.Last)))
}

// portsOf is a list for multiport, which holds portSlots.
func portsOf(ranges []netset.PortRange) ports {
	words := make([]string, len(ranges))
	for i, r := range ranges {
		words[i] = string(portOf(r))
	}
	return ports(strings.Join(words, ","))
}

// checkInterface refuses what is no interface name, and what iptables would read as
// a wildcard.
func checkInterface(s string) error {
	bad := strings.ContainsFunc(s, func(r rune) bool { return !isNameRune(r) && r != '.' && r != '@' })
	if s == "" || s == "." || s == ".." || bad || len(s) > maxInterface {
		return fmt.Errorf("bad interface name %q; expect at most %d letters, digits, - _ . and @", s, maxInterface)
	}
	return nil
}

// devicesOf takes names that checkInterface has accepted; one empty device, which
// stands for every interface, for none.
func devicesOf(names []string) []device {
	if len(names) == 0 {
		return []device{""}
	}
	out := make([]device, len(names))
	for i, n := range names {
		out[i] = device(n)
	}
	return out
}

// declareChains declares chains, one a line.
func declareChains(chains []name) chainLines {
	var b []byte
	for _, n := range chains {
		b = append(b, ':')
		b = append(b, n...)
		b = append(b, " - [0:0]\n"...)
	}
	return chainLines(b)
}

// treeRules are the rules of a tree whose chains have these names: a packet that a
// prefix matches goes on as next says.
func treeRules(t tree, names []name, s side, next step) ruleLines {
	var b []byte
	for i, c := range t.chains {
		for _, cell := range c.cells {
			down := step{next: names[cell.chain]}
			if cell.within.Bits() > 0 { // or else it takes all that is left
				down = down.narrowed(s, cell.within)
			}
			b = appendRule(b, names[i], down)
		}
		for _, p := range c.prefixes {
			b = appendRule(b, names[i], next.narrowed(s, p))
		}
	}
	return ruleLines(b)
}

// appendRule appends "-A CHAIN -s PREFIX -d PREFIX -g CHAIN" or "... -j TARGET".
func appendRule(b []byte, chain name, s step) []byte {
	word := func(option string, value string) {
		if value != "" {
			b = append(append(append(b, option...), value...), ' ')
		}
	}
	word("-A ", string(chain))
	word("-s ", string(s.Source))
	word("-d ", string(s.Destination))
	word("-g ", string(s.next))
	if s.next == "" {
		word("-j ", string(s.verdict))
	}
	b[len(b)-1] = '\n'
	return b
}
