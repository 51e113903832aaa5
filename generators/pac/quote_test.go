package pac

import (
	"fmt"
	"strings"
	"testing"
)

func TestCommentOf(t *testing.T) {
	for in, want := range map[string]string{
		"":                              "",
		"plain text: 'a' \"b\" \\":      "plain text: 'a' \"b\" \\",
		"a\nb\r\nc\td\u2028e\u0085f":    "a b  c d e f",
		"*/ and </script> and **/":      "* / and < /script> and ** /",
		"##[error]a ###[b] ## #[c]":     "# [error]a # #[b] #  #[c]",
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
	const want = `"a\xff" is not UTF-8 and cannot be in a PAC file; write it in UTF-8`
	if _, err := quote("a\xff"); err == nil || err.Error() != want {
		t.Errorf("error %v; want %s", err, want)
	}
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
