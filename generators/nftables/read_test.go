package nftables

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/filter"
	"gatewright/generators/nftables/nftablestest"
	"gatewright/templates"
)

func read(text string) (artefact.Reading, error) {
	return Generator{}.Read(artefact.Files{fileName: []byte(text)})
}

// golden is the expected file of an example.
func golden(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name + ".nft.golden")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// traffic is all that a reading accepts.
func traffic(r artefact.Reading) rule.TrafficSet {
	var all []rule.TrafficSet
	for _, f := range r.Filters {
		for _, l := range f.Lines {
			all = append(all, l.Traffic)
		}
	}
	return rule.UniteTraffic(all...)
}

// The file says what the kernel holds once it has loaded it.
func TestFileIsReadAsTheKernelReadsIt(t *testing.T) {
	dumps, err := filepath.Glob("testdata/*.dump.json")
	if err != nil || len(dumps) == 0 {
		t.Fatal("no dumps", err)
	}
	for _, file := range dumps {
		text := golden(t, strings.TrimSuffix(filepath.Base(file), ".dump.json"))
		got, err := readFile([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		dump, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := nftablestest.ReadBack(dump, string(got.config.table))
		if err != nil || len(want.Chains) == 0 {
			t.Fatal(file, want, err)
		}
		var chains []filter.Chain
		for _, c := range got.held.Chains {
			if c.Hook == nil {
				chains = append(chains, c)
			}
		}
		for i := range chains {
			for j := range chains[i].Rules {
				chains[i].Rules[j].ID = "" // the kernel knows none
			}
		}
		if !reflect.DeepEqual(chains, want.Chains) {
			t.Errorf("%s: read %+v, the kernel has %+v", file, chains, want.Chains)
		}
		if used := usedSets(chains); !reflect.DeepEqual(keep(got.held.Sets, used), keep(want.Sets, used)) {
			t.Errorf("%s: read %+v, the kernel has %+v", file, got.held.Sets, want.Sets)
		}
		for i, m := range got.held.Maps {
			if !sameElements(m, want.Maps[i]) {
				t.Errorf("%s: read %+v, the kernel has %+v", file, m, want.Maps[i])
			}
		}
	}
}

func usedSets(chains []filter.Chain) map[string]bool {
	used := map[string]bool{}
	for _, c := range chains {
		for _, r := range c.Rules {
			used[r.From.Set], used[r.To.Set], used[r.Ports.Set], used[r.Original.Set] = true, true, true, true
		}
	}
	return used
}

func keep(sets []filter.Set, used map[string]bool) []filter.Set {
	return slices.DeleteFunc(slices.Clone(sets), func(s filter.Set) bool { return !used[s.Name] })
}

// sameElements compares maps, whose elements the kernel has in another order.
func sameElements(a, b filter.Map) bool {
	byChain := func(a, b filter.Element) int { return strings.Compare(a.Chain, b.Chain) }
	slices.SortFunc(a.Elements, byChain)
	slices.SortFunc(b.Elements, byChain)
	return reflect.DeepEqual(a, b)
}

// Reading gives back what was built.
func TestReadIsWhatWasBuilt(t *testing.T) {
	for _, e := range examples(t) {
		s, err := artefact.Configure(Generator{}.Options(), e.settings)
		if err != nil {
			t.Fatal(err)
		}
		want, err := newFile(ruletest.Compile(t, e.in), s)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readFile([]byte(text(t, e.in, e.settings)))
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprintf("%+v", got.held) != fmt.Sprintf("%+v", want.held) {
			t.Errorf("%s: read %+v\nwas built %+v", e.name, got.held, want.held)
		}
	}
}

func TestReadWhole(t *testing.T) {
	got, err := read(golden(t, "enforce-host"))
	if err != nil {
		t.Fatal(err)
	}
	var wantBeside []artefact.Statement
	for _, w := range [][2]string{
		{"mode", "enforce"},
		{"place", "host"},
		{"table", "inet gatewright"},
		{"policy", "input drop"},
		{"chain input", `ct state established,related accept`},
		{"chain input", `iif "lo" accept`},
		{"chain input", `ip6 hoplimit 255 icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept comment "neighbour discovery (RFC 4861)"`},
		{"chain input", `ip6 hoplimit 1 icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report } accept comment "groups of neighbour discovery (RFC 4890)"`},
		{"chain input", `ct state invalid counter name "gatewright_input_invalid" drop`},
		{"chain input", `tcp dport 22 ip saddr 198.51.100.7/32 accept comment "option admin"`},
		{"chain input", `jump gatewright_inbound`},
		{"chain input", `counter name "gatewright_input_dropped" comment "dropped by the policy of the chain"`},
		{"policy", "forward accept"},
		{"policy", "output drop"},
		{"chain output", `ct state established,related accept`},
		{"chain output", `oif "lo" accept`},
		{"chain output", `ip6 hoplimit 255 icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept comment "neighbour discovery (RFC 4861)"`},
		{"chain output", `ip6 hoplimit 1 icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report } accept comment "groups of neighbour discovery (RFC 4890)"`},
		{"chain output", `ct state invalid counter name "gatewright_output_invalid" drop`},
		{"chain output", `tcp dport 53 ip saddr @gatewright_local_net4 ip daddr @gatewright_role_resolver_host4 accept comment "DNS to role resolver"`},
		{"chain output", `udp dport 53 ip saddr @gatewright_local_net4 ip daddr @gatewright_role_resolver_host4 accept comment "DNS to role resolver"`},
		{"chain output", `tcp dport 53 ip6 saddr @gatewright_local_net6 ip6 daddr @gatewright_role_resolver_host6 accept comment "DNS to role resolver"`},
		{"chain output", `udp dport 53 ip6 saddr @gatewright_local_net6 ip6 daddr @gatewright_role_resolver_host6 accept comment "DNS to role resolver"`},
		{"chain output", `jump gatewright_outbound`},
		{"chain output", `counter name "gatewright_output_dropped" comment "dropped by the policy of the chain"`},
	} {
		wantBeside = append(wantBeside, artefact.Statement{File: fileName, Name: w[0], Value: w[1]})
	}
	if !reflect.DeepEqual(got.Beside, wantBeside) || !slices.Equal(got.Read, []string{fileName}) || got.Edited != nil {
		t.Errorf("beside %v, read %v, edited %v", got.Beside, got.Read, got.Edited)
	}
	var points []string
	byRule := map[rule.ID]artefact.Accepted{}
	for _, f := range got.Filters {
		points = append(points, f.Point.String())
		for _, l := range f.Lines {
			byRule[l.Rule] = l
		}
	}
	if want := []string{"gatewright.nft, chain gatewright_inbound", "gatewright.nft, chain gatewright_outbound", "gatewright.nft, chain input", "gatewright.nft, chain output"}; !slices.Equal(points, want) {
		t.Errorf("hook points %q; want %q", points, want)
	}
	if l := byRule["all-out-82ycmn70v"]; !slices.Equal(l.Labels, []string{"sample/probe (row 7): Title of sample/probe"}) || l.Traffic.IsEmpty() {
		t.Errorf("rule all-out-82ycmn70v is %+v", l)
	}
	admin := got.Filters[2].Lines[0]
	want := rule.TrafficOf(services(netset.TCP, 22, 22), false, prefixes(t, "198.51.100.7/32"), everyIPv4())
	if admin.Rule != "" || !slices.Equal(admin.Labels, []string{"option admin"}) || admin.Direction != rule.Inbound || !admin.Traffic.Equal(want) {
		t.Errorf("administrators get %+v", admin)
	}
	if got, err := (Generator{}).Read(artefact.Files{"proxy.pac": nil}); err != nil || !reflect.DeepEqual(got, artefact.Reading{}) {
		t.Errorf("without a file it reads %v, %v", got, err)
	}
}

// What is changed by hand in our own form is read as what it opens, no more and no
// less.
func TestReadChanged(t *testing.T) {
	flows := func(p netset.Protocol, first, last uint16, from, to string) rule.TrafficSet {
		return rule.TrafficOf(services(p, first, last), false, prefixes(t, from), prefixes(t, to))
	}
	tcp := func(first, last uint16, remote string) rule.TrafficSet {
		return flows(netset.TCP, first, last, "10.0.0.0/8", remote)
	}
	const skype = "tcp dport 443 goto gatewright_skype-out-7qzfx90a1"
	for _, c := range []struct {
		name, file, old, text string
		more, less            rule.TrafficSet
	}{
		{
			name: "a prefix", file: "chains", old: "\t52.112.0.0/14 : goto gatewright_out4", text: "\t52.112.0.0/13 : goto gatewright_out4",
			more: tcp(443, 443, "52.116.0.0/14"),
		},
		{
			name: "a prefix out of its order", file: "chains", old: "\t192.0.2.9 :", text: "\t192.0.1.9 :",
			more: tcp(1, 65535, "192.0.1.9"), less: tcp(1, 65535, "192.0.2.9"),
		},
		{
			name: "a port", file: "chains", old: skype, text: strings.Replace(skype, "443", "444", 1),
			more: tcp(444, 444, "52.112.0.0/14"), less: tcp(443, 443, "52.112.0.0/14"),
		},
		{
			name: "more ports", file: "chains", old: "\t50000-59999,", text: "\t50000-60000,",
			more: rule.UniteTraffic(flows(netset.UDP, 60000, 60000, "10.0.0.0/8", "13.107.64.0/18"), flows(netset.UDP, 60000, 60000, "10.0.0.0/8", "224.0.0.0/3"), flows(netset.UDP, 60000, 60000, "fc00::/7", "8000::/1")),
		},
		{
			name: "an administrator", file: "enforce-host", old: "saddr 198.51.100.7/32 accept", text: "saddr 198.51.100.6/31 accept",
			more: rule.TrafficOf(services(netset.TCP, 22, 22), false, prefixes(t, "198.51.100.6"), everyIPv4()),
		},
		{name: "a policy", file: "enforce-host", old: "hook forward priority filter - 10; policy accept", text: "hook forward priority filter - 10; policy drop"},
		{name: "a guard", file: "enforce-host", old: "\t\tct state established,related accept\n", text: ""},
		{name: "a jump", file: "enforce-host", old: "\t\tjump gatewright_inbound\n", text: ""},
		{name: "an interface", file: "chains-interfaces", old: `iifname { "eth1.100", "eth2" }`, text: `iifname { "eth1.100", "eth3" }`},
		{name: "the mark of rules", file: "mark", old: "meta mark | 0x00010000", text: "meta mark | 0x00020000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := golden(t, c.file)
			changed := strings.Replace(text, c.old, c.text, 1)
			if text == changed {
				t.Fatalf("the file has no %q", c.old)
			}
			was, err := read(text)
			if err != nil {
				t.Fatal(err)
			}
			is, err := read(changed)
			if err != nil || !slices.Equal(is.Edited, []string{fileName}) {
				t.Fatalf("edited %v, %v", is.Edited, err)
			}
			if more, less := traffic(is).Subtract(traffic(was)), traffic(was).Subtract(traffic(is)); !more.Equal(c.more) || !less.Equal(c.less) {
				t.Errorf("it accepts more %v, less %v; want %v, %v", more.Flows(rule.Outbound), less.Flows(rule.Outbound), c.more.Flows(rule.Outbound), c.less.Flows(rule.Outbound))
			}
			if is.Edited = nil; reflect.DeepEqual(is, was) {
				t.Error("it is read as if it were not changed")
			}
		})
	}
}

func everyIPv4() netset.PrefixSet {
	return netset.PrefixSetOf(netip.PrefixFrom(netip.IPv4Unspecified(), 0))
}

func services(p netset.Protocol, first, last uint16) netset.ServiceSet {
	return netset.ServicesOver(p, []netset.PortRange{{First: first, Last: last}})
}

func prefixes(t testing.TB, list ...string) netset.PrefixSet {
	t.Helper()
	var b netset.PrefixBuilder
	for _, s := range list {
		p, _, err := netset.ParsePrefix(s)
		if err != nil {
			t.Fatal(err)
		}
		b.Add(p)
	}
	return b.Build()
}

// Whatever Generate does not write is refused: statements beside ours, statements that
// hide behind ours, and what an engine reads otherwise than people do.
func TestReadRefuses(t *testing.T) {
	const (
		chains  = "\nflush chain inet filter gatewright_outbound\n" // a statement that stands alone
		title   = "\n\t# exchange-out-bwhkcsvak: outbound, clients, tcp 443\n"
		section = "\n\t# Flows that are outbound.\n"
		sts     = "\t\t\t192.168.7.6,\n"
		probe   = "\t\t\t192.0.2.9 : goto gatewright_out4_all-out-82ycmn70v,\n"
		rule    = "\t\ttcp dport 5061 ip daddr @gatewright_role_sbc_net4 goto gatewright_voice-in-mj1qsp1bh\n"
		counts  = "\t\tcounter name \"gatewright_all-out-82ycmn70v\" accept comment \"sample/probe (row 7): Title of sample/probe\"\n"
		nobody  = " is not what generate writes; expected "
		mend    = "; remove it, or generate the file again"
	)
	for _, c := range []struct{ name, old, text, want string }{
		{"another table", chains, chains + "add table ip evil\n", `"add table ip evil"` + nobody + `one table`},
		{"a table destroyed", chains, chains + "destroy table inet filter\n", `"destroy table inet filter"` + nobody + `"flush chain inet filter gatewright_inbound"`},
		{"a ruleset flushed", chains, chains + "flush ruleset\n", `"flush ruleset"` + nobody + `"flush chain inet filter gatewright_inbound"`},
		{"an include", chains, chains + "include \"/etc/shadow\"\n", `"include \"/etc/shadow\""` + nobody + `"flush chain inet filter gatewright_inbound"`},
		{"a definition", chains, chains + "define x = 10.0.0.0/8\n", `"define x = 10.0.0.0/8"` + nobody + `"flush chain inet filter gatewright_inbound"`},
		{"behind a semicolon", chains, strings.TrimSuffix(chains, "\n") + "; add table ip evil\n", `"flush chain inet filter gatewright_outbound; add table ip evil"` + nobody + `"flush chain inet filter gatewright_outbound"`},
		{"behind a set", "{ type ipv4_addr; flags interval; }\nflush", "{ type ipv4_addr; flags interval; } ; add table ip evil\nflush", `"add set inet filter gatewright_role_clients_net4 { type ipv4_addr; flags interval; } ; add table ip evil"` + nobody + `"add set inet filter gatewright_role_clients_net4 { type ipv4_addr; flags interval; }"`},
		{"behind a block", "\n}\n", "\n}\nadd table ip evil\n", `"add table ip evil"` + nobody + `one table`},
		{"behind a brace", "\n}\n", "\n} ; add table ip evil\n", `"} ; add table ip evil"` + nobody + `"}"`},
		{"a second block", "\n}\n", "\n}\ntable ip evil {\n\tchain gatewright_outbound {\n\t}\n}\n", `"\tchain gatewright_outbound {"` + nobody + `every chain of this file only once`},
		{"behind a comment's end", "Title of sample/probe\"\n", "Title of sample/probe\" ; flush ruleset\n", `"\t\tcounter name \"gatewright_all-out-82ycmn70v\" accept comment \"sample/probe (row 7): Title of sample/probe\" ; flush rules…"` + nobody + `a comment of at most 128 bytes`},
		{"behind a rule", " goto gatewright_exchange-out-bwhkcsvak\n", " goto gatewright_exchange-out-bwhkcsvak; accept\n", `"\t\ttcp dport 443 goto gatewright_exchange-out-bwhkcsvak; accept"` + nobody + `a chain of this file`},
		{"a rule of its own", "\n\tchain gatewright_outbound {\n", "\n\tchain gatewright_outbound {\n\t\taccept\n", `"\t\taccept"` + nobody + `a match of ports and of the addresses of our side and a rule's chain, or a map`},
		{"a rule for everybody", "\n\tchain gatewright_outbound {\n", "\n\tchain gatewright_outbound {\n\t\tgoto gatewright_all-out-82ycmn70v\n", `"\t\tgoto gatewright_all-out-82ycmn70v"` + nobody + `a match of ports and of the addresses of our side and a rule's chain, or a map`},
		{"a drop", "\n\tchain gatewright_outbound {\n", "\n\tchain gatewright_outbound {\n\t\tdrop\n", `"\t\tdrop"` + nobody + `drop only for ct state invalid`},
		{"a line that goes on", title, "\n\t# exchange-out-bwhkcsvak: outbound, clients, tcp 443\\\nadd table ip evil\n", `"add table ip evil"` + nobody + `one table`},
		{"a carriage return", section, "\n\t# Flows that are outbound.\radd table ip evil\n", `"\t# Flows that are outbound.\radd table ip evil"` + nobody + `printable ASCII`},
		{"a next line", section, "\n\t# Flows that are outbound.\u0085add table ip evil\n", `"\t# Flows that are outbound.\u0085add table ip evil"` + nobody + `printable ASCII`},
		{"a line separator", section, "\n\t# Flows that are outbound.\u2028add table ip evil\n", `"\t# Flows that are outbound.\u2028add table ip evil"` + nobody + `printable ASCII`},
		{"a no-break space", "\nadd table inet filter\n", "\nadd table inet\u00a0filter\n", `"add table inet\u00a0filter"` + nobody + `printable ASCII`},
		{"a zero byte", section, "\n\t# Flows that are outbound.\x00\n", `"\t# Flows that are outbound.\x00"` + nobody + `printable ASCII`},
		{"a byte that is no UTF-8", section, "\n\t# Flows that are outbound.\xff\n", `"\t# Flows that are outbound.\xff"` + nobody + `printable ASCII`},
		{"a bidirectional sign", section, "\n\t# Flows that are outbound.\u202e\n", `"\t# Flows that are outbound.\u202e"` + nobody + `printable ASCII`},
		{"a tab in a comment", section, "\n\t# Flows\tthat are outbound.\n", `"\t# Flows\tthat are outbound."` + nobody + `"\t# Flows that are outbound."`},
		{"another comment", section, "\n\t# Flows that harm nobody.\n", `"\t# Flows that harm nobody."` + nobody + `"\t# Flows that are outbound."`},
		{"a long comment", "\n\t# exchange-out-bwhkcsvak: outbound", "\n\t# exchange-out-bwhkcsvak: " + strings.Repeat("x", 1000) + " outbound", `"\t# exchange-out-bwhkcsvak: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"` + nobody + `a comment of at most 1000 bytes`},
		{"a line about nothing in the header", "\n# source: ", "\n# nothing: x\n# source: ", `"# nothing: x"` + nobody + `a line about a source, or only #`},
		{"a host name", sts, "\t\t\tevil.example.com,\n", `"\t\t\tevil.example.com,"` + nobody + `an address, a prefix or a range of family ip`},
		{"a host name in a map", probe, strings.Replace(probe, "192.0.2.9", "evil.example.com", 1), `"\t\t\tevil.example.com : goto gatewright_out4_all-out-82ycmn70v,"` + nobody + `an address, a prefix or a range of family ip`},
		{"a prefix with host bits", probe, strings.Replace(probe, "192.0.2.9", "192.0.2.9/24", 1), `"\t\t\t192.0.2.9/24 : goto gatewright_out4_all-out-82ycmn70v,"` + nobody + `an address, a prefix or a range of family ip`},
		{"a prefix of the other family", probe, strings.Replace(probe, "192.0.2.9", "2001:db8::/32", 1), `"\t\t\t2001:db8::/32 : goto gatewright_out4_all-out-82ycmn70v,"` + nobody + `an address, a prefix or a range of family ip`},
		{"a prefix written otherwise", probe, strings.Replace(probe, "192.0.2.9", "192.0.2.9/32", 1), `"\t\t\t192.0.2.9/32 : goto gatewright_out4_all-out-82ycmn70v,"` + nobody + `an address, a prefix or a range of family ip`},
		{"a range", probe, strings.Replace(probe, "192.0.2.9", "192.0.2.8-192.0.2.9", 1), `"\t\t\t192.0.2.8-192.0.2.9 : goto gatewright_out4_all-out-82ycmn70v,"` + nobody + `an address, a prefix or a range of family ip`},
		{"a timeout", sts, "\t\t\t192.168.7.6 timeout 1s,\n", `"\t\t\t192.168.7.6 timeout 1s,"` + nobody + `an address, a prefix or a range of family ip`},
		{"two in a line", sts, "\t\t\t192.168.7.6, 192.168.7.9,\n", `"\t\t\t192.168.7.6, 192.168.7.9,"` + nobody + `an address, a prefix or a range of family ip`},
		{"an element twice", probe, probe + probe, `"\t\t\t192.0.2.9 : goto gatewright_out4_all-out-82ycmn70v,"` + nobody + `elements that do not overlap`},
		{"an element of another's", probe, strings.Replace(probe, "192.0.2.9", "52.112.0.1", 1), `"\t\t\t52.112.0.0/14 : goto gatewright_out4_skype-out-7qzfx90a1,"` + nobody + `elements that do not overlap`},
		{"a verdict in a map", probe, strings.Replace(probe, "goto gatewright_out4_all-out-82ycmn70v", "accept", 1), `"\t\t\t192.0.2.9 : accept,"` + nobody + `an address and a chain of this file`},
		{"a jump in a map", probe, strings.Replace(probe, "goto", "jump", 1), `"\t\t\t192.0.2.9 : jump gatewright_out4_all-out-82ycmn70v,"` + nobody + `an address and a chain of this file`},
		{"a chain that is not there", probe, strings.Replace(probe, "gatewright_out4_all-out-82ycmn70v", "gatewright_gone", 1), `"\t\t\t192.0.2.9 : goto gatewright_gone,"` + nobody + `an address and a chain of this file`},
		{"a chain of the site in a map", probe, strings.Replace(probe, "gatewright_out4_all-out-82ycmn70v", "input", 1), `"\t\t\t192.0.2.9 : goto input,"` + nobody + `an address and a chain of this file`},
		{"no element", sts, "", `"\t\t}"` + nobody + `an element`},
		{"an open set", sts + "\t\t}\n", sts, `"\t\t\tfd00:7:1::/64,"` + nobody + `an address, a prefix or a range of family ip`},
		{"a set twice", "\n\tset gatewright_role_clients_net6 {\n", "\n\tset gatewright_role_clients_net4 {\n", `"\tset gatewright_role_clients_net4 {"` + nobody + `every set only once`},
		{"a set of the site", "\n\tset gatewright_role_clients_net4 {\n", "\n\tset blackhole {\n", `"\tset blackhole {"` + nobody + `a name of at most 255 letters, digits, - and _ that starts with gatewright_`},
		{"a set of no kind", "\n\tset gatewright_role_clients_net4 {\n\t\ttype ipv4_addr;", "\n\tset gatewright_role_clients_net4 {\n\t\ttype mark;", `"\t\ttype mark; flags interval;"` + nobody + `the type of a set or map that generate writes`},
		{"a chain of the site", "\nadd chain inet filter gatewright_outbound\n", "\nadd chain inet filter input\n", `"add chain inet filter input"` + nobody + `a name of at most 255 letters, digits, - and _ that starts with gatewright_`},
		{"a base chain of the site", "\nadd chain inet filter gatewright_outbound\n", "\nadd chain inet filter x { type filter hook forward priority filter - 10; policy drop; }\n", `"add chain inet filter x { type filter hook forward priority filter - 10; policy drop; }"` + nobody + `in Gatewright's own table, a base chain of each hook in their order, with policy accept or drop`},
		{"a rule twice", title, "\n\t# all-out-82ycmn70v: outbound, clients, tcp 443\n", `"\t# all-out-82ycmn70v: outbound, clients, tcp 443"` + nobody + `every rule only once`},
		{"a set that no rule uses", "\n\tset gatewright_role_clients_net4 {\n", "\n\tset gatewright_x {\n\t\ttype ipv4_addr;\n\t\telements = {\n\t\t\t192.0.2.1,\n\t\t}\n\t}\n\tset gatewright_role_clients_net4 {\n", `"\tset gatewright_x {"` + nobody + `a set that a rule uses`},
		{"a base chain of ours in the site's table", "\nadd chain inet filter gatewright_outbound\n", "\nadd chain inet filter forward { type filter hook forward priority filter - 10; policy drop; }\n", `"add chain inet filter forward { type filter hook forward priority filter - 10; policy drop; }"` + nobody + `in Gatewright's own table, a base chain of each hook in their order, with policy accept or drop`},
		{"a set that is not there", rule, strings.Replace(rule, "sbc", "gone", 1), `"\t\ttcp dport 5061 ip daddr @gatewright_role_gone_net4 goto gatewright_voice-in-mj1qsp1bh"` + nobody + `a set of this file, of the kind that is expected here`},
		{"a set of the other family", rule, strings.Replace(rule, "sbc_net4", "sts_direct_host6", 1), `"\t\ttcp dport 5061 ip daddr @gatewright_role_sts_direct_host6 goto gatewright_voice-in-mj1qsp1bh"` + nobody + `a set of this file, of the kind that is expected here`},
		{"a rule without ports", rule, strings.Replace(rule, "tcp dport 5061 ", "", 1), `"\t\tip daddr @gatewright_role_sbc_net4 goto gatewright_voice-in-mj1qsp1bh"` + nobody + `a match of ports and, here or before the map, of the addresses of our side, and a rule's chain`},
		{"another match", rule, strings.Replace(rule, "5061 ", "5061 limit rate 1/second ", 1), `"\t\ttcp dport 5061 limit rate 1/second ip daddr @gatewright_role_sbc_net4 goto gatewright_voice-in-mj1qsp1bh"` + nobody + `a match that is allowed here`},
		{"a negation", rule, strings.Replace(rule, "dport ", "dport != ", 1), `"\t\ttcp dport != 5061 ip daddr @gatewright_role_sbc_net4 goto gatewright_voice-in-mj1qsp1bh"` + nobody + `a port or a range such as 50000-59999`},
		{"an anonymous set", rule, strings.Replace(rule, "5061", "{ 5061, 5062 }", 1), `"\t\ttcp dport { 5061, 5062 } ip daddr @gatewright_role_sbc_net4 goto gatewright_voice-in-mj1qsp1bh"` + nobody + `a port or a range such as 50000-59999`},
		{"another counter", counts, strings.Replace(counts, "gatewright_all-out", "gatewright_any-out", 1), `"\t\tcounter name \"gatewright_any-out-82ycmn70v\" accept comment \"sample/probe (row 7): Title of sample/probe\""` + nobody + `counter "gatewright_all-out-82ycmn70v"`},
		{"another comment of a rule", counts, strings.Replace(counts, "probe (row", "harmless (row", 1), `"\t\tcounter name \"gatewright_all-out-82ycmn70v\" accept comment \"sample/harmless (row 7): Title of sample/probe\""` + nobody + `the labels above as the rule's comment`},
		{"a state", counts, "\t\tct state established,related accept\n", `"\t\tct state established,related accept"` + nobody + `what counts and accepts, and matches nothing`},
		{"a keyword for a table", "\nadd table inet filter\n", "\nadd table inet drop\n", `"add table inet drop"` + nobody + `"inet drop": table name "drop" is a keyword of nft, which nft refuses as a name; give the table another name`},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := golden(t, "chains")
			before, after, ok := strings.Cut(text, c.old)
			if !ok {
				t.Fatalf("the file has no %q", c.old)
			}
			_, err := read(before + c.text + after)
			if want := fileName + ":LINE: " + c.want + mend; lineless(err) != want {
				t.Errorf("error %q\nwant  %q", err, want)
			}
			var foreign *artefact.ForeignError
			if !errors.As(err, &foreign) || strings.Split(before+c.text+after, "\n")[foreign.Line-1] != foreign.Text {
				t.Errorf("line %d is not %q", foreign.Line, foreign.Text)
			}
		})
	}
}

// lineless is a message with the word LINE for the line's number.
func lineless(err error) string {
	file, rest, _ := strings.Cut(errorText(err), ":")
	_, rest, _ = strings.Cut(rest, ":")
	return file + ":LINE:" + rest
}

func TestReadTitle(t *testing.T) {
	for old, want := range map[string]struct{ text, err string }{
		"format 4\n":  {"format 7\n", "gatewright.nft has format 7, but this version writes format 4; generate it again"},
		"; format 4":  {"", "gatewright.nft has format 1, but this version writes format 4; generate it again"},
		"format 4":    {"format 04", `gatewright.nft:1: not written by Gatewright; expected "# Gatewright: nftables ruleset" and what it is; remove it, or generate the file again`},
		"# Gate":      {"# gate", `gatewright.nft:1: not written by Gatewright; expected "# Gatewright: nftables ruleset" and what it is; remove it, or generate the file again`},
		"mode chains": {"mode open", `gatewright.nft:1: "# Gatewright: nftables ruleset, mode open, place forward; format 4" is not what generate writes; expected mode and place; remove it, or generate the file again`},
	} {
		_, err := read(strings.Replace(golden(t, "chains"), old, want.text, 1))
		if errorText(err) != want.err {
			t.Errorf("%q: error %q\nwant %q", want.text, errorText(err), want.err)
		}
	}
	for text, want := range map[string]string{
		"":                              `gatewright.nft:1: not written by Gatewright; expected "# Gatewright: nftables ruleset" and what it is; remove it, or generate the file again`,
		"# Gatewright: nftables":        `gatewright.nft:1: not written by Gatewright; expected "# Gatewright: nftables ruleset" and what it is; remove it, or generate the file again`,
		strings.Repeat("x", 200) + "\n": `gatewright.nft:1: not written by Gatewright; expected "# Gatewright: nftables ruleset" and what it is; remove it, or generate the file again`,
	} {
		if _, err := read(text); errorText(err) != want {
			t.Errorf("%q: error %q\nwant %q", text, errorText(err), want)
		}
	}
}

func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.nft.golden")
	if err != nil || len(files) == 0 {
		f.Fatal("no expected files", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := readFile(data)
		if err != nil {
			return
		}
		again, err := templates.Execute("nftables/gatewright.nft.tmpl", r.view())
		if err != nil || !bytes.Equal(artefact.Unsealed(data), again) {
			t.Fatalf("%q is rendered as %q, %v", data, again, err)
		}
	})
}
