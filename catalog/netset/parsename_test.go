package netset

import (
	"strings"
	"testing"
)

var (
	label63 = strings.Repeat("a", 63)
	name253 = strings.Repeat(label63+".", 3) + strings.Repeat("b", 57) + ".com"
)

func TestParsePattern(t *testing.T) {
	for in, want := range map[string]string{
		"example.com":                           "example.com",
		"Example.COM.":                          "example.com",
		"_dmarc.example.com":                    "_dmarc.example.com",
		"xn--bcher-kva.example":                 "xn--bcher-kva.example",
		"*.example.com":                         "*.example.com",
		"**.example.com":                        "*.example.com",
		"a***b.**.example.com":                  "a*b.*.example.com",
		"*cdn.msocdn.com":                       "*cdn.msocdn.com",
		"r3---sn-4g5e.example.com":              "r3---sn-4g5e.example.com",
		"1.2.3.4.example":                       "1.2.3.4.example",
		label63 + ".com":                        label63 + ".com",
		"*" + label63 + ".example.com":          "*" + label63 + ".example.com",
		name253:                                 name253,
		name253 + ".":                           name253,
		"autodiscover.*.onmicrosoft.com":        "autodiscover.*.onmicrosoft.com",
		"*.blob.core.windows.net":               "*.blob.core.windows.net",
		"*" + name253[1:] + ".":                 "*" + name253[1:],
		"*.*." + "example.com":                  "*.*.example.com",
		"a*" + strings.Repeat("a", 62) + ".x.y": "a*" + strings.Repeat("a", 62) + ".x.y",
	} {
		p, err := ParsePattern(in)
		if err != nil || p.String() != want {
			t.Errorf("%q: %q, %v", in, p, err)
		}
	}
}

// nameErrors are the errors that a pattern and a name share.
func nameErrors() []struct{ in, want string } {
	return []struct{ in, want string }{
		{"", `empty name; write one such as "www.example.com"`},
		{".", `empty name`},
		{"..", `has an empty label`},
		{"example.com..", `has an empty label`},
		{"a..example.com", `"a..example.com" has an empty label; write one dot between labels`},
		{".example.com", `starts with a dot; write "*.example.com" for the names below it, and "example.com" for itself`},
		{"a" + label63 + ".com", `has a label of 64 characters; write at most 63`},
		{"a" + name253, `has a label of 64 characters`},
		{"a." + name253, `has 255 characters; write a name of at most 253`},
		{strings.Repeat("a.", 5000) + "com", `has 10003 characters`},
		{"https://www.example.com/a?b", `is a URL; write only the host, "www.example.com"`},
		{"https://b\u00fccher.example/", `is a URL; write only the host`},
		{"aka.ms/hybridwizard", `has a path; write only the host, "aka.ms"`},
		{"www.example.com:443", `has a port; write only the host, "www.example.com", and the port under services`},
		{"192.0.2.1", `is an IP literal or ends like one, so it is not a name; write an address as a prefix`},
		{"127.1", `is an IP literal`},
		{"0x7f.1", `is an IP literal`},
		{"127.0x1", `is an IP literal`},
		{"www.example.0x", `is an IP literal`},
		{"192.0.2.0/24", `is an IP literal`},
		{"192.0.2.1:443", `is an IP literal`},
		{"2001:db8::1", `is an IP literal`},
		{"[2001:db8::1]:443", `is an IP literal`},
		{"B\u00dccher.example", `is not ASCII; write the name in its A-label form, "xn--bcher-kva.example"`},
		{"*.\u4f8b\u3048.jp", `is not ASCII; write the name in its A-label form, "*.xn--r8jz45g.jp"`},
		{"*b\u00fc.example.com", `is not ASCII; write the name in its A-label form`},
		{"bu\u0308cher.example", `is not ASCII; write the name in its A-label form`},
		{"\uff45xample.com", `is not ASCII; write the name in its A-label form`},
		{"a\xff.example.com", `is not UTF-8`},
		{"www.example.com ", `has a space or a control character`},
		{"www.example.com\nallow all", `has a space or a control character`},
		{"a\x00.example.com", `has a space or a control character`},
		{"a\u2028.example.com", `has a space or a control character`},
		{"user@example.com", `has a character that is not allowed in a name; write letters, digits, "-", "_" and ".", and "*" in a pattern`},
		{`"example.com"`, `has a character that is not allowed in a name; write letters, digits, "-", "_" and ".", and "*" in a pattern`},
		{"<tenant>.example.com", `has a character that is not allowed in a name; write letters, digits, "-", "_" and ".", and "*" in a pattern`},
		{"www.exam?le.com", `"www.exam" has a user or a query, as URLs have; write only the host, "www.exam"`},
		{"u:pw@www.example.com/p?tok", `"www.example.com/p" has a user or a query, as URLs have; write only the host, "www.example.com"`},
		{"https://u:pw@www.example.com/p?tok", `"https://www.example.com/p" is a URL; write only the host, "www.example.com"`},
	}
}

func TestParsePatternErrors(t *testing.T) {
	cases := append(nameErrors(), []struct{ in, want string }{
		{"*", `"*" matches every name; write the domains that are meant, such as "*.example.com"`},
		{"**", `"*" matches every name; write the domains that are meant, such as "*.example.com"`},
		{"*.com", `"*.com" has a star in its last two labels; write two labels after the last star`},
		{"*.com.", `has a star in its last two labels`},
		{"*example.com", `has a star in its last two labels`},
		{"www.*.com", `has a star in its last two labels`},
		{"www.example.*", `has a star in its last two labels`},
		{"*..com", `has an empty label`},
		{"localhost", `is a single label; write the full name with its domain, such as "localhost.example.com"`},
		{"*.192.0.2.1", `is an IP literal`},
	}...)
	for _, c := range cases {
		if p, err := ParsePattern(c.in); err == nil || p != (Pattern{}) {
			t.Errorf("%q: %q, %v", clip(c.in), p, err)
		} else {
			checkMessage(t, c.in, err, c.want)
		}
	}
}

func TestParseName(t *testing.T) {
	for in, want := range map[string]string{
		"localhost":        "localhost",
		"WWW.Example.com.": "www.example.com",
		name253:            name253,
	} {
		if got, err := ParseName(in); got != want || err != nil {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	cases := append(nameErrors(), []struct{ in, want string }{
		{"*.example.com", `has a star; write one whole name`},
		{"*", `has a star; write one whole name`},
		{"2130706433", `is an IP literal`},
		{"0x7f000001", `is an IP literal`},
	}...)
	for _, c := range cases {
		if got, err := ParseName(c.in); err == nil || got != "" {
			t.Errorf("%q: %q, %v", clip(c.in), got, err)
		} else {
			checkMessage(t, c.in, err, c.want)
		}
	}
}

// TestPunycode uses samples of RFC 3492 section 7.1, in lower case, and names in use.
func TestPunycode(t *testing.T) {
	for in, want := range map[string]string{
		"b\u00fccher":  "bcher-kva",
		"m\u00fcnchen": "mnchen-3ya",
		"stra\u00dfe":  "strae-oqa",
		"\u00fc":       "tda",
		"\u4f8b\u3048": "r8jz45g",
		"\u4ed6\u4eec\u4e3a\u4ec0\u4e48\u4e0d\u8bf4\u4e2d\u6587": "ihqwcrb4cv8a8dqg056pqjye",
		"\u043f\u043e\u0447\u0435\u043c\u0443\u0436\u0435\u043e\u043d\u0438\u043d\u0435\u0433\u043e\u0432\u043e\u0440\u044f\u0442\u043f\u043e\u0440\u0443\u0441\u0441\u043a\u0438": "b1abfaaepdrnnbgefbadotcwatmq2g4l",
		"3\u5e74b\u7d44\u91d1\u516b\u5148\u751f": "3b-ww4c5e180e575a65lsy2b",
	} {
		if got := punycode([]rune(in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzParsePattern(f *testing.F) {
	for _, seed := range []string{
		"example.com", "*.example.com", "Example.COM.", "*-files.sharepoint.com", "autodiscover.*.onmicrosoft.com", "a**b.*.x.y",
		"*", "*.com", "..", ".example.com", "https://example.com/", "192.0.2.1", "[::1]:80", "b\u00fccher.example", "a b.c", "x\n.y", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePattern(s)
		if err != nil {
			checkMessage(t, s, err, "")
			return
		}
		if strings.Trim(p.String(), "abcdefghijklmnopqrstuvwxyz0123456789-_.*") != "" {
			t.Fatalf("%q is read as %q", s, p)
		}
		if again, err := ParsePattern(p.String()); again != p || err != nil {
			t.Fatalf("%q is read as %q, and that as %q, %v", s, p, again, err)
		}
		name, err := ParseName(p.Example())
		if err != nil || !p.Match(name) || !p.Covers(p) || !p.Overlaps(p) {
			t.Fatalf("%q does not match its example %q: %v", p, name, err)
		}
		if exact, err := ParsePattern(name); err != nil || !p.Covers(exact) || p.IsExact() != exact.Covers(p) {
			t.Fatalf("%q does not cover its example %q: %v", p, name, err)
		}
	})
}
