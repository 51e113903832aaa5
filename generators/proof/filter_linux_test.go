package proof_test

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	"gatewright/generators/proof"
)

// filterCase is a packet filter's output for a policy.
type filterCase struct {
	policy    *rule.Policy
	settings  artefact.Settings
	artefacts []artefact.Artefact
	prove     func(*testing.T, []artefact.Artefact) (proof.Result, error)
}

func newFilterCase(t testing.TB, generator string, p *rule.Policy, options map[string][]string) filterCase {
	t.Helper()
	g, err := generators.ByName(generator)
	if err != nil {
		t.Fatal(err)
	}
	c := filterCase{policy: p}
	if c.settings, err = artefact.Configure(g.Options(), options); err != nil {
		t.Fatal(err)
	}
	out, err := g.Generate(p, c.settings)
	if err != nil {
		t.Fatal(err)
	}
	c.artefacts = out.Artefacts
	c.prove = func(t *testing.T, artefacts []artefact.Artefact) (proof.Result, error) {
		if generator == "nftables" {
			return proof.NFTables(t.Context(), p, c.settings, artefacts)
		}
		return proof.IptablesVariant(t.Context(), engine.IptablesNFT, p, c.settings, artefacts)
	}
	return c
}

// found holds that a proof of the artefacts fails by disagreements, one of which
// holds the text.
func (c filterCase) found(t *testing.T, artefacts []artefact.Artefact, text string) {
	t.Helper()
	result, err := c.prove(t, artefacts)
	if err != nil {
		t.Fatal(err)
	}
	if result.Proved() || !strings.Contains(result.String(), text) {
		t.Errorf("want a disagreement with %q\n%s", text, result)
	}
}

func (c filterCase) proved(t *testing.T) {
	t.Helper()
	if result, err := c.prove(t, c.artefacts); err != nil || !result.Proved() {
		t.Fatalf("%v\n%s", err, result)
	}
}

// replaced returns the artefacts with old replaced by new in all of them, or the first
// time alone.
func (c filterCase) replaced(t *testing.T, old, new string, times int) []artefact.Artefact {
	t.Helper()
	var all []artefact.Artefact
	changed := false
	for _, a := range c.artefacts {
		data := bytes.Replace(a.Data, []byte(old), []byte(new), times)
		changed = changed || !bytes.Equal(data, a.Data)
		a.Data = data
		all = append(all, a)
	}
	if !changed {
		t.Fatalf("no artefact holds %q", old)
	}
	return all
}

// line returns the line of an artefact that holds all the texts, with its end.
func (c filterCase) line(t *testing.T, texts ...string) string {
	t.Helper()
	for _, a := range c.artefacts {
	lines:
		for line := range strings.Lines(string(a.Data)) {
			for _, text := range texts {
				if strings.HasPrefix(strings.TrimSpace(line), "#") || !strings.Contains(line, text) {
					continue lines
				}
			}
			return line
		}
	}
	t.Fatalf("no line holds %q", texts)
	return ""
}

func hostEnforce() map[string][]string {
	return map[string][]string{
		"mode": {"enforce"}, "place": {"host"}, "roles": {"clients", "sts", "resolver"},
		"admin": {"198.51.100.0/24 tcp 22", "2001:db8:22::/48 tcp 22; udp 161"},
	}
}

func forwardEnforce() map[string][]string {
	return map[string][]string{"mode": {"enforce"}, "place": {"forward"}, "admin": {"198.51.100.7 tcp 22"}, "wan": {"eth0"}, "lan": {"eth1", "eth2"}}
}

// damage is one change of an artefact, and what the proof must say of it.
type damage struct {
	name, old, new string
	say            string
}

func testDamages(t *testing.T, c filterCase, damages []damage) {
	t.Helper()
	c.proved(t)
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) { c.found(t, c.replaced(t, d.old, d.new, 1), d.say) })
	}
}

func TestDamagedNFTablesIsFound(t *testing.T) {
	p := ruletest.Compile(t, ruletest.Site(t))
	t.Run("chains", func(t *testing.T) {
		c := newFilterCase(t, "nftables", p, nil)
		screen := c.line(t, "tcp dport 443", "goto gatewright_skype-out-7qzfx90a1")
		any := c.line(t, "tcp dport 8080 ip daddr @gatewright_role_sts_direct_host4")
		counts := "counter name \"gatewright_skype-out-7qzfx90a1\" accept"
		testDamages(t, c, []damage{
			{"rule removed", screen, "", "outbound tcp 443, from 10.0.0.0/8 to 52.112.0.0/14: the policy says accepted, the engine not accepted"},
			{"rule doubled", screen, screen + screen, "the policy says once, the engine twice"},
			{"prefix narrower", "52.112.0.0/14 : goto gatewright_out4", "52.112.0.0/15 : goto gatewright_out4", "to 52.114.0.0/15: the policy says accepted, the engine not accepted"},
			{"prefix wider", "52.112.0.0/14 : goto gatewright_out4", "52.112.0.0/13 : goto gatewright_out4", "to 52.116.0.0/14: the policy says not accepted, the engine accepted"},
			{"prefix of another rule", "13.107.64.0/18 : goto gatewright_out4_skype-out-6r1wz13ev", "13.107.64.0/18 : goto gatewright_out4_skype-out-7qzfx90a1", "outbound udp 3478-3481, from 10.0.0.0/8 to 13.107.64.0/18: the policy says accepted, the engine not accepted"},
			{"port off by one", "50000-59999,", "50000-60000,", "outbound udp 60000, from 10.0.0.0/8 to 13.107.64.0/18 224.0.0.0/3: the policy says not accepted, the engine accepted"},
			{"published port off by one", "\t443,\n\t\t\t49443,\n", "\t443,\n\t\t\t49442,\n", "inbound tcp 49443 (published)"},
			{"direction swapped", "ip daddr vmap @gatewright_outbound_4", "ip daddr vmap @gatewright_inbound_4", "outbound tcp 443, from 10.0.0.0/8 to 13.107.64.0/18 52.112.0.0/14 192.0.2.1/32 192.0.2.9/32 and 2 more: the policy says accepted, the engine not accepted"},
			{"ends swapped", "ip daddr vmap @gatewright_outbound_4", "ip saddr vmap @gatewright_outbound_4", "chain gatewright_outbound: rule 1: network 12 is matched twice"},
			{"protocol swapped", screen, strings.Replace(screen, "tcp dport", "udp dport", 1), "outbound udp 443"},
			{"any remote narrowed", any, strings.Replace(any, "tcp dport 8080", "tcp dport 8080 ip saddr @gatewright_role_clients_net4", 1), "inbound tcp 8080"},
			{"IPv6 elements forgotten", "\t\t\t2603:1063::/38 : goto gatewright_out6_skype-out-7qzfx90a1,\n", "", "to 2603:1063::/38: the policy says accepted, the engine not accepted"},
			{"original direction lost", "ct direction original ", "", "the connection's direction are not matched together"},
			{"base chain added", "add chain inet filter gatewright_outbound\n", "add chain inet filter gatewright_outbound\nadd chain inet filter x { type filter hook forward priority 0; policy accept; }\n", "chain x (type filter, hook forward, priority 0): the policy says not there"},
			{"a chain that nothing leads to", "add chain inet filter gatewright_outbound\n", "add chain inet filter gatewright_outbound\nadd chain inet filter gatewright_x\n", "chain gatewright_x: the policy says not there"},
			{"table added", "add table inet filter\n", "add table inet filter\nadd table ip x\n", "table ip x: the policy says not there"},
			{"table asleep", "add table inet filter\n", "add table inet filter { flags dormant; }\n", "loading gatewright.nft: the policy says it loads"},
			{"the site's ruleset flushed", "add table inet filter\n", "flush ruleset\nadd table inet filter\n", "the site's own table inet bystander: the policy says it stays, the engine it is gone"},
			{"the site's table replaced", "add table inet filter\n", "add table inet filter\ndelete table inet filter\nadd table inet filter\n", "the site's own chain inet filter fail2ban: the policy says it stays"},
			{"the site's chains emptied", "add table inet filter\n", "add table inet filter\nflush table inet filter\n", "the site's own chain inet filter forward: the policy says it is unchanged, the engine it has changed"},
			{"match inverted", "ip saddr @", "ip saddr != @", "is not matched as a rule of ours does"},
			{"drop in place of accept", counts, strings.Replace(counts, "accept", "drop", 1), "is not how a rule of ours accepts"},
			{"chain flushed no more", "flush chain inet filter gatewright_skype-out-7qzfx90a1\n", "", "the policy says once, the engine twice"},
			{"chain of rules flushed no more", "flush chain inet filter gatewright_outbound\n", "", "loading gatewright.nft: the policy says it loads"},
			{"map kept", "delete map inet filter gatewright_outbound_4\n", "", "the policy says not accepted, the engine accepted"},
			{"set kept", "flush set inet filter gatewright_role_clients_net4\n", "", "the policy says not accepted, the engine accepted"},
			{"a stray word", "add set", "add sett", "loading gatewright.nft: the policy says it loads"},
			{"cut in half", secondHalf(c.artefacts[0].Data), "", "loading gatewright.nft: the policy says it loads"},
		})
	})
	t.Run("enforce on a host", func(t *testing.T) {
		testDamages(t, newFilterCase(t, "nftables", p, hostEnforce()), []damage{
			{"policy", "hook input priority filter - 10; policy drop", "hook input priority filter - 10; policy accept", "priority -10): the policy says drop, the engine accept"},
			{"priority", "hook output priority filter - 10", "hook output priority filter", "priority -10): the policy says there, the engine not there"},
			{"jump removed", "\t\tjump gatewright_inbound\n", "", "the policy says jump gatewright_inbound, the engine counter gatewright_input_dropped"},
			{"jump to the other", "\t\tjump gatewright_inbound\n", "\t\tjump gatewright_outbound\n", "the policy says jump gatewright_inbound, the engine jump gatewright_outbound"},
			{"accept added", "\t\tjump gatewright_inbound\n", "\t\taccept\n\t\tjump gatewright_inbound\n", "the policy says jump gatewright_inbound, the engine accept"},
			{"admin's prefix wider", "198.51.100.0/24", "198.51.100.0/23", "from 198.51.101.0/24 to any in chain input"},
			{"admin's port off by one", "udp dport 161", "udp dport 162", "inbound udp 161, from 2001:db8:22::/48 to any in chain input"},
			{"resolver's port", "udp dport 53", "udp dport 54", "inbound udp 53"},
			{"established before invalid", "ct state established,related accept", "ct state established,related,new accept", "unknown ct state 0x8"},
			{"hop limit of neighbours", "ip6 hoplimit 255", "ip6 hoplimit 254", "ip6 hoplimit 255 icmpv6 type"},
			{"loopback", "iif \"lo\" accept", "iif \"lo\" drop", "the policy says iif lo accept, the engine iif lo drop"},
			{"invalid accepted", "counter name \"gatewright_input_invalid\" drop", "counter name \"gatewright_input_invalid\" accept", "the policy says ct state invalid drop, the engine ct state invalid accept"},
			{"hook of the other place", "forward priority filter - 10; policy accept", "forward priority filter - 10; policy drop", "forward, priority -10): the policy says accept, the engine drop"},
		})
	})
	t.Run("enforce between interfaces", func(t *testing.T) {
		testDamages(t, newFilterCase(t, "nftables", p, forwardEnforce()), []damage{
			{"interface lost", `{ "eth1", "eth2" }`, `"eth1"`, "in by eth1,eth2 out by eth0: the policy says accepted, the engine not accepted"},
			{"interfaces swapped", `iifname { "eth1", "eth2" } oifname "eth0"`, `iifname "eth0" oifname { "eth1", "eth2" }`, "in by eth0 out by eth1,eth2: the policy says not accepted"},
		})
	})
	t.Run("mark", func(t *testing.T) {
		testDamages(t, newFilterCase(t, "nftables", p, map[string][]string{"mode": {"mark"}}), []damage{
			{"another bit", "meta mark | 0x00010000", "meta mark | 0x00020000", "marked 0x20000: the policy says not accepted, the engine accepted"},
			{"not cleared", "\t\tmeta mark set meta mark & 0xfffeffff\n", "", "the policy says mark and 0xfffeffff, the engine none"},
			{"not marked", " meta mark set meta mark | 0x00010000 accept", " accept", "marked 0x10000: the policy says accepted, the engine not accepted"},
		})
	})
}

// secondHalf returns the lines after the middle of a text.
func secondHalf(text []byte) string {
	_, rest, _ := strings.Cut(string(text[len(text)/2:]), "\n")
	return rest
}

func TestDamagedIptablesIsFound(t *testing.T) {
	p := ruletest.Compile(t, ruletest.Site(t))
	t.Run("rules", func(t *testing.T) {
		c := newFilterCase(t, "iptables", p, nil)
		screen, way := c.line(t, "-A gw_out-", "screen-sharing"), c.line(t, "-A gw_OUT -d 52.112.0.0/14")
		testDamages(t, c, []damage{
			{"rule removed", screen, "", "outbound tcp 443, from 10.0.0.0/8 to 52.112.0.0/14: the policy says accepted, the engine not accepted"},
			{"rule doubled", screen, screen + screen, "the policy says once, the engine twice"},
			{"way removed", way, "", "outbound tcp 443, from 10.0.0.0/8 to 52.112.0.0/14: the policy says accepted, the engine not accepted"},
			{"prefix narrower", "-d 52.112.0.0/14", "-d 52.112.0.0/15", "to 52.114.0.0/15: the policy says accepted, the engine not accepted"},
			{"prefix wider", "-d 52.112.0.0/14", "-d 52.112.0.0/13", "to 52.116.0.0/14: the policy says not accepted, the engine accepted"},
			{"port off by one", "50000:59999", "50000:60000", "outbound udp 60000, from 10.0.0.0/8"},
			{"published port off by one", "--ctorigdstport 49443", "--ctorigdstport 49442", "inbound tcp 49443 (published)"},
			{"direction swapped", "-A gatewright_outbound -s 10.0.0.0/8", "-A gatewright_inbound -s 10.0.0.0/8", "addresses of one end behind a way by addresses"},
			{"ends swapped", "-A gw_OUT -d 52.112.0.0/14", "-A gw_OUT -s 52.112.0.0/14", "addresses of one end behind a way by addresses"},
			{"rule without ports", screen, strings.Replace(screen, " -p tcp --dport 443", "", 1), "to 52.112.0.0/14: the policy says not accepted, the engine accepted"},
			{"IPv6 prefix forgotten", c.line(t, " 2603:1006::/40 "), "", "from 2603:1006::/40"},
			{"chain added", "\n:gatewright_inbound - [0:0]\n", "\n:gatewright_inbound - [0:0]\n:x - [0:0]\n", "chain x of iptables: the policy says not there"},
			{"chain of ours left", "\n:gatewright_inbound - [0:0]\n", "\n:gatewright_inbound - [0:0]\n:gw_x - [0:0]\n", "chain gw_x of iptables: the policy says not there"},
			{"the site's chain emptied", "\n:gatewright_inbound - [0:0]\n", "\n:gatewright_inbound - [0:0]\n-F FORWARD\n", `the site's own "filter -A FORWARD -j bystander" of iptables: the policy says it stays`},
			{"the site's policy opened", "\n:gatewright_inbound - [0:0]\n", "\n:FORWARD ACCEPT [0:0]\n:gatewright_inbound - [0:0]\n", `the site's own "filter :FORWARD DROP" of iptables: the policy says it stays`},
			{"the site's translation emptied", "\nCOMMIT\n", "\nCOMMIT\n*nat\n-F PREROUTING\nCOMMIT\n", `the site's own "nat -A PREROUTING -j bystander" of iptables: the policy says it stays`},
			{"built-in chain", "\n:gatewright_inbound - [0:0]\n", "\n:INPUT DROP [0:0]\n:gatewright_inbound - [0:0]\n", "policy of chain INPUT of iptables: the policy says ACCEPT, the engine DROP"},
			{"another table", "\nCOMMIT\n", "\nCOMMIT\n*raw\n:PREROUTING DROP [0:0]\nCOMMIT\n", "rules in table raw of iptables: the policy says not there"},
			{"match inverted", "-d 52.112.0.0/14", "! -d 52.112.0.0/14", "an option that is allowed here"},
			{"drop in place of accept", "-j ACCEPT", "-j DROP", "the policy says accepted, the engine not accepted"},
			{"no commit", "\nCOMMIT\n", "\n", "gatewright.iptables"},
		})
	})
	t.Run("sets", func(t *testing.T) {
		in := ruletest.Site(t)
		in.Grants = append(in.Grants, ruletest.Grant(t, "sample/many", "many", rule.Outbound, "clients", "tcp 8443"))
		in.Grants[len(in.Grants)-1].Prefixes = manyPrefixes(10_001)
		c := newFilterCase(t, "iptables", ruletest.Compile(t, in), nil)
		testDamages(t, c, []damage{
			{"element forgotten", c.line(t, "add ", " 20.0.2.0/24"), "", "to 20.0.2.0/24: the policy says accepted, the engine not accepted"},
			{"element wider", " 20.0.2.0/24\n", " 20.0.2.0/23\n", "to 20.0.3.0/24: the policy says not accepted, the engine accepted"},
			{"a set left", c.line(t, "destroy "), "", "-new: the policy says not there, the engine there"},
			{"the site's sets emptied", "\ncreate ", "\nflush\ncreate ", `the site's own "add bystander 192.0.2.66" of ipset`},
			{"match inverted", "-m set --match-set", "-m set ! --match-set", "an option that is allowed here"},
			{"ends swapped", " dst -g", " src -g", "addresses of one end behind a way by addresses"},
		})
	})
	t.Run("enforce on a host", func(t *testing.T) {
		options := hostEnforce()
		options["roles"] = []string{"clients", "sts"}
		c := newFilterCase(t, "iptables", p, options)
		testDamages(t, c, []damage{
			{"policy", ":INPUT DROP", ":INPUT ACCEPT", "policy of chain INPUT of iptables: the policy says DROP, the engine ACCEPT"},
			{"jump removed", "-A INPUT -j gatewright_inbound\n", "", "the policy says -j gatewright_inbound, the engine none"},
			{"accept added", "-A INPUT -j gatewright_inbound\n", "-A INPUT -j ACCEPT\n-A INPUT -j gatewright_inbound\n", "the policy says -j gatewright_inbound, the engine -j ACCEPT"},
			{"admin's prefix wider", "198.51.100.0/24", "198.51.100.0/23", "from 198.51.101.0/24 to any in chain INPUT of iptables"},
			{"resolver's port", "-A OUTPUT -p udp --dport 53", "-A OUTPUT -p udp --dport 54", "inbound udp 53"},
			{"loopback", "-A INPUT -i lo -j ACCEPT\n", "", "the policy says -i lo -j ACCEPT"},
			{"flush lost", "-F INPUT\n", "", "chain INPUT of iptables: the policy says"},
			{"chain of the other place", ":OUTPUT DROP [0:0]\n", ":OUTPUT DROP [0:0]\n:FORWARD DROP [0:0]\n", "policy of chain FORWARD of iptables: the policy says ACCEPT, the engine DROP"},
		})
	})
	t.Run("mark", func(t *testing.T) {
		c := newFilterCase(t, "iptables", p, map[string][]string{"mode": {"mark"}})
		testDamages(t, c, []damage{
			{"another bit", "--set-xmark 0x10000/0x10000", "--set-xmark 0x20000/0x20000", "marked 0x20000: the policy says not accepted, the engine accepted"},
			{"not cleared", c.line(t, "--set-xmark 0x0/"), "", "the policy says -j MARK --set-xmark 0x0/0x10000"},
		})
	})
}

// manyPrefixes are that many, no two of which can be joined.
func manyPrefixes(n int) netset.PrefixSet {
	var b netset.PrefixBuilder
	for i := range n {
		b.Add(netip.PrefixFrom(netip.AddrFrom4([4]byte{20, byte(i >> 7), byte(i << 1), 0}), 24))
	}
	return b.Build()
}

// TestEveryStatementMatters removes each statement of an artefact in turn, and each
// element: the proof notices, but where nothing is lost by it.
func TestEveryStatementMatters(t *testing.T) {
	in := ruletest.Site(t)
	in.Grants = in.Grants[6:8]
	p := ruletest.Compile(t, in)
	options := hostEnforce()
	options["roles"] = []string{"sts", "clients"}
	for _, generator := range []string{"nftables", "iptables"} {
		t.Run(generator, func(t *testing.T) {
			t.Parallel()
			c := newFilterCase(t, generator, p, options)
			c.proved(t)
			removed := 0
			for i, a := range c.artefacts {
				for _, statement := range statements(string(a.Data)) {
					removed++
					damaged := append([]artefact.Artefact(nil), c.artefacts...)
					damaged[i].Data = []byte(strings.Replace("\n"+string(a.Data), "\n"+statement, "\n", 1))
					if result, err := c.prove(t, damaged); err != nil || result.Proved() {
						t.Errorf("%s without %q: %v\n%s", a.Name, statement, err, result)
					}
				}
			}
			if removed < 50 {
				t.Errorf("only %d statements were removed", removed)
			}
		})
	}
}

// statements are the lines of an artefact that say something.
func statements(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 && words[0] != "#" && words[0] != "}" {
			all = append(all, line)
		}
	}
	return all
}
