package nftables

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/filter"
)

func TestRuleComment(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"##[error]a ###[b] ## #[c]", "# [error]a # #[b] #  #[c]"},
		{"", ""},
		{"plain; } # \\ text", "plain; } # \\ text"},
		{"größer 漢字", "gr??er ??"},
		{`a "quoted" word`, "a 'quoted' word"},
		{"100% %s", "100_ _s"},
		{"a\nb\r\nc\td", "a b  c d"},
		{"\u2028\u202e\x00\x1b[2J\xff\ufffd", " ???[2J??"},
		{strings.Repeat("a", 128), strings.Repeat("a", 128)},
		{strings.Repeat("a", 129), strings.Repeat("a", 125) + "..."},
		{strings.Repeat("漢", 129), strings.Repeat("?", 125) + "..."},
	} {
		if got := ruleCommentOf(c.in); string(got) != c.want {
			t.Errorf("ruleCommentOf(%q) = %q; want %q", c.in, got, c.want)
		}
	}
}

func TestComment(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`a "quoted" 100% \`, `a "quoted" 100% \`},
		{"a\nflush ruleset", "a flush ruleset"},
		{strings.Repeat("ü", 1001), strings.Repeat("?", 997) + "..."},
	} {
		if got := commentOf(c.in); string(got) != c.want {
			t.Errorf("commentOf(%q) = %q; want %q", c.in, got, c.want)
		}
	}
}

func TestSlug(t *testing.T) {
	const bad = " cannot be part of an nft name; expect at most 64 letters, digits, - and _"
	for _, c := range []struct{ in, err string }{
		{"exchange-in-4k2v9q0zr", ""},
		{"", `""` + bad},
		{"a b", `"a b"` + bad},
		{"a;", `"a;"` + bad},
		{"ü", `"ü"` + bad},
		{strings.Repeat("a", 65), `"` + strings.Repeat("a", 65) + `"` + bad},
	} {
		s, err := slugOf(c.in)
		if errorText(err) != c.err {
			t.Errorf("slugOf(%q): error %q; want %q", c.in, errorText(err), c.err)
		}
		if err == nil && string(s) != c.in {
			t.Errorf("slugOf(%q) = %q", c.in, s)
		}
	}
}

func TestTable(t *testing.T) {
	const bad = "; expect a letter or _, then at most 254 letters, digits, - _ and ."
	const family = "; write inet, ip or ip6 and a name, such as \"inet filter\""
	for _, c := range []struct {
		in       string
		families int
		err      string
	}{
		{"inet filter", 2, ""},
		{"ip filter", 1, ""},
		{"ip6 site.v6-x_1", 1, ""},
		{"filter", 0, `"filter": unknown table family "filter"` + family},
		{"bridge filter", 0, `"bridge filter": unknown table family "bridge"` + family},
		{"", 0, `"": unknown table family ""` + family},
		{"inet", 0, `"inet": bad table name ""` + bad},
		{"inet  filter", 0, `"inet  filter": bad table name " filter"` + bad},
		{"inet 1st", 0, `"inet 1st": bad table name "1st"` + bad},
		{"inet a;b", 0, `"inet a;b": bad table name "a;b"` + bad},
		{"inet a\nb", 0, `"inet a\nb": bad table name "a\nb"` + bad},
	} {
		table, families, err := tableOf(c.in)
		if errorText(err) != c.err || len(families) != c.families {
			t.Errorf("tableOf(%q): families %v, error %q; want %d, %q", c.in, families, errorText(err), c.families, c.err)
		}
		if err == nil && string(table) != c.in {
			t.Errorf("tableOf(%q) = %q", c.in, table)
		}
	}
}

func TestPorts(t *testing.T) {
	for _, c := range []struct {
		ports filter.Ports
		want  string
	}{
		{filter.Ports{}, ""},
		{filter.Ports{Ranges: ruletest.Services(t, "tcp 443").Ports(netset.TCP)}, "443"},
		{filter.Ports{Ranges: ruletest.Services(t, "tcp 1-65535").Ports(netset.TCP)}, "1-65535"},
		{filter.Ports{Set: "gatewright_ports_80_443"}, "@gatewright_ports_80_443"},
	} {
		if got := portsOf(c.ports); string(got) != c.want {
			t.Errorf("%+v: %q; want %q", c.ports, got, c.want)
		}
	}
	if got := portElements(ruletest.Services(t, "tcp 80,443,50000-59999").Ports(netset.TCP)); got != "80,\n\t\t\t443,\n\t\t\t50000-59999," {
		t.Errorf("elements %q", got)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// commands reads a ruleset as nft does, as far as comments go: it drops "#" lines
// and the text of rules' comments, which it returns apart.
func commands(t testing.TB, ruleset string) (rest string, comments []string) {
	t.Helper()
	ending := regexp.MustCompile(` comment "([^"\n]*)"$`)
	var kept []string
	for line := range strings.SplitSeq(ruleset, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		if m := ending.FindStringSubmatch(line); m != nil {
			comments = append(comments, m[1])
			line = strings.TrimSuffix(line, m[0])
		}
		kept = append(kept, line)
	}
	return strings.Join(kept, "\n"), comments
}

// TestTextsStayInComments holds that no text of a publisher changes a command, and
// that every rule's comment is one that nft takes.
func TestTextsStayInComments(t *testing.T) {
	want, _ := commands(t, text(t, ruletest.Titled(t, "plain", "tcp 443; udp 443", "192.0.2.0/24", "2001:db8::/32"), nil))
	for _, s := range hostileTexts() {
		got, comments := commands(t, text(t, ruletest.Titled(t, s, "tcp 443; udp 443", "192.0.2.0/24", "2001:db8::/32"), nil))
		if got != want {
			t.Errorf("text %q changes commands:\n%s", s, got)
		}
		if len(comments) != 1 {
			t.Errorf("text %q: %d comments; want 1", s, len(comments))
		}
		for _, c := range comments {
			if len(c) > 128 || !utf8.ValidString(c) || strings.ContainsAny(c, "%\r\x00") {
				t.Errorf("text %q makes the comment %q", s, c)
			}
		}
	}
}
