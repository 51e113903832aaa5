package feed

import (
	"strings"
	"testing"
)

// TestNoEndpointIsAHeader holds that a row which is meant as an endpoint is never
// passed over as a header or a comment: it is an error of its own, with its place.
func TestNoEndpointIsAHeader(t *testing.T) {
	const write = ` write an address such as "192.0.2.1", or a prefix such as "192.0.2.0/24" or "2001:db8::/32"`
	const good = "1.1.1.0/24,US\n"
	// A cell may hold several prefixes.
	const several = "f/US |  | US | f |  | false |  |  |  | 1.1.1.0/24, 8.8.8.0/24, 9.9.9.0/24 |  |  | services? direction? role? | "
	no := func(cell string) string {
		return "f:1:1: no prefix in this row: " + cell
	}
	notCIDR := func(cell string) string { return no(cell + " is not a CIDR;" + write) }
	for _, c := range []struct{ text, want string }{
		{"8.8.8.O/24,US\n" + good, notCIDR(`"8.8.8.O/24"`)},
		{"8.8.8,US\n" + good, notCIDR(`"8.8.8"`)},
		{"8.8.8.8/240,US\n" + good, no(`"8.8.8.8/240" has no valid prefix length; write a decimal number from 1 to 32 after the slash`)},
		{"2a00::/129,US\n" + good, no(`"2a00::/129" has no valid prefix length; write a decimal number from 1 to 128 after the slash`)},
		{"www.example.com,US\n" + good, notCIDR(`"www.example.com"`)},
		{"\"8.8.8.0/24;9.9.9.0/24\",US\n" + good, several},
		{"\"8.8.8.0/24 9.9.9.0/24\",US\n" + good, several},
		{"\"8.8.8.0/24\n9.9.9.0/24\",US\n" + good, several},
		{"\"#\n9.9.9.0/24\",US\n" + good, notCIDR(`"#\n9.9.9.0/24"`)},
		{"10/8,US\n" + good, notCIDR(`"10/8"`)},
		{"8888,US\n" + good, notCIDR(`"8888"`)},
		{"8\u30028\u30028\u30028,US\n" + good, notCIDR("\"8\u30028\u30028\u30028\"")},
		{"2a00:1450,US\n" + good, notCIDR(`"2a00:1450"`)},
		{"4.6,US\n" + good, notCIDR(`"4.6"`)},
		{"US,8.8.8.O/24\nUS,1.1.1.0/24\n", strings.Replace(notCIDR(`"8.8.8.O/24"`), "f:1:1", "f:1:4", 1)},
		{"Prefix,Country\n8.8.8.O/24,US\n" + good, strings.Replace(notCIDR(`"8.8.8.O/24"`), "f:1:1", "f:2:1", 1)},
		{"host,network\na,8.8.8.O/24\nb,1.1.1.0/24\n", strings.Replace(notCIDR(`"8.8.8.O/24"`), "f:1:1", "f:2:3", 1)},
		{"Prefix,Country\n#1,8.8.8.0/24\nfoo,US\n" + good, strings.Replace(notCIDR(`"foo"`), "f:1:1", "f:3:1", 1)},
		{"8.8.8.O/24,US\n8.8.9.O/24,US\n" + good, notCIDR(`"8.8.8.O/24"`) + "\nf:2" + notCIDR(`"8.8.9.O/24"`)[len("f:1"):]},
		{"network,network6\n1.1.1.0/24,2a00::/129\n", `f:2:12: "2a00::/129" has no valid prefix length; write a decimal number from 1 to 128 after the slash`},
		{"9.9.9.0/24 ; 8.8.8.0/24\n1.1.1.0/24\n", "f:1:1: more than one word; expected one prefix or FQDN per line, or the lines of a hosts file"},
		{"9.9.9.9 ; 8.8.8.8\n1.1.1.0/24\n", `f:1:1: "9.9.9.9" and "8.8.8.8" are separate words; write the network and its length as one prefix, such as "192.0.2.0/24" or "2001:db8::/32"`},
	} {
		for _, mark := range []string{"", "\ufeff"} {
			if have := catalogText(t, mark+c.text); have != c.want {
				t.Errorf("%q:\n%s\nwant\n%s", mark+c.text, have, c.want)
			}
		}
	}
	if have := catalogText(t, "8.8.8.8-8.8.9.9,US\n"+good); !strings.HasPrefix(have, no(`"8.8.8.8-8.8.9.9"`)) {
		t.Error(have)
	}
}

// TestHeaders holds that words are a header still, and that one without a known word is
// told of.
func TestHeaders(t *testing.T) {
	const told = "\n! this row is read as the names of the columns; if it is one of the others, write its prefix as \"192.0.2.0/24\""
	for text, notice := range map[string]string{
		"Prefix,Type\n1.1.1.0/24,US\n":                        "",
		"IP Prefix,Country/Region\n1.1.1.0/24,US\n":           "",
		"ip.prefix,geo\n1.1.1.0/24,US\n":                      "",
		"network:,geo code\n1.1.1.0/24,US\n":                  told,
		"# ours, and \"theirs\n1.1.1.0/24,US\n":               "",
		"\"#prefix\",\"country\"\n1.1.1.0/24,US\n":            "",
		"foo,bar\n1.1.1.0/24,US\n":                            told,
		"1.1.1.0/24 ; ours, mostly 192.0.2.0/24\n1.1.1.1 ;US": "\n! the last line has no line end; if the file was cut short, download it again",
	} {
		want := "x |  | List x.csv\nUS: 1.1.1.0/24" + notice
		if strings.Contains(text, ";") {
			want = strings.Replace(want, "US:", "prefixes:", 1)
		}
		if have := shapeText("x.csv", text); have != want {
			t.Errorf("%q:\n%s\nwant\n%s", text, have, want)
		}
	}
}
