package pac

import (
	"strings"
	"testing"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
)

func TestOptionErrors(t *testing.T) {
	const proxyForm = `; write one proxy as HOST:PORT, such as "proxy.example.com:8080" or "[2001:db8::1]:8080", or of another kind as "HTTPS HOST:PORT", "SOCKS HOST:PORT" or "SOCKS5 HOST:PORT"`
	const covered = "options local and internal: the networks together cover a whole address family, and every literal address of it would go direct; list the networks that are local"
	for _, c := range []struct {
		setting string
		want    string
	}{
		{"proxy=proxy", `option proxy: "proxy" is no host and port` + proxyForm},
		{"proxy=", `option proxy: "" is no host and port` + proxyForm},
		{"proxy=http://proxy:8080", `option proxy: "http://proxy:8080" is no host and port` + proxyForm},
		{"proxy=2001:db8::1:8080", `option proxy: "2001:db8::1:8080" is no host and port` + proxyForm},
		{"proxy=[2001:db8::1%eth0]:80", `option proxy: "[2001:db8::1%eth0]:80" is no host and port` + proxyForm},
		{"proxy=[10.0.0.1]:80", `option proxy: "[10.0.0.1]:80" is no host and port` + proxyForm},
		{"proxy=[2001:db8::1]", `option proxy: "[2001:db8::1]" is no host and port` + proxyForm},
		{"proxy=proxy:0", `option proxy: "proxy:0" has no valid port` + proxyForm},
		{"proxy=proxy:80-81", `option proxy: "proxy:80-81" has no valid port` + proxyForm},
		{"proxy=proxy:80-80", `option proxy: "proxy:80-80" has no valid port` + proxyForm},
		{"proxy=a:1, b:2", `option proxy: "a:1, b:2" is no host and port` + proxyForm},
		{"proxy=SOCKS5 p", `option proxy: "SOCKS5 p" is no host and port` + proxyForm},
		{"proxy=HTTPS  p:1", `option proxy: "HTTPS  p:1": " p" has a space or a control character; write one name without it` + proxyForm},
		{"proxy=DIRECT", `option proxy: "DIRECT" is no host and port` + proxyForm},
		{"proxy=HTTPS p:0", `option proxy: "HTTPS p:0" has no valid port` + proxyForm},
		{"proxy=HTTPS 2001:db8::1:443", `option proxy: "HTTPS 2001:db8::1:443" is no host and port` + proxyForm},
		{"internal=*", `option internal: "*" matches every name; write the domains that are meant, such as "*.example.com"`},
		{"internal=", `option internal: empty name; write one such as "www.example.com" or "*.example.com"`},
		{"internal=*.com.", `option internal: "*.com." has a star in its last two labels; write two labels after the last star, as in "*.example.com"`},
		{"internal=http://intranet/", `option internal: "http://intranet/" is a URL; write only the host, "intranet"`},
		{"internal=corp example", `option internal: "corp example" has a space or a control character; write one name without it`},
		{"internal=10.1", `option internal: "10.1" is not a CIDR; write an address such as "192.0.2.1", or a prefix such as "192.0.2.0/24" or "2001:db8::/32"`},
		{"internal=10.0.0.0/33", `option internal: "10.0.0.0/33" has no valid prefix length; write a decimal number from 1 to 32 after the slash`},
		{"internal=intranet", `option internal: "intranet" is a single label; write the full name with its domain, such as "intranet.example.com"`},
		{"internal=2001:db8::/129", `option internal: "2001:db8::/129" has no valid prefix length; write a decimal number from 1 to 128 after the slash`},
		{"proxy=a b:1", `option proxy: "a b:1": "a b" has a space or a control character; write one name without it` + proxyForm},
		{"proxy=10.1:80", `option proxy: "10.1:80": "10.1" is an IP literal or ends like one, so it is not a name; write an address as a prefix` + proxyForm},
		{"proxy=a'; DIRECT:1", `option proxy: "a'; DIRECT:1": "a'; DIRECT" has a space or a control character; write one name without it` + proxyForm},
		{"roles=Clients", `option roles: bad role "Clients"; expect a lower-case letter, then at most 15 letters, digits or hyphens`},
		{"roles=sbc", `option roles: role "sbc" is not bound; bind it to addresses, or leave it out`},
		{"plain=yes", `option plain: unknown value "yes"; expect one of direct, proxy`},
		{"plain=proxy", `plain is proxy, but no proxy is set; set proxy, or omit plain`},
		{"fallback=yes", `fallback is yes, but no proxy is set; set proxy, or omit fallback`},
		{"local=10.0.0.1/8", `option local: "10.0.0.1/8": host bits dropped: 10.0.0.1/8 is read as 10.0.0.0/8; write "10.0.0.0/8"`},
		{"local=0.0.0.0/0", `option local: "0.0.0.0/0" is every address; list the networks that are local`},
		{"local=0.0.0.0/1 & local=128.0.0.0/1", covered},
		{"local=0.0.0.0/1 & internal=128.0.0.0/1", covered},
		{"internal=10.0.0.1/8", `option internal: "10.0.0.1/8": host bits dropped: 10.0.0.1/8 is read as 10.0.0.0/8; write "10.0.0.0/8"`},
		{"internal=::/0", `option internal: "::/0" is every address; list the networks that are local`},
		{"local=10.0.0.0/8 & local=8000::/1 & local=::/1", covered},
	} {
		raw := settings(strings.Split(c.setting, " & ")...)
		_, err := generate(t, ruletest.Compile(t, siteInput(t)), raw)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: error\n%v; want\n%s", c.setting, err, c.want)
		}
	}
}

func TestBadViaIsRefused(t *testing.T) {
	for via, want := range map[rule.Via]string{
		"DIRECT":   `/routes/0: "DIRECT" is not a host with a port; write one proxy as HOST:PORT, such as "proxy.example.com:8080" or "[2001:db8::1]:8080", or of another kind as "HTTPS HOST:PORT", "SOCKS HOST:PORT" or "SOCKS5 HOST:PORT", or the route as "direct" or "proxy"`,
		"a:1,":     `/routes/0: "" is not a host with a port; write one proxy as HOST:PORT, such as "proxy.example.com:8080" or "[2001:db8::1]:8080", or of another kind as "HTTPS HOST:PORT", "SOCKS HOST:PORT" or "SOCKS5 HOST:PORT", or the route as "direct" or "proxy"`,
		"a:1; b:2": `/routes/0: "a:1; b:2" is not a host with a port; write one proxy as HOST:PORT, such as "proxy.example.com:8080" or "[2001:db8::1]:8080", or of another kind as "HTTPS HOST:PORT", "SOCKS HOST:PORT" or "SOCKS5 HOST:PORT", or the route as "direct" or "proxy"`,
	} {
		_, err := generate(t, ruletest.Compile(t, rule.Input{Routes: []rule.Via{via}}), nil)
		if err == nil || err.Error() != want {
			t.Errorf("%q: error\n%v; want\n%s", via, err, want)
		}
	}
}
