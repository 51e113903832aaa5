package pac

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact/artefacttest"
)

// example is one policy with settings; the golden file has its name.
type example struct {
	name     string
	in       rule.Input
	settings map[string][]string
}

func examples(t testing.TB) []example {
	site := siteInput(t)
	return []example{
		{"empty", rule.Input{}, nil},
		{"direct", site, nil},
		{"proxy", site, settings("proxy=proxy.example.net:8080", "proxy=[2001:db8::80]:8080", "fallback=yes")},
		{"options", site, settings("proxy=10.0.0.1:3128", "plain=proxy", "roles=clients", "roles=exchange", "local=10.0.0.0/8", "local=fd00::/8", "local=192.0.2.7")},
		{"internal", site, settings("proxy=HTTPS proxy.example.net:443", "proxy=SOCKS5 [2001:db8::80]:1080", "proxy=SOCKS 10.0.0.1:1080", "proxy=PROXY p:1",
			"internal=*.video.example.com", "internal=auto.x.example.com", "internal=*.corp-*.example.org", "internal=172.16.0.0/12", "local=10.0.0.0/8")},
		{"internal-alone", rule.Input{}, settings("proxy=p:1", "internal=*.corp.example.com")},
		{"local-alone", rule.Input{}, settings("proxy=p:1", "internal=10.0.0.0/8")},
		{"hostile", hostileInput(t), settings("proxy=p:1")},
	}
}

// siteInput has every shape of endpoint and route.
func siteInput(t testing.TB) rule.Input {
	in := rule.Input{
		Sources:  []rule.Source{{Name: "sample", Version: "2025-01-08", Digest: "sha256:0123"}},
		Bindings: bindings(t),
		Routes:   []rule.Via{rule.Direct, "video-1.example.net:3128, video-2.example.net:3128", rule.Proxied},
		Grants: []rule.Grant{
			grant(t, "sample/meetings", "clients", 0, "tcp 443; udp 3478-3481", "52.112.0.0/14", "2603:1063::/38"),
			grant(t, "sample/mail", "clients", 0, "tcp 80,443", "*.mail.example.com", "mail.example.com", "203.0.113.0/28"),
			grant(t, "sample/legacy", "clients", 0, "tcp 25000-25999", "203.0.113.0/28", "smtp.mail.example.com"),
			grant(t, "sample/files", "clients", 0, "tcp 443", "*-files.example.com", "auto.*.example.com", "*.cdn*.example.com"),
			grant(t, "sample/video", "clients", 1, "tcp 443", "video.mail.example.com", "*.video.example.com", "52.112.7.0/24"),
			grant(t, "sample/rest", "clients", 2, "tcp 1-65535", "*.example.com", "*.example.org", "old.mail.example.com"),
			grant(t, "sample/server", "exchange", 0, "tcp 443", "*.server.example.com"),
			grant(t, "sample/unrouted", "clients", rule.NoRoute, "tcp 443", "unrouted.example.com"),
			grant(t, "sample/voice", "clients", 0, "udp 3478", "198.51.100.0/24"),
		},
		TrustedSites: []rule.TrustedSite{{Entry: rule.Entry{ID: "sample/zone"}}},
		Open:         []rule.Open{{Entry: rule.Entry{ID: "sample/pstn"}, Missing: rule.MissingRemote, Why: "published elsewhere"}},
	}
	inbound := grant(t, "sample/inbound", "exchange", rule.NoRoute, "tcp 25", "192.0.2.0/24")
	inbound.Direction = rule.Inbound
	in.Grants = append(in.Grants, inbound)
	in.Grants[1].Entry.Row, in.Grants[1].Entry.Condition = "7", "when mail is read"
	return in
}

// hostileTexts try to leave a comment.
func hostileTexts() []string {
	return []string{
		"*/ return 'DIRECT'; /*",
		"line one\nvar answers = 1;\r\nline two\u2028line three\u2029line four",
		"ends in a backslash \\",
		"</script> <!-- --> {{ .Header }} %s%d%n # ; }",
		"größer 漢字 \u202e \x00 \x1b[2J \xff",
		"@cc_on @*/ `${1}`",
		strings.Repeat("long ü", 2000),
	}
}

func hostileInput(t testing.TB) rule.Input {
	in := rule.Input{Bindings: bindings(t), Routes: []rule.Via{rule.Direct}}
	for i, text := range hostileTexts() {
		id := "sample/" + string(rune('a'+i))
		g := grant(t, id, "clients", 0, "tcp 443", "www.example.com")
		g.Entry.Title, g.Entry.Row, g.Entry.Condition = text, text, text
		in.Grants = append(in.Grants, g)
		in.Sources = append(in.Sources, rule.Source{Name: id, Version: text, Digest: text})
		in.Open = append(in.Open, rule.Open{Entry: rule.Entry{ID: id}, Missing: rule.MissingValue, Endpoint: text, Why: text})
	}
	return in
}

func TestGolden(t *testing.T) {
	for _, e := range examples(t) {
		t.Run(e.name, func(t *testing.T) {
			got := text(t, ruletest.Compile(t, e.in), e.settings)
			artefacttest.Golden(t, e.name+".pac.golden", string(got))
			for i, c := range got {
				if (c < ' ' || c > '~') && c != '\n' {
					t.Fatalf("byte %#x at offset %d; want printable ASCII and line feeds alone", c, i)
				}
			}
			if bytes.Contains(got, []byte("</")) || bytes.Contains(got, []byte("*/")) {
				t.Error("the end of a script or of a comment stands in the file")
			}
			if bytes.Contains(got, []byte(".join(")) {
				t.Error("an array is joined, at which pacparser 1.4.5 crashes")
			}
		})
	}
}

func TestOrderOfInputChangesNothing(t *testing.T) {
	for _, e := range examples(t) {
		one, other := text(t, ruletest.Compile(t, e.in), e.settings), text(t, ruletest.Compile(t, reversed(e.in)), e.settings)
		if !bytes.Equal(one, other) {
			t.Errorf("%s: reversed input changes the artefact", e.name)
		}
	}
}

func TestSplitPrefixesChangeNothing(t *testing.T) {
	whole, split := siteInput(t), siteInput(t)
	split.Grants[0].Prefixes = ruletest.Prefixes(t, "52.112.0.0/15", "52.114.0.0/15", "52.114.7.0/24", "2603:1063::/39", "2603:1063:200::/39")
	if !bytes.Equal(text(t, ruletest.Compile(t, whole), nil), text(t, ruletest.Compile(t, split), nil)) {
		t.Error("a prefix written as its halves changes the artefact")
	}
}

func TestAccount(t *testing.T) {
	for _, c := range []struct {
		settings        map[string][]string
		rules, elements int
	}{
		{nil, 7, 14},
		{settings("roles=exchange"), 1, 1},
		{settings("roles=clients", "roles=exchange"), 8, 15},
	} {
		out, err := generate(t, ruletest.Compile(t, siteInput(t)), c.settings)
		if err != nil {
			t.Fatal(err)
		}
		a := out.Artefacts[0]
		if a.Name != "proxy.pac" || a.Load == "" || a.Rules != c.rules || a.Elements != c.elements {
			t.Errorf("%v: artefact %s, loaded by %q, with %d rules and %d elements; want %d and %d",
				c.settings, a.Name, a.Load, a.Rules, a.Elements, c.rules, c.elements)
		}
	}
}

// TestLargestFile loads what nearly fills a file in real engines, and refuses more.
func TestLargestFile(t *testing.T) {
	policy := func(endpoints int) *rule.Policy {
		g := grant(t, "sample/many", "clients", 0, "tcp 443", "10.0.0.0/8")
		for i := range endpoints {
			g.Names = append(g.Names, ruletest.Pattern(t, fmt.Sprintf("*.h%d.zone%d.example.net", i, i%97)))
		}
		return ruletest.Compile(t, rule.Input{Bindings: bindings(t), Routes: []rule.Via{rule.Direct}, Grants: []rule.Grant{g}})
	}
	pac := text(t, policy(40_000), settings("proxy=p:1"))
	if len(pac) < maxSize*9/10 {
		t.Errorf("the file has %d bytes; the test is too weak", len(pac))
	}
	urls := []string{"https://www.h0.zone0.example.net/", "https://www.h39999.zone35.example.net/", "https://h39999.zone35.example.net/", "https://10.1.2.3/"}
	for name := range engines {
		if got, want := fmt.Sprint(ask(t, name, pac, urls)), "[DIRECT DIRECT PROXY p:1 DIRECT]"; got != want {
			t.Errorf("%s answers %s; want %s", name, got, want)
		}
	}
	_, err := generate(t, policy(60_000), settings("proxy=p:1"))
	if err == nil || !strings.HasSuffix(err.Error(), " bytes for 60001 endpoints; Chromium ignores a PAC file over 1048576 bytes and goes direct; select fewer entries, route fewer of them, give pac.roles fewer roles, or name the other generators and leave pac out") {
		t.Errorf("error %v for a file that is too large", err)
	}
}

func BenchmarkGenerate(b *testing.B) {
	for _, n := range []int{300, 10_000, 30_000} {
		g := grant(b, "sample/many", "clients", 0, "tcp 443", "10.0.0.0/8")
		for i := range n {
			g.Names = append(g.Names, ruletest.Pattern(b, fmt.Sprintf("*.h%d.zone%d.example.net", i, i%97)))
		}
		p := ruletest.Compile(b, rule.Input{Bindings: bindings(b), Routes: []rule.Via{rule.Direct}, Grants: []rule.Grant{g}})
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				text(b, p, nil)
			}
		})
	}
}
