package iptables

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/filter"
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
	target      string // where a packet goes: "-g CHAIN", or "-j" and a verdict
	elements    string // lines that add the elements of a set
	chainLines  string // lines that declare chains
	ruleLines   string // lines that append rules to chains
)

const (
	prefix  = "gw_"  // of every name of ours but those that the site's rules use
	staging = "-new" // of the set that is filled and then swapped in

	// A line that is longer than ipset's 1,023 bytes is read as two, so that its tail
	// is a command even if its head is a comment (iptables-restore: 10,239).
	maxComment     = 500 // bytes
	maxRuleComment = 255 // bytes (XT_MAX_COMMENT_LEN with its zero)
	maxChain       = 28  // bytes (XT_EXTENSION_MAXNAMELEN with its zero)
	maxSet         = 31  // bytes (IPSET_MAXNAMELEN with its zero)
)

// Comments are lines, and words of ipset and of match comment in quotes, which escape
// quotes and backslashes.
func (Generator) Comments() artefact.CommentSyntax {
	return artefact.CommentSyntax{Sign: "#", Beside: quotedComment}
}

var quotedComment = regexp.MustCompile(`(--| )comment "([^"\\]|\\["\\])*"`)

// commentOf makes a text fit a "#" line of at most maxComment bytes.
func commentOf(s string) comment { return comment(artefact.Cut(artefact.OneLine(s), maxComment)) }

func commentsOf(lines []string) []comment {
	out := make([]comment, len(lines))
	for i, l := range lines {
		out[i] = commentOf(l)
	}
	return out
}

// lineComment is the comment of the rule that counts and accepts: what fits its 255
// bytes of the rule's id and labels.
func lineComment(id rule.ID, labels []comment) string {
	words := make([]string, len(labels))
	for i, l := range labels {
		words[i] = string(l)
	}
	return artefact.Cut(artefact.OneLine(string(id)+": "+strings.Join(words, "; ")), maxRuleComment)
}

// escapedComment escapes what iptables-restore reads in quotes.
func escapedComment(s string) ruleComment {
	return ruleComment(ruleCommentEscapes.Replace(artefact.Cut(artefact.OneLine(s), maxRuleComment)))
}

var ruleCommentEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// checkChain refuses an invalid chain name: iptables-restore takes names in quotes
// that iptables refuses.
func checkChain(s string) error {
	if !artefact.HasOnly(s, "") {
		return fmt.Errorf("name %q has a character that iptables does not take; expect letters, digits, - and _", s)
	}
	if len(s) > maxChain {
		return fmt.Errorf("name %q has %d bytes; there is room for %d", s, len(s), maxChain)
	}
	return nil
}

// setName names a set by the chain that it leads to and by what it holds, with room for
// the suffix of its staging.
func setName(chain string, s netset.PrefixSet) string {
	stem, _, _ := strings.Cut(chain, "_at")
	return stem + "_" + digest(s.String())
}

// Lines that restore reads as one, in bytes.
const (
	maxIpsetLine    = 1023
	maxIptablesLine = 10239
)

// checkSavedName refuses a name of a dump that restore does not read back as itself.
func checkSavedName(s string) error {
	bad := func(r rune) bool {
		return !unicode.IsGraphic(r) || unicode.IsSpace(r) || strings.ContainsRune("\"'\\", r)
	}
	if s == "" || s[0] == '-' || s[0] == '#' || strings.ContainsFunc(s, bad) {
		return fmt.Errorf("the name %q would be changed when it is read back; give it another name, or remove it", s)
	}
	return nil
}

// checkElement refuses an element, or how a set is created, that ipset does not read
// back: of quotes it knows the two of a comment.
func checkElement(s string) error {
	if n := strings.Count(s, `"`); n != 0 && n != 2 {
		return fmt.Errorf("the quotes of %q are not read back; remove it", s)
	}
	return checkLine(s, maxIpsetLine)
}

// checkSavedRule refuses a rule that iptables-restore does not read back.
func checkSavedRule(r savedRule) error {
	if strings.Trim(r.counts, "[0123456789:]") != "" {
		return fmt.Errorf("the counters %q are not numbers", r.counts)
	}
	if _, err := splitWords(r.text); err != nil {
		return fmt.Errorf("the quotes of %q are not read back; remove it", r.text)
	}
	return checkLine(r.text, maxIptablesLine)
}

// checkLine leaves room for what stands before a text in its line.
func checkLine(s string, limit int) error {
	const before = 100
	if strings.ContainsAny(s, "\n\x00") {
		return fmt.Errorf("the line break in %q is not read back; remove it", s)
	}
	if len(s) > limit-before {
		return fmt.Errorf("a line of %d bytes, %q..., is not read back; remove it", len(s), s[:40])
	}
	return nil
}

// ruleStem shortens a rule's id to what tells it from the others, direction and
// hash: with the area before them, no digit of a number would fit a chain's name.
func ruleStem(id rule.ID) string {
	words := strings.Split(string(id), "-")
	return strings.Join(words[max(0, len(words)-2):], "-")
}

func (n name) staging() name { return n + staging }

func jumpTo(chain string) target { return target("-j " + chain) }

// endOf is where a packet goes. To accept is to set a mark, in mode mark.
func endOf(r filter.Rule) target {
	switch {
	case r.ClearMark != 0:
		return target("-j MARK --set-xmark 0x0/0x" + strconv.FormatUint(uint64(r.ClearMark), 16))
	case r.SetMark != 0:
		return target("-j MARK --set-xmark " + bitsOf(r.SetMark))
	case r.Verdict == filter.Goto:
		return target("-g " + r.Target)
	case r.Verdict == filter.Jump:
		return jumpTo(r.Target)
	}
	return target("-j " + strings.ToUpper(string(r.Verdict)))
}

// bitsOf matches packets that have all bits of a mark.
func bitsOf(mark uint32) bits {
	s := "0x" + strconv.FormatUint(uint64(mark), 16)
	return bits(s + "/" + s)
}

// addressOf is a prefix in place; empty for a set, or for every address.
func addressOf(a filter.Addresses) address {
	if !a.Prefix.IsValid() {
		return ""
	}
	return address(a.Prefix.String())
}

// stateOf is empty for every state of a connection.
func stateOf(s string) keyword { return keyword(states[s]) }

// states are connections' states, by the words of package filter.
var states = map[string]string{"established,related": "RELATED,ESTABLISHED", "invalid": "INVALID"}

func hopLimitOf(n uint8) keyword {
	if n == 0 {
		return ""
	}
	return numberOf(n)
}

func numberOf(n uint8) keyword { return keyword(strconv.Itoa(int(n))) }

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

// deviceOf takes the one name of a rule, which artefact.CheckInterface has accepted;
// empty for every interface.
func deviceOf(names []string) device { return device(strings.Join(names, "")) }

// declareChains declares chains, one a line.
func declareChains(chains []string) chainLines {
	var b []byte
	for _, n := range chains {
		b = append(append(append(b, ':'), n...), " - [0:0]\n"...)
	}
	return chainLines(b)
}

// wayLines are rules that go by one address alone: "-A CHAIN -s PREFIX -g CHAIN".
func wayLines(ways []line) ruleLines {
	var b []byte
	word := func(before, value, after string) {
		if value != "" {
			b = append(append(append(b, before...), value...), after...)
		}
	}
	for _, w := range ways {
		word("-A ", w.chain, "")
		word(" -s ", string(addressOf(w.From)), "")
		word(" -d ", string(addressOf(w.To)), "")
		word(" -m set --match-set ", w.From.Set, " src")
		word(" -m set --match-set ", w.To.Set, " dst")
		word(" -g ", w.Target, "\n")
	}
	return ruleLines(b)
}
