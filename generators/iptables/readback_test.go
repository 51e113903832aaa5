package iptables

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
)

// A dump is what the tools of 1.8.9 print after a site's own rules and the golden
// files of an example are loaded, the latter twice:
//
//	ipset save; iptables-VARIANT-save; ip6tables-VARIANT-save
//
// without "#" lines, which hold the time.
func dump(t testing.TB, example, variant string) Dump {
	t.Helper()
	read := func(program string) []byte {
		data, err := os.ReadFile(filepath.Join("testdata", example+"."+variant+"."+program+".dump"))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	return Dump{Ipset: read("ipset"), IPv4: read("iptables"), IPv6: read("ip6tables")}
}

func readBack(t testing.TB, example, variant, table string) Ruleset {
	t.Helper()
	rs, err := ReadBack(dump(t, example, variant), table)
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

var dumps = []struct{ example, variant, table string }{
	{"chains", "nft", "filter"},
	{"chains", "legacy", "filter"},
	{"tree", "legacy", "filter"},
	{"tree-interfaces", "nft", "filter"},
	{"chains-interfaces", "nft", "filter"},
	{"mark", "legacy", "mangle"},
	{"mark-host-tree", "nft", "mangle"},
	{"enforce-host", "legacy", "filter"},
	{"hostile", "nft", "filter"},
}

func TestKernelHoldsThePolicysSets(t *testing.T) {
	p := ruletest.Compile(t, siteInput(t))
	for _, c := range dumps[:2] {
		rs := readBack(t, c.example, c.variant, c.table)
		sets := 0
		for _, r := range p.Rules {
			for _, f := range []family{ipv4, ipv6} {
				n, err := setName(f, string(r.ID))
				if err != nil {
					t.Fatal(err)
				}
				if got, ok := rs.Sets[string(n)]; ok {
					sets++
					if want := f.of(r.Remote.Prefixes()); !got.Equal(want) {
						t.Errorf("%s %s: set %s holds %v; want %v", c.example, c.variant, n, got, want)
					}
				}
			}
		}
		if sets != 12 {
			t.Errorf("%s %s: %d sets of remotes; want 12", c.example, c.variant, sets)
		}
		if got, want := rs.Sets["gw_dnat_sts_6"], ruletest.Prefixes(t, "fd00:7:1::/64"); !got.Equal(want) {
			t.Errorf("%s %s: published set holds %v; want %v", c.example, c.variant, got, want)
		}
		if _, ok := rs.Sets["site_blocked"]; ok {
			t.Errorf("%s %s: the site's set is read as one of ours", c.example, c.variant)
		}
	}
}

func TestKernelAcceptsWhatTheModelAccepts(t *testing.T) {
	all := map[string]example{}
	for _, e := range examples(t) {
		all[e.name] = e
	}
	for _, c := range dumps {
		t.Run(c.example+"/"+c.variant, func(t *testing.T) {
			p, rs := ruletest.Compile(t, all[c.example].served()), readBack(t, c.example, c.variant, c.table)
			asked, wrong := map[bool]int{}, 0
			for f := range edgeFlows(p) {
				want := p.Decide(f).Accept()
				asked[want]++
				if rs.Accepts(f) != want && wrong < 5 {
					wrong++
					t.Errorf("%+v: the kernel's rules say %t, the model %t", f, !want, want)
				}
			}
			if asked[true] < 10 || asked[false] < 100 {
				t.Errorf("only %d accepted and %d denied flows were asked", asked[true], asked[false])
			}
		})
	}
}

func TestReadBackRules(t *testing.T) {
	ids := map[string]rule.ID{}
	for _, r := range ruletest.Compile(t, siteInput(t)).Rules {
		ids[r.Entries[0].ID] = r.ID
	}
	comment := func(entry string) string {
		return string(ids["sample/"+entry]) + ": sample/" + entry + " (row 7): Title of sample/" + entry
	}
	sts := Line{
		Family: 6, Direction: rule.Inbound, Protocol: netset.TCP,
		Source: ruletest.Prefixes(t, "2603:1006::/40"), Destination: ruletest.Prefixes(t, "fd00:7:1::/64"),
		Ports: ruletest.Services(t, "tcp 443,49443").Ports(netset.TCP), Published: true, Comment: comment("sts"),
	}
	media := Line{
		Family: 4, Direction: rule.Outbound, Protocol: netset.UDP,
		Source: ruletest.Prefixes(t, "10.0.0.0/8"), Destination: ruletest.Prefixes(t, "13.107.64.0/18", "224.0.0.0/3"),
		Ports: ruletest.Services(t, "udp 3478-3481,50000-59999").Ports(netset.UDP), Comment: comment("media"),
	}
	stsSides, marked := sts, media
	stsSides.In, stsSides.Out = []string{"eth0"}, []string{"eth1.100", "eth2"}
	marked.Mark = 0x10000
	for _, c := range []struct {
		example, variant, table string
		want                    Line
	}{
		{"chains", "nft", "filter", sts},
		{"chains", "legacy", "filter", media},
		{"chains-interfaces", "nft", "filter", stsSides},
		{"tree", "legacy", "filter", sts},
		{"tree", "legacy", "filter", media},
		{"mark", "legacy", "mangle", marked},
	} {
		found := 0
		for _, l := range readBack(t, c.example, c.variant, c.table).Rules {
			if l.Comment != c.want.Comment || l.Family != c.want.Family || l.Protocol != c.want.Protocol || l.Published != c.want.Published {
				continue
			}
			found++
			if !sameParts(l, c.want) || !reflect.DeepEqual(l.In, c.want.In) || !reflect.DeepEqual(l.Out, c.want.Out) {
				t.Errorf("%s %s:\n got %+v\nwant %+v", c.example, c.variant, l, c.want)
			}
		}
		if found != 1 {
			t.Errorf("%s %s: %d lines for %q; want 1", c.example, c.variant, found, c.want.Comment)
		}
	}
}

func TestReadBackComments(t *testing.T) {
	var got []string
	for _, l := range readBack(t, "hostile", "nft", "filter").Rules {
		got = append(got, l.Comment)
	}
	for _, r := range ruletest.Compile(t, ruletest.Hostile(t, "192.0.2.0/24", hostileTexts()...)).Rules {
		title := strings.SplitN(oneLine(r.Entries[0].Title), " ", 2)[0]
		found := false
		for _, c := range got {
			found = found || strings.HasPrefix(c, string(r.ID)+": "+r.Entries[0].ID+" (row "+title)
		}
		if !found {
			t.Errorf("no comment has the words of %s: %q", r.ID, got)
		}
	}
}

func TestSplitWords(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
	}{
		{`-p tcp -j ACCEPT`, []string{"-p", "tcp", "-j", "ACCEPT"}},
		{`--comment "a \"b\" \\ \'c\' d" -j X`, []string{"--comment", `a "b" \ 'c' d`, "-j", "X"}},
		{`--comment "" -j X`, []string{"--comment", "", "-j", "X"}},
		{`--comment plain\ -j`, []string{"--comment", `plain\`, "-j"}},
	} {
		if got, err := splitWords(c.in); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("splitWords(%q) = %q, %v; want %q", c.in, got, err, c.want)
		}
	}
	if _, err := splitWords(`--comment "open`); errorText(err) != `a quote is not closed in "--comment \"open"` {
		t.Errorf("an open quote: error %v", err)
	}
}

func TestReadBackOverlooksNothing(t *testing.T) {
	const sets = "create gw_a_4 hash:net family inet\nadd gw_a_4 192.0.2.0/24\n"
	const other = "-A gw_a -s 192.0.2.1 -j ACCEPT\n-A gw_b -s 192.0.2.1 -j gw_b\n"
	for _, c := range []struct{ rule, err string }{
		{"-p tcp --dport 443 -m limit --limit 1/s -j ACCEPT", "unknown match limit"},
		{"! -s 192.0.2.1/32 -j ACCEPT", "unknown option !"},
		{"-p tcp --sport 443 -j ACCEPT", "unknown option --sport"},
		{"-p sctp -j ACCEPT", `"sctp" is not a protocol`},
		{"-s 192.0.2.0/33 -j ACCEPT", "192.0.2.0/33"},
		{"-m set --match-set gw_b_4 src -j ACCEPT", "there is no set gw_b_4"},
		{"-m set --match-set gw_a_4 src,src -j ACCEPT", `unknown direction "src,src" of a set`},
		{"-p tcp -m conntrack --ctorigdstport 443 -j ACCEPT", "it is incomplete"},
		{"-p tcp -m conntrack --ctorigdstport 443 --ctdir REPLY -j ACCEPT", "it is incomplete"},
		{"-j MARK --set-xmark 0x10000/0xffffffff", "mark 0x10000/0xffffffff sets not one bit"},
		{"-j MARK --set-xmark 0x0/0x10000", "mark 0x0/0x10000 sets not one bit"},
		{"-j DROP", "there is no chain DROP"},
		{"-j RETURN", "there is no chain RETURN"},
		{"-j", "-j has no value"},
		{"-j gw_b", "chain gw_b leads back to itself"},
		{"-p tcp -g gw_a", "a goto of ours matches the addresses of one side and nothing else"},
		{"-s 192.0.2.1 -d 192.0.2.2 -g gw_a", "a goto of ours matches the addresses of one side and nothing else"},
		{`-m comment --comment "x`, "a quote is not closed"},
	} {
		text := strings.Replace(emptyDump, "COMMIT\n", ":gw_a - [0:0]\n:gw_b - [0:0]\n-A gatewright_inbound "+c.rule+"\n"+other+"COMMIT\n", 1)
		_, err := ReadBack(Dump{Ipset: []byte(sets), IPv4: []byte(text), IPv6: []byte(emptyDump)}, "filter")
		if !strings.Contains(errorText(err), c.err) {
			t.Errorf("%s: error %v; want %q", c.rule, err, c.err)
		}
	}
}

func TestReadBackOfNothingFails(t *testing.T) {
	_, err := ReadBack(Dump{IPv4: []byte("*filter\nCOMMIT\n")}, "filter")
	if want := "iptables-save: there is no chain gatewright_outbound"; errorText(err) != want {
		t.Errorf("error %v; want %q", err, want)
	}
	for _, sets := range []string{"create gw_a_4 hash:ip family inet\n", "create gw_a_4 hash:net family inet\nadd gw_a_4 192.0.2.1 nomatch\n", "add gw_a_4 192.0.2.1\n"} {
		d := Dump{Ipset: []byte(sets), IPv4: []byte(emptyDump), IPv6: []byte(emptyDump)}
		if _, err := ReadBack(d, "filter"); !strings.Contains(errorText(err), "is not a set of ours") {
			t.Errorf("%q: error %v", sets, err)
		}
	}
}

// TestGotoTakesAddressesAway holds the one difference between a goto and a jump.
func TestGotoTakesAddressesAway(t *testing.T) {
	const rules = ":gw_a - [0:0]\n:gw_b - [0:0]\n-A gatewright_inbound -j gw_a\n" +
		"-A gw_a -s 192.0.2.0/25 -%s gw_b\n-A gw_a -s 192.0.2.0/24 -j ACCEPT\n-A gw_b -s 192.0.2.1/32 -j ACCEPT\nCOMMIT\n"
	for how, want := range map[string]netset.PrefixSet{
		"g": ruletest.Prefixes(t, "192.0.2.1", "192.0.2.128/25"),
		"j": ruletest.Prefixes(t, "192.0.2.0/24"),
	} {
		text := strings.Replace(emptyDump, "COMMIT\n", strings.Replace(rules, "%s", how, 1), 1)
		rs, err := ReadBack(Dump{IPv4: []byte(text), IPv6: []byte(emptyDump)}, "filter")
		if err != nil {
			t.Fatal(err)
		}
		if len(rs.Rules) != 1 || !rs.Rules[0].Source.Equal(want) {
			t.Errorf("-%s: %+v; want source %v", how, rs.Rules, want)
		}
	}
}
