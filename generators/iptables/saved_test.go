package iptables

import (
	"slices"
	"testing"
)

// TestDumpLines holds that a line break in a comment ends no line, and that a quote in
// a name takes none of what follows.
func TestDumpLines(t *testing.T) {
	const unended = ", and it is not known what follows; if a name begins with them, give it another one"
	for _, c := range []struct {
		text    string
		escapes bool
		want    []string
		err     string
	}{
		{"add a 1.1.1.1 comment \"x\nadd b 2.2.2.2\ny\"\nadd a 1.1.1.2\n", false, []string{"add a 1.1.1.1 comment \"x\nadd b 2.2.2.2\ny\"", "add a 1.1.1.2"}, ""},
		{"add a 1.1.1.1 comment \"x\\\"\nadd a 1.1.1.2", false, []string{`add a 1.1.1.1 comment "x\"`, "add a 1.1.1.2"}, ""},
		{"create a\"b hash:ip\nadd a\"b 1.1.1.1\n", false, []string{`create a"b hash:ip`, `add a"b 1.1.1.1`}, ""},
		{"-A X --comment \"x\\\"\n-A Y\" -j Z\n-A W\n", true, []string{"-A X --comment \"x\\\"\n-A Y\" -j Z", "-A W"}, ""},
		{"# a \"title\n:X - [0:0]\n", true, []string{`# a "title`, ":X - [0:0]"}, ""},
		{"create \"a hash:ip\nadd \"a 1.1.1.1\ncreate b \"c hash:ip\nadd b \"c 1.1.1.1 comment \"x\ny\"\n", false,
			[]string{`create "a hash:ip`, `add "a 1.1.1.1`, `create b "c hash:ip`, "add b \"c 1.1.1.1 comment \"x\ny\""}, ""},
		{"add a 1.1.1.1 comment \"x\nadd b 1.1.1.1\n", false, []string{"add a 1.1.1.1 comment \"x\nadd b 1.1.1.1\n"},
			`the quotes in "add a 1.1.1.1 comment \"x" do not end` + unended},
		{"-A W -j X\n-A X -m set --match-set \"a src -j Y\n-A Y -m set --match-set \"a src\n", true,
			[]string{"-A W -j X", "-A X -m set --match-set \"a src -j Y\n-A Y -m set --match-set \"a src\n"},
			`the quotes in "-A X -m set --match-set \"a src -j Y" do not end` + unended},
	} {
		var got []string
		var failed error
		for line, err := range dumpLines([]byte(c.text), c.escapes) {
			got, failed = append(got, line), err
		}
		if !slices.Equal(got, c.want) || errorText(failed) != c.err {
			t.Errorf("%q has the lines %q, and error %v; want %q, and %s", c.text, got, failed, c.want, c.err)
		}
	}
}

func TestReferences(t *testing.T) {
	for _, c := range []struct {
		rule         string
		chains, sets []string
	}{
		{"-m set --match-set zz src -m set --match-set gw_a dst -j DROP", []string{"DROP"}, []string{"zz", "gw_a"}},
		{`-m comment --comment "-j" -j gw_a`, []string{"gw_a"}, nil},
		{`-m comment --comment "-j gw_a --match-set gw_b src" -g gw_c`, []string{"gw_c"}, nil},
		{`-i -j -m comment --comment --match-set -j gw_a`, []string{"gw_a"}, nil},
		{`-j LOG --log-prefix "--match-set"`, []string{"LOG"}, nil},
		{"-j SET --add-set gw_a src --del-set gw_b src", []string{"SET"}, []string{"gw_a", "gw_b"}},
		{"-j SET --map-set gw_a src --map-mark", []string{"SET"}, []string{"gw_a"}},
		{`-m set --match-set gw_a src -j a"b`, []string{`a"b`}, []string{"gw_a"}},
	} {
		if chains, sets := references(c.rule); !slices.Equal(chains, c.chains) || !slices.Equal(sets, c.sets) {
			t.Errorf("%s names the chains %q and sets %q; want %q and %q", c.rule, chains, sets, c.chains, c.sets)
		}
	}
}

// TestCheckRestore holds that what restore does not read back as it was is told before
// anything is changed.
func TestCheckRestore(t *testing.T) {
	const table, end = "*filter\n:gw_OUT - [0:0]\n", "COMMIT\n"
	for _, c := range []struct{ sets, v4, want string }{
		{"create gw_a hash:net family inet\nadd gw_a 1.1.1.1 comment \"a\\\"\n", table + `-A gw_OUT -m comment --comment "a \" b" -j X` + "\n" + end, ""},
		{"create gw_a hash:net family inet comment\nadd gw_a 1.1.1.1 comment \"a\rb\"\n", "", ""},
		{"create my set hash:ip\nadd my set 1.1.1.1 comment \"a\nadd gw_b 1.1.1.1\n\"\n", "", ""},
		{"create gw_a hash:net family inet comment\nadd gw_a 1.1.1.1 comment \"a\nb\"\n", "",
			`ipset restore: set "gw_a": the line break in "1.1.1.1 comment \"a\nb\"" is not read back; remove it`},
		{"create gw_a hash:net family inet comment\nadd gw_a 1.1.1.1 comment \"a\n", "",
			`ipset save: the quotes in "add gw_a 1.1.1.1 comment \"a" do not end, and it is not known what follows; if a name begins with them, give it another one`},
		{"create \"site hash:ip family inet\ncreate gw_a hash:net family inet\nadd gw_a 192.0.2.0/24\n", "", ""},
		{"", table + "-A FORWARD -m set --match-set \"site src\n" + end,
			`iptables-save: the quotes in "-A FORWARD -m set --match-set \"site src" do not end, and it is not known what follows; if a name begins with them, give it another one`},
		{"create gw_a hash:ip\nadd gw_a 1.1.1.1 comment \"a \"b\"\n", "",
			`ipset restore: set "gw_a": the quotes of "1.1.1.1 comment \"a \"b\"" are not read back; remove it`},
		{"create gw_a\nb hash:ip family inet\n", "", `ipset save: "create gw_a" is not a set of ours`},
		{"create a\nb hash:ip family inet\n", "", `ipset save: "create a" is not a set of ours`},
		{"create gw_ a hash:ip family inet\n", "", `ipset save: "create gw_ a hash:ip family inet" is not a set of ours`},
		{"create gw_\"q hash:ip family inet\n", "", `ipset restore: set "gw_\"q": the name "gw_\"q" would be changed when it is read back; give it another name, or remove it`},
		{"", "*filter\n:gw_\"q - [0:0]\n" + end, `iptables-restore: table filter, chain "gw_\"q": the name "gw_\"q" would be changed when it is read back; give it another name, or remove it`},
		{"", table + "-A gw_OUT -m comment --comment \"a\nb\" -j X\n" + end,
			`iptables-restore: table filter, chain "gw_OUT": the line break in "-m comment --comment \"a\nb\" -j X" is not read back; remove it`},
		{"", table + `-A gw_OUT -j a"b` + "\n" + end, `iptables-restore: table filter, chain "gw_OUT": the quotes of "-j a\"b" are not read back; remove it`},
		{"", table + "[1:2;3] -A gw_OUT -j X\n" + end, `iptables-restore: table filter, chain "gw_OUT": the counters "[1:2;3]" are not numbers`},
	} {
		k, err := ReadKernel(Dump{Ipset: []byte(c.sets), IPv4: []byte(c.v4)}, nil)
		if err == nil {
			err = k.CheckRestore()
		}
		if errorText(err) != c.want {
			t.Errorf("%q %q: error %v; want %s", c.sets, c.v4, err, c.want)
		}
	}
}

// TestReadKernelReadsNoComment holds that a comment declares nothing, whatever it
// holds.
func TestReadKernelReadsNoComment(t *testing.T) {
	const sets = "create site hash:ip family inet comment\nadd site 1.1.1.1 comment \"a\ncreate gw_b hash:net family inet\nb\"\ncreate gw_a hash:net family inet\n"
	const v4 = "*filter\n:FORWARD ACCEPT [0:0]\n:gw_OUT - [0:0]\n-A FORWARD -m comment --comment \"a\n-A gw_OUT -j ACCEPT\nb\"\nCOMMIT\n"
	k, err := ReadKernel(Dump{Ipset: []byte(sets), IPv4: []byte(v4)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(k.sets) != 1 || k.sets[0].name != "gw_a" {
		t.Errorf("there are %d sets; want gw_a alone", len(k.sets))
	}
	if c := k.table(ipv4, filterTable).named["gw_OUT"]; len(c.rules) != 0 {
		t.Errorf("gw_OUT holds %+v; want nothing", c.rules)
	}
}
