package live

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
)

// TestIptablesUnderLoad changes rules while packets leave: none is lost that both policies
// allow, and none gets through that neither allows.
func TestIptablesUnderLoad(t *testing.T) {
	applies, least := 10, 20_000
	if os.Getenv("GATEWRIGHT_PROVE") == "all" {
		applies, least = 50, 1_000_000
	}
	variants(t, func(t *testing.T, stand func(testing.TB) *stand) {
		s := stand(t)
		raw := map[string][]string{"mode": {"enforce"}, "place": {"host"}, "roles": {"clients"}, "admin": {"none"}}
		var two []*rule.Policy // the prefixes of a flow move between rules, and between a tree and a set
		for i := range 2 {
			rules := [][]string{append(many(i, 10_100), "2001:db8:1::/64"), {"203.0.113.0/28", "2001:db8::/64"}}
			two = append(two, ruletest.Compile(t, grants(t, map[string][]string{"one": rules[i], "two": rules[1-i]})))
		}
		s.sh(`ip link add out type bridge; ip addr add 10.1.0.1/24 dev out; ip addr add fd00::1/64 dev out nodad; ip link set out up
			ip route add default via 10.1.0.9; ip neigh add 10.1.0.9 lladdr 02:00:00:00:00:01 dev out
			ip -6 route add default via fd00::9; ip neigh add fd00::9 lladdr 02:00:00:00:00:01 dev out`)
		s.apply(two[0], raw)
		load := startLoad(s)
		for i := 0; i < applies || load.packets() < least && load.failed.Load() == nil; i++ {
			if i < applies {
				s.apply(two[(i+1)%2], raw)
			}
		}
		if err := load.end(); err != nil || load.lost.Load()+load.leaked.Load() > 0 {
			t.Errorf("error %v; %d packets lost and %d let through", err, load.lost.Load(), load.leaked.Load())
		}
		t.Logf("proved: %d applies by iptables-%s, %d packets that must pass passed and %d that must not did not", applies, s.variant, load.passed.Load(), load.refused.Load())
	})
}

// load is packets that leave all the time.
type load struct {
	passed, refused, lost, leaked atomic.Int64
	failed                        atomic.Pointer[error]
	stop                          atomic.Bool
	done                          chan struct{}
}

func (l *load) packets() int { return int(min(l.passed.Load(), l.refused.Load())) }

func (l *load) end() error {
	l.stop.Store(true)
	<-l.done
	if err := l.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// startLoad sends first packets of flows, whose sockets are the machine's.
func startLoad(s *stand) *load {
	var flows []sender
	err := s.Do(func() error {
		for _, allowed := range []string{"20.0.9.1", "203.0.113.1", "2001:db8::1", "2001:db8:1::1"} {
			for _, p := range []netset.Protocol{netset.TCP, netset.UDP} {
				for port, allows := range map[uint16]bool{map[netset.Protocol]uint16{netset.TCP: 443, netset.UDP: 3480}[p]: true, 25: false} {
					f, err := newSender(p, netip.MustParseAddr(allowed), port)
					if err != nil {
						return err
					}
					f.allowed = allows
					flows = append(flows, f)
				}
			}
		}
		return nil
	})
	if err != nil {
		s.Fatal(err)
	}
	l := &load{done: make(chan struct{})}
	go func() {
		defer close(l.done)
		for !l.stop.Load() && l.failed.Load() == nil {
			for _, f := range flows {
				l.count(f, f.send())
			}
		}
	}()
	return l
}

func (l *load) count(f sender, err error) {
	refused := errors.Is(err, syscall.EPERM)
	switch {
	case err != nil && !refused:
		err = fmt.Errorf("%v: %w", f.to, err)
		l.failed.Store(&err)
	case refused && f.allowed:
		l.lost.Add(1)
	case refused:
		l.refused.Add(1)
	case f.allowed:
		l.passed.Add(1)
	default:
		l.leaked.Add(1)
	}
}

// sender sends the first packet of one flow again and again. What a filter drops on its
// way out is an error of the call.
type sender struct {
	socket  int
	to      syscall.Sockaddr
	packet  []byte
	allowed bool
}

func newSender(p netset.Protocol, to netip.Addr, port uint16) (f sender, err error) {
	// The header of TCP or UDP; nobody looks at checksums.
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
