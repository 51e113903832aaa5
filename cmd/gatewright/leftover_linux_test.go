package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"gatewright/cmd/gatewright/internal/change"
)

// inMode writes a site of one entry in mode enforce or, with the admin of that left
// out, in another one.
func (h *host) inMode(mode string) {
	h.Helper()
	h.site(map[string][]string{"one": {"203.0.113.0/28"}})
	if mode != "enforce" {
		h.must(`sed -i 's/"enforce"/"` + mode + `"/; s/, "admin": [^]]*]//' gatewright.json`)
	}
}

// differs runs a line that tells a difference, as text and as JSON.
func (h *host) differs(line string) (text string, r change.Diff) {
	h.Helper()
	text, status := h.sh(line)
	if status != exitDifferent {
		h.Fatalf("%s: status %d\n%s", line, status, text)
	}
	out, _ := h.sh(line + " --json 2>/dev/null")
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		h.Fatalf("%s: %v\n%s", line, err, out)
	}
	return text, r
}

// contains holds that a text has all of some lines.
func (h *host) contains(text string, lines ...string) {
	h.Helper()
	for _, line := range lines {
		if !slices.Contains(strings.Split(text, "\n"), line) {
			h.Errorf("%q is missing in\n%s", line, text)
		}
	}
}

const opensInput, opensOutput = "OPENS: table inet gatewright no longer drops what no rule accepts, chain input",
	"OPENS: table inet gatewright no longer drops what no rule accepts, chain output"

// TestTellsOfTheTableThatGoes holds that a default-deny of ours that another mode
// removes is told as what it is: first, in text and in JSON, by plan, apply and drift.
func TestTellsOfTheTableThatGoes(t *testing.T) {
	h := newHost(t)
	h.inMode("enforce")
	h.must("gatewright apply nftables -q -o boot")
	h.inMode("chains")
	text, r := h.differs("gatewright plan 2>/dev/null")
	lines := strings.Split(text, "\n")
	if !slices.Equal(lines[1:3], []string{opensInput, opensOutput}) || strings.Contains(lines[0], "the same flows") {
		t.Errorf("plan begins\n%s", text)
	}
	h.contains(text, "- inbound, tcp 22, table inet gatewright, chain input", "- table inet gatewright")
	if !slices.Equal(r.Opens, []string{opensInput, opensOutput}) {
		t.Errorf("JSON opens %q", r.Opens)
	}
	text, _ = h.differs("gatewright drift 2>/dev/null")
	h.contains(text, strings.NewReplacer("OPENS", "CLOSES", "no longer", "now").Replace(opensInput), "+ inbound, tcp 22, table inet gatewright, chain input", "+ table inet gatewright")

	out := h.must("gatewright apply nftables -o boot")
	h.contains(out, "gatewright: warning: "+opensInput, "gatewright: warning: "+opensOutput)

	h.must("nft add table inet gatewright; nft 'add chain inet gatewright forward { type filter hook forward priority 0; policy drop; }'")
	text, r = h.differs("gatewright plan 2>/dev/null")
	h.contains(text, "this machine -> gatewright.json: -1 table", "OPENS: table inet gatewright no longer drops what no rule accepts, chain forward")
	if len(r.Opens) != 1 || len(r.Live) != 1 || r.Live[0] != (change.Live{Place: "table inet gatewright", Sign: "-", Kind: "table", Text: "inet gatewright"}) {
		t.Errorf("JSON tells %q, %v", r.Opens, r.Live)
	}
	h.must("nft 'add table inet gatewright { flags dormant; }'") // which drops nothing
	text, r = h.differs("gatewright plan 2>/dev/null")
	h.contains(text, "this machine -> gatewright.json: the same flows; -1 table")
	if len(r.Opens) > 0 {
		t.Errorf("a table that sleeps opens %q", r.Opens)
	}
}

// TestDriftOfThePolicy holds that a policy that was changed by hand is told once, in
// one direction, even beside a rule whose effect is not known.
func TestDriftOfThePolicy(t *testing.T) {
	h := newHost(t)
	h.inMode("enforce")
	h.must("gatewright apply nftables -q -o boot; nft chain inet gatewright output '{ policy accept; }'; nft chain inet gatewright input '{ policy accept; }'")
	for range 2 {
		text, r := h.differs("gatewright drift")
		if strings.Contains(text, "CLOSES: ") || strings.Contains(text, "denies") {
			t.Errorf("drift tells that it closes:\n%s", text)
		}
		h.contains(text, opensInput, opensOutput)
		if len(r.Opens) < 2 || !slices.Equal(r.Opens[:2], []string{opensInput, opensOutput}) {
			t.Errorf("JSON opens %q", r.Opens)
		}
		text, r = h.differs("gatewright plan")
		if len(r.Opens) > 1 || strings.Contains(text, "OPENS: ") {
			t.Errorf("plan, which repairs it, tells that it opens:\n%s", text)
		}
		h.must("nft add rule inet gatewright input tcp dport 22 drop")
	}
	h.must("gatewright apply nftables -q -o boot; nft 'add table inet gatewright { flags dormant; }'")
	text, _ := h.differs("gatewright drift")
	h.contains(text, opensInput, opensOutput, "- inbound, tcp 22, table inet gatewright, chain input")
}

// TestLeftoverChains holds that chains of mode chains are told of as long as rules of
// the site's lead to them, and removed when none does.
func TestLeftoverChains(t *testing.T) {
	h := newHost(t)
	h.inMode("chains")
	h.must("gatewright apply nftables -q -o boot")
	h.must("nft 'add chain inet filter out { type filter hook output priority 0; policy drop; }; add rule inet filter out jump gatewright_outbound'")
	for _, c := range []struct{ mode, options string }{
		{"enforce", ""}, {"mark", ""}, {"chains", ` "table": "inet other",`},
	} {
		h.inMode(c.mode)
		h.must(`sed -i 's/"place": "host"/` + c.options + `&/' gatewright.json`)
		const stays = "table inet filter: it still holds chains of mode chains (3), and rules of yours in chain out lead to them, so that they decide, too. Remove these rules, and apply again: that removes the chains"
		before := h.must("nft -s list table inet filter")
		h.contains(h.must("gatewright apply nftables -o boot"), "gatewright: warning: "+stays)
		h.want("nft -s list table inet filter", before, 0)
		out, status := h.sh("gatewright plan --json 2>said")
		var r change.Diff
		if err := json.Unmarshal([]byte(out), &r); err != nil || status != 0 || !slices.Equal(r.Left, []string{stays}) {
			t.Errorf("mode %s: status %d, %v, left %q", c.mode, status, err, r.Left)
		}
		text, r := h.differs("gatewright drift 2>/dev/null")
		if !slices.Equal(r.Left, []string{stays}) || len(r.Added) != 1 || len(r.Removed) != 0 {
			t.Errorf("mode %s: JSON tells %q, %v, %v", c.mode, r.Left, r.Added, r.Removed)
		}
		h.contains(text, "+ outbound, tcp 443, table inet filter, chain gatewright_outbound", "+ chain table inet filter: gatewright_outbound")
	}
	h.must("nft flush chain inet filter out")
	h.inMode("enforce")
	h.contains(h.must("gatewright plan 2>&1 || :"), "- chain table inet filter: gatewright_outbound")
	h.must("gatewright apply nftables -o boot -q")
	h.want("nft list table inet filter", "table inet filter {\n\tchain out {\n\t\ttype filter hook output priority filter; policy drop;\n\t}\n}\n", 0)
	h.want("gatewright drift", "gatewright.json and this machine: no difference\n", 0)
}

// TestConfirmBringsLeftoversBack holds that a trial brings back what it removed beside.
func TestConfirmBringsLeftoversBack(t *testing.T) {
	h := newHost(t)
	h.inMode("chains")
	h.must("gatewright apply nftables -q -o boot")
	before := h.ruleset()
	h.inMode("enforce")
	h.must("gatewright apply nftables -q -o boot --confirm 1s")
	for end := time.Now().Add(30 * time.Second); h.ruleset() != before && time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
	}
	h.holds("the old rules", before)
}

// TestLeavesIptables holds that what iptables holds is no leftover of nftables.
func TestLeavesIptables(t *testing.T) {
	h := newHost(t)
	h.inMode("chains")
	h.must(`sed 's/nftables/iptables/g' gatewright.json >iptables.json; gatewright apply iptables --site iptables.json -q -o boot`)
	before := h.must("iptables-save | sed '/^#/d'")
	h.inMode("enforce")
	h.must("gatewright apply nftables -q -o boot")
	h.want("iptables-save | sed '/^#/d'", before, 0)
	h.want("gatewright drift", "gatewright.json and this machine: no difference\n", 0)
}

// TestLeftoverOfEnforce holds that a built-in chain that mode enforce owned is neither
// kept nor opened in silence, and that a site's own default-deny is none of ours.
func TestLeftoverOfEnforce(t *testing.T) {
	iptablesHosts(t, func(h *host) {
		const (
			same  = "gatewright.json and this machine: no difference\n"
			input = "chain INPUT of iptables: it still has the policy DROP and 5 rules of mode enforce. If your own rules are to decide there, remove these: iptables -P INPUT ACCEPT; iptables -F INPUT"
			plain = "chain FORWARD of iptables: it has the policy DROP and 4 rules such as mode enforce writes. If they are not yours, remove them: iptables -F FORWARD; iptables -P FORWARD ACCEPT"
		)
		site := func(mode string) {
			h.inMode(mode)
			h.must(`sed -i 's/nftables/iptables/; s/"192.0.2.10"/"192.0.2.10", "2001:db8:f::1"/' gatewright.json`)
		}
		site("enforce")
		h.must("gatewright apply iptables -q -o boot")
		site("chains")
		h.contains(h.must("gatewright apply iptables -o boot"), "gatewright: warning: "+input)
		h.want("iptables -S INPUT | head -1", "-P INPUT DROP\n", 0)
		out, status := h.sh("gatewright plan --json 2>said")
		var r change.Diff
		if err := json.Unmarshal([]byte(out), &r); err != nil || status != 0 || len(r.Left) != 4 || r.Left[0] != input {
			h.Errorf("status %d, %v, left %q", status, err, r.Left)
		}
		h.contains(h.must("cat said"), "gatewright: warning: "+input)
		text, r := h.differs("gatewright drift 2>said")
		if len(r.Left) != 4 || r.Left[0] != input {
			h.Errorf("JSON has left %q", r.Left)
		}
		h.contains(text, "CLOSES: iptables, table filter now drops what no rule accepts, chain INPUT", "+ inbound, tcp 22, iptables, table filter, chain INPUT", "+ policy INPUT of iptables: DROP")

		h.must("iptables -A INPUT -s 198.51.100.7 -j DROP") // of somebody else's
		text, _ = h.sh("gatewright drift 2>&1")
		if want := "5 rules of mode enforce. If your own rules are to decide there, remove these: iptables -P INPUT ACCEPT; iptables -D INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT; "; !strings.Contains(text, want) {
			h.Errorf("%q is missing in\n%s", want, text)
		}
		h.must("for p in iptables ip6tables; do for c in INPUT OUTPUT; do $p -P $c ACCEPT; $p -F $c; done; done; iptables -P FORWARD DROP; iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT; iptables -A FORWARD -s 192.0.2.99 -p tcp --dport 22 -j ACCEPT; iptables -A FORWARD -j gatewright_outbound; iptables -A OUTPUT -j gatewright_outbound; ip6tables -A OUTPUT -j gatewright_outbound")
		h.want("gatewright drift", same, 0)

		h.must("iptables -F FORWARD; iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT; iptables -A FORWARD -m conntrack --ctstate INVALID -j DROP; iptables -A FORWARD -j gatewright_outbound; iptables -A FORWARD -j gatewright_inbound")
		h.want("gatewright drift", "gatewright: warning: "+plain+"\n"+same, 0)
		h.must("iptables -I FORWARD -p icmp -j ACCEPT") // so that it is the site's own
		h.want("gatewright drift", same, 0)
	})
}

// TestTellsOfMarksThatGo holds that what chains of mode mark mark is told as flows when
// another mode empties them.
func TestTellsOfMarksThatGo(t *testing.T) {
	iptablesHosts(t, func(h *host) {
		site := func(mode string) {
			h.inMode(mode)
			h.must(`sed -i 's/nftables/iptables/' gatewright.json`)
		}
		site("mark")
		h.must("gatewright apply iptables -q -o boot; iptables -t mangle -A OUTPUT -j gatewright_output")
		site("chains")
		text, _ := h.differs("gatewright plan 2>/dev/null")
		h.contains(text, "- outbound, tcp 443, iptables, table mangle, chain gatewright_outbound, mark 0x10000")
	})
}

// TestTablesOfBothFamilies holds that what one output wrote into a table of ip is nothing
// that another one, in a table of ip6, takes for its own of earlier.
func TestTablesOfBothFamilies(t *testing.T) {
	h := newHost(t)
	h.site(map[string][]string{"one": {"203.0.113.0/28", "2001:db8:1::/64"}})
	h.must(`sed -i 's/"enforce"/"chains"/; s/, "admin": [^]]*]//; s/"192.0.2.10"/"192.0.2.10", "2001:db8::10"/' gatewright.json`)
	const ip, ip6 = " --set 'nftables.table=ip mine'", " --set 'nftables.table=ip6 mine'"
	h.must("gatewright apply nftables -q -o boot" + ip)
	before := h.must("nft list table ip mine")
	h.must("gatewright apply nftables -q -o boot6" + ip6)
	if now := h.must("nft list table ip mine"); now != before {
		t.Errorf("the table of IPv4 changed:\n%s", now)
	}
	for _, table := range []string{ip, ip6} {
		h.want("gatewright drift nftables -q"+table, "", 0)
	}
}
