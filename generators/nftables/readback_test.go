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

func readBack(t testing.TB, name, table string) Ruleset {
	t.Helper()
	rs, err := ReadBack(dump(t, name), table)
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

func TestKernelHoldsThePolicysSets(t *testing.T) {
	p := ruletest.Compile(t, ruletest.Site(t))
	for _, c := range []struct{ name, table string }{
		{"chains", "inet filter"},
		{"chains-interfaces", "inet filter"},
		{"mark", "inet gatewright"},
	} {
		rs := readBack(t, c.name, c.table)
		sets := 0
		for _, r := range p.Rules {
			for _, f := range []family{ipv4, ipv6} {
				want := f.of(r.Remote.Prefixes())
				n := setName(f, want, slug(r.ID))
				got, ok := rs.Prefixes[string(n)]
				if !ok {
					continue
				}
				sets++
				if !got.Equal(want) {
					t.Errorf("%s: set %s holds %v; want %v", c.name, n, got, want)
				}
			}
		}
		if sets != 10 {
			t.Errorf("%s: %d sets of remotes; want 10", c.name, sets)
		}
		if got, want := rs.Prefixes["gatewright_role_sts_published_net6"], ruletest.Prefixes(t, "fd00:7:1::/64"); !got.Equal(want) {
			t.Errorf("%s: published set holds %v; want %v", c.name, got, want)
		}
	}
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
				if rs.Accepts(f) != want && wrong < 5 {
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
	lines := map[string]Line{}
	for _, name := range []string{"chains-interfaces", "mark"} {
		table := map[string]string{"chains-interfaces": "inet filter", "mark": "inet gatewright"}[name]
		for _, l := range readBack(t, name, table).Rules {
			lines[name+" "+l.Counter] = l
		}
	}
	id := ruletest.Compile(t, ruletest.Site(t)).Rules
	var sts, media rule.ID
	for _, r := range id {
		switch r.Entries[0].ID {
		case "sample/sts":
			sts = r.ID
		case "sample/media":
			media = r.ID
		}
	}
	stsName, mediaName := string(prefix)+string(sts), string(prefix)+string(media)
	for key, want := range map[string]Line{
		"chains-interfaces " + stsName + "_tcp6_published": {
			Direction: rule.Inbound, In: []string{"eth0"}, Out: []string{"eth1.100", "eth2"},
			Protocol: netset.TCP, Family: 6, Source: stsName + "_net6", Destination: "gatewright_role_sts_published_net6",
			Original: true, Published: stsName + "_ports_tcp",
			Counter: stsName + "_tcp6_published", Comment: "sample/sts (row 7): Title of sample/sts",
		},
		"mark " + mediaName + "_udp4": {
			Direction: rule.Outbound, Protocol: netset.UDP, Family: 4,
			Source: "gatewright_role_clients_net4", Destination: mediaName + "_net4",
			Ports:   []netset.PortRange{{First: 3478, Last: 3481}, {First: 50000, Last: 59999}},
			Counter: mediaName + "_udp4", Mark: 0x10000, Comment: "sample/media (row 7): Title of sample/media",
		},
	} {
		if got := lines[key]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", key, got, want)
		}
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
	rs, err := ReadBack([]byte(doc), "inet filter")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]netset.PrefixSet{"a": ruletest.Prefixes(t, "192.0.2.1", "10.0.0.0/8", "192.0.2.8/30", "192.0.2.3"), "empty": {}}
	if len(rs.Prefixes) != len(want) || len(rs.Ports) != 0 || len(rs.Rules) != 0 {
		t.Errorf("got %+v", rs)
	}
	for name, s := range want {
		if got := rs.Prefixes[name]; !got.Equal(s) {
			t.Errorf("set %s: got %v; want %v", name, got, s)
		}
	}
}

func TestReadBackOverlooksNothing(t *testing.T) {
	const accept = `{"accept": null}`
	for _, c := range []struct{ expr, err string }{
		{`{"match": {"op": "!=", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 443}}, ` + accept, `operator "!="; expect ==`},
		{`{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "sport"}}, "right": 443}}, ` + accept, "unknown match"},
		{`{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "192.0.2.1"}}, ` + accept, `"192.0.2.1"; expect a named set`},
		{`{"match": {"op": "==", "left": {"ct": {"key": "proto-dst", "dir": "reply"}}, "right": "@p"}}, ` + accept, "unknown match"},
		{`{"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "sctp"}}, ` + accept, "sctp"},
		{`{"limit": {"rate": 1, "per": "second"}}, ` + accept, "unknown field"},
		{`{"mangle": {"key": {"meta": {"key": "mark"}}, "value": 1}}, ` + accept, "cannot unmarshal"},
		{`{"mangle": {"key": {"meta": {"key": "priority"}}, "value": {"|": [{"meta": {"key": "mark"}}, 1]}}}, ` + accept, "no change of one bit of the packet mark"},
		{`{"counter": "c"}`, "is not where a rule of ours accepts"},
		{`{"drop": null}`, "is not where a rule of ours accepts"},
		{accept + `, {"counter": "c"}`, "is not where a rule of ours accepts"},
	} {
		doc := `{"nftables": [{"rule": {"family": "ip", "table": "t", "chain": "gatewright_inbound", "expr": [` + c.expr + `]}}]}`
		_, err := ReadBack([]byte(doc), "ip t")
		if err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v; want %q", c.expr, err, c.err)
		}
	}
}
