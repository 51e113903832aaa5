package generators

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/engine/enginetest"
)

// The rules of a site whose gateway translates addresses: it publishes a port of
// exchange under its public address, and hides its clients. It has rules of its own
// before ours, after ours, and in another chain, and marks of its own.
const (
	gatewayNFT = `table inet filter {
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		FAMILY daddr BANNED drop
		FAMILY daddr STRANGER tcp dport 444 accept
		OUTBOUND
		INBOUND
		FAMILY daddr STRANGER tcp dport 445 accept
		meta mark & 0x1 == 0x1 accept
	}
	chain late {
		type filter hook forward priority filter + 20;
		FAMILY daddr REMOTE tcp dport 8080 drop
	}
	chain marks {
		type filter hook prerouting priority mangle;
		FAMILY daddr STRANGER tcp dport 447 meta mark set 0x1
		FAMILY daddr STRANGER tcp dport 448 meta mark set 0x10000
	}
}
table inet nat {
	chain prerouting {
		type nat hook prerouting priority dstnat;
		iifname "wan0" FAMILY daddr PUBLIC tcp dport { 443, 444 } dnat FAMILY to [EXCHANGE]:4443
	}
	chain postrouting {
		type nat hook postrouting priority srcnat;
		oifname "wan0" masquerade
	}
}
`
	gatewayIptables = `*filter
:FORWARD DROP [0:0]
:gatewright_outbound - [0:0]
:gatewright_inbound - [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -d BANNED -j DROP
-A FORWARD -d STRANGER -p tcp --dport 444 -j ACCEPT
-A FORWARD OUTBOUND
-A FORWARD INBOUND
-A FORWARD -d STRANGER -p tcp --dport 445 -j ACCEPT
-A FORWARD -m mark --mark 0x1/0x1 -j ACCEPT
COMMIT
*mangle
:gatewright_forward - [0:0]
-A PREROUTING -d STRANGER -p tcp --dport 447 -j MARK --set-mark 0x1
-A PREROUTING -d STRANGER -p tcp --dport 448 -j MARK --set-mark 0x10000
-A FORWARD -j gatewright_forward
-A POSTROUTING -d REMOTE -p tcp --dport 8080 -j DROP
COMMIT
*nat
-A PREROUTING -i wan0 -d PUBLIC -p tcp -m multiport --dports 443,444 -j DNAT --to-destination [EXCHANGE]:4443
-A POSTROUTING -o wan0 -j MASQUERADE
COMMIT
`
)

// The same on a machine that plays the roles itself.
const (
	hostNFT = `table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		meta l4proto ipv6-icmp accept
		FAMILY saddr BANNED drop
		INBOUND
		FAMILY saddr STRANGER tcp dport 22 accept
	}
	chain output {
		type filter hook output priority filter; policy drop;
		ct state established,related accept
		meta l4proto ipv6-icmp accept
		FAMILY daddr BANNED drop
		FAMILY daddr STRANGER tcp dport 444 accept
		OUTBOUND
		FAMILY daddr STRANGER tcp dport 445 accept
		meta mark & 0x1 == 0x1 accept
	}
	chain late {
		type filter hook output priority filter + 20;
		FAMILY daddr REMOTE tcp dport 8080 drop
	}
	chain marks {
		type route hook output priority mangle;
		FAMILY daddr STRANGER tcp dport 447 meta mark set 0x1
		FAMILY daddr STRANGER tcp dport 448 meta mark set 0x10000
	}
}
`
	hostIptables = `*filter
:INPUT DROP [0:0]
:OUTPUT DROP [0:0]
:gatewright_outbound - [0:0]
:gatewright_inbound - [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p ipv6-icmp -j ACCEPT
-A INPUT -s BANNED -j DROP
-A INPUT INBOUND
-A INPUT -s STRANGER -p tcp --dport 22 -j ACCEPT
-A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A OUTPUT -p ipv6-icmp -j ACCEPT
-A OUTPUT -d BANNED -j DROP
-A OUTPUT -d STRANGER -p tcp --dport 444 -j ACCEPT
-A OUTPUT OUTBOUND
-A OUTPUT -d STRANGER -p tcp --dport 445 -j ACCEPT
-A OUTPUT -m mark --mark 0x1/0x1 -j ACCEPT
COMMIT
*mangle
:gatewright_input - [0:0]
:gatewright_output - [0:0]
-A INPUT -j gatewright_input
-A OUTPUT -d STRANGER -p tcp --dport 447 -j MARK --set-mark 0x1
-A OUTPUT -d STRANGER -p tcp --dport 448 -j MARK --set-mark 0x10000
-A OUTPUT -j gatewright_output
-A POSTROUTING -d REMOTE -p tcp --dport 8080 -j DROP
COMMIT
`
)

// bothCrossings say who decides: the policy, or the site's own rules.
var bothCrossings = []crossing{
	{"client", "remote", "tcp", 443, true},   // the policy
	{"client", "remote", "udp", 3478, true},  // the policy
	{"client", "banned", "tcp", 443, false},  // the policy would; a rule of the site before ours does not
	{"client", "remote", "tcp", 8080, false}, // the policy would; another chain of the site does not
	{"client", "stranger", "tcp", 443, false},
	{"client", "stranger", "tcp", 444, true},  // a rule of the site before ours
	{"client", "stranger", "tcp", 445, true},  // a rule of the site after ours
	{"client", "stranger", "tcp", 447, true},  // the site's own mark
	{"client", "stranger", "tcp", 448, false}, // our mark, by somebody else
	{"unbound", "remote", "tcp", 443, false},
	{"remote", "exchange", "tcp", 443, true}, // the policy, without any DNAT
	{"remote", "exchange", "tcp", 4443, false},
	{"stranger", "exchange", "tcp", 443, false},
	{"remote", "client", "tcp", 443, false},
}

// siteRules are a site's own rules in one place.
type siteRules struct {
	place         artefact.Place
	nft, iptables string
	crossings     []crossing
}

var sitesRules = []siteRules{
	{artefact.PlaceForward, gatewayNFT, gatewayIptables, append(slices.Clone(bothCrossings),
		crossing{"remote", "public", "tcp", 443, true}, // DNAT of a published port
		crossing{"remote", "public", "tcp", 444, false},
		crossing{"stranger", "public", "tcp", 443, false})},
	{artefact.PlaceHost, hostNFT, hostIptables, append(slices.Clone(bothCrossings),
		crossing{"stranger", "client", "tcp", 22, true}, // a rule of the site after ours
		crossing{"banned", "exchange", "tcp", 443, false})},
}

// sited is the network with a site's own rules and ours on one machine.
type sited struct {
	*network
	siteRules
	filter  filter
	mode    artefact.Mode
	machine *enginetest.Machine
	out     artefact.Output
}

func newSited(t *testing.T, f filter, mode artefact.Mode, rules siteRules) *sited {
	both := func(names map[string][2]string, name string) []string { a := names[name]; return a[:] }
	remotes := slices.Concat(both(farNames, "remote"), both(farNames, "banned"))
	p := ruletest.Compile(t, rule.Input{
		Bindings: []rule.Binding{
			{Role: "clients", Addresses: ruletest.Prefixes(t, both(nearNames, "client")...)},
			{Role: "exchange", Published: ruletest.Prefixes(t, both(nearNames, "exchange")...)},
		},
		Grants: []rule.Grant{
			ruletest.Grant(t, "test/web", "", rule.Outbound, "clients", "tcp 443,4444,8080; udp 3478", remotes...),
			ruletest.Grant(t, "test/mail", "", rule.Inbound, "exchange", "tcp 443", remotes...),
		},
	})
	s := &sited{network: newNetwork(t), siteRules: rules, filter: f, mode: mode}
	options := map[string][]string{"mode": {string(mode)}, "place": {string(rules.place)}}
	if rules.place == artefact.PlaceHost {
		s.machine, options["roles"] = s.near, []string{"clients", "exchange"}
	} else {
		s.machine, options["wan"], options["lan"] = s.gate, []string{enginetest.WAN}, []string{enginetest.LAN}
	}
	s.out = generate(t, f.generator, p, setting{"site", options})
	return s
}

// boot loads the artefacts with the site's rules, as their heads say.
func (s *sited) boot(t *testing.T) {
	t.Helper()
	if s.filter.name == "nftables" {
		outbound, inbound := "jump gatewright_outbound", "jump gatewright_inbound"
		if s.mode == artefact.ModeMark {
			outbound, inbound = "meta mark & 0x10000 == 0x10000 accept", "meta mark & 0x10000 == 0x10000 accept"
		}
		site := strings.NewReplacer("OUTBOUND", outbound, "INBOUND", inbound).Replace(bothFamilies(s.network, s.nft))
		must(t, s.machine.LoadNFT(slices.Concat([]byte("table inet filter\ndelete table inet filter\n"), s.out.Artefacts[0].Data, []byte(site))))
		return
	}
	outbound, inbound := "-j gatewright_outbound", "-j gatewright_inbound"
	if s.mode == artefact.ModeMark {
		outbound, inbound = "-m mark --mark 0x10000/0x10000 -j ACCEPT", "-m mark --mark 0x10000/0x10000 -j ACCEPT"
	}
	text := strings.NewReplacer("OUTBOUND", outbound, "INBOUND", inbound).Replace(s.iptables)
	site := []artefact.Artefact{
		{Name: "site.iptables", Data: []byte(inFamily(s.network, text, false))},
		{Name: "site.ip6tables", Data: []byte(inFamily(s.network, text, true))},
	}
	if s.place == artefact.PlaceHost { // iptables for IPv4 does not take it
		site[0].Data = bytes.ReplaceAll(site[0].Data, []byte("-p ipv6-icmp"), []byte("-p icmp"))
	}
	must(t, s.filter.load(s.machine, slices.Concat(site, s.out.Artefacts)))
}

// bothFamilies writes each line that has an address once for each value family.
func bothFamilies(n *network, text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(inFamily(n, line, false))
		if strings.Contains(line, "FAMILY") {
			b.WriteString(inFamily(n, line, true))
		}
	}
	return b.String()
}

func inFamily(n *network, text string, ipv6 bool) string {
	at := func(name string) string { _, a := n.address(name, ipv6); return a.String() }
	family, exchange := "ip", at("exchange")
	if ipv6 {
		family, exchange = "ip6", "["+exchange+"]"
	}
	return strings.NewReplacer("FAMILY", family, "BANNED", at("banned"), "STRANGER", at("stranger"),
		"REMOTE", at("remote"), "PUBLIC", at("public"), "[EXCHANGE]", exchange).Replace(text)
}

// serveSite answers where the crossings arrive, translated or not.
func (s *sited) serveSite(t *testing.T) {
	behind := slices.DeleteFunc(slices.Clone(s.crossings), func(c crossing) bool { return c.to == "public" })
	s.serveAll(t, append(behind, crossing{to: "remote", kind: "tcp", port: whoPort}))
}

// complaints tries the crossings, and looks at the address that the remote sees.
func (s *sited) complaints(wait time.Duration) []string {
	all := s.crossingComplaints(s.crossings, enforcedPasses, wait)
	for _, ipv6 := range []bool{false, true} {
		_, want := s.address("client", ipv6)
		if s.place == artefact.PlaceForward {
			_, want = s.address("wan", ipv6)
		}
		c, err := s.dial("tcp", "client", "remote", ipv6, whoPort, wait)
		var seen []byte
		if err == nil {
			seen, err = io.ReadAll(c)
			c.Close()
		}
		if err != nil || string(seen) != want.String() {
			all = append(all, fmt.Sprintf("the remote sees %q, %v; want %s", seen, err, want))
		}
	}
	return all
}

func forSites(t *testing.T, f func(t *testing.T, s *sited)) {
	for _, filter := range filters() {
		for _, mode := range []artefact.Mode{artefact.ModeChains, artefact.ModeMark} {
			for _, rules := range sitesRules {
				t.Run(filter.name+"/"+string(mode)+"/"+string(rules.place), func(t *testing.T) {
					t.Parallel()
					f(t, newSited(t, filter, mode, rules))
				})
			}
		}
	}
}

// TestSitesRulesKeepTheirMeaning holds what a site's own rules decide beside ours, on
// a gateway that translates addresses and on a machine that plays the roles, at boot
// and after our artefacts have been loaded again.
func TestSitesRulesKeepTheirMeaning(t *testing.T) {
	forSites(t, func(t *testing.T, s *sited) {
		s.serveSite(t)
		s.boot(t)
		complain(t, s.complaints(patience))
		loadTwice(t, func() error { return s.filter.load(s.machine, s.out.Artefacts) })
		complain(t, s.complaints(patience))
	})
}

// TestBrokenSiteIsNoticed holds that the test above can fail.
func TestBrokenSiteIsNoticed(t *testing.T) {
	forSites(t, func(t *testing.T, s *sited) {
		const wait = 500 * time.Millisecond
		s.serveSite(t)
		s.boot(t)
		for name, out := range s.mutants(t) {
			must(t, s.filter.load(s.machine, out.Artefacts))
			noticed(t, "crossings of a site, "+name, s.complaints(wait))
		}
		must(t, s.filter.load(s.machine, s.out.Artefacts))
		complain(t, s.complaints(patience))
	})
}

func (s *sited) mutants(t *testing.T) map[string]artefact.Output {
	nft := s.filter.name == "nftables"
	spell := func(a, b string) string {
		if nft {
			return a
		}
		return b
	}
	all := map[string]artefact.Output{}
	if s.place == artefact.PlaceForward {
		all["published ports"] = mutate(t, s.out,
			spell("ct direction original meta l4proto tcp ct original proto-dst @", " -m conntrack --ctorigdstport 443 --ctdir ORIGINAL"),
			spell("tcp dport @", " --dport 443"))
	}
	if s.mode == artefact.ModeMark {
		clear := spell("meta mark set meta mark & 0xfffeffff", "MARK --set-xmark 0x0/0x10000")
		all["nothing cleared"] = without(t, s.out, clear)
		all["all cleared"] = mutate(t, s.out, clear, spell("meta mark set 0", "MARK --set-xmark 0x0/0xffffffff"))
		return all
	}
	all["drops the rest"] = ended(s.out, nft, "drop")
	all["accepts the rest"] = ended(s.out, nft, "accept")
	return all
}

// ended ends both chains with a verdict.
func ended(out artefact.Output, nft bool, verdict string) artefact.Output {
	var changed []artefact.Artefact
	for _, a := range out.Artefacts {
		var rules []byte
		for _, chain := range []string{"gatewright_outbound", "gatewright_inbound"} {
			if nft {
				rules = fmt.Appendf(rules, "add rule inet filter %s %s\n", chain, verdict)
			} else {
				rules = fmt.Appendf(rules, "-A %s -j %s\n", chain, strings.ToUpper(verdict))
			}
		}
		if nft {
			a.Data = slices.Concat(a.Data, rules)
		} else {
			a.Data = bytes.Replace(a.Data, []byte("\nCOMMIT\n"), slices.Concat([]byte("\n"), rules, []byte("COMMIT\n")), 1)
		}
		changed = append(changed, a)
	}
	out.Artefacts = changed
	return out
}
