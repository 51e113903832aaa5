//go:build !linux

package engine

import (
	"context"
	"errors"

	"gatewright/generators/artefact"
)

// Machine needs Linux.
type Machine struct{}

var errNeedsLinux = errors.New("packet filters can be verified on Linux only")

// NewMachine returns an error that says that Linux is needed.
func NewMachine(context.Context) (*Machine, error) { return nil, errNeedsLinux }

// Do is not reached.
func (*Machine) Do(func() error) error { return errNeedsLinux }

// TryNFT is not reached.
func (*Machine) TryNFT() error { return errNeedsLinux }

// TryIptables is not reached.
func (*Machine) TryIptables(Variant) error { return errNeedsLinux }

// LoadNFT is not reached.
func (*Machine) LoadNFT([]byte) error { return errNeedsLinux }

// ListNFT is not reached.
func (*Machine) ListNFT(...string) ([]byte, error) { return nil, errNeedsLinux }

// LoadIptables is not reached.
func (*Machine) LoadIptables(Variant, []artefact.Artefact) error { return errNeedsLinux }

// DumpIptables is not reached.
func (*Machine) DumpIptables(Variant) (IptablesDump, error) { return IptablesDump{}, errNeedsLinux }

// Close does nothing.
func (*Machine) Close() {}
