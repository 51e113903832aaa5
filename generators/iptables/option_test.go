package iptables

import (
	"maps"
	"reflect"
	"testing"

	"gatewright/generators/artefact"
)

func TestOptions(t *testing.T) {
	const bit = "; write one such as 0x10000"
	for _, c := range []struct {
		raw map[string][]string
		err string
	}{
		{map[string][]string{"mode": {"block"}}, `option mode: unknown value "block"; expect one of chains, mark, enforce`},
		{map[string][]string{"place": {"bridge"}}, `option place: unknown value "bridge"; expect one of forward, host`},
		{map[string][]string{"ipset": {"maybe"}}, `option ipset: unknown value "maybe"; expect one of yes, no`},
		{map[string][]string{"table": {"ip filter"}}, `unknown option "table"; expect one of mode, place, ipset, roles, mark, admin, wan, lan`},
		{map[string][]string{"roles": {"STS"}, "place": {"host"}}, `option roles: bad role "STS"; expect a lower-case letter, then at most 15 letters, digits or hyphens`},
		{map[string][]string{"mark": {"3"}, "mode": {"mark"}}, `option mark: "3" is not one bit of 32` + bit},
		{map[string][]string{"mark": {"0"}, "mode": {"mark"}}, `option mark: "0" is not one bit of 32` + bit},
		{map[string][]string{"mark": {"0x100000000"}, "mode": {"mark"}}, `option mark: "0x100000000" is not one bit of 32` + bit},
		{map[string][]string{"mark": {"1 -j ACCEPT"}, "mode": {"mark"}}, `option mark: "1 -j ACCEPT" is not one bit of 32` + bit},
		{map[string][]string{"wan": {"eth+"}}, `option wan: bad interface name "eth+"; expect at most 15 letters, digits, - _ . and @`},
		{map[string][]string{"mark": {"1"}}, "mode chains sets no mark; leave out mark, or set mode to mark"},
		{map[string][]string{"admin": {"none"}}, "mode chains drops nothing; leave out admin, or set mode to enforce"},
		{map[string][]string{"place": {"host"}}, "place host is a machine that plays roles; set roles to those that it plays"},
		{map[string][]string{"roles": {"sts"}}, "place forward serves every role; leave out roles, or set place to host"},
		{map[string][]string{"place": {"host"}, "roles": {"sts"}, "lan": {"eth0"}}, "place host has no two sides; leave out wan and lan, or set place to forward"},
		{map[string][]string{"mode": {"enforce"}, "admin": {"none"}}, "mode enforce drops what no rule accepts; say where: set place to forward (a gateway) or host (this machine)"},
		{map[string][]string{"mode": {"enforce"}, "place": {"forward"}}, `mode enforce drops what no rule accepts; say what must stay reachable: set admin to prefixes and ports such as "198.51.100.0/24 tcp 22", or to none`},
		{map[string][]string{"mode": {"enforce"}, "place": {"forward"}, "admin": {"none", "192.0.2.0/24 tcp 22"}}, "option admin: none stands alone; leave it out, or leave out the prefixes"},
		{map[string][]string{"admin": {"192.0.2.0/24"}}, `option admin: "192.0.2.0/24" names no ports; write them after the prefix, such as "192.0.2.0/24 tcp 22", or write none alone`},
		{map[string][]string{"admin": {"192.0.2.9/24 tcp 22"}}, `option admin: "192.0.2.9/24 tcp 22": host bits dropped: 192.0.2.9/24 is read as 192.0.2.0/24; write "192.0.2.0/24"`},
	} {
		_, err := generate(t, siteInput(t), c.raw)
		if errorText(err) != c.err {
			t.Errorf("%v:\n got %q\nwant %q", c.raw, errorText(err), c.err)
		}
	}
	for _, admin := range []string{"0.0.0.0/0 tcp 22", "host.example.com tcp 22", "192.0.2.0/24 icmp 1", "192.0.2.0/24 tcp 0"} {
		if _, err := parseAccess(admin); err == nil {
			t.Errorf("admin %q is accepted", admin)
		}
	}
}

func TestListsAreSets(t *testing.T) {
	one := texts(t, siteInput(t), map[string][]string{
		"mode": {"enforce"}, "place": {"forward"}, "wan": {"eth1", "eth0"},
		"admin": {"2001:db8::/32 tcp 22", "192.0.2.0/24 tcp 22", "192.0.2.0/24 udp 161; tcp 443"},
	})
	other := texts(t, siteInput(t), map[string][]string{
		"mode": {"enforce"}, "place": {"forward"}, "wan": {"eth0", "eth1", "eth0"},
		"admin": {"192.0.2.0/24 tcp 22,443", "192.0.2.0/24 udp 161", "2001:db8::/32 tcp 22"},
	})
	if !maps.Equal(one, other) {
		t.Errorf("the order of a list changes an artefact:\n%s\nand\n%s", one, other)
	}
}

func TestDefaults(t *testing.T) {
	s, err := artefact.Configure(Generator{}.Options(), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := configure(s)
	if err != nil {
		t.Fatal(err)
	}
	want := config{mode: "chains", place: "forward", ipset: true, mark: 0x10000}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v; want %+v", got, want)
	}
}
