package iptables

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/templates"
)

// goldenFiles returns the expected files of an example, as a folder has them.
func goldenFiles(t testing.TB, example string) artefact.Files {
	t.Helper()
	files := artefact.Files{}
	for _, name := range []string{setsFile, ipv4.file(), ipv6.file()} {
		data, err := os.ReadFile("testdata/" + example + strings.TrimPrefix(name, "gatewright") + ".golden")
		if err == nil {
			files[name] = data
		}
	}
	if files[ipv4.file()] == nil || files[ipv6.file()] == nil {
		t.Fatalf("example %s has no rules", example)
	}
	return files
}

// with returns the files with the first old of one of them replaced.
func with(t testing.TB, files artefact.Files, name, old, text string) artefact.Files {
	t.Helper()
	changed := strings.Replace(string(files[name]), old, text, 1)
	if changed == string(files[name]) {
		t.Fatalf("%s has no %q", name, old)
	}
	out := maps.Clone(files)
	out[name] = []byte(changed)
	return out
}

// region is all that a reading accepts.
func region(r artefact.Reading) rule.Region {
	var boxes []rule.Box
	for _, f := range r.Filters {
		for _, l := range f.Lines {
			boxes = append(boxes, l.Boxes...)
		}
	}
	return rule.RegionOf(boxes...)
}

// regionsOf is what a reading accepts at each hook point.
func regionsOf(r artefact.Reading) map[artefact.HookPoint]rule.Region {
	out := map[artefact.HookPoint]rule.Region{}
	for _, f := range r.Filters {
		out[f.Point] = region(artefact.Reading{Filters: []artefact.Filtered{f}})
	}
	return out
}

// The files say what the kernel holds once it has loaded them.
func TestFilesAreReadAsTheKernelReadsThem(t *testing.T) {
	for _, c := range dumps {
		t.Run(c.example+"/"+c.variant, func(t *testing.T) {
			got, err := Generator{}.Read(goldenFiles(t, c.example))
			if err != nil {
				t.Fatal(err)
			}
			rs := readBack(t, c.example, c.variant, c.table)
			var kernel artefact.Reading
			accept := func(l Line, chain string) {
				p := artefact.HookPoint{File: family(l.Family).file(), Chain: chain, In: strings.Join(l.In, " "), Out: strings.Join(l.Out, " "), Mark: l.Mark}
				kernel.Accept(p, artefact.Accepted{Boxes: l.Boxes()})
			}
			for _, l := range rs.Rules {
				chain := outboundChain
				if l.Direction == rule.Inbound {
					chain = inboundChain
				}
				accept(l, string(chain))
			}
			for _, h := range rs.Hooks {
				for _, r := range h.Rules {
					for _, l := range r.Accepts {
						l.Family = h.Family
						if l.Direction = directionOf(name(h.Chain)); c.example == "enforce-host" && l.Comment != "" {
							accept(l, h.Chain)
						}
					}
				}
			}
			have, want := regionsOf(got), regionsOf(kernel)
			if len(have) != len(want) || len(have) == 0 {
				t.Errorf("%d hook points are read, the kernel has %d", len(have), len(want))
			}
			for p, r := range want {
				if !have[p].Equal(r) {
					t.Errorf("%s: the file accepts\n%v\nthe kernel\n%v", p, have[p].Boxes(), r.Boxes())
				}
			}
		})
	}
}

func TestReadWhole(t *testing.T) {
	got, err := Generator{}.Read(goldenFiles(t, "enforce-host"))
	if err != nil {
		t.Fatal(err)
	}
	v4, v6 := ipv4.file(), ipv6.file()
	wantBeside := []artefact.Statement{
		{File: v4, Name: "mode", Value: "enforce"}, {File: v4, Name: "place", Value: "host"},
		{File: v4, Name: "policy", Value: "INPUT DROP"}, {File: v4, Name: "policy", Value: "OUTPUT DROP"},
		{File: v6, Name: "mode", Value: "enforce"}, {File: v6, Name: "place", Value: "host"},
		{File: v6, Name: "policy", Value: "INPUT DROP"}, {File: v6, Name: "policy", Value: "OUTPUT DROP"},
	}
	if !reflect.DeepEqual(got.Beside, wantBeside) || !slices.Equal(got.Read, []string{v6, setsFile, v4}) || got.Edited != nil {
		t.Errorf("beside %v, read %v, edited %v", got.Beside, got.Read, got.Edited)
	}
	i := slices.IndexFunc(got.Filters, func(f artefact.Filtered) bool { return f.Point.File == v4 && f.Point.Chain == "INPUT" })
	admin := got.Filters[i].Lines[0]
	want := rule.RegionOf(rule.Box{
		Direction: rule.Inbound, Protocol: netset.TCP, Ports: netset.PortRange{First: 22, Last: 22},
		Local: ipv4.whole(), Remote: prefixes(t, "198.51.100.7"),
	})
	if admin.Rule != "" || !slices.Equal(admin.Labels, []string{"option admin"}) || !rule.RegionOf(admin.Boxes...).Equal(want) {
		t.Errorf("administrators get %+v", admin)
	}
	chains, err := Generator{}.Read(goldenFiles(t, "chains"))
	if err != nil {
		t.Fatal(err)
	}
	i = slices.IndexFunc(chains.Filters, func(f artefact.Filtered) bool { return f.Point.File == v4 && f.Point.Chain == "gatewright_outbound" })
	if l := chains.Filters[i].Lines[0]; l.Rule != "all-out-82ycmn70v" || !slices.Equal(l.Labels, []string{"sample/probe (row 7): Title of sample/probe"}) {
		t.Errorf("the first line is %+v", l)
	}
	if got, err := (Generator{}).Read(artefact.Files{"proxy.pac": nil}); err != nil || !reflect.DeepEqual(got, artefact.Reading{}) {
		t.Errorf("without a file it reads %v, %v", got, err)
	}
}

// A file that is not there leaves what the others say; sets without rules are told.
func TestReadPart(t *testing.T) {
	files := goldenFiles(t, "chains")
	delete(files, ipv6.file())
	got, err := Generator{}.Read(files)
	if err != nil || !slices.Equal(got.Read, []string{setsFile, ipv4.file()}) {
		t.Fatalf("read %v, %v", got.Read, err)
	}
	if !slices.Contains(got.Beside, artefact.Statement{File: setsFile, Name: "set", Value: "gw_skype-out-7qzfx90a1_6: 2603:1063::/38"}) {
		t.Errorf("beside %v", got.Beside)
	}
	files = goldenFiles(t, "chains")
	delete(files, setsFile)
	const want = `gatewright.iptables:20: "-A gatewright_inbound -p tcp --dport 8080 -m set --match-set gw_addr_sts_4 dst -m comment --comment \"identity-in-rf2s1zv…" is not what generate writes; expected a set of this family that gatewright.ipset fills; remove it, or generate the file again`
	if _, err := (Generator{}).Read(files); errorText(err) != want {
		t.Errorf("without sets: %v", err)
	}
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

// What is changed by hand in our own form is read as what it opens, no more and no less.
func TestReadChanged(t *testing.T) {
	flows := func(d rule.Direction, p netset.Protocol, first, last uint16, local, remote string) rule.Region {
		return rule.RegionOf(rule.Box{
			Direction: d, Protocol: p, Ports: netset.PortRange{First: first, Last: last},
			Local: prefixes(t, local), Remote: prefixes(t, remote),
		})
	}
	v4 := ipv4.file()
	const skype = "-p tcp --dport 443 -m set --match-set gw_role_clients_4 src -m set --match-set gw_skype"
	for _, c := range []struct {
		name, example, file, old, text string
		more, less                     rule.Region
	}{
		{
			name: "a prefix", example: "chains", file: setsFile, old: "add gw_skype-out-7qzfx90a1_4-new 52.112.0.0/14", text: "add gw_skype-out-7qzfx90a1_4-new 52.112.0.0/13",
			more: flows(rule.Outbound, netset.TCP, 443, 443, "10.0.0.0/8", "52.116.0.0/14"),
		},
		{
			name: "a prefix out of its order", example: "chains", file: setsFile, old: "82ycmn70v_4-new 192.0.2.9", text: "82ycmn70v_4-new 192.0.1.0/31",
			more: flows(rule.Outbound, netset.TCP, 1, 65535, "10.0.0.0/8", "192.0.1.0/31"),
			less: flows(rule.Outbound, netset.TCP, 1, 65535, "10.0.0.0/8", "192.0.2.9"),
		},
		{
			name: "a port", example: "chains", file: v4, old: skype, text: strings.Replace(skype, "443", "444", 1),
			more: flows(rule.Outbound, netset.TCP, 444, 444, "10.0.0.0/8", "52.112.0.0/14"),
			less: flows(rule.Outbound, netset.TCP, 443, 443, "10.0.0.0/8", "52.112.0.0/14"),
		},
		{
			name: "more ports", example: "chains", file: v4, old: skype, text: strings.Replace(skype, "--dport 443", "-m multiport --dports 443,8443:8444", 1),
			more: flows(rule.Outbound, netset.TCP, 8443, 8444, "10.0.0.0/8", "52.112.0.0/14"),
		},
		{
			name: "a protocol", example: "chains", file: v4, old: skype, text: strings.Replace(skype, "tcp", "udp", 1),
			more: flows(rule.Outbound, netset.UDP, 443, 443, "10.0.0.0/8", "52.112.0.0/14"),
			less: flows(rule.Outbound, netset.TCP, 443, 443, "10.0.0.0/8", "52.112.0.0/14"),
		},
		{
			name: "a prefix of a tree", example: "tree", file: v4, old: "-A gw_out-82ycmn70v_1 -d 192.0.2.9/32", text: "-A gw_out-82ycmn70v_1 -d 192.0.2.8/30",
			more: flows(rule.Outbound, netset.TCP, 1, 65535, "10.0.0.0/8", "192.0.2.8/30").Subtract(flows(rule.Outbound, netset.TCP, 1, 65535, "10.0.0.0/8", "192.0.2.9")),
		},
		{
			name: "our side", example: "tree", file: v4, old: "-A gatewright_outbound -s 10.0.0.0/8 -p tcp --dport 1:65535", text: "-A gatewright_outbound -s 10.0.0.0/7 -p tcp --dport 1:65535",
			more: flows(rule.Outbound, netset.TCP, 1, 65535, "11.0.0.0/8", "192.0.2.1").Union(flows(rule.Outbound, netset.TCP, 1, 65535, "11.0.0.0/8", "192.0.2.9")),
		},
		{
			name: "an administrator", example: "enforce-host", file: v4, old: "-A INPUT -s 198.51.100.7/32", text: "-A INPUT -s 198.51.100.6/31",
			more: rule.RegionOf(rule.Box{
				Direction: rule.Inbound, Protocol: netset.TCP, Ports: netset.PortRange{First: 22, Last: 22},
				Local: ipv4.whole(), Remote: prefixes(t, "198.51.100.6"),
			}),
		},
		{name: "an interface", example: "chains-interfaces", file: v4, old: "-A gatewright_outbound -i eth2 -o eth0", text: "-A gatewright_outbound -i eth3 -o eth0"},
		{name: "one interface of two pairs", example: "chains-interfaces", file: v4, old: "-A gatewright_outbound -i eth2 -o eth0", text: "-A gatewright_outbound -i eth2 -o eth9"},
		{name: "the mark of a rule", example: "mark", file: v4, old: `everyone" -j MARK --set-xmark 0x10000/0x10000`, text: `everyone" -j MARK --set-xmark 0x20000/0x20000`},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := goldenFiles(t, c.example)
			was, err := Generator{}.Read(files)
			if err != nil {
				t.Fatal(err)
			}
			is, err := Generator{}.Read(with(t, files, c.file, c.old, c.text))
			if err != nil || !slices.Equal(is.Edited, []string{c.file}) {
				t.Fatalf("edited %v, %v", is.Edited, err)
			}
			if more, less := region(is).Subtract(region(was)), region(was).Subtract(region(is)); !more.Equal(c.more) || !less.Equal(c.less) {
				t.Errorf("it accepts more %v, less %v; want %v, %v", more.Boxes(), less.Boxes(), c.more.Boxes(), c.less.Boxes())
			}
			if is.Edited = nil; reflect.DeepEqual(is, was) {
				t.Error("it is read as if it were not changed")
			}
		})
	}
}

// Whatever Generate does not write is refused: statements beside ours, statements that
// hide behind ours, and what an engine reads otherwise than people do.
func TestReadRefuses(t *testing.T) {
	const (
		nobody  = " is not what generate writes; expected "
		mend    = "; remove it, or generate the file again"
		created = "create gw_role_clients_4 hash:net family inet maxelem 4194304 -exist"
		element = "add gw_role_clients_4-new 10.0.0.0/8\n"
		last    = "\nCOMMIT\n"
		rules   = "\n*filter\n"
		line    = "-p tcp --dport 443 -m set --match-set gw_role_clients_4 src -m set --match-set gw_skype-out-7qzfx90a1_4 dst -m comment"
		title   = "# skype-out-7qzfx90a1: outbound, clients, tcp 443\n"
		jump    = "-A INPUT -j gatewright_inbound\n"
	)
	v4 := ipv4.file()
	for _, c := range []struct{ name, example, file, old, text, want string }{
		{"a foreign set destroyed", "chains", setsFile, "\n" + created, "\ndestroy mine\n" + created, `"destroy mine"` + nobody + `"` + created + `"`},
		{"a foreign set created", "chains", setsFile, "\n" + created, "\ncreate mine hash:net\n" + created, `"create mine hash:net"` + nobody + `"` + created + `"`},
		{"a foreign set created as ours are", "chains", setsFile, "\n" + created, "\ncreate mine hash:net family inet maxelem 4194304 -exist\n" + created, `"create mine hash:net family inet maxelem 4194304 -exist"` + nobody + "a name of at most 27 letters, digits, - and _ that starts with gw_"},
		{"a foreign set flushed", "chains", setsFile, "\nflush ", "\nflush mine\nflush ", `"flush mine"` + nobody + "a set of this file, once"},
		{"every set flushed", "chains", setsFile, "\n" + created, "\nflush\n" + created, `"flush"` + nobody + `"` + created + `"`},
		{"a foreign set filled", "chains", setsFile, element, "add mine 10.0.0.0/8\n", `"add mine 10.0.0.0/8"` + nobody + "an address or a prefix of IPv4"},
		{"a foreign set swapped", "chains", setsFile, "swap gw_role_clients_4-new gw_role_clients_4", "swap gw_role_clients_4-new mine", `"swap gw_role_clients_4-new mine"` + nobody + `"swap gw_role_clients_4-new gw_role_clients_4"`},
		{"another type", "chains", setsFile, created, strings.Replace(created, "hash:net", "hash:ip", 1), `"create gw_role_clients_4 hash:ip family inet maxelem 4194304 -exist"` + nobody + `"` + created + `"`},
		{"another size", "chains", setsFile, created, strings.Replace(created, "4194304", "65536", 1), `"create gw_role_clients_4 hash:net family inet maxelem 65536 -exist"` + nobody + `"` + created + `"`},
		{"a set without a family", "chains", setsFile, "gw_role_clients_4 ", "gw_role_clients ", `"create gw_role_clients hash:net family inet maxelem 4194304 -exist"` + nobody + "a name that ends in the family of the set, _4 or _6"},
		{"a set twice", "chains", setsFile, "create gw_all-out-82ycmn70v_4 ", "create gw_role_clients_4 ", `"` + created + `"` + nobody + "each set once"},
		{"a host name", "chains", setsFile, "10.0.0.0/8\n", "evil.example.com\n", `"add gw_role_clients_4-new evil.example.com"` + nobody + "an address or a prefix of IPv4"},
		{"a prefix with host bits", "chains", setsFile, "10.0.0.0/8\n", "10.0.0.1/8\n", `"add gw_role_clients_4-new 10.0.0.1/8"` + nobody + "an address or a prefix of IPv4"},
		{"a whole family", "chains", setsFile, "10.0.0.0/8\n", "0.0.0.0/0\n", `"add gw_role_clients_4-new 0.0.0.0/0"` + nobody + "an address or a prefix of IPv4"},
		{"an option of an element", "chains", setsFile, "10.0.0.0/8\n", "10.0.0.0/8 nomatch\n", `"add gw_role_clients_4-new 10.0.0.0/8 nomatch"` + nobody + "an address or a prefix of IPv4"},
		{"an element of the other family", "chains", setsFile, "10.0.0.0/8\n", "2001:db8::/32\n", `"add gw_role_clients_4-new 2001:db8::/32"` + nobody + "an address or a prefix of IPv4"},
		{"an element twice", "chains", setsFile, element, element + element, `"add gw_role_clients_4-new 10.0.0.0/8"` + nobody + "elements that do not overlap"},
		{"no element", "chains", setsFile, element, "", `"flush gw_all-in-0m24j42e9_4-new"` + nobody + `""`},
		{"a comment that ipset splits", "chains", setsFile, "\n\n", "\n#" + strings.Repeat("x", 1022) + "destroy mine\n\n", `"#` + strings.Repeat("x", 119) + `…"` + nobody + "at most 1022 bytes in a line"},
		{"a short comment", "chains", setsFile, "\n\n", "\n# mine\n\n", `"# mine"` + nobody + `""`},
		{"a carriage return", "chains", setsFile, element, "add gw_role_clients_4-new 10.0.0.0/8\r\n", `"add gw_role_clients_4-new 10.0.0.0/8\r"` + nobody + "printable ASCII"},
		{"another title", "chains", setsFile, "before their rules", "before their rules, mine", `"# Gatewright: sets for iptables and ip6tables, loaded before their rules, mine; format 2"` + nobody + "the title of the file"},

		{"a comment that iptables splits", "chains", v4, rules, "\n#" + strings.Repeat("x", 10239) + "-A INPUT -j ACCEPT" + rules, `"#` + strings.Repeat("x", 119) + `…"` + nobody + "at most 10238 bytes in a line"},
		{"a next line", "chains", v4, title, "# skype-out-7qzfx90a1: outbound\u0085*nat\n", `"# skype-out-7qzfx90a1: outbound\u0085*nat"` + nobody + "printable ASCII"},
		{"a no-break space", "chains", v4, title, "# skype-out-7qzfx90a1:\u00a0outbound\n", `"# skype-out-7qzfx90a1:\u00a0outbound"` + nobody + "printable ASCII"},
		{"a zero byte", "chains", v4, title, "# skype-out-7qzfx90a1: \x00\n", `"# skype-out-7qzfx90a1: \x00"` + nobody + "printable ASCII"},
		{"a tab in a comment", "chains", v4, title, "# skype-out-7qzfx90a1:\toutbound\n", `"# skype-out-7qzfx90a1:\toutbound"` + nobody + "a comment of at most 500 bytes"},
		{"a line that goes on", "chains", v4, title, "# skype-out-7qzfx90a1: outbound\\\n-A INPUT -j ACCEPT\n", `"-A INPUT -j ACCEPT"` + nobody + "a chain for rules of this file"},
		{"another table", "chains", v4, last, last + "*nat\nCOMMIT\n", `"*nat"` + nobody + `""`},
		{"another table for all", "chains", v4, rules, "\n*nat\n", `"*nat"` + nobody + `"*filter"`},
		{"a rule behind the end", "chains", v4, last, last + "-A INPUT -j ACCEPT\n", `"-A INPUT -j ACCEPT"` + nobody + "a chain for rules of this file"},
		{"no end", "chains", v4, last, "\n", `""` + nobody + `"COMMIT"`},
		{"a policy", "enforce-host", v4, ":INPUT DROP", ":INPUT ACCEPT", `":INPUT ACCEPT [0:0]"` + nobody + `":INPUT DROP [0:0]"`},
		{"a policy of a chain that is not ours", "chains", v4, "\n:gatewright_outbound", "\n:FORWARD ACCEPT [0:0]\n:gatewright_outbound", `":FORWARD ACCEPT [0:0]"` + nobody + `":gatewright_outbound - [0:0]"`},
		{"a chain that is flushed", "chains", v4, "\n" + title, "-F FORWARD\n\n" + title, `"-F FORWARD"` + nobody + `""`},
		{"a chain that is not flushed", "enforce-host", v4, "-F INPUT\n", "", `"-F OUTPUT"` + nobody + `"-F INPUT"`},
		{"a chain inserted at its head", "chains", v4, "-A gatewright_outbound " + line, "-I gatewright_outbound " + line, `"-I gatewright_outbound -p tcp --dport 443 -m set --match-set gw_role_clients_4 src -m set --match-set gw_skype-out-7qzfx…"` + nobody + `""`},
		{"a foreign chain", "chains", v4, "\n:gatewright_outbound", "\n:DOCKER - [0:0]\n:gatewright_outbound", `":DOCKER - [0:0]"` + nobody + "a name of at most 28 letters, digits, - and _ that starts with gw_"},
		{"a chain that nothing leads to", "chains", v4, "\n\n# identity-in-rf", "\n:gw_x - [0:0]\n\n# identity-in-rf", `":gw_x - [0:0]"` + nobody + "a chain with rules"},
		{"a rule of another chain", "chains", v4, title, title + "-A INPUT -j ACCEPT\n", `"-A INPUT -j ACCEPT"` + nobody + "a chain for rules of this file"},
		{"a rule without a section", "enforce-host", v4, "-F OUTPUT\n", "-F OUTPUT\n-A INPUT -j ACCEPT\n", `"-A INPUT -j ACCEPT"` + nobody + `""`},
		{"a rule in a chain of mode enforce", "enforce-host", v4, jump, "-A INPUT -p tcp --dport 23 -j ACCEPT\n" + jump, `"-A INPUT -p tcp --dport 23 -j ACCEPT"` + nobody + `"-A INPUT -j gatewright_inbound"`},
		{"a state", "enforce-host", v4, "--ctstate INVALID -j DROP", "--ctstate NEW -j ACCEPT", `"-A INPUT -m conntrack --ctstate NEW -j ACCEPT"` + nobody + `"-A INPUT -m conntrack --ctstate INVALID -j DROP"`},
		{"a program", "chains", v4, line, strings.Replace(line, " -m comment", ` -m bpf --bytecode "1,6 0 0 1" -m comment`, 1), `"-A gatewright_outbound -p tcp --dport 443 -m set --match-set gw_role_clients_4 src -m set --match-set gw_skype-out-7qzfx…"` + nobody + "an option that stands here"},
		{"another match", "chains", v4, line, strings.Replace(line, " -m comment", " -m addrtype -m comment", 1), `"…_skype-out-7qzfx90a1_4 dst -m addrtype -m comment --comment \"skype-out-7qzfx90a1: sample/screen-sharing (row 7): Title o…"` + nobody + `"…_skype-out-7qzfx90a1_4 dst -m comment --comment \"skype-out-7qzfx90a1: sample/screen-sharing (row 7): Title of sample/scr…"`},
		{"a negation", "chains", v4, line, strings.Replace(line, "--dport 443", "! --dport 443", 1), `"-A gatewright_outbound -p tcp ! --dport 443 -m set --match-set gw_role_clients_4 src -m set --match-set gw_skype-out-7qz…"` + nobody + "an option that stands here"},
		{"a queue", "chains", v4, `sample/screen-sharing" -j ACCEPT`, `sample/screen-sharing" -j NFQUEUE`, `"-A gatewright_outbound -p tcp --dport 443 -m set --match-set gw_role_clients_4 src -m set --match-set gw_skype-out-7qzfx…"` + nobody + "-j ACCEPT"},
		{"a mark in another mode", "chains", v4, `sample/screen-sharing" -j ACCEPT`, `sample/screen-sharing" -j MARK --set-xmark 0x1/0x1`, `"-A gatewright_outbound -p tcp --dport 443 -m set --match-set gw_role_clients_4 src -m set --match-set gw_skype-out-7qzfx…"` + nobody + "-j ACCEPT"},
		{"every bit of a mark", "mark", v4, "-j MARK --set-xmark 0x10000/0x10000", "-j MARK --set-xmark 0x10001/0x10001", `"-A gatewright_inbound -p tcp --dport 8080 -m set --match-set gw_addr_sts_4 dst -m comment --comment \"identity-in-rf2s1zv…"` + nobody + "-j MARK --set-xmark and one bit, such as 0x10000/0x10000"},
		{"a quote in a comment", "chains", v4, `sample/screen-sharing" -j ACCEPT`, `sample/screen-sharing" -j DROP -m comment --comment "x" -j ACCEPT`, `"… of sample/screen-sharing\" -j DROP -m comment --comment \"x\" -j ACCEPT"` + nobody + `"… of sample/screen-sharing\" -j ACCEPT"`},
		{"a host name for an address", "tree", v4, "-s 10.0.0.0/8 ", "-s evil.example.com ", `"-A gatewright_outbound -s evil.example.com -p tcp --dport 1:65535 -m comment --comment \"all-out-82ycmn70v: sample/probe …"` + nobody + "a prefix of IPv4"},
		{"several addresses", "tree", v4, "-s 10.0.0.0/8 ", "-s 10.0.0.0/8,192.0.2.0/24 ", `"-A gatewright_outbound -s 10.0.0.0/8,192.0.2.0/24 -p tcp --dport 1:65535 -m comment --comment \"all-out-82ycmn70v: sample…"` + nobody + "a prefix of IPv4"},
		{"a service by name", "chains", v4, line, strings.Replace(line, "--dport 443", "--dport https", 1), `"-A gatewright_outbound -p tcp --dport https -m set --match-set gw_role_clients_4 src -m set --match-set gw_skype-out-7qz…"` + nobody + "a port or a range such as 50000:59999"},
		{"too many ports", "chains", v4, line, strings.Replace(line, "--dport 443", "-m multiport --dports 1:2,3:4,5:6,7:8,9:10,11:12,13:14,15:16", 1), `"-A gatewright_outbound -p tcp -m multiport --dports 1:2,3:4,5:6,7:8,9:10,11:12,13:14,15:16 -m set --match-set gw_role_cl…"` + nobody + "at most 15 ports, a range counted twice, that do not overlap"},
		{"no ports", "chains", v4, line, strings.Replace(line, "--dport 443 ", "", 1), `"-A gatewright_outbound -p tcp -m set --match-set gw_role_clients_4 src -m set --match-set gw_skype-out-7qzfx90a1_4 dst -…"` + nobody + "a protocol and ports"},
		{"another protocol", "chains", v4, line, strings.Replace(line, "-p tcp", "-p all", 1), `"-A gatewright_outbound -p all --dport 443 -m set --match-set gw_role_clients_4 src -m set --match-set gw_skype-out-7qzfx…"` + nobody + "tcp or udp"},
		{"a set of the other family", "chains", v4, line, strings.Replace(line, "7qzfx90a1_4", "7qzfx90a1_6", 1), `"-A gatewright_outbound -p tcp --dport 443 -m set --match-set gw_role_clients_4 src -m set --match-set gw_skype-out-7qzfx…"` + nobody + "a set of this family that gatewright.ipset fills"},
		{"an interface in a rule", "chains", v4, line, strings.Replace(line, "-p tcp", "-i eth0 -p tcp", 1), `"-A gatewright_outbound -i eth0 -p tcp --dport 443 -m set --match-set gw_role_clients_4 src -m set --match-set gw_skype-o…"` + nobody + "interfaces in the section of interfaces alone"},
		{"a wildcard of interfaces", "chains-interfaces", v4, "-i eth2 ", "-i eth+ ", `"-A gatewright_outbound -i eth+ -o eth0 -j gw_outbound"` + nobody + "the name of an interface, of at most 15 letters, digits, - _ . and @"},
		{"interfaces that accept", "chains-interfaces", v4, "-o eth0 -j gw_outbound", "-o eth0 -j ACCEPT", `"-A gatewright_outbound -i eth1.100 -o eth0 -j ACCEPT"` + nobody + "a way to a chain for rules of this file, each once"},
		{"interfaces that lead the other way", "chains-interfaces", v4, "-o eth0 -j gw_outbound", "-o eth0 -j gw_inbound", `"-A gatewright_outbound -i eth1.100 -o eth0 -j gw_inbound"` + nobody + "a way to a chain for rules of this file, each once"},
		{"a side twice", "chains", v4, line, strings.Replace(line, "-p tcp", "-s 10.0.0.0/8 -p tcp", 1), `"-A gatewright_outbound -s 10.0.0.0/8 -p tcp --dport 443 -m set --match-set gw_role_clients_4 src -m set --match-set gw_s…"` + nobody + "a match of each side, once"},
		{"a label behind rules", "chains", v4, "\n\n" + title, "\n#     sample/x\n\n" + title, `"#     sample/x"` + nobody + "labels before rules"},
		{"interfaces in many pairs", "chains-interfaces", v4, "-A gatewright_outbound -i eth2 -o eth0 -j gw_outbound\n", pairs(9), `"# Gatewright: IPv4 rules for iptables, mode chains, place forward, gatewright.ipset is loaded first; format 2"` + nobody + "interfaces of one list with each of another before chain gw_outbound"},
		{"a tree of one side after the other's tree", "tree", v4, "-A gatewright_outbound -s 10.0.0.0/8 -p tcp --dport 1:65535", "-A gatewright_outbound -d 10.0.0.0/8 -p tcp --dport 1:65535", `"-A gatewright_outbound -d 10.0.0.0/8 -p tcp --dport 1:65535 -m comment --comment \"all-out-82ycmn70v: sample/probe (row 7…"` + nobody + "a match of each side, once"},
		{"a tree that leads back", "tree", v4, "-g gw_in-0m24j42e9_2", "-g gw_in-0m24j42e9_1", `"-A gw_in-0m24j42e9_1 -s 198.18.0.0/20 -g gw_in-0m24j42e9_1"` + nobody + "a chain that does not lead back"},
		{"a tree that leads nowhere", "tree", v4, "-g gw_in-0m24j42e9_2", "-g gw_x", `"-A gw_in-0m24j42e9_1 -s 198.18.0.0/20 -g gw_x"` + nobody + "a chain of this file"},
		{"a tree that is not entered", "tree", v4, "-g gw_in-0m24j42e9_2", "-g gw_in-0m24j42e9_3", `":gw_in-0m24j42e9_2 - [0:0]"` + nobody + "a chain that a rule leads to"},
		{"a tree that drops", "tree", v4, "-A gw_out-82ycmn70v_1 -d 192.0.2.1/32 -j ACCEPT", "-A gw_out-82ycmn70v_1 -d 192.0.2.1/32 -j DROP", `"-A gw_out-82ycmn70v_1 -d 192.0.2.1/32 -j DROP"` + nobody + "-j ACCEPT"},
		{"a tree of both sides", "tree", v4, "-A gw_out-82ycmn70v_1 -d 192.0.2.1/32 -j ACCEPT", "-A gw_out-82ycmn70v_1 -s 192.0.2.1/32 -j ACCEPT", `"-A gw_out-82ycmn70v_1 -d 192.0.2.9/32 -j ACCEPT"` + nobody + "addresses of one side that differ in a chain"},
		{"a rule of a tree twice", "tree", v4, "-A gw_out-82ycmn70v_1 -d 192.0.2.1/32 -j ACCEPT\n", strings.Repeat("-A gw_out-82ycmn70v_1 -d 192.0.2.1/32 -j ACCEPT\n", 2), `"-A gw_out-82ycmn70v_1 -d 192.0.2.1/32 -j ACCEPT"` + nobody + "each rule of a chain once"},
		{"a title twice", "chains", v4, title, "# all-out-82ycmn70v: outbound\n", `"# all-out-82ycmn70v: outbound"` + nobody + "the title of a rule, each once"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := with(t, goldenFiles(t, c.example), c.file, c.old, c.text)
			_, err := Generator{}.Read(files)
			file, rest, _ := strings.Cut(errorText(err), ":")
			_, rest, _ = strings.Cut(rest, ": ")
			if rest != c.want+mend || file != c.file {
				t.Errorf("error %q\nwant  %q", errorText(err), c.file+":LINE: "+c.want+mend)
			}
			var foreign *artefact.ForeignError
			if !errors.As(err, &foreign) || strings.Split(string(files[c.file]), "\n")[foreign.Line-1] != foreign.Text {
				t.Errorf("%+v does not tell the line", foreign)
			}
		})
	}
}

// pairs tells interfaces apart that stand with one other each.
func pairs(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "-A gatewright_outbound -i near%d -o far%d -j gw_outbound\n", i, i)
	}
	return b.String()
}

func TestReadTitle(t *testing.T) {
	files := goldenFiles(t, "chains")
	for _, c := range []struct{ file, old, text, want string }{
		{setsFile, "format 2", "format 3", "gatewright.ipset is of format 3 and this version writes format 2; generate it again"},
		{ipv4.file(), "; format 2", "", "gatewright.iptables is of format 1 and this version writes format 2; generate it again"},
		{ipv6.file(), "place forward, gate", "place forward, fate", `gatewright.ip6tables:1: "# Gatewright: IPv6 rules for ip6tables, mode chains, place forward, fatewright.ipset is loaded first; format 2" is not what generate writes; expected mode and place; remove it, or generate the file again`},
		{ipv6.file(), "# Gatewright: IPv6", "# Gatewright: IPv4", `gatewright.ip6tables:1: "# Gatewright: IPv4 rules for ip6tables, mode chains, place forward, gatewright.ipset is loaded first; format 2" is not what generate writes; expected "# Gatewright: IPv6 rules for ip6tables" and what it is; remove it, or generate the file again`},
		{ipv4.file(), "\n# source", "\n# nothing", `gatewright.iptables:4: "# nothing: sample 2025-01-08" is not what generate writes; expected a line about a source, or # alone; remove it, or generate the file again`},
	} {
		if _, err := (Generator{}).Read(with(t, files, c.file, c.old, c.text)); errorText(err) != c.want {
			t.Errorf("%q: error %q\nwant %q", c.text, errorText(err), c.want)
		}
	}
}

// A packet that a goto takes away does not come back: of a tree whose prefix was moved
// out of its cell, nothing comes through.
func TestReadTreeOrder(t *testing.T) {
	files := goldenFiles(t, "tree")
	moved := with(t, files, ipv4.file(), "-A gw_in-0m24j42e9_2 -s 198.18.2.0/24", "-A gw_in-0m24j42e9_2 -s 192.0.2.0/24")
	dropped := with(t, files, ipv4.file(), "-A gw_in-0m24j42e9_2 -s 198.18.2.0/24 -j ACCEPT\n", "")
	is, err := Generator{}.Read(moved)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Generator{}.Read(dropped)
	if err != nil || !region(is).Equal(region(want)) {
		t.Errorf("%v; it accepts %v, want %v", err, region(is).Boxes(), region(want).Boxes())
	}
}

func FuzzRead(f *testing.F) {
	for _, e := range examples(f) {
		files := goldenFiles(f, e.name)
		f.Add(files[setsFile], files[ipv4.file()], files[ipv6.file()])
	}
	f.Fuzz(func(t *testing.T, sets, v4, v6 []byte) {
		s, err := readSetsFile(sets)
		held := map[name]netset.PrefixSet{}
		if err == nil {
			held = s.held
			check(t, sets, "iptables/gatewright.ipset.tmpl", &s.view)
		}
		for f, data := range map[family][]byte{ipv4: v4, ipv6: v6} {
			if r, err := readRulesFile(f, data, held); err == nil {
				check(t, data, "iptables/gatewright.iptables.tmpl", &r.view)
				var out artefact.Reading
				r.addTo(&out)
			}
		}
	})
}

// check compares a file with what its view is rendered to.
func check(t *testing.T, data []byte, template string, view any) {
	t.Helper()
	if again, err := templates.Execute(template, view); err != nil || !bytes.Equal(artefact.Unsealed(data), again) {
		t.Fatalf("%q is rendered as %q, %v", data, again, err)
	}
}
