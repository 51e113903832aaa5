package squid

import (
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact/artefacttest"
	"gatewright/generators/engine"
)

// listTokens reads a list file as Squid 5.7 does (strtokFile): one token a line, up
// to the first "#", without white space around it.
func listTokens(text string) []string {
	var tokens []string
	for line := range strings.SplitSeq(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.Trim(line, " \t\r"); line != "" {
			tokens = append(tokens, line)
		}
	}
	return tokens
}

func printable(r rune) string {
	switch {
	case unicode.IsSpace(r) || unicode.IsControl(r):
		return " "
	case r > '~':
		return "?"
	}
	return string(r)
}

// FuzzComment holds that comments keep every text, fitted as stated, and that Squid
// takes nothing of it for a directive or a token.
func FuzzComment(f *testing.F) {
	for _, text := range hostileTexts() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := string(commentOf(s))
		if want := artefacttest.Fitted(s, 1200, printable); c != want {
			t.Errorf("comment %q of %q; want %q", c, s, want)
		}
		text := "# " + c + "\nhttp_access deny all\n"
		if got := directives([]byte(text)); got != "http_access deny all\n" || strings.Contains(c, "\n") {
			t.Errorf("comment %q is read as %q", c, got)
		}
		if got := listTokens(text); !slices.Equal(got, []string{"http_access deny all"}) {
			t.Errorf("comment %q is read as %q", c, got)
		}
	})
}

var (
	aclForm = regexp.MustCompile(`^[A-Za-z0-9_-]{0,52}$`)
	dirForm = regexp.MustCompile(`^(/[A-Za-z0-9_.-]+)+$`)
)

// FuzzName holds that names of ACLs and folders are kept as they are or refused.
func FuzzName(f *testing.F) {
	for _, s := range []string{"src_clients", "a b", "a\nb", "\"", "/etc/squid/gatewright", "/srv/squid-5.7/lists_a", "/", "/a/", "/a/../b", "/a b", "/etc/squid/conf.d", "gatewright"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := aclNameOf(s)
		artefacttest.CheckRefusal(t, s, err, !aclForm.MatchString(s))
		if err == nil && (string(name) != "gatewright_"+s || len(name) > 63 || len(strings.Fields(string(name))) != 1) {
			t.Errorf("ACL %q of %q", name, s)
		}
		err = checkDir(s)
		artefacttest.CheckRefusal(t, s, err, !dirForm.MatchString(s) || len(s) > 120 || path.Clean(s) != s || s == "/etc/squid/conf.d")
		if err == nil && string(pathOf(s, "x.txt")) != s+"/x.txt" {
			t.Errorf("path %q in %q", pathOf(s, "x.txt"), s)
		}
	})
}

var patternSeeds = [][2]string{
	{"*.example.com", "example.com"},
	{"a*b.example.net", "*.*.a.example.net"},
	{"_x.example.org", "*.x.example.org"},
	{"EXAMPLE.edu.", "a.*.example.edu"},
}

// FuzzPatterns holds that two patterns together become tokens that match the same
// names, and that no token means anything but itself to the reader of list files.
func FuzzPatterns(f *testing.F) {
	for _, s := range patternSeeds {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		p, err := netset.ParsePattern(a)
		if err != nil {
			return
		}
		patterns := []netset.Pattern{p}
		if p, err := netset.ParsePattern(b); err == nil {
			patterns = append(patterns, p)
		}
		set := netset.NameSetOf(patterns...)
		n := splitNames(set)
		for _, words := range [][]string{n.domains, n.apexes, n.expressions} {
			if got := listTokens(string(tokenList(words).sections[0].Tokens)); !slices.Equal(got, words) {
				t.Errorf("tokens %q are read as %q", words, got)
			}
		}
		matches := matcher(t, n)
		for _, p := range patterns {
			for _, name := range engine.BoundaryNames(p) {
				if matches(name) != set.Match(name) {
					t.Errorf("%q and %q: tokens %+v match %q: %t", a, b, n, name, matches(name))
				}
			}
		}
	})
}

// matcher matches names as Squid does by "domains !apexes" and by the expressions
// (dstdomain: a token with a dot at its start is a domain with all below it).
func matcher(t *testing.T, n names) func(string) bool {
	var expressions []*regexp.Regexp
	for _, e := range n.expressions {
		expressions = append(expressions, regexp.MustCompilePOSIX(e))
	}
	domain := func(tokens []string, name string) bool {
		return slices.ContainsFunc(tokens, func(token string) bool {
			apex, below := strings.CutPrefix(token, ".")
			return name == apex || below && strings.HasSuffix(name, token)
		})
	}
	for i, one := range n.domains { // of overlapping tokens, Squid refuses or drops one
		for j, other := range n.domains {
			if i != j && domain([]string{one}, strings.TrimPrefix(other, ".")) {
				t.Errorf("token %q overlaps %q", one, other)
			}
		}
	}
	return func(name string) bool {
		return domain(n.domains, name) && !domain(n.apexes, name) ||
			slices.ContainsFunc(expressions, func(e *regexp.Regexp) bool { return e.MatchString(name) })
	}
}

// FuzzElements holds that lists of prefixes and ports are read back as they were, and
// that no prefix matches the other family: Squid keeps IPv4 addresses as mapped ones.
func FuzzElements(f *testing.F) {
	f.Add([]byte("\x00\x07\x0a\x00\x00\x00\x01\x1f\x20\x01\x0d\xb8"))
	f.Add([]byte("\x01\x03\x00\x00\x00\x00"))
	f.Add([]byte("\x00\x01\xbb\x01\xbb\x00\xc3\x50\xea\x5f"))
	mapped := netip.MustParsePrefix("::ffff:0:0/96")
	f.Fuzz(func(t *testing.T, data []byte) {
		prefixes, services := ruletest.PrefixesOf(data), ruletest.ServicesOf(data)
		if v4, v6 := prefixes.CoversFamily(); v4 || v6 {
			return // a policy holds no such set
		}
		list := prefixList(prefixes)
		var got netset.PrefixBuilder
		words := listTokens(string(list.sections[0].Tokens))
		for _, w := range words {
			p, err := netip.ParsePrefix(w)
			if !strings.Contains(w, "/") {
				var a netip.Addr
				a, err = netip.ParseAddr(w)
				p = netip.PrefixFrom(a, a.BitLen())
			}
			if err != nil || p.Bits() == 0 || p.Addr().Is6() && p.Contains(mapped.Addr()) {
				t.Fatalf("token %q: %v", w, err)
			}
			got.Add(p)
		}
		var outside netset.PrefixBuilder
		outside.Add(mapped)
		want := prefixes.Subtract(prefixes.V6().Intersect(outside.Build()))
		if !got.Build().Equal(want) || list.elements != len(words) {
			t.Errorf("%s is read as %s", prefixes, got.Build())
		}
		var ports []netset.PortRange
		for _, w := range listTokens(string(portList(services).sections[0].Tokens)) {
			first, last, ranged := strings.Cut(w, "-")
			if !ranged {
				last = first
			}
			a, errA := strconv.ParseUint(first, 10, 16)
			b, errB := strconv.ParseUint(last, 10, 16)
			if errA != nil || errB != nil || a > b {
				t.Fatalf("token %q is no port or range", w)
			}
			ports = append(ports, netset.PortRange{First: uint16(a), Last: uint16(b)})
		}
		if !slices.Equal(ports, services.Ports(netset.TCP)) {
			t.Errorf("%s is read as %v", services, ports)
		}
	})
}
