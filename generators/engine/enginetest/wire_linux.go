package enginetest

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

const (
	etherTypeAll     = 0x0003 // ETH_P_ALL
	etherTypeBarrier = 0x88b5 // IEEE Std 802 local experimental 1: no stack takes it
	ignoreOutgoing   = 23     // PACKET_IGNORE_OUTGOING, packet(7)
	captureBuffer    = 16 << 20
	barrierWait      = 5 * time.Second // a barrier takes microseconds; its loss is an error
	settleWait       = 20 * time.Millisecond
	settleAttempts   = 1500
)

// tap is an AF_PACKET socket on one end of a wire: it sends frames and captures
// those of one EtherType that arrive (packet(7)).
type tap struct {
	fd      int
	ifindex int
}

// openTap must run in the namespace of the interface.
func openTap(name string, etherType uint16) (*tap, error) {
	iface, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	fd, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	t := &tap{fd, iface.Index}
	bind := func() error {
		return syscall.Bind(fd, &syscall.SockaddrLinklayer{Protocol: networkOrder(etherType), Ifindex: iface.Index})
	}
	if err := cmp.Or(
		syscall.SetsockoptInt(fd, syscall.SOL_PACKET, ignoreOutgoing, 1),
		syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, captureBuffer),
		bind(),
	); err != nil {
		syscall.Close(fd)
		return nil, fmt.Errorf("packet socket on %s: %w", name, err)
	}
	return t, nil
}

// settle returns when frames pass both ways. The kernel activates a link some time
// after it has become ready, and drops until then what is sent on it.
func (w wire) settle() error {
	var err error
	for _, way := range []struct {
		from, to *tap
		mac      [6]byte
	}{{w.far, w.near, w.nearMAC}, {w.near, w.far, w.farMAC}} {
		if err := setReadTimeout(way.to.fd, settleWait); err != nil {
			return err
		}
		for range settleAttempts {
			if err = cmp.Or(way.from.barrier(way.mac, 0), way.to.capture(0, func([]byte) {})); err == nil {
				break
			}
		}
		if err != nil {
			return err
		}
		if err := setReadTimeout(way.to.fd, barrierWait); err != nil {
			return err
		}
	}
	return nil
}

func setReadTimeout(fd int, d time.Duration) error {
	tv := syscall.NsecToTimeval(d.Nanoseconds())
	return syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &tv)
}

func networkOrder(v uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], v)
	return binary.NativeEndian.Uint16(b[:])
}

func (t *tap) send(frame []byte) error {
	return syscall.Sendto(t.fd, frame, 0, &syscall.SockaddrLinklayer{Ifindex: t.ifindex, Halen: 6})
}

// barrier sends a frame that holds only a round number.
func (t *tap) barrier(to [6]byte, round uint32) error {
	b := make([]byte, 0, 60)
	b = append(append(b, to[:]...), to[:]...)
	b = binary.BigEndian.AppendUint16(b, etherTypeBarrier)
	b = binary.BigEndian.AppendUint32(b, round)
	return t.send(b[:60])
}

// capture hands over every frame up to the barrier of the round.
func (t *tap) capture(round uint32, take func(frame []byte)) error {
	b := make([]byte, 2048)
	for {
		n, _, err := syscall.Recvfrom(t.fd, b, 0)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return fmt.Errorf("a frame got lost between the ends of a wire: %w", err)
		}
		if n >= etherSize+4 && binary.BigEndian.Uint16(b[12:]) == etherTypeBarrier {
			if binary.BigEndian.Uint32(b[etherSize:]) == round {
				return nil
			}
			continue
		}
		take(b[:n])
	}
}

func (t *tap) close() {
	if t != nil {
		syscall.Close(t.fd)
	}
}

// pinned runs f on one CPU. What a pinned thread sends over veth passes through
// that CPU's backlog in order, so a barrier frame arrives after all that was sent
// before it.
func pinned(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, one cpuSet
	if err := affinity(syscall.SYS_SCHED_GETAFFINITY, &all); err != nil {
		return err
	}
	for i, word := range all {
		if word != 0 {
			one[i] = word & -word
			break
		}
	}
	if err := affinity(syscall.SYS_SCHED_SETAFFINITY, &one); err != nil {
		return err
	}
	defer affinity(syscall.SYS_SCHED_SETAFFINITY, &all)
	return f()
}

// cpuSet is cpu_set_t: one bit for each of 1,024 CPUs.
type cpuSet [1024 / (8 * unsafe.Sizeof(uintptr(0)))]uintptr

// affinity gets or sets the CPUs of the calling thread.
func affinity(call uintptr, set *cpuSet) error {
	_, _, errno := syscall.RawSyscall(call, 0, unsafe.Sizeof(*set), uintptr(unsafe.Pointer(set)))
	if errno != 0 {
		return fmt.Errorf("sched affinity: %w", errno)
	}
	return nil
}
