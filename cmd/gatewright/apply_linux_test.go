package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatewright/cmd/gatewright/internal/report"
)

// TestApply takes a machine from nothing to a site and to the next one: plan tells what
// apply then does, counts go on, and drift finds nothing.
func TestApply(t *testing.T) {
	h := newHost(t)
	h.site(map[string][]string{"one": {"203.0.113.0/28"}, "two": {"203.0.113.64/28"}})
	h.want("gatewright apply nftables -o boot --dry-run | head -1",
		"this machine -> gatewright.json: 3 prefixes newly accepted; +1 table, +9 chains, +20 rules, +1 set, +3 elements, +1 map, +6 counters\n", 0)
	if rules := h.ruleset(); rules != "\n" {
		t.Errorf("--dry-run changed rules:\n%s", rules)
	}
	h.want("gatewright apply nftables -o boot", "table inet gatewright: changed: +1 table, +9 chains, +20 rules, +1 set, +3 elements, +1 map, +6 counters\n", 0)
	h.want("gatewright drift", "gatewright.json and this machine: no difference\n", 0)
	h.must("gatewright generate nftables -q -o want")
	h.same("want/gatewright.nft", "boot/gatewright.nft")
	h.must("ip addr add 192.0.2.10 dev lo; ip addr add 203.0.113.1 dev lo; ip addr add 203.0.113.65 dev lo; (</dev/tcp/203.0.113.1/443) 2>&1 || :")

	h.site(map[string][]string{"one": {"203.0.113.0/28", "203.0.113.32/28"}, "two": {"203.0.113.64/28"}})
	h.want("gatewright plan --json | grep -c element", "1\n", 0)
	h.want("gatewright plan -q", "", 1)
	h.want("gatewright apply nftables -o boot", "table inet gatewright: changed: +1 element\n", 0)
	h.want("gatewright apply nftables -o boot", "table inet gatewright: nothing to change\n", 0)
	h.want("gatewright plan -q", "", 0)
	before := h.ruleset()
	h.must("nft flush ruleset && nft -f boot/gatewright.nft")
	if after := h.ruleset(); after != before {
		t.Errorf("boot loads other rules than apply made:\n%s", report.Unified("rules", []byte(before), []byte(after)))
	}
}

// TestApplyTellsOfMissingJumps holds that rules that no packet meets are told of until
// a rule of the site's leads there.
func TestApplyTellsOfMissingJumps(t *testing.T) {
	h := newHost(t)
	h.site(map[string][]string{"one": {"203.0.113.0/28"}})
	h.must(`sed -i 's/"enforce"/"chains"/; s/, "admin": [^]]*]//' gatewright.json`)
	const (
		same  = "gatewright.json and this machine: no difference\n"
		unled = "gatewright: warning: table inet filter: no rule of yours jumps to gatewright_outbound, so no packet meets the rules there; the first lines of the generated file show the jumps\n"
	)
	h.want("gatewright plan nftables 2>&1 >planned || :", unled, 0)
	h.want("gatewright apply nftables -o boot", unled+"table inet filter: changed: +1 table, +3 chains, +2 rules, +2 sets, +2 elements, +1 counter\n", 0)
	h.want("gatewright apply nftables -o boot", unled+"table inet filter: nothing to change\n", 0)
	h.must("nft 'add chain inet filter other; add chain inet filter mine; add rule inet filter mine jump other'")
	h.want("gatewright drift", unled+same, 0)
	for _, rule := range []string{
		"oifname wan jump gatewright_outbound", "ct state new goto gatewright_outbound", "meta l4proto vmap { tcp : jump gatewright_outbound }",
	} {
		h.must("nft add rule inet filter mine '" + rule + "'")
		h.want("gatewright drift", same, 0)
		h.must("nft flush chain inet filter mine")
		h.want("gatewright drift", unled+same, 0)
	}
	h.must("gatewright apply nftables -q -o boot --set nftables.mode=enforce --set 'nftables.admin=198.51.100.0/24 tcp 22'")
	h.want("gatewright drift --set nftables.mode=enforce --set 'nftables.admin=198.51.100.0/24 tcp 22'", same, 0)
}

// TestApplyKeepsCounts holds that rules that stay go on counting.
func TestApplyKeepsCounts(t *testing.T) {
	h := newHost(t)
	h.site(map[string][]string{"one": {"203.0.113.0/28"}})
	h.must("gatewright apply nftables -q -o boot")
	h.must("ip link add out type bridge && ip addr add 192.0.2.10/24 dev out && ip link set out up && ip route add default via 192.0.2.1 && ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev out")
	h.must("timeout 0.2 bash -c '</dev/tcp/203.0.113.1/443' 2>&1 || :")
	const counted = "nft list counters table inet gatewright | grep -A1 gatewright_one | grep -o 'packets [0-9]*'"
	h.want(counted, "packets 1\n", 0)
	h.site(map[string][]string{"one": {"203.0.113.0/28"}, "two": {"203.0.113.64/28"}})
	h.must("gatewright apply nftables -q -o boot")
	h.want(counted, "packets 1\n", 0)
}

// TestApplyRefuses holds that what is refused changes nothing.
func TestApplyRefuses(t *testing.T) {
	h := newHost(t)
	four := map[string][]string{"one": {"203.0.113.0/28"}, "two": {"203.0.113.64/28"}, "three": {"203.0.113.128/28"}, "four": {"203.0.113.192/28"}}
	h.site(four)
	h.must("gatewright apply nftables -q -o boot")
	before := h.ruleset()
	const e = "gatewright: error: "
	for _, c := range []struct {
		entries     map[string][]string
		lines, want string
		status      int
	}{
		{map[string][]string{"one": {"www.example.com"}}, "gatewright apply nftables -o boot",
			e + "table inet gatewright: the site's policy has no rule for this machine, so nothing would be accepted; check the selection and the bindings; nothing was changed\n", exitFailed},
		{map[string][]string{"one": four["one"], "two": four["two"], "three": four["three"]}, "gatewright apply nftables -o boot",
			e + "table inet gatewright: 1 of 4 ranges of remote addresses would be removed, more than the 20 % that --max-shrink allows; if this is meant, use --max-shrink 25; nothing was changed\n", exitFailed},
		{map[string][]string{"one": {"203.0.113.0/24"}}, "gatewright apply nftables -o boot",
			e + "table inet gatewright: the remote addresses of IPv4 would grow by 300 %, more than the 100 % that --max-growth allows; if this is meant, use --max-growth 300; nothing was changed\n", exitFailed},
		{four, "SSH_CONNECTION='203.0.113.9 50000 192.0.2.10 22' gatewright apply nftables -o boot --set 'nftables.admin=198.51.100.0/25 tcp 22'",
			e + "table inet gatewright: under the new rules, your SSH session from 203.0.113.9 to 192.0.2.10:22 could not be opened again; allow it, for example with --set 'nftables.admin=203.0.113.9 tcp 22'; nothing was changed\n", exitFailed},
		{four, "SSH_CONNECTION='203.0.113.9 50000 192.0.2.10 22' sh -c 'env -i PATH=$PATH GATEWRIGHT_TEST_AS_TOOL=1 gatewright apply nftables -o boot --set \"nftables.admin=198.51.100.0/25 tcp 22\"; exit $?'",
			e + "table inet gatewright: under the new rules, your SSH session from 203.0.113.9 to 192.0.2.10:22 could not be opened again; allow it, for example with --set 'nftables.admin=203.0.113.9 tcp 22'; nothing was changed\n", exitFailed},
		{four, "SSH_CONNECTION='198.51.100.9 50000 192.0.2.10 2222' gatewright apply nftables -o boot --set 'nftables.admin=198.51.100.0/25 tcp 22'",
			e + "table inet gatewright: under the new rules, your SSH session from 198.51.100.9 to 192.0.2.10:2222 could not be opened again; allow it, for example with --set 'nftables.admin=198.51.100.9 tcp 2222'; nothing was changed\n", exitFailed},
		{four, "flock /run/gatewright/*/lock gatewright apply nftables -o boot",
			e + "another apply or confirm is running here; wait for it to end\n", exitFailed},
		{four, "setpriv --reuid 65534 --clear-groups gatewright apply nftables -o boot --netns missing",
			e + "network namespace /run/netns/missing: open /run/netns/missing: no such file or directory\n", exitFailed},
		{four, "gatewright apply nftables --netns ../x", e + "--netns \"../x\": expect a name as `ip netns list` shows it\n", exitUsage},
		{four, "mkdir -p empty && cd empty && gatewright apply nftables",
			e + "apply: no gatewright.json in this folder; run the command in the site's folder, or name the file with --site\n", exitUsage},
		{four, "cd empty && gatewright drift nftables",
			e + "drift: no gatewright.json in this folder; run the command in the site's folder, or name the file with --site\n", exitUsage},
		{four, "gatewright apply", e + "apply: no generator; name what to change, such as `gatewright apply nftables`\n", exitUsage},
		{four, "gatewright apply trusted-sites", e + "apply: the output of trusted-sites cannot be applied on this machine; expect one of nftables, iptables, pac, squid\n", exitUsage},
		{four, "gatewright apply nftables -o -", e + "apply: -o - is not a folder; name the folder that is loaded at boot, or omit -o\n", exitUsage},
		{four, "gatewright apply nftables --max-shrink 101", e + "apply: --max-shrink 101: expect 0 to 100 percent\n", exitUsage},
		{four, "gatewright apply nftables --max-growth -1", e + "apply: --max-growth -1: expect 0 percent or more\n", exitUsage},
	} {
		h.site(c.entries)
		h.want(c.lines, c.want, c.status)
	}
	if after := h.ruleset(); after != before {
		t.Errorf("something that was refused changed the rules:\n%s", report.Unified("rules", []byte(before), []byte(after)))
	}
	h.site(four)
	h.want("SSH_CONNECTION='198.51.100.9 50000 192.0.2.10 22' gatewright apply nftables -o boot --set 'nftables.admin=198.51.100.0/25 tcp 22'",
		"table inet gatewright: changed: -1 rule, +1 rule\n", 0)
	h.site(map[string][]string{"one": {"203.0.113.0/24"}})
	h.want("gatewright apply nftables -o boot --dry-run 2>&1 >dry",
		"gatewright: warning: apply would refuse this: table inet gatewright: the remote addresses of IPv4 would grow by 300 %, more than the 100 % that --max-growth allows; if this is meant, use --max-growth 300\n", 1)
}

// TestApplyWithoutBoot holds that rules that boot could not load do not run either.
func TestApplyWithoutBoot(t *testing.T) {
	h := newHost(t)
	h.site(map[string][]string{"one": {"203.0.113.0/28"}})
	h.must("mkdir boot && echo mine >mine && ln -s ../mine boot/gatewright.nft")
	for _, flags := range []string{"", " --confirm 60s"} {
		h.want("gatewright apply nftables -o boot"+flags, "gatewright: error: the rules would not be loaded at boot, so nothing was changed: DIR/boot: gatewright.nft is in the way: it is not a regular file; remove it, or write elsewhere\n", exitFailed)
	}
	if rules := h.ruleset(); rules != "\n" {
		t.Errorf("what boot cannot load runs:\n%s", rules)
	}
	h.want("ls -A boot; cat mine", "gatewright.nft\nmine\n", 0)
}

// TestApplyOfSeveralRefuses holds that one output that is refused keeps those before it
// from being changed, too.
func TestApplyOfSeveralRefuses(t *testing.T) {
	h := newHost(t)
	h.site(map[string][]string{"one": {"203.0.113.0/28"}})
	h.must("gatewright apply iptables -q -o boot")
	h.site(map[string][]string{"one": {"203.0.113.0/24"}})
	out, status := h.sh("gatewright apply nftables iptables -o boot")
	if status != exitFailed || !strings.Contains(out, "would grow by") || !strings.HasSuffix(out, "; nothing was changed\n") || strings.Contains(out, "changed: ") {
		t.Errorf("status %d\n%s", status, out)
	}
	if want := "gatewright: warning: nftables and iptables both decide about each packet: what one of them drops, the other cannot accept; a machine needs one, so apply one of them\n"; !strings.HasPrefix(out, want) {
		t.Errorf("apply begins with\n%s\nwant\n%s", out, want)
	}
	h.want("nft list tables | grep -c gatewright; ls boot", "0\ngatewright.ip6tables\ngatewright.ipset\ngatewright.iptables\n", 0)
}

// TestApplyOfSeveralFails holds that where a later output fails boot loads what was
// changed before it, and that nobody says that nothing was.
func TestApplyOfSeveralFails(t *testing.T) {
	h := newHost(t)
	h.site(map[string][]string{"one": {"203.0.113.0/28"}})
	h.must(`printf '#!/bin/sh\nexit 9\n' >iptables-restore && chmod +x iptables-restore`)
	out, status := h.sh("gatewright apply nftables iptables -o boot")
	if status != exitFailed || !strings.Contains(out, "table inet gatewright: changed: ") || !strings.HasSuffix(out, "; what was changed before stays: nftables\n") {
		t.Errorf("status %d\n%s", status, out)
	}
	h.want("ls boot; gatewright drift nftables -q", "gatewright.nft\n", 0)
	out, _ = h.sh("gatewright apply nftables pac -o boot --set pac.dir=/proc/nodir")
	if !strings.Contains(out, "table inet gatewright: nothing to change\n") || !strings.HasSuffix(out, "; nothing was changed\n") {
		t.Errorf("what was changed by an earlier apply is told:\n%s", out)
	}
	h.must("gatewright apply nftables -q -o boot --set 'nftables.admin=198.51.100.0/25 tcp 22'")
	out, _ = h.sh("gatewright apply nftables pac -o boot --set pac.dir=/proc/nodir")
	if !strings.HasSuffix(out, "; what was changed before stays: nftables\n") {
		t.Errorf("apply ends with\n%s", out)
	}
}

// TestPlanWithoutRights holds that reading and comparing need no more than the kernel
// asks for.
func TestPlanWithoutRights(t *testing.T) {
	h := newHost(t)
	h.site(map[string][]string{"one": {"203.0.113.0/28"}})
	h.want("setpriv --reuid 65534 --clear-groups unshare -Urn "+filepath.Join(h.dir, "gatewright")+" plan -q", "", exitDifferent)
	out, status := h.sh("setpriv --reuid 65534 --clear-groups gatewright plan")
	if want := "gatewright: error: nftables: table inet gatewright in the kernel: operation not permitted; this takes root\n"; out != want || status != exitFailed {
		t.Errorf("status %d\n%s", status, out)
	}
	if _, err := os.Stat(filepath.Join(h.dir, "boot")); !os.IsNotExist(err) {
		t.Error("plan wrote a folder", err)
	}
	if out, _ := h.sh("ls /run"); strings.Contains(out, "gatewright") {
		t.Error("plan left something in /run: ", out)
	}
}
