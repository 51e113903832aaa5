package nftables

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
		"exchange-in-4k2v9q0zr", "inet filter", "ip6 site.v6-x_1", "ip a.b", "inet drop", "inet 1st", "inet _x", "eth0", "eth1.100", "br-lan",
		"a@b", "-", "eth*", "..", "a;b", "a\"b", "a b\n", strings.Repeat("a", 64), "inet " + strings.Repeat("t", 255),
	}
	elementSeeds = []string{
		"", "\x00\x07\x0a\x00\x00\x00\x01\x1f\x20\x01\x0d\xb8", "\x00\x01\xbb\x01\xbb\x00\xc3\x50\xea\x5f",
		"\x00\x00\x01\x00\x00\x00\x00\x00\x80\x00\x00\x00", "\x01\x7f\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07",
	}
)

// token is a word, a quoted text with its quotes, a sign, or "\n", as nft 1.0.6 scans
// a ruleset (scanner.l): "#" starts a comment outside of quotes, and nothing escapes a
// quote.
type token string

func scan(text string) ([]token, error) {
	var tokens []token
	for text != "" {
		n := 1
		switch c := text[0]; {
		case c == '#':
			n = len(text)
			if end := strings.IndexByte(text, '\n'); end >= 0 {
				n = end
			}
		case c == '"':
			end := strings.IndexByte(text[1:], '"')
			if end < 0 {
				return nil, fmt.Errorf("open quote in %q", text)
			}
			n = end + 2
			tokens = append(tokens, token(text[:n]))
		case isWordByte(c):
			for n < len(text) && isWordByte(text[n]) {
				n++
			}
			tokens = append(tokens, token(text[:n]))
		case strings.IndexByte("\n{},;@=&|!<>", c) >= 0:
			tokens = append(tokens, token(text[:n]))
		case c != ' ' && c != '\t':
			return nil, fmt.Errorf("%q is no sign of nft", c)
		}
		text = text[n:]
	}
	return tokens, nil
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_.:/-", c) >= 0
}

// scanned is the tokens of a text.
func scanned(t *testing.T, text string) []token {
	t.Helper()
	tokens, err := scan(text)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
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

func quotable(r rune) string {
	switch r {
	case '"':
		return "'"
	case '%':
		return "_"
	}
	return printable(r)
}

// FuzzComment holds that both kinds of comments keep every text, fitted as stated,
// and that nft takes nothing of it for a command.
func FuzzComment(f *testing.F) {
	for _, text := range hostileTexts() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		line := string(commentOf(s))
		if want := artefacttest.Fitted(s, maxComment, printable); line != want {
			t.Errorf("comment %q of %q; want %q", line, s, want)
		}
		if got := scanned(t, "# "+line+"\nflush\n"); !slices.Equal(got, []token{"\n", "flush", "\n"}) {
			t.Errorf("comment %q is read as %q", line, got)
		}
		quoted := `"` + string(ruleCommentOf(s)) + `"`
		if want := `"` + artefacttest.Fitted(s, 128, quotable) + `"`; quoted != want {
			t.Errorf("rule comment %s of %q; want %s", quoted, s, want)
		}
		if got := scanned(t, "accept comment "+quoted+"\n"); !slices.Equal(got, []token{"accept", "comment", token(quoted), "\n"}) {
			t.Errorf("rule comment %s is read as %q", quoted, got)
		}
	})
}

var (
	slugForm      = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	tableForm     = regexp.MustCompile(`^(inet|ip|ip6) [A-Za-z_][A-Za-z0-9_.-]{0,254}$`)
	interfaceForm = regexp.MustCompile(`^[A-Za-z0-9_.@-]{1,15}$`)
)

// FuzzName holds that names are kept as they are or refused.
func FuzzName(f *testing.F) {
	for _, s := range nameSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		part, err := slugOf(s)
		artefacttest.CheckRefusal(t, s, err, !slugForm.MatchString(s))
		if err == nil {
			if got := scanned(t, "add set inet t "+string(prefix)+string(part)); got[len(got)-1] != token("gatewright_"+s) {
				t.Errorf("the name with %q is read as %q", s, got)
			}
		}
		table, _, err := tableOf(s)
		family, name, _ := strings.Cut(s, " ")
		artefacttest.CheckRefusal(t, s, err, !tableForm.MatchString(s) || slices.Contains(strings.Fields(keywords), name))
		if got := []token{token(family), token(name)}; err == nil && !slices.Equal(scanned(t, string(table)), got) {
			t.Errorf("table %q is read as %q", table, scanned(t, string(table)))
		}
		err = artefact.CheckInterface(s)
		artefacttest.CheckRefusal(t, s, err, !interfaceForm.MatchString(s) || s == "." || s == "..")
		if err == nil {
			want := []token{token(`"` + s + `"`)}
			if got := scanned(t, string(interfacesOf([]string{s}))); !slices.Equal(got, want) {
				t.Errorf("interface %q is read as %q", s, got)
			}
			want = []token{"{", want[0], ",", `"lo"`, "}"}
			if got := scanned(t, string(interfacesOf([]string{s, "lo"}))); !slices.Equal(got, want) {
				t.Errorf("interfaces %q and lo are read as %q", s, got)
			}
		}
	})
}

// FuzzElements holds that sets of addresses and ports, and marks, are read back as
// they were.
func FuzzElements(f *testing.F) {
	for i, seed := range elementSeeds {
		f.Add([]byte(seed), uint32(1)<<i)
	}
	f.Fuzz(func(t *testing.T, data []byte, mark uint32) {
		prefixes, services := ruletest.PrefixesOf(data), ruletest.ServicesOf(data)
		for _, family := range []filter.Family{filter.IPv4, filter.IPv6} {
			want := family.Of(prefixes)
			var got netset.PrefixBuilder
			if want.IsEmpty() {
				continue
			}
			block := prefixElements(want)
			words := elementsOf(t, string(block))
			for _, w := range words {
				got.Add(readAddress(t, w))
			}
			if !got.Build().Equal(want) || block.count() != len(words) {
				t.Errorf("%s are read as %q", want, words)
			}
		}
		for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
			want := services.Ports(protocol)
			if len(want) == 0 {
				continue
			}
			if got := readPortWords(t, elementsOf(t, string(portElements(want)))); !slices.Equal(got, want) {
				t.Errorf("elements of %v are read as %v", want, got)
			}
			if len(want) == 1 {
				if got := readPortWords(t, elementsOf(t, string(portsOf(filter.Ports{Ranges: want})))); !slices.Equal(got, want) {
					t.Errorf("%v are read as %v", want, got)
				}
			}
		}
		if got, err := strconv.ParseUint(string(bitsOf(mark)), 0, 32); err != nil || uint32(got) != mark {
			t.Errorf("mark %#x is read as %#x, %v", mark, got, err)
		}
	})
}

// elementsOf reads what stands between the braces of a set; a comma may end it.
func elementsOf(t *testing.T, block string) []token {
	t.Helper()
	var words []token
	for i, part := range slices.DeleteFunc(scanned(t, block), func(t token) bool { return t == "\n" }) {
		if (part == ",") != (i%2 == 1) {
			t.Fatalf("element %d of %q is %q", i, block, part)
		}
		if part != "," {
			words = append(words, part)
		}
	}
	return words
}

func readAddress(t *testing.T, w token) netip.Prefix {
	t.Helper()
	p, err := netip.ParsePrefix(string(w))
	if !strings.Contains(string(w), "/") {
		var a netip.Addr
		a, err = netip.ParseAddr(string(w))
		p = netip.PrefixFrom(a, a.BitLen())
	}
	if err != nil || p != p.Masked() {
		t.Fatalf("%q is no prefix: %v", w, err)
	}
	return p
}

func readPortWords(t *testing.T, words []token) []netset.PortRange {
	t.Helper()
	var out []netset.PortRange
	for _, w := range words {
		first, last, ranged := strings.Cut(string(w), "-")
		if !ranged {
			last = first
		}
		a, errA := strconv.ParseUint(first, 10, 16)
		b, errB := strconv.ParseUint(last, 10, 16)
		if errA != nil || errB != nil || ranged && a >= b {
			t.Fatalf("%q is no range of ports", w)
		}
		out = append(out, netset.PortRange{First: uint16(a), Last: uint16(b)})
	}
	return out
}
