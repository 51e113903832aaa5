package iptables

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
)

// shapes are sets of one family that a tree could get wrong, or too deep.
func shapes(t *testing.T) map[string]netset.PrefixSet {
	r := rand.New(rand.NewPCG(1, 2))
	random := func(n int, length func() int, bytes ...byte) netset.PrefixSet {
		var b netset.PrefixBuilder
		for range n {
			a := make([]byte, len(bytes))
			for i, top := range bytes {
				a[i] = byte(r.IntN(int(top) + 1))
			}
			addr, _ := netip.AddrFromSlice(a)
			b.Add(netip.PrefixFrom(addr, length()))
		}
		return b.Build()
	}
	return map[string]netset.PrefixSet{
		"single":         ruletest.Prefixes(t, "192.0.2.7"),
		"two halves":     ruletest.Prefixes(t, "0.0.0.0/2", "128.0.0.0/1"),
		"a leaf":         random(8, func() int { return 24 }, 255, 255, 255, 0),
		"more than leaf": random(9, func() int { return 24 }, 255, 255, 255, 0),
		"both ends":      ruletest.Prefixes(t, "0.0.0.0", "255.255.255.255", "127.255.255.255", "128.0.0.0"),
		"random":         random(5000, func() int { return 12 + r.IntN(21) }, 255, 255, 255, 255),
		"close together": random(5000, func() int { return 32 }, 1, 1, 63, 255),
		"stairs":         stairs(netip.IPv4Unspecified()),
		"IPv6 stairs":    stairs(netip.IPv6Unspecified()),
		"IPv6 random":    random(5000, func() int { return 20 + r.IntN(109) }, 32, 1, 13, 184, 255, 255, 0, 3, 0, 0, 0, 0, 0, 0, 255, 255),
		"bushy stairs":   bushyStairs(5000),
		"IPv6 ends":      ruletest.Prefixes(t, "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "8000::/1"),
	}
}

// stairs are prefixes of every second length, each beside the next.
func stairs(zero netip.Addr) netset.PrefixSet {
	var b netset.PrefixBuilder
	for n := 1; n < zero.BitLen(); n += 2 {
		c := zero.AsSlice()
		c[(n-1)/8] |= 0x80 >> ((n - 1) % 8)
		b.Add(netip.PrefixFrom(addrOf(c), n))
	}
	return b.Build()
}

// bushyStairs has heaps of single addresses on the stairs of IPv6, so that every
// split is as uneven as it can be.
func bushyStairs(n int) netset.PrefixSet {
	var b netset.PrefixBuilder
	for i := range n {
		c := netip.IPv6Unspecified().AsSlice()
		step := i % 100
		c[step/8] |= 0x80 >> (step % 8)
		c[14], c[15] = byte(i/100), 1
		b.Add(netip.PrefixFrom(addrOf(c), 128))
	}
	return b.Build()
}

func addrOf(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a
}

// packet is the first packet of a flow, as iptables sees it.
type packet struct {
	src, dst netip.Addr
	protocol netset.Protocol
	port     uint16
	original uint16 // destination port before DNAT
}

// firewall walks rules one by one, as the kernel does.
type firewall struct {
	rules map[string][]savedRule
	steps int // rules that the last packet came by
	depth int // chains that it was in at most, one below the other
}

// newFirewall reads an artefact's rules, which may name sets.
func newFirewall(t *testing.T, f family, text string, table string, sets map[string]netset.PrefixSet) *firewall {
	t.Helper()
	w := walker{family: f, sets: sets, used: map[string]bool{}}
	out := firewall{rules: map[string][]savedRule{}}
	for chain, lines := range readTables([]byte(text))[table].rules {
		out.rules[chain] = nil
		for _, line := range lines {
			r, err := w.parse(line)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			out.rules[chain] = append(out.rules[chain], r)
		}
	}
	return &out
}

func (w *firewall) accepts(chain string, p packet) bool {
	w.steps, w.depth = 0, 0
	return w.walk(chain, p, 1)
}

// walk sends a packet through a chain; a chain that a goto leads to returns to where
// this one returns to.
func (w *firewall) walk(chain string, p packet, depth int) bool {
	w.depth = max(w.depth, depth)
	marked := false
	for _, r := range w.rules[chain] {
		w.steps++
		switch {
		case !r.sees(p):
		case r.target == "ACCEPT":
			return true
		case r.target == "MARK":
			marked = true
		case r.forGood:
			return w.walk(r.target, p, depth+1) || marked
		case w.walk(r.target, p, depth+1):
			return true
		}
	}
	return marked
}

func (r savedRule) sees(p packet) bool {
	port := p.port
	if r.Published {
		port = p.original
	}
	hit := r.Ports == nil
	for _, ports := range r.Ports {
		hit = hit || ports.Contains(port)
	}
	return hit && r.Source.Contains(p.src) && r.Destination.Contains(p.dst) && (r.Protocol == 0 || r.Protocol == p.protocol)
}

// TestTreeMatchesItsSet asks rendered trees about both sides of the edges of their
// prefixes, and how far a packet walks.
func TestTreeMatchesItsSet(t *testing.T) {
	const farthest = 64 // rules
	const deepest = 9   // of the 15 chains that iptables-nft lets a packet go down
	for name, set := range shapes(t) {
		t.Run(name, func(t *testing.T) {
			f := ipv4
			local := ruletest.Prefixes(t, "10.0.0.9", "10.0.0.11")
			if set.V4().IsEmpty() {
				f, local = ipv6, ruletest.Prefixes(t, "fd00::9", "fd00::11")
			}
			text := treeText(t, f, set, local)
			w := newFirewall(t, f, text, "filter", nil)
			var from netip.Addr
			for a := range local.Ranges() {
				from = a
			}
			farther, deeper := 0, 0
			for _, a := range ruletest.Edges(set) {
				if got := w.accepts(string(outboundChain), packet{src: from, dst: a, protocol: netset.TCP, port: 443}); got != set.Contains(a) {
					t.Fatalf("%s: accepted %t", a, got)
				}
				farther, deeper = max(farther, w.steps), max(deeper, w.depth)
			}
			if w.accepts(string(outboundChain), packet{src: from.Next(), dst: ruletest.Edges(set)[0], protocol: netset.TCP, port: 443}) {
				t.Errorf("an address that is not local is accepted")
			}
			if farther > farthest || deeper > deepest {
				t.Errorf("a packet walks %d rules and %d chains; want at most %d and %d", farther, deeper, farthest, deepest)
			}
			compareReadTree(t, f, text, set)
		})
	}
}

// treeText is the artefact of one rule without ipset.
func treeText(t *testing.T, f family, remote, local netset.PrefixSet) string {
	t.Helper()
	g := ruletest.Grant(t, "sample/shape", "shape", rule.Outbound, "clients", "tcp 443")
	g.Prefixes = remote
	in := rule.Input{Bindings: []rule.Binding{{Role: "clients", Addresses: local}}, Grants: []rule.Grant{g}}
	return texts(t, in, map[string][]string{"ipset": {"no"}})[f.file()]
}

func compareReadTree(t *testing.T, f family, text string, set netset.PrefixSet) {
	t.Helper()
	d := Dump{IPv4: []byte(text), IPv6: []byte(emptyDump)}
	if f == ipv6 {
		d.IPv4, d.IPv6 = d.IPv6, d.IPv4
	}
	rs, err := ReadBack(d, "filter")
	if err != nil {
		t.Fatal(err)
	}
	if len(rs.Rules) != 1 || !rs.Rules[0].Destination.Equal(set) {
		t.Errorf("read back as %d rules, not one with the set", len(rs.Rules))
	}
}

const emptyDump = "*filter\n:gatewright_outbound - [0:0]\n:gatewright_inbound - [0:0]\nCOMMIT\n"

// TestRenderedRulesMeanThePolicy walks the rules of every example and asks the model
// the same.
func TestRenderedRulesMeanThePolicy(t *testing.T) {
	for _, e := range examples(t) {
		t.Run(e.name, func(t *testing.T) {
			p, files, table := ruletest.Compile(t, e.served()), texts(t, e.in, e.settings), "filter"
			if e.mode() == artefact.ModeMark {
				table = "mangle"
			}
			sets := setsOf(t, files["gatewright.ipset"])
			walkers := map[bool]*firewall{
				true:  newRulesFirewall(t, ipv4, files, table, sets),
				false: newRulesFirewall(t, ipv6, files, table, sets),
			}
			wrong, asked := 0, map[bool]int{}
			for flow := range edgeFlows(p) {
				chain, pk := outboundChain, packet{flow.Local, flow.Remote, flow.Protocol, flow.Port, flow.Port}
				if flow.Direction == rule.Inbound {
					chain, pk.src, pk.dst = inboundChain, flow.Remote, flow.Local
				}
				if flow.Published != 0 {
					pk.original = flow.Published
				}
				want := p.Decide(flow).Accept()
				asked[want]++
				if got := walkers[flow.Local.Is4()].accepts(string(chain), pk); got != want && wrong < 5 {
					wrong++
					t.Errorf("%+v: the rules say %t, the model %t", flow, got, want)
				}
			}
			if len(e.in.Grants) > 2 && (asked[true] < 10 || asked[false] < 100) {
				t.Errorf("only %d accepted and %d denied flows were asked", asked[true], asked[false])
			}
		})
	}
}

// newRulesFirewall reads our chains of an artefact and leaves the built-in ones.
func newRulesFirewall(t *testing.T, f family, files map[string]string, table string, sets map[string]netset.PrefixSet) *firewall {
	t.Helper()
	var own []string
	for line := range strings.Lines(files[f.file()]) {
		if !strings.HasPrefix(line, "-A ") || strings.HasPrefix(line, "-A gw_") ||
			strings.HasPrefix(line, "-A "+string(outboundChain)) || strings.HasPrefix(line, "-A "+string(inboundChain)) {
			own = append(own, line)
		}
	}
	return newFirewall(t, f, strings.Join(own, ""), table, sets)
}

// setsOf is what the live sets hold once an artefact is loaded.
func setsOf(t *testing.T, text string) map[string]netset.PrefixSet {
	t.Helper()
	var added strings.Builder
	live := map[string]string{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) > 1 && (words[0] == "create" || words[0] == "add"):
			added.WriteString(line)
		case len(words) == 3 && words[0] == "swap":
			live[words[2]] = words[1]
		}
	}
	filled, err := readSets([]byte(added.String()))
	if err != nil {
		t.Fatal(err)
	}
	sets := map[string]netset.PrefixSet{}
	for name, from := range live {
		if from != name+"-new" {
			t.Errorf("%s is swapped with %s", name, from)
		}
		sets[name] = filled[from]
	}
	return sets
}

func TestTreeIsLow(t *testing.T) {
	var b netset.PrefixBuilder
	for i := range 100_000 {
		b.Add(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 15), byte(i >> 7), byte(i << 1)}), 32))
	}
	tr := newTree(b.Build())
	depth := make([]int, len(tr.chains))
	deepest := 0
	for i, c := range tr.chains {
		if rules := len(c.cells) + len(c.prefixes); rules > 2*fanOut+leafSize {
			t.Errorf("chain %d has %d rules", i, rules)
		}
		for _, cell := range c.cells {
			depth[cell.chain] = depth[i] + 1
			deepest = max(deepest, depth[cell.chain])
		}
	}
	if tr.len() != 100_000 || deepest > 6 {
		t.Errorf("%d prefixes on %d levels", tr.len(), deepest)
	}
}

func TestCommon(t *testing.T) {
	for _, c := range []struct{ p, q, want string }{
		{"10.0.0.0/8", "11.0.0.0/8", "10.0.0.0/7"},
		{"0.0.0.0/2", "192.0.2.0/24", "0.0.0.0/0"},
		{"10.0.0.0/8", "10.1.0.0/16", "10.0.0.0/8"},
		{"2001:db8::/48", "2001:db8:1::/48", "2001:db8::/47"},
		{"2001:db8::1/128", "2001:db8::1/128", "2001:db8::1/128"},
	} {
		got := common(netip.MustParsePrefix(c.p), netip.MustParsePrefix(c.q))
		if fmt.Sprint(got) != c.want {
			t.Errorf("common(%s, %s) = %s; want %s", c.p, c.q, got, c.want)
		}
	}
}
