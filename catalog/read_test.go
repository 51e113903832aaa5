package catalog

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"gatewright/catalog/netset"
)

// document wraps entries into a document; the first entry starts line 2.
func document(entries string) string {
	return `{"catalog": "c", "revision": "1", "title": "t", "placeholders": {"tenant": "label", "email_domain": "fqdn"}, "entries": [` +
		"\n" + entries + "\n]}"
}

// entry is an entry with nothing but what every entry has and the given members.
func entry(members string) string { return `{"id": "e", "title": "t", ` + members + `}` }

// flow is a document of one flow that lacks nothing but the given members.
func flow(members string) string {
	return document(entry(`"direction": "outbound", "role": "clients", ` + members))
}

func endpoints(list string) string { return flow(`"services": "tcp 443", "endpoints": [` + list + `]`) }

func services(text string) string { return flow(`"endpoints": ["a.example.com"], "services": ` + text) }

// bad are documents and the whole text of the error that each must give.
var bad = []struct{ name, in, want string }{
	{"empty file", "", `c.json:1:1: empty input; expected a JSON value`},
	{"white space", " \n", `c.json:2:1: expected a value, found the end of the file`},
	{"NUL", "\x00", `c.json: NUL in the first bytes: this looks like UTF-16 without a byte-order mark; save the file as UTF-8`},
	{"only a comment", "// nothing", `c.json:1:11: expected a value, found the end of the file`},
	{"invalid UTF-8", "{\"catalog\": \"\xff\"}", `c.json:1:14: byte 0xff is not valid UTF-8; save the file as UTF-8`},
	{"UTF-16 without a mark", "{\x00\"\x00c\x00", `c.json: NUL in the first bytes: this looks like UTF-16 without a byte-order mark; save the file as UTF-8`},
	{"UTF-32", "\xff\xfe\x00\x00{\x00\x00\x00", `c.json: text is UTF-32; save the file as UTF-8`},
	{"cut off in a string", `{"catalog": "c`, `c.json:1:13: /catalog: string is not closed; expected a double quote`},
	{"cut off in an entry", "{\"entries\": [{\"id\": \"a\"", `c.json:1:24: /entries/0: expected "," or "}" in the object opened at 1:14, found the end of the file`},
	{"missing comma", document(`{"id": "a" "title": "t"}`), `c.json:2:12: /entries/0: expected "," or "}" in the object opened at 2:1, found '"'`},
	{"missing comma between entries", document("{}\n{}"), `c.json:3:1: /entries: expected "," or "]" in the array opened at 1:121, found '{'`},
	{"single quotes", `{'catalog': "c"}`, `c.json:1:2: expected a key in double quotes, found '\''`},
	{"bare word", endpoints(`example.com`), `c.json:2:108: /entries/0/endpoints/0: expected a value, found "example.com"; text takes double quotes`},
	{"text after the end", document("") + "}", `c.json:3:3: expected the end of the file after the value, found '}'`},
	{"number with leading zero", document(`{"id": 007}`), `c.json:2:8: /entries/0/id: "007" has a leading zero`},
	{"duplicate key of the document", `{"catalog": "c", "catalog": "c"}`, `c.json:1:18: /catalog: key "catalog" was already given at 1:2; keep one of the two`},
	{"duplicate key of an entry", document(`{"id": "a", "id": "a"}`), `c.json:2:13: /entries/0/id: key "id" was already given at 2:2; keep one of the two`},
	{"duplicate key by escape", document(`{"id": "a", "\u0069d": "a"}`), `c.json:2:13: /entries/0/id: key "id" was already given at 2:2; keep one of the two`},
	{"string of 1 MiB", endpoints(`"` + strings.Repeat("a", 1<<20) + `"`), `c.json:2:108: /entries/0/endpoints/0: string of 1048576 bytes is over the limit of 65536 bytes`},
	{"depth of 10,000", strings.Repeat("[", 10_000), `c.json:1:65: /0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0: nesting is deeper than the limit of 64 levels`},
	{"lone surrogate", endpoints(`"\ud800.example.com"`), `c.json:2:109: /entries/0/endpoints/0: \ud800 is half of a surrogate pair; write both halves, as in \ud83d\ude00`},
	{"control character in a string", endpoints("\"a\n.example.com\""), `c.json:2:110: /entries/0/endpoints/0: line break in a string; close the string or write \n`},

	{"not an object", `[]`, `c.json:1:1: expected an object, found an array`},
	{"empty document", `{}`, `c.json:1:1: missing required key "catalog"
c.json:1:1: missing required key "revision"
c.json:1:1: missing required key "title"
c.json:1:1: missing required key "entries"`},
	{"unknown key", `{"catalog": "c", "revision": "1", "title": "t", "entries": [], "comment": "x"}`, `c.json:1:64: /comment: unknown key "comment"; known keys: "catalog", "snapshot_of", "revision", "title", "source", "date", "placeholders", "inferred", "entries"`},
	{"mis-cased key", `{"Catalog": "c", "revision": "1", "title": "t", "entries": []}`, `c.json:1:2: /Catalog: unknown key "Catalog"; known keys: "catalog", "snapshot_of", "revision", "title", "source", "date", "placeholders", "inferred", "entries"; did you mean "catalog"?`},
	{"misspelt key of an entry", endpoints(`"a.example.com"], "instnace": ["China"`), `c.json:2:126: /entries/0/instnace: unknown key "instnace"; known keys: "id", "row", "title", "kind", "area", "type", "category", "required", "instance", "direction", "role", "endpoints", "remote", "services", "narrowed", "unsaid", "inferred", "condition", "notes", "links", "source", "date"; did you mean "instance"?`},
	{"entries of another type", `{"catalog": "c", "revision": "1", "title": "t", "entries": {}}`, `c.json:1:60: /entries: expected an array, found an object`},
	{"entry of another type", document(`"a.example.com"`), `c.json:2:1: /entries/0: expected an object, found a string`},
	{"several wrong types", document(`{"id": 1, "title": null, "required": "yes", "notes": "x", "direction": true, "endpoints": "a.example.com", "services": ["tcp 443"]}`), `c.json:2:8: /entries/0/id: expected a string, found a number
c.json:2:20: /entries/0/title: expected a string, found null
c.json:2:38: /entries/0/required: expected true or false, found a string
c.json:2:54: /entries/0/notes: expected an array, found a string
c.json:2:72: /entries/0/direction: expected a string, found true or false
c.json:2:91: /entries/0/endpoints: expected an array, found a string
c.json:2:120: /entries/0/services: expected services as one text, such as "tcp 80, 443; udp 3478", found an array`},
	{"endpoint of another type", endpoints(`443, null, ["a.example.com"]`), `c.json:2:108: /entries/0/endpoints/0: expected a string, found a number
c.json:2:113: /entries/0/endpoints/1: expected a string, found null
c.json:2:119: /entries/0/endpoints/2: expected a string, found an array`},
	{"name is no slug", `{"catalog": "My Catalogue", "revision": "1", "title": "t", "entries": []}`, `c.json:1:13: /catalog: bad name "My Catalogue"; write a lower-case letter, then at most 63 lower-case letters, digits or hyphens`},
	{"revision with a space", `{"catalog": "c", "revision": "of today", "title": "t", "entries": []}`, `c.json:1:30: /revision: bad revision "of today"; write a date or a version, such as "2025-01-08": at most 64 letters, digits, dots, hyphens or underscores`},
	{"date that is none", `{"catalog": "c", "revision": "1", "title": "t", "date": "2025-02-30", "entries": []}`, `c.json:1:57: /date: bad date "2025-02-30"; write a day as YYYY-MM-DD`},
	{"id with a slash", document(`{"id": "c/e", "title": "t"}`), `c.json:2:8: /entries/0/id: bad id "c/e"; write a lower-case letter or a digit, then at most 63 lower-case letters, digits or hyphens`},
	{"id too long", document(`{"id": "` + strings.Repeat("a", 65) + `", "title": "t"}`), `c.json:2:8: /entries/0/id: bad id "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"; write a lower-case letter or a digit, then at most 63 lower-case letters, digits or hyphens`},

	{"empty title", document(`{"id": "e", "title": " "}`), `c.json:2:22: /entries/0/title: empty text; write something, or remove the key`},
	{"title too long", document(`{"id": "e", "title": "` + strings.Repeat("é", 101) + `"}`), `c.json:2:22: /entries/0/title: text of 202 bytes; write at most 200`},
	{"newline in a title", document(`{"id": "e", "title": "a\nb"}`), `c.json:2:22: /entries/0/title: "a\nb" has a non-printable character; write one line of plain text`},
	{"filler in a title", document(`{"id": "e", "title": "a\u3164b"}`), `c.json:2:22: /entries/0/title: "a\u3164b" has a non-printable character; write one line of plain text`},
	{"variation selector in a title", document(`{"id": "e", "title": "a\ufe0fb"}`), `c.json:2:22: /entries/0/title: "a\ufe0fb" has a non-printable character; write one line of plain text`},
	{"escape sequence in a note", flow(`"endpoints": ["a.example.com"], "services": "tcp 443", "notes": ["\u001b[2J"]`), `c.json:2:136: /entries/0/notes/0: "\x1b[2J" has a non-printable character; write one line of plain text`},
	{"right-to-left override in a condition", flow(`"endpoints": ["a.example.com"], "services": "tcp 443", "condition": "\u202eabc"`), `c.json:2:139: /entries/0/condition: "\u202eabc" has a non-printable character; write one line of plain text`},
	{"line separator in a source", flow(`"endpoints": ["a.example.com"], "services": "tcp 443", "source": "a\u2028b"`), `c.json:2:136: /entries/0/source: "a\u2028b" has a non-printable character; write one line of plain text`},
	{"many notes", flow(`"endpoints": ["a.example.com"], "services": "tcp 443", "notes": [` + strings.Repeat(`"n", `, 17) + `]`), `c.json:2:216: /entries/0/notes/16: more than 16 texts in one list; leave some out`},

	{"length over 32", endpoints(`"192.0.2.0/33"`), `c.json:2:108: /entries/0/endpoints/0: "192.0.2.0/33" has no valid prefix length; write a decimal number from 1 to 32 after the slash`},
	{"length missing", endpoints(`"192.0.2.0/"`), `c.json:2:108: /entries/0/endpoints/0: "192.0.2.0/" has no valid prefix length; write a decimal number from 1 to 32 after the slash`},
	{"network mask", endpoints(`"192.0.2.0/255.255.255.0"`), `c.json:2:108: /entries/0/endpoints/0: "192.0.2.0/255.255.255.0" has a network mask; write "192.0.2.0/24"`},
	{"number over 255", endpoints(`"300.0.2.1"`), `c.json:2:108: /entries/0/endpoints/0: "300.0.2.1" is not a CIDR; write an address such as "192.0.2.1", or a prefix such as "192.0.2.0/24" or "2001:db8::/32"`},
	{"leading zeros", endpoints(`"192.000.002.001"`), `c.json:2:108: /entries/0/endpoints/0: "192.000.002.001" has leading zeros, which some programs read as octal; write "192.0.2.1" if decimal is meant`},
	{"any IPv4", endpoints(`"0.0.0.0/0"`), `c.json:2:108: /entries/0/endpoints/0: "0.0.0.0/0" covers a whole address family, which a catalogue cannot contain; write "remote" under "unsaid", and let the site answer`},
	{"any IPv6", endpoints(`"::/0"`), `c.json:2:108: /entries/0/endpoints/0: "::/0" covers a whole address family, which a catalogue cannot contain; write "remote" under "unsaid", and let the site answer`},
	{"two halves of IPv4", endpoints(`"0.0.0.0/1", "128.0.0.0/1"`), `c.json:2:107: /entries/0/endpoints: these prefixes together cover a whole address family, which a catalogue cannot contain; write "remote" under "unsaid", and let the site answer`},
	{"zone", endpoints(`"fe80::1%eth0"`), `c.json:2:108: /entries/0/endpoints/0: "fe80::1%eth0" has a zone, which is valid on one machine only; write it without "%eth0"`},
	{"IPv4 zone", endpoints(`"192.0.2.1%eth0/32"`), `c.json:2:108: /entries/0/endpoints/0: "192.0.2.1%eth0/32" has a zone, which is valid on one machine only; write it without "%eth0"`},
	{"range with spaces", endpoints(`"198.51.100.0 - 198.51.100.9"`), `c.json:2:108: /entries/0/endpoints/0: "198.51.100.0 - 198.51.100.9" is a range; write it as CIDRs: 198.51.100.0/29, 198.51.100.8/31`},
	{"range", endpoints(`"192.0.2.0-192.0.2.127"`), `c.json:2:108: /entries/0/endpoints/0: "192.0.2.0-192.0.2.127" is a range; write it as CIDRs: 192.0.2.0/25`},
	{"address with port", endpoints(`"192.0.2.1:443"`), `c.json:2:108: /entries/0/endpoints/0: "192.0.2.1:443" has a port; write "192.0.2.1" here and the port under services`},
	{"IPv6 in brackets", endpoints(`"[2001:db8::1]:443"`), `c.json:2:108: /entries/0/endpoints/0: "[2001:db8::1]:443" has brackets; write only the address, without brackets and port`},
	{"space around an address", endpoints(`"192.0.2.1 "`), `c.json:2:108: /entries/0/endpoints/0: "192.0.2.1 " has space around it; write "192.0.2.1"`},

	{"star alone", endpoints(`"*"`), `c.json:2:108: /entries/0/endpoints/0: "*" matches every name; write the domains that are meant, such as "*.example.com"`},
	{"star over a registry", endpoints(`"*.com"`), `c.json:2:108: /entries/0/endpoints/0: "*.com" has a star in its last two labels; write two labels after the last star, as in "*.example.com"`},
	{"star in the last labels", endpoints(`"a.*.com"`), `c.json:2:108: /entries/0/endpoints/0: "a.*.com" has a star in its last two labels; write two labels after the last star, as in "*.example.com"`},
	{"IDN", endpoints(`"bücher.example.com"`), `c.json:2:108: /entries/0/endpoints/0: "bücher.example.com" is not ASCII; write the name in its A-label form, "xn--bcher-kva.example.com"`},
	{"single label", endpoints(`"intranet"`), `c.json:2:108: /entries/0/endpoints/0: "intranet" is a single label; write the full name with its domain, such as "intranet.example.com"`},
	{"empty label", endpoints(`"a..example.com"`), `c.json:2:108: /entries/0/endpoints/0: "a..example.com" has an empty label; write one dot between labels`},
	{"quote", endpoints(`"a\".example.com"`), `c.json:2:108: /entries/0/endpoints/0: "a\".example.com" has a character that is not allowed in a name; write letters, digits, "-", "_" and ".", and "*" in a pattern`},
	{"shell", endpoints(`"$(reboot).example.com"`), `c.json:2:108: /entries/0/endpoints/0: "$(reboot).example.com" has a character that is not allowed in a name; write letters, digits, "-", "_" and ".", and "*" in a pattern`},
	{"newline in a name", endpoints(`"a.example.com\nhttp_access"`), `c.json:2:108: /entries/0/endpoints/0: "a.example.com\nhttp_access" has a space or a control character; write one name without it`},
	{"NUL in a name", endpoints(`"a\u0000.example.com"`), `c.json:2:108: /entries/0/endpoints/0: "a\x00.example.com" has a space or a control character; write one name without it`},
	{"label too long", endpoints(`"` + strings.Repeat("a", 64) + `.example.com"`), `c.json:2:108: /entries/0/endpoints/0: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example.com" has a label of 64 characters; write at most 63 between two dots`},
	{"empty endpoint", endpoints(`""`), `c.json:2:108: /entries/0/endpoints/0: empty name; write one such as "www.example.com" or "*.example.com"`},
	{"no endpoints", endpoints(``), `c.json:2:107: /entries/0/endpoints: no endpoints; list prefixes or FQDNs, or write "remote" under "unsaid"`},

	{"https before a host", endpoints(`"https://login.live.com"`), `c.json:2:108: /entries/0/endpoints/0: "https://login.live.com" is a URL; write "login.live.com" here, and "tcp 443" under "services"`},
	{"https with a slash and a port", endpoints(`"https://login.live.com:8443/"`), `c.json:2:108: /entries/0/endpoints/0: "https://login.live.com:8443/" is a URL; write "login.live.com" here, and "tcp 8443" under "services"`},
	{"http with a path", endpoints(`"http://aka.ms/hybridwizard"`), `c.json:2:108: /entries/0/endpoints/0: "http://aka.ms/hybridwizard" is a URL; write "aka.ms/hybridwizard" here, and "tcp 80" under "services"`},
	{"URL of an address", endpoints(`"https://[2001:db8::1]/"`), `c.json:2:108: /entries/0/endpoints/0: "https://[2001:db8::1]/" is a URL; write its host here, and its port under "services"`},
	{"host with port", endpoints(`"login.live.com:443"`), `c.json:2:108: /entries/0/endpoints/0: "login.live.com:443" has a port; write only the host, "login.live.com", and the port under services`},
	{"host with port and path", endpoints(`"aka.ms:443/hybridwizard"`), `c.json:2:108: /entries/0/endpoints/0: "aka.ms:443/hybridwizard" has a port; write "aka.ms/hybridwizard" here, and the port under "services"`},
	{"slash at the end", endpoints(`"aka.ms/"`), `c.json:2:108: /entries/0/endpoints/0: "aka.ms/" ends with a slash; write "aka.ms" for the whole host`},
	{"quote in a path", endpoints(`"aka.ms/\"x\""`), `c.json:2:108: /entries/0/endpoints/0: "aka.ms/\"x\"" has a character in its path that is not allowed in a URL; write it percent-encoded`},
	{"newline in a path", endpoints(`"aka.ms/a\nb"`), `c.json:2:108: /entries/0/endpoints/0: "aka.ms/a\nb" has a character in its path that is not allowed in a URL; write it percent-encoded`},
	{"path too long", endpoints(`"aka.ms/` + strings.Repeat("a", 500) + `"`), `c.json:2:108: /entries/0/endpoints/0: "aka.ms/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"… has a path of 501 bytes; write at most 500`},
	{"bad host before a path", endpoints(`"*.com/x"`), `c.json:2:108: /entries/0/endpoints/0: "*.com/x": "*.com" has a star in its last two labels; write two labels after the last star, as in "*.example.com"`},
	{"address in prose", endpoints(`"a.example.com (192.0.2.1)"`), `c.json:2:108: /entries/0/endpoints/0: "a.example.com (192.0.2.1)" is more than one endpoint; write each endpoint as a separate string`},
	{"list of CIDRs in one text", endpoints(`"192.0.2.0/24; 198.51.100.0/24"`), `c.json:2:108: /entries/0/endpoints/0: "192.0.2.0/24; 198.51.100.0/24" is more than one endpoint; write each endpoint as a separate string`},
	{"length 0 with rubbish", endpoints(`"192.0.2/0"`), `c.json:2:108: /entries/0/endpoints/0: "192.0.2/0" is not a CIDR; write an address such as "192.0.2.1", or a prefix such as "192.0.2.0/24" or "2001:db8::/32"`},
	{"list in one text", endpoints(`"192.0.2.1, 192.0.2.2"`), `c.json:2:108: /entries/0/endpoints/0: "192.0.2.1, 192.0.2.2" is more than one endpoint; write each endpoint as a separate string`},

	{"placeholder without end", endpoints(`"<tenant.sharepoint.com"`), `c.json:2:108: /entries/0/endpoints/0: "<tenant.sharepoint.com" has a "<" without its ">"; write a placeholder as "<tenant>"`},
	{"placeholder without start", endpoints(`"tenant>.sharepoint.com"`), `c.json:2:108: /entries/0/endpoints/0: "tenant>.sharepoint.com" has a ">" without its "<"; write a placeholder as "<tenant>"`},
	{"placeholder in upper case", endpoints(`"<Tenant>.sharepoint.com"`), `c.json:2:108: /entries/0/endpoints/0: "<Tenant>.sharepoint.com": "Tenant" is not a placeholder name; use lower-case letters and underscores, as in "<tenant>"`},
	{"placeholder without name", endpoints(`"<>.sharepoint.com"`), `c.json:2:108: /entries/0/endpoints/0: "<>.sharepoint.com": "" is not a placeholder name; use lower-case letters and underscores, as in "<tenant>"`},
	{"placeholder in another", endpoints(`"<ten<ant>>.sharepoint.com"`), `c.json:2:108: /entries/0/endpoints/0: "<ten<ant>>.sharepoint.com": "ten<ant" is not a placeholder name; use lower-case letters and underscores, as in "<tenant>"`},
	{"placeholder not declared", endpoints(`"<region>.example.com"`), `c.json:2:108: /entries/0/endpoints/0: placeholder <region> is not declared; add it to the document's "placeholders" as "label" or "fqdn"`},
	{"placeholder in a path", endpoints(`"aka.ms/<tenant>"`), `c.json:2:108: /entries/0/endpoints/0: "aka.ms/<tenant>" has a placeholder in its path, where placeholders are not filled; write the path up to it`},
	{"placeholder of one label", endpoints(`"<tenant>"`), `c.json:2:108: /entries/0/endpoints/0: "<tenant>": "contoso" is a single label; write the full name with its domain, such as "contoso.example.com"`},
	{"star before a filled registry", endpoints(`"*.<tenant>"`), `c.json:2:108: /entries/0/endpoints/0: "*.<tenant>": "*.contoso" has a star in its last two labels; write two labels after the last star, as in "*.example.com"`},
	{"placeholder declared badly", `{"catalog": "c", "revision": "1", "title": "t", "placeholders": {"Tenant": "lable"}, "entries": []}`, `c.json:1:66: /placeholders/Tenant: bad placeholder name "Tenant"; use at most 64 lower-case letters and underscores
c.json:1:76: /placeholders/Tenant: unknown value "lable"; known values: "label", "fqdn"; did you mean "label"?`},

	{"port 0", services(`"tcp 0"`), `c.json:2:115: /entries/0/services: service "tcp 0": port 0 in "0" is not a valid port; write a port from 1 to 65535, or "1-65535" for all`},
	{"port 65536", services(`"tcp 65536"`), `c.json:2:115: /entries/0/services: service "tcp 65536": port "65536" is over 65535; write a port from 1 to 65535`},
	{"reversed ports", services(`"tcp 59999-50000"`), `c.json:2:115: /entries/0/services: service "tcp 59999-50000": ports "59999-50000" are reversed; write "50000-59999"`},
	{"thousands separator", services(`"udp 50,000-59,999"`), `c.json:2:115: /entries/0/services: service "udp 50,000-59,999": port "000" has leading zeros; write it without leading zeros and without thousands separators`},
	{"protocol alone", services(`"tcp"`), `c.json:2:115: /entries/0/services: service "tcp" has no ports; write the protocol, a space and the ports, such as "tcp 80, 443", or "tcp 1-65535" for all`},
	{"other protocol", services(`"icmp 8"`), `c.json:2:115: /entries/0/services: service "icmp 8": "icmp" is not a supported protocol; write "tcp" or "udp"; write the protocol, a space and the ports, such as "tcp 80, 443"`},
	{"upper case", services(`"TCP 443"`), `c.json:2:115: /entries/0/services: service "TCP 443" is not in canonical form; write "tcp 443"`},
	{"ports without protocol", services(`"443"`), `c.json:2:115: /entries/0/services: service "443" names no protocol; write "tcp 443", or udp`},
	{"empty services", services(`""`), `c.json:2:115: /entries/0/services: empty services; write services such as "tcp 80, 443; udp 3478-3481"`},

	{"nothing said", document(entry(`"kind": "flow"`)), `c.json:2:1: /entries/0: the remote is missing; write "endpoints", or "remote" under "unsaid" with the reason
c.json:2:1: /entries/0: the services is missing; write "services", or "services" under "unsaid" with the reason
c.json:2:1: /entries/0: the direction is missing; write "direction", or "direction" under "unsaid" with the reason
c.json:2:1: /entries/0: the role is missing; write "role", or "role" under "unsaid" with the reason`},
	{"said and unsaid", flow(`"endpoints": ["a.example.com"], "services": "tcp 443", "unsaid": {"services": {"why": "w"}}`), `c.json:2:149: /entries/0/unsaid/services: "services" says what is unsaid here; remove one of the two`},
	{"unsaid without reason", flow(`"endpoints": ["a.example.com"], "unsaid": {"services": {"ask": "which?"}}`), `c.json:2:126: /entries/0/unsaid/services: missing required key "why"`},
	{"unknown fact", flow(`"endpoints": ["a.example.com"], "unsaid": {"ports": {"why": "w"}}`), `c.json:2:114: /entries/0/unsaid/ports: unknown key "ports"; known keys: "remote", "services", "direction", "role"`},
	{"never_any of services", flow(`"endpoints": ["a.example.com"], "unsaid": {"services": {"why": "w", "never_any": true}}`), `c.json:2:139: /entries/0/unsaid/services/never_any: unknown key "never_any"; known keys: "why", "ask", "who"`},
	{"bad reference", flow(`"services": "tcp 443", "unsaid": {"remote": {"why": "w", "from": ["exchange"]}}`), `c.json:2:137: /entries/0/unsaid/remote/from/0: bad reference "exchange"; write a catalogue and one of its entries or areas, such as "m365/exchange"`},
	{"inferred but not said", flow(`"services": "tcp 443", "unsaid": {"remote": {"why": "w"}}, "inferred": {"remote": "r"}`), `c.json:2:153: /entries/0/inferred/remote: the entry gives no remote, so it cannot be marked as inferred; write "endpoints", or remove this`},
	{"area inferred of none", flow(`"endpoints": ["a.example.com"], "services": "tcp 443", "inferred": {"area": "r"}`), `c.json:2:147: /entries/0/inferred/area: the entry gives no area, so it cannot be marked as inferred; write "area", or remove this`},
	{"remote role and endpoints", flow(`"endpoints": ["a.example.com"], "remote": {"role": "connect"}, "services": "tcp 443"`), `c.json:2:113: /entries/0/remote: the remote is given twice, here and by "endpoints"; remove one of the two`},
	{"remote role and unsaid", flow(`"remote": {"role": "connect"}, "services": "tcp 443", "unsaid": {"remote": {"why": "w"}}`), `c.json:2:146: /entries/0/unsaid/remote: "remote" says what is unsaid here; remove one of the two`},
	{"remote that is no role", flow(`"remote": {"from": "m365/exchange"}, "services": "tcp 443"`), `c.json:2:81: /entries/0/remote: missing required key "role"
c.json:2:82: /entries/0/remote/from: unknown key "from"; known keys: "role"`},
	{"remote of another type", flow(`"remote": "connect", "services": "tcp 443"`), `c.json:2:81: /entries/0/remote: expected an object, found a string`},
	{"remote role of a trusted site", document(entry(`"kind": "trusted-site", "remote": {"role": "connect"}`)), `c.json:2:61: /entries/0/remote: a trusted site is a name, not a role; write "endpoints", or change the kind to "flow"`},
	{"snapshot without a day", `{"catalog": "c", "snapshot_of": "m365", "revision": "1", "title": "t", "entries": []}`, `c.json:1:1: a snapshot of a feed needs its day; write it as "date"`},
	{"narrowed name of another entry", flow(`"endpoints": ["*.example.com"], "services": "tcp 443", "narrowed": {"*.example.net": ["<tenant>.example.net"]}`), `c.json:2:139: /entries/0/narrowed/*.example.net: "*.example.net" is not a name of this entry; narrow a name that the entry lists`},
	{"narrowed to no placeholder", flow(`"endpoints": ["*.example.com"], "services": "tcp 443", "narrowed": {"*.example.com": ["a.example.com"]}`), `c.json:2:157: /entries/0/narrowed/*.example.com/0: "a.example.com" has no placeholder; write one such as "<tenant>.example.com"`},
	{"narrowed to one that is not declared", flow(`"endpoints": ["*.example.com"], "services": "tcp 443", "narrowed": {"*.example.com": ["<region>.example.com"]}`), `c.json:2:157: /entries/0/narrowed/*.example.com/0: placeholder <region> is not declared; add it to the document's "placeholders" as "label" or "fqdn"`},
	{"id with a hyphen first", document(`{"id": "-1", "title": "t"}`), `c.json:2:8: /entries/0/id: bad id "-1"; write a lower-case letter or a digit, then at most 63 lower-case letters, digits or hyphens`},
	{"link that is none", flow(`"endpoints": ["a.example.com"], "services": "tcp 443", "links": ["www.example.com"]`), `c.json:2:136: /entries/0/links/0: "www.example.com" is not the URL of a page; write one such as "https://www.example.com/page"`},
	{"link that is a script", flow(`"endpoints": ["a.example.com"], "services": "tcp 443", "links": ["javascript://alert(1)"]`), `c.json:2:136: /entries/0/links/0: "javascript://alert(1)" is not the URL of a page; write one such as "https://www.example.com/page"`},
	{"document infers roles", `{"catalog": "c", "revision": "1", "title": "t", "inferred": {"role": "r"}, "entries": []}`, `c.json:1:61: /inferred: missing required key "area"
c.json:1:62: /inferred/role: unknown key "role"; known keys: "area"`},
	{"elsewhere without a reference", flow(`"services": "tcp 443", "unsaid": {"remote": {"why": "w", "elsewhere": {"from": []}}}`), `c.json:2:150: /entries/0/unsaid/remote/elsewhere/from: no reference; write a catalogue and one of its entries or areas, such as "m365/exchange"`},
	{"elsewhere under nothing", flow(`"services": "tcp 443", "unsaid": {"remote": {"why": "w", "elsewhere": {"from": ["m365/skype"], "under": []}}}`), `c.json:2:141: /entries/0/unsaid/remote/elsewhere: no domain; write the domains whose names are meant, or omit "under" if the addresses are meant`},
	{"elsewhere under a star", flow(`"services": "tcp 443", "unsaid": {"remote": {"why": "w", "elsewhere": {"from": ["m365/skype"], "under": ["*.example.com"]}}}`), `c.json:2:176: /entries/0/unsaid/remote/elsewhere/under/0: "*.example.com" has a star; write one whole name, such as "www.example.com"`},
	{"addresses elsewhere of a trusted site", document(entry(`"kind": "trusted-site", "unsaid": {"remote": {"why": "w", "elsewhere": {"from": ["m365/skype"]}}}`)), `c.json:2:61: /entries/0/unsaid: a trusted site is a name, and "elsewhere" without "under" means addresses; write the domains under which the names lie`},
	{"services elsewhere", flow(`"endpoints": ["a.example.com"], "unsaid": {"services": {"why": "w", "elsewhere": {"from": ["m365/skype"]}}}`), `c.json:2:139: /entries/0/unsaid/services/elsewhere: unknown key "elsewhere"; known keys: "why", "ask", "who"`},
	{"services of a trusted site", document(entry(`"kind": "trusted-site", "endpoints": ["a.example.com"], "services": "tcp 443"`)), `c.json:2:95: /entries/0/services: a trusted site is not traffic and has no services; remove it, or change the kind to "flow"`},
	{"unsaid role of a trusted site", document(entry(`"kind": "trusted-site", "endpoints": ["a.example.com"], "unsaid": {"role": {"why": "w"}}`)), `c.json:2:93: /entries/0/unsaid: a trusted site is not traffic and has no role to leave unsaid; remove it, or change the kind to "flow"`},
	{"address of a trusted site", document(entry(`"kind": "trusted-site", "endpoints": ["192.0.2.0/24"]`)), `c.json:2:64: /entries/0/endpoints: a trusted site is a name, not an address; remove the addresses, or change the kind to "flow"`},
	{"direction against the type", flow(`"endpoints": ["a.example.com"], "services": "tcp 443", "type": "Inbound server"`), `c.json:2:40: /entries/0/direction: direction "outbound" contradicts the type "Inbound server"; list "direction" under "unsaid", or under "inferred" with the reason`},
	{"unknown kind", document(entry(`"kind": "trusted_site", "endpoints": ["a.example.com"]`)), `c.json:2:35: /entries/0/kind: unknown value "trusted_site"; known values: "flow", "trusted-site"; did you mean "trusted-site"?`},
	{"unknown direction", document(entry(`"direction": "in"`)), `c.json:2:40: /entries/0/direction: unknown value "in"; known values: "outbound", "inbound", "bidirectional"`},
	{"unknown category", flow(`"endpoints": ["a.example.com"], "services": "tcp 443", "category": "Optimize"`), `c.json:2:138: /entries/0/category: unknown value "Optimize"; known values: "optimize", "allow", "default"; did you mean "optimize"?`},
	{"unknown instance", flow(`"endpoints": ["a.example.com"], "services": "tcp 443", "instance": ["worldwide", "GCC"]`), `c.json:2:139: /entries/0/instance/0: unknown value "worldwide"; known values: "Worldwide", "USGovDoD", "USGovGCCHigh", "China", "Germany"; did you mean "Worldwide"?
c.json:2:152: /entries/0/instance/1: unknown value "GCC"; known values: "Worldwide", "USGovDoD", "USGovGCCHigh", "China", "Germany"`},
	{"no instance", flow(`"endpoints": ["a.example.com"], "services": "tcp 443", "instance": []`), `c.json:2:138: /entries/0/instance: no instance; name one, or leave the key out for Worldwide`},
	{"role that is no slug", document(entry(`"role": "The Exchange servers"`)), `c.json:2:35: /entries/0/role: bad name "The Exchange servers"; write a lower-case letter, then at most 15 lower-case letters, digits or hyphens`},
	{"role too long", document(entry(`"role": "exchange-servers-"`)), `c.json:2:35: /entries/0/role: bad name "exchange-servers-"; write a lower-case letter, then at most 15 lower-case letters, digits or hyphens`},
	{"same id twice", document(strings.Join([]string{
		`{"id": "e", "title": "t", "unsaid": {"remote": {"why": "w"}, "services": {"why": "w"}, "direction": {"why": "w"}, "role": {"why": "w"}}}`,
		`{"id": "e", "title": "u", "unsaid": {"remote": {"why": "w"}, "services": {"why": "w"}, "direction": {"why": "w"}, "role": {"why": "w"}}}`,
	}, ",\n")), `c.json:3:1: /entries/1: entry "c/e" occurs in line 2 with different content; give one of the two another id`},
}

func TestReadErrors(t *testing.T) {
	for _, c := range bad {
		got, err := Read("c.json", []byte(c.in))
		if err == nil || got != nil {
			t.Errorf("%s: no error", c.name)
			continue
		}
		if err.Error() != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, err, c.want)
		}
	}
}

// TestReadReportsAll holds that one run reports up to 100 errors, in order.
func TestReadReportsAll(t *testing.T) {
	_, err := Read("c.json", []byte(endpoints(strings.Repeat("\"*\",\n", 150))))
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 101 || !strings.HasPrefix(lines[99], "c.json:101:1: /entries/0/endpoints/99: ") || lines[100] != "c.json: further errors not shown" {
		t.Errorf("%d lines, the last ones:\n%s\n%s", len(lines), lines[len(lines)-2], lines[len(lines)-1])
	}
}

func TestReadLimits(t *testing.T) {
	unsaid := `"unsaid": {"remote": {"why": "w"}, "services": {"why": "w"}, "direction": {"why": "w"}, "role": {"why": "w"}}`
	var entries strings.Builder
	for i := range MaxEntries {
		fmt.Fprintf(&entries, `{"id": "e%d", "title": "t", %s},`, i, unsaid)
	}
	list := strings.Repeat(`"::1",`, MaxEndpoints/2)
	two := func(more string) string {
		half := `"title": "t", "direction": "inbound", "role": "sts", "services": "tcp 443", "endpoints": [`
		return document(`{"id": "a", ` + half + list + `]},` + "\n" + `{"id": "b", ` + half + list + more + `]}`)
	}
	for _, c := range []struct{ in, want string }{
		{document(entries.String()), ""},
		{document(entries.String() + "\n{}, {}"), "c.json:3:1: /entries/100000: more than 100000 entries; split the catalogue"},
		{two(""), ""},
		{two("\n" + `"::1", "::1"`), "c.json:4:1: /entries/1/endpoints/1000000: more than 2000000 endpoints; split the catalogue"},
	} {
		_, err := Read("c.json", []byte(c.in))
		if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// read reads a document that must be good.
func read(t testing.TB, in string) *Catalog {
	t.Helper()
	c, err := Read("c.json", []byte(in))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestReadEncodings(t *testing.T) {
	in := "// caf\u00e9\n" + strings.Replace(endpoints(`"a.example.com",/* b */"192.0.2.0/24",`), `"title": "t"`, `"title": "caf\u00e9"`, 1)
	encode := func(order binary.AppendByteOrder) string {
		b := order.AppendUint16(nil, 0xfeff)
		for _, unit := range utf16.Encode([]rune(in)) {
			b = order.AppendUint16(b, unit)
		}
		return string(b)
	}
	for name, text := range map[string]string{
		"UTF-8": in, "UTF-8 with a mark": "\ufeff" + in, "CRLF": strings.ReplaceAll(in, "\n", "\r\n"),
		"UTF-16LE": encode(binary.LittleEndian), "UTF-16BE": encode(binary.BigEndian),
	} {
		c, err := Read("c.json", []byte(text))
		if err != nil || c.Title != "caf\u00e9" || len(c.Entries) != 1 || len(c.Entries[0].Names) != 1 || c.Entries[0].Prefixes.Len() != 1 {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

func TestReadEntry(t *testing.T) {
	got := read(t, `{
		"entries": [{
			"id": "e", "row": "7b", "title": "a \"title\" with */, </script> and %s", "area": "exchange", "type": "inbound server",
			"category": "allow", "required": true, "instance": ["USGovGCCHigh", "China", "China"], "direction": "inbound", "role": "sts",
			"endpoints": ["Login.Example.COM.", "AKA.ms/Wizard", "192.0.2.0/24", "login.example.com", "<tenant>-my.EXAMPLE.com", "2001:db8::/32", "aka.ms/Wizard"],
			"unsaid": {"services": {"why": "not given", "ask": "which?", "who": "us"}},
			"inferred": {"role": "r", "direction": "d"}, "condition": "if so", "notes": ["one", "two"], "date": "2025-02-28"
		}],
		"placeholders": {"tenant": "label"}, "source": "the document", "date": "2025-01-08",
		"title": "t", "revision": "2025-01-08", "catalog": "c"
	}`)
	name, _ := netset.ParsePattern("login.example.com")
	want := Entry{
		ID: "c/e", Row: "7b", Title: `a "title" with */, </script> and %s`, Kind: KindFlow, Area: "exchange", Type: "inbound server",
		Category: CategoryAllow, Required: true, Instances: []string{"China", "USGovGCCHigh"}, Direction: Inbound, Role: "sts",
		Names:    []netset.Pattern{name},
		Prefixes: netset.PrefixSetOf(netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")),
		Pending: []Pending{
			{Text: "aka.ms/Wizard", Host: "aka.ms", Path: "/Wizard"},
			{Text: "<tenant>-my.example.com", Host: "<tenant>-my.example.com", Placeholders: []Placeholder{{"tenant", Label}}},
		},
		Unsaid:    []Unsaid{{Fact: FactServices, Why: "not given", Ask: "which?", Who: "us"}},
		Inferred:  []Inference{{"direction", "d"}, {"role", "r"}},
		Condition: "if so", Notes: []string{"one", "two"}, Source: "the document", Date: "2025-02-28",
	}
	if got.Name != "c" || got.Revision != "2025-01-08" || got.Title != "t" || got.Source != "the document" || got.Notices != nil {
		t.Errorf("%+v", got)
	}
	if !reflect.DeepEqual(got.Entries, []Entry{want}) {
		t.Errorf("got  %+v\nwant %+v", got.Entries, want)
	}
}

// TestReadRemote holds the members that only an unsaid remote has.
func TestReadRemote(t *testing.T) {
	got := read(t, flow(`"services": "tcp 443", "unsaid": {"remote": {"why": "w", "from": ["m365/exchange", "azure/Storage.WestEurope"], "never_any": true}}`))
	want := []Unsaid{{Fact: FactRemote, Why: "w", From: []string{"m365/exchange", "azure/Storage.WestEurope"}, NeverAny: true}}
	if e := got.Entries[0]; !reflect.DeepEqual(e.Unsaid, want) || !slices.Equal(e.Instances, []string{DefaultInstance}) {
		t.Errorf("%+v", e)
	}
}

// TestReadRepeated holds that an entry that occurs twice in other words is one.
func TestReadRepeated(t *testing.T) {
	c := read(t, document(
		entry(`"direction": "outbound", "role": "clients", "services": "tcp 80-82", "endpoints": ["192.0.2.0/24", "a.example.com"]`)+",\n"+
			entry(`"endpoints": ["A.example.com.", "192.0.2.128/25", "192.0.2.0/25"], "services": "tcp 82,80-81", "role": "clients", "direction": "outbound"`)))
	if len(c.Entries) != 1 {
		t.Errorf("%d entries", len(c.Entries))
	}
}

func TestReadNotices(t *testing.T) {
	c := read(t, endpoints(`"192.0.2.1", "2001:db8::1",
"10.1.2.3/8", "::ffff:192.0.2.0/120", "192.0.2.4/31"`))
	want := []Notice{
		{"c.json:2:108", `"192.0.2.1": bare address read as /32`},
		{"c.json:2:121", `"2001:db8::1": bare address read as /128`},
		{"c.json:3:1", `"10.1.2.3/8": host bits dropped: 10.1.2.3/8 is read as 10.0.0.0/8`},
		{"c.json:3:15", `"::ffff:192.0.2.0/120": IPv4-mapped ::ffff:192.0.2.0/120 written as 192.0.2.0/24`},
	}
	if !slices.Equal(c.Notices, want) {
		t.Errorf("%q", c.Notices)
	}
	c = read(t, endpoints(strings.Repeat(`"192.0.2.1",`, 25)))
	if last := c.Notices[len(c.Notices)-1]; len(c.Notices) != 21 || last != (Notice{"c.json", "5 more endpoints normalized likewise"}) {
		t.Errorf("%d notices, the last %v", len(c.Notices), last)
	}
}

func TestParseEndpoint(t *testing.T) {
	for _, c := range []struct{ in, prefix, name, note, err string }{
		{in: "192.0.2.0/24", prefix: "192.0.2.0/24"},
		{in: "192.0.2.1", prefix: "192.0.2.1", note: "bare address read as /32"},
		{in: "2001:db8::/32", prefix: "2001:db8::/32"},
		{in: "::1", prefix: "::1", note: "bare address read as /128"},
		{in: "*.Example.com", name: "*.example.com"},
		{in: "365-a.example.com", name: "365-a.example.com"},
		{in: "10.example.com", name: "10.example.com"},
		{in: "https://a.example.com", err: `"https://a.example.com" is a URL; write "a.example.com" here, and "tcp 443" under "services"`},
		{in: "aka.ms/x", err: `"aka.ms/x" has a path; write only the host, "aka.ms"`},
		{in: "0.0.0.0/0", err: `"0.0.0.0/0" covers a whole address family; write a narrower prefix, or the word "any" where that is meant`},
		{in: "a.example.com b.example.com", err: `"a.example.com b.example.com" is more than one endpoint; write each endpoint as a separate string`},
	} {
		prefix, name, note, err := ParseEndpoint(c.in)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if prefix.String() != c.prefix || name.String() != c.name || note != c.note || text != c.err {
			t.Errorf("%q: %q, %q, %q, %q", c.in, prefix, name, note, text)
		}
	}
}
