package squid

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
)

func TestComment(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"##[error]a ###[b] ## #[c]", "# [error]a # #[b] #  #[c]"},
		{"", ""},
		{`plain "text"; } # \`, `plain "text"; } # \`},
		{"größer 漢字", "gr??er ??"},
		{"a\nhttp_access allow all\r\nb\tc", "a http_access allow all  b c"},
		{"\u2028\u0085\u202e\x00\x1b[2J\xff\ufffd", "  ?  [2J??"},
		{strings.Repeat("a", maxComment), strings.Repeat("a", maxComment)},
		{strings.Repeat("a", maxComment+1), strings.Repeat("a", maxComment-3) + "..."},
		{strings.Repeat("ü", maxComment+1), strings.Repeat("?", maxComment-3) + "..."},
	} {
		if got := commentOf(c.in); string(got) != c.want {
			t.Errorf("commentOf(%q) = %q; want %q", c.in, got, c.want)
		}
	}
}

func TestACLName(t *testing.T) {
	long := strings.Repeat("a", 53)
	for _, c := range []struct{ in, err string }{
		{"src_clients", ""},
		{strings.Repeat("a", 52), ""},
		{long, `ACL name "gatewright_` + long + `" has 64 characters; Squid takes at most 63`},
		{"a b", `ACL name "gatewright_a b" has a character that Squid's syntax does not take; expect letters, digits, - and _`},
		{"a\nb", `ACL name "gatewright_a\nb" has a character that Squid's syntax does not take; expect letters, digits, - and _`},
		{`a"`, `ACL name "gatewright_a\"" has a character that Squid's syntax does not take; expect letters, digits, - and _`},
		{"ü", `ACL name "gatewright_ü" has a character that Squid's syntax does not take; expect letters, digits, - and _`},
	} {
		name, err := aclNameOf(c.in)
		if errorText(err) != c.err {
			t.Errorf("aclNameOf(%q): error %q; want %q", c.in, errorText(err), c.err)
		}
		if err == nil && string(name) != aclPrefix+c.in {
			t.Errorf("aclNameOf(%q) = %q", c.in, name)
		}
	}
}

func TestDir(t *testing.T) {
	const quoting = ` has a character that needs quoting; write a path of letters, digits, and - _ . /`
	const plain = ` is not a plain path to a folder; write it without trailing slash, empty parts, . and ..`
	long := "/" + strings.Repeat("d", artefact.MaxFolder)
	for _, c := range []struct{ in, err string }{
		{"/etc/squid/gatewright", ""},
		{"/srv/squid-5.7/lists_a", ""},
		{long[:artefact.MaxFolder], ""},
		{"", `option dir: "" is not an absolute path; write one such as /etc/squid/gatewright`},
		{"gatewright", `option dir: "gatewright" is not an absolute path; write one such as /etc/squid/gatewright`},
		{long, `option dir: "` + long[:artefact.MaxFolder] + `..." has 121 characters; write a path of at most 120`},
		{"/a b", `option dir: "/a b"` + quoting},
		{"/a\"b", `option dir: "/a\"b"` + quoting},
		{"/a\nb", `option dir: "/a\nb"` + quoting},
		{"/a$(b)", `option dir: "/a$(b)"` + quoting},
		{"/", `option dir: "/"` + plain},
		{"/a/", `option dir: "/a/"` + plain},
		{"/a//b", `option dir: "/a//b"` + plain},
		{"/a/../b", `option dir: "/a/../b"` + plain},
		{"/etc/squid/conf.d", `option dir: squid.conf reads the folder "/etc/squid/conf.d" anyway, so the rules would be loaded twice; write another folder such as /etc/squid/gatewright`},
	} {
		_, err := artefact.Configure(Generator{}.Options(), map[string][]string{"dir": {c.in}})
		if errorText(err) != c.err {
			t.Errorf("dir %q: error %q; want %q", c.in, errorText(err), c.err)
		}
	}
}

// TestExpressionMeansThePattern compares each expression with the pattern over a
// small world of names.
func TestExpressionMeansThePattern(t *testing.T) {
	labels := []string{"a", "b", "ab", "ba", "a-b", "aab"}
	var names []string
	for _, x := range labels {
		names = append(names, x+".b.com", x+".bacom", x+"b.com", "xb.com")
		for _, y := range labels {
			names = append(names, y+"."+x+".b.com")
			for _, z := range labels {
				names = append(names, z+"."+y+"."+x+".b.com")
			}
		}
	}
	for _, text := range []string{"*a.b.com", "a*.b.com", "a*b.b.com", "*a*.b.com", "a.*.b.com", "*.*.b.com", "*.a*.b.com", "*.*.a.b.com", "*.a.*.b.com", "*-*.b.com"} {
		p := ruletest.Pattern(t, text)
		e := regexp.MustCompile(expression(p))
		for _, name := range names {
			if e.MatchString(name) != p.Match(name) {
				t.Errorf("%s: %s matches %q: %t", text, e, name, e.MatchString(name))
			}
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// directives reads a configuration as Squid does, as far as comments go.
func directives(conf []byte) string {
	var b strings.Builder
	for line := range strings.Lines(string(conf)) {
		if line = strings.TrimLeft(line, " \t"); line != "" && line[0] != '#' {
			b.WriteString(line)
		}
	}
	return b.String()
}

// TestTextsStayInComments holds that no text of a publisher changes a directive or
// a token, and that every line is one that Squid reads whole.
func TestTextsStayInComments(t *testing.T) {
	want := generate(t, ruletest.Compile(t, ruletest.Titled(t, "plain", "tcp 443", "192.0.2.0/24", "*.example.com")), nil)
	for _, s := range hostileTexts() {
		got := generate(t, ruletest.Compile(t, ruletest.Titled(t, s, "tcp 443", "192.0.2.0/24", "*.example.com")), nil)
		if len(got.Artefacts) != len(want.Artefacts) {
			t.Fatalf("text %q: %d artefacts; want %d", s, len(got.Artefacts), len(want.Artefacts))
		}
		for i, a := range got.Artefacts {
			if directives(a.Data) != directives(want.Artefacts[i].Data) {
				t.Errorf("text %q changes %s:\n%s", s, a.Name, a.Data)
			}
			if !utf8.Valid(a.Data) || strings.ContainsAny(string(a.Data), "\r\x00\x1b") {
				t.Errorf("text %q leaves a control character in %s", s, a.Name)
			}
			for line := range strings.Lines(string(a.Data)) {
				if len(line) > 2000 {
					t.Errorf("text %q makes a line of %d bytes in %s", s, len(line), a.Name)
				}
			}
		}
	}
}
