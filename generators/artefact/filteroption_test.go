package artefact_test

import (
	"net/netip"
	"reflect"
	"strconv"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/artefact/artefacttest"
)

// filterOf reads pairs "option=value" as a backend does.
func filterOf(pairs ...string) (artefact.Filter, error) {
	options := artefact.FilterOptions("what the modes are", artefact.Option{Name: "own"})
	s, err := artefact.Configure(options, artefacttest.Settings(pairs...))
	if err != nil {
		return artefact.Filter{}, err
	}
	return artefact.FilterOf(s)
}

// many returns n pairs: text with 1, 2, …
func many(text string, n int) []string {
	var pairs []string
	for i := range n {
		pairs = append(pairs, text+strconv.Itoa(i+1))
	}
	return pairs
}

func TestFilterErrors(t *testing.T) {
	const bit = "; write one such as 0x10000"
	for _, c := range []struct {
		pairs []string
		err   string
	}{
		{[]string{"mode=block"}, `option mode: unknown value "block"; expect one of chains, mark, enforce`},
		{[]string{"place=bridge"}, `option place: unknown value "bridge"; expect one of forward, host`},
		{[]string{"other=1"}, `unknown option "other"; expect one of mode, place, own, roles, mark, admin, wan, lan`},
		{[]string{"roles=STS", "place=host"}, `option roles: bad role "STS"; expect a lower-case letter, then at most 15 letters, digits or hyphens`},
		{[]string{"mark=3", "mode=mark"}, `option mark: "3" is not one bit of 32` + bit},
		{[]string{"mark=0", "mode=mark"}, `option mark: "0" is not one bit of 32` + bit},
		{[]string{"mark=0x100000000", "mode=mark"}, `option mark: "0x100000000" is not one bit of 32` + bit},
		{[]string{"mark=1 -j ACCEPT; drop", "mode=mark"}, `option mark: "1 -j ACCEPT; drop" is not one bit of 32` + bit},
		{[]string{"wan=eth+"}, `option wan: bad interface name "eth+"; expect at most 15 letters, digits, - _ . and @`},
		{[]string{"lan=eth0", "lan=eth*"}, `option lan: bad interface name "eth*"; expect at most 15 letters, digits, - _ . and @`},
		{[]string{"mark=1"}, "mode chains sets no mark; omit mark, or set mode to mark"},
		{[]string{"admin=none"}, "mode chains drops nothing; omit admin, or set mode to enforce"},
		{[]string{"place=host"}, "place host needs the roles of this machine; set them with the option roles"},
		{[]string{"roles=sts"}, "place forward serves every role; omit roles, or set place to host"},
		{[]string{"place=host", "roles=sts", "wan=eth0"}, "place host does not have two sides; omit wan and lan, or set place to forward"},
		{[]string{"place=host", "roles=sts", "lan=eth0"}, "place host does not have two sides; omit wan and lan, or set place to forward"},
		{[]string{"mode=enforce", "admin=none"}, "mode enforce drops what no rule accepts and needs a place; set place to forward (a gateway) or host (this machine)"},
		{[]string{"mode=enforce", "place=forward"}, `mode enforce drops what no rule accepts; to keep administrators connected, set admin to prefixes and ports such as "198.51.100.0/24 tcp 22", or to none`},
		{[]string{"mode=enforce", "place=forward", "admin=none", "admin=192.0.2.0/24 tcp 22"}, "option admin: none cannot be given together with prefixes; omit one of the two"},
		{[]string{"admin=192.0.2.0/24"}, `option admin: "192.0.2.0/24" names no ports; write them after the prefix, such as "192.0.2.0/24 tcp 22", or write only none`},
		{[]string{"admin=192.0.2.9/24 tcp 22"}, `option admin: "192.0.2.9/24 tcp 22": host bits dropped: 192.0.2.9/24 is read as 192.0.2.0/24; write "192.0.2.0/24"`},
		{[]string{"admin=0.0.0.0/0 tcp 22"}, `option admin: "0.0.0.0/0 tcp 22" lets everybody in; list the prefixes that administrators come from, or write none`},
		{[]string{"admin=::/0 tcp 22"}, `option admin: "::/0 tcp 22" lets everybody in; list the prefixes that administrators come from, or write none`},
		{[]string{"mode=enforce", "place=forward", "admin=0.0.0.0/1 tcp 22", "admin=128.0.0.0/1 tcp 443"},
			"option admin: the prefixes together cover all of IPv4; list those that administrators come from, or write none"},
		{[]string{"mode=enforce", "place=forward", "admin=192.0.2.0/24 tcp 22", "admin=8000::/1 tcp 22", "admin=::/2 tcp 22", "admin=4000::/2 udp 161"},
			"option admin: the prefixes together cover all of IPv6; list those that administrators come from, or write none"},
		{[]string{"wan=eth0", "lan=eth0"}, "interface eth0 is in wan and in lan, and cannot tell the two sides apart; name it in one of them, or leave out both options if all packets come and go by it"},
		{[]string{"mode=mark", "wan=eth1", "wan=eth0", "lan=eth2", "lan=eth0"}, "interface eth0 is in wan and in lan, and cannot tell the two sides apart; name it in one of them, or leave out both options if all packets come and go by it"},
		{many("lan=if", 65), "options wan and lan take at most 64 interfaces each; group them, such as in a bridge or a VRF, and name the group"},
		{many("wan=if", 65), "options wan and lan take at most 64 interfaces each; group them, such as in a bridge or a VRF, and name the group"},
		{append(many("admin=192.0.2.1 tcp ", 257), "mode=enforce", "place=forward"), "option admin takes at most 256 values; join prefixes, and write the ports of a prefix in one value"},
	} {
		if _, err := filterOf(c.pairs...); err == nil || err.Error() != c.err {
			t.Errorf("%q:\n got %v\nwant %s", c.pairs, err, c.err)
		}
	}
	for _, admin := range []string{"host.example.com tcp 22", "192.0.2.0/24 icmp 1", "192.0.2.0/24 tcp 0"} {
		if _, err := filterOf("mode=enforce", "place=forward", "admin="+admin); err == nil {
			t.Errorf("admin %q is accepted", admin)
		}
	}
}

func TestFilterOf(t *testing.T) {
	const mark = 0x10000
	access := func(prefix, services string) artefact.Access {
		return artefact.Access{From: netip.MustParsePrefix(prefix), Services: ruletest.Services(t, services)}
	}
	for _, c := range []struct {
		pairs []string
		want  artefact.Filter
	}{
		{nil, artefact.Filter{Mode: "chains", Place: "forward", Mark: mark}},
		{[]string{"mode=mark", "mark=0x80000000"}, artefact.Filter{Mode: "mark", Place: "forward", Mark: 1 << 31}},
		{[]string{"wan=eth1", "wan=eth0", "wan=eth1", "lan=eth2"},
			artefact.Filter{Mode: "chains", Place: "forward", Mark: mark, WAN: []string{"eth0", "eth1"}, LAN: []string{"eth2"}}},
		{[]string{"mode=enforce", "place=host", "roles=sts", "roles=clients", "roles=sts", "admin=none"},
			artefact.Filter{Mode: "enforce", Place: "host", Mark: mark, Roles: []rule.Role{"clients", "sts"}}},
		{[]string{"mode=enforce", "place=forward", "admin=2001:db8::/32 tcp 22", "admin=192.0.2.0/24 udp 161; tcp 443", "admin=192.0.2.0/24 tcp 22", "admin=10.0.0.1 tcp 22"},
			artefact.Filter{Mode: "enforce", Place: "forward", Mark: mark, Admin: []artefact.Access{
				access("10.0.0.1/32", "tcp 22"), access("192.0.2.0/24", "tcp 22,443; udp 161"), access("2001:db8::/32", "tcp 22"),
			}}},
	} {
		got, err := filterOf(c.pairs...)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q:\n got %+v, %v\nwant %+v", c.pairs, got, err, c.want)
		}
	}
}

// TestFilterServes holds that a machine carries the flows of its own roles alone,
// and a gateway those of all.
func TestFilterServes(t *testing.T) {
	p := ruletest.Compile(t, ruletest.Site(t))
	host, err := filterOf("place=host", "roles=sts", "roles=clients")
	if err != nil {
		t.Fatal(err)
	}
	gateway, err := filterOf("wan=eth0", "lan=eth1")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := host.Local(p), p.Binding("sts").Local().Union(p.Binding("clients").Local()); !got.Equal(want) {
		t.Errorf("the machine has %s; want %s", got, want)
	}
	for _, b := range p.Bindings {
		if !b.Local().Subtract(gateway.Local(p)).IsEmpty() {
			t.Errorf("the gateway does not serve %s", b.Role)
		}
	}
	strange, any := 0, 0
	j := artefact.NewJudge(p)
	for i := range p.Rules {
		r := &p.Rules[i]
		all := j.ByAddress(r)
		got := gateway.Cover(j, r, gateway.Local(p))
		if r.Remote.Any { // which machines of the site are none of
			any++
			if got.Verdict != artefact.Narrower {
				t.Errorf("gateway: %+v; want narrower", got)
			}
		} else if !reflect.DeepEqual(got, all) {
			t.Errorf("gateway: %+v; want %+v", got, all)
		}
		want := all
		if r.Role == "sbc" {
			strange++
			want = artefact.Coverage{Rule: r.ID, Entries: all.Entries, Verdict: artefact.NotApplicable, Reason: "this machine plays clients, sts, not sbc"}
		}
		if got := host.Cover(j, r, host.Local(p)); !reflect.DeepEqual(got, want) {
			t.Errorf("machine: %+v; want %+v", got, want)
		}
	}
	if strange != 2 || any != 1 {
		t.Errorf("%d rules of another role and %d of any remote; want 2 and 1", strange, any)
	}
}

// TestFilterWithoutSides holds that a gateway that is told of no interfaces is wider
// where a rule's remote may be an address of our side, and shows a packet for it; and
// one that is told of wan narrower where a machine of another role may be the remote.
func TestFilterWithoutSides(t *testing.T) {
	entry := func(d rule.Direction, role rule.Role, remote rule.Remote) *rule.Policy {
		in := rule.Input{Bindings: []rule.Binding{
			{Role: "clients", Addresses: prefixes("10.0.0.0/8", "fc00::/7")}, {Role: "exchange", Addresses: prefixes("10.1.1.10/32", "192.168.1.1/32")},
		}}
		in.Grants = []rule.Grant{{Entry: rule.Entry{ID: "x/e", Title: "e"}, Direction: d, Role: role, Any: remote.Any, Prefixes: remote.Prefixes(),
			Services: netset.ServiceSetOf(netset.Service{Protocol: netset.TCP, Ports: netset.PortRange{First: 443, Last: 443}}), Route: rule.NoRoute}}
		p, err := rule.Compile(in)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	bare := func(list ...string) rule.Remote { return rule.Remote{BarePrefixes: prefixes(list...)} }
	for _, c := range []struct {
		name    string
		policy  *rule.Policy
		options []string
		want    string
	}{
		{"any", entry(rule.Outbound, "clients", rule.Remote{Any: true}), nil, "wider: inbound tcp 10.0.0.0 to 10.255.255.255:443"},
		{"any, inbound", entry(rule.Inbound, "exchange", rule.Remote{Any: true}), nil, "wider: outbound tcp 192.168.1.1:443 from 10.0.0.0"},
		{"an overlap with the role", entry(rule.Outbound, "clients", bare("10.9.0.0/16", "20.1.0.0/16")), nil, "wider: inbound tcp 10.0.0.0 to 10.9.0.0:443"},
		{"an overlap with another role", entry(rule.Outbound, "clients", bare("192.168.1.0/24")), nil, "wider: inbound tcp 10.0.0.0 to 192.168.1.1:443"},
		{"an overlap, inbound", entry(rule.Inbound, "exchange", bare("10.9.0.1/32")), nil, "wider: outbound tcp 192.168.1.1:443 from 10.9.0.1"},
		{"none", entry(rule.Outbound, "clients", bare("20.1.0.0/16", "192.168.9.0/24")), nil, "exact"},
		{"any, with wan", entry(rule.Outbound, "clients", rule.Remote{Any: true}), []string{"wan=eth0"}, "narrower: outbound tcp 10.1.1.10:443 from 10.0.0.0"},
		{"any, with both", entry(rule.Inbound, "exchange", rule.Remote{Any: true}), []string{"wan=eth0", "lan=eth1"}, "narrower: inbound tcp 10.0.0.0 to 192.168.1.1:443"},
		{"any, with lan", entry(rule.Outbound, "clients", rule.Remote{Any: true}), []string{"lan=eth0"}, "exact"},
		{"any, on the machine", entry(rule.Outbound, "clients", rule.Remote{Any: true}), []string{"place=host", "roles=clients"}, "exact"},
	} {
		f, err := filterOf(c.options...)
		if err != nil {
			t.Fatal(err)
		}
		got := f.Cover(artefact.NewJudge(c.policy), &c.policy.Rules[0], f.Local(c.policy))
		text := string(got.Verdict)
		for _, w := range got.Witnesses {
			text += ": " + w.Flow.String()
			if w.Backend == c.policy.Decide(w.Flow).Accept() {
				t.Errorf("%s: the model agrees with the witness %+v", c.name, w)
			}
			if w.Backend != (got.Verdict == artefact.Wider) {
				t.Errorf("%s: %s by the witness %+v", c.name, got.Verdict, w)
			}
		}
		if text != c.want {
			t.Errorf("%s: %s, want %s", c.name, text, c.want)
		}
	}
}

func prefixes(list ...string) netset.PrefixSet {
	var b netset.PrefixBuilder
	for _, text := range list {
		b.Add(netip.MustParsePrefix(text))
	}
	return b.Build()
}
