package generators

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"gatewright/generators/engine/enginetest"
)

// patience is how long what must work may take.
const patience = 10 * time.Second

// network is four machines in a row with real stacks: the policy's local machines, a
// gateway, a hop whose far link takes packets of at most smallMTU bytes, and
// everybody else. An address has a name, and stands for one address of each family.
type network struct {
	near, gate, hop, far *enginetest.Machine
}

const smallMTU = 1300

var nearNames = map[string][2]string{
	"client":   {"10.1.0.10", "fd00:1::10"},
	"exchange": {"10.1.0.20", "fd00:1::20"},
	"unbound":  {"10.1.0.30", "fd00:1::30"},
}

var farNames = map[string][2]string{
	"remote":   {"192.0.2.10", "2001:db8:2::10"},
	"banned":   {"192.0.2.66", "2001:db8:2::66"}, // by the site, in spite of the policy
	"stranger": {"192.0.2.11", "2001:db8:2::11"},
	"resolver": {"192.0.2.53", "2001:db8:2::53"},
	"admin":    {"198.51.100.22", "2001:db8:22::22"},
}

// gateNames are the gateway's own, and what is routed to it.
var gateNames = map[string][2]string{
	"public": {"203.0.113.1", "2001:db8:113::1"},
	"wan":    {"198.18.0.1", "2001:2::1"},
	"lan":    {"10.1.0.1", "fd00:1::1"},
}

const (
	nearLinks = `link set lo up
link set eth0 up
address add 10.1.0.10/24 dev eth0
address add 10.1.0.20/24 dev eth0
address add 10.1.0.30/24 dev eth0
address add fd00:1::10/64 dev eth0 nodad
address add fd00:1::20/64 dev eth0 nodad
address add fd00:1::30/64 dev eth0 nodad
route add default via 10.1.0.1
route add default via fd00:1::1
`
	gateLinks = `link set lo up
link add lan0 type veth peer name eth0 netns %s
link add wan0 type veth peer name up0 netns %s
link set lan0 up
link set wan0 up
address add 10.1.0.1/24 dev lan0
address add fd00:1::1/64 dev lan0 nodad
address add 198.18.0.1/24 dev wan0
address add 2001:2::1/64 dev wan0 nodad
route add default via 198.18.0.2
route add default via 2001:2::2
`
	hopLinks = `link set lo up
link add down0 type veth peer name eth0 netns %s
link set up0 up
link set down0 up mtu %d
address add 198.18.0.2/24 dev up0
address add 2001:2::2/64 dev up0 nodad
address add 198.18.1.1/24 dev down0
address add 2001:2:0:1::1/64 dev down0 nodad
route add 10.1.0.0/24 via 198.18.0.1
route add fd00:1::/64 via 2001:2::1
route add 203.0.113.0/24 via 198.18.0.1
route add 2001:db8:113::/48 via 2001:2::1
route add 192.0.2.0/24 via 198.18.1.2
route add 198.51.100.0/24 via 198.18.1.2
route add 2001:db8::/32 via 2001:2:0:1::2
`
	farLinks = `link set lo up
link set eth0 up
address add 198.18.1.2/24 dev eth0
address add 2001:2:0:1::2/64 dev eth0 nodad
address add 192.0.2.10/32 dev eth0
address add 192.0.2.11/32 dev eth0
address add 192.0.2.53/32 dev eth0
address add 192.0.2.66/32 dev eth0
address add 198.51.100.22/32 dev eth0
address add 2001:db8:2::10/128 dev eth0 nodad
address add 2001:db8:2::11/128 dev eth0 nodad
address add 2001:db8:2::53/128 dev eth0 nodad
address add 2001:db8:2::66/128 dev eth0 nodad
address add 2001:db8:22::22/128 dev eth0 nodad
route add default via 198.18.1.1
route add default via 2001:2:0:1::1
`
)

// newNetwork builds the network. It ends with the test.
func newNetwork(t *testing.T) *network {
	t.Helper()
	n := &network{}
	for _, m := range []**enginetest.Machine{&n.near, &n.gate, &n.hop, &n.far} {
		var err error
		if *m, err = enginetest.NewMachine(context.Background()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup((*m).Close)
		settings := map[string]string{"ipv6/conf/default/accept_dad": "0"}
		if *m == n.gate || *m == n.hop {
			settings["ipv4/ip_forward"], settings["ipv6/conf/all/forwarding"] = "1", "1"
		}
		must(t, (*m).Set(settings))
	}
	must(t, n.gate.IP(fmt.Appendf(nil, gateLinks, n.near.Namespace(), n.hop.Namespace())))
	must(t, n.hop.IP(fmt.Appendf(nil, hopLinks, n.far.Namespace(), smallMTU)))
	must(t, n.near.IP([]byte(nearLinks)))
	must(t, n.far.IP([]byte(farLinks)))
	return n
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// address returns the machine that has a name, and the name's address of a family.
func (n *network) address(name string, ipv6 bool) (*enginetest.Machine, netip.Addr) {
	family := 0
	if ipv6 {
		family = 1
	}
	for _, names := range []struct {
		machine *enginetest.Machine
		known   map[string][2]string
	}{{n.near, nearNames}, {n.far, farNames}, {n.gate, gateNames}} {
		if texts, ok := names.known[name]; ok {
			return names.machine, netip.MustParseAddr(texts[family])
		}
	}
	panic("no address is named " + name)
}

// serve answers on a port of a name until the test ends: it sends back what it gets.
func (n *network) serve(t *testing.T, protocol, name string, port uint16) {
	for _, ipv6 := range []bool{false, true} {
		m, a := n.address(name, ipv6)
		serveAt(t, m, protocol, a, port)
	}
}

func serveAt(t *testing.T, m *enginetest.Machine, protocol string, a netip.Addr, port uint16) {
	t.Helper()
	at := net.JoinHostPort(a.String(), strconv.Itoa(int(port)))
	must(t, m.Do(func() error {
		if protocol == "udp" {
			c, err := net.ListenPacket(protocol, at)
			if err == nil {
				t.Cleanup(func() { c.Close() })
				go echoPackets(c)
			}
			return err
		}
		l, err := net.Listen(protocol, at)
		if err == nil {
			t.Cleanup(func() { l.Close() })
			go accept(l, port)
		}
		return err
	}))
}

func echoPackets(c net.PacketConn) {
	b := make([]byte, 2048)
	for {
		n, from, err := c.ReadFrom(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			c.WriteTo(b[:n], from)
		}
	}
}

// Ports where a server does not echo: it counts what it gets until its client closes,
// and says how much it was; or it says which address it sees.
const (
	uploadPort = 8443
	whoPort    = 4444
)

func accept(l net.Listener, port uint16) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			switch port {
			case uploadPort:
				got, _ := io.Copy(io.Discard, c)
				fmt.Fprint(c, got)
			case whoPort:
				fmt.Fprint(c, c.RemoteAddr().(*net.TCPAddr).IP)
			default:
				io.Copy(c, c)
			}
		}()
	}
}

// dial connects from one name to a port of another; for udp this sends nothing. The
// connection gives up after the wait.
func (n *network) dial(protocol, from, to string, ipv6 bool, port uint16, wait time.Duration) (net.Conn, error) {
	m, src := n.address(from, ipv6)
	_, dst := n.address(to, ipv6)
	return dialFrom(m, protocol, src, dst, port, wait)
}

func dialFrom(m *enginetest.Machine, protocol string, src, dst netip.Addr, port uint16, wait time.Duration) (net.Conn, error) {
	kind := syscall.SOCK_STREAM
	if protocol == "udp" {
		kind = syscall.SOCK_DGRAM
	}
	fd, err := openSocket(m, src, kind, 0, wait)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), protocol)
	defer file.Close()
	err = syscall.EINTR
	for err == syscall.EINTR {
		err = syscall.Connect(fd, socketAddress(dst, port))
	}
	if err != nil {
		return nil, err
	}
	c, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	return c, c.SetDeadline(time.Now().Add(wait))
}

// openSocket opens a blocking socket on a machine, bound to an address. Its calls
// give up after the wait.
func openSocket(m *enginetest.Machine, a netip.Addr, kind, protocol int, wait time.Duration) (fd int, err error) {
	family := syscall.AF_INET
	if a.Is6() {
		family = syscall.AF_INET6
	}
	if err := m.Do(func() error {
		fd, err = syscall.Socket(family, kind|syscall.SOCK_CLOEXEC, protocol)
		return err
	}); err != nil {
		return 0, err
	}
	limit := syscall.NsecToTimeval(wait.Nanoseconds())
	err = errors.Join(
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &limit),
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &limit),
		syscall.Bind(fd, socketAddress(a, 0)),
	)
	if err != nil {
		syscall.Close(fd)
	}
	return fd, err
}

func socketAddress(a netip.Addr, port uint16) syscall.Sockaddr {
	if a.Is4() {
		return &syscall.SockaddrInet4{Addr: a.As4(), Port: int(port)}
	}
	return &syscall.SockaddrInet6{Addr: a.As16(), Port: int(port)}
}

// echo sends a text on a connection and waits for it to come back.
func echo(c net.Conn, text string) error {
	if _, err := io.WriteString(c, text); err != nil {
		return err
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil {
		return err
	}
	if string(got) != text {
		return fmt.Errorf("%q comes back as %q", text, got)
	}
	return nil
}

// icmp is the type and code of a message in each family.
type icmp struct{ v4, v6 [2]byte }

var icmpMessages = map[string]icmp{
	"ping":        {[2]byte{8, 0}, [2]byte{128, 0}},
	"too-big":     {[2]byte{3, 4}, [2]byte{2, 0}},
	"unreachable": {[2]byte{3, 1}, [2]byte{1, 3}},
	"redirect":    {[2]byte{5, 1}, [2]byte{137, 0}},
	"timestamp":   {[2]byte{13, 0}, [2]byte{139, 0}}, // IPv6: node information query
}

// sendICMP sends a message about a connection that nobody knows, and waits for it to
// be delivered to the other machine.
func (n *network) sendICMP(message, from, to string, ipv6 bool, wait time.Duration) error {
	sender, src := n.address(from, ipv6)
	receiver, dst := n.address(to, ipv6)
	tag := fmt.Appendf(nil, "gatewright %s %s %s", message, from, to)
	kind := icmpMessages[message].v4
	if ipv6 {
		kind = icmpMessages[message].v6
	}
	const hopLimit = 64
	return deliverICMP(sender, receiver, src, dst, icmpPacket(kind, src, dst, tag), tag, hopLimit, wait)
}

// deliverICMP sends a packet and waits until the receiver gets one with the tag.
func deliverICMP(sender, receiver *enginetest.Machine, src, dst netip.Addr, packet, tag []byte, hopLimit int, wait time.Duration) error {
	protocol, level, option := syscall.IPPROTO_ICMP, syscall.IPPROTO_IP, syscall.IP_TTL
	if src.Is6() {
		protocol, level, option = syscall.IPPROTO_ICMPV6, syscall.IPPROTO_IPV6, syscall.IPV6_UNICAST_HOPS
	}
	out, err := openSocket(sender, src, syscall.SOCK_RAW, protocol, wait)
	if err != nil {
		return err
	}
	defer syscall.Close(out)
	in, err := openSocket(receiver, dst, syscall.SOCK_RAW, protocol, wait)
	if err != nil {
		return err
	}
	defer syscall.Close(in)
	if err := errors.Join(
		syscall.SetsockoptInt(out, level, option, hopLimit),
		syscall.Sendto(out, packet, 0, socketAddress(dst, 0)),
	); err != nil {
		return err
	}
	b := make([]byte, 2048)
	for start := time.Now(); time.Since(start) < wait; {
		got, _, err := syscall.Recvfrom(in, b, 0)
		if err == nil && bytes.Contains(b[:got], tag) {
			return nil
		}
		if err != nil && err != syscall.EINTR {
			return err
		}
	}
	return os.ErrDeadlineExceeded
}

// icmpPacket is a message of 8 bytes, the head of a TCP segment from dst to src, and
// a tag. The kernel completes it for IPv6.
func icmpPacket(kind [2]byte, src, dst netip.Addr, tag []byte) []byte {
	b := []byte{kind[0], kind[1], 0, 0, 0, 0, smallMTU >> 8, smallMTU & 0xff}
	inner := make([]byte, 20, 48)
	inner[0], inner[8], inner[9] = 0x45, 64, syscall.IPPROTO_TCP
	if src.Is6() {
		inner = inner[:8]
		inner[0], inner[6], inner[7] = 0x60, syscall.IPPROTO_TCP, 64
		b[4], b[5], b[6], b[7] = 0, 0, smallMTU>>8, smallMTU&0xff
	} else {
		inner = inner[:12]
	}
	inner = append(append(inner, dst.AsSlice()...), src.AsSlice()...)
	inner = binary.BigEndian.AppendUint16(inner, 4242)
	inner = binary.BigEndian.AppendUint16(inner, 443)
	b = append(append(append(b, inner...), 0, 0, 0, 0), tag...)
	if len(b)%2 == 1 {
		b = append(b, 0)
	}
	if src.Is4() {
		var sum uint32
		for i := 0; i < len(b); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(b[i:]))
		}
		for sum > 0xffff {
			sum = sum>>16 + sum&0xffff
		}
		binary.BigEndian.PutUint16(b[2:], ^uint16(sum))
	}
	return b
}
