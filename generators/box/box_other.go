//go:build !linux

package box

import (
	"context"
	"errors"
	"io"
)

var errLinux = errors.New("Linux alone has them")

// Box needs Linux.
type Box struct{}

// Main returns: there is no inside.
func Main(func(work []byte, answers io.Writer) error) {}

// Start returns an *UnavailableError.
func Start(context.Context, []string, []byte) (*Box, error) {
	return nil, &UnavailableError{Step: "namespaces", Err: errLinux}
}

// Read is not reached.
func (*Box) Read([]byte) (int, error) { return 0, errLinux }

// Close is not reached.
func (*Box) Close() error { return errLinux }
