package pac

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

func TestCommentOf(t *testing.T) {
	for in, want := range map[string]string{
		"":                              "",
		"plain text: 'a' \"b\" \\":      "plain text: 'a' \"b\" \\",
		"a\nb\r\nc\td\u2028e\u0085f":    "a b  c d e f",
		"*/ and </script> and **/":      "* / and < /script> and ** /",
		"ü 漢 \x00\x7f\xff\u202e":        "? ? ????",
		strings.Repeat("a", 1000):       strings.Repeat("a", 1000),
		strings.Repeat("a", 1001):       strings.Repeat("a", 997) + "...",
		strings.Repeat("ü", 2000):       strings.Repeat("?", 997) + "...",
		strings.Repeat("*/", 400) + "x": (strings.Repeat("* /", 400) + "x")[:997] + "...",
	} {
		if got := string(commentOf(in)); got != want {
			t.Errorf("%.40q: comment %q; want %q", in, got, want)
		}
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"":              `''`,
		"DIRECT":        `'DIRECT'`,
		"it's \\ \"x\"": `'it\'s \\ "x"'`,
		"</script>":     `'\u003C/script\u003E'`,
		"*/ /* //":      `'*\/ /* //'`,
		"a\nb\u2028":    `'a\u000Ab\u2028'`,
		"ü😀":            `'\u00FC\uD83D\uDE00'`,
		"\x00\x7f":      `'\u0000\u007F'`,
	} {
		got, err := quote(in)
		if err != nil || string(got) != want {
			t.Errorf("%q: literal %s, %v; want %s", in, got, err, want)
		}
	}
	const want = `"a\xff" is not UTF-8 and cannot stand in a PAC file; write it in UTF-8`
	if _, err := quote("a\xff"); err == nil || err.Error() != want {
		t.Errorf("error %v; want %s", err, want)
	}
}

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

func FuzzComment(f *testing.F) {
	for _, text := range hostileTexts() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := string(commentOf(text))
		bad := strings.ContainsFunc(c, func(r rune) bool { return r < ' ' || r > '~' })
		if bad || len(c) > 1000 || strings.Contains(c, "</") || strings.Contains(c, "*/") {
			t.Errorf("%q: comment %q", text, c)
		}
	})
}

func TestBlocks(t *testing.T) {
	words := []string{"a.example.com", "example.com", "b.example.org", strings.Repeat("x", 250) + ".example.org", strings.Repeat("y", 240) + ".example.org"}
	blocks, err := blocksOf(words, domain)
	if err != nil {
		t.Fatal(err)
	}
	want := "'a.example.com example.com',\n'b.example.org " + words[3] + "',\n'" + words[4] + "'"
	if len(blocks) != 1 || string(blocks[0]) != want {
		t.Errorf("blocks %q; want %q", blocks, want)
	}
	many := make([]string, 25_000)
	for i := range many {
		many[i] = fmt.Sprintf("a.b%d", i)
	}
	blocks, err = blocksOf(many, domain)
	if err != nil || len(blocks) != 3 || strings.Count(string(blocks[0]), "\n") != maxLines-1 {
		t.Errorf("%d blocks, %v; want 3, of %d lines", len(blocks), err, maxLines)
	}
}
