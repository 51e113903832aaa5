package kernel_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/generators/engine/enginetest"
	"gatewright/generators/filter"
	"gatewright/generators/nftables/kernel"
	"gatewright/generators/nftables/nftablestest"
)

// loaded loads a ruleset into a machine of its own and reads it back both ways.
func loaded(t *testing.T, text []byte, table string) (byNetlink kernel.Held, err error, dump []byte) {
	t.Helper()
	m, err := enginetest.NewMachine(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.LoadNFT(text); err != nil {
		t.Fatal(err)
	}
	dump, failed := m.DumpNFT()
	if failed != nil {
		t.Fatal(failed)
	}
	failed = m.Do(func() error { byNetlink, err = kernel.Read(table); return nil })
	if failed != nil {
		t.Fatal(failed)
	}
	return byNetlink, err, dump
}

// tableOf returns the table that a ruleset adds first.
func tableOf(text []byte) string {
	_, rest, _ := strings.Cut(string(text), "\nadd table ")
	table, _, _ := strings.Cut(rest, "\n")
	return table
}

// TestReadAgreesWithNFT holds that every expected file of package nftables is read by
// netlink as nft lists it.
func TestReadAgreesWithNFT(t *testing.T) {
	files, err := filepath.Glob("../testdata/*.nft.golden")
	if err != nil || len(files) < 10 {
		t.Fatalf("expected files %v: %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			table := tableOf(text)
			got, err, dump := loaded(t, text, table)
			if err != nil {
				t.Fatal(err)
			}
			want, err := nftablestest.ReadBack(dump, table)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Others) > 0 {
				t.Errorf("there is also %q", got.Others)
			}
			got.Chains = slices.DeleteFunc(got.Chains, func(c filter.Chain) bool { return c.Hook != nil })
			if fmt.Sprintf("%+v", got.Ruleset) != fmt.Sprintf("%+v", want) {
				t.Errorf("by netlink:\n%+v\nby nft:\n%+v", got.Ruleset, want)
			}
		})
	}
}

// TestReadHooks holds that base chains are read with their rules in order.
func TestReadHooks(t *testing.T) {
	text, err := os.ReadFile("../testdata/enforce-host.nft.golden")
	if err != nil {
		t.Fatal(err)
	}
	rs, err, _ := loaded(t, text, "inet gatewright")
	if err != nil {
		t.Fatal(err)
	}
	tcp, udp, dns := netset.TCP, netset.UDP, []netset.PortRange{{First: 53, Last: 53}}
	types := func(numbers ...uint8) (list []filter.ICMP) {
		for _, n := range numbers {
			list = append(list, filter.ICMP{Type: n, Code: -1})
		}
		return list
	}
	accept := func(m filter.Match, comment string) filter.Rule {
		return filter.Rule{Match: m, Verdict: filter.Accept, Comment: comment}
	}
	question := func(p netset.Protocol, f filter.Family, local, resolver string) filter.Rule {
		return accept(filter.Match{Family: f, Protocol: p, Ports: filter.Ports{Ranges: dns}, From: filter.Addresses{Set: local}, To: filter.Addresses{Set: resolver}}, "DNS to role resolver")
	}
	basics := func(loopback string) []filter.Rule {
		return []filter.Rule{
			accept(filter.Match{State: "established,related"}, ""),
			accept(filter.Match{Loopback: loopback}, ""),
			accept(filter.Match{Family: 6, HopLimit: 255, ICMP: types(133, 134, 135, 136)}, "neighbour discovery (RFC 4861)"),
			accept(filter.Match{Family: 6, HopLimit: 1, ICMP: types(130, 131, 132, 143)}, "groups of neighbour discovery (RFC 4890)"),
		}
	}
	end := func(hook string, more ...filter.Rule) []filter.Rule {
		rules := append(more, filter.Rule{Verdict: filter.Jump, Target: map[string]string{"input": filter.Inbound, "output": filter.Outbound}[hook]})
		return append(rules, filter.Rule{Counter: "gatewright_" + hook + "_dropped", Comment: "dropped by the policy of the chain"})
	}
	invalid := func(hook string) filter.Rule {
		return filter.Rule{Match: filter.Match{State: "invalid"}, Verdict: filter.Drop, Counter: "gatewright_" + hook + "_invalid"}
	}
	ssh := accept(filter.Match{Family: 4, Protocol: tcp, Ports: filter.Ports{Ranges: []netset.PortRange{{First: 22, Last: 22}}}, From: filter.Addresses{Prefix: netip.MustParsePrefix("198.51.100.7/32")}}, "option admin")
	const local, resolver = "gatewright_local_net", "gatewright_role_resolver_host"
	want := []filter.Chain{
		{Name: "input", Hook: &filter.Hook{Name: "input", Priority: -10, Policy: filter.Drop}, Rules: slices.Concat(basics("iif"), []filter.Rule{invalid("input")}, end("input", ssh))},
		{Name: "forward", Hook: &filter.Hook{Name: "forward", Priority: -10, Policy: filter.Accept}, Rules: []filter.Rule{}},
		{Name: "output", Hook: &filter.Hook{Name: "output", Priority: -10, Policy: filter.Drop}, Rules: slices.Concat(basics("oif"), []filter.Rule{invalid("output")}, end("output",
			question(tcp, 4, local+"4", resolver+"4"), question(udp, 4, local+"4", resolver+"4"), question(tcp, 6, local+"6", resolver+"6"), question(udp, 6, local+"6", resolver+"6")))},
	}
	got := slices.DeleteFunc(rs.Chains, func(c filter.Chain) bool { return c.Hook == nil })
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

// TestReadOverlooksNothing holds that a rule that is not of ours is refused wherever
// it stands in the table.
func TestReadOverlooksNothing(t *testing.T) {
	const frame = `
add table inet t
add chain inet t gatewright_inbound
add chain inet t gatewright_outbound
add chain inet t other
add chain inet t input { type filter hook input priority filter; policy accept; }
add set inet t a4 { type ipv4_addr; flags interval; elements = { 192.0.2.0/24 }; }
add set inet t a6 { type ipv6_addr; elements = { 2001:db8::1 }; }
add set inet t brief { type ipv4_addr; flags timeout; elements = { 192.0.2.1 timeout 1h }; }
add set inet t learnt { type ipv4_addr; flags dynamic; size 100; }
add set inet t pairs { type ipv4_addr . inet_service; elements = { 192.0.2.1 . 22 }; }
add map inet t verdicts { type ipv4_addr : verdict; elements = { 192.0.2.1 : accept }; }
add quota inet t much { over 1 mbytes }
`
	for _, c := range []struct{ rule, err string }{
		{"gatewright_inbound tcp sport 443 accept", "a header that is not ICMP"},
		{"gatewright_inbound tcp dport != 443 accept", "transport 2 is compared by operator 1"},
		{"gatewright_inbound ip saddr != @a4 accept", "set a4 is not matched as a rule of ours does"},
		{"gatewright_inbound ip saddr @brief accept", "its elements come and go"},
		{"gatewright_inbound ip saddr @learnt accept", "its elements come and go"},
		{"gatewright_inbound ip saddr . tcp dport @pairs accept", "loaded where a rule of ours loads nothing"},
		{"gatewright_inbound ip saddr vmap @verdicts", "it is a map that no rule of ours looks up"},
		{"gatewright_inbound ip daddr 192.0.2.1 ip daddr 192.0.2.2 accept", "network 16 is matched twice"},
		{"gatewright_inbound ip ttl 1 accept", "network 8 is matched"},
		{"gatewright_inbound meta l4proto sctp accept", "protocol 132"},
		{"gatewright_inbound ct state new accept", "ct state 0x8"},
		{"gatewright_inbound meta l4proto tcp ct reply proto-dst 443 accept", "unknown ct key"},
		{"gatewright_inbound ct direction reply accept", "unknown ct direction"},
		{"gatewright_inbound ct mark set 1 accept", "unknown expression {Register:1"},
		{"gatewright_inbound iifname eth* accept", "is a wildcard"},
		{"gatewright_inbound iif lo accept", "is not how a rule of ours accepts or sends on"},
		{"gatewright_inbound meta skuid 0 accept", "unknown meta key"},
		{"gatewright_inbound meta mark set 1 accept", "unknown expression {Register:1"},
		{"gatewright_inbound meta mark set meta mark xor 1 accept", "no change of the packet mark"},
		{"gatewright_inbound meta mark 1 accept", "mark is matched, which no rule of ours does"},
		{"gatewright_inbound limit rate 1/second accept", `unknown expression "limit"`},
		{"gatewright_inbound socket transparent 1 accept", `unknown expression "socket"`},
		{"gatewright_inbound osf name Linux accept", `unknown expression "osf"`},
		{"gatewright_inbound quota name much accept", "unknown object"},
		{"gatewright_inbound counter accept", `unknown expression "counter"`},
		{"gatewright_inbound tcp dport 443 drop", "is not how a rule of ours accepts or sends on"},
		{"gatewright_inbound tcp dport 443", "is not how a rule of ours accepts or sends on"},
		{"gatewright_inbound jump other", "is not how a rule of ours accepts or sends on"},
		{"gatewright_inbound return", "unknown verdict"},
		{"other reject", `unknown expression "reject"`},
		{"input ip6 nexthdr tcp accept", "network 6 is matched"},
		{"input icmpv6 code 0 accept", "transport 1 is matched"},
		{"input icmp type != echo-request accept", "is compared by operator"},
	} {
		rs, err, _ := loaded(t, []byte(frame+"add rule inet t "+c.rule+"\n"), "inet t")
		if err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v; want %q\n%+v", c.rule, err, c.err, rs)
		}
	}
	if rs, err, _ := loaded(t, []byte(frame), "inet t"); err != nil || len(rs.Others) > 0 || len(rs.Chains) != 5 || len(rs.Sets) != 2 { // one chain stands for what the map accepts
		t.Errorf("without such a rule: %+v, %v", rs, err)
	}
}

// TestReadSets holds the edges of intervals.
func TestReadSets(t *testing.T) {
	rs, err, _ := loaded(t, []byte(`
add table ip t { flags dormant; }
add table ip6 u
add set ip t whole { type ipv4_addr; flags interval; elements = { 0.0.0.0/0 }; }
add set ip t ends { type ipv4_addr; flags interval; elements = { 0.0.0.0, 10.0.0.0/8, 11.0.0.0/8, 255.255.255.254/31 }; }
add set ip t empty { type ipv6_addr; flags interval; }
add set ip t hosts { type ipv6_addr; elements = { 2001:db8::2, 2001:db8::1 }; }
add set ip t ports { type inet_service; flags interval; elements = { 0-79, 81-442, 65535 }; }
`), "ip t")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"whole": "0.0.0.0/0", "ends": "0.0.0.0, 10.0.0.0/7, 255.255.255.254/31", "empty": "", "hosts": "2001:db8::1, 2001:db8::2",
	} {
		if got, ok := rs.Set(name); !ok || got.Prefixes.String() != want {
			t.Errorf("set %s: %+v; want %s", name, got, want)
		}
	}
	if got, ok := rs.Set("ports"); !ok || fmt.Sprint(got.Ports) != "[0-79 81-442 65535]" {
		t.Errorf("ports %+v", got)
	}
	if got := fmt.Sprint(rs.Others); got != "[table ip6 u flags of table ip t]" {
		t.Errorf("others %s", got)
	}
}
