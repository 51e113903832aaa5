package change

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// TestSharesAreOfOneFamily holds that addresses of two families do not add up to an
// opening, and that each family is told with its own share.
func TestSharesAreOfOneFamily(t *testing.T) {
	for _, test := range []struct{ prefixes, want string }{
		{"20.0.0.0/6 2400::/6", ""},
		{"16.0.0.0/5", "OPENS: 10.0.0.0/8 to 16.0.0.0/5, tcp 443 (1 rule)"},
		{"16.0.0.0/5 2400::/6", "OPENS: 10.0.0.0/8 to 16.0.0.0/5, 2400::/6 (3 % of IPv4), tcp 443 (1 rule)"},
		{"20.0.0.0/6 2000::/4", "OPENS: 10.0.0.0/8 to 20.0.0.0/6, 2000::/4 (6 % of IPv6), tcp 443 (1 rule)"},
		{"16.0.0.0/4 2000::/3", "OPENS: 10.0.0.0/8 to 16.0.0.0/4, 2000::/3 (6 % of IPv4, 12 % of IPv6), tcp 443 (1 rule)"},
	} {
		var remote netset.PrefixBuilder
		for text := range strings.FieldsSeq(test.prefixes) {
			remote.Add(netip.MustParsePrefix(text))
		}
		services := netset.ServiceSetOf(netset.Service{Protocol: netset.TCP, Ports: netset.PortRange{First: 443, Last: 443}})
		part := partOf(rule.PartChange{Services: services, Local: netset.PrefixSetOf(netip.MustParsePrefix("10.0.0.0/8")), Prefixes: remote.Build()}, &rule.Rule{})
		d := New()
		d.Added = []Rule{{Direction: rule.Outbound, Services: "tcp 443", Parts: []Part{part}}}
		d.Finish(false)
		var want []string
		if test.want != "" {
			want = []string{test.want}
		}
		if !slices.Equal(d.Opens, want) {
			t.Errorf("%s: %q; want %q", test.prefixes, d.Opens, want)
		}
	}
}
