package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/generators/artefact"
	"gatewright/generators/expect"
)

// drawnFlows is a pattern in parts, so that flows are held to it without its parser.
type drawnFlows struct {
	kind, text string
	direction  rule.Direction
	protocol   netset.Protocol
	ports      []uint16
	name       string // a pattern; empty for addresses
	prefix     string
	any        bool
	role       rule.Role
	locals     func(*rule.Policy) []netip.Addr
}

func (d draws) flows() drawnFlows {
	x := drawnFlows{kind: d.one("allow", "deny", "deny", "direct", "proxied"), direction: rule.Outbound, protocol: netset.TCP, ports: []uint16{1, 2}}
	if x.kind == "allow" || x.kind == "deny" {
		x.direction = rule.Direction(d.one("outbound", "outbound", "inbound"))
		x.protocol = []netset.Protocol{netset.TCP, netset.TCP, netset.UDP}[d.IntN(3)]
	}
	ports := d.one("2", "1-3", "53", "1,53", "3")
	x.ports = map[string][]uint16{"2": {2}, "1-3": {1, 2, 3}, "53": {53}, "1,53": {1, 53}, "3": {3}}[ports]
	host := ""
	switch d.IntN(5) {
	case 0:
		x.any, host = true, "any"
	case 1, 2:
		x.name = d.one("a*.x.test", "*b.x.test", "*.x.test", "ab.x.test", "*.b.x.test", "x.test", "y.test", "a.x.test")
		host = x.name
	default:
		x.prefix = d.one("192.0.2.0/29", "192.0.2.0/30", "192.0.2.1/32", "192.0.2.8/32", "2001:db8::/127", "192.0.2.2/31")
		if host = x.prefix; strings.Contains(host, "::") {
			host = "[" + host + "]"
		}
	}
	local := d.one("clients", "exchange", "10.0.0.1", "10.0.0.0/31", "clients")
	if x.role = rule.Clients; local == "exchange" {
		x.role = "exchange"
	}
	x.locals = func(p *rule.Policy) (all []netip.Addr) {
		for _, a := range universeLocals {
			set := p.Binding(rule.Role(local)).Local()
			if set.Contains(a) || holdsAny([]string{local, local + "/32"}, a) {
				all = append(all, a)
			}
		}
		return all
	}
	x.text = fmt.Sprintf("%s %s %s:%s from %s", x.direction, x.protocol, host, ports, local)
	if x.direction == rule.Inbound {
		x.text = fmt.Sprintf("inbound %s %s to %s:%s", x.protocol, strings.Trim(host, "[]"), local, ports)
	}
	return x
}

// all are the universe's flows of the pattern, by name or by address.
func (x drawnFlows) all(p *rule.Policy) (flows []rule.Flow) {
	remotes := append(remotesSeen(), rule.Flow{Name: "unlisted.test"})
	for _, a := range append(addressesOf("203.0.113.77", "2a00::9"), universeLocals...) {
		remotes = append(remotes, rule.Flow{Remote: a})
	}
	for _, f := range remotes {
		named := x.name != "" && f.Name != "" && matchesAny([]string{x.name}, f.Name)
		if !x.any && !named && (x.prefix == "" || !holdsAny([]string{x.prefix}, f.Remote)) {
			continue
		}
		f.Direction, f.Protocol = x.direction, x.protocol
		for _, f.Local = range x.locals(p) {
			for _, f.Port = range x.ports {
				if !f.Impossible() {
					flows = append(flows, f)
				}
			}
		}
	}
	return flows
}

// leads are the universe's addresses that the entries of a name give with it, of those
// that are asked.
func leads(grants []rule.Grant, name string, asked func(rule.Grant) bool) (all []netip.Addr) {
	for _, g := range grants {
		if !g.Any && asked(g) && slices.ContainsFunc(g.Names, func(n netset.Pattern) bool { return n.Match(name) }) {
			for _, a := range universeRemotes {
				if g.Prefixes.Contains(a) {
					all = append(all, a)
				}
			}
		}
	}
	return all
}

// passesFilter asks the hand-made table by every pair of interfaces.
func (w world) passesFilter(generator string, f rule.Flow) bool {
	source, dst := f.Local, f.Remote
	if f.Direction == rule.Inbound {
		source, dst = dst, source
	}
	if source.Is4() != dst.Is4() {
		return false
	}
	sides := w.is(generator, "place", "host") || len(w.option(generator, "wan"))+len(w.option(generator, "lan")) > 0
	for _, in := range []string{"l1", "l2", "w1", "w2", "o"} {
		for _, out := range []string{"l1", "l2", "w1", "w2", "o"} {
			k := packet{f.Protocol, f.Port, f.Port, source, dst, in, out}
			other := rule.Outbound
			if f.Direction == rule.Outbound {
				other = rule.Inbound
			}
			if w.accepts(generator, w.policy, k, f.Direction) || !sides && w.accepts(generator, w.policy, k, other) {
				return true
			}
		}
	}
	return false
}

// carries reports whether some entry gives the name of a flow with addresses, for
// machines and a port as the flow's, and a packet filter lets pass what such entries
// give. An entry counts if any of our machines that are asked about has an address of a
// family of its.
func (w world) carries(generator string, f rule.Flow, locals []netip.Addr, grants []rule.Grant) bool {
	gives := func(g rule.Grant) bool {
		ports := netset.ServicesOver(f.Protocol, []netset.PortRange{{First: f.Port, Last: f.Port}})
		meets := func(a netip.Addr) bool {
			return a.Is4() && !g.Prefixes.V4().IsEmpty() || a.Is6() && !g.Prefixes.V6().IsEmpty()
		}
		return g.Direction == f.Direction && !g.Services.Intersect(ports).IsEmpty() && w.policy.Binding(g.Role).Local().Contains(f.Local) && slices.ContainsFunc(locals, meets)
	}
	to := leads(grants, f.Name, gives)
	for _, f.Remote = range to {
		if f.Local.Is4() == f.Remote.Is4() && !w.passesFilter(generator, f) {
			return false
		}
	}
	return len(to) > 0
}

// opensAll reports whether a packet filter lets pass a flow whatever its remote is.
func (w world) opensAll(generator string, f rule.Flow) bool {
	for _, f.Remote = range slices.Concat(universeRemotes, addressesOf("203.0.113.77", "2a00::9")) {
		if f.Local.Is4() == f.Remote.Is4() && !w.passesFilter(generator, f) {
			return false
		}
	}
	return true
}

// violates reports whether some flow of the universe contradicts the pattern at a
// place; it is not known of names at packet filters whose addresses the universe cannot
// tell.
func (w world) violates(x drawnFlows, at string, grants []rule.Grant) (violated, known bool) {
	if at == "pac" && x.kind == "allow" {
		return false, true // it blocks nothing
	}
	for _, f := range x.all(w.policy) {
		var bad bool
		switch {
		case x.kind == "direct" || x.kind == "proxied":
			way := string(w.policy.Route(f, w.routed(x)))
			if at == "pac" {
				if way = w.wayBy(w.policy, f); f.Name != "" && matchesAny(w.option("pac", "internal"), f.Name) || f.Name == "" && holdsAny(w.option("pac", "local"), f.Remote) {
					way = "direct"
				}
			}
			bad = (way == "direct") != (x.kind == "direct")
		case at == "nftables" || at == "iptables":
			if f.Name != "" && x.any {
				continue
			}
			if f.Name == "" {
				if f.Local.Is4() == f.Remote.Is4() {
					bad = w.passesFilter(at, f) == (x.kind == "deny")
				}
				break
			}
			if x.kind == "allow" {
				bad = !w.opensAll(at, f) && !w.carries(at, f, x.locals(w.policy), grants)
				break
			}
			to := leads(grants, f.Name, func(rule.Grant) bool { return true })
			if len(to) == 0 {
				return false, false
			}
			for _, f.Remote = range to {
				bad = bad || w.passesFilter(at, f)
			}
		case at == "squid":
			bad = w.policy.Decide(rule.Seen(f, rule.Proxy)).Accept() == (x.kind == "deny")
		default:
			bad = w.policy.Decide(f).Accept() == (x.kind == "deny")
			if x.kind == "deny" && f.Name != "" {
				for _, f.Remote = range leads(grants, f.Name, func(rule.Grant) bool { return true }) {
					bad = bad || !f.Impossible() && w.policy.Decide(f).Accept()
				}
			}
		}
		if bad {
			return true, true
		}
	}
	return false, true
}

// routed is the role that the way of requests is asked for: that of the PAC file, if
// there is one.
func (w world) routed(x drawnFlows) rule.Role {
	if w.makes("pac") {
		return rule.Clients
	}
	return x.role
}

// expectedWorld is a world with what its expectations are asked of.
func expectedWorld(t *testing.T, dir string, s, c object) (w world, k expect.Asker, asked []rule.Expectation, ok bool) {
	t.Helper()
	if w, ok = newWorld(t, dir, s, c); !ok {
		return w, k, nil, false
	}
	inv := invocation{}
	inv.site.register(pflag.NewFlagSet("", pflag.ContinueOnError))
	inv.site.file = w.file
	read, base, err := inv.site.load()
	if err != nil {
		t.Fatal(err)
	}
	catalogs, err := read.LoadCatalogs(inv.site.catalogDir(base))
	if err != nil {
		t.Fatal(err)
	}
	result, err := site.Build(read, catalogs)
	if err != nil {
		t.Fatal(err)
	}
	k.Compiled = rule.Compiled{Policy: result.Policy, Grants: result.Input.Grants}
	for _, g := range choose(read, nil) {
		one, err := generateOne(g, read, result)
		if err != nil {
			return w, k, nil, false
		}
		reading, err := g.Read(artefact.FilesOf(one.Artefacts))
		if err != nil {
			t.Fatal(err)
		}
		k.Outputs = append(k.Outputs, expect.Output{Name: g.Name(), Kind: g.Kind(), Reading: reading})
	}
	return w, k, result.Expectations, true
}

// TestExpectProof holds expectations of random sites to brute force over a small
// universe, and each flow that is shown to Decide.
func TestExpectProof(t *testing.T) {
	t.Parallel()
	const each = 10
	sites, count, held := pairsOf(10_000)/4, 0, 0
	if os.Getenv("GATEWRIGHT_PROVE") == "all" {
		sites = 10_000
	}
	dir := t.TempDir()
	for number := uint64(0); count < sites*each; number++ {
		d := draws{rand.New(rand.NewPCG(77, number))}
		s, c := d.site()
		var drawn []drawnFlows
		var list []any
		for range each {
			x := d.flows()
			drawn, list = append(drawn, x), append(list, object{x.kind: x.text})
		}
		s["expect"] = list
		w, k, asked, ok := expectedWorld(t, dir, s, c)
		if !ok {
			continue
		}
		for i, x := range drawn {
			count++
			answers, err := k.Ask(asked[i])
			if err != nil {
				if len(x.all(w.policy)) > 0 && !strings.Contains(err.Error(), "so no flow can match") && !strings.Contains(err.Error(), "the PAC file is for machines of role clients") {
					t.Fatalf("site %d: %s %s: %v", number, x.kind, x.text, err)
				}
				continue
			}
			for _, a := range answers {
				violated, known := w.violates(x, a.At, k.Compiled.Grants)
				if a.Holds {
					held++
				}
				decided := w.policy.Decide(a.Flow).Accept()
				switch {
				case known && a.Holds == violated:
					data, _ := os.ReadFile(w.file)
					more, _ := os.ReadFile(filepath.Join(dir, "c.json"))
					t.Fatalf("site %d: %s %s at %s: holds %t, by brute force %t; shown %s\n%s\n%s", number, x.kind, x.text, a.At, a.Holds, !violated, a.Flow, data, more)
				case !a.Holds && a.At == expect.Policy && (x.kind == "allow" && decided || x.kind == "deny" && !decided):
					t.Fatalf("site %d: %s %s: shown %s, which is decided %t", number, x.kind, x.text, a.Flow, decided)
				case !a.Holds && a.At == expect.Policy && (x.kind == "direct" || x.kind == "proxied") && w.policy.Route(a.Flow, w.routed(x)) != a.Via:
					t.Fatalf("site %d: %s %s: shown %s, which does not go %s", number, x.kind, x.text, a.Flow, a.Via)
				}
			}
		}
	}
	t.Logf("proved: expect: %d expectations, %d answers that hold", count, held)
}

// TestExpectProofOfOneFlow hides one port of one address, or one name, in random sites:
// the flow that is shown is that one.
func TestExpectProofOfOneFlow(t *testing.T) {
	t.Parallel()
	dir, found := t.TempDir(), 0
	for number := uint64(0); found < pairsOf(1000); number++ {
		d := draws{rand.New(rand.NewPCG(78, number))}
		s, c := d.site()
		address := netip.AddrFrom4([4]byte{203, 0, 113, byte(d.IntN(256))})
		port, name, byName := 2000+d.IntN(50000), fmt.Sprintf("h%d.hidden.test", d.IntN(1_000_000)), d.IntN(2) == 0
		hidden, direction := address.String(), d.one("outbound", "inbound")
		asked := "outbound tcp 203.0.113.0/24:1025-65535 from exchange"
		if direction == "inbound" {
			asked = "inbound tcp 203.0.113.0/24 to exchange:1025-65535"
		}
		if byName {
			hidden, asked, direction = name, "outbound tcp *.hidden.test:1025-65535 from exchange", "outbound"
		}
		c["entries"] = append(c["entries"].([]any), object{
			"id": "hidden", "title": "t", "direction": direction, "role": "exchange", "services": fmt.Sprintf("tcp %d", port), "endpoints": []string{hidden},
		})
		s["answers"], s["expect"] = object{"c/e0": object{"dismissed": "none"}}, []any{object{"deny": asked}}
		for _, one := range c["entries"].([]any) { // none of the others has such a port
			if e := one.(object); e["services"] == "tcp 1-65535" {
				e["services"] = "tcp 1-3"
			}
		}
		_, k, list, ok := expectedWorld(t, dir, s, c)
		if !ok {
			continue
		}
		answers, err := k.Ask(list[0])
		if err != nil {
			t.Fatal(err)
		}
		a := answers[0]
		if a.Holds || int(a.Flow.Port) != port || byName && a.Flow.Name != name || !byName && a.Flow.Remote != address {
			t.Fatalf("site %d: %s: holds %t, shown %s; hidden is %s on %d", number, asked, a.Holds, a.Flow, hidden, port)
		}
		found++
	}
	t.Logf("proved: expect: %d of %d single flows found", found, found)
}

// TestExpectProofOfOnly holds closed worlds to brute force: whatever passes in the
// universe, and neither is listed nor promised to be the same as what is.
func TestExpectProofOfOnly(t *testing.T) {
	t.Parallel()
	dir, count, held := t.TempDir(), 0, 0
	for number := uint64(0); count < pairsOf(10_000)/2; number++ {
		d := draws{rand.New(rand.NewPCG(79, number))}
		s, c := d.site()
		x := drawnFlows{direction: rule.Direction(d.one("outbound", "inbound")), ports: universePorts, any: true, role: rule.Role(d.one("clients", "exchange"))}
		x.locals = func(p *rule.Policy) []netip.Addr {
			return slices.DeleteFunc(slices.Clone(universeLocals), func(a netip.Addr) bool { return !p.Binding(x.role).Local().Contains(a) })
		}
		key, text := "to", "outbound from "+string(x.role)
		if x.direction == rule.Inbound {
			key, text = "from", "inbound to "+string(x.role)
		}
		prefixes := d.some(4, "192.0.2.0/29", "192.0.2.0/30", "192.0.2.2/31", "192.0.2.4/32", "2001:db8::/127", "2001:db8::/126")
		names := append(d.some(3, "*.x.test", "a*.x.test", "x.test", "*b.x.test"), "y.test")
		s["expect"] = []any{object{"only": text, key: slices.Concat(prefixes, names)}}
		w, k, list, ok := expectedWorld(t, dir, s, c)
		if !ok {
			continue
		}
		answers, err := k.Ask(list[0])
		if err != nil {
			t.Fatal(err)
		}
		count++
		listed := func(f rule.Flow) bool {
			if f.Name == "" {
				return holdsAny(prefixes, f.Remote) || slices.ContainsFunc(k.Compiled.Grants, func(g rule.Grant) bool {
					return len(g.Names) > 0 && g.Prefixes.Contains(f.Remote) && !slices.ContainsFunc(universeNames, func(name string) bool {
						return slices.ContainsFunc(g.Names, func(n netset.Pattern) bool { return n.Match(name) }) && !matchesAny(names, name)
					})
				})
			}
			return matchesAny(names, f.Name) || slices.ContainsFunc(k.Compiled.Grants, func(g rule.Grant) bool {
				to := leads([]rule.Grant{g}, f.Name, func(rule.Grant) bool { return true })
				return len(to) > 0 && !slices.ContainsFunc(universeRemotes, func(a netip.Addr) bool { return g.Prefixes.Contains(a) && !holdsAny(prefixes, a) })
			})
		}
		for _, a := range answers {
			passes := func(f rule.Flow) bool {
				switch a.At {
				case "nftables", "iptables":
					return f.Name == "" && w.passesFilter(a.At, f)
				case "squid":
					return f.Protocol == netset.TCP && w.policy.Decide(f).Accept()
				}
				return w.policy.Decide(f).Accept()
			}
			var other rule.Flow
			for _, x.protocol = range []netset.Protocol{netset.TCP, netset.UDP} {
				for _, f := range x.all(w.policy) {
					if passes(f) && !listed(f) {
						other = f
					}
				}
			}
			if a.Holds {
				held++
			}
			if a.Holds != (other.Port == 0) || !a.Holds && (listed(a.Flow) || a.At == expect.Policy && !w.policy.Decide(a.Flow).Accept()) {
				data, _ := os.ReadFile(w.file)
				more, _ := os.ReadFile(filepath.Join(dir, "c.json"))
				t.Fatalf("site %d: only %s at %s: holds %t, shown %s; by brute force %s passes\n%s\n%s", number, text, a.At, a.Holds, a.Flow, other, data, more)
			}
		}
	}
	t.Logf("proved: expect: %d closed worlds, %d answers that hold", count, held)
}
