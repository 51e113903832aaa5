package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"gatewright/cmd/gatewright/internal/change"
)

// TestDrift changes rules by hand, one change at a time: drift finds each, and nothing
// else, and apply heals it. In lines of nft, ONE and TWO stand for the chains of two
// rules, and t for their table.
func TestDrift(t *testing.T) {
	h := newHost(t)
	before, _ := twoSites()
	h.site(before)
	h.must("gatewright apply nftables -q -o boot")
	clean := h.ruleset()
	one := strings.TrimSpace(h.must("nft list chains inet | grep -o 'gatewright_one-out[^ ]*'"))
	two := strings.TrimSpace(h.must("nft list chains inet | grep -o 'gatewright_two-out[^ ]*'"))
	outOne := strings.Replace(one, "gatewright_one", "gatewright_out4_one", 1)
	outTwo := strings.Replace(two, "gatewright_two", "gatewright_out4_two", 1)
	names := strings.NewReplacer("OUTONE", outOne, "OUTTWO", outTwo, "ONE", one, "TWO", two, "inet t ", "inet gatewright ")
	rule := func(chain, text string) string {
		return "HANDLE=$(nft -a list chain inet gatewright " + chain + " | grep '" + text + "' | grep -o '[0-9]*$'); nft "
	}
	const map4 = "gatewright_outbound_4"
	changes := []struct {
		lines string
		want  []string
	}{
		{"nft add element inet t " + map4 + " '{ 203.0.113.240 : goto OUTONE }'", []string{"+ element " + map4 + ": 203.0.113.240 : goto OUTONE"}},
		{"nft delete element inet t " + map4 + " '{ 203.0.113.0/28 }'", []string{"- element " + map4 + ": 203.0.113.0/28 : goto OUTONE"}},
		{"nft 'delete element inet t " + map4 + " { 203.0.113.0/28 }; add element inet t " + map4 + " { 203.0.113.0/28 : goto OUTTWO }'",
			[]string{"- element " + map4 + ": 203.0.113.0/28 : goto OUTONE", "+ element " + map4 + ": 203.0.113.0/28 : goto OUTTWO"}},
		{"nft 'delete element inet t " + map4 + " { 203.0.113.0/28 }; add element inet t " + map4 + " { 203.0.113.0/27 : goto OUTONE }'",
			[]string{"- element " + map4 + ": 203.0.113.0/28 : goto OUTONE", "+ element " + map4 + ": 203.0.113.0/27 : goto OUTONE"}},
		{"nft 'delete element inet t " + map4 + " { 203.0.113.0/28 }; add element inet t " + map4 + " { 203.0.113.1-203.0.113.15 : goto OUTONE }'",
			[]string{"- element " + map4 + ": 203.0.113.0/28 : goto OUTONE", "+ element " + map4 + ": 203.0.113.1-203.0.113.15 : goto OUTONE"}},
		{"nft add element inet t " + map4 + " '{ 203.0.113.240 : accept }'", []string{"+ element " + map4 + ": 203.0.113.240 : accept"}},
		{"nft add element inet t " + map4 + " '{ 203.0.113.240 : drop }'", []string{"+ element " + map4 + ": 203.0.113.240 : drop"}},
		{"nft add element inet t " + map4 + " '{ 255.255.255.255 : jump ONE }'", []string{"+ element " + map4 + ": 255.255.255.255 : jump ONE"}},
		{"nft flush map inet t " + map4, []string{"- element " + map4 + ": 203.0.113.0/28 : goto OUTONE", "- element " + map4 + ": 203.0.113.64/28 : goto OUTTWO"}},
		{"nft add element inet t gatewright_role_clients_host4 '{ 192.0.2.99 }'", []string{"+ element gatewright_role_clients_host4: 192.0.2.99"}},
		{"nft delete element inet t gatewright_role_clients_host4 '{ 192.0.2.10 }'", []string{"- element gatewright_role_clients_host4: 192.0.2.10"}},
		{"nft list table inet t >all.nft && sed -i '/map " + map4 + "/,/}/s/elements = {/& * : accept,/' all.nft && nft 'delete table inet t ' && nft -f all.nft", []string{"+ element " + map4 + ": * : accept"}},
		{"nft add element inet t gatewright_role_clients_host4 '{ * comment \"all\" }'", []string{"+ element gatewright_role_clients_host4: *"}},
		{"nft add rule inet t input tcp dport 80 accept", []string{"+ rule input: tcp dport 80 accept"}},
		{"nft insert rule inet t input tcp dport 80 accept", []string{"+ rule input: tcp dport 80 accept"}},
		{"nft insert rule inet t input tcp dport '{ 80, 443 }' counter accept", []string{"+ rule input: "}},
		{"nft insert rule inet t gatewright_outbound iifname '{ \"eth0\", \"eth1\" }' accept", []string{"+ rule gatewright_outbound: iifname { \"eth0\", \"eth1\" } accept"}},
		{"nft insert rule inet t output ip daddr 203.0.113.9 log prefix '\"x\"' drop", []string{"+ rule output: "}},
		{"nft insert rule inet t OUTONE tcp dport 8443 goto ONE", []string{"+ rule OUTONE: tcp dport 8443 goto ONE"}},
		{"nft insert rule inet t ONE drop", []string{"+ rule ONE: drop"}},
		{"nft flush chain inet t ONE", []string{"- rule ONE: counter name \"ONE\" accept comment \"own/one: one\""}},
		{rule("OUTONE", "dport 443") + "delete rule inet t OUTONE handle $HANDLE", []string{"- rule OUTONE: tcp dport 443 goto ONE"}},
		{rule("OUTONE", "dport 443") + "replace rule inet t OUTONE handle $HANDLE tcp dport 444 goto ONE",
			[]string{"- rule OUTONE: tcp dport 443 goto ONE", "+ rule OUTONE: tcp dport 444 goto ONE"}},
		{rule("ONE", "accept") + "replace rule inet t ONE handle $HANDLE counter name ONE accept comment '\"mine\"'",
			[]string{"- rule ONE: counter name \"ONE\" accept comment \"own/one: one\"", "+ rule ONE: counter name \"ONE\" accept comment \"mine\""}},
		{rule("ONE", "accept") + "replace rule inet t ONE handle $HANDLE accept comment '\"own/one: one\"'",
			[]string{"- rule ONE: counter name \"ONE\" accept comment \"own/one: one\"", "+ rule ONE: accept comment \"own/one: one\""}},
		{rule("input", "dport 22") + "delete rule inet t input handle $HANDLE", []string{"- rule input: tcp dport 22 ip saddr 198.51.100.0/24 accept comment \"option admin\""}},
		{rule("output", "invalid") + "delete rule inet t output handle $HANDLE", []string{"- rule output: ct state invalid counter name \"gatewright_output_invalid\" drop"}},
		{"nft 'add chain inet t input { policy accept; }'", []string{"- policy input: drop", "+ policy input: accept"}},
		{"nft 'add chain inet t mine { type filter hook input priority -20; policy accept; }'", []string{"+ chain: mine (type filter, hook input, priority -20, policy accept)"}},
		{"nft 'add chain inet t mine; add rule inet t mine accept'", []string{"+ chain: mine", "+ rule mine: accept"}},
		{"nft 'add set inet t mine { type ipv4_addr; elements = { 192.0.2.1 }; }'", []string{"+ set: mine"}},
		{"nft add counter inet t mine", []string{"+ counter: mine"}},
		{"nft 'add table inet t { flags dormant; }'", []string{"- table: inet gatewright", "+ table: inet gatewright, asleep"}},
	}
	found := 0
	for _, c := range changes {
		h.must(names.Replace(c.lines))
		got := h.drift()
		want := make([]string, len(c.want))
		for i, w := range c.want {
			want[i] = names.Replace(w)
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.EqualFunc(got, want, func(got, want string) bool {
			return got == want || strings.HasSuffix(want, ": ") && strings.HasPrefix(got, want)
		}) {
			t.Errorf("%s\nfound %q\nwant  %q", c.lines, got, want)
		} else {
			found++
		}
		h.must("gatewright apply nftables -q -o boot --max-shrink 100 --max-growth 10000")
		h.holds("clean", clean)
	}
	for _, lines := range []string{
		"nft 'add table inet other { chain input { type filter hook input priority 0; policy drop; }; }'",
		"ip link add out type bridge && ip addr add 192.0.2.10/24 dev out && ip link set out up; timeout 0.2 bash -c '</dev/tcp/203.0.113.1/443'; nft reset counters table inet gatewright",
		"nft 'add set inet gatewright seen { type ipv4_addr; flags dynamic, timeout; timeout 1h; elements = { 192.0.2.7 }; }'",
		"nft add element inet gatewright seen '{ 192.0.2.8 }'",
	} {
		h.sh(lines)
		if got := h.drift(); len(got) > 0 {
			t.Errorf("%s\nis no drift, and %q is told", lines, got)
		}
	}
	t.Logf("proved: drift finds %d of %d changes made by hand, and nothing else", found, len(changes))
}

// drift returns what drift tells of statements, and holds that the exit status agrees.
func (h *host) drift() (all []string) {
	h.Helper()
	out, status := h.sh("gatewright drift --json")
	var r struct{ Statements []change.Live }
	if err := json.Unmarshal([]byte(out), &r); err != nil || (status == exitDifferent) != (len(r.Statements) > 0) || status > exitDifferent {
		h.Fatalf("status %d, %v\n%s", status, err, out)
	}
	for _, s := range r.Statements {
		all = append(all, strings.TrimSpace(s.Sign+" "+s.Kind+" "+s.In)+": "+s.Text)
	}
	return all
}
