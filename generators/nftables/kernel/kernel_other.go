//go:build !linux

package kernel

import "errors"

var errNeedsLinux = errors.New("nftables needs Linux; read the kernel's rules there")

// Read returns an error that says that Linux is needed.
func Read(string) (Held, error) { return Held{}, errNeedsLinux }

// NamesOf returns an error that says that Linux is needed.
func NamesOf(string) (Names, error) { return Names{}, errNeedsLinux }
