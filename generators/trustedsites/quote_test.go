package trustedsites

import (
	"strings"
	"testing"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
)

func TestComment(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"##[error]a ###[b] ## #[c]", "# [error]a # #[b] #  #[c]"},
		{"", ""},
		{`plain "text"; # [x]`, `plain "text"; # [x]`},
		{"a\r\nb\tc", "a  b c"},
		{`C:\x\`, "C:/x/"},
		{"größer 漢字", "gr??er ??"},
		{"\u2028\u0085\u202e\x00\xff\x7f", "  ? ? "},
		{strings.Repeat("a", maxComment), strings.Repeat("a", maxComment)},
		{strings.Repeat("ü", maxComment+1), strings.Repeat("?", maxComment-3) + "..."},
	} {
		if got := commentOf(c.in); string(got) != c.want {
			t.Errorf("commentOf(%q) = %q; want %q", c.in, got, c.want)
		}
	}
}

func TestPath(t *testing.T) {
	const domains = `\Software\Microsoft\Windows\CurrentVersion\Internet Settings\ZoneMap\Domains\`
	for _, c := range []struct {
		hive string
		key  key
		want string
	}{
		{hiveUser, key{"example.com", ""}, "HKEY_CURRENT_USER" + domains + "example.com"},
		{hiveUser, key{"example.com", "*.a"}, "HKEY_CURRENT_USER" + domains + `example.com\*.a`},
		{hiveMachine, key{"example.com", "a.b"}, "HKEY_LOCAL_MACHINE" + domains + `example.com\a.b`},
	} {
		if got := pathOf(c.hive, c.key); string(got) != c.want {
			t.Errorf("pathOf(%s, %v) = %q; want %q", c.hive, c.key, got, c.want)
		}
	}
}

// titled is a policy of one trusted site, with a text in every place of a policy
// that may hold any text.
func titled(t testing.TB, text string) *rule.Policy {
	s := trusted(t, "a", "www.example.com", "*.a.example.org")
	s.Entry.Title, s.Entry.Row, s.Entry.Condition = text, text, text
	return ruletest.Compile(t, rule.Input{
		Sources:      []rule.Source{{Name: text, Version: text, Digest: text}},
		TrustedSites: []rule.TrustedSite{s},
		Open:         []rule.Open{{Entry: s.Entry, Missing: rule.MissingPath, Endpoint: text, Why: text}},
	})
}

// statements are the lines of a registry file that are not comments.
func statements(data []byte) string {
	var b strings.Builder
	for line := range strings.Lines(string(data)) {
		if !strings.HasPrefix(line, ";") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// TestTextsStayInComments holds that no text of a publisher changes a key or a
// value, and that the file stays ASCII with CR LF.
func TestTextsStayInComments(t *testing.T) {
	want := statements(generate(t, titled(t, "plain"), nil).Artefacts[0].Data)
	for _, s := range hostileTexts() {
		data := generate(t, titled(t, s), nil).Artefacts[0].Data
		if got := statements(data); got != want {
			t.Errorf("text %q changes the file:\n%s", s, data)
		}
		read(t, data)
		for line := range strings.SplitSeq(string(data), "\r\n") {
			if len(line) > maxComment+2 || strings.HasSuffix(line, `\`) {
				t.Errorf("text %q makes the line %q", s, line)
			}
		}
	}
}
