package nftables

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/artefact/artefacttest"
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

// The file says what the kernel holds once it has loaded it.
func TestFileIsReadAsTheKernelReadsIt(t *testing.T) {
	dumps, err := filepath.Glob("testdata/*.dump.json")
	if err != nil || len(dumps) == 0 {
		t.Fatal("no dumps", err)
	}
	for _, file := range dumps {
		text := golden(t, strings.TrimSuffix(filepath.Base(file), ".dump.json"))
		got, err := read(text)
		if err != nil {
			t.Fatal(err)
		}
		dump, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(text, "add table ")
		table, _, _ := strings.Cut(rest, "\n")
		rs, err := ReadBack(dump, table)
		if err != nil || len(rs.Rules) == 0 {
			t.Fatal(file, rs, err)
		}
		want := artefact.Reading{}
		for _, l := range rs.Rules {
			p := artefact.HookPoint{File: fileName, Chain: string(chainOf(l.Direction)), In: strings.Join(l.In, " "), Out: strings.Join(l.Out, " "), Mark: l.Mark}
			want.Accept(p, artefact.Accepted{Boxes: rs.Boxes(l)})
		}
		ours := slices.DeleteFunc(got.Filters, func(f artefact.Filtered) bool { return slices.Contains(hooks(), name(f.Point.Chain)) })
		if len(ours) != len(want.Filters) {
			t.Fatalf("%s: %d hook points, the kernel has %d", file, len(ours), len(want.Filters))
		}
		for i, f := range ours {
			w := want.Filters[i]
			if f.Point != w.Point || len(f.Lines) != len(w.Lines) || !region(artefact.Reading{Filters: []artefact.Filtered{f}}).Equal(region(artefact.Reading{Filters: []artefact.Filtered{w}})) {
				t.Errorf("%s: read %v, the kernel has %v", file, f, w)
			}
		}
	}
}

func TestReadWhole(t *testing.T) {
	got, err := read(golden(t, "enforce-host"))
	if err != nil {
		t.Fatal(err)
	}
	wantBeside := []artefact.Statement{
		{File: fileName, Name: "mode", Value: "enforce"},
		{File: fileName, Name: "place", Value: "host"},
		{File: fileName, Name: "table", Value: "inet gatewright"},
		{File: fileName, Name: "policy", Value: "input drop"},
		{File: fileName, Name: "policy", Value: "forward accept"},
		{File: fileName, Name: "policy", Value: "output drop"},
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
	if l := byRule["all-out-82ycmn70v"]; !slices.Equal(l.Labels, []string{"sample/probe (row 7): Title of sample/probe"}) || len(l.Boxes) == 0 {
		t.Errorf("rule all-out-82ycmn70v is %+v", l)
	}
	admin := got.Filters[2].Lines[0]
	box := rule.Box{
		Direction: rule.Inbound, Protocol: netset.TCP, Ports: netset.PortRange{First: 22, Last: 22},
		Local: everyAddress(4), Remote: prefixes(t, "198.51.100.7/32"),
	}
	if admin.Rule != "" || !slices.Equal(admin.Labels, []string{"option admin"}) || !rule.RegionOf(admin.Boxes...).Equal(rule.RegionOf(box)) {
		t.Errorf("administrators get %+v", admin)
	}
	if got, err := (Generator{}).Read(artefact.Files{"proxy.pac": nil}); err != nil || !reflect.DeepEqual(got, artefact.Reading{}) {
		t.Errorf("without a file it reads %v, %v", got, err)
	}
}

// What is changed by hand in our own form is read as what it opens, no more and no less.
func TestReadChanged(t *testing.T) {
	flows := func(d rule.Direction, first, last uint16, local, remote string) rule.Region {
		return rule.RegionOf(rule.Box{
			Direction: d, Protocol: netset.TCP, Ports: netset.PortRange{First: first, Last: last},
			Local: prefixes(t, local), Remote: prefixes(t, remote),
		})
	}
	const skype = "tcp dport 443 ip saddr @gatewright_role_clients_net4 ip daddr @gatewright_skype-out-7qzfx90a1_net4"
	for _, c := range []struct {
		name, file, old, text string
		more, less            rule.Region
	}{
		{
			name: "a prefix", file: "chains", old: "\t52.112.0.0/14\n", text: "\t52.112.0.0/13\n",
			more: flows(rule.Outbound, 443, 443, "10.0.0.0/8", "52.116.0.0/14"),
		},
		{
			name: "a prefix out of its order", file: "chains", old: "\t192.0.2.9\n", text: "\t192.0.1.9\n",
			more: flows(rule.Outbound, 1, 65535, "10.0.0.0/8", "192.0.1.9"),
			less: flows(rule.Outbound, 1, 65535, "10.0.0.0/8", "192.0.2.9"),
		},
		{
			name: "a port", file: "chains", old: skype, text: strings.Replace(skype, "443", "444", 1),
			more: flows(rule.Outbound, 444, 444, "10.0.0.0/8", "52.112.0.0/14"),
			less: flows(rule.Outbound, 443, 443, "10.0.0.0/8", "52.112.0.0/14"),
		},
		{
			name: "more ports", file: "chains", old: skype, text: strings.Replace(skype, "443", "{ 443, 8443-8444 }", 1),
			more: flows(rule.Outbound, 8443, 8444, "10.0.0.0/8", "52.112.0.0/14"),
		},
		{
			name: "an administrator", file: "enforce-host", old: "saddr 198.51.100.7/32 accept", text: "saddr 198.51.100.6/31 accept",
			more: rule.RegionOf(rule.Box{
				Direction: rule.Inbound, Protocol: netset.TCP, Ports: netset.PortRange{First: 22, Last: 22},
				Local: everyAddress(4), Remote: prefixes(t, "198.51.100.6"),
			}),
		},
		{name: "a policy", file: "enforce-host", old: "hook forward priority filter - 10; policy accept", text: "hook forward priority filter - 10; policy drop"},
		{name: "an interface", file: "chains-interfaces", old: `iifname { "eth1.100", "eth2" }`, text: `iifname { "eth1.100", "eth3" }`},
		{name: "the mark of rules", file: "mark", old: "meta mark | 0x00010000", text: "meta mark | 0x00020000"},
		{name: "the end of a long label", file: "hostile", old: "?long ...\n", text: "?lon? ...\n"},
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
			if more, less := region(is).Subtract(region(was)), region(was).Subtract(region(is)); !more.Equal(c.more) || !less.Equal(c.less) {
				t.Errorf("it accepts more %v, less %v; want %v, %v", more.Boxes(), less.Boxes(), c.more.Boxes(), c.less.Boxes())
			}
			if is.Edited = nil; reflect.DeepEqual(is, was) {
				t.Error("it is read as if it were not changed")
			}
		})
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

// Whatever Generate does not write is refused: statements beside ours, statements that
// hide behind ours, and what an engine reads otherwise than people do.
func TestReadRefuses(t *testing.T) {
	const (
		chains = "\nflush chain inet filter gatewright_outbound\n" // a statement that stands alone
		rule   = "add rule inet filter gatewright_outbound tcp dport 443 ip saddr @gatewright_role_clients_net4 ip daddr @gatewright_skype-out-7qzfx90a1_net4 "
		nobody = " is not what generate writes; expected "
		mend   = "; remove it, or generate the file again"
	)
	for _, c := range []struct{ name, old, text, want string }{
		{"another table", chains, chains + "add table ip evil\n", `"add table ip evil"` + nobody + "one table"},
		{"a table destroyed", chains, chains + "destroy table inet filter\n", `"destroy table inet filter"` + nobody + `"flush chain inet filter gatewright_inbound"`},
		{"a ruleset flushed", chains, chains + "flush ruleset\n", `"flush ruleset"` + nobody + `"flush chain inet filter gatewright_inbound"`},
		{"an include", chains, chains + "include \"/etc/shadow\"\n", `"include \"/etc/shadow\""` + nobody + `"flush chain inet filter gatewright_inbound"`},
		{"a definition", chains, chains + "define x = 10.0.0.0/8\n", `"define x = 10.0.0.0/8"` + nobody + `"flush chain inet filter gatewright_inbound"`},
		{"behind a semicolon", chains, strings.TrimSuffix(chains, "\n") + "; add table ip evil\n", `"flush chain inet filter gatewright_outbound; add table ip evil"` + nobody + `"flush chain inet filter gatewright_outbound"`},
		{"behind a set", "_net4 { type ipv4_addr; flags interval; }\nflush", "_net4 { type ipv4_addr; flags interval; } ; add table ip evil\nflush", `"add set inet filter gatewright_role_clients_net4 { type ipv4_addr; flags interval; } ; add table ip evil"` + nobody + `"add set inet filter gatewright_role_clients_net4 { type ipv4_addr; flags interval; }"`},
		{"behind a comment's end", `Title of sample/probe"` + "\n", `Title of sample/probe" ; flush ruleset` + "\n", `"…row 7): Title of sample/probe\" ; flush ruleset"` + nobody + `"…row 7): Title of sample/probe\""`},
		{"a line that goes on", "\n# exchange-out-bwhkcsvak: outbound, clients, tcp 443\n", "\n# exchange-out-bwhkcsvak: outbound, clients, tcp 443\\\nadd table ip evil\n", `"add table ip evil"` + nobody + "one table"},
		{"a carriage return", "\n# Local addresses.\n", "\n# Local addresses.\radd table ip evil\n", `"# Local addresses.\radd table ip evil"` + nobody + "printable ASCII"},
		{"a next line", "\n# Local addresses.\n", "\n# Local addresses.\u0085add table ip evil\n", `"# Local addresses.\u0085add table ip evil"` + nobody + "printable ASCII"},
		{"a line separator", "\n# Local addresses.\n", "\n# Local addresses.\u2028add table ip evil\n", `"# Local addresses.\u2028add table ip evil"` + nobody + "printable ASCII"},
		{"a no-break space", "\nadd table inet filter\n", "\nadd table inet\u00a0filter\n", `"add table inet\u00a0filter"` + nobody + "printable ASCII"},
		{"a zero byte", "\n# Local addresses.\n", "\n# Local addresses.\x00\n", `"# Local addresses.\x00"` + nobody + "printable ASCII"},
		{"a byte that is no UTF-8", "\n# Local addresses.\n", "\n# Local addresses.\xff\n", `"# Local addresses.\xff"` + nobody + "printable ASCII"},
		{"a bidirectional sign", "\n# Local addresses.\n", "\n# Local addresses.\u202e\n", `"# Local addresses.\u202e"` + nobody + "printable ASCII"},
		{"a tab in a comment", "\n# Local addresses.\n", "\n# Local\taddresses.\n", `"# Local\taddresses."` + nobody + "the title of a rule"},
		{"a long comment", "\n# exchange-out-bwhkcsvak: outbound", "\n# exchange-out-bwhkcsvak: " + strings.Repeat("x", 1000) + " outbound", `"# exchange-out-bwhkcsvak: ` + strings.Repeat("x", 94) + `…"` + nobody + "a comment of at most 1000 bytes"},
		{"a line about nothing in the header", "\n# source: ", "\n# nothing: x\n# source: ", `"# nothing: x"` + nobody + "a line about a source, or # alone"},
		{"a host name", "\t192.0.2.9\n", "\tevil.example.com\n", `"\tevil.example.com"` + nobody + "an address"},
		{"a host name in an interval set", "\t52.112.0.0/14\n", "\tevil.example.com\n", `"\tevil.example.com"` + nobody + "an address or a prefix of family ip"},
		{"a prefix in a set of addresses", "\t192.0.2.9\n", "\t192.0.2.0/24\n", `"\t192.0.2.0/24"` + nobody + "an address"},
		{"a prefix with host bits", "\t52.112.0.0/14\n", "\t52.112.0.1/14\n", `"\t52.112.0.1/14"` + nobody + "an address or a prefix of family ip"},
		{"a prefix of the other family", "\t52.112.0.0/14\n", "\t2001:db8::/32\n", `"\t2001:db8::/32"` + nobody + "an address or a prefix of family ip"},
		{"a prefix written otherwise", "\t52.112.0.0/14\n", "\t52.112.0.0/014\n", `"\t52.112.0.0/014"` + nobody + "an address or a prefix of family ip"},
		{"a range", "\t52.112.0.0/14\n", "\t52.112.0.0-52.115.255.255\n", `"\t52.112.0.0-52.115.255.255"` + nobody + "an address or a prefix of family ip"},
		{"a timeout", "\t52.112.0.0/14\n", "\t52.112.0.0/14 timeout 1s\n", `"\t52.112.0.0/14 timeout 1s"` + nobody + "an address or a prefix of family ip"},
		{"two in a line", "\t192.0.2.1,\n", "\t192.0.2.1, 192.0.2.3,\n", `"\t192.0.2.1, 192.0.2.3,"` + nobody + "an address"},
		{"an element twice", "\t192.0.2.9\n", "\t192.0.2.1\n", `"\t192.0.2.1"` + nobody + "elements that do not overlap"},
		{"no element", "\t52.112.0.0/14\n}", "}", `"}"` + nobody + "an element"},
		{"an open set", "\t52.112.0.0/14\n}\n", "\t52.112.0.0/14\n", `"add set inet filter gatewright_skype-out-7qzfx90a1_net6 { type ipv6_addr; flags interval; }"` + nobody + "an address or a prefix of family ip"},
		{"a set twice", "\n# exchange-out-bwhkcsvak: outbound, clients, tcp 443\n", "\nadd set inet filter gatewright_role_clients_net4 { type ipv4_addr; flags interval; }\n", `"add set inet filter gatewright_role_clients_net4 { type ipv4_addr; flags interval; }"` + nobody + "each set once"},
		{"a set of the site", "add set inet filter gatewright_role_clients_net4", "add set inet filter blackhole", `"add set inet filter blackhole { type ipv4_addr; flags interval; }"` + nobody + "a name of at most 255 letters, digits, - and _ that starts with gatewright_"},
		{"a set of no kind", "add set inet filter gatewright_role_clients_net4", "add set inet filter gatewright_x", `"add set inet filter gatewright_x { type ipv4_addr; flags interval; }"` + nobody + "a name that ends in what the set holds"},
		{"a rule twice", "\n# exchange-out-bwhkcsvak: outbound, clients, tcp 443\n", "\n# all-out-82ycmn70v: outbound, clients, tcp 443\n", `"# all-out-82ycmn70v: outbound, clients, tcp 443"` + nobody + "each rule once"},
		{"a set that no rule uses", rule, strings.Replace(rule, "@gatewright_skype-out-7qzfx90a1_net4", "@gatewright_role_clients_net4", 1), `"add set inet filter gatewright_skype-out-7qzfx90a1_net4 { type ipv4_addr; flags interval; }"` + nobody + "a set that a rule uses"},
		{"a set that is not there", rule, strings.Replace(rule, "skype-out-7qzfx90a1", "gone", 1), `"add rule inet filter gatewright_outbound tcp dport 443 ip saddr @gatewright_role_clients_net4 ip daddr @gatewright_gone_…"` + nobody + "a set of this file, of the kind that stands here"},
		{"a set of another rule's ports", rule, strings.Replace(rule, "skype-out-7qzfx90a1_net4", "identity-in-zgh1yacje_ports_tcp", 1), `"add rule inet filter gatewright_outbound tcp dport 443 ip saddr @gatewright_role_clients_net4 ip daddr @gatewright_ident…"` + nobody + "a set of this file, of the kind that stands here"},
		{"a rule without its near end", rule, strings.Replace(rule, "ip saddr @gatewright_role_clients_net4 ", "", 1), `"add rule inet filter gatewright_outbound tcp dport 443 ip daddr @gatewright_skype-out-7qzfx90a1_net4 counter name \"gatew…"` + nobody + "a match of the addresses of our side"},
		{"a rule without ports", rule, strings.Replace(rule, "tcp dport 443 ", "", 1), `"add rule inet filter gatewright_outbound ip saddr @gatewright_role_clients_net4 ip daddr @gatewright_skype-out-7qzfx90a1…"` + nobody + "a protocol, and ports of the packet or of its connection"},
		{"another match", rule, strings.Replace(rule, "tcp dport 443 ", "tcp dport 443 limit rate 1/second ", 1), `"add rule inet filter gatewright_outbound tcp dport 443 limit rate 1/second ip saddr @gatewright_role_clients_net4 ip dad…"` + nobody + "a match that stands here"},
		{"a negation", rule, strings.Replace(rule, "tcp dport 443 ", "tcp dport != 443 ", 1), `"add rule inet filter gatewright_outbound tcp dport != 443 ip saddr @gatewright_role_clients_net4 ip daddr @gatewright_sk…"` + nobody + "a port or a range such as 50000-59999"},
		{"a mark", rule, rule + "meta mark set meta mark | 0x00010000 ", `"add rule inet filter gatewright_outbound tcp dport 443 ip saddr @gatewright_role_clients_net4 ip daddr @gatewright_skype…"` + nobody + "a mark in mode mark alone"},
		{"another chain", "\nadd counter inet filter gatewright_skype-out-7qzfx90a1_tcp4\n", "\nadd rule inet filter input accept\n", `"add rule inet filter input accept"` + nobody + `"add counter inet filter gatewright_skype-out-7qzfx90a1_tcp4"`},
		{"a verdict", "\nadd counter inet filter gatewright_skype-out-7qzfx90a1_tcp4\n", "\nadd rule inet filter gatewright_outbound accept\n", `"add rule inet filter gatewright_outbound accept"` + nobody + "a match that stands here"},
		{"a label behind rules", "\n\n# exchange-out", "\n#     sample/x\n\n# exchange-out", `"#     sample/x"` + nobody + "labels before sets and rules"},
		{"a keyword for a table", "\nadd table inet filter\n", "\nadd table inet drop\n", `"add table inet drop"` + nobody + "family and name of a table"},
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
		"format 3\n":  {"format 7\n", "gatewright.nft is of format 7 and this version writes format 3; generate it again"},
		"; format 3":  {"", "gatewright.nft is of format 1 and this version writes format 3; generate it again"},
		"format 3":    {"format 03", `gatewright.nft:1: "# Gatewright: nftables ruleset, mode chains, place forward; format 03" is not what generate writes; expected "# Gatewright: nftables ruleset" and what it is; remove it, or generate the file again`},
		"# Gate":      {"# gate", `gatewright.nft:1: "# gatewright: nftables ruleset, mode chains, place forward; format 3" is not what generate writes; expected "# Gatewright: nftables ruleset" and what it is; remove it, or generate the file again`},
		"mode chains": {"mode open", `gatewright.nft:1: "# Gatewright: nftables ruleset, mode open, place forward; format 3" is not what generate writes; expected mode and place; remove it, or generate the file again`},
	} {
		_, err := read(strings.Replace(golden(t, "chains"), old, want.text, 1))
		if errorText(err) != want.err {
			t.Errorf("%q: error %q\nwant %q", want.text, errorText(err), want.err)
		}
	}
	for text, want := range map[string]string{
		"":                              `gatewright.nft:1: "" is not what generate writes; expected "# Gatewright: nftables ruleset" and what it is; remove it, or generate the file again`,
		"# Gatewright: nftables":        `gatewright.nft:1: "# Gatewright: nftables" is not what generate writes; expected a newline at its end; remove it, or generate the file again`,
		strings.Repeat("x", 200) + "\n": `gatewright.nft:1: "` + strings.Repeat("x", 120) + `…" is not what generate writes; expected "# Gatewright: nftables ruleset" and what it is; remove it, or generate the file again`,
	} {
		if _, err := read(text); errorText(err) != want {
			t.Errorf("%q: error %q\nwant %q", text, errorText(err), want)
		}
	}
}

// Each line dropped, doubled, swapped with the next or changed in one byte is refused,
// or it is read as something else. Only comments change nothing, and the order within a
// set.
func TestReadEveryLine(t *testing.T) {
	for _, example := range []string{"chains-interfaces", "mark", "enforce-host"} {
		text := golden(t, example)
		was, err := read(text)
		if err != nil {
			t.Fatal(err)
		}
		artefacttest.DamageLines(text, func(what, damaged string, harmless bool) {
			got, err := read(damaged)
			var foreign *artefact.ForeignError
			var format *artefact.FormatError
			switch {
			case errors.As(err, &foreign), errors.As(err, &format):
			case err != nil:
				t.Errorf("%s: %s: %v", example, what, err)
			case got.Edited == nil:
				t.Errorf("%s: %s is not told by the digest", example, what)
			case reflect.DeepEqual(got.Filters, was.Filters) && reflect.DeepEqual(got.Beside, was.Beside) && !harmless:
				t.Errorf("%s: %s changes nothing", example, what)
			}
		})
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
		again, err := templates.Execute("nftables/gatewright.nft.tmpl", &r.view)
		if err != nil || !bytes.Equal(artefact.Unsealed(data), again) {
			t.Fatalf("%q is rendered as %q, %v", data, again, err)
		}
		for _, l := range r.lines {
			if len(r.sets.Boxes(l.Line)) == 0 {
				t.Fatalf("%+v accepts nothing", l)
			}
		}
	})
}
