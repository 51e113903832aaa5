package enginetest

import (
	"fmt"
	"net/netip"
	"syscall"

	"gatewright/catalog/netset"
)

// rawSocket receives what is delivered to the gateway itself, after the input hook
// (raw(7), ipv6(7)).
type rawSocket struct {
	fd       int
	family   int
	protocol netset.Protocol
}

// openReceivers must run in the gateway's namespace.
func openReceivers() ([]rawSocket, error) {
	var sockets []rawSocket
	for _, family := range []int{syscall.AF_INET, syscall.AF_INET6} {
		for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
			kind := syscall.SOCK_RAW | syscall.SOCK_CLOEXEC | syscall.SOCK_NONBLOCK
			fd, err := syscall.Socket(family, kind, int(protocol))
			if err != nil {
				return sockets, fmt.Errorf("raw socket: %w", err)
			}
			sockets = append(sockets, rawSocket{fd, family, protocol})
			if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, captureBuffer); err != nil {
				return sockets, fmt.Errorf("raw socket: %w", err)
			}
		}
	}
	return sockets, nil
}

// drain hands over the tags of all probes that have been delivered. IPv4 raw
// sockets show the IP header, IPv6 ones do not.
func (s rawSocket) drain(take func(tag uint32)) error {
	b := make([]byte, 2048)
	for {
		n, _, err := syscall.Recvfrom(s.fd, b, 0)
		switch {
		case err == syscall.EAGAIN:
			return nil
		case err == syscall.EINTR:
			continue
		case err != nil:
			return fmt.Errorf("raw socket: %w", err)
		}
		read := packetTag4
		if s.family == syscall.AF_INET6 {
			read = func(b []byte) (uint32, bool) { return transportTag(s.protocol, b) }
		}
		if tag, ok := read(b[:n]); ok {
			take(tag)
		}
	}
}

// rawSender sends IP packets through the gateway's own output hook.
type rawSender struct{ fd4, fd6 int } // zero is closed

// openSender must run in the gateway's namespace.
func openSender() (rawSender, error) {
	fd4, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.IPPROTO_RAW)
	if err != nil {
		return rawSender{}, fmt.Errorf("raw socket: %w", err)
	}
	fd6, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.IPPROTO_RAW)
	if err != nil {
		syscall.Close(fd4)
		return rawSender{}, fmt.Errorf("raw socket: %w", err)
	}
	return rawSender{fd4, fd6}, nil
}

// send returns nil for a packet that the output hook dropped.
func (s rawSender) send(to netip.Addr, packet []byte) error {
	var err error
	if to.Is4() {
		err = syscall.Sendto(s.fd4, packet, 0, &syscall.SockaddrInet4{Addr: to.As4()})
	} else {
		err = syscall.Sendto(s.fd6, packet, 0, &syscall.SockaddrInet6{Addr: to.As16()})
	}
	if err == syscall.EPERM {
		return nil
	}
	return err
}

func (s rawSender) close() {
	if s.fd4 != 0 {
		syscall.Close(s.fd4)
		syscall.Close(s.fd6)
	}
}
