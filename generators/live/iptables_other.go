//go:build !linux

package live

import (
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/iptables"
)

// iptablesBackend says that Linux is needed.
type iptablesBackend struct{}

func (iptablesBackend) Generator() string { return iptables.Generator{}.Name() }

func (iptablesBackend) Forgets() bool { return true }

func (iptablesBackend) Compare(Machine, *rule.Policy, artefact.Settings) (*Comparison, error) {
	return nil, errNeedsLinux
}

func (iptablesBackend) Restore(Machine, []byte) error { return errNeedsLinux }
