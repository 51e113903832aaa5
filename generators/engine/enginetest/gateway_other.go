//go:build !linux

package enginetest

import (
	"context"
	"errors"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
)

// Gateway needs Linux.
type Gateway struct{}

var errNeedsLinux = errors.New("packet filters can be verified on Linux only")

// NewGateway returns an error that says that Linux is needed.
func NewGateway(context.Context, Site) (*Gateway, error) { return nil, errNeedsLinux }

// LoadNFT is not reached.
func (*Gateway) LoadNFT([]byte) error { return errNeedsLinux }

// LoadIptables is not reached.
func (*Gateway) LoadIptables(engine.Variant, []artefact.Artefact) error { return errNeedsLinux }

// LoadByCommand is not reached.
func (*Gateway) LoadByCommand([]artefact.Artefact) error { return errNeedsLinux }

// DumpNFT is not reached.
func (*Gateway) DumpNFT() ([]byte, error) { return nil, errNeedsLinux }

// DumpIptables is not reached.
func (*Gateway) DumpIptables(engine.Variant) (engine.IptablesDump, error) {
	return engine.IptablesDump{}, errNeedsLinux
}

// Decide is not reached.
func (*Gateway) Decide([]rule.Flow) ([]bool, error) { return nil, errNeedsLinux }

// Close does nothing.
func (*Gateway) Close() {}

// Machine needs Linux.
type Machine struct{ *engine.Machine }

// NewMachine returns an error that says that Linux is needed.
func NewMachine(context.Context) (*Machine, error) { return nil, errNeedsLinux }
