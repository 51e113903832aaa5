package nftables

import (
	"iter"
	"maps"
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
	"gatewright/generators/filter"
	"gatewright/generators/nftables/nftablestest"
)

// A dump is what nft 1.0.6 prints of a golden file:
//
//	unshare -n sh -c 'nft -f X.nft.golden && nft -j list ruleset' >X.dump.json
func dump(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".dump.json"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func readBack(t testing.TB, name, table string) filter.Ruleset {
	t.Helper()
	rs, err := nftablestest.ReadBack(dump(t, name), table)
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

// accepts asks the chain of a flow's direction.
func accepts(rs *filter.Ruleset, f rule.Flow) bool {
	got := rs.Walk(filter.EntryOf(f.Direction), filter.PacketOf(f))
	return len(got) == 1 && got[0].Verdict == filter.Accept
}

func TestKernelAcceptsWhatTheModelAccepts(t *testing.T) {
	p := ruletest.Compile(t, ruletest.Site(t))
	for _, c := range []struct {
		name, table string
		carried     func(rule.Flow) bool
	}{
		{"chains", "inet filter", func(rule.Flow) bool { return true }},
		{"chains-interfaces", "inet filter", func(rule.Flow) bool { return true }},
		{"chains-ip", "ip filter", func(f rule.Flow) bool { return f.Local.Is4() }},
		{"mark", "inet gatewright", func(rule.Flow) bool { return true }},
		{"chains-host", "inet filter", func(f rule.Flow) bool { return !ruletest.Prefixes(t, "192.168.8.0/30").Contains(f.Local) }},
		{"enforce-host", "inet gatewright", func(f rule.Flow) bool { return !ruletest.Prefixes(t, "192.168.8.0/30").Contains(f.Local) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			rs := readBack(t, c.name, c.table)
			accepted, denied, wrong := 0, 0, 0
			for f := range edgeFlows(p) {
				want := c.carried(f) && p.Decide(f).Accept()
				if want {
					accepted++
				} else {
					denied++
				}
				if accepts(&rs, f) != want && wrong < 5 {
					wrong++
					t.Errorf("%+v: the kernel's rules say %v, the model %v", f, !want, want)
				}
			}
			if accepted < 100 || denied < 1000 {
				t.Errorf("only %d accepted and %d denied flows were asked", accepted, denied)
			}
		})
	}
}

// edgeFlows yields every combination of both sides of the edges of the policy's
// addresses and ports.
func edgeFlows(p *rule.Policy) iter.Seq[rule.Flow] {
	var locals, remotes []netip.Addr
	ports := map[uint16]bool{8443: true}
	for _, b := range p.Bindings {
		locals = append(locals, ruletest.Edges(b.Local())...)
	}
	for _, r := range p.Rules {
		remotes = append(remotes, ruletest.Edges(r.Remote.Prefixes())...)
		for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
			for _, ranges := range r.Services.Ports(protocol) {
				ports[ranges.First], ports[ranges.Last], ports[ranges.Last+1] = true, true, true
			}
		}
	}
	delete(ports, 0)
	return ruletest.Flows(locals, remotes, slices.Sorted(maps.Keys(ports)))
}

func TestReadBackRules(t *testing.T) {
	rs := readBack(t, "chains-interfaces", "inet filter")
	c, ok := rs.Chain("gatewright_in4_identity-in-zgh1yacje")
	if !ok || len(c.Rules) != 2 {
		t.Fatalf("chain %+v", c)
	}
	want := filter.Rule{
		Match: filter.Match{
			Family: filter.IPv4, Protocol: netset.TCP, Original: filter.Ports{Set: "gatewright_ports_443_49443"},
			To: filter.Addresses{Set: "gatewright_role_sts_published_host4"},
		},
		Verdict: filter.Goto, Target: "gatewright_identity-in-zgh1yacje",
	}
	if got := c.Rules[1]; !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	c, ok = rs.Chain(filter.Inbound)
	want = filter.Rule{
		Match:   filter.Match{In: []string{"eth0"}, Out: []string{"eth1.100", "eth2"}, Family: filter.IPv4},
		Verdict: filter.Goto, Map: "gatewright_inbound_4", Lookup: filter.Source,
	}
	if !ok || !slices.ContainsFunc(c.Rules, func(r filter.Rule) bool { return reflect.DeepEqual(r, want) }) {
		t.Errorf("chain %+v; want it to have %+v", c, want)
	}
	rs = readBack(t, "mark", "inet gatewright")
	c, ok = rs.Chain("gatewright_skype-out-6r1wz13ev")
	want = filter.Rule{Verdict: filter.Accept, Counter: "gatewright_skype-out-6r1wz13ev", SetMark: 0x10000, Comment: "sample/media (row 7): Title of sample/media"}
	if !ok || len(c.Rules) != 1 || !reflect.DeepEqual(c.Rules[0], want) {
		t.Errorf("chain %+v; want %+v", c, want)
	}
	m, ok := rs.Map("gatewright_outbound_4")
	if !ok || len(m.Elements) != 4 || m.Elements[0].Chain != "gatewright_out4_skype-out-6r1wz13ev" || m.Elements[0].Prefixes.String() != "13.107.64.0/18, 224.0.0.0/3" {
		t.Errorf("map %+v", m)
	}
}

func TestReadBackElements(t *testing.T) {
	const doc = `{"nftables": [
		{"set": {"family": "inet", "table": "filter", "name": "a", "type": "ipv4_addr", "elem": [
			"192.0.2.1", {"prefix": {"addr": "10.0.0.0", "len": 8}}, {"range": ["192.0.2.8", "192.0.2.11"]},
			{"elem": {"val": "192.0.2.3", "timeout": 60}}]}},
		{"set": {"family": "inet", "table": "filter", "name": "empty", "type": "ipv6_addr"}},
		{"set": {"family": "inet", "table": "filter", "name": "pairs", "type": ["ipv4_addr", "inet_service"], "elem": [{"concat": ["192.0.2.1", 22]}]}},
		{"set": {"family": "ip", "table": "filter", "name": "other", "type": "ipv4_addr", "elem": ["192.0.2.1"]}},
		{"rule": {"family": "inet", "table": "filter", "chain": "input", "expr": [{"xt": null}]}}]}`
	rs, err := nftablestest.ReadBack([]byte(doc), "inet filter")
	if err != nil {
		t.Fatal(err)
	}
	want := []filter.Set{
		{Name: "a", Family: filter.IPv4, Prefixes: ruletest.Prefixes(t, "192.0.2.1", "10.0.0.0/8", "192.0.2.8/30", "192.0.2.3")},
		{Name: "empty", Family: filter.IPv6},
	}
	if !reflect.DeepEqual(rs.Sets, want) || len(rs.Maps)+len(rs.Chains) > 0 {
		t.Errorf("got %+v", rs)
	}
}

// TestReadBackMapTypes holds that maps to chains are read however nft writes what they
// map to: as a word, and since nft 1.1 as a list. Other maps are the site's.
func TestReadBackMapTypes(t *testing.T) {
	const doc = `{"nftables": [
		{"map": {"family": "inet", "table": "filter", "name": "a", "type": "ipv4_addr", "map": "verdict", "elem": [["192.0.2.1", {"goto": {"target": "x"}}]]}},
		{"map": {"family": "inet", "table": "filter", "name": "b", "type": ["ipv4_addr"], "map": ["verdict"], "elem": [["192.0.2.2", {"goto": {"target": "x"}}]]}},
		{"map": {"family": "inet", "table": "filter", "name": "marks", "type": "ipv4_addr", "map": ["mark"], "elem": [["192.0.2.3", 1]]}},
		{"map": {"family": "inet", "table": "filter", "name": "pairs", "type": "ipv4_addr", "map": ["ipv4_addr", "inet_service"], "elem": [["192.0.2.4", {"concat": ["192.0.2.5", 80]}]]}}]}`
	rs, err := nftablestest.ReadBack([]byte(doc), "inet filter")
	if err != nil {
		t.Fatal(err)
	}
	want := []filter.Map{
		{Name: "a", Family: filter.IPv4, Elements: []filter.Element{{Prefixes: ruletest.Prefixes(t, "192.0.2.1"), Chain: "x"}}},
		{Name: "b", Family: filter.IPv4, Elements: []filter.Element{{Prefixes: ruletest.Prefixes(t, "192.0.2.2"), Chain: "x"}}},
	}
	if !reflect.DeepEqual(rs.Maps, want) {
		t.Errorf("got %+v", rs.Maps)
	}
}

func TestReadBackOverlooksNothing(t *testing.T) {
	const accept = `{"accept": null}`
	for _, c := range []struct{ expr, err string }{
		{`{"match": {"op": "!=", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 443}}, ` + accept, `operator "!="; expect ==`},
		{`{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "sport"}}, "right": 443}}, ` + accept, "unknown match"},
		{`{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "192.0.2.1"}}, ` + accept, `"192.0.2.1"; expect a named set or map`},
		{`{"match": {"op": "==", "left": {"ct": {"key": "proto-dst", "dir": "reply"}}, "right": "@p"}}, ` + accept, "unknown match"},
		{`{"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "sctp"}}, ` + accept, "sctp"},
		{`{"limit": {"rate": 1, "per": "second"}}, ` + accept, "unknown field"},
		{`{"mangle": {"key": {"meta": {"key": "mark"}}, "value": 1}}, ` + accept, "cannot unmarshal"},
		{`{"mangle": {"key": {"meta": {"key": "priority"}}, "value": {"|": [{"meta": {"key": "mark"}}, 1]}}}, ` + accept, "no change of one bit of the packet mark"},
		{`{"counter": "c"}`, "is not where a rule of ours ends"},
		{`{"drop": null}`, "unknown field"},
		{accept + `, {"counter": "c"}`, "is not where a rule of ours ends"},
	} {
		doc := `{"nftables": [{"chain": {"family": "ip", "table": "t", "name": "gatewright_inbound"}}, {"rule": {"family": "ip", "table": "t", "chain": "gatewright_inbound", "expr": [` + c.expr + `]}}]}`
		_, err := nftablestest.ReadBack([]byte(doc), "ip t")
		if err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v; want %q", c.expr, err, c.err)
		}
	}
}
