package feed

import "testing"

// TestPassedOver holds that no prefix of a JSON document is lost in silence: it is
// read, or a notice names where it stands.
func TestPassedOver(t *testing.T) {
	const notice = "\n! prefixes or addresses were found under unknown keys: "
	for _, c := range []struct{ name, text, want string }{
		{"the other family under its short name", `{"prefixes": [{"ip_prefix": "20.1.0.0/16", "ipv6": "2a05:d07f::/40"}]}`,
			"x |  | List x.json\nprefixes: 20.1.0.0/16, 2a05:d07f::/40"},
		{"the other family in Amazon's", `{"createDate": "2026-06-13", "ipv6_prefixes": [], "prefixes": [{"ip_prefix": "20.1.0.0/16", "service": "AMAZON", "network_border_group": "w", "ipv6": ["2a05:d07f::/40"]}]}`,
			"aws | aws | Amazon Web Services address ranges\nAMAZON: 20.1.0.0/16, 2a05:d07f::/40"},
		{"a family that is told of, and no prefix", `{"prefixes": [{"ip_prefix": "20.1.0.0/16", "ipv6": false}]}`, "x |  | List x.json\nprefixes: 20.1.0.0/16"},
		{"keys with hyphens", `{"prefixes": [{"ip-prefix": "20.1.0.0/16"}]}`, "x |  | List x.json\nprefixes: 20.1.0.0/16"},
		{"keys of another's", `{"prefixes": [{"ipv4Prefix": "20.1.0.0/16", "secondary": "20.3.0.0/16", "other": "2a05:d07f::/40"}, {"ipv4Prefix": "20.2.0.0/16", "other": "2a05::/40"}]}`,
			"x |  | List x.json\nprefixes: 20.1.0.0/16, 20.2.0.0/16" + notice + `1 under "secondary", 2 under "other"; ignored`},
		{"more keys than a line holds", `{"ips": ["20.1.0.0/16"], "a": "20.2.0.1", "b": "20.2.0.1", "c": "20.2.0.1", "d": "20.2.0.1", "e": "20.2.0.1"}`,
			"x |  | List x.json\nips: 20.1.0.0/16" + notice + `1 under "a", 1 under "b", 1 under "c" and 2 more; ignored`},
		{"an address beside a prefix", `{"prefixes": [{"prefix": "20.1.0.0/16", "address": "20.9.0.1"}]}`,
			"x |  | List x.json\nprefixes: 20.1.0.0/16" + notice + `1 under "address"; ignored`},
		{"prefixes as keys", `{"addresses": {"20.1.0.0/16": "x", "20.2.0.0/16": "y"}, "list": ["20.3.0.0/16"]}`,
			"x |  | List x.json\nlist: 20.3.0.0/16" + notice + `2 as keys of "addresses"; ignored`},
		{"a text beside a list", `{"a": "20.1.0.0/16", "b": ["20.3.0.0/16"]}`, "x |  | List x.json\na: 20.1.0.0/16\nb: 20.3.0.0/16\n! no key of the file says that it holds endpoints; all lists are read: \"a\", \"b\"; remove those that are not meant"},
		{"deeper", `{"data": {"eu": "2a05::/40", "us": ["20.3.0.0/16"]}}`, "x |  | List x.json\ndata.eu: 2a05::/40\ndata.us: 20.3.0.0/16\n! no key of the file says that it holds endpoints; all lists are read: \"data.eu\", \"data.us\"; remove those that are not meant"},
		{"an address beside a list, which may be a gateway's", `{"a": "20.1.0.1", "b": ["20.3.0.0/16"]}`, "x |  | List x.json\nb: 20.3.0.0/16" + notice + `1 under "a"; ignored`},
		{"a text beside a list under a key that is known", `{"prefixes": ["20.3.0.0/16"], "home": "20.1.0.0/16"}`, "x |  | List x.json\nprefixes: 20.3.0.0/16" + notice + `1 under "home"; ignored`},
		{"a text of several", `{"a": "20.1.0.0/16, 20.2.0.0/16", "b": ["20.3.0.0/16"]}`, "x |  | List x.json\na: 20.1.0.0/16, 20.2.0.0/16\nb: 20.3.0.0/16\n! no key of the file says that it holds endpoints; all lists are read: \"a\", \"b\"; remove those that are not meant"},
		{"a range", `{"a": "20.1.0.0 - 20.1.0.9", "b": ["20.3.0.0/16"]}`, "x |  | List x.json\nb: 20.3.0.0/16" + notice + `1 under "a"; ignored`},
		{"every address", `{"a": "0.0.0.0/0", "b": ["20.3.0.0/16"]}`, "x |  | List x.json\nb: 20.3.0.0/16" + notice + `1 under "a"; ignored`},
		{"Cloudflare's other networks", `{"result": {"ipv4_cidrs": ["20.1.0.0/20"], "ipv6_cidrs": ["2a05:d07f::/32"], "etag": "1.2", "jdcloud_cidrs": ["20.2.0.0/16", "20.3.0.0/16"]}, "success": true}`,
			"cloudflare | cloudflare | Cloudflare address ranges\nips: 20.1.0.0/20, 2a05:d07f::/32" + notice + `2 under "jdcloud_cidrs"; ignored`},
		{"another list of Azure's", `{"changeNumber": 1, "cloud": "Public", "values": [{"name": "S", "properties": {"addressPrefixes": ["20.1.0.0/25"], "addressPrefixes6": ["2603:1020::/48"]}}]}`,
			"azure-public | azure | Azure service tags, Public\nS: 20.1.0.0/25" + notice + `1 under "addressPrefixes6"; ignored`},
		{"another key of an endpoint set", `[{"id": 1, "serviceArea": "MEM", "category": "Default", "ips": ["192.0.2.0/24"], "ipv6s": ["2603:1020::/48"], "notes": "see 192.0.2.1", "tcpPorts": "443"}]`,
			"m365-worldwide | m365 | Microsoft 365 endpoints, Worldwide\n1: 192.0.2.0/24 outbound\n! the document does not say which instance it is of; read as Worldwide (--instance, or in \"catalogs\" {\"file\": ..., \"instance\": ...}, says another)" +
				notice + `1 under "ipv6s"; ignored`},

		{"what says nothing more", `{"20.1.0.0/16": {"cidr": "20.1.0.0/16", "name": "20.1.0.0/16", "first": "20.1.0.1", "version": "1.2.3", "time": "10:20:30"}}`,
			"x |  | List x.json\n20.1.0.0-16: 20.1.0.0/16"},
	} {
		if have := shapeText("x.json", c.text); have != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, have, c.want)
		}
	}
}

// TestOnlyElsewhere holds that a document whose prefixes all stand where none is looked
// for is refused by the name of their place.
func TestOnlyElsewhere(t *testing.T) {
	for text, want := range map[string]string{
		`{"data": {"x": "20.1.0.0/16"}}`:                             `1 under "x"`,
		`{"20.1.0.0/16": {"asn": 1}}`:                                `1 as keys`,
		`{"prefixes": [{"start": "20.1.0.0", "end": "20.1.0.255"}]}`: `1 under "start", 1 under "end"`,
		`{"changeNumber": 1, "cloud": "Public", "values": [{"name": "S", "properties": {"addressPrefixes": [], "more": ["2603:1020::/48"]}}]}`: `1 under "more"`,
	} {
		want = "x.json: prefixes or addresses were found only under unknown keys: " + want + `; rename a key to "cidr", or write a plain list with one per line`
		if have := shapeText("x.json", text); have != want {
			t.Errorf("%s:\n%s\nwant\n%s", text, have, want)
		}
	}
}
