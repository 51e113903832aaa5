package iptables

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/artefact/artefacttest"
	"gatewright/generators/filter"
)

// Seeds of the fuzz targets beside hostileTexts.
var (
	nameSeeds = []string{
		"exchange-in-4k2v9q0zr", "role_clients", "eth0", "eth1.100", "br-lan", "a@b", "-", "eth+", "..", "a b", "a\nCOMMIT\n", "\"", "\u00fc",
		"0123456789012345678901", "0123456789012345678901234",
	}
	elementSeeds = []string{
		"", "\x00\x07\x0a\x00\x00\x00\x01\x1f\x20\x01\x0d\xb8", "\x00\x01\xbb\x01\xbb\x00\xc3\x50\xea\x5f",
		"\x00\x00\x00\x00\x00\x00\x00\x00\x80\x00\x00\x00", "\x01\x7f\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07",
	}
)

// restoreWords splits a line as iptables-restore 1.8.9 does (add_param_to_argv): at
// spaces and tabs outside of quotes; in quotes a backslash takes what follows it.
func restoreWords(line string) ([]string, error) {
	var words []string
	word, quoted, open := "", false, false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quoted && c == '\\' && i+1 < len(line):
			i++
			word += line[i : i+1]
		case c == '"':
			quoted, open = !quoted, true
		case !quoted && (c == ' ' || c == '\t' || c == '\n'):
			if open {
				words = append(words, word)
			}
			word, open = "", false
		default:
			word, open = word+line[i:i+1], true
		}
	}
	if quoted {
		return nil, fmt.Errorf("open quote in %q", line)
	}
	if open {
		words = append(words, word)
	}
	return words, nil
}

func printable(r rune) string {
	switch {
	case unicode.IsSpace(r):
		return " "
	case r > unicode.MaxASCII || !unicode.IsPrint(r):
		return "?"
	}
	return string(r)
}

// FuzzComment holds that both kinds of comments keep every text, fitted as stated,
// and that the tools take nothing of it for a command.
func FuzzComment(f *testing.F) {
	for _, text := range hostileTexts() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		line := string(commentOf(s))
		if want := artefacttest.Fitted(s, 500, printable); line != want || strings.Contains(line, "\n") {
			t.Errorf("comment %q of %q; want %q", line, s, want)
		}
		got, err := restoreWords(`-A c -m comment --comment "` + string(escapedComment(s)) + "\" -j ACCEPT\n")
		want := []string{"-A", "c", "-m", "comment", "--comment", artefacttest.Fitted(s, 255, printable), "-j", "ACCEPT"}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("rule comment of %q is read as %q, %v; want %q", s, got, err, want)
		}
	})
}

var (
	chainForm     = regexp.MustCompile(`^[A-Za-z0-9_-]{0,25}$`) // behind "gw_"
	interfaceForm = regexp.MustCompile(`^[A-Za-z0-9_.@-]{1,15}$`)
)

// FuzzName holds that names are kept as they are or refused, and stay one word.
func FuzzName(f *testing.F) {
	for _, s := range nameSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		err := checkChain(prefix + s)
		artefacttest.CheckRefusal(t, s, err, !chainForm.MatchString(s))
		if err == nil {
			checkWord(t, prefix+s, "gw_"+s, 28)
		}
		err = artefact.CheckInterface(s)
		artefacttest.CheckRefusal(t, s, err, !interfaceForm.MatchString(s) || s == "." || s == "..")
		if err == nil {
			checkWord(t, string(deviceOf([]string{s})), s, 15)
		}
	})
}

func checkWord(t *testing.T, text, want string, limit int) {
	t.Helper()
	words, err := restoreWords("-A " + text + " -j x")
	if err != nil || len(words) != 4 || words[1] != want || len(text) > limit {
		t.Errorf("%q is read as %q, %v; want %q", text, words, err, want)
	}
}

// FuzzElements holds that sets, trees of chains, ports and marks are read back as
// they were.
func FuzzElements(f *testing.F) {
	for i, seed := range elementSeeds {
		f.Add([]byte(seed), uint32(1)<<i)
	}
	f.Fuzz(func(t *testing.T, data []byte, mark uint32) {
		prefixes, services := ruletest.PrefixesOf(data), ruletest.ServicesOf(data)
		for _, family := range []family{ipv4, ipv6} {
			if want := filter.Family(family).Of(prefixes); !want.IsEmpty() {
				if got := readAdds(t, "gw_x_4", string(addElements("gw_x_4", want))); !got.Equal(want) {
					t.Errorf("%s is read as %s", want, got)
				}
			}
		}
		for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
			if want := services.Ports(protocol); len(want) > 0 {
				if got := readPortList(t, string(portsOf(want))); !slices.Equal(got, want) {
					t.Errorf("%v is read as %v", want, got)
				}
			}
		}
		if mark != 0 {
			checkMark(t, string(endOf(filter.Rule{SetMark: mark})), mark, mark)
			checkMark(t, string(endOf(filter.Rule{ClearMark: mark})), 0, mark)
		}
	})
}

// readAdds reads lines for ipset: it splits at white space and knows no quotes.
func readAdds(t *testing.T, set, lines string) netset.PrefixSet {
	t.Helper()
	var b netset.PrefixBuilder
	for line := range strings.SplitSeq(lines, "\n") {
		words := strings.Fields(line)
		if len(words) != 3 || words[0] != "add" || words[1] != set {
			t.Fatalf("line %q adds nothing to %s", line, set)
		}
		p, err := netip.ParsePrefix(words[2])
		if !strings.Contains(words[2], "/") {
			var a netip.Addr
			a, err = netip.ParseAddr(words[2])
			p = netip.PrefixFrom(a, a.BitLen())
		}
		if err != nil || p.Bits() == 0 { // hash:net refuses it
			t.Fatalf("line %q: %v", line, err)
		}
		b.Add(p)
	}
	return b.Build()
}

// readPortList reads what multiport reads: ports, and ranges with a colon.
func readPortList(t *testing.T, list string) []netset.PortRange {
	t.Helper()
	var out []netset.PortRange
	for text := range strings.SplitSeq(list, ",") {
		first, last, ranged := strings.Cut(text, ":")
		if !ranged {
			last = first
		}
		a, errA := strconv.ParseUint(first, 10, 16)
		b, errB := strconv.ParseUint(last, 10, 16)
		if errA != nil || errB != nil || ranged && a >= b {
			t.Fatalf("%q is no port or range", text)
		}
		out = append(out, netset.PortRange{First: uint16(a), Last: uint16(b)})
	}
	return out
}

// checkMark reads the target's value and mask: the bits that are set, and those that
// are changed.
func checkMark(t *testing.T, target string, value, mask uint32) {
	t.Helper()
	text, ok := strings.CutPrefix(target, "-j MARK --set-xmark ")
	first, second, both := strings.Cut(text, "/")
	v, errV := strconv.ParseUint(first, 0, 32)
	m, errM := strconv.ParseUint(second, 0, 32)
	if !ok || !both || errV != nil || errM != nil || uint32(v) != value || uint32(m) != mask {
		t.Errorf("%q sets %#x of %#x; want %#x of %#x", target, v, m, value, mask)
	}
}
