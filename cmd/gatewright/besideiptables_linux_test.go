package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatewright/cmd/gatewright/internal/report"
)

// jumps are a site's own to our chains, in every mode that has any: beside ufw's and
// Docker's.
var jumps = map[string]string{
	"chains": "iptables -I OUTPUT -j gatewright_outbound; ip6tables -I OUTPUT -j gatewright_outbound; iptables -I DOCKER-USER -j gatewright_outbound\n",
	"mark":   "iptables -t mangle -I OUTPUT -j gatewright_output; ip6tables -t mangle -I OUTPUT -j gatewright_output; iptables -I OUTPUT -m mark --mark 0x10000/0x10000 -j ACCEPT\n",
}

// What removes our rules, or brings earlier ones back.
const (
	flushFilter  = "iptables -F; ip6tables -F"
	flushAll     = "for t in filter mangle; do for p in iptables ip6tables; do $p -t $t -F; $p -t $t -X; done; done; ipset list -n | grep gw_ | xargs -rn1 ipset destroy"
	reloadZones  = "firewall-cmd --reload" // which flushes what iptables holds
	restoreOwn   = "iptables-restore docker.rules"
	restoreSaved = "iptables-restore saved4; ip6tables-restore saved6" // as netfilter-persistent does
)

var (
	ourLines     = regexp.MustCompile(`(?m)^(:|-A |create |add )(gw_|gatewright_).*\n`)
	builtInLines = regexp.MustCompile(`(?m)^(:|-A )(INPUT|OUTPUT) .*\n`)
)

// otherIptables is what the tools print of everybody else's, but for what changes by
// itself. Enforce owns the built-in chains of table filter.
func (h *host) otherIptables(mode string) string {
	h.Helper()
	s := h.must(`for p in iptables ip6tables; do for t in nat mangle filter; do $p-save -t $t; done; done | sed '/^#/d; s/ \[.*\]//'; ipset save | sed 's/ hashsize.*//; s/ timeout .*//' | sort`)
	tables := strings.SplitAfter(ourLines.ReplaceAllString(s, ""), "COMMIT\n")
	for i := range tables {
		if mode == "enforce" && strings.HasPrefix(tables[i], "*filter") {
			tables[i] = builtInLines.ReplaceAllString(tables[i], "")
		}
	}
	return strings.Join(tables, "")
}

// sameOthers holds that lines of shell change nothing of everybody else's.
func (h *host) sameOthers(mode, lines string) {
	h.Helper()
	before := h.otherIptables(mode)
	h.must(lines)
	if after := h.otherIptables(mode); after != before {
		h.Errorf("%s, mode %s: changed rules of others:\n%s", lines, mode, report.Unified("others", []byte(before), []byte(after)))
	}
}

// TestApplyIptablesBesideOthers has ufw, firewalld, fail2ban, with sets of its own, and
// Docker's rules on one machine: in every mode apply changes none of theirs, and their
// reloads none of ours, but for those that they flush or that stand in chains that they
// share with enforce. Whatever goes is told as drift, and made good.
func TestApplyIptablesBesideOthers(t *testing.T) {
	iptablesHosts(t, func(h *host) {
		h.Parallel()
		backend := "nftables"
		if strings.HasSuffix(h.Name(), "legacy") {
			backend = "iptables"
		}
		h.startOthers(backend, "iptables-ipset-proto6")
		for _, theirs := range []string{"-j ufw-before-input", "-j DOCKER-USER", "--to-destination 172.17.0.2:80", "--match-set f2b-sshd", "add f2b-sshd 198.51.100.9"} {
			if !strings.Contains(h.otherIptables(""), theirs) {
				h.Fatalf("%q is not there:\n%s", theirs, h.otherIptables(""))
			}
		}
		h.must("iptables-save -t filter >theirs4; ip6tables-save -t filter >theirs6")
		reloads := []string{"ufw reload", reloadBans, "iptables-restore --noflush docker.rules"}
		h.besideIn("chains", reloads, []string{reloadZones, flushFilter, restoreOwn, restoreSaved})
		h.besideIn("mark", nil, []string{flushAll, restoreSaved})
		h.besideIn("enforce", reloads, []string{reloadZones, flushFilter, flushAll})
	})
}

// besideIn is the test in one mode, over what the one before has left.
func (h *host) besideIn(mode string, reloads, flushes []string) {
	h.Helper()
	const apply = "gatewright apply iptables -q -o boot --max-shrink 100 --max-growth 10000000"
	site := func(entries map[string][]string) {
		h.iptablesSite(entries)
		if mode != "enforce" {
			h.must(`sed -i 's/"enforce"/"` + mode + `"/; s/, "admin": [^]]*]//' gatewright.json`)
		}
	}
	h.must("iptables-restore theirs4; ip6tables-restore theirs6")
	site(map[string][]string{"one": {"203.0.113.64/28", "2001:db8::/64"}})
	h.sameOthers(mode, apply)
	h.must(jumps[mode] + "iptables-save >saved4; ip6tables-save >saved6")
	site(map[string][]string{"one": manyPrefixes(0), "two": {"203.0.113.64/28", "2001:db8::/64"}})
	h.want("gatewright plan iptables -q", "", exitDifferent)
	h.sameOthers(mode, apply)
	h.want("gatewright plan iptables -q", "", 0)
	for _, reload := range reloads {
		h.must(reload)
		if mode == "enforce" { // ufw's jumps
			h.sh("gatewright drift iptables -q")
			h.sameOthers(mode, apply)
		}
		h.want("gatewright drift iptables", "gatewright.json and this machine: no difference\n", 0)
	}
	for _, flush := range flushes {
		h.must(flush)
		if out, status := h.sh("gatewright drift iptables"); status != exitDifferent || !slices.ContainsFunc([]string{"no longer accepted", "newly accepted"}, func(s string) bool { return strings.Contains(out, s) }) {
			h.Errorf("%s, mode %s: status %d\n%s", flush, mode, status, out)
		}
		h.sameOthers(mode, apply)
		want := "gatewright.json and this machine: no difference\n"
		if mode == "chains" && flush != restoreSaved { // the site's jumps went as well
			want = unledIptables + want
		}
		h.want("gatewright drift iptables", want, 0)
	}
}

const unledIptables = "gatewright: warning: table filter of iptables and ip6tables: no rule of yours jumps to gatewright_outbound of iptables, gatewright_outbound of ip6tables, so no packet meets the rules there; the first lines of the generated file show the jumps\n"
