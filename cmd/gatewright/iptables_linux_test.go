package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// iptablesHosts runs a test on a host for each variant of iptables, as what the host
// calls so.
func iptablesHosts(t *testing.T, test func(*host)) {
	for _, variant := range []string{"nft", "legacy"} {
		t.Run(variant, func(t *testing.T) {
			h := newHost(t)
			h.must("cp -a /etc/alternatives . && for p in iptables ip6tables; do for a in '' -save -restore; do ln -sfn /usr/sbin/$p-" + variant + "$a alternatives/$p$a; done; done && mount --bind alternatives /etc/alternatives")
			test(h)
		})
	}
}

// iptablesSite is site for iptables.
func (h *host) iptablesSite(entries map[string][]string) {
	h.Helper()
	h.site(entries)
	h.must(`sed -i 's/nftables/iptables/; s/"192.0.2.10"/"192.0.2.10", "2001:db8:f::1"/' gatewright.json`)
}

// family is what the tools print of one family's rules, and of all sets, without counts
// and what changes by itself.
func (h *host) family(program string) string {
	h.Helper()
	return h.must(program + `-save | sed '/^#/d; s/\[.*\]//'; for s in $(` + program + `-save | grep -o 'gw_[a-z0-9]*-[a-z0-9]*_[0-9a-f]* ' | sort -u); do ipset save $s | sed 's/ hashsize.*//' | sort; done`)
}

// manyPrefixes is more than a tree has in its rules.
func manyPrefixes(first int) (out []string) {
	for i := first; i < first+10_100; i++ {
		out = append(out, fmt.Sprintf("20.%d.%d.0/28", i>>8, i&255))
	}
	return out
}

// TestApplyIptables takes a machine from nothing to a site and to the next one.
func TestApplyIptables(t *testing.T) {
	iptablesHosts(t, func(h *host) {
		const place = "table filter of iptables and ip6tables: "
		h.must("iptables -A FORWARD -s 192.0.2.99 -j DROP")
		h.iptablesSite(map[string][]string{"one": {"203.0.113.0/28"}, "two": {"203.0.113.64/28", "2001:db8::/64"}})
		h.want("gatewright plan iptables -q", "", 1)
		h.want("gatewright apply iptables -o boot", place+"changed: -4 policies, +4 policies, +41 rules, +9 chains\n", 0)
		h.want("gatewright drift iptables", "gatewright.json and this machine: no difference\n", 0)
		h.must("gatewright generate iptables -q -o want")
		h.same("want/gatewright.iptables", "boot/gatewright.iptables")
		h.same("want/gatewright.ip6tables", "boot/gatewright.ip6tables")
		h.iptablesSite(map[string][]string{"one": {"203.0.113.0/28", "203.0.113.32/28"}, "two": {"203.0.113.64/28", "2001:db8::/64"}})
		h.want("gatewright apply iptables -o boot", place+"changed: +1 rule\n", 0)
		h.want("gatewright apply iptables -o boot", place+"nothing to change\n", 0)
		h.must("iptables -A gatewright_outbound -d 198.51.100.9 -p tcp --dport 25 -j ACCEPT")
		h.want("gatewright drift iptables", `gatewright.json -> this machine: 1 prefix newly accepted; +1 rule
OPENS: any IPv4 address to 198.51.100.9, tcp 25, iptables, table filter, chain OUTPUT and gatewright_outbound (1 rule)

newly accepted: 1 prefix in 1 rule
+ outbound, tcp 25, iptables, table filter, chain OUTPUT and gatewright_outbound
    for local any IPv4 address:
+     198.51.100.9

statements to add and remove: +1 rule
+ rule gatewright_outbound of iptables: -d 198.51.100.9/32 -p tcp -m tcp --dport 25 -j ACCEPT
`, 1)
		before := h.family("iptables")
		h.want("SSH_CONNECTION='203.0.113.9 50000 192.0.2.10 22' gatewright apply iptables -o boot", "gatewright: error: "+place+
			"under the new rules, your SSH session from 203.0.113.9 to 192.0.2.10:22 could not be opened again; allow it, for example with --set 'iptables.admin=203.0.113.9 tcp 22'; nothing was changed\n", exitFailed)
		if after := h.family("iptables"); after != before {
			h.Errorf("what was refused changed rules:\n%s", after)
		}
		h.must("gatewright apply iptables -q -o boot")
		before = h.family("iptables") + h.family("ip6tables")
		h.must("for c in INPUT OUTPUT gatewright_outbound; do iptables -F $c; ip6tables -F $c; done\n" + bootLines(h.T))
		if after := h.family("iptables") + h.family("ip6tables"); after != before {
			h.Errorf("boot loads other rules than apply made:\n%s\nwant\n%s", after, before)
		}
	})
}

// bootLines are what the unit for boot runs, with the folder boot.
func bootLines(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "examples", "debian", "usr", "lib", "systemd", "system", "gatewright-boot-iptables.service"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if command, ok := strings.CutPrefix(line, "ExecStart="); ok {
			lines = append(lines, strings.ReplaceAll(command, "/etc/gatewright", "boot"))
		}
	}
	if len(lines) != 3 {
		t.Fatalf("%d commands: %q", len(lines), lines)
	}
	return strings.Join(lines, "")
}

// TestUnconfirmedIptables holds that the old rules and sets come back, and that a
// confirmation keeps the new ones.
func TestUnconfirmedIptables(t *testing.T) {
	iptablesHosts(t, func(h *host) {
		all := func() string { return h.family("iptables") + h.family("ip6tables") + h.must("ipset list -n") }
		h.iptablesSite(map[string][]string{"one": append(manyPrefixes(0), "2001:db8::/64")})
		h.must("gatewright apply iptables -q -o boot")
		before := all()
		h.iptablesSite(map[string][]string{"one": append(manyPrefixes(7), "2001:db8:1::/64")})
		h.must("gatewright apply iptables -q -o boot --confirm 5s </dev/null")
		if all() == before {
			h.Fatal("nothing was changed")
		}
		for end := time.Now().Add(time.Minute); all() != before; time.Sleep(200 * time.Millisecond) {
			if time.Now().After(end) {
				h.Fatalf("the old rules did not come back:\n%.3000s", all())
			}
		}
		for end := time.Now().Add(time.Minute); h.must("ls /run/gatewright/*") != "lock\noutcome\nwatcher\n"; time.Sleep(100 * time.Millisecond) {
			if time.Now().After(end) {
				h.Fatal(h.must("ls /run/gatewright/*"))
			}
		}
		h.must("gatewright apply iptables -q -o boot --confirm 100s </dev/null && gatewright confirm && gatewright drift iptables")
	})
}

// TestKilledApplyOfIptables kills apply at random moments: each family then has the old
// or the new rules, and a later apply mends what is left.
func TestKilledApplyOfIptables(t *testing.T) {
	kills := 6
	if os.Getenv("GATEWRIGHT_PROVE") == "all" {
		kills = 100
	}
	iptablesHosts(t, func(h *host) {
		sites := []map[string][]string{
			{"one": append(manyPrefixes(0), "2001:db8::/64"), "two": {"203.0.113.64/28"}},
			{"one": append(manyPrefixes(5), "2001:db8:1::/64"), "two": {"203.0.113.0/28"}},
		}
		var held [2]map[string]string
		var whole time.Duration
		for i, site := range sites {
			h.iptablesSite(site)
			start := time.Now()
			h.must("gatewright apply iptables -q -o boot --max-shrink 100")
			whole = time.Since(start)
			held[i] = map[string]string{"iptables": h.family("iptables"), "ip6tables": h.family("ip6tables")}
		}
		r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
		killed, mixed := 0, 0
		for i := 0; killed < kills && i < 4*kills; i++ {
			h.iptablesSite(sites[i%2])
			cmd := h.command("gatewright", "apply", "iptables", "-q", "-o", "boot", "--max-shrink", "100")
			if err := cmd.Start(); err != nil {
				h.Fatal(err)
			}
			time.AfterFunc(time.Duration(r.Int64N(int64(whole))), func() { cmd.Process.Kill() })
			if err := cmd.Wait(); err == nil {
				continue
			} else if status := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() {
				h.Fatal(err)
			}
			killed++
			found := ""
			for _, program := range []string{"iptables", "ip6tables"} {
				switch rules := h.family(program); rules {
				case held[0][program]:
					found += "0"
				case held[1][program]:
					found += "1"
				default:
					h.Fatalf("killed, %s has neither the old nor the new rules:\n%.2000s", program, rules)
				}
			}
			if found == "01" || found == "10" {
				mixed++
			}
			h.must("gatewright apply iptables -q -o boot --max-shrink 100")
			if rules := h.family("iptables"); rules != held[i%2]["iptables"] {
				h.Fatalf("not mended:\n%.2000s", rules)
			}
			if sets := strings.Fields(h.must("ipset list -n")); len(sets) != 1 {
				h.Fatalf("sets are left: %q", sets)
			}
		}
		h.Logf("proved: %d of apply killed within %v; %d times one family had changed and the other had not", killed, whole, mixed)
	})
}

// TestTwoAppliesOfIptables starts two at once: both end as they should, or one says
// that it must wait.
func TestTwoAppliesOfIptables(t *testing.T) {
	iptablesHosts(t, func(h *host) {
		h.iptablesSite(map[string][]string{"one": append(manyPrefixes(0), "2001:db8::/64")})
		h.must("mkdir other; cp own.json gatewright.json other; sed -i s/2001:db8:/2001:db9:/ other/own.json")
		h.must("gatewright apply iptables -q -o boot")
		var all []*exec.Cmd
		for _, dir := range []string{".", "other"} {
			cmd := h.command("sh", "-c", "cd "+dir+"; for i in 1 2 3; do gatewright apply iptables -q -o boot 2>&1; done")
			all = append(all, cmd)
		}
		said := make(chan string)
		for _, cmd := range all {
			go func() { out, _ := cmd.CombinedOutput(); said <- string(out) }()
		}
		for line := range strings.Lines(<-said + <-said) {
			if line != "gatewright: error: another apply or confirm is running here; wait for it to end\n" {
				h.Errorf("said %q", line)
			}
		}
		a, _ := h.sh("gatewright drift iptables -q; echo $?; cd other; gatewright drift iptables -q; echo $?")
		if a != "0\n1\n" && a != "1\n0\n" {
			h.Errorf("of two policies neither or both run: %q", a)
		}
	})
}
