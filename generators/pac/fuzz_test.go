package pac

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact/artefacttest"
)

// readLiteral reads a string literal as ECMAScript 3 does (section 7.8.4), and
// fails on what our literals do not need.
func readLiteral(s string) (string, error) {
	inner, found := strings.CutPrefix(s, "'")
	var units []uint16
	for found && inner != "" {
		c := inner[0]
		switch {
		case c == '\'':
			if inner != "'" {
				return "", fmt.Errorf("%q after the literal", inner[1:])
			}
			return string(utf16.Decode(units)), nil
		case c < ' ' || c > '~':
			return "", fmt.Errorf("byte %#x", c)
		case c != '\\':
			units, inner = append(units, uint16(c)), inner[1:]
		case strings.HasPrefix(inner, `\u`) && len(inner) >= 6:
			v, err := strconv.ParseUint(inner[2:6], 16, 16)
			if err != nil {
				return "", err
			}
			units, inner = append(units, uint16(v)), inner[6:]
		case len(inner) > 1 && strings.IndexByte(`'\/`, inner[1]) >= 0:
			units, inner = append(units, uint16(inner[1])), inner[2:]
		default:
			return "", fmt.Errorf("escape %q", inner)
		}
	}
	return "", fmt.Errorf("no literal")
}

func FuzzQuote(f *testing.F) {
	for _, text := range hostileTexts() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := quote(text)
		if (err == nil) != utf8.ValidString(text) {
			t.Fatalf("%q: error %v", text, err)
		}
		if err != nil {
			return
		}
		got, err := readLiteral(string(l))
		if err != nil || got != text {
			t.Errorf("%q: %s reads as %q, %v", text, l, got, err)
		}
		if strings.Contains(string(l), "</") || strings.Contains(string(l), "*/") {
			t.Errorf("%q: %s ends a script or a comment", text, l)
		}
	})
}

// ascii is a printable character of ASCII, or what.
func ascii(r rune) string {
	switch {
	case unicode.IsSpace(r):
		return " "
	case r < ' ' || r > '~':
		return "?"
	}
	return string(r)
}

// FuzzComment holds that comments keep every text, fitted as stated, and end neither
// their line nor a comment or a script around it.
func FuzzComment(f *testing.F) {
	for _, text := range hostileTexts() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := string(commentOf(text))
		whole := strings.NewReplacer("*/", "* /", "</", "< /").Replace(artefacttest.Fitted(text, len(text)+3, ascii))
		if want := artefacttest.Fitted(whole, 1000, ascii); c != want {
			t.Errorf("comment %q of %q; want %q", c, text, want)
		}
		bad := strings.ContainsFunc(c, func(r rune) bool { return r < ' ' || r > '~' })
		if bad || strings.Contains(c, "</") || strings.Contains(c, "*/") {
			t.Errorf("%q: comment %q", text, c)
		}
	})
}

// FuzzProxy holds that proxies are kept as they are or refused, and that an answer
// names them in their order.
func FuzzProxy(f *testing.F) {
	for _, s := range []string{"proxy.example.com:8080", "192.0.2.1:3128, [2001:db8::1]:8080", "direct", "proxy", "p:1", "p:0", "p", "[::1%eth0]:80", "a;b:1", "p:1; DIRECT", "*.p.example:1", "[192.0.2.1]:80", "::1:80", "HTTPS p:443, SOCKS5 [::1]:1080", "SOCKS p", "https p:1"} {
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, s string, fallback bool) {
		proxies, err := parseVia(rule.Via(s), []proxy{"PROXY given:1"})
		if err != nil {
			if strings.ContainsFunc(err.Error(), unicode.IsControl) {
				t.Errorf("%q: error %q", s, err)
			}
			return
		}
		want := strings.Split(s, ",")
		switch rule.Via(s) {
		case rule.Direct:
			want, fallback = nil, true
		case rule.Proxied:
			want = []string{"given:1"}
		}
		l, err := answerOf(proxies, fallback)
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		answer, err := readLiteral(string(l))
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		elements := strings.Split(answer, "; ")
		if fallback {
			if last := len(elements) - 1; elements[last] != "DIRECT" {
				t.Errorf("%q: answer %q", s, answer)
			} else {
				elements = elements[:last]
			}
		}
		if len(elements) != len(want) {
			t.Fatalf("%q: answer %q", s, answer)
		}
		for i, element := range elements {
			given := strings.Trim(want[i], " ")
			if !strings.Contains(given, " ") {
				given = "PROXY " + given
			}
			kind, address, ok := strings.Cut(element, " ")
			if !ok || element != given || !slices.Contains([]string{"PROXY", "HTTPS", "SOCKS", "SOCKS5"}, kind) || !isHostPort(address) {
				t.Errorf("%q: answer %q", s, answer)
			}
		}
	})
}

// isHostPort reads what stands after PROXY in an answer: a name or an address, in
// brackets if it has colons, and a port.
func isHostPort(s string) bool {
	host, port, err := net.SplitHostPort(s)
	n, errPort := strconv.ParseUint(port, 10, 16)
	_, errAddress := netip.ParseAddr(host)
	name := strings.Trim(strings.ToLower(host), "abcdefghijklmnopqrstuvwxyz0123456789-_.") == ""
	return err == nil && errPort == nil && n > 0 && (errAddress == nil || name) && strings.Contains(host, ":") == (s[0] == '[')
}

// FuzzElements holds that blocks of words are read back as they were, in their order,
// on lines that are not too long.
func FuzzElements(f *testing.F) {
	f.Add([]byte("\x00\x07\x0a\x00\x00\x00\x01\x1f\x20\x01\x0d\xb8"), "*.example.com a.b.example.com x.example.org")
	f.Add([]byte("\x00\x01\xbb\x01\xbb\x00\xc3\x50\xea\x5f"), "")
	f.Fuzz(func(t *testing.T, data []byte, names string) {
		var patterns []string
		for _, text := range strings.Fields(names) {
			if p, err := netset.ParsePattern(text); err == nil {
				patterns = append(patterns, p.String())
			}
		}
		checkBlocks(t, prefixWords(slices.Collect(ruletest.PrefixesOf(data).Prefixes())), network)
		checkBlocks(t, portWords(ruletest.ServicesOf(data)), together)
		checkBlocks(t, patterns, domain)
	})
}

func checkBlocks(t *testing.T, words []string, group func(string) string) {
	t.Helper()
	blocks, err := blocksOf(words, group)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, b := range blocks {
		for line := range strings.SplitSeq(string(b), ",\n") {
			text, err := readLiteral(line)
			if err != nil || len(text) > maxLine && strings.Contains(text, " ") {
				t.Fatalf("line %q: %v", line, err)
			}
			got = append(got, strings.Split(text, " ")...)
		}
	}
	if !slices.Equal(got, words) {
		t.Errorf("%q is read as %q", words, got)
	}
}

// TestRealReaderOfSeeds holds that interpreters take the texts that seed the fuzz
// targets as their reader does: a script tells the units of each literal.
func TestRealReaderOfSeeds(t *testing.T) {
	const script = "%s\nfunction FindProxyForURL(url, host) {\n" +
		"  var all = '', i;\n  for (i = 0; i < text.length; i++) {\n    all += text.charCodeAt(i) + '.';\n  }\n  return all;\n}\n"
	asked := 0
	for _, text := range append(hostileTexts(), "</script>", "it's \\ \"x\"", "a*/b") {
		l, err := quote(text)
		if err != nil {
			continue
		}
		asked++
		read, err := readLiteral(string(l))
		if err != nil {
			t.Fatal(err)
		}
		var want strings.Builder
		for _, unit := range utf16.Encode([]rune(read)) {
			fmt.Fprintf(&want, "%d.", unit)
		}
		file := fmt.Sprintf(script, "// "+string(commentOf(text))+"\nvar text = "+string(l)+";")
		for name, evaluate := range engines {
			got, err := evaluate(t.Context(), []byte(file), []string{"https://example.com/"})
			if err != nil || got[0] != want.String() {
				t.Errorf("%s reads %s as %q, %v", name, l, got, err)
			}
		}
	}
	if asked < 5 {
		t.Errorf("%d literals were asked", asked)
	}
}
