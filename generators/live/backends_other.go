//go:build !linux

package live

import (
	"errors"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/iptables"
	"gatewright/generators/nftables"
	"gatewright/generators/squid"
)

var errNeedsLinux = errors.New("this needs Linux; run it on the gateway or the proxy")

// backends returns those of this machine, in the order of generators.
func backends() []Backend {
	return []Backend{filterElsewhere{elsewhere{nftables.Generator{}.Name()}}, filterElsewhere{elsewhere{iptables.Generator{}.Name()}}, pacBackend{}, elsewhere{squid.Generator{}.Name()}}
}

// elsewhere is a backend that says that Linux is needed.
type elsewhere struct{ generator string }

func (e elsewhere) Generator() string { return e.generator }

func (elsewhere) Forgets() bool { return true }

func (elsewhere) Compare(Machine, *rule.Policy, artefact.Settings) (*Comparison, error) {
	return nil, errNeedsLinux
}

// filterElsewhere is a packet filter, which could be brought back there.
type filterElsewhere struct{ elsewhere }

var _ Restorer = filterElsewhere{}

func (filterElsewhere) Restore(Machine, []byte) error { return errNeedsLinux }
