package iptables

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/filter"
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

// trafficAt is what a reading accepts at each hook point.
func trafficAt(r artefact.Reading) map[artefact.HookPoint]rule.TrafficSet {
	out := map[artefact.HookPoint]rule.TrafficSet{}
	for _, f := range r.Filters {
		out[f.Point] = traffic(artefact.Reading{Filters: []artefact.Filtered{f}})
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
			h := readBack(t, c.example, c.variant, c.table)
			var kernel artefact.Reading
			for f, rs := range map[family]*filter.Ruleset{ipv4: &h.IPv4, ipv6: &h.IPv6} {
				folded := rs.Fold()
				for _, chain := range []string{"gatewright_outbound", "gatewright_inbound", "INPUT", "OUTPUT"} {
					d := rule.Outbound
					if strings.HasSuffix(chain, "inbound") || chain == "INPUT" {
						d = rule.Inbound
					}
					for _, o := range folded.Openings(chain) {
						p := artefact.HookPoint{File: f.file(), Chain: chain, In: strings.Join(o.In, " "), Out: strings.Join(o.Out, " "), Mark: o.Mark}
						if chain[0] == 'g' || o.ID == "" && c.example == "enforce-host" {
							kernel.Accept(p, artefact.Accepted{Direction: d, Traffic: o.Traffic()})
						}
					}
				}
			}
			have, want := trafficAt(got), trafficAt(kernel)
			if len(have) != len(want) || len(have) == 0 {
				t.Errorf("%d hook points are read, the kernel has %d", len(have), len(want))
			}
			for p, r := range want {
				if !have[p].Equal(r) {
					t.Errorf("%s: the file accepts\n%v\nthe kernel\n%v", p, have[p].Flows(rule.Outbound), r.Flows(rule.Outbound))
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
	var values []string
	for _, s := range got.Beside {
		if s.File == v4 {
			values = append(values, s.Name+" "+s.Value)
		}
	}
	want := []string{
		"mode enforce", "place host",
		"policy INPUT DROP",
		"chain INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
		"chain INPUT -i lo -j ACCEPT",
		"chain INPUT -m conntrack --ctstate INVALID -j DROP",
		"chain INPUT -j gatewright_inbound",
		"policy OUTPUT DROP",
		"chain OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
		"chain OUTPUT -o lo -j ACCEPT",
		"chain OUTPUT -m conntrack --ctstate INVALID -j DROP",
		"chain OUTPUT -j gatewright_outbound",
	}
	if !slices.Equal(values, want) || !slices.Equal(got.Read, []string{v6, setsFile, v4}) || got.Edited != nil {
		t.Errorf("beside %q\nwant %q\nread %v, edited %v", values, want, got.Read, got.Edited)
	}
	i := slices.IndexFunc(got.Filters, func(f artefact.Filtered) bool { return f.Point.File == v4 && f.Point.Chain == "INPUT" })
	admin := got.Filters[i].Lines[0]
	wantAdmin := rule.TrafficOf(services(netset.TCP, 22, 22), false, prefixes(t, "198.51.100.7"), prefixes(t, "0.0.0.0/1", "128.0.0.0/1"))
	if admin.Rule != "" || !slices.Equal(admin.Labels, []string{"option admin"}) || admin.Direction != rule.Inbound || !admin.Traffic.Equal(wantAdmin) {
		t.Errorf("administrators get %+v", admin)
	}
	chains, err := Generator{}.Read(goldenFiles(t, "chains"))
	if err != nil {
		t.Fatal(err)
	}
	i = slices.IndexFunc(chains.Filters, func(f artefact.Filtered) bool { return f.Point.File == v4 && f.Point.Chain == "gatewright_outbound" })
	if !slices.ContainsFunc(chains.Filters[i].Lines, func(l artefact.Accepted) bool {
		return l.Rule == "all-out-82ycmn70v" && slices.Equal(l.Labels, []string{"sample/probe (row 7): Title of sample/probe"})
	}) {
		t.Errorf("the lines are %+v", chains.Filters[i].Lines)
	}
	if got, err := (Generator{}).Read(artefact.Files{"proxy.pac": nil}); err != nil || !reflect.DeepEqual(got, artefact.Reading{}) {
		t.Errorf("without a file it reads %v, %v", got, err)
	}
}

// A file that is not there leaves what the others say; sets without rules are told.
func TestReadPart(t *testing.T) {
	files := goldenFiles(t, "sets")
	delete(files, ipv6.file())
	got, err := Generator{}.Read(files)
	if err != nil || !slices.Equal(got.Read, []string{setsFile, ipv4.file()}) {
		t.Fatalf("read %v, %v", got.Read, err)
	}
	if !slices.ContainsFunc(got.Beside, func(s artefact.Statement) bool {
		return s.File == setsFile && s.Name == "set" && strings.HasPrefix(s.Value, "gw_in-0m24j42e9_20456f172c: 2001:db8::/48, ")
	}) {
		t.Errorf("beside %v", got.Beside)
	}
	for _, golden := range []string{"sets", "chains"} {
		files = goldenFiles(t, golden)
		delete(files, setsFile)
		if _, err := (Generator{}).Read(files); errorText(err) != "gatewright.iptables: gatewright.ipset is missing, although its sets must be loaded before these rules; run generate again, which always writes it" {
			t.Errorf("%s without the file of sets: %v", golden, err)
		}
	}
	files = goldenFiles(t, "empty-no-ipset")
	if _, err := (Generator{}).Read(files); err != nil {
		t.Errorf("rules without sets: %v", err)
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

func services(p netset.Protocol, first, last uint16) netset.ServiceSet {
	return netset.ServicesOver(p, []netset.PortRange{{First: first, Last: last}})
}

// What is changed by hand in our own form is read as what it opens, no more and no
// less.
func TestReadChanged(t *testing.T) {
	flows := func(p netset.Protocol, first, last uint16, from, to string) rule.TrafficSet {
		return rule.TrafficOf(services(p, first, last), false, prefixes(t, from), prefixes(t, to))
	}
	v4 := ipv4.file()
	const skype, ports = "-A gw_OUT -d 52.112.0.0/14 ", "-A gw_out-7qzfx90a1 -p tcp --dport 443 "
	const wide = "52.112.0.0/14"
	for _, c := range []struct {
		name, example, file, old, text string
		more, less                     rule.TrafficSet
	}{
		{
			name: "a prefix", example: "chains", file: v4, old: skype, text: "-A gw_OUT -d 52.112.0.0/13 ",
			more: flows(netset.TCP, 443, 443, "10.0.0.0/8", "52.116.0.0/14"),
		},
		{
			name: "a prefix taken away", example: "chains", file: v4, old: skype + "-g gw_out-7qzfx90a1\n", text: "-A gw_OUT -d 52.112.0.0/32 -g gw_out-7qzfx90a1\n",
			less: flows(netset.TCP, 443, 443, "10.0.0.0/8", wide).Subtract(flows(netset.TCP, 443, 443, "10.0.0.0/8", "52.112.0.0")),
		},
		{
			name: "a port", example: "chains", file: v4, old: ports, text: strings.Replace(ports, "443", "444", 1),
			more: flows(netset.TCP, 444, 444, "10.0.0.0/8", wide),
			less: flows(netset.TCP, 443, 443, "10.0.0.0/8", wide),
		},
		{
			name: "more ports", example: "chains", file: v4, old: ports, text: strings.Replace(ports, "--dport 443", "-m multiport --dports 443,8443:8444", 1),
			more: flows(netset.TCP, 8443, 8444, "10.0.0.0/8", wide),
		},
		{
			name: "a protocol", example: "chains", file: v4, old: ports, text: strings.Replace(ports, "tcp", "udp", 1),
			more: flows(netset.UDP, 443, 443, "10.0.0.0/8", wide),
			less: flows(netset.TCP, 443, 443, "10.0.0.0/8", wide),
		},
		{
			name: "our side", example: "chains", file: v4, old: "-s 10.0.0.0/8 -g", text: "-s 10.0.0.0/9 -g",
			less: rule.UniteTraffic(flows(netset.TCP, 1, 65535, "10.128.0.0/9", "192.0.2.1"), flows(netset.TCP, 1, 65535, "10.128.0.0/9", "192.0.2.9")),
		},
		{
			name: "a cell of a tree", example: "chains", file: v4, old: "-s 198.18.0.0/19 -g", text: "-s 198.18.0.0/20 -g",
			less: flows(netset.TCP, 1, 1, "198.18.16.0/24", "192.168.7.5"),
		},
		{
			name: "an element of a set", example: "sets", file: setsFile, old: "-new 198.18.0.0/24\n", text: "-new 198.18.0.0/23\n",
			more: flows(netset.TCP, 1, 1, "198.18.1.0/24", "192.168.7.5"),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := goldenFiles(t, c.example)
			was, err := Generator{}.Read(files)
			if err != nil {
				t.Fatal(err)
			}
			is, err := Generator{}.Read(with(t, files, c.file, c.old, c.text))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(is.Edited, []string{c.file}) {
				t.Errorf("edited %v", is.Edited)
			}
			more, less := traffic(is).Subtract(traffic(was)), traffic(was).Subtract(traffic(is))
			exact := c.name != "our side" && c.name != "a cell of a tree" && c.name != "an element of a set"
			if exact && (!more.Equal(c.more) || !less.Equal(c.less)) || !exact && (!c.more.Subtract(more).IsEmpty() || !c.less.Subtract(less).IsEmpty() || more.IsEmpty() == less.IsEmpty()) {
				t.Errorf("more %v\nwant %v\nless %v\nwant %v", more.Flows(rule.Outbound), c.more.Flows(rule.Outbound), less.Flows(rule.Outbound), c.less.Flows(rule.Outbound))
			}
		})
	}
}

// What generate does not write is refused, each with its line.
func TestReadRefuses(t *testing.T) {
	v4 := ipv4.file()
	const ports, way, nobody = "-A gw_out-7qzfx90a1 -p tcp --dport 443 ", "-A gw_OUT -d 52.112.0.0/14 -g gw_out-7qzfx90a1\n", " is not what generate writes; expected "
	const label = "\n#     sample/screen-sharing (row 7): Title of sample/screen-sharing\n"
	for _, c := range []struct{ name, example, file, old, text, want string }{
		{"a rule without a match", "chains", v4, ports, "-A gw_out-7qzfx90a1 ", `"-A gw_out-7qzfx90a1 -m comment --comment \"skype-out-7qzfx90a1: sample/screen-sharing (row 7): Title of sample/screen-sha…"` + nobody + `the rule that counts and accepts in the rule's chain, with the id and labels as its comment`},
		{"a drop", "chains", v4, `Title of sample/screen-sharing" -j ACCEPT`, `Title of sample/screen-sharing" -j DROP`, `"-A gw_out-7qzfx90a1 -p tcp --dport 443 -m comment --comment \"skype-out-7qzfx90a1: sample/screen-sharing (row 7): Title o…"` + nobody + `the rule that counts and accepts in the rule's chain, with the id and labels as its comment`},
		{"a queue", "chains", v4, `Title of sample/screen-sharing" -j ACCEPT`, `Title of sample/screen-sharing" -j NFQUEUE`, `"-A gw_out-7qzfx90a1 -p tcp --dport 443 -m comment --comment \"skype-out-7qzfx90a1: sample/screen-sharing (row 7): Title o…"` + nobody + `a verdict or a chain of Gatewright's`},
		{"a mark in another mode", "chains", v4, `Title of sample/screen-sharing" -j ACCEPT`, `Title of sample/screen-sharing" -j MARK --set-xmark 0x1/0x1`, `"-A gw_out-7qzfx90a1 -p tcp --dport 443 -m comment --comment \"skype-out-7qzfx90a1: sample/screen-sharing (row 7): Title o…"` + nobody + `the rule that counts and accepts in the rule's chain, with the id and labels as its comment`},
		{"every bit of a mark", "mark", v4, "-j MARK --set-xmark 0x10000/0x10000", "-j MARK --set-xmark 0x10001/0x10001", `"-A gw_in-rf2s1zvkg -m comment --comment \"identity-in-rf2s1zvkg: sample/everyone (row 7): Title of sample/everyone\" -j MA…"` + nobody + `one bit of a mark, such as 0x10000/0x10000`},
		{"another comment", "chains", v4, `--comment "skype-out-7qzfx90a1: s`, `--comment "skype-out-7qzfx90a1: S`, `"-A gw_out-7qzfx90a1 -p tcp --dport 443 -m comment --comment \"skype-out-7qzfx90a1: Sample/screen-sharing (row 7): Title o…"` + nobody + `the rule that counts and accepts in the rule's chain, with the id and labels as its comment`},
		{"a label gone", "chains", v4, label, "\n", `"-A gw_out-7qzfx90a1 -p tcp --dport 443 -m comment --comment \"skype-out-7qzfx90a1: sample/screen-sharing (row 7): Title o…"` + nobody + `the rule that counts and accepts in the rule's chain, with the id and labels as its comment`},
		{"a title twice", "chains", v4, "# skype-out-7qzfx90a1:", "# skype-out-6r1wz13ev:", `":gw_out-7qzfx90a1 - [0:0]"` + nobody + `the chain of the rule`},
		{"a title without a stop", "chains", v4, "# Flows that are outbound, clients.", "# Flows that are outbound, clients", `"# Flows that are outbound, clients"` + nobody + `the title of a rule or a section`},
		{"a rule before titles", "chains", v4, "\n# Flows that are outbound, clients.", "-A gw_OUT -d 192.0.2.0/24 -g gw_out-7qzfx90a1\n\n# Flows that are outbound, clients.", `"-A gw_OUT -d 192.0.2.0/24 -g gw_out-7qzfx90a1"` + nobody + `""`},
		{"a program", "chains", v4, ports, ports + `-m bpf --bytecode "1,6 0 0 1" `, `"-A gw_out-7qzfx90a1 -p tcp --dport 443 -m bpf --bytecode \"1,6 0 0 1\" -m comment --comment \"skype-out-7qzfx90a1: sample/s…"` + nobody + `a match that is allowed here`},
		{"a negation", "chains", v4, ports, "-A gw_out-7qzfx90a1 -p tcp ! --dport 443 ", `"-A gw_out-7qzfx90a1 -p tcp ! --dport 443 -m comment --comment \"skype-out-7qzfx90a1: sample/screen-sharing (row 7): Title…"` + nobody + `an option that is allowed here`},
		{"no ports", "chains", v4, ports, "-A gw_out-7qzfx90a1 -p tcp ", `"-A gw_out-7qzfx90a1 -p tcp -m comment --comment \"skype-out-7qzfx90a1: sample/screen-sharing (row 7): Title of sample/scr…"` + nobody + `a protocol and ports`},
		{"too many ports", "chains", v4, ports, "-A gw_out-7qzfx90a1 -p tcp -m multiport --dports 1:2,3:4,5:6,7:8,9:10,11:12,13:14,15:16 ", `"-A gw_out-7qzfx90a1 -p tcp -m multiport --dports 1:2,3:4,5:6,7:8,9:10,11:12,13:14,15:16 -m comment --comment \"skype-out-…"` + nobody + `at most 15 ports, a range counted twice, that do not overlap`},
		{"a service by name", "chains", v4, ports, "-A gw_out-7qzfx90a1 -p tcp --dport https ", `"-A gw_out-7qzfx90a1 -p tcp --dport https -m comment --comment \"skype-out-7qzfx90a1: sample/screen-sharing (row 7): Title…"` + nobody + `a port or a range such as 50000:59999`},
		{"another protocol", "chains", v4, ports, "-A gw_out-7qzfx90a1 -p all --dport 443 ", `"-A gw_out-7qzfx90a1 -p all --dport 443 -m comment --comment \"skype-out-7qzfx90a1: sample/screen-sharing (row 7): Title o…"` + nobody + `tcp or udp`},
		{"an address in a rule's chain", "chains", v4, ports, ports + "-s 10.0.0.1/32 ", `"-A gw_out-7qzfx90a1 -p tcp --dport 443 -s 10.0.0.1/32 -m comment --comment \"skype-out-7qzfx90a1: sample/screen-sharing (…"` + nobody + `the rule that counts and accepts in the rule's chain, with the id and labels as its comment`},
		{"a host name for an address", "chains", v4, "-s 10.0.0.0/8 ", "-s evil.example.com ", `"-A gatewright_outbound -s evil.example.com -g gw_OUT"` + nobody + `an address or a prefix of IPv4`},
		{"several addresses", "chains", v4, "-s 10.0.0.0/8 ", "-s 10.0.0.0/8,192.0.2.0/24 ", `"-A gatewright_outbound -s 10.0.0.0/8,192.0.2.0/24 -g gw_OUT"` + nobody + `an address or a prefix of IPv4`},
		{"both ends", "chains", v4, way, "-A gw_OUT -s 10.0.0.0/8 -d 52.112.0.0/14 -g gw_out-7qzfx90a1\n", `"-A gw_OUT -s 10.0.0.0/8 -d 52.112.0.0/14 -g gw_out-7qzfx90a1"` + nobody + `the rule that counts and accepts in the rule's chain, with the id and labels as its comment`},
		{"a way that comes back", "chains", v4, way, "-A gw_OUT -d 52.112.0.0/14 -j gw_out-7qzfx90a1\n", `"-A gw_OUT -d 52.112.0.0/14 -j gw_out-7qzfx90a1"` + nobody + `the rule that counts and accepts in the rule's chain, with the id and labels as its comment`},
		{"a way that accepts", "chains", v4, way, "-A gw_OUT -d 52.112.0.0/14 -j ACCEPT\n", `"-A gw_OUT -d 52.112.0.0/14 -j ACCEPT"` + nobody + `the rule that counts and accepts in the rule's chain, with the id and labels as its comment`},
		{"a way to nowhere", "chains", v4, way, "-A gw_OUT -d 52.112.0.0/14 -g gw_x\n", `"-A gw_OUT -d 52.112.0.0/14 -g gw_x"` + nobody + `an address and a jump to the rule's chain`},
		{"a way to another rule's chain", "chains", v4, way, "-A gw_OUT -d 52.112.0.0/14 -g gw_out-6r1wz13ev\n", `"-A gw_OUT -d 52.112.0.0/14 -g gw_out-6r1wz13ev"` + nobody + `an address and a jump to the rule's chain`},
		{"a way back", "chains", v4, "-g gw_OUT\n", "-g gatewright_outbound\n", `"-A gatewright_outbound -s 10.0.0.0/8 -g gatewright_outbound"` + nobody + `a match, and a chain that is declared below`},
		{"a way twice", "chains", v4, way, way + way, `"-A gw_OUT -d 52.112.0.0/14 -g gw_out-7qzfx90a1"` + nobody + `every rule of a chain only once`},
		{"a way by the other end", "chains", v4, way, "-A gw_OUT -s 52.112.0.0/14 -g gw_out-7qzfx90a1\n", `"-A gw_OUT -d 192.0.2.9/32 -g gw_out-82ycmn70v"` + nobody + `addresses of one end behind a way by addresses`},
		{"a way from an unknown chain", "chains", v4, way, "-A gw_x -d 52.112.0.0/14 -g gw_out-7qzfx90a1\n", `"-A gw_x -d 52.112.0.0/14 -g gw_out-7qzfx90a1"` + nobody + `a chain of this file`},
		{"a chain without rules", "chains", v4, ":gw_OUT - [0:0]\n", ":gw_OUT - [0:0]\n:gw_OUT_x - [0:0]\n", `":gw_OUT_x - [0:0]"` + nobody + `a chain that has rules and to which another chain jumps`},
		{"a chain twice", "chains", v4, ":gw_OUT - [0:0]\n", ":gw_OUT - [0:0]\n:gw_OUT - [0:0]\n", `":gw_OUT - [0:0]"` + nobody + `every chain only once`},
		{"a chain of the site's", "chains", v4, ":gw_OUT - [0:0]\n", ":gw_OUT - [0:0]\n:mine - [0:0]\n", `":mine - [0:0]"` + nobody + `a name of at most 28 letters, digits, - and _ that starts with gw_`},
		{"a chain in another's section", "chains", v4, ":gw_out-7qzfx90a1 - [0:0]\n", ":gw_out-7qzfx90a1 - [0:0]\n:gw_out-x - [0:0]\n", `":gw_out-x - [0:0]"` + nobody + `the chain of the rule`},
		{"another table", "chains", v4, "\nCOMMIT\n", "\nCOMMIT\n*nat\n-A PREROUTING -j ACCEPT\nCOMMIT\n", `"-A PREROUTING -j ACCEPT"` + nobody + `a chain of this file`},
		{"a policy", "enforce-host", v4, ":INPUT DROP", ":INPUT ACCEPT", `":INPUT ACCEPT [0:0]"` + nobody + `":INPUT DROP [0:0]"`},
		{"a rule for everybody", "enforce-host", v4, "-A INPUT -j gatewright_inbound", "-A INPUT -j ACCEPT\n-A INPUT -j gatewright_inbound", `"-A INPUT -j ACCEPT"` + nobody + `what mode enforce needs`},
		{"a state", "enforce-host", v4, "--ctstate INVALID -j DROP", "--ctstate NEW -j ACCEPT", `"-A INPUT -m conntrack --ctstate NEW -j ACCEPT"` + nobody + `RELATED,ESTABLISHED or INVALID`},
		{"a jump elsewhere", "enforce-host", v4, "-A INPUT -j gatewright_inbound", "-A INPUT -j gw_IN", `"-A INPUT -j gw_IN"` + nobody + `what mode enforce needs`},
		{"a set of the other family", "sets", v4, "gw_in-0m24j42e9_4e6d841d46 src", "gw_in-0m24j42e9_20456f172c src", `"-A gw_IN_b5c1 -m set --match-set gw_in-0m24j42e9_20456f172c src -g gw_in-0m24j42e9_at_b5c1"` + nobody + `a set of this family that gatewright.ipset fills`},
		{"a set that is not there", "sets", v4, "gw_in-0m24j42e9_4e6d841d46 src", "gw_x src", `"-A gw_IN_b5c1 -m set --match-set gw_x src -g gw_in-0m24j42e9_at_b5c1"` + nobody + `a set of this family that gatewright.ipset fills`},
		{"a set in no rule", "sets", setsFile, "\ncreate gw_in-0m24j42e9_4e6d841d46 ", "\ncreate gw_in-0m24j42e9_4e6d841d47 hash:net family inet maxelem 4194304 -exist\ncreate gw_in-0m24j42e9_4e6d841d46 ", `"create gw_in-0m24j42e9_4e6d841d47 hash:net family inet maxelem 4194304 -exist"` + nobody + `"create  hash:net family  maxelem 0 -exist"`},
		{"an element that overlaps", "sets", setsFile, "-new 198.18.0.0/24\n", "-new 198.18.0.0/16\n", `"add gw_in-0m24j42e9_4e6d841d46-new 198.18.2.0/24"` + nobody + `elements that do not overlap`},
		{"an element of the other family", "sets", setsFile, "-new 198.18.0.0/24\n", "-new 2001:db8::/48\n", `"add gw_in-0m24j42e9_4e6d841d46-new 2001:db8::/48"` + nobody + `an address or a prefix of IPv4`},
		{"another statement", "sets", setsFile, "\nswap ", "\nflush\nswap ", `"flush"` + nobody + `"swap gw_in-0m24j42e9_4e6d841d46-new gw_in-0m24j42e9_4e6d841d46"`},
		{"a wildcard of interfaces", "chains-interfaces", v4, "-i eth2 ", "-i eth+ ", `"-A gatewright_outbound -i eth+ -j gw_OUT_far"` + nobody + `the name of an interface, of at most 15 letters, digits, - _ . and @`},
		{"interfaces that accept", "chains-interfaces", v4, "-i eth2 -j gw_OUT_far", "-i eth2 -j ACCEPT", `"-A gatewright_outbound -i eth2 -j ACCEPT"` + nobody + `a match, and a chain that is declared below`},
		{"an interface and an address", "chains-interfaces", v4, "-i eth2 -j gw_OUT_far", "-i eth2 -s 10.0.0.0/8 -j gw_OUT_far", `"-A gatewright_outbound -i eth2 -s 10.0.0.0/8 -j gw_OUT_far"` + nobody + `interfaces or an address, and a chain that does not belong to a rule`},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := with(t, goldenFiles(t, c.example), c.file, c.old, c.text)
			_, err := Generator{}.Read(files)
			file, rest, _ := strings.Cut(errorText(err), ":")
			_, rest, _ = strings.Cut(rest, ": ")
			if rest != c.want+"; remove it, or generate the file again" || file != c.file {
				t.Errorf("error %q\nwant  %q", errorText(err), c.file+":LINE: "+c.want)
			}
			var foreign *artefact.ForeignError
			if !errors.As(err, &foreign) || strings.Split(string(files[c.file]), "\n")[foreign.Line-1] != foreign.Text {
				t.Errorf("%+v does not tell the line", foreign)
			}
		})
	}
}

func TestReadTitle(t *testing.T) {
	files := goldenFiles(t, "chains")
	for _, c := range []struct{ file, old, text, want string }{
		{setsFile, "format 4", "format 5", "gatewright.ipset has format 5, but this version writes format 4; generate it again"},
		{ipv4.file(), "; format 4", "", "gatewright.iptables has format 1, but this version writes format 4; generate it again"},
		{ipv6.file(), "place forward, load gate", "place forward, load fate", `gatewright.ip6tables:1: "# Gatewright: IPv6 rules for ip6tables, mode chains, place forward, load fatewright.ipset first; format 4" is not what generate writes; expected mode and place; remove it, or generate the file again`},
		{ipv6.file(), "# Gatewright: IPv6", "# Gatewright: IPv4", `gatewright.ip6tables:1: not written by Gatewright; expected "# Gatewright: IPv6 rules for ip6tables" and what it is; remove it, or generate the file again`},
		{ipv4.file(), "\n# source", "\n# nothing", `gatewright.iptables:4: "# nothing: sample 2025-01-08" is not what generate writes; expected a line about a source, or only #; remove it, or generate the file again`},
	} {
		if _, err := (Generator{}).Read(with(t, files, c.file, c.old, c.text)); errorText(err) != c.want {
			t.Errorf("%q: error %q\nwant %q", c.text, errorText(err), c.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, e := range examples(f) {
		files := goldenFiles(f, e.name)
		f.Add(files[setsFile], files[ipv4.file()], files[ipv6.file()])
	}
	f.Fuzz(func(t *testing.T, sets, v4, v6 []byte) {
		var held []filter.Set
		if s, err := readSetsFile(sets); err == nil {
			held = s.held
			check(t, sets, "iptables/gatewright.ipset.tmpl", &s.view)
		}
		for f, data := range map[family][]byte{ipv4: v4, ipv6: v6} {
			if r, err := readRulesFile(f, data, &setsReader{held: held}); err == nil {
				check(t, data, "iptables/gatewright.iptables.tmpl", r.view())
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
