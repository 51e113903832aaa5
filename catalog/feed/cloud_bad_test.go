package feed

import (
	"strings"
	"testing"
)

// What is damaged, empty, cut short or none of the known formats is refused, and the
// error says where and what was expected.
func TestCloudFeedsRefuse(t *testing.T) {
	const known = `unknown kind of catalogue; expected one of: `
	azure := func(values string) string { return `{"changeNumber": 1, "cloud": "Public", "values": ` + values + `}` }
	tag := func(prefixes string) string {
		return azure(`[{"name": "A", "properties": {"addressPrefixes": ` + prefixes + `}}]`)
	}
	for _, test := range []struct{ name, document, want string }{
		{"no values", `{"changeNumber": 1, "cloud": "Public"}`, `f:1:1: missing required key "values"`},
		{"nothing at all", azure(`[]`), `f: the feed lists no endpoint: it is empty or was cut short; download it again`},
		{"no prefix in any tag", tag(`[]`), `f: the feed lists no endpoint: it is empty or was cut short; download it again`},
		{"cut short", azure(`[{"name": "A", "properties": {"addressPrefixes": ["192.0.2.0/24"`)[:100], `f:1:100: /values/0/properties/addressPrefixes/0: string is not closed; expected a double quote`},
		{"every address", tag(`["0.0.0.0/0"]`), `f:1:100: /values/0/properties/addressPrefixes/0: "0.0.0.0/0" covers a whole address family, which is not allowed in a feed`},
		{"every address of IPv6", tag(`["::/0"]`), `f:1:100: /values/0/properties/addressPrefixes/0: "::/0" covers a whole address family, which is not allowed in a feed`},
		{"every address in halves", tag(`["0.0.0.0/1", "128.0.0.0/1"]`), `f: azure-public/A: these prefixes together cover a whole address family, which is not allowed in a feed`},
		{"a name among prefixes", tag(`["192.0.2.0/24", "www.example.com"]`), `f:1:116: /values/0/properties/addressPrefixes/1: "www.example.com" is not a CIDR; write an address such as "192.0.2.1", or a prefix such as "192.0.2.0/24" or "2001:db8::/32"`},
		{"a number among prefixes", tag(`[7]`), `f:1:100: /values/0/properties/addressPrefixes/0: expected a string, found a number`},
		{"a tag of nothing", azure(`[{"name": "\n", "properties": {"addressPrefixes": []}}]`), `f:1:51: /values/0: bad tag "\n"; expected a name of letters, digits, dots, hyphens or underscores`},
		{"cut off by PowerShell", azure(`[{"name": "A", "properties": "@{changeNumber=7; addressPrefixes=System.Object[]}"}]`), `f:1:79: /values/0/properties: PowerShell cut this off; write the file with ConvertTo-Json -Depth 10`},
		{"a tag of two regions", azure(`[{"name": "A", "properties": {"region": "n", "addressPrefixes": []}}, {"name": "A", "properties": {"region": "s", "addressPrefixes": []}}]`),
			`f:1:120: /values/1: tag "A" had region "n" and service "" before; the feed contradicts itself`},
		{"a cloud without a name", `{"changeNumber": 1, "cloud": "../x", "values": []}`, `f:1:30: /cloud: bad cloud "../x"; expected a name such as "Public"`},
		{"AWS without IPv6", `{"createDate": "2023-11-14", "prefixes": [{"ip_prefix": "192.0.2.0/24", "service": "AMAZON"}]}`, `f:1:1: missing required key "ipv6_prefixes"`},
		{"an object without a prefix", `{"creationTime": "2023-11-14", "prefixes": [{"ipv4Prefix": "192.0.2.0/24"}, {"service": "S3"}]}`, `f:1:77: /prefixes/1: no prefix here, although the other elements of the list have one; download the feed again`},
		{"a prefix that does not read", `{"prefixes": [{"ipv4Prefix": "192.0.2.0/24"}, {"ipv4Prefix": "192.0.2.0/33"}]}`, `f:1:62: /prefixes/1/ipv4Prefix: "192.0.2.0/33" has no valid prefix length; write a decimal number from 1 to 32 after the slash`},
		{"a word among prefixes", `{"ours": ["192.0.2.0/24", "us-east"]}`, `f:1:27: /ours/1: "us-east" is not a CIDR; write an address such as "192.0.2.1", or a prefix such as "192.0.2.0/24" or "2001:db8::/32"`},
		{"a word in an array", `["192.0.2.0/24", "us-east"]`, `f:1:18: /1: "us-east" is a single label; write the full name with its domain, such as "us-east.example.com"`},
		{"a range in an array", `["20.1.0.0-20.1.0.255"]`, "f:1:1: " + known},
		{"words alone", `["example"]`, "f:1:1: " + known},
		{"a site file", `{"bind": {"exchange": ["192.0.2.10"]}}`, "f: this is a site file, not a catalogue; name it only with --site"},
		{"a range in two columns", "192.0.2.0,192.0.2.255,AU\n", `f:1:1: 2 addresses in one row; expected one prefix, or one of each family, and its labels; write ranges as CIDRs`},
		{"GitHub with other things", `{"ssh_key_fingerprints": {}, "web": ["ssh-rsa"]}`, `f:1:38: /web/0: "ssh-rsa" is not a CIDR; write an address such as "192.0.2.1", or a prefix such as "192.0.2.0/24" or "2001:db8::/32"`},
		{"GitHub with every name", `{"ssh_key_fingerprints": {}, "web": [], "domains": {"website": ["*"]}}`, `f:1:65: /domains/website/0: "*" matches every name; write the domains that are meant, such as "*.example.com"`},
		{"Cloudflare out of order", `{"result": {"ipv4_cidrs": ["192.0.2.0/24"]}, "success": true}`, `f:1:12: /result: missing required key "ipv6_cidrs"`},
		{"flat rows with slips", `[{"serviceArea": "A", "protocol": "url", "uri": "*", "tcpPort": 443}, {"serviceArea": "A", "protocol": "ip", "uri": "192.0.2.1", "tcpPort": null, "udpPort": null}, {"serviceArea": "A b", "protocol": "tcp", "uri": "a.example.com", "tcpPort": 1}, {"uri": "a.example.com", "udpPort": 0}]`,
			"f:1:49: /0/uri: \"*\" matches every name; write the domains that are meant, such as \"*.example.com\"\n" +
				"f:1:71: /1: no port; expected tcpPort or udpPort\n" +
				"f:1:200: /2/protocol: unknown value \"tcp\"; known values: \"url\", \"ip\"\n" +
				"f:1:282: /3/udpPort: port 0 in \"0\" is not a valid port; write a port from 1 to 65535, or \"1-65535\" for all"},
		{"flat rows that contradict each other", `[{"serviceArea": "A", "protocol": "ip", "uri": "192.0.2.1", "tcpPort": 1}, {"serviceArea": "A", "protocol": "ip", "uri": "192.0.2.1", "tcpPort": 2, "required": true}]`,
			`f:1:76: /1: "192.0.2.1" had another category, or was required, before; the file contradicts itself`},
		{"a CSV of three columns", "Prefix,Type\n192.0.2.0/24,a,b\n192.0.2.0/33,c\n192.0.2.0/24,\n", "f:2:1: wrong number of fields: 3; download the file again\n" +
			"f:3:1: \"192.0.2.0/33\" has no valid prefix length; write a decimal number from 1 to 32 after the slash"},
		{"a CSV with an open quote", "Prefix,Type\n\"192.0.2.0/24,a\n", "f:2:17: extraneous or missing \" in quoted-field; expected a prefix, and what it is of"},
		{"a CSV with a header alone", "Prefix,Type\n", `f: the feed lists no endpoint: it is empty or was cut short; download it again`},
		{"a list with slips", "192.0.2.1\n192.0.2.300\nexample.com/path\nfoo\n192.0.2.0/24 192.0.2.1\n2001:db8::/0\nhttps://example.com/\n10.0.0.1-10.0.0.3\n",
			"f:2:1: \"192.0.2.300\" is not a CIDR; write an address such as \"192.0.2.1\", or a prefix such as \"192.0.2.0/24\" or \"2001:db8::/32\"\n" +
				"f:3:1: \"example.com/path\" has a path; write only the host, \"example.com\"\n" +
				"f:4:1: \"foo\" is a single label; write the full name with its domain, such as \"foo.example.com\"\n" +
				"f:5:1: more than one word; expected one prefix or FQDN per line, or the lines of a hosts file\n" +
				"f:6:1: \"2001:db8::/0\" covers a whole address family, which is not allowed in a feed\n" +
				"f:7:1: \"https://example.com/\" is a URL; write \"example.com\" here, and \"tcp 443\" under \"services\"\n" +
				"f:8:1: \"10.0.0.1-10.0.0.3\" is a range; write it as CIDRs: 10.0.0.1, 10.0.0.2/31"},
		{"a hosts file that gives addresses", "0.0.0.0 a.example.com\n192.0.2.9 intranet.example.com\n0.0.0.0 192.0.2.1\n", "f:2:1: \"192.0.2.9\" is followed by names, as in a hosts file; write only the address or only the names\n" +
			"f:3:1: \"192.0.2.1\" is an address, but a hosts file lists only names after the address of a line"},
		{"a list that says that it is longer", "# Domains: 3\na.example.com\nb.example.com\n", `f: the list states 3 entries but has 2: it was cut short; download it again`},
		{"comments alone", "# nothing\n\n", "f: " + known},
		{"a page", "<!DOCTYPE html>\n<html><body>Sign in to example.com</body></html>\n", "f:1:1: " + known},
		{"a list without a good line", "# ours\n10.0.0.0/40\nfoo\n", "f:2:1: " + known + formatNames() +
			"; as a list: \"10.0.0.0/40\" has no valid prefix length; write a decimal number from 1 to 32 after the slash"},
		{"another JSON", `{"prefixes": "none"}`, "f:1:1: " + known},
	} {
		c, err := Read("f", []byte(test.document), Naming{})
		switch {
		case err == nil:
			t.Errorf("%s: read as %s", test.name, c.Name)
		case strings.HasSuffix(test.want, known):
			if !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("%s\n got %v\nwant %s...", test.name, err, test.want)
			}
		case err.Error() != test.want:
			t.Errorf("%s\n got %v\nwant %s", test.name, err, test.want)
		}
	}
}

// The refusal of an unknown shape names every format.
func TestUnknownNamesTheFormats(t *testing.T) {
	_, err := Read("f", []byte(`{}`), Naming{})
	if err == nil {
		t.Fatal("read")
	}
	for _, f := range formats() {
		if !strings.Contains(err.Error(), f.name) {
			t.Errorf("%v does not name %s", err, f.name)
		}
	}
}

// Errors and notices of a text stop at a number that a person can read.
func TestManyFaultsAreCapped(t *testing.T) {
	_, err := Read("f", []byte("192.0.2.1\n"+strings.Repeat("foo\n", 5000)), Naming{})
	if err == nil || strings.Count(err.Error(), "\n") != 100 || !strings.HasSuffix(err.Error(), "f: further errors not shown") {
		t.Errorf("error %.300v", err)
	}
	c, err := Read("f", []byte(strings.Repeat("192.0.2.1/24\n", 5000)), Naming{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(c.Notices); n != 21 || c.Notices[20].Text != "4980 more endpoints normalized likewise" {
		t.Errorf("%d notices, the last %+v", n, c.Notices[n-1])
	}
}

// FuzzRead reads any bytes as a catalogue: no panic, and what reads can be
// selected, shown and digested.
func FuzzRead(f *testing.F) {
	for file := range cloudFixtures() {
		f.Add(read(f, file))
	}
	f.Add([]byte(ownDocument))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Read("f", data, Naming{})
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without text")
			}
			return
		}
		if c.Name == "" || c.Revision == "" {
			t.Errorf("a catalogue without a name: %+v", c)
		}
		seen := map[string]bool{}
		for i := range c.Entries {
			e := &c.Entries[i]
			if seen[e.ID] || !strings.HasPrefix(e.ID, c.Name+"/") {
				t.Errorf("id %q in the catalogue %s", e.ID, c.Name)
			}
			seen[e.ID] = true
			if strings.ContainsAny(e.ID+e.Title+e.Tag+e.Region+e.Service, "\n\r\x00\x1b") {
				t.Errorf("a control character in %+v", e)
			}
			if v4, v6 := e.Prefixes.CoversFamily(); v4 || v6 {
				t.Errorf("%s covers a family", e.ID)
			}
			e.AppendCanonical(nil)
		}
	})
}

func formatNames() string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.name)
	}
	return strings.Join(names, ", ")
}
