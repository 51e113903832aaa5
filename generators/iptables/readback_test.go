package iptables

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/filter"
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

func readBack(t testing.TB, example, variant, table string) Held {
	t.Helper()
	h, err := ReadBack(dump(t, example, variant), table)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

var dumps = []struct{ example, variant, table string }{
	{"chains", "nft", "filter"},
	{"chains", "legacy", "filter"},
	{"chains-interfaces", "nft", "filter"},
	{"sets", "nft", "filter"},
	{"sets", "legacy", "filter"},
	{"mark", "legacy", "mangle"},
	{"mark-host", "nft", "mangle"},
	{"enforce-host", "legacy", "filter"},
	{"overlap", "nft", "filter"},
	{"hostile", "nft", "filter"},
}

func exampleNamed(t testing.TB, name string) example {
	all := examples(t)
	return all[slices.IndexFunc(all, func(e example) bool { return e.name == name })]
}

// accepts walks a flow's packet through the chain for its direction.
func (h *Held) accepts(f rule.Flow) bool {
	rs := &h.IPv6
	if f.Local.Is4() {
		rs = &h.IPv4
	}
	all := rs.Walk(filter.EntryOf(f.Direction), filter.PacketOf(f))
	return len(all) == 1 && all[0].Verdict == filter.Accept
}

// TestKernelHoldsWhatIsBuilt holds that what is read from the kernel is what was built:
// the same chains with the same rules, and the same sets.
func TestKernelHoldsWhatIsBuilt(t *testing.T) {
	for _, c := range dumps {
		t.Run(c.example+"/"+c.variant, func(t *testing.T) {
			e := exampleNamed(t, c.example)
			was := maxInline
			defer func() { maxInline = was }()
			if e.inline > 0 {
				maxInline = e.inline
			}
			s, err := artefact.Configure(Generator{}.Options(), e.settings)
			if err != nil {
				t.Fatal(err)
			}
			p := ruletest.Compile(t, e.in)
			conf, err := configure(p, s)
			if err != nil {
				t.Fatal(err)
			}
			h := readBack(t, c.example, c.variant, c.table)
			for f, held := range map[family]filter.Ruleset{ipv4: h.IPv4, ipv6: h.IPv6} {
				built, err := newRules(p, conf, f)
				if err != nil {
					t.Fatal(err)
				}
				want := built.ruleset()
				for i := range want.Chains {
					w := &want.Chains[i]
					got, ok := held.Chain(w.Name)
					if !ok {
						t.Errorf("there is no chain %s", w.Name)
						continue
					}
					for j := range w.Rules {
						w.Rules[j].ID = ""
					}
					for j := range got.Rules {
						got.Rules[j].ID = ""
					}
					if !reflect.DeepEqual(got.Rules, w.Rules) || !reflect.DeepEqual(got.Hook, w.Hook) {
						t.Errorf("chain %s holds\n%+v, %s\nwant\n%+v, %s", w.Name, got.Rules, got.Hook, w.Rules, w.Hook)
					}
				}
				ours := func(c filter.Chain) bool { return strings.HasPrefix(c.Name, prefix) }
				if a, b := len(slices.DeleteFunc(slices.Clone(held.Chains), func(c filter.Chain) bool { return !ours(c) })), len(slices.DeleteFunc(slices.Clone(want.Chains), func(c filter.Chain) bool { return !ours(c) })); a != b {
					t.Errorf("%d chains of ours, want %d", a, b)
				}
				if len(held.Sets) != len(want.Sets) || len(want.Sets) == 0 && c.example == "sets" && f == ipv4 {
					t.Fatalf("%d sets, want %d", len(held.Sets), len(want.Sets))
				}
				for i, s := range want.Sets {
					if !reflect.DeepEqual(held.Sets[i].Prefixes.String(), s.Prefixes.String()) || held.Sets[i].Name != s.Name {
						t.Errorf("set %s holds %s; want %s with %s", held.Sets[i].Name, held.Sets[i].Prefixes, s.Name, s.Prefixes)
					}
				}
			}
		})
	}
}

func TestKernelAcceptsWhatTheModelAccepts(t *testing.T) {
	for _, c := range dumps {
		t.Run(c.example+"/"+c.variant, func(t *testing.T) {
			p, h := ruletest.Compile(t, exampleNamed(t, c.example).served()), readBack(t, c.example, c.variant, c.table)
			asked, wrong := map[bool]int{}, 0
			for f := range edgeFlows(p) {
				want := p.Decide(f).Accept()
				asked[want]++
				if h.accepts(f) != want && wrong < 5 {
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

// TestOpeningsAreWhatIsWalked holds that openings of folded chains are what a packet
// gets that is walked through them one by one.
func TestOpeningsAreWhatIsWalked(t *testing.T) {
	for _, c := range dumps {
		e := exampleNamed(t, c.example)
		if e.settings["lan"] != nil {
			continue // a box has no interfaces
		}
		h := readBack(t, c.example, c.variant, c.table)
		held := map[bool]map[rule.Direction][]rule.Flows{}
		for _, d := range []rule.Direction{rule.Outbound, rule.Inbound} {
			for v4, rs := range map[bool]*filter.Ruleset{true: &h.IPv4, false: &h.IPv6} {
				if held[v4] == nil {
					held[v4] = map[rule.Direction][]rule.Flows{}
				}
				folded := rs.Fold()
				for _, o := range folded.Openings(filter.EntryOf(d)) {
					held[v4][d] = append(held[v4][d], o.Traffic().Flows(d)...)
				}
			}
		}
		n := 0
		for f := range edgeFlows(ruletest.Compile(t, e.in)) {
			walked, opened := h.accepts(f), slices.ContainsFunc(held[f.Local.Is4()][f.Direction], func(all rule.Flows) bool { return holdsFlow(all, f) })
			if n++; walked != opened {
				t.Fatalf("%s %s: %+v: walked %t, held by the openings %t", c.example, c.variant, f, walked, opened)
			}
		}
		if n < 100 {
			t.Errorf("%s: %d flows", c.example, n)
		}
	}
}

// holdsFlow reports whether a flow is one of all, which are of its direction.
func holdsFlow(all rule.Flows, f rule.Flow) bool {
	port := f.Port
	if all.Published && f.Published != 0 {
		port = f.Published
	}
	return all.Service.Protocol == f.Protocol && all.Service.Ports.Contains(port) && all.Local.Contains(f.Local) && all.Remote.Contains(f.Remote)
}

func TestReadBackComments(t *testing.T) {
	var got []string
	for _, c := range readBack(t, "hostile", "nft", "filter").IPv4.Chains {
		for _, r := range c.Rules {
			got = append(got, r.Comment)
		}
	}
	first := ruletest.Compile(t, ruletest.Hostile(t, "192.0.2.0/24", hostileTexts()...)).Rules[0] // it takes all packets
	title := strings.SplitN(artefact.OneLine(first.Entries[0].Title), " ", 2)[0]
	if !slices.ContainsFunc(got, func(c string) bool {
		return strings.HasPrefix(c, string(first.ID)+": "+first.Entries[0].ID+" (row "+title)
	}) {
		t.Errorf("no comment has the words of %s: %q", first.ID, got)
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
	if _, err := splitWords(`--comment "open`); errorText(err) != `a quote at the end of "--comment \"open"` {
		t.Errorf("an open quote: error %v", err)
	}
}

const emptyDump = "*filter\n:gatewright_outbound - [0:0]\n:gatewright_inbound - [0:0]\nCOMMIT\n"

func TestReadBackOverlooksNothing(t *testing.T) {
	const sets = "create gw_a hash:net family inet\nadd gw_a 192.0.2.0/24\n"
	for _, c := range []struct{ rule, err string }{
		{"-p tcp --dport 443 -m limit --limit 1/s -j ACCEPT", "a match that is allowed here"},
		{"! -s 192.0.2.1/32 -j ACCEPT", "an option that is allowed here"},
		{"-p tcp --sport 443 -j ACCEPT", "an option that is allowed here"},
		{"-p sctp -j ACCEPT", "tcp or udp"},
		{"-p tcp -j ACCEPT", "a protocol and ports"},
		{"-s 192.0.2.0/33 -j ACCEPT", "an address or a prefix of IPv4"},
		{"-s 2001:db8::/32 -j ACCEPT", "an address or a prefix of IPv4"},
		{"-m set --match-set gw_b src -j ACCEPT", "a set that there is"},
		{"-m set --match-set gw_a src,src -j ACCEPT", "src or dst"},
		{"-p tcp -m conntrack --ctorigdstport 443 -j ACCEPT", "--ctdir ORIGINAL beside --ctorigdstport"},
		{"-p tcp -m conntrack --ctorigdstport 443 --ctdir REPLY -j ACCEPT", "--ctdir ORIGINAL beside --ctorigdstport"},
		{"-m conntrack --ctstate NEW -j ACCEPT", "RELATED,ESTABLISHED or INVALID"},
		{"-m hl --hl-eq 300 -j ACCEPT", "a number up to 255"},
		{"-p ipv6-icmp -j ACCEPT", "a type of ICMPv6"},
		{"-j MARK --set-xmark 0x10000/0xffffffff", "one bit of a mark, such as 0x10000/0x10000"},
		{"-j ACCEPT --set-xmark 0x10000/0x10000", "--set-xmark of MARK"},
		{"-j RETURN", "a verdict or a chain of Gatewright's"},
		{"-j", "a value of -j"},
		{"-s 192.0.2.1 -g gw_x", "chain gatewright_inbound, rule 2: expected addresses of one end behind a way by addresses"},
		{`-m comment --comment "x`, `the quotes in "-A gatewright_inbound -m comment --comment \"x" do not end`},
	} {
		text := strings.Replace(emptyDump, "COMMIT\n", "-A gatewright_inbound "+c.rule+"\n-A gatewright_inbound -j ACCEPT\nCOMMIT\n", 1)
		_, err := ReadBack(Dump{Ipset: []byte(sets), IPv4: []byte(text), IPv6: []byte(emptyDump)}, "filter")
		if !strings.Contains(errorText(err), c.err) {
			t.Errorf("%s: error %v; want %q", c.rule, err, c.err)
		}
	}
	for _, sets := range []string{"create gw_a hash:ip family inet\n", "create gw_a hash:net family inet\nadd gw_a 192.0.2.1 nomatch\n", "add gw_a 192.0.2.1\n"} {
		d := Dump{Ipset: []byte(sets), IPv4: []byte(emptyDump), IPv6: []byte(emptyDump)}
		if _, err := ReadBack(d, "filter"); !strings.Contains(errorText(err), "is not a set of ours") {
			t.Errorf("%q: error %v", sets, err)
		}
	}
}

func TestReadBackTellsOthers(t *testing.T) {
	const v4 = "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j ACCEPT\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n:mine - [0:0]\n:gatewright_outbound - [0:0]\n-A INPUT -j mine\nCOMMIT\n"
	h, err := ReadBack(Dump{Ipset: []byte("create gw_a hash:net family inet\n"), IPv4: []byte(v4), IPv6: []byte(emptyDump)}, "filter")
	want := []string{"chain mine of iptables", `rule "-j mine" in chain INPUT of iptables`, "rules in table nat of iptables", "set gw_a"}
	if err != nil || !slices.Equal(h.Others, want) {
		t.Errorf("others %q, %v; want %q", h.Others, err, want)
	}
	if c, ok := h.IPv4.Chain("INPUT"); !ok || c.Hook.Policy != filter.Drop || c.Hook.Name != "input" {
		t.Errorf("the built-in chain is %+v", c)
	}
}
