package expect

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

func prefixes(t *testing.T, list ...string) netset.PrefixSet {
	t.Helper()
	var b netset.PrefixBuilder
	for _, text := range list {
		b.Add(netip.MustParsePrefix(text))
	}
	return b.Build()
}

func services(t *testing.T, text string) netset.ServiceSet {
	t.Helper()
	s, err := netset.ParseServices(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// entry is a grant of a role's outbound flows to names and addresses.
func entry(t *testing.T, id, ports string, names, addresses []string) rule.Grant {
	t.Helper()
	g := rule.Grant{Entry: rule.Entry{ID: id, Title: id}, Direction: rule.Outbound, Role: rule.Clients, Services: services(t, ports)}
	for _, text := range names {
		name, err := netset.ParsePattern(text)
		if err != nil {
			t.Fatal(err)
		}
		g.Names = append(g.Names, name)
	}
	g.Prefixes = prefixes(t, addresses...)
	return g
}

// line is what a packet filter lets pass of clients' outbound flows.
func line(t *testing.T, ports string, remotes ...string) artefact.Accepted {
	t.Helper()
	return artefact.Accepted{Labels: []string{"line " + ports}, Direction: rule.Outbound, Traffic: rule.TrafficOf(services(t, ports), false, prefixes(t, clients), prefixes(t, remotes...))}
}

const clients = "10.0.0.0/30"

var errUnread = errors.New("a line that is not known")

// asker is a policy of grants, with a packet filter of some lines, whatever the policy
// says.
func asker(t *testing.T, grants []rule.Grant, lines ...artefact.Accepted) Asker {
	t.Helper()
	in := rule.Input{Bindings: []rule.Binding{{Role: rule.Clients, Addresses: prefixes(t, clients)}}, Grants: grants, Routes: []rule.Via{rule.Proxied}}
	p, err := rule.Compile(in)
	if err != nil {
		t.Fatal(err)
	}
	filter := artefact.Reading{Filters: []artefact.Filtered{{Lines: lines}}}
	return Asker{Compiled: rule.Compiled{Policy: p, Grants: grants}, Outputs: []Output{{Name: "filter", Kind: artefact.PacketFilter, Reading: filter}}}
}

func allow(t *testing.T, text string) rule.Expectation { return expects(t, rule.ExpectAllow, text) }

func deny(t *testing.T, text string) rule.Expectation { return expects(t, rule.ExpectDeny, text) }

func expects(t *testing.T, kind rule.Expects, text string) rule.Expectation {
	t.Helper()
	flows, err := rule.ParseFlowPattern(text)
	if err != nil {
		t.Fatal(err)
	}
	return rule.Expectation{Expects: kind, Flows: flows}
}

// only is a closed world of what clients may reach.
func only(t *testing.T, names, addresses []string) rule.Expectation {
	t.Helper()
	flows, err := rule.ParseLocalPattern("outbound from clients")
	if err != nil {
		t.Fatal(err)
	}
	g := entry(t, "listed", "tcp 1", names, addresses)
	return rule.Expectation{Expects: rule.ExpectOnly, Flows: flows, Listed: rule.Endpoints{Names: netset.PatternListOf(g.Names), Prefixes: g.Prefixes}}
}

// TestAtPacketFilter asks a packet filter that lets pass what the policy does, less and
// more.
func TestAtPacketFilter(t *testing.T) {
	mail := entry(t, "own/mail", "tcp 443", []string{"mail.example.com", "*.mail.example.com"}, []string{"192.0.2.0/24"})
	www := entry(t, "own/www", "tcp 443", []string{"www.example.com"}, nil)
	both := []rule.Grant{mail, www}
	const failed = "fails: "
	for name, c := range map[string]struct {
		grants []rule.Grant
		lines  []artefact.Accepted
		asked  rule.Expectation
		want   string // "holds", or the flow after "fails: "; with what is hidden
	}{
		"a name that leads where the filter lets pass": {both, []artefact.Accepted{line(t, "tcp 443", "192.0.2.0/24")}, allow(t, "mail.example.com"), "holds"},
		"a pattern within one":                         {both, []artefact.Accepted{line(t, "tcp 443", "192.0.2.0/24")}, allow(t, "*.a.mail.example.com"), "holds"},
		"a name of which the filter lacks addresses":   {both, []artefact.Accepted{line(t, "tcp 443", "192.0.2.0/25")}, allow(t, "mail.example.com"), failed + "outbound tcp mail.example.com=192.0.2.129:443 from 10.0.0.1"},
		"a name of which the filter lacks the port":    {both, []artefact.Accepted{line(t, "tcp 444", "192.0.2.0/24")}, allow(t, "mail.example.com"), failed + "outbound tcp mail.example.com=192.0.2.1:443 from 10.0.0.1"},
		"a name without addresses":                     {both, []artefact.Accepted{line(t, "tcp 443", "192.0.2.0/24")}, allow(t, "www.example.com"), failed + "outbound tcp www.example.com:443 from 10.0.0.1"},
		"a name without addresses, and all addresses":  {both, []artefact.Accepted{line(t, "tcp 443", "0.0.0.0/0")}, allow(t, "www.example.com"), "holds"},
		"all addresses in two lines":                   {both, []artefact.Accepted{line(t, "tcp 443", "0.0.0.0/1"), line(t, "tcp 1-500", "128.0.0.0/1")}, allow(t, "www.example.com"), "holds"},
		"a pattern of which some names lead nowhere":   {both, []artefact.Accepted{line(t, "tcp 443", "192.0.2.0/24")}, allow(t, "*.example.com"), failed + "outbound tcp any.example.com:443 from 10.0.0.1"},
		"addresses": {both, []artefact.Accepted{line(t, "tcp 443", "192.0.2.0/24")}, allow(t, "192.0.2.0/23"), failed + "outbound tcp 192.0.3.1:443 from 10.0.0.1"},
		"a denied name that leads to an open address":        {both, []artefact.Accepted{line(t, "tcp 1-1000", "192.0.2.7/32")}, deny(t, "outbound tcp mail.example.com:25"), failed + "outbound tcp mail.example.com=192.0.2.7:25 from 10.0.0.1"},
		"a denied name that leads to none":                   {both, []artefact.Accepted{line(t, "tcp 443", "198.51.100.0/24")}, deny(t, "mail.example.com"), "holds"},
		"a denied name without addresses beside others'":     {both, []artefact.Accepted{line(t, "tcp 443", "192.0.2.0/24")}, deny(t, "www.example.com"), "holds"},
		"a denied name without addresses, and all addresses": {both, []artefact.Accepted{line(t, "tcp 443", "0.0.0.0/0")}, deny(t, "www.example.com"), failed + "outbound tcp www.example.com=0.0.0.1:443 from 10.0.0.1"},
		"denied addresses beside the open ones":              {both, []artefact.Accepted{line(t, "tcp 443", "192.0.2.0/25")}, deny(t, "192.0.2.128/25"), "holds"},
		"one denied port of one address":                     {both, []artefact.Accepted{line(t, "tcp 443", "192.0.2.0/25"), line(t, "udp 31337", "203.0.113.99/32")}, deny(t, "outbound udp any:1025-65535"), failed + "outbound udp 203.0.113.99:31337 from 10.0.0.1"},
		"a closed world":                                     {[]rule.Grant{mail}, []artefact.Accepted{line(t, "tcp 443", "192.0.2.0/24")}, only(t, nil, []string{"192.0.2.0/24"}), "holds"},
		"a closed world by what its names lead to":           {[]rule.Grant{mail}, []artefact.Accepted{line(t, "tcp 443", "192.0.2.0/24")}, only(t, []string{"mail.example.com", "*.mail.example.com"}, nil), "holds"},
		"a closed world of one of the names":                 {[]rule.Grant{mail}, []artefact.Accepted{line(t, "tcp 443", "192.0.2.0/24")}, only(t, []string{"mail.example.com"}, nil), failed + "outbound tcp 192.0.2.1:443 from 10.0.0.1"},
		"a closed world with one address more":               {[]rule.Grant{mail}, []artefact.Accepted{line(t, "tcp 443", "192.0.2.0/24"), line(t, "udp 53", "198.51.100.7/32")}, only(t, nil, []string{"192.0.2.0/24"}), failed + "outbound udp 198.51.100.7:53 from 10.0.0.1"},
		"a closed world that hides names":                    {both, []artefact.Accepted{line(t, "tcp 443", "192.0.2.0/24")}, only(t, nil, []string{"192.0.2.0/24"}), "holds, but for 1 rule"},
	} {
		t.Run(name, func(t *testing.T) {
			c.asked.In = []string{"filter"}
			answers, err := asker(t, c.grants, c.lines...).Ask(c.asked)
			if err != nil {
				t.Fatal(err)
			}
			a := answers[len(answers)-1]
			got := "holds"
			if !a.Holds {
				got = failed + a.Flow.String()
			}
			if len(a.Hidden) == 1 {
				got += ", but for 1 rule"
			}
			if got != c.want || a.At != "filter" || len(a.Hidden) > 1 {
				t.Errorf("%s at %s, want %s", got, a.At, c.want)
			}
		})
	}
}

// TestUnread holds that nothing is believed of files that do something unknown.
func TestUnread(t *testing.T) {
	k := asker(t, []rule.Grant{entry(t, "own/mail", "tcp 443", nil, []string{"192.0.2.0/24"})})
	k.Outputs[0].Unread = errUnread
	answers, err := k.Ask(deny(t, "198.51.100.0/24"))
	if err != nil || len(answers) != 2 || !answers[0].Holds || answers[1].Holds || answers[1].Unread != errUnread {
		t.Errorf("%v, %v", answers, err)
	}
}

// TestRefusedToAsk holds the messages for expectations that no flow could ever meet.
func TestRefusedToAsk(t *testing.T) {
	k := asker(t, []rule.Grant{entry(t, "own/mail", "tcp 443", nil, []string{"192.0.2.0/24"})})
	for text, want := range map[string]string{
		"outbound tcp any:25 from exchange":            `role exchange is bound to no address, so no flow can match; bind it under "bind", or remove the expectation`,
		"outbound tcp any:25 from 172.16.0.0/12":       `no role is bound to an address of 172.16.0.0/12, so no flow can match; bind one under "bind", or remove the expectation`,
		"outbound udp [2001:db8::/32]:25 from clients": "one side has only IPv4 addresses and the other only IPv6 addresses, so no flow can match; name addresses of the same family",
	} {
		if _, err := k.Ask(deny(t, text)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// TestSingleFlow hides one port of one address in a filter of many lines.
func TestSingleFlow(t *testing.T) {
	var lines []artefact.Accepted
	for i := range 200 {
		lines = append(lines, line(t, "tcp 443; udp 1000-2000", netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), 32).String()))
	}
	for _, hidden := range []netip.AddrPort{netip.MustParseAddrPort("192.0.2.77:2001"), netip.MustParseAddrPort("192.0.2.77:999"), netip.MustParseAddrPort("255.255.255.255:65535"), netip.MustParseAddrPort("0.0.0.0:1")} {
		one := netip.PrefixFrom(hidden.Addr(), 32).String()
		more := artefact.Accepted{Direction: rule.Outbound, Traffic: rule.TrafficOf(netset.ServicesOver(netset.UDP, []netset.PortRange{{First: hidden.Port(), Last: hidden.Port()}}), false, prefixes(t, "10.0.0.2/32"), prefixes(t, one))}
		k := asker(t, []rule.Grant{entry(t, "own/mail", "tcp 443", nil, []string{"192.0.2.0/24"})}, slices.Insert(slices.Clone(lines), 100, more)...)
		for _, text := range []string{"outbound udp any:1-999", "outbound udp any:2001-65535"} {
			answers, err := k.Ask(deny(t, text))
			if err != nil {
				t.Fatal(err)
			}
			a := answers[1]
			within := (hidden.Port() < 1000) == (text == "outbound udp any:1-999")
			if a.Holds == within || within && (a.Flow.Remote != hidden.Addr() || a.Flow.Port != hidden.Port() || a.Flow.Local.String() != "10.0.0.2") {
				t.Errorf("%s of %s: holds %t, %s", text, hidden, a.Holds, a.Flow)
			}
		}
	}
}
