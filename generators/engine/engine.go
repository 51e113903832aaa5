// Package engine runs the real backends, so that a test or `gatewright verify`
// can ask them the same flows as the model: nft, iptables and ipset in network
// namespaces of its own, where real packets are sent; PAC interpreters; Squid on
// loopback.
//
// It knows nothing of the generators: it takes artefacts and gives back answers
// and the backends' own dumps.
package engine

import (
	"errors"
	"fmt"
	"syscall"
)

// MissingError says that a program is not installed.
type MissingError struct {
	Program string // "nft"
	Package string // the Debian package that has it: "nftables"
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("%s is not installed; install the Debian package %s, or run `make deps`", e.Program, e.Package)
}

// CrashError says that a program was ended by a signal, which shows a fault of the
// program, or of the machine, and nothing of the files that it was given.
type CrashError struct {
	Program string         // "pactester"
	Signal  syscall.Signal // such as SIGSEGV
	Said    string         // what it said on standard error, with ": " before it; or nothing
}

func (e *CrashError) Error() string {
	return fmt.Sprintf("%s crashed (signal %d, %v); this is a fault of the program, not of the files; try another version of it%s", e.Program, int(e.Signal), e.Signal, e.Said)
}

// ErrTooLong says that the kernel has no room for a ruleset in one transaction, as in a
// user namespace, where the buffer of a socket cannot be made as large as one wants.
var ErrTooLong = errors.New("the ruleset is too large for one transaction in a user namespace; run this as root with --unboxed")

// RootError says that an engine needs root for its namespaces.
type RootError struct{ Err error }

func (e *RootError) Error() string {
	return fmt.Sprintf("cannot make a network namespace: %v; run this as root, or without --unboxed", e.Err)
}

func (e *RootError) Unwrap() error { return e.Err }
