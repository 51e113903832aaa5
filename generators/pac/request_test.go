package pac

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
)

// TestMalformedHosts asks requests that no flow stands for: they are not matched.
// The policy sends everything that is a host direct.
func TestMalformedHosts(t *testing.T) {
	in := rule.Input{Bindings: bindings(t), Routes: []rule.Via{rule.Direct}}
	in.Grants = []rule.Grant{grant(t, "sample/all", "clients", 0, "tcp 1-65535", "any")}
	pac := text(t, ruletest.Compile(t, in), settings("proxy=p:1", "plain=proxy"))
	long := "a.example"
	for len(long) <= 253 {
		long = "abcdefg." + long
	}
	good := []string{
		"http://example.com", "http://localhost/", "http://[::1]", "http://10", "http://0x/", "http://1.2.3.4.:80/",
		"http://[1:2:3:4:5:6:7::]/", "http://[::1.2.3.4]/", "gopher://example.com:70/", "http://" + long[len(long)-253:] + "./",
		"http://m%C3%BCnchen.example/", "http://xn--mnchen-3ya.example/", "http://under_score.example/", "http://0x7f.example/",
	}
	bad := []string{
		"http://@/", "http://.", "http://example.com../", "http://.example.com/", "http://a..example.com/",
		"http://" + long, "http://1.2.3.256/", "http://1.2.3.4.5/", "http://1.2.3.4.0/", "http://1.2.65536/", "http://08/", "http://1.2.3.08/", "http://a.0x1/",
		"http://example.com.1/", "http://4294967296/", "http://1.2..4/",
		"http://[::1", "http://[]/", "http://[1.2.3.4]/", "http://[example.com]/", "http://[fe80::1%25eth0]/", "http://[::1%eth0]/",
		"http://[1:2:3:4:5:6:7]/", "http://[1:2:3:4:5:6:7:8:9]/", "http://[1:2:3:4::5:6:7:8]/", "http://[1::2::3]/", "http://[:::1]/",
		"http://[12345::]/", "http://[::g]/", "http://[:1]/", "http://[1:]/", "http://[::1.2.3]/", "http://[::1.2.3.4.5]/",
		"http://[::01.2.3.4]/", "http://[::1.2.3.256]/", "http://[::1.2.3.4:1]/", "http://[1.2.3.4::]/", "http://[::0x1.2.3.4]/", "http://[1:2:3:4:5:6:7:1.2.3.4]/",
		"gopher://example.com/", "about://example.com", "http://example.com:0/", "http://example.com:65536/", "http://example.com:8a/",
		"http://example.com:-1/", "http://[::1]80/", "http://example.com:0x50/",
	}
	for _, url := range []string{"http://", "http:///example.com", "http:", "", "example.com", "/http://example.com"} {
		if got := ask(t, "node", pac, []string{url})[0]; got != "PROXY p:1" {
			t.Errorf("node answers %s for %q, which has no host", got, url)
		}
	}
	for name := range engines {
		for i, got := range ask(t, name, pac, good) {
			if got != "DIRECT" {
				t.Errorf("%s answers %s for %s, a host like any other", name, got, good[i])
			}
		}
		for i, got := range ask(t, name, pac, bad) {
			if got != "PROXY p:1" {
				t.Errorf("%s answers %s for %s, which is malformed", name, got, bad[i])
			}
		}
	}
}

// TestHostWithoutURL asks by the argument host, as if the engine knew no URL.
func TestHostWithoutURL(t *testing.T) {
	in := rule.Input{Bindings: bindings(t), Routes: []rule.Via{rule.Direct}}
	in.Grants = []rule.Grant{grant(t, "sample/a", "clients", 0, "tcp 443", "www.example.com", "10.0.0.0/8", "2001:db8::/32")}
	pac := text(t, ruletest.Compile(t, in), settings("proxy=p:1", "local=fd00::/8", "plain=proxy"))
	// What follows "http://" in the URL becomes the host.
	pac = append(pac, "var whole = FindProxyForURL; FindProxyForURL = function (url) { return whole('', url.substring(7)); };\n"...)
	urls := []string{"http://www.example.com:443", "http://WWW.example.com.:443", "http://10.1.2.3:443", "http://[2001:db8::1]:443", "http://www.example.com", "http://2001:db8::1", "http://fd00::1", "http://intranet", "http://www.example.com:80"}
	const want = "[DIRECT DIRECT DIRECT DIRECT PROXY p:1 PROXY p:1 DIRECT PROXY p:1 PROXY p:1]"
	for name := range engines {
		if got := fmt.Sprint(ask(t, name, pac, urls)); got != want {
			t.Errorf("%s answers %s; want %s", name, got, want)
		}
	}
}

func TestOptionsDecide(t *testing.T) {
	urls := []string{
		"http://intranet/", "http://intranet./", "http://constructor/", "https://10.1.2.3/", "https://10.1.2.3:444/", "gopher://[fd00::1]/",
		"https://www.mail.example.com/", "https://www.example.net/", "https://video.mail.example.com/", "http://video.mail.example.com/",
	}
	for _, c := range []struct {
		settings map[string][]string
		want     string
	}{
		{nil, "DIRECT|DIRECT|DIRECT|DIRECT|DIRECT|DIRECT|DIRECT|DIRECT|PROXY video-1.example.net:3128; PROXY video-2.example.net:3128|DIRECT"},
		{
			settings("proxy=p:1"),
			"DIRECT|DIRECT|DIRECT|PROXY p:1|PROXY p:1|PROXY p:1|DIRECT|PROXY p:1|PROXY video-1.example.net:3128; PROXY video-2.example.net:3128|DIRECT",
		},
		{
			settings("proxy=p:1", "proxy=q:2", "plain=proxy", "fallback=yes"),
			"PROXY p:1; PROXY q:2; DIRECT|PROXY p:1; PROXY q:2; DIRECT|PROXY p:1; PROXY q:2; DIRECT|PROXY p:1; PROXY q:2; DIRECT|PROXY p:1; PROXY q:2; DIRECT|PROXY p:1; PROXY q:2; DIRECT|" +
				"DIRECT|PROXY p:1; PROXY q:2; DIRECT|PROXY video-1.example.net:3128; PROXY video-2.example.net:3128; DIRECT|DIRECT",
		},
		{
			settings("proxy=p:1", "local=10.0.0.0/8", "local=fd00::/8"),
			"DIRECT|DIRECT|DIRECT|DIRECT|DIRECT|DIRECT|DIRECT|PROXY p:1|PROXY video-1.example.net:3128; PROXY video-2.example.net:3128|DIRECT",
		},
		{
			settings("proxy=HTTPS p:1", "internal=video.mail.example.com", "internal=*.example.net", "internal=fd00::/8"),
			"DIRECT|DIRECT|DIRECT|HTTPS p:1|HTTPS p:1|DIRECT|DIRECT|DIRECT|DIRECT|DIRECT",
		},
		{
			settings("proxy=SOCKS p:1", "proxy=SOCKS5 q:1", "proxy=PROXY r:1", "plain=proxy", "internal=mail.example.com", "internal=10.1.2.3"),
			"SOCKS p:1; SOCKS5 q:1; PROXY r:1|SOCKS p:1; SOCKS5 q:1; PROXY r:1|SOCKS p:1; SOCKS5 q:1; PROXY r:1|DIRECT|DIRECT|SOCKS p:1; SOCKS5 q:1; PROXY r:1|DIRECT|SOCKS p:1; SOCKS5 q:1; PROXY r:1|PROXY video-1.example.net:3128; PROXY video-2.example.net:3128|DIRECT",
		},
	} {
		pac := text(t, ruletest.Compile(t, siteInput(t)), c.settings)
		for name := range engines {
			got := ""
			for i, answer := range ask(t, name, pac, urls) {
				if i > 0 {
					got += "|"
				}
				got += answer
			}
			if got != c.want {
				t.Errorf("%v: %s answers\n%s; want\n%s", c.settings, name, got, c.want)
			}
		}
	}
}

// TestGlobsMatchAsPatterns asks labels of every shape against stars of every shape.
func TestGlobsMatchAsPatterns(t *testing.T) {
	globs := []string{"*", "a*", "*a", "a*a", "*ab*", "ab*ab", "*a*b*", "*ab*ab*", "a*b*a", "*aa*a", "b*ab*ba*b"}
	var labels []string
	for length := 1; length <= 7; length++ {
		for bits := range 1 << length {
			labels = append(labels, strings.NewReplacer("0", "a", "1", "b").Replace(fmt.Sprintf("%0*b", length, bits)))
		}
	}
	g := grant(t, "sample/globs", "clients", 0, "tcp 443")
	var urls []string
	var want []bool
	for i, glob := range globs {
		p := ruletest.Pattern(t, fmt.Sprintf("w.%s.p%d.example", glob, i))
		g.Names = append(g.Names, p)
		for _, label := range labels {
			name := fmt.Sprintf("w.%s.p%d.example", label, i)
			urls, want = append(urls, "https://"+name+"/"), append(want, p.Match(name))
		}
	}
	in := rule.Input{Bindings: bindings(t), Routes: []rule.Via{rule.Direct}, Grants: []rule.Grant{g}}
	checkDirect(t, text(t, ruletest.Compile(t, in), settings("proxy=p:1")), urls, want)
}

// TestIPv6PrefixesAreFound asks addresses whose text has runs of zeros of every
// length and place.
func TestIPv6PrefixesAreFound(t *testing.T) {
	g := grant(t, "sample/prefixes", "clients", 0, "tcp 443")
	var b netset.PrefixBuilder
	var asked []netip.Addr
	for bits := range 1 << 7 {
		a := netip.MustParseAddr("2001::").As16()
		for group := range 7 {
			a[3+2*group] = byte(bits >> group & 1)
		}
		length := 128 - bits%16
		if bits%2 == 0 {
			p, err := netip.AddrFrom16(a).Prefix(length)
			if err != nil {
				t.Fatal(err)
			}
			b.Add(p)
		}
		asked = append(asked, netip.AddrFrom16(a))
	}
	g.Prefixes = b.Build()
	var urls []string
	var want []bool
	for _, a := range asked {
		urls, want = append(urls, "https://["+a.String()+"]/"), append(want, g.Prefixes.Contains(a))
	}
	in := rule.Input{Bindings: bindings(t), Routes: []rule.Via{rule.Direct}, Grants: []rule.Grant{g}}
	checkDirect(t, text(t, ruletest.Compile(t, in), settings("proxy=p:1")), urls, want)
}

func TestIPv4Spellings(t *testing.T) {
	in := rule.Input{Bindings: bindings(t), Routes: []rule.Via{rule.Direct}}
	in.Grants = []rule.Grant{grant(t, "sample/a", "clients", 0, "tcp 80", "0.0.0.0/31", "10.0.0.1", "255.255.255.255")}
	pac := text(t, ruletest.Compile(t, in), settings("proxy=p:1"))
	direct := []string{"0", "0x", "0.0", "0x0.0x.0.1", "0000001", "10.1", "10.0.1", "167772161", "0xA000001", "012.1", "0xffffffff", "255.0xffffff", "255.255.65535", "4294967295.", "[::ffff:10.0.0.1]", "[0:0:0:0:0:ffff:a00:1]"}
	proxied := []string{"2", "0x2", "10.2", "10.0.1.0", "1.0.0.10", "[::10.0.0.1]", "[::fffe:10.0.0.1]", "[1::ffff:10.0.0.1]"}
	var urls []string
	var want []bool
	for _, host := range direct {
		urls, want = append(urls, "http://"+host+"/"), append(want, true)
	}
	for _, host := range proxied {
		urls, want = append(urls, "http://"+host+"/"), append(want, false)
	}
	checkDirect(t, pac, urls, want)
}

// checkDirect asks every engine whether it sends the URLs direct.
func checkDirect(t *testing.T, pac []byte, urls []string, want []bool) {
	t.Helper()
	for name := range engines {
		for i, got := range ask(t, name, pac, urls) {
			if (got == "DIRECT") != want[i] || got != "DIRECT" && got != "PROXY p:1" {
				t.Errorf("%s answers %s for %s; want direct: %t", name, got, urls[i], want[i])
			}
		}
	}
}
