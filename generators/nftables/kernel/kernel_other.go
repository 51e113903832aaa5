//go:build !linux

package kernel

import (
	"errors"

	"gatewright/generators/nftables"
)

// Read returns an error that says that Linux is needed.
func Read(string) (nftables.Ruleset, error) {
	return nftables.Ruleset{}, errors.New("nftables needs Linux; read the kernel's rules there")
}
