package iptables

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/filter"
)

func TestRuleComment(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"##[error]a ###[b] ## #[c]", "# [error]a # #[b] #  #[c]"},
		{"", ""},
		{"plain; } # % 'text'", "plain; } # % 'text'"},
		{"größer 漢字", "gr??er ??"},
		{`a "quoted" \ word\`, `a \"quoted\" \\ word\\`},
		{"a\nCOMMIT\r\nc\td", "a COMMIT  c d"},
		{"\u2028\u202e\x00\x1b[2J\xff\ufffd", " ???[2J??"},
		{strings.Repeat("a", 255), strings.Repeat("a", 255)},
		{strings.Repeat("a", 256), strings.Repeat("a", 252) + "..."},
		{strings.Repeat(`"`, 255), strings.Repeat(`\"`, 255)},
		{strings.Repeat("漢", 256), strings.Repeat("?", 252) + "..."},
	} {
		if got := escapedComment(c.in); string(got) != c.want {
			t.Errorf("escapedComment(%q) = %q; want %q", c.in, got, c.want)
		}
	}
}

func TestComment(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`a "quoted" 100% \`, `a "quoted" 100% \`},
		{"a\ncreate b hash:net", "a create b hash:net"},
		{strings.Repeat("ü", 501), strings.Repeat("?", 497) + "..."},
	} {
		if got := commentOf(c.in); string(got) != c.want {
			t.Errorf("commentOf(%q) = %q; want %q", c.in, got, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	const charset = " has a character that iptables does not take; expect letters, digits, - and _"
	for _, c := range []struct{ name, err string }{
		{"gw_in-4k2v9q0zr_at_0a1b", ""},
		{"gw_" + strings.Repeat("a", 25), ""},
		{"gw_" + strings.Repeat("a", 26), `name "gw_aaaaaaaaaaaaaaaaaaaaaaaaaa" has 29 bytes; there is room for 28`},
		{"a b", `name "a b"` + charset},
		{"a\nadd", `name "a\nadd"` + charset},
		{"ü", `name "ü"` + charset},
	} {
		if err := checkChain(c.name); errorText(err) != c.err {
			t.Errorf("checkChain(%q): error %q; want %q", c.name, errorText(err), c.err)
		}
	}
	some, other := ruletest.Prefixes(t, "192.0.2.0/24"), ruletest.Prefixes(t, "192.0.2.0/25")
	for chain, stem := range map[string]string{"gw_in-4k2v9q0zr": "gw_in-4k2v9q0zr_", "gw_in-4k2v9q0zr_at_0a1b": "gw_in-4k2v9q0zr_", "gw_OUT_site_0a1b": "gw_OUT_site_0a1b_"} {
		is := setName(chain, some)
		if !strings.HasPrefix(is, stem) || len(is) > 27 || is == setName(chain, other) || is != setName(chain, some) {
			t.Errorf("a set that leads to %s is called %s", chain, is)
		}
	}
}

func TestRuleStem(t *testing.T) {
	for _, c := range []struct {
		id   rule.ID
		want string
	}{
		{"exchange-in-4k2v9q0zr", "in-4k2v9q0zr"},
		{"a-b-c-out-4k2v9q0zr", "out-4k2v9q0zr"},
		{"odd", "odd"},
	} {
		if got := ruleStem(c.id); got != c.want {
			t.Errorf("ruleStem(%q) = %q; want %q", c.id, got, c.want)
		}
	}
}

// TestPorts holds that ports are spread over as few rules as multiport's 15 slots
// allow, in their order.
func TestPorts(t *testing.T) {
	for _, c := range []struct{ services, want, published string }{
		{"tcp 443", "--dport 443", "443"},
		{"tcp 1-65535", "--dport 1:65535", "1:65535"},
		{"tcp 80,443,50000-59999", "--dports 80,443,50000:59999", "80 443 50000:59999"},
		{"tcp 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29", "--dports 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29",
			"1 3 5 7 9 11 13 15 17 19 21 23 25 27 29"},
		{"tcp 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31", "--dports 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29 --dport 31",
			"1 3 5 7 9 11 13 15 17 19 21 23 25 27 29 31"},
		{"tcp 1-2,4-5,7-8,10-11,13-14,16-17,19-20,22", "--dports 1:2,4:5,7:8,10:11,13:14,16:17,19:20,22",
			"1:2 4:5 7:8 10:11 13:14 16:17 19:20 22"},
		{"tcp 1-2,4-5,7-8,10-11,13-14,16-17,19-20,22-23", "--dports 1:2,4:5,7:8,10:11,13:14,16:17,19:20 --dport 22:23",
			"1:2 4:5 7:8 10:11 13:14 16:17 19:20 22:23"},
	} {
		var b lowering
		ranges := ruletest.Services(t, c.services).Ports(netset.TCP)
		var got, gotPublished []string
		for _, l := range b.portLines("c", filter.Rule{Match: filter.Match{Ports: filter.Ports{Ranges: ranges}}}) {
			v := lineOf(l)
			if v.Port != "" {
				got = append(got, "--dport "+string(v.Port))
			}
			if v.Ports != "" {
				got = append(got, "--dports "+string(v.Ports))
			}
		}
		for _, l := range b.portLines("c", filter.Rule{Match: filter.Match{Original: filter.Ports{Ranges: ranges}}}) {
			gotPublished = append(gotPublished, string(lineOf(l).Original))
		}
		if strings.Join(got, " ") != c.want || strings.Join(gotPublished, " ") != c.published {
			t.Errorf("%s: got %q and %q; want %q and %q", c.services, got, gotPublished, c.want, c.published)
		}
	}
}

func TestPortOf(t *testing.T) {
	for r, want := range map[netset.PortRange]ports{
		{First: 443, Last: 443}:     "443",
		{First: 50000, Last: 59999}: "50000:59999",
	} {
		if got := portOf(r); got != want {
			t.Errorf("portOf(%v) = %q; want %q", r, got, want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// commands reads an artefact as the tools do, as far as comments go: a physical line
// ends at limit bytes, a "#" line is dropped, and the text of a rule's comment is
// returned apart, without its escapes.
func commands(t testing.TB, text string, limit int) (rest string, comments []string) {
	t.Helper()
	var kept []string
	for line := range strings.SplitSeq(text, "\n") {
		if len(line) >= limit {
			t.Fatalf("a line of %d bytes is read as two", len(line))
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		head, quoted, ok := strings.Cut(line, `--comment "`)
		if ok {
			comment, tail := unquote(quoted)
			comments = append(comments, comment)
			line = head + tail
		}
		kept = append(kept, line)
	}
	return strings.Join(kept, "\n"), comments
}

// unquote reads up to the quote that no backslash escapes.
func unquote(s string) (text, tail string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:]
		case '\\':
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), "(open quote)"
}

// TestTextsStayInComments holds that no text of a publisher changes a command, and
// that every rule's comment is one that iptables keeps whole.
func TestTextsStayInComments(t *testing.T) {
	limits := map[string]int{"gatewright.ipset": 1023, "gatewright.iptables": 10239, "gatewright.ip6tables": 10239}
	want := map[string]string{}
	for name, text := range texts(t, ruletest.Titled(t, "plain", "tcp 443; udp 443", "192.0.2.0/24", "2001:db8::/32"), nil) {
		want[name], _ = commands(t, text, limits[name])
	}
	for _, s := range hostileTexts() {
		files := texts(t, ruletest.Titled(t, s, "tcp 443; udp 443", "192.0.2.0/24", "2001:db8::/32"), nil)
		for _, name := range slices.Sorted(maps.Keys(files)) {
			got, comments := commands(t, files[name], limits[name])
			if got != want[name] {
				t.Errorf("text %q changes commands of %s:\n%s", s, name, got)
			}
			if name != "gatewright.ipset" && len(comments) != 2 {
				t.Errorf("text %q: %d comments in %s; want 2", s, len(comments), name)
			}
			for _, c := range comments {
				if len(c) > 255 || strings.ContainsFunc(c, func(r rune) bool { return r < ' ' || r > '~' }) {
					t.Errorf("text %q makes the comment %q", s, c)
				}
			}
		}
	}
}
