package site

import (
	"fmt"
	"strings"
	"testing"

	"gatewright/catalog"
	"gatewright/catalog/feed"
)

// doubted builds a site over a set of the web service with these addresses and an own
// catalogue with others, and returns what is said against them: the error, or doubts.
func doubted(t *testing.T, file, published, own string) string {
	t.Helper()
	s, err := Read("site.json", []byte(file))
	if err != nil {
		return err.Error()
	}
	sets := `[{"id": 1, "serviceArea": "Exchange", "urls": ["mail.example.com"], "ips": [` + published + `], "tcpPorts": "443", "category": "Optimize"},
		{"id": 2, "serviceArea": "Common", "urls": ["www.example.com"], "ips": ["20.1.0.0/16"], "tcpPorts": "443", "category": "Default"}]`
	c, err := feed.Read("sets", []byte(sets), feed.Naming{Instance: "Worldwide"})
	if err != nil {
		t.Fatal(err)
	}
	document := `{"catalog": "own", "revision": "1", "title": "t", "entries": [
		{"id": "lan", "title": "t", "endpoints": ["own.example.com"` + own + `], "services": "tcp 443", "direction": "outbound", "role": "clients"},
		{"id": "guess", "title": "t", "unsaid": {"remote": {"why": "w", "from": ["m365/exchange"]}}, "services": "tcp 25", "direction": "outbound", "role": "clients"}]}`
	o, err := catalog.Read("own.json", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Build(s, []*catalog.Catalog{c, o})
	if err != nil {
		return err.Error()
	}
	var lines []string
	for _, d := range r.Doubts {
		lines = append(lines, d.Where+": "+d.Text)
	}
	return strings.Join(lines, "\n")
}

// TestDoubts holds that addresses that no public service has are an error in what a
// publisher offers and a doubt in a document of the site's own, however they are
// reached, unless the line that the message gives accepts them.
func TestDoubts(t *testing.T) {
	exchange := func(what, line string) string {
		return "m365-worldwide/1: " + what + ": no public service has such addresses; exclude the entry and report it to its publisher; if they are meant, " +
			`write "accept": {"m365-worldwide/1": [` + line + `]} in the site file`
	}
	var slash9 []string // of 30 to 44: 15 * 2^24 addresses, a fifteenth of all
	for i := 30; i < 45; i++ {
		slash9 = append(slash9, fmt.Sprintf(`"%d.0.0.0/9"`, i))
	}
	for _, c := range []struct{ name, file, published, own, want string }{
		{"public ones", `{}`, `"20.2.0.0/16", "2a05:d07f::/40"`, `, "20.3.0.0/16"`, ""},
		{"for documentation", `{}`, `"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"`, ``, ""},
		{"private", `{}`, `"20.2.0.0/16", "10.0.0.0/8", "192.168.0.0/16"`, ``, exchange("10.0.0.0/8 is private (RFC 1918), and 192.168.0.0/16 is private (RFC 1918)", `"10.0.0.0/8", "192.168.0.0/16"`)},
		{"wide", `{}`, `"0.0.0.0/2", "10.0.0.0/8"`, ``, exchange("0.0.0.0/2 is wider than /8", `"0.0.0.0/2"`)},
		{"wide as its halves", `{}`, `"20.0.0.0/8", "21.0.0.0/8"`, ``, exchange("20.0.0.0/7 is wider than /8", `"20.0.0.0/7"`)},
		{"as wide as may be", `{}`, `"20.0.0.0/8", "2a00::/20"`, ``, ""},
		{"wide in IPv6", `{}`, `"2a00::/19"`, ``, exchange("2a00::/19 is wider than /20", `"2a00::/19"`)},
		{"NAT64", `{}`, `"64:ff9b::/96"`, ``, exchange("64:ff9b::/96 is for translation from IPv4 and contains all IPv4 addresses (RFC 6052)", `"64:ff9b::/96"`)},
		{"within NAT64", `{}`, `"64:ff9b::808:808"`, ``, exchange("64:ff9b::808:808/128 is for translation from IPv4 and contains all IPv4 addresses (RFC 6052)", `"64:ff9b::808:808/128"`)},
		{"6to4", `{}`, `"2002:c000::/20"`, ``, exchange("2002:c000::/20 is for 6to4 tunnels (RFC 3056)", `"2002:c000::/20"`)},
		{"Teredo", `{}`, `"2001:0:1::/48"`, ``, exchange("2001:0:1::/48 is for Teredo tunnels (RFC 4380)", `"2001:0:1::/48"`)},
		{"shared, loopback, link-local, multicast", `{}`, `"100.64.0.0/24", "127.0.0.1", "169.254.169.254", "224.0.0.1"`, ``, exchange(
			"100.64.0.0/24 is shared (RFC 6598), and 127.0.0.1/32 is for loopback (RFC 1122), and 169.254.169.254/32 is link-local (RFC 3927), and 224.0.0.1/32 is for multicast (RFC 5771)",
			`"100.64.0.0/24", "127.0.0.1/32", "169.254.169.254/32", "224.0.0.1/32"`)},
		{"by another entry", `{"select": {"entry": ["guess"]}, "answers": {"own/guess": {"remote": {"from": "m365/exchange"}}}}`, `"10.0.0.0/8"`, ``, exchange("10.0.0.0/8 is private (RFC 1918)", `"10.0.0.0/8"`)},
		{"not selected", `{"select": {"area": ["common"]}}`, `"10.0.0.0/8"`, ``, ""},
		{"dismissed, without an entry that takes it", `{"select": {"entry": ["m365-worldwide/2", "lan"]}}`, `"10.0.0.0/8"`, ``, ""},

		{"accepted by the line", `{"accept": {"m365-worldwide/1": ["10.0.0.0/8", "192.168.0.0/16"]}}`, `"10.0.0.0/8", "192.168.0.0/16"`, ``, ""},
		{"by the feed and the area", `{"accept": {"m365/exchange": ["10.0.0.0/8"]}}`, `"10.0.0.0/8"`, ``, ""},
		{"in another letter case", `{"accept": {"M365/Exchange": ["10.0.0.0/8"]}}`, `"10.0.0.0/8"`, ``, ""},
		{"by the feed and the number", `{"accept": {"m365/1": ["10.0.0.0/8"]}}`, `"10.0.0.0/8"`, ``, ""},
		{"by the catalogue", `{"accept": {"m365-worldwide": ["10.0.0.0/8"]}}`, `"10.0.0.0/8"`, ``, ""},
		{"a wider one", `{"accept": {"m365-worldwide/1": ["0.0.0.0/2"]}}`, `"10.0.0.0/8"`, ``, ""},
		{"of another area", `{"accept": {"m365/common": ["10.0.0.0/8"]}}`, `"10.0.0.0/8"`, ``, exchange("10.0.0.0/8 is private (RFC 1918)", `"10.0.0.0/8"`)},
		{"half of it", `{"accept": {"m365/exchange": ["10.0.0.0/9"]}}`, `"10.0.0.0/8"`, ``, exchange("10.128.0.0/9 is private (RFC 1918)", `"10.128.0.0/9"`)},

		{"many together", `{}`, strings.Join(slash9, ", "), ``, `m365-worldwide: its addresses together are 3.36 % of all unicast addresses of IPv4, more than 3.12 %; ` +
			`select fewer entries of it; if this is meant, write "accept": {"m365-worldwide": ["size"]} in the site file`},
		{"and meant", `{"accept": {"m365-worldwide": ["size"]}}`, strings.Join(slash9, ", "), ``, ""},
		{"many of the site's own", `{}`, `"20.2.0.0/16"`, ", " + strings.Join(slash9, ", "), `own: its addresses together are 3.36 % of all unicast addresses of IPv4, more than 3.12 %; ` +
			`select fewer entries of it; if this is meant, write "accept": {"own": ["size"]} in the site file`},
		{"many of two catalogues in a rule", `{"group": "none"}`, strings.Join(slash9[:8], ", "), ", " + strings.Join(slash9[8:], ", "), "rule all-out-*"},
		{"the site's own", `{}`, `"20.2.0.0/16"`, `, "10.1.0.0/16"`, `own/lan: 10.1.0.0/16 is private (RFC 1918): no public service has such addresses; ` +
			`correct the entry; if they are meant, write "accept": {"own/lan": ["10.1.0.0/16"]} in the site file`},
		{"the site's own, on the site", `{"bind": {"clients": ["10.1.0.0/16"]}}`, `"20.2.0.0/16"`, `, "10.1.0.0/24"`, ""},
		{"a publisher's, on the site", `{"bind": {"clients": ["10.1.0.0/16"]}}`, `"10.1.0.0/24"`, ``, exchange("10.1.0.0/24 is private (RFC 1918)", `"10.1.0.0/24"`)},
		{"and meant", `{"accept": {"own/lan": ["10.1.0.0/16"]}}`, `"20.2.0.0/16"`, `, "10.1.0.0/16"`, ""},

		{"no such entry", `{"accept": {"m365/exchagne": ["10.0.0.0/8"]}}`, `"20.2.0.0/16"`, ``,
			`site.json:1:13: /accept/m365~1exchagne: no catalogue, area or entry "m365/exchagne" in the loaded catalogues; did you mean m365-worldwide/exchange?`},
		{"nothing", `{"accept": {"own": []}}`, ``, ``, `site.json:1:20: /accept/own: empty list; write prefixes, or remove the key`},
		{"a word", `{"accept": {"own": ["all"]}}`, ``, ``, `site.json:1:21: /accept/own/0: "all" is not a CIDR; write an address such as "192.0.2.1", or a prefix such as "192.0.2.0/24" or "2001:db8::/32"; or write "size" for the size of all together`},
	} {
		have := doubted(t, c.file, c.published, c.own)
		if start, open := strings.CutSuffix(c.want, "*"); have != c.want && !(open && strings.HasPrefix(have, start)) {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, have, c.want)
		}
	}
}
