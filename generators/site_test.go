package generators

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	"gatewright/generators/engine/enginetest"
	"gatewright/generators/iptables"
	"gatewright/generators/nftables"
)

// What a site may have in its tables beside our chains.
const (
	siteNFT = `add set inet filter banned { type ipv4_addr; }
add element inet filter banned { 192.0.2.66 }
add chain inet filter fail2ban
add rule inet filter fail2ban ip saddr @banned drop
insert rule inet filter forward jump fail2ban
add table ip nat
add chain ip nat postrouting { type nat hook postrouting priority srcnat; }
add rule ip nat postrouting oifname "wan0" masquerade
`
	siteIptables = `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:fail2ban - [0:0]
-A INPUT -p tcp --dport 22 -j ACCEPT
-A INPUT -j fail2ban
-A fail2ban -s 192.0.2.66/32 -j DROP
COMMIT
*nat
-A POSTROUTING -o wan0 -j MASQUERADE
COMMIT
`
)

// TestSitesRulesSurviveNFT loads an artefact twice together with a site's own rules,
// for every setting in which they share a table, and for those with a table of our own.
func TestSitesRulesSurviveNFT(t *testing.T) {
	p, none := named(t, "role-of-both-kinds"), named(t, "empty")
	for _, name := range []string{"default", "mark"} {
		t.Run(name, func(t *testing.T) {
			s := filterSettingNamed(t, nftables.Generator{}, name, p)
			g := gateway(t, s.site)
			first := generate(t, nftables.Generator{}, none, filterSettingNamed(t, nftables.Generator{}, name, none).setting)
			for _, text := range [][]byte{first.Artefacts[0].Data, []byte(siteNFT)} {
				if err := g.LoadNFT(text); err != nil {
					t.Fatal(err)
				}
			}
			before := nftObjects(t, g)
			out := generate(t, nftables.Generator{}, p, s.setting)
			loadTwice(t, func() error { return g.LoadNFT(out.Artefacts[0].Data) })
			survive(t, before, nftObjects(t, g))
		})
	}
}

// nftObjects returns what nftables holds, in its order, without handles and counts.
func nftObjects(t *testing.T, g *enginetest.Gateway) []string {
	t.Helper()
	dump, err := g.DumpNFT()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct{ Nftables []map[string]map[string]any }
	if err := json.Unmarshal(dump, &doc); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, o := range doc.Nftables {
		for kind, fields := range o {
			delete(fields, "handle")
			all = append(all, fmt.Sprint(kind, fields))
		}
	}
	return all
}

// survive holds that everything from before is still there, in the same order.
func survive(t *testing.T, before, after []string) {
	t.Helper()
	if len(before) < 5 {
		t.Fatalf("the site has only %q", before)
	}
	left := slices.DeleteFunc(slices.Clone(after), func(s string) bool { return !slices.Contains(before, s) })
	if !slices.Equal(left, before) {
		t.Errorf("the site had\n%s\nand has\n%s", strings.Join(before, "\n"), strings.Join(left, "\n"))
	}
}

// TestSitesRulesSurviveIptables does the same for both variants of iptables. Mode
// enforce owns FORWARD and nothing else.
func TestSitesRulesSurviveIptables(t *testing.T) {
	p := named(t, "role-of-both-kinds")
	for _, variant := range variants() {
		for _, name := range []string{"default", "no-ipset", "mark", "enforce"} {
			t.Run(string(variant)+"/"+name, func(t *testing.T) {
				s := filterSettingNamed(t, iptables.Generator{}, name, p)
				g := gateway(t, s.site)
				if err := g.LoadIptables(variant, siteArtefacts()); err != nil {
					t.Fatal(err)
				}
				before := iptablesRules(t, g, variant)
				out := generate(t, iptables.Generator{}, p, s.setting)
				loadTwice(t, func() error { return g.LoadIptables(variant, out.Artefacts) })
				survive(t, before, iptablesRules(t, g, variant))
			})
		}
	}
}

func siteArtefacts() []artefact.Artefact {
	ipv6 := strings.ReplaceAll(siteIptables, "192.0.2.66/32", "2001:db8::66/128")
	return []artefact.Artefact{
		{Name: "site.ipset", Data: []byte("create banned hash:ip\nadd banned 192.0.2.66\n")},
		{Name: "site.iptables", Data: []byte(siteIptables)},
		{Name: "site.ip6tables", Data: []byte(ipv6)},
	}
}

// iptablesRules returns chains, rules and sets in order, without remarks and counts.
func iptablesRules(t *testing.T, g *enginetest.Gateway, variant engine.Variant) []string {
	t.Helper()
	dump, err := g.DumpIptables(variant)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for name, text := range map[string][]byte{"ipset": dump.Ipset, "IPv4": dump.IPv4, "IPv6": dump.IPv6} {
		for line := range strings.Lines(string(text)) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), " [") // counts of a chain
			if remark := line[0] == '#' || line[0] == '*' || line == "COMMIT"; !remark {
				all = append(all, name+" "+line)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b string) int { return strings.Compare(a[:4], b[:4]) })
	return all
}

// TestChangedPolicyLoads loads policies over each other: sets change their type,
// rules come and go, and at last nothing is left.
func TestChangedPolicyLoads(t *testing.T) {
	cases := []string{"hosts-only", "names-with-prefixes", "prefixes-5000", "prefixes-adjacent", "published", "role-of-both-kinds", "any-beside-prefixes", "hosts-only", "empty"}
	for _, name := range []string{"default", "mark", "enforce"} {
		t.Run("nftables/"+name, func(t *testing.T) {
			g := gateway(t, filterSettingNamed(t, nftables.Generator{}, name, named(t, cases[0])).site)
			for _, c := range cases {
				p := named(t, c)
				s := filterSettingNamed(t, nftables.Generator{}, name, p)
				loadTwice(t, func() error { return g.LoadNFT(generate(t, nftables.Generator{}, p, s.setting).Artefacts[0].Data) })
				complain(t, nftDifferences(t, g, p, s))
			}
		})
	}
	for _, variant := range variants() {
		for _, name := range []string{"default", "no-ipset", "mark", "enforce"} {
			t.Run("iptables-"+string(variant)+"/"+name, func(t *testing.T) {
				g := gateway(t, filterSettingNamed(t, iptables.Generator{}, name, named(t, cases[0])).site)
				for _, c := range cases {
					p := named(t, c)
					s := filterSettingNamed(t, iptables.Generator{}, name, p)
					loadTwice(t, func() error {
						return g.LoadIptables(variant, generate(t, iptables.Generator{}, p, s.setting).Artefacts)
					})
					complain(t, iptablesDifferences(t, g, p, s, variant))
				}
			})
		}
	}
}

// TestChangedSettingLoads loads the settings that have a table of our own over each
// other.
func TestChangedSettingLoads(t *testing.T) {
	p := named(t, "role-of-both-kinds")
	names := []string{"mark", "enforce", "host-enforce", "mark", "enforce"}
	g := gateway(t, enginetest.Site{Bindings: p.Bindings, Mode: artefact.ModeEnforce})
	for _, name := range names {
		s := filterSettingNamed(t, nftables.Generator{}, name, p)
		loadTwice(t, func() error { return g.LoadNFT(generate(t, nftables.Generator{}, p, s.setting).Artefacts[0].Data) })
		complain(t, nftDifferences(t, g, p, s))
	}
}

// TestHeaderCommandsLoad loads artefacts by the commands that their headers show.
func TestHeaderCommandsLoad(t *testing.T) {
	p := named(t, "role-of-both-kinds")
	t.Run("nftables", func(t *testing.T) {
		s := filterSettingNamed(t, nftables.Generator{}, "default", p)
		g := gateway(t, s.site)
		out := generate(t, nftables.Generator{}, p, s.setting)
		loadTwice(t, func() error { return g.LoadByCommand(out.Artefacts) })
		complain(t, nftDifferences(t, g, p, s))
		headersShow(t, out.Artefacts)
	})
	t.Run("iptables", func(t *testing.T) {
		s := filterSettingNamed(t, iptables.Generator{}, "default", p)
		g := gateway(t, s.site)
		if err := g.LoadIptables(engine.IptablesNFT, nil); err != nil {
			t.Fatal(err)
		}
		out := generate(t, iptables.Generator{}, p, s.setting)
		loadTwice(t, func() error { return g.LoadByCommand(out.Artefacts) })
		complain(t, iptablesDifferences(t, g, p, s, engine.IptablesNFT))
		headersShow(t, out.Artefacts)
	})
}

// others are rules that a site's own file does not know: those of Docker.
const others = `table ip nat {
	chain DOCKER {
		iifname "docker0" return
	}
	chain PREROUTING {
		type nat hook prerouting priority dstnat; policy accept;
		fib daddr type local jump DOCKER
	}
}
table ip filter {
	chain DOCKER-USER {
		return
	}
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
		jump DOCKER-USER
	}
}
`

// TestBootFileKeepsOthersRules writes /etc/nftables.conf as the header of the artefact
// says and loads it twice: others' rules stay, and the site's own stand there once.
func TestBootFileKeepsOthersRules(t *testing.T) {
	p := named(t, "role-of-both-kinds")
	for _, s := range []struct {
		options map[string][]string
		table   string
	}{
		{nil, "inet filter"},
		{map[string][]string{"table": {"ip site"}}, "ip site"},
		{map[string][]string{"mode": {"mark"}}, "inet filter"},
		{map[string][]string{"mode": {"enforce"}, "place": {"forward"}, "admin": {"none"}}, "inet filter"},
	} {
		g := gateway(t, enginetest.Site{Bindings: p.Bindings, Mode: artefact.ModeEnforce})
		if err := g.LoadNFT([]byte("flush ruleset\n" + others)); err != nil {
			t.Fatal(err)
		}
		before := nftObjects(t, g)
		data := generate(t, nftables.Generator{}, p, setting{"boot", s.options}).Artefacts[0].Data
		boot := bytes.ReplaceAll(bootLines(t, data), []byte("include \"/etc/gatewright/gatewright.nft\"\n"), data)
		boot = fmt.Appendf(boot, "table %s {\n\tchain own {\n\t\ttcp dport 22 accept\n\t}\n}\n", s.table)
		loadTwice(t, func() error { return g.LoadNFT(boot) })
		survive(t, before, nftObjects(t, g))
		rules := 0
		for _, o := range nftObjects(t, g) {
			if strings.HasPrefix(o, "rule") && strings.Contains(o, "chain:own") {
				rules++
			}
		}
		if rules != 1 {
			t.Errorf("%v: the site's own rule stands there %d times", s.options, rules)
		}
	}
}

// bootLines are the lines of /etc/nftables.conf that a header shows.
func bootLines(t *testing.T, data []byte) []byte {
	t.Helper()
	var lines []byte
	_, rest, _ := bytes.Cut(data, []byte("# To load this file at boot"))
	for line := range bytes.Lines(rest) {
		if text, ok := bytes.CutPrefix(line, []byte("#     ")); ok {
			lines = append(lines, text...)
		} else if len(lines) > 0 {
			return lines
		}
	}
	t.Fatal("the header shows no lines")
	return nil
}

func headersShow(t *testing.T, artefacts []artefact.Artefact) {
	t.Helper()
	for _, a := range artefacts {
		if !strings.Contains(string(a.Data), "# load: "+a.Load+"\n") {
			t.Errorf("the header of %s does not show %q", a.Name, a.Load)
		}
	}
}

// TestEnforceNeedsNoSite holds that mode enforce alone drops what no rule accepts: a
// gateway without any ruleset accepts everything.
func TestEnforceNeedsNoSite(t *testing.T) {
	p := named(t, "row-10-screen-sharing")
	g := gateway(t, enginetest.Site{Bindings: p.Bindings, Mode: artefact.ModeEnforce})
	stranger := enginetest.BoundaryFlows(named(t, "empty"))[:1]
	if err := g.LoadNFT(nil); err != nil {
		t.Fatal(err)
	}
	if !decide(t, g, stranger)[0] {
		t.Error("a gateway without rules drops")
	}
	s := filterSettingNamed(t, nftables.Generator{}, "enforce", p)
	if err := g.LoadNFT(generate(t, nftables.Generator{}, p, s.setting).Artefacts[0].Data); err != nil {
		t.Fatal(err)
	}
	if decide(t, g, stranger)[0] || p.Decide(rule.Seen(stranger[0], rule.PacketFilter)).Accept() {
		t.Error("mode enforce accepts a flow that no rule accepts")
	}
}

// TestRolesTogetherAreAFamily loads a default-deny that lets every IPv4 address ask the
// resolver: of two roles each has one half. ipset takes no prefix of length 0.
func TestRolesTogetherAreAFamily(t *testing.T) {
	p := ruletest.Compile(t, rule.Input{
		Bindings: []rule.Binding{
			{Role: "clients", Addresses: ruletest.Prefixes(t, "0.0.0.0/1")},
			{Role: "servers", Addresses: ruletest.Prefixes(t, "128.0.0.0/1")},
			{Role: "resolver", Addresses: ruletest.Prefixes(t, "192.0.2.53")},
		},
		Grants: []rule.Grant{ruletest.Grant(t, "test/web", "", rule.Outbound, "clients", "tcp 443", "192.0.2.1")},
	})
	for _, name := range []string{"enforce", "enforce-no-ipset"} {
		options := map[string][]string{"mode": {"enforce"}, "place": {"forward"}, "admin": {"none"}}
		if name == "enforce-no-ipset" {
			options["ipset"] = []string{"no"}
		}
		out := generate(t, iptables.Generator{}, p, setting{name, options})
		for _, variant := range variants() {
			m, err := enginetest.NewMachine(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if err := m.LoadIptables(variant, out.Artefacts); err != nil {
				t.Errorf("%s, %s: %v", variant, name, err)
			}
		}
	}
}

// TestAdminStaysReachable asks, beside a complete default-deny on a machine of its
// own, who still gets to its port 22.
func TestAdminStaysReachable(t *testing.T) {
	p := named(t, "role-of-both-kinds")
	options := map[string][]string{
		"mode": {"enforce"}, "place": {"host"}, "roles": roleNames(p),
		"admin": {"198.51.100.0/24 tcp 22", "2001:db8:22::/48 tcp 22"},
	}
	site := enginetest.Site{Bindings: p.Bindings, Place: artefact.PlaceHost, Mode: artefact.ModeEnforce}
	load := map[string]func(g *enginetest.Gateway) error{
		"nftables": func(g *enginetest.Gateway) error {
			return g.LoadNFT(generate(t, nftables.Generator{}, p, setting{"admin", options}).Artefacts[0].Data)
		},
		"iptables": func(g *enginetest.Gateway) error {
			return g.LoadIptables(engine.IptablesNFT, generate(t, iptables.Generator{}, p, setting{"admin", options}).Artefacts)
		},
	}
	for name, load := range load {
		g := gateway(t, site)
		if err := load(g); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			remote, local string
			port          uint16
			want          bool
		}{
			{"198.51.100.255", "10.0.5.10", 22, true},
			{"198.51.101.0", "10.0.5.10", 22, false},
			{"198.51.100.255", "10.0.5.10", 23, false},
			{"2001:db8:22::1", "fd00:5::12", 22, true},
			{"2001:db8:23::1", "fd00:5::12", 22, false},
		} {
			f := rule.Flow{
				Direction: rule.Inbound, Protocol: netset.TCP, Port: tt.port,
				Remote: netip.MustParseAddr(tt.remote), Local: netip.MustParseAddr(tt.local),
			}
			if decide(t, g, []rule.Flow{f})[0] != tt.want {
				t.Errorf("%s accepts %t: %s", name, !tt.want, flowText(f))
			}
		}
	}
}
