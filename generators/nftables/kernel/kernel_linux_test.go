package kernel_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gatewright/generators/engine"
	"gatewright/generators/nftables"
	"gatewright/generators/nftables/kernel"
)

// loaded loads a ruleset into a machine of its own and reads it back both ways.
func loaded(t *testing.T, text []byte, table string) (byNetlink nftables.Ruleset, err error, dump []byte) {
	t.Helper()
	m, err := engine.NewMachine(context.Background())
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
			want, err := nftables.ReadBack(dump, table)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Others) > 0 {
				t.Errorf("there is also %q", got.Others)
			}
			got.Hooks, got.Others = nil, nil
			if !reflect.DeepEqual(got, want) {
				t.Errorf("by netlink:\n%+v\nby nft:\n%+v", got, want)
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
	want := map[string][]string{
		"filter input -10 drop": {
			"ct state established,related accept",
			"iif lo accept",
			"ip6 hoplimit 255 icmpv6 type 133,134,135,136 accept",
			"ip6 hoplimit 1 icmpv6 type 130,131,132,143 accept",
			"ct state invalid drop",
			"tcp dport 22 saddr 198.51.100.7/32 accept",
			"jump gatewright_inbound",
			"",
		},
		"filter forward -10 accept": nil,
		"filter output -10 drop": {
			"ct state established,related accept",
			"oif lo accept",
			"ip6 hoplimit 255 icmpv6 type 133,134,135,136 accept",
			"ip6 hoplimit 1 icmpv6 type 130,131,132,143 accept",
			"ct state invalid drop",
			"tcp dport 53 saddr gatewright_local_net4 daddr gatewright_role_resolver_host4 accept",
			"udp dport 53 saddr gatewright_local_net4 daddr gatewright_role_resolver_host4 accept",
			"tcp dport 53 saddr gatewright_local_net6 daddr gatewright_role_resolver_host6 accept",
			"udp dport 53 saddr gatewright_local_net6 daddr gatewright_role_resolver_host6 accept",
			"jump gatewright_outbound",
			"",
		},
	}
	for _, h := range rs.Hooks {
		key := fmt.Sprintf("%s %s %d %s", h.Type, h.Hook, h.Priority, h.Policy)
		var got []string
		for _, r := range h.Rules {
			got = append(got, r.String())
		}
		if rules, ok := want[key]; !ok || !slices.Equal(got, rules) {
			t.Errorf("hook %s:\n got %q\nwant %q", key, got, rules)
		}
	}
	if len(rs.Hooks) != len(want) {
		t.Errorf("%d hooks; want %d", len(rs.Hooks), len(want))
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
		{"gatewright_inbound ip saddr vmap @verdicts", "set verdicts is not matched as a rule of ours does"},
		{"gatewright_inbound ip daddr 192.0.2.1 ip daddr 192.0.2.2 accept", "network 16 is matched twice"},
		{"gatewright_inbound ip ttl 1 accept", "network 8 is matched"},
		{"gatewright_inbound meta l4proto sctp accept", "protocol 132"},
		{"gatewright_inbound ct state new accept", "ct state 0x8"},
		{"gatewright_inbound meta l4proto tcp ct reply proto-dst 443 accept", "unknown ct key"},
		{"gatewright_inbound ct direction reply accept", "unknown ct direction"},
		{"gatewright_inbound ct mark set 1 accept", "unknown expression {Register:1"},
		{"gatewright_inbound iifname eth* accept", "is a wildcard"},
		{"gatewright_inbound iif lo accept", "is not how a rule of ours accepts"},
		{"gatewright_inbound meta skuid 0 accept", "unknown meta key"},
		{"gatewright_inbound meta mark set 1 accept", "unknown expression {Register:1"},
		{"gatewright_inbound meta mark set meta mark xor 1 accept", "no change of the packet mark"},
		{"gatewright_inbound meta mark 1 accept", "mark is matched, which no rule of ours does"},
		{"gatewright_inbound limit rate 1/second accept", `unknown expression "limit"`},
		{"gatewright_inbound socket transparent 1 accept", `unknown expression "socket"`},
		{"gatewright_inbound osf name Linux accept", `unknown expression "osf"`},
		{"gatewright_inbound quota name much accept", "unknown object"},
		{"gatewright_inbound counter accept", `unknown expression "counter"`},
		{"gatewright_inbound tcp dport 443 drop", "is not how a rule of ours accepts"},
		{"gatewright_inbound tcp dport 443", "is not how a rule of ours accepts"},
		{"gatewright_inbound jump other", "is not how a rule of ours accepts"},
		{"gatewright_inbound goto other", "unknown verdict"},
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
	if rs, err, _ := loaded(t, []byte(frame), "inet t"); err != nil || !slices.Equal(rs.Others, []string{"chain other"}) || len(rs.Prefixes) != 2 {
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
		if got := rs.Prefixes[name].String(); got != want {
			t.Errorf("set %s: %s; want %s", name, got, want)
		}
	}
	if got := fmt.Sprint(rs.Ports["ports"]); got != "[0-79 81-442 65535]" {
		t.Errorf("ports %s", got)
	}
	if got := fmt.Sprint(rs.Others); got != "[table ip6 u flags of table ip t]" {
		t.Errorf("others %s", got)
	}
}
