//go:build !linux

package live

import (
	"errors"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/nftables"
)

var errNeedsLinux = errors.New("packet filters need Linux; run this on the gateway")

// nftablesBackend says that Linux is needed.
type nftablesBackend struct{}

func (nftablesBackend) Generator() string { return nftables.Generator{}.Name() }

func (nftablesBackend) Forgets() bool { return true }

func (nftablesBackend) Compare(Machine, *rule.Policy, artefact.Settings) (*Comparison, error) {
	return nil, errNeedsLinux
}

func (nftablesBackend) Restore(Machine, []byte) error { return errNeedsLinux }
