package live

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
)

// TestAppliesUnderLoad changes rules while packets leave the machine, or pass it from
// one link to another: none is lost that all policies allow, and none gets through that
// none allows.
func TestAppliesUnderLoad(t *testing.T) {
	applies, least := 6, int64(20_000)
	if os.Getenv("GATEWRIGHT_PROVE") == "all" {
		applies, least = 50, 1_000_000
	}
	places := func(t *testing.T, stand func(testing.TB) *stand) {
		t.Run("host", func(t *testing.T) {
			s := stand(t)
			far := newStand(t, s.Backend)
			s.link(far, "10.1.0.1/24", "fd00::1/64")
			s.underLoad(s, far, enforceHost, applies, least)
		})
		t.Run("forward", func(t *testing.T) {
			s := stand(t)
			client, far := newStand(t, s.Backend), newStand(t, s.Backend)
			client.link(s, "10.1.0.1/24", "fd00::1/64")
			s.link(far, "192.0.2.1/24", "2001:db8:f::1/64")
			if err := s.Set(map[string]string{
				"ipv4/ip_forward": "1", "ipv6/conf/all/forwarding": "1", "ipv4/conf/all/rp_filter": "0", "ipv4/conf/in/rp_filter": "0",
				"netfilter/nf_conntrack_checksum": "0", // the load's packets have none
			}); err != nil {
				t.Fatal(err)
			}
			s.underLoad(client, far, enforceForward, applies, least)
		})
	}
	variants(t, places)
	t.Run("nftables", func(t *testing.T) {
		places(t, func(t testing.TB) *stand { return newStand(t, nftablesBackend{}) })
	})
}

// link leads all that a machine has no other way for to another one.
func (s *stand) link(to *stand, address4, address6 string) {
	s.Helper()
	err := errors.Join(s.IP([]byte("link add out type veth peer name in address 02:00:00:00:00:01 netns "+to.Namespace()+`
link set out up
addr add `+address4+` dev out
addr add `+address6+` dev out nodad
route add default via `+beside(address4)+`
route add default via `+beside(address6)+`
neigh add `+beside(address4)+` lladdr 02:00:00:00:00:01 dev out
neigh add `+beside(address6)+` lladdr 02:00:00:00:00:01 dev out
`)), to.IP([]byte("link set in up\n")))
	if err != nil {
		s.Fatal(err)
	}
}

// beside is the address that follows one.
func beside(address string) string { return netip.MustParsePrefix(address).Addr().Next().String() }

// wandering are policies that all allow the same flows of the load's, by other rules:
// their prefixes move between rules, and for iptables between trees and sets.
func wandering(t testing.TB) (all []*rule.Policy) {
	for i := range 2 {
		rules := [][]string{append(many(i, 10_100), "2001:db8:1::/64"), {"203.0.113.0/28", "2001:db8::/64"}}
		all = append(all, ruletest.Compile(t, grants(t, map[string][]string{"one": rules[i], "two": rules[1-i]})))
	}
	for _, of := range []map[string][]string{
		{"two": {"20.0.8.0/23", "2001:db8::/47"}, "three": {"203.0.113.0/29"}},
		{"one": {"20.0.9.1/32", "203.0.113.0/31"}, "two": {"2001:db8::/48"}, "four": {"2001:db8:1::/48"}},
		{"two": {"20.0.9.0/28", "203.0.113.0/24"}, "one": {"2001:db8::/32"}},
	} {
		all = append(all, ruletest.Compile(t, grants(t, of)))
	}
	return all
}

// underLoad applies one policy after the other while first packets of flows pass from
// one machine to another, each decided anew.
func (s *stand) underLoad(from, to *stand, raw map[string][]string, applies int, least int64) {
	all := wandering(s)
	s.apply(all[0], raw)
	l := newLoad(from, to)
	for i := 0; i < applies || l.passed.Load() < least; i++ {
		if i < applies {
			s.apply(all[(i+1)%len(all)], raw)
		} else {
			time.Sleep(time.Millisecond)
		}
		if l.lost.Load() > 0 {
			break
		}
	}
	l.end()
	if err := l.failed; err != nil || l.lost.Load()+l.leaked > 0 {
		s.Errorf("error %v; %d packets lost and %d let through", err, l.lost.Load(), l.leaked)
	}
	s.Logf("proved: %d applies, %d packets that must pass passed and %d that must not did not", applies, l.passed.Load(), l.refused)
}

// load is packets that are sent all the time, some that must arrive and some that must
// not.
type load struct {
	passed, lost    atomic.Int64
	refused, leaked int64
	failed          error
	stop            atomic.Bool
	done            chan struct{}

	flows   []sender
	arrival int // socket
}

// Ports of the load's flows: each policy lets those pass, and none the other one.
const portTCP, portUDP, portRefused = 443, 3480, 25

func newLoad(from, to *stand) *load {
	l := &load{done: make(chan struct{})}
	err := errors.Join(from.Do(l.openSenders), to.Do(l.openArrival))
	for end := time.Now().Add(10 * time.Second); err == nil; { // a new link drops frames until it is active
		l.lost.Store(0)
		if err = l.round(50 * time.Millisecond); err == nil && l.lost.Load() == 0 {
			break
		}
		if time.Now().After(end) {
			err = fmt.Errorf("%d packets pass", l.passed.Load())
		}
	}
	if err != nil {
		from.Fatal(err)
	}
	go func() {
		defer close(l.done)
		for !l.stop.Load() && l.failed == nil && l.lost.Load() == 0 {
			l.failed = l.round(5 * time.Second)
		}
	}()
	return l
}

func (l *load) end() {
	l.stop.Store(true)
	<-l.done
	l.failed = errors.Join(l.failed, l.await(l.passed.Load()+1, 100*time.Millisecond)) // what is late
}

// round sends a packet of each flow, and waits for those that must arrive.
func (l *load) round(wait time.Duration) error {
	sent := l.passed.Load()
	for _, f := range l.flows {
		err := f.send()
		if err != nil && !errors.Is(err, syscall.EPERM) { // of a filter on the way out
			return fmt.Errorf("%v: %w", f.to, err)
		}
		if f.allowed {
			sent++
		} else {
			l.refused++
		}
	}
	err := l.await(sent, wait)
	l.lost.Add(sent - l.passed.Load())
	return err
}

// await counts what arrives, until so many packets have passed or none came for a time.
func (l *load) await(passed int64, wait time.Duration) error {
	timeout := syscall.NsecToTimeval(wait.Nanoseconds())
	if err := syscall.SetsockoptTimeval(l.arrival, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &timeout); err != nil {
		return err
	}
	for packet := make([]byte, 2048); l.passed.Load() < passed; {
		n, _, err := syscall.Recvfrom(l.arrival, packet, 0)
		if errors.Is(err, syscall.EAGAIN) {
			return nil
		}
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return err
		}
		switch portOf(packet[:max(n, 0)]) {
		case portTCP, portUDP:
			l.passed.Add(1)
		case portRefused:
			l.leaked++
		}
	}
	return nil
}

// portOf is where a packet of the load's goes to; 0 for others.
func portOf(packet []byte) uint16 {
	const size4, size6 = 20, 40
	switch {
	case len(packet) >= size4+4 && packet[0] == 0x45 && (packet[9] == syscall.IPPROTO_TCP || packet[9] == syscall.IPPROTO_UDP):
		return binary.BigEndian.Uint16(packet[size4+2:])
	case len(packet) >= size6+4 && packet[0]>>4 == 6 && (packet[6] == syscall.IPPROTO_TCP || packet[6] == syscall.IPPROTO_UDP):
		return binary.BigEndian.Uint16(packet[size6+2:])
	}
	return 0
}

// openArrival opens a socket that gets what arrives on any link.
func (l *load) openArrival() (err error) {
	const everything = 0x0300 // ETH_P_ALL in network order
	l.arrival, err = syscall.Socket(syscall.AF_PACKET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, everything)
	return err
}

func (l *load) openSenders() error {
	for _, to := range []string{"20.0.9.1", "203.0.113.1", "2001:db8::1", "2001:db8:1::1"} {
		for p, allowed := range map[netset.Protocol]uint16{netset.TCP: portTCP, netset.UDP: portUDP} {
			for _, port := range []uint16{allowed, portRefused} {
				f, err := newSender(p, netip.MustParseAddr(to), port)
				if err != nil {
					return err
				}
				f.allowed = port == allowed
				l.flows = append(l.flows, f)
			}
		}
	}
	return nil
}

// sender sends the first packet of one flow again and again.
type sender struct {
	socket  int
	to      syscall.Sockaddr
	packet  []byte
	allowed bool
}

func newSender(p netset.Protocol, to netip.Addr, port uint16) (f sender, err error) {
	// The header of TCP or UDP, without a checksum.
	f.packet = []byte{0xc3, 0x50, byte(port >> 8), byte(port), 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0}
	number := syscall.IPPROTO_TCP
	if p == netset.UDP {
		f.packet = []byte{0xc3, 0x50, byte(port >> 8), byte(port), 0, 8, 0, 0}
		number = syscall.IPPROTO_UDP
	}
	family := syscall.AF_INET
	f.to = &syscall.SockaddrInet4{Addr: [4]byte(to.AsSlice()[:4])}
	if to.Is6() {
		family = syscall.AF_INET6
		f.to = &syscall.SockaddrInet6{Addr: to.As16()}
	}
	f.socket, err = syscall.Socket(family, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, number)
	return f, err
}

func (f sender) send() error { return syscall.Sendto(f.socket, f.packet, 0, f.to) }
