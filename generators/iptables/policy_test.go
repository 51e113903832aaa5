package iptables

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/artefact/artefacttest"
)

// example is one policy with settings; the golden file has its name.
type example struct {
	name     string
	in       rule.Input
	settings map[string][]string
	inline   int // in place of maxInline; 0 for as it is
}

// texts are the artefacts by name.
func (e example) texts(t testing.TB) map[string]string {
	t.Helper()
	was := maxInline
	defer func() { maxInline = was }()
	if e.inline > 0 {
		maxInline = e.inline
	}
	return texts(t, e.in, e.settings)
}

func examples(t testing.TB) []example {
	set := artefacttest.Settings
	site := siteInput(t)
	return []example{
		{name: "empty", in: rule.Input{}},
		{name: "empty-no-ipset", in: rule.Input{}, settings: set("ipset=no")},
		{name: "chains", in: site},
		{name: "chains-host", in: site, settings: set("place=host", "roles=sts", "roles=clients")},
		{name: "chains-interfaces", in: site, settings: set("wan=eth0", "lan=eth2", "lan=eth1.100")},
		{name: "sets", in: site, inline: 20},
		{name: "no-ipset", in: site, settings: set("ipset=no", "lan=eth1"), inline: 20},
		{name: "mark", in: site, settings: set("mode=mark")},
		{name: "mark-host", in: site, settings: set("mode=mark", "place=host", "roles=sts", "mark=0x80000000")},
		{name: "enforce-forward", in: site, settings: set("mode=enforce", "place=forward", "admin=198.51.100.0/24 tcp 22,443; udp 161", "admin=2001:db8:ad::/48 tcp 22", "wan=eth0", "lan=eth1")},
		{name: "enforce-host", in: site, settings: set("mode=enforce", "place=host", "roles=sts", "roles=resolver", "admin=198.51.100.7 tcp 22")},
		{name: "enforce-alone", in: site, settings: set("mode=enforce", "place=forward", "admin=none", "ipset=no")},
		{name: "overlap", in: overlapInput(t)},
		{name: "hostile", in: ruletest.Hostile(t, "192.0.2.0/24", hostileTexts()...)},
	}
}

// overlapInput has rules that hold each other's addresses, one of which gets no packet,
// a remote on the site, and roles that share addresses.
func overlapInput(t testing.TB) rule.Input {
	grant := func(entry string, role rule.Role, services string, remotes ...string) rule.Grant {
		return ruletest.Grant(t, "sample/"+entry, entry, rule.Outbound, role, services, remotes...)
	}
	return rule.Input{
		Bindings: []rule.Binding{
			{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/8", "172.16.0.0/12", "fd00::/8")},
			{Role: "servers", Addresses: ruletest.Prefixes(t, "10.1.0.0/16", "fd00:1::/32")},
		},
		Grants: []rule.Grant{
			grant("a-wide", "clients", "tcp 443", "192.0.2.0/24", "2001:db8::/32"),
			grant("b-within", "clients", "tcp 443; udp 443", "192.0.2.0/25", "2001:db8::/48"),
			grant("c-never", "clients", "tcp 443", "192.0.2.128/26"),
			grant("d-server", "servers", "tcp 443,8443", "192.0.2.64/26", "198.51.100.0/24"),
			grant("e-any", "servers", "udp 123", "any"),
		},
	}
}

// siteInput adds to ruletest.Site a rule of more prefixes and ports than one line
// of iptables matches.
func siteInput(t testing.TB) rule.Input {
	in := ruletest.Site(t)
	in.Grants = append(in.Grants, ruletest.Grant(t, "sample/many", "", rule.Inbound, "sts",
		"tcp 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31; udp 10-19,30-39,50-59,70-79,90-99,110-119,130-139,150,170-179", many(24)...))
	return in
}

// many are that many prefixes of each family, and no two that can be joined.
func many(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("198.18.%d.0/24", 2*i), fmt.Sprintf("2001:db8:%x::/48", 2*i))
	}
	return out
}

// hostileTexts try to leave a comment.
func hostileTexts() []string {
	return []string{
		"\" -j DROP -m comment --comment \"",
		"line one\nCOMMIT\r\n*filter\n-P INPUT DROP",
		"ends in a backslash \\",
		"*/ </script> {{ .Table }} %s%d%n # ; }",
		"größer 漢字 \u202e \u2028 \x00 \x1b[2J \xff",
		`one \ "two" 'three' -A gatewright_outbound -j ACCEPT`,
		strings.Repeat("long ü", 2000),
	}
}

func generate(t testing.TB, in rule.Input, raw map[string][]string) (artefact.Output, error) {
	t.Helper()
	s, err := artefact.Configure(Generator{}.Options(), raw)
	if err != nil {
		return artefact.Output{}, err
	}
	return Generator{}.Generate(ruletest.Compile(t, in), s)
}

// texts are the artefacts by name.
func texts(t testing.TB, in rule.Input, raw map[string][]string) map[string]string {
	t.Helper()
	out, err := generate(t, in, raw)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, a := range out.Artefacts {
		files[a.Name] = string(a.Data)
	}
	return files
}

func (e example) mode() artefact.Mode {
	if m := e.settings["mode"]; m != nil {
		return artefact.Mode(m[0])
	}
	return artefact.ModeChains
}

// served is the input without grants of roles that the example's host does not play.
func (e example) served() rule.Input {
	in := e.in
	if e.settings["place"] == nil || e.settings["place"][0] != string(artefact.PlaceHost) {
		return in
	}
	in.Grants = slices.DeleteFunc(slices.Clone(in.Grants), func(g rule.Grant) bool {
		return !slices.Contains(e.settings["roles"], string(g.Role))
	})
	return in
}
