package iptables

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
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

// kernel walks the rules of a file one by one, as the kernel does.
type kernel struct {
	t     *testing.T
	rules map[string][][]string // words of each rule
	sets  map[string]netset.PrefixSet
	steps int // rules that the last packet came by
	depth int // chains that it was in at most, one below the other
}

// packet is the first packet of a flow, as iptables sees it.
type packet struct {
	src, dst netip.Addr
	protocol string
	port     uint16
	original uint16 // destination port before DNAT
	in, out  string
}

// newKernel reads a file's rules by plain means.
func newKernel(t *testing.T, text string, sets map[string]netset.PrefixSet) *kernel {
	t.Helper()
	k := &kernel{t: t, rules: map[string][][]string{}, sets: sets}
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "-A "); ok {
			words, err := restoreWords(rest)
			if err != nil {
				t.Fatal(err)
			}
			k.rules[words[0]] = append(k.rules[words[0]], words[1:])
		}
	}
	return k
}

// accepts sends a packet through a chain, and returns the comment of the rule that
// first accepts or marks it.
func (k *kernel) accepts(chain string, p packet) (comment string, ok bool) {
	k.steps, k.depth = 0, 0
	return k.walk(chain, p, 1)
}

// walk goes through a chain; one that a goto leads to returns to where this one returns
// to.
func (k *kernel) walk(chain string, p packet, depth int) (string, bool) {
	k.depth = max(k.depth, depth)
	for _, words := range k.rules[chain] {
		k.steps++
		if !k.sees(words, p) {
			continue
		}
		value := map[string]string{}
		for i := 0; i+1 < len(words); i++ {
			value[words[i]] = words[i+1]
		}
		switch {
		case value["-g"] != "":
			return k.walk(value["-g"], p, depth+1)
		case value["-j"] == "ACCEPT" || value["-j"] == "MARK" && !strings.HasPrefix(value["--set-xmark"], "0x0/"):
			return value["--comment"], true
		case value["-j"] != "MARK" && value["-j"] != "DROP":
			if comment, ok := k.walk(value["-j"], p, depth+1); ok {
				return comment, true
			}
		}
	}
	return "", false
}

func (k *kernel) sees(words []string, p packet) bool {
	within := func(text string, a netip.Addr) bool {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			k.t.Fatal(err)
		}
		return prefix.Contains(a)
	}
	for i := 0; i+1 < len(words); i += 2 {
		value, hit := words[i+1], true
		switch words[i] {
		case "-s":
			hit = within(value, p.src)
		case "-d":
			hit = within(value, p.dst)
		case "-i":
			hit = value == p.in
		case "-o":
			hit = value == p.out
		case "-p":
			hit = value == p.protocol
		case "--dport", "--dports":
			hit = holds(readPortList(k.t, value), p.port)
		case "--ctorigdstport":
			hit = holds(readPortList(k.t, value), p.original)
		case "--ctstate", "--icmpv6-type":
			hit = false
		case "--match-set":
			a := p.src
			if i++; words[i+1] == "dst" {
				a = p.dst
			}
			set, ok := k.sets[value]
			if !ok {
				k.t.Fatalf("there is no set %s", value)
			}
			hit = set.Contains(a)
		}
		if !hit {
			return false
		}
	}
	return true
}

func holds(ports []netset.PortRange, port uint16) bool {
	return slices.ContainsFunc(ports, func(r netset.PortRange) bool { return r.Contains(port) })
}

// TestTreeMatchesItsSet asks rendered trees about both sides of the edges of their
// prefixes, and how far a packet walks.
func TestTreeMatchesItsSet(t *testing.T) {
	const farthest = 90 // rules
	const deepest = 12  // of the 15 chains that iptables-nft lets a packet go down
	for name, set := range shapes(t) {
		for _, ipset := range []string{"yes", "no"} {
			t.Run(name+"/"+ipset, func(t *testing.T) {
				f := ipv4
				local := ruletest.Prefixes(t, "10.0.0.9", "10.0.0.11")
				if set.V4().IsEmpty() {
					f, local = ipv6, ruletest.Prefixes(t, "fd00::9", "fd00::11")
				}
				g := ruletest.Grant(t, "sample/shape", "shape", rule.Outbound, "clients", "tcp 443")
				g.Prefixes = set
				e := example{in: rule.Input{Bindings: []rule.Binding{{Role: "clients", Addresses: local}}, Grants: []rule.Grant{g}}, inline: 100}
				e.settings = map[string][]string{"ipset": {ipset}}
				files := e.texts(t)
				k := newKernel(t, files[f.file()], setsOf(t, files[setsFile]))
				var from netip.Addr
				for a := range local.Ranges() {
					from = a
				}
				farther, deeper := 0, 0
				for _, a := range ruletest.Edges(set) {
					if _, got := k.accepts("gatewright_outbound", packet{src: from, dst: a, protocol: "tcp", port: 443}); got != set.Contains(a) {
						t.Fatalf("%s: accepted %t", a, got)
					}
					farther, deeper = max(farther, k.steps), max(deeper, k.depth)
				}
				if _, got := k.accepts("gatewright_outbound", packet{src: from.Next(), dst: ruletest.Edges(set)[0], protocol: "tcp", port: 443}); got {
					t.Errorf("an address that is not local is accepted")
				}
				if farther > farthest || deeper > deepest {
					t.Errorf("a packet walks %d rules and %d chains; want at most %d and %d", farther, deeper, farthest, deepest)
				}
				if sets := strings.Count(files[setsFile], "\nswap "); (sets == 1) != (ipset == "yes" && set.Len() > 100) {
					t.Errorf("%d prefixes make %d sets", set.Len(), sets)
				}
			})
		}
	}
}

// TestRenderedRulesMeanThePolicy walks the rules of every example and asks the model
// the same, and by which rule.
func TestRenderedRulesMeanThePolicy(t *testing.T) {
	for _, e := range examples(t) {
		t.Run(e.name, func(t *testing.T) {
			p, files := ruletest.Compile(t, e.served()), e.texts(t)
			sets := setsOf(t, files[setsFile])
			v4, v6 := newKernel(t, files[ipv4.file()], sets), newKernel(t, files[ipv6.file()], sets)
			wrong, asked := 0, map[bool]int{}
			for flow := range edgeFlows(p) {
				k, chain, pk := v6, "gatewright_outbound", packet{src: flow.Local, dst: flow.Remote, protocol: flow.Protocol.String(), port: flow.Port, original: flow.Port}
				near, far := first(e.settings["lan"]), first(e.settings["wan"])
				pk.in, pk.out = near, far
				if flow.Local.Is4() {
					k = v4
				}
				if flow.Direction == rule.Inbound {
					chain, pk.src, pk.dst, pk.in, pk.out = "gatewright_inbound", flow.Remote, flow.Local, far, near
				}
				if flow.Published != 0 {
					pk.original = flow.Published
				}
				want := p.Decide(flow)
				asked[want.Accept()]++
				comment, got := k.accepts(chain, pk)
				if (got != want.Accept() || got && !strings.HasPrefix(comment, string(want.Rules[0])+": ")) && wrong < 5 {
					wrong++
					t.Errorf("%+v: the rules say %t by %q, the model %v", flow, got, comment, want.Rules)
				}
			}
			if len(e.in.Grants) > 2 && (asked[true] < 10 || asked[false] < 100) {
				t.Errorf("only %d accepted and %d denied flows were asked", asked[true], asked[false])
			}
		})
	}
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// setsOf is what the live sets hold once a file of sets is loaded.
func setsOf(t *testing.T, text string) map[string]netset.PrefixSet {
	t.Helper()
	filled := map[string]*strings.Builder{}
	sets := map[string]netset.PrefixSet{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 3 && words[0] == "add":
			if filled[words[1]] == nil {
				filled[words[1]] = &strings.Builder{}
			}
			filled[words[1]].WriteString(line)
		case len(words) == 3 && words[0] == "swap":
			if words[1] != words[2]+"-new" {
				t.Errorf("%s is swapped with %s", words[2], words[1])
			}
			sets[words[2]] = readAdds(t, words[1], strings.TrimSpace(filled[words[1]].String()))
		}
	}
	return sets
}

func TestTreeIsLow(t *testing.T) {
	var b netset.PrefixBuilder
	for i := range 100_000 {
		b.Add(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 15), byte(i >> 7), byte(i << 1)}), 32))
	}
	tr := newTree([]netset.PrefixSet{b.Build()}, func(int) bool { return false })
	depth := make([]int, len(tr.chains))
	deepest, leaves := 0, 0
	for i, c := range tr.chains {
		if rules := len(c.cells) + len(c.leaves); rules > 2*fanOut+leafSize {
			t.Errorf("chain %d has %d rules", i, rules)
		}
		leaves += len(c.leaves)
		for _, cell := range c.cells {
			depth[cell.chain] = depth[i] + 1
			deepest = max(deepest, depth[cell.chain])
		}
	}
	if leaves != 100_000 || deepest > 6 {
		t.Errorf("%d prefixes on %d levels", leaves, deepest)
	}
}

// TestOnePrefixMoreMovesFewLines holds that a tree keeps its shape while a prefix
// comes.
func TestOnePrefixMoreMovesFewLines(t *testing.T) {
	lines := func(set netset.PrefixSet) map[string]bool {
		g := ruletest.Grant(t, "sample/shape", "shape", rule.Outbound, "clients", "tcp 443")
		g.Prefixes = set
		in := rule.Input{Bindings: []rule.Binding{{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.9")}}, Grants: []rule.Grant{g}}
		all := map[string]bool{}
		for line := range strings.Lines(texts(t, in, nil)[ipv4.file()]) {
			all[line] = true
		}
		return all
	}
	set := shapes(t)["random"]
	was, is := lines(set), lines(set.Union(ruletest.Prefixes(t, "203.0.113.77")))
	changed := 0
	for line := range is {
		if !was[line] {
			changed++
		}
	}
	if changed > 30 {
		t.Errorf("%d lines of %d change with one prefix", changed, len(is))
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

// TestManyRoles holds that the chains of thousands of roles have names of their own,
// and that what they hold is read back.
func TestManyRoles(t *testing.T) {
	const roles = 2000
	var in rule.Input
	for i := range roles {
		role, at := rule.Role(fmt.Sprintf("role%d", i)), fmt.Sprintf("%d.%d", i>>8, i&255)
		in.Bindings = append(in.Bindings, rule.Binding{Role: role, Addresses: ruletest.Prefixes(t, "10.0."+at)})
		in.Grants = append(in.Grants, ruletest.Grant(t, "own/"+string(role), string(role), rule.Outbound, role, "tcp 443", "20.0."+at))
	}
	out, err := generate(t, in, nil)
	if err != nil {
		t.Fatal(err)
	}
	read, err := Generator{}.Read(artefact.FilesOf(out.Artefacts))
	if err != nil {
		t.Fatal(err)
	}
	of := map[rule.ID]bool{}
	for _, p := range read.Filters {
		for _, l := range p.Lines {
			of[l.Rule] = true
		}
	}
	if len(of) != roles {
		t.Errorf("%d rules are read, want %d", len(of), roles)
	}
}
