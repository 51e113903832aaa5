package feed

import (
	"strings"
	"testing"
)

// TestDenied holds that what a feed denies, or takes out of use, is never opened,
// whatever word it has for that: it is refused, or told of as not read.
func TestDenied(t *testing.T) {
	var documents []string
	for _, word := range []string{"deny", "denied", "block", "blocked", "blocklist", "blacklist", "removed", "deprecated", "disallow", "not", "allow_not", "reject", "drop", "retired", "obsolete", "inactive", "unused", "revoked", "sandbagged", "staging", "quarantined_prefixes", "DenyIPs"} {
		documents = append(documents,
			`{"prefixes": ["8.8.8.0/24"], "`+word+`": ["9.9.9.0/24"]}`,
			`{"prefixes": ["8.8.8.0/24"], "`+word+`": {"prefixes": ["9.9.9.0/24"]}}`,
			`{"prefixes": ["8.8.8.0/24"], "`+word+`": [{"cidr": "9.9.9.0/24"}]}`,
			`{"`+word+`": ["9.9.9.0/24"], "ips": ["8.8.8.0/24"]}`,
			`{"data": {"prefixes": ["8.8.8.0/24"]}, "`+word+`": ["9.9.9.0/24"]}`)
	}
	for _, field := range []string{`"active": false`, `"enabled": false`, `"allow": false`, `"anything": false`, `"deleted": true`, `"deny": true`, `"action": "deny"`, `"status": "removed"`, `"type": "exclude"`, `"type": "block"`, `"type": "Blocks"`, `"permit": "no"`, `"disposition": "remove"`, `"tags": ["blocked"]`, `"active": 0`, `"deleted_at": "2024-01-01"`, `"state": {"enabled": "no"}`} {
		documents = append(documents,
			`[{"cidr": "8.8.8.0/24"}, {"cidr": "9.9.9.0/24", `+field+`}]`,
			`{"prefixes": [{"ip_prefix": "9.9.9.0/24", `+field+`}, {"ip_prefix": "8.8.8.0/24"}]}`)
	}
	for _, rows := range []string{"network,action\n8.8.8.0/24,allow\n9.9.9.0/24,deny\n", "8.8.8.0/24,x\n9.9.9.0/24,deny\n", "network,active\n8.8.8.0/24,true\n9.9.9.0/24,false\n",
		"network,deny\n8.8.8.0/24,no\n9.9.9.0/24,yes\n", "allow,deny\n8.8.8.0/24,\n,9.9.9.0/24\n", "network,permit\n8.8.8.0/24,yes\n9.9.9.0/24,no\n"} {
		documents = append(documents, rows)
	}
	documents = append(documents,
		`[{"uri": "9.9.9.0/24", "tcpPort": 443, "protocol": "ip", "action": "deny"}]`,
		`[{"uri": "9.9.9.0/24", "tcpPort": 443, "protocol": "ip", "enabled": false}]`,
		`{"verifiable_password_authentication": false, "web": ["8.8.8.0/24"], "deny": ["9.9.9.0/24"]}`)
	for _, text := range documents {
		c, err := Read("x", []byte(text), Naming{})
		if err != nil {
			if !strings.HasPrefix(err.Error(), "x:") {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		for _, e := range c.Entries {
			if strings.Contains(e.Prefixes.String(), "9.9.9") {
				t.Errorf("%s: opened: %s", text, e.Prefixes)
			}
		}
		if len(c.Notices) == 0 {
			t.Errorf("%s: nothing is said", text)
		}
	}
}

// TestDenialMessages holds the messages, and that words which deny nothing are read.
func TestDenialMessages(t *testing.T) {
	for text, want := range map[string]string{
		`{"prefixes": ["8.8.8.0/24"], "deny": ["9.9.9.0/24"]}`: `x:1:38: /deny: "deny" excludes addresses from others, which a list of endpoints cannot express; write the remaining prefixes, and remove this key`,
		`{"prefixes": ["8.8.8.0/24"], "staging": ["9.9.9.0/24"]}`: "x |  | List x\nprefixes: 8.8.8.0/24\n" +
			`! ignored, because these keys are not known to hold endpoints: "staging"; put the endpoints that you want under "prefixes", or in a separate file`,
		`{"prefixes": ["8.8.8.0/24"], "parked": ["8.8.8.0/25"]}`:                      `x:1:40: /parked: "parked" lists endpoints that other keys list, too, so it may exclude them; remove this key, or the endpoints that it repeats`,
		`[{"uri": "9.9.9.0/24", "tcpPort": 443, "protocol": "ip", "action": "deny"}]`: `x:1:68: /0/action: "action" "deny" may mean that the addresses beside it must not be reached; if they are endpoints, remove it; otherwise remove the whole object`,
		`{"ssh_key_fingerprints": {}, "web": ["8.8.8.0/24"], "deny": ["9.9.9.0/24"]}`: `x:1:61: /deny: "deny" means that its addresses must not be reached; remove it`,
		`[{"cidr": "8.8.8.0/24", "active": false}]`:                                   `x:1:35: /0/active: "active" "false" may mean that the addresses beside it must not be reached; if they are endpoints, remove it; otherwise remove the whole object`,
		"network,action\n1.1.1.0/24,deny\n":                                           `x:2:12: "deny" may mean that the prefix of this row must not be reached; remove the row, or only this word if the prefix is an endpoint`,
		`[{"cidr": "8.8.8.0/24", "deprecated": false, "active": true}]`:               "x |  | List x\nprefixes: 8.8.8.0/24",
		`[{"cidr": "8.8.8.0/24", "country": "NO", "removed_at": null}]`:               "x |  | List x\nprefixes: 8.8.8.0/24",
		`{"good": ["8.8.8.0/24"], "parked": ["9.9.9.0/24"]}`:                          "x |  | List x\ngood: 8.8.8.0/24\nparked: 9.9.9.0/24\n! no key of the file says that it holds endpoints; all lists are read: \"good\", \"parked\"; remove those that are not meant",
		`{"ips": [{"cidr": "8.8.8.0/24", "type": "block"}]}`:                          `x:1:41: /ips/0/type: "type" "block" may mean that the addresses beside it must not be reached; if they are endpoints, remove it; otherwise remove the whole object`,
		`{"cidr_blocks": ["8.8.8.0/24"]}`:                                             "x |  | List x\ncidr_blocks: 8.8.8.0/24",
		`{"ranges": [{"cidr": "8.8.8.0/24", "type": "IP address block"}]}`:            "x |  | List x\nranges: 8.8.8.0/24",
		"network,country\n1.1.1.0/24,NO\n":                                            "x |  | List x\nNO: 1.1.1.0/24",
		"blocked.example.com,US\n1.1.1.0/24,US\n":                                     `x:1:1: no prefix in this row: "blocked.example.com" is not a CIDR; write an address such as "192.0.2.1", or a prefix such as "192.0.2.0/24" or "2001:db8::/32"`,
	} {
		if have := shapeText("x", text); have != want {
			t.Errorf("%s:\n%s\nwant\n%s", text, have, want)
		}
	}
}
