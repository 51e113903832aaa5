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
	"gatewright/generators/engine"
)

// The rules of a site whose gateway translates addresses: it publishes a port of
// exchange under its public address, and hides its clients. It has rules of its own
// before ours, after ours, and in another chain, and marks of its own.
const (
	natSiteNFT = `table inet filter {
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		FAMILY daddr BANNED drop
		FAMILY daddr STRANGER tcp dport 444 accept
		OURS
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
	natSiteIptables = `*filter
:FORWARD DROP [0:0]
:gatewright_outbound - [0:0]
:gatewright_inbound - [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -d BANNED -j DROP
-A FORWARD -d STRANGER -p tcp --dport 444 -j ACCEPT
OURS
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

// Where the site hands over to us, by mode.
var (
	handoverNFT = map[artefact.Mode]string{
		artefact.ModeChains: "jump gatewright_outbound; jump gatewright_inbound;",
		artefact.ModeMark:   "meta mark & 0x10000 == 0x10000 accept",
	}
	handoverIptables = map[artefact.Mode]string{
		artefact.ModeChains: "-A FORWARD -j gatewright_outbound\n-A FORWARD -j gatewright_inbound",
		artefact.ModeMark:   "-A FORWARD -m mark --mark 0x10000/0x10000 -j ACCEPT",
	}
)

// natCrossings says who decides: the policy, or the site's own rules.
var natCrossings = []crossing{
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
	{"remote", "public", "tcp", 443, true}, // DNAT of a published port
	{"remote", "public", "tcp", 444, false},
	{"stranger", "public", "tcp", 443, false},
	{"remote", "exchange", "tcp", 443, true}, // the published port, without DNAT
	{"remote", "exchange", "tcp", 4443, false},
	{"remote", "client", "tcp", 443, false},
}

// natGateway is the network with a site's own rules on its gateway.
type natGateway struct {
	*network
	filter filter
	mode   artefact.Mode
	out    artefact.Output
}

func newNATGateway(t *testing.T, f filter, mode artefact.Mode) *natGateway {
	both := func(names map[string][2]string, name string) []string { a := names[name]; return a[:] }
	remotes := slices.Concat(both(farNames, "remote"), both(farNames, "banned"))
	p := ruletest.Compile(t, rule.Input{
		Bindings: []rule.Binding{
			{Role: "clients", Addresses: ruletest.Prefixes(t, both(nearNames, "client")...)},
			{Role: "exchange", Published: ruletest.Prefixes(t, both(nearNames, "exchange")...)},
		},
		Grants: []rule.Grant{
			ruletest.Grant(t, "test/web", "", rule.Outbound, "clients", "tcp 443,4444,8080; udp 3478", remotes...),
			ruletest.Grant(t, "test/mail", "", rule.Inbound, "exchange", "tcp 443", both(farNames, "remote")...),
		},
	})
	g := &natGateway{network: newNetwork(t), filter: f, mode: mode}
	g.out = generate(t, f.generator, p, setting{"nat", map[string][]string{"mode": {string(mode)}, "wan": {engine.WAN}, "lan": {engine.LAN}}})
	return g
}

// boot loads the artefacts with the site's rules, as their heads say.
func (g *natGateway) boot(t *testing.T) {
	t.Helper()
	if g.filter.name == "nftables" {
		site := []byte(strings.ReplaceAll(bothFamilies(g.network, natSiteNFT), "OURS", handoverNFT[g.mode]))
		must(t, g.gate.LoadNFT(slices.Concat([]byte("flush ruleset\n"), g.out.Artefacts[0].Data, site)))
		return
	}
	text := strings.ReplaceAll(natSiteIptables, "OURS", handoverIptables[g.mode])
	site := []artefact.Artefact{
		{Name: "site.iptables", Data: []byte(inFamily(g.network, text, false))},
		{Name: "site.ip6tables", Data: []byte(inFamily(g.network, text, true))},
	}
	must(t, g.filter.load(g.gate, slices.Concat(site, g.out.Artefacts)))
}

// bothFamilies writes each line that has an address once for each family.
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

// serveNAT answers behind the gateway where the translated crossings arrive.
func (g *natGateway) serveNAT(t *testing.T) {
	behind := slices.DeleteFunc(slices.Clone(natCrossings), func(c crossing) bool { return c.to == "public" })
	g.serveAll(t, append(behind, crossing{to: "remote", kind: "tcp", port: whoPort}))
}

// complaints tries the crossings, and looks at the address that the remote sees.
func (g *natGateway) complaints(wait time.Duration) []string {
	all := g.crossingComplaints(natCrossings, enforcedPasses, wait)
	for _, ipv6 := range []bool{false, true} {
		_, want := g.address("wan", ipv6)
		c, err := g.dial("tcp", "client", "remote", ipv6, whoPort, wait)
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

func forNATGateways(t *testing.T, f func(t *testing.T, g *natGateway)) {
	for _, filter := range filters() {
		for _, mode := range []artefact.Mode{artefact.ModeChains, artefact.ModeMark} {
			t.Run(filter.name+"/"+string(mode), func(t *testing.T) {
				t.Parallel()
				f(t, newNATGateway(t, filter, mode))
			})
		}
	}
}

// TestSitesRulesKeepTheirMeaning holds what a site's own rules decide beside ours, on
// a gateway that translates addresses, at boot and after our artefacts have been
// loaded again.
func TestSitesRulesKeepTheirMeaning(t *testing.T) {
	forNATGateways(t, func(t *testing.T, g *natGateway) {
		g.serveNAT(t)
		g.boot(t)
		complain(t, g.complaints(patience))
		loadTwice(t, func() error { return g.filter.load(g.gate, g.out.Artefacts) })
		complain(t, g.complaints(patience))
	})
}

// TestBrokenGatewayIsNoticed holds that the test above can fail.
func TestBrokenGatewayIsNoticed(t *testing.T) {
	forNATGateways(t, func(t *testing.T, g *natGateway) {
		const wait = 500 * time.Millisecond
		g.serveNAT(t)
		g.boot(t)
		for name, out := range g.mutants(t) {
			must(t, g.filter.load(g.gate, out.Artefacts))
			noticed(t, "crossings of a gateway, "+name, g.complaints(wait))
		}
		must(t, g.filter.load(g.gate, g.out.Artefacts))
		complain(t, g.complaints(patience))
	})
}

func (g *natGateway) mutants(t *testing.T) map[string]artefact.Output {
	nft := g.filter.name == "nftables"
	spell := func(a, b string) string {
		if nft {
			return a
		}
		return b
	}
	all := map[string]artefact.Output{
		"published ports": mutate(t, g.out,
			spell("ct direction original meta l4proto tcp ct original proto-dst @", " -m conntrack --ctorigdstport 443 --ctdir ORIGINAL"),
			spell("tcp dport @", " --dport 443")),
	}
	if g.mode == artefact.ModeMark {
		clear := spell("meta mark set meta mark & 0xfffeffff", "MARK --set-xmark 0x0/0x10000")
		all["nothing cleared"] = without(t, g.out, clear)
		all["all cleared"] = mutate(t, g.out, clear, spell("meta mark set 0", "MARK --set-xmark 0x0/0xffffffff"))
		return all
	}
	all["drops the rest"] = appended(g.out, nft, "drop", "DROP")
	all["accepts the rest"] = appended(g.out, nft, "accept", "ACCEPT")
	return all
}

// appended ends the inbound chain with a verdict.
func appended(out artefact.Output, nft bool, verdict, target string) artefact.Output {
	var changed []artefact.Artefact
	for _, a := range out.Artefacts {
		if nft {
			a.Data = slices.Concat(a.Data, []byte("add rule inet filter gatewright_inbound "+verdict+"\n"))
		} else {
			a.Data = bytes.Replace(a.Data, []byte("\nCOMMIT\n"), []byte("\n-A gatewright_inbound -j "+target+"\nCOMMIT\n"), 1)
		}
		changed = append(changed, a)
	}
	out.Artefacts = changed
	return out
}
