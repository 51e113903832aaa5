package kernel

import (
	"fmt"
	"os"
)

// Open opens a netlink socket in the network namespace of a file, such as
// /run/netns/NAME, or in that of the calling thread for an empty name.
func Open(namespace string) (*Conn, error) {
	if namespace == "" {
		return open(0)
	}
	f, err := os.Open(namespace)
	if err != nil {
		return nil, fmt.Errorf("network namespace %s: %w", namespace, err)
	}
	defer f.Close()
	return open(int(f.Fd()))
}
