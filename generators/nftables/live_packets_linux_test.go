package nftables

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"gatewright/generators/engine"
)

// Addresses of the peer: three that every policy accepts, whose prefixes wander between
// rules, and one that none does.
var (
	peers    = []string{"20.0.0.1", "20.0.1.1", "20.0.2.1"}
	stranger = "20.0.3.1"
)

// policies are what is applied in turn.
func policies(t *testing.T) (all []Live) {
	for _, remotes := range []map[int][]string{
		{0: {"20.0.0.0/24", "20.0.2.0/24"}, 1: {"20.0.1.0/24"}},
		{0: {"20.0.0.0/25"}, 1: {"20.0.1.0/24", "20.0.2.0/24", "20.0.0.0/24"}},
		{0: {"20.0.1.1/32", "20.0.0.0/31"}, 1: {"20.0.2.0/24"}, 2: {"20.0.4.0/22"}},
		{3: {"20.0.0.0/23", "20.0.2.0/24"}},
		{0: {"20.0.2.0/28"}, 4: {"20.0.0.0/24"}, 5: {"20.0.1.0/24"}},
	} {
		l, _ := assignedOn(t, remotes, func(int) string { return "tcp 443; udp 443" }, "mode=enforce", "place=host", "roles=clients", "admin=none")
		all = append(all, l)
	}
	return all
}

// TestPacketsUnderApplies applies changing policies under constant load of UDP packets and
// TCP connections: what all of them accept never gets lost, and what none accepts never
// gets through. No packet belongs to a connection that was answered, so that each is
// decided anew.
func TestPacketsUnderApplies(t *testing.T) {
	packets, applies := 100_000, 20
	if os.Getenv("GATEWRIGHT_PROVE") == "all" {
		packets, applies = 1_000_000, 50
	}
	gateway, peer := wired(t)
	all := policies(t)
	apply(t, gateway, all[0])
	traffic := newLoad(t, gateway, peer)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { traffic.connect(ctx, gateway) })
	var applied atomic.Int64
	running.Go(func() {
		for i := 1; i <= applies; i++ {
			for traffic.sent.Load() < int64(i)*int64(packets)/int64(applies+1) {
				time.Sleep(time.Millisecond)
			}
			apply(t, gateway, all[i%len(all)])
			applied.Add(1)
		}
	})
	traffic.send(t, packets)
	for applied.Load() < int64(applies) {
		time.Sleep(time.Millisecond)
	}
	stop()
	running.Wait()
	time.Sleep(50 * time.Millisecond)
	got, through := traffic.received.Load(), traffic.through.Load()
	if sent := traffic.sent.Load(); got != sent || through != 0 || traffic.lost.Load() != 0 {
		t.Errorf("of %d packets that all policies accept %d came, of those that none accepts %d; of %d connections %d failed",
			sent, got, through, traffic.connections.Load(), traffic.lost.Load())
	}
	t.Logf("proved: %d applies under %d UDP packets and %d TCP connections that had to pass, and passed, and %d packets that had not to, and did not",
		applied.Load(), traffic.sent.Load(), traffic.connections.Load(), traffic.refused.Load())
}

// wired returns two machines with a link, of which the second one has the peers' addresses.
func wired(t *testing.T) (gateway, peer *engine.Machine) {
	t.Helper()
	gateway, peer = machine(t), machine(t)
	lines := "link add near address 02:00:00:00:00:01 type veth peer name far address 02:00:00:00:00:02 netns " + peer.Namespace() + `
link set near up
addr add 10.0.0.1/24 dev near
neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev near
route add 20.0.0.0/8 via 10.0.0.2
`
	far := "link set lo up\nlink set far up\naddr add 10.0.0.2/24 dev far\nneigh add 10.0.0.1 lladdr 02:00:00:00:00:01 dev far\n"
	for _, a := range append(peers, stranger) {
		far += "addr add " + a + "/32 dev lo\n"
	}
	if err := errors.Join(gateway.IP([]byte(lines)), peer.IP([]byte(far))); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond) // a new link drops frames until it is active
	return gateway, peer
}

type load struct {
	out                                                 net.PacketConn
	sent, received, refused, through, connections, lost atomic.Int64
}

func newLoad(t *testing.T, gateway, peer *engine.Machine) *load {
	t.Helper()
	tr := &load{}
	for _, a := range append(peers, stranger) {
		count := &tr.received
		if a == stranger {
			count = &tr.through
		}
		err := peer.Do(func() error {
			in, err := net.ListenPacket("udp", a+":443")
			if err != nil {
				return err
			}
			t.Cleanup(func() { in.Close() })
			go func() {
				for buffer := make([]byte, 64); ; count.Add(1) {
					if _, _, err := in.ReadFrom(buffer); err != nil {
						return
					}
				}
			}()
			l, err := net.Listen("tcp", a+":443")
			if err != nil {
				return err
			}
			t.Cleanup(func() { l.Close() })
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					if a == stranger {
						tr.through.Add(1)
					}
					c.Close()
				}
			}()
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	err := gateway.Do(func() (err error) { tr.out, err = net.ListenPacket("udp4", "10.0.0.1:0"); return err })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.out.Close() })
	return tr
}

// send sends packets to all peers in turn, no more at once than a queue holds, and every
// tenth to the stranger.
func (tr *load) send(t *testing.T, packets int) {
	to := make([]net.Addr, len(peers)+1)
	for i, a := range append(peers, stranger) {
		to[i] = net.UDPAddrFromAddrPort(netip.MustParseAddrPort(a + ":443"))
	}
	const queue = 100
	for i := range packets {
		for start := time.Now(); tr.sent.Load()-tr.received.Load() > queue; time.Sleep(10 * time.Microsecond) {
			if time.Since(start) > 5*time.Second {
				return // which the counts tell
			}
		}
		if _, err := tr.out.WriteTo([]byte{1}, to[i%len(peers)]); err != nil {
			t.Errorf("packet %d: %v", i, err)
		}
		tr.sent.Add(1)
		if i%10 == 0 {
			tr.refused.Add(1)
			tr.out.WriteTo([]byte{1}, to[len(peers)]) // EPERM
		}
	}
}

// connect opens one connection after the other to the peers. One whose first packet got
// lost takes a second.
func (tr *load) connect(ctx context.Context, gateway *engine.Machine) {
	for i := 0; ctx.Err() == nil; i++ {
		if err := tr.dial(gateway, peers[i%len(peers)], 900*time.Millisecond); err != nil {
			tr.lost.Add(1)
		}
		tr.connections.Add(1)
		if i%50 == 0 {
			tr.refused.Add(1)
			tr.dial(gateway, stranger, 20*time.Millisecond)
		}
	}
}

// dial connects by a socket of the machine's.
func (tr *load) dial(gateway *engine.Machine, to string, within time.Duration) error {
	fd := -1
	address := &syscall.SockaddrInet4{Port: 443, Addr: netip.MustParseAddr(to).As4()}
	err := gateway.Do(func() (err error) {
		fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	wait := syscall.NsecToTimeval(int64(within))
	if err := syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &wait); err != nil {
		return err
	}
	return syscall.Connect(fd, address)
}
