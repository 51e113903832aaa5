//go:build !linux

package engine

import (
	"context"
	"errors"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Gateway needs Linux.
type Gateway struct{}

var errNeedsLinux = errors.New("packet filters can be verified on Linux only")

// NewGateway returns an error that says that Linux is needed.
func NewGateway(context.Context, Site) (*Gateway, error) { return nil, errNeedsLinux }

// LoadNFT is not reached.
func (*Gateway) LoadNFT([]byte) error { return errNeedsLinux }

// LoadIptables is not reached.
func (*Gateway) LoadIptables(Variant, []artefact.Artefact) error { return errNeedsLinux }

// LoadByCommand is not reached.
func (*Gateway) LoadByCommand([]artefact.Artefact) error { return errNeedsLinux }

// DumpNFT is not reached.
func (*Gateway) DumpNFT() ([]byte, error) { return nil, errNeedsLinux }

// DumpIptables is not reached.
func (*Gateway) DumpIptables(Variant) (IptablesDump, error) { return IptablesDump{}, errNeedsLinux }

// Decide is not reached.
func (*Gateway) Decide([]rule.Flow) ([]bool, error) { return nil, errNeedsLinux }

// Close does nothing.
func (*Gateway) Close() {}
