package generators

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/engine/enginetest"
	"gatewright/generators/iptables"
	"gatewright/generators/nftables"
)

// networkPolicy is what the network's local machines may do.
func networkPolicy(t *testing.T, grants ...rule.Grant) *rule.Policy {
	t.Helper()
	both := func(names map[string][2]string, name string) []string { a := names[name]; return a[:] }
	return ruletest.Compile(t, rule.Input{
		Bindings: []rule.Binding{
			{Role: "clients", Addresses: ruletest.Prefixes(t, both(nearNames, "client")...)},
			{Role: "exchange", Addresses: ruletest.Prefixes(t, both(nearNames, "exchange")...)},
			{Role: "resolver", Addresses: ruletest.Prefixes(t, both(farNames, "resolver")...)},
		},
		Grants: grants,
	})
}

func networkGrants(t *testing.T) []rule.Grant {
	t.Helper()
	remote := farNames["remote"]
	return []rule.Grant{
		ruletest.Grant(t, "test/web", "", rule.Outbound, "clients", "tcp 443,8443; udp 3478,3479", remote[:]...),
		ruletest.Grant(t, "test/mail", "", rule.Inbound, "exchange", "tcp 25; udp 5060", remote[:]...),
	}
}

// filter is a packet filter: how artefacts are made and loaded.
type filter struct {
	name      string
	generator Generator
	load      func(*enginetest.Machine, []artefact.Artefact) error
}

func filters() []filter {
	all := []filter{{"nftables", nftables.Generator{}, func(m *enginetest.Machine, a []artefact.Artefact) error { return m.LoadNFT(a[0].Data) }}}
	for _, variant := range variants() {
		all = append(all, filter{"iptables-" + string(variant), iptables.Generator{}, func(m *enginetest.Machine, a []artefact.Artefact) error {
			return m.LoadIptables(variant, a)
		}})
	}
	return all
}

// enforced is the network with a complete default-deny on one of its machines.
type enforced struct {
	*network
	filter  filter
	place   artefact.Place
	machine *enginetest.Machine // that filters
	out     artefact.Output
	nobody  artefact.Output // of a policy that accepts nothing
}

func newEnforced(t *testing.T, f filter, place artefact.Place) *enforced {
	e := &enforced{network: newNetwork(t), filter: f, place: place}
	options := map[string][]string{"mode": {"enforce"}, "place": {string(place)}}
	for _, a := range farNames["admin"] {
		options["admin"] = append(options["admin"], a+" tcp 22")
	}
	e.machine = e.gate
	if place == artefact.PlaceHost {
		e.machine = e.near
		options["roles"] = []string{"clients", "exchange"}
	}
	s := setting{"enforce", options}
	e.out = generate(t, f.generator, networkPolicy(t, networkGrants(t)...), s)
	e.nobody = generate(t, f.generator, networkPolicy(t), s)
	return e
}

func (e *enforced) load(t *testing.T, out artefact.Output) {
	t.Helper()
	must(t, e.filter.load(e.machine, out.Artefacts))
}

// forEnforced runs f with every packet filter in every place.
func forEnforced(t *testing.T, f func(t *testing.T, e *enforced)) {
	for _, filter := range filters() {
		for _, place := range []artefact.Place{artefact.PlaceForward, artefact.PlaceHost} {
			t.Run(filter.name+"/"+string(place), func(t *testing.T) {
				t.Parallel()
				f(t, newEnforced(t, filter, place))
			})
		}
	}
}

// crossing is a flow in the network, and whether a default-deny.
type crossing struct {
	from, to string
	kind     string // "tcp", "udp", or a message of ICMP
	port     uint16
	pass     bool
}

func (c crossing) String() string {
	if c.port == 0 {
		return fmt.Sprintf("%s to %s, icmp %s", c.from, c.to, c.kind)
	}
	return fmt.Sprintf("%s to %s:%d, %s", c.from, c.to, c.port, c.kind)
}

var crossings = []crossing{
	{"client", "remote", "tcp", 443, true},
	{"client", "remote", "udp", 3478, true},
	{"remote", "exchange", "tcp", 25, true},
	{"client", "resolver", "udp", 53, true},
	{"client", "resolver", "tcp", 53, true},
	{"exchange", "resolver", "udp", 53, true},
	{"admin", "client", "tcp", 22, true},

	{"client", "remote", "tcp", 444, false},
	{"client", "remote", "udp", 443, false},
	{"client", "remote", "ping", 0, false},
	{"client", "stranger", "tcp", 443, false},
	{"client", "stranger", "udp", 3478, false},
	{"client", "stranger", "udp", 53, false},
	{"client", "stranger", "tcp", 53, false},
	{"client", "resolver", "tcp", 443, false},
	{"client", "resolver", "udp", 54, false},
	{"exchange", "remote", "tcp", 443, false},
	{"unbound", "remote", "tcp", 443, false},
	{"unbound", "resolver", "udp", 53, false},
	{"remote", "client", "tcp", 443, false},
	{"remote", "client", "tcp", 25, false},
	{"remote", "client", "udp", 3478, false},
	{"remote", "exchange", "tcp", 26, false},
	{"remote", "exchange", "udp", 25, false},
	{"stranger", "exchange", "tcp", 25, false},
	{"stranger", "client", "tcp", 22, false},
	{"resolver", "client", "udp", 53, false},
	{"admin", "client", "tcp", 23, false},
	{"admin", "client", "udp", 22, false},
	{"admin", "client", "ping", 0, false},
	{"remote", "client", "ping", 0, false},
	{"remote", "client", "unreachable", 0, false}, // of no connection, as the next
	{"remote", "client", "too-big", 0, false},
	{"remote", "client", "redirect", 0, false},
	{"remote", "client", "timestamp", 0, false},
	{"client", "remote", "unreachable", 0, false},
}

// serveAll answers wherever a crossing goes to.
func (n *network) serveAll(t *testing.T, all []crossing) {
	served := map[string]bool{}
	for _, c := range all {
		key := fmt.Sprint(c.kind, c.to, c.port)
		if c.port != 0 && !served[key] {
			served[key] = true
			n.serve(t, c.kind, c.to, c.port)
		}
	}
}

// cross tries a crossing.
func (n *network) cross(c crossing, ipv6 bool, wait time.Duration) error {
	if c.port == 0 {
		return n.sendICMP(c.kind, c.from, c.to, ipv6, wait)
	}
	conn, err := n.dial(c.kind, c.from, c.to, ipv6, c.port, wait)
	if err != nil {
		return err
	}
	defer conn.Close()
	return echo(conn, "hello")
}

// silence is how long to wait for an answer that should not come; those that should
// take milliseconds.
const silence = 500 * time.Millisecond

// crossingComplaints tries all crossings at once, in both families.
func (n *network) crossingComplaints(all []crossing, passes func(crossing) bool, wait time.Duration) []string {
	var complaints []string
	var lock sync.Mutex
	var tries sync.WaitGroup
	for _, c := range all {
		for _, ipv6 := range []bool{false, true} {
			tries.Go(func() {
				limit := silence
				if passes(c) {
					limit = wait
				}
				if err := n.cross(c, ipv6, limit); (err == nil) != passes(c) {
					lock.Lock()
					defer lock.Unlock()
					complaints = append(complaints, fmt.Sprintf("%s, IPv6 %t: %v", c, ipv6, err))
				}
			})
		}
	}
	tries.Wait()
	slices.Sort(complaints)
	return complaints
}

func enforcedPasses(c crossing) bool { return c.pass }

// TestEnforceCrossings holds that a default-deny lets pass what it should and nothing
// else. Before it is loaded everything passes, so it is not the network that drops.
func TestEnforceCrossings(t *testing.T) {
	forEnforced(t, func(t *testing.T, e *enforced) {
		e.serveAll(t, crossings)
		complain(t, e.crossingComplaints(crossings, func(crossing) bool { return true }, patience))
		e.load(t, e.out)
		e.load(t, e.out)
		complain(t, e.crossingComplaints(crossings, enforcedPasses, patience))
	})
}

// The checks that follow return what is wrong; what must work may take the wait.

// checkNeighbours forgets the neighbours on either side before a connection.
func checkNeighbours(e *enforced, wait time.Duration) error {
	for _, forgetful := range []struct {
		machine *enginetest.Machine
		flow    crossing
	}{
		{e.near, crossing{from: "client", to: "remote", kind: "tcp", port: 443}},
		{e.gate, crossing{from: "remote", to: "exchange", kind: "tcp", port: 25}},
	} {
		for _, ipv6 := range []bool{false, true} {
			if err := forgetful.machine.IP([]byte("neighbour flush all\n")); err != nil {
				return err
			}
			if err := e.cross(forgetful.flow, ipv6, wait); err != nil {
				return fmt.Errorf("%s, IPv6 %t: %w", forgetful.flow, ipv6, err)
			}
		}
	}
	return nil
}

// linkMessages are the types of ICMPv6 that a link needs, by their hop limit: routers
// and neighbours find each other by some (RFC 4861), and join groups by others (RFC
// 2710, RFC 3810).
var linkMessages = map[int][]byte{255: {133, 134, 135, 136}, 1: {130, 131, 132, 143}}

// checkLink sends the messages of a link between the client and its gateway, all at
// once. With another hop limit a message has come from elsewhere, and is dropped.
func checkLink(e *enforced, wait time.Duration) error {
	near, client := e.address("client", true)
	gate, router := e.address("lan", true)
	var problems []error
	var lock sync.Mutex
	var tries sync.WaitGroup
	try := func(kind byte, hopLimit int, out, pass bool) {
		sender, src, receiver, dst := gate, router, near, client
		if out {
			sender, src, receiver, dst = near, client, gate, router
		}
		limit := silence
		if pass {
			limit = wait
		}
		tag := fmt.Appendf(nil, "gatewright link %d %d %t", kind, hopLimit, out)
		packet := icmpPacket([2]byte{kind, 0}, src, dst, tag)
		if err := deliverICMP(sender, receiver, src, dst, packet, tag, hopLimit, limit); (err == nil) != pass {
			lock.Lock()
			defer lock.Unlock()
			problems = append(problems, fmt.Errorf("type %d, hop limit %d, to the gateway %t: %v", kind, hopLimit, out, err))
		}
	}
	for hopLimit, kinds := range linkMessages {
		for _, kind := range kinds {
			for _, out := range []bool{true, false} {
				tries.Go(func() { try(kind, hopLimit, out, true) })
				if e.place == artefact.PlaceHost {
					tries.Go(func() { try(kind, 64, out, false) })
				}
			}
		}
	}
	tries.Wait()
	return errors.Join(problems...)
}

// uploadSize is many packets: the sender must learn that they are too big.
const uploadSize = 400_000

// checkPathMTU sends much data through the hop with the small link.
func checkPathMTU(e *enforced, wait time.Duration) error {
	for _, ipv6 := range []bool{false, true} {
		if mtu, err := e.learnedMTU(ipv6); err != nil || mtu == smallMTU {
			return fmt.Errorf("IPv6 %t: the path takes %d bytes before anything has been sent, %w", ipv6, mtu, err)
		}
		c, err := e.dial("tcp", "client", "remote", ipv6, uploadPort, wait)
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.Write(bytes.Repeat([]byte("x"), uploadSize)); err != nil {
			return err
		}
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			return err
		}
		if got, err := io.ReadAll(c); err != nil || string(got) != strconv.Itoa(uploadSize) {
			return fmt.Errorf("IPv6 %t: %q of %d bytes arrived: %w", ipv6, got, uploadSize, err)
		}
	}
	return nil
}

// checkRefused sends datagrams to ports where nobody listens.
func checkRefused(e *enforced, wait time.Duration) error {
	for _, c := range []crossing{
		{from: "client", to: "remote", port: 3479},
		{from: "remote", to: "exchange", port: 5060},
	} {
		for _, ipv6 := range []bool{false, true} {
			conn, err := e.dial("udp", c.from, c.to, ipv6, c.port, wait)
			if err != nil {
				return err
			}
			defer conn.Close()
			if err := echo(conn, "hello"); !errors.Is(err, syscall.ECONNREFUSED) {
				return fmt.Errorf("%s, IPv6 %t: %v; want %w", c, ipv6, err, syscall.ECONNREFUSED)
			}
		}
	}
	return nil
}

// loopbackPort is served on the filtering machine's loopback addresses.
const loopbackPort = 7777

func checkLoopback(e *enforced, wait time.Duration) error {
	for _, a := range []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()} {
		for _, protocol := range []string{"tcp", "udp"} {
			c, err := dialFrom(e.machine, protocol, a, a, loopbackPort, wait)
			if err == nil {
				defer c.Close()
				err = echo(c, "hello")
			}
			if err != nil {
				return fmt.Errorf("%s to %s: %w", protocol, a, err)
			}
		}
	}
	return nil
}

// checkReload opens connections, loads the artefacts again and then those of a policy
// that accepts nothing, and uses the connections each time. At the end the artefacts
// under test are back.
func checkReload(e *enforced, out artefact.Output, wait time.Duration) error {
	var open []net.Conn
	for _, c := range []crossing{
		{from: "client", to: "remote", kind: "tcp", port: 443},
		{from: "client", to: "remote", kind: "udp", port: 3478},
		{from: "remote", to: "exchange", kind: "tcp", port: 25},
		{from: "admin", to: "client", kind: "tcp", port: 22},
	} {
		for _, ipv6 := range []bool{false, true} {
			conn, err := e.dial(c.kind, c.from, c.to, ipv6, c.port, wait)
			if err == nil {
				defer conn.Close()
				err = echo(conn, "before")
			}
			if err != nil {
				return fmt.Errorf("%s, IPv6 %t: %w", c, ipv6, err)
			}
			open = append(open, conn)
		}
	}
	for _, reloaded := range [][]artefact.Artefact{out.Artefacts, e.nobody.Artefacts, out.Artefacts} {
		if err := e.filter.load(e.machine, reloaded); err != nil {
			return err
		}
		for _, c := range open {
			if err := echo(c, "after"); err != nil {
				return fmt.Errorf("%s from %s to %s after a reload: %w", c.LocalAddr().Network(), c.LocalAddr(), c.RemoteAddr(), err)
			}
		}
	}
	return nil
}

// serveChecks answers wherever the checks connect to.
func (e *enforced) serveChecks(t *testing.T) {
	e.serveAll(t, append(slices.Clone(crossings), crossing{to: "remote", kind: "tcp", port: uploadPort}))
	for _, a := range []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()} {
		serveAt(t, e.machine, "tcp", a, loopbackPort)
		serveAt(t, e.machine, "udp", a, loopbackPort)
	}
}

// TestEnforceKeepsTheNetworkWorking holds what a default-deny breaks easily.
func TestEnforceKeepsTheNetworkWorking(t *testing.T) {
	forEnforced(t, func(t *testing.T, e *enforced) {
		e.serveChecks(t)
		e.load(t, e.out)
		for name, check := range map[string]func(*enforced, time.Duration) error{
			"neighbours": checkNeighbours, "link": checkLink, "path MTU": checkPathMTU, "refused": checkRefused, "loopback": checkLoopback,
			"reload": func(e *enforced, wait time.Duration) error { return checkReload(e, e.out, wait) },
		} {
			if err := check(e, patience); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, ipv6 := range []bool{false, true} { // the packets were too big, indeed
			if mtu, err := e.learnedMTU(ipv6); err != nil || mtu != smallMTU {
				t.Errorf("IPv6 %t: the path takes %d bytes, %v; want %d", ipv6, mtu, err, smallMTU)
			}
		}
	})
}

// learnedMTU is what the client knows of the path to the remote.
func (n *network) learnedMTU(ipv6 bool) (mtu int, err error) {
	c, err := n.dial("tcp", "client", "remote", ipv6, 443, patience)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	level, option := syscall.IPPROTO_IP, syscall.IP_MTU
	if ipv6 {
		level, option = syscall.IPPROTO_IPV6, syscall.IPV6_MTU
	}
	return mtu, errors.Join(raw.Control(func(fd uintptr) { mtu, err = syscall.GetsockoptInt(int(fd), level, option) }), err)
}
