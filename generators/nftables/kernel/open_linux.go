package kernel

import (
	"encoding/binary"
	"fmt"
	"os"
	"syscall"
)

// Open opens a netlink socket in the network namespace of a file, such as
// /run/netns/NAME, or in that of the calling thread for an empty name.
func Open(namespace string) (*Conn, error) {
	if namespace == "" {
		return open(0)
	}
	f, err := openNamespace(namespace)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return open(int(f.Fd()))
}

func openNamespace(file string) (*os.File, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("network namespace %s: %w", file, err)
	}
	return f, nil
}

// netnsCookie is SO_NETNS_COOKIE of asm-generic/socket.h.
const netnsCookie = 71

// Cookie returns a number of the network namespace that no other one has until the
// machine starts again. Linux has it since 5.14.
func (c *Conn) Cookie() (cookie uint64, err error) {
	failed := c.raw.Control(func(fd uintptr) {
		// Of the options that the standard library reads, this one has 64 bits.
		value, e := syscall.GetsockoptIPMreq(int(fd), syscall.SOL_SOCKET, netnsCookie)
		if err = e; err == nil {
			cookie = binary.NativeEndian.Uint64(append(value.Multiaddr[:], value.Interface[:]...))
		}
	})
	if failed != nil {
		return 0, failed
	}
	return cookie, err
}
