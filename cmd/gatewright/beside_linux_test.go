package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatewright/cmd/gatewright/internal/report"
)

// dockerRules are in the manner of those that Docker loads for a bridge with a
// published port.
const dockerRules = `*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
*filter
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-USER -j RETURN
COMMIT
`

// banSSH has fail2ban ban what a log names, by BAN.
const banSSH = `[DEFAULT]
banaction = BAN
backend = polling
[sshd]
enabled = true
logpath = /run/auth.log
`

// ownTable is a site's own ruleset as Debian's /etc/nftables.conf starts one.
const ownTable = `#!/usr/sbin/nft -f
flush ruleset
table inet filter {
	chain input {
		type filter hook input priority filter; policy accept;
		tcp dport 8080 accept
	}
}
`

// starts runs a program on the host until the test ends, and waits until a line of
// shell succeeds.
func (h *host) starts(until string, args ...string) {
	h.Helper()
	program := h.command(args...)
	if err := program.Start(); err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { program.Process.Kill(); program.Wait() })
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if _, status := h.sh(until); status == 0 {
			return
		}
		if time.Now().After(end) {
			h.Fatalf("%s does not start", args[0])
		}
	}
}

// startOthers has ufw, firewalld, fail2ban and Docker's rules on the host; backend is
// firewalld's, and ban the action by which fail2ban bans an address.
func (h *host) startOthers(backend, ban string) {
	h.Helper()
	h.writes("docker.rules", dockerRules)
	h.writes("jail.local", strings.Replace(banSSH, "BAN", ban, 1))
	h.must(`set -e; mkdir -p /run/lock /run/dbus /run/fail2ban; touch /run/auth.log
for dir in /etc/ufw /etc/fail2ban /etc/firewalld /var/lib/fail2ban; do mkdir -p beside$dir; cp -r $dir/. beside$dir; mount --bind beside$dir $dir; done
cp jail.local /etc/fail2ban/jail.d/; sed -i s/^FirewallBackend=.*/FirewallBackend=` + backend + `/ /etc/firewalld/firewalld.conf`)
	h.starts("test -S /run/dbus/system_bus_socket", "dbus-daemon", "--system", "--nofork", "--nopidfile")
	h.starts("firewall-cmd --state", "firewalld", "--nofork", "--nopid") // and flushes what iptables holds
	h.must("iptables-restore --noflush docker.rules; ufw allow 22/tcp; ufw --force enable")
	h.starts("fail2ban-client -s /run/fail2ban/socket ping", "fail2ban-server", "-f", "-s", "/run/fail2ban/socket", "-p", "/run/fail2ban/pid", "--logtarget", "/run/fail2ban/log", "--syslogsocket", "none", "start")
	h.must("fail2ban-client -s /run/fail2ban/socket set sshd banip 198.51.100.9; until { nft list ruleset; ipset save; } | grep -q 198.51.100.9; do sleep 0.1; done")
}

const reloadBans = "fail2ban-client -s /run/fail2ban/socket reload"

var ourTable = regexp.MustCompile(`(?ms)^table inet gatewright \{.*?^\}\n`)

// others are the rules of everybody else.
func (h *host) others() string { return ourTable.ReplaceAllString(h.must("nft -s list ruleset"), "") }

// TestApplyBesideOthers has ufw, firewalld, fail2ban, Docker's rules and a table of the
// site's own on one machine: apply changes none of theirs, and their reloads none of
// ours. What flushes all rules is told as drift, and made good.
func TestApplyBesideOthers(t *testing.T) {
	h := newHost(t)
	h.writes("own.nft", ownTable)
	h.must("nft -f own.nft")
	h.startOthers("nftables", "nftables[type=multiport]")
	before := h.others()
	for _, theirs := range []string{"table inet filter {", "table inet firewalld {", "table inet f2b-table {", "chain ufw-user-input", "chain DOCKER-USER", "198.51.100.9"} {
		if !strings.Contains(before, theirs) {
			t.Fatalf("%q is not there:\n%s", theirs, before)
		}
	}

	h.site(map[string][]string{"one": {"203.0.113.0/28"}})
	h.must("gatewright apply nftables -q -o boot")
	h.site(map[string][]string{"two": {"203.0.113.64/28"}, "one": {"203.0.113.0/28"}})
	h.must("gatewright apply nftables -q -o boot")
	if after := h.others(); after != before {
		t.Errorf("apply changed rules of others:\n%s", report.Unified("others", []byte(before), []byte(after)))
	}
	included := strings.Replace(ownTable, "flush ruleset", "table inet filter\ndelete table inet filter\ninclude \""+filepath.Join(h.dir, "boot", "gatewright.nft")+"\"", 1)
	h.writes("own.nft", included)
	for _, reload := range []string{"ufw reload", "firewall-cmd --reload", reloadBans, "iptables-restore --noflush docker.rules",
		"iptables-restore docker.rules", "nft -f own.nft"} {
		h.must(reload)
		h.want("gatewright drift", "gatewright.json and this machine: no difference\n", 0)
	}
	h.writes("own.nft", ownTable)
	h.must("nft -f own.nft")
	h.want("gatewright drift -q", "", exitDifferent)
	h.must("gatewright apply nftables -q -o boot && gatewright drift -q")
	if !strings.Contains(h.others(), "tcp dport 8080 accept") {
		t.Error("apply changed the site's own table")
	}
}

// TestDriftOfForeignRules holds that a rule of somebody else's among ours is told by
// what it opens or, where that is not known, as unknown, and never as the same flows.
func TestDriftOfForeignRules(t *testing.T) {
	h := newHost(t)
	h.site(map[string][]string{"one": {"203.0.113.0/28"}})
	h.must("gatewright apply nftables -q -o boot && nft add chain inet gatewright evil && nft add rule inet gatewright evil accept")
	for _, foreign := range []string{"counter accept", "ip daddr 8.8.8.8 counter accept", "meta l4proto tcp counter accept", "ct state new accept", "log accept", "limit rate 1000/second accept",
		"jump evil", "goto evil", `iifname "eth*" accept`, "tcp dport != 25 accept", "ip protocol tcp accept", "fib daddr type local accept", "meta skuid 0 accept", "drop", "accept", "ip daddr 8.8.8.8 accept", "tcp dport 25 accept"} {
		for _, chain := range []string{"gatewright_outbound", "output"} {
			h.must("nft insert rule inet gatewright " + chain + " " + foreign)
			out, status := h.sh("gatewright drift")
			if status != exitDifferent || strings.Contains(out, "the same flows") || !strings.Contains(out, "OPENS: ") && !strings.Contains(out, "UNKNOWN: ") && !strings.Contains(out, "newly accepted") && !strings.Contains(out, "no longer accepted") {
				t.Errorf("%s in %s: status %d\n%s", foreign, chain, status, out)
			}
			h.must("nft delete rule inet gatewright " + chain + " handle $(nft -a list chain inet gatewright " + chain + " | sed -n '/handle/{/chain/d; /hook/d; s/.*handle //p; q}')")
		}
	}
	h.must("nft delete chain inet gatewright evil && gatewright drift -q")
}
