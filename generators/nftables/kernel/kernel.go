// Package kernel reads tables of nftables from the kernel by netlink, changes them, and
// brings them back. It knows the rules that package nftables renders and refuses all
// others, so that nothing is overlooked.
package kernel

import (
	"errors"

	"gatewright/generators/filter"
)

// Held is one table in the kernel, and by name what else there is.
type Held struct {
	filter.Ruleset
	Others []string
}

// Names are the named sets, the maps and the chains of a table.
type Names struct {
	Sets   []NamedSet
	Maps   []NamedSet
	Chains []string
}

// NamedSet is the name of a set or a map, and nft's name of the type of its elements or
// keys; empty for one that no rule of ours matches.
type NamedSet struct{ Name, Type string }

// ErrChanged says that somebody else changed rules since they were read. Nothing was
// changed.
var ErrChanged = errors.New("the rules in the kernel changed during this run")

// ErrLeft says that a change was not made as a whole, or that it is not known whether
// it was, and that what ran before did not come back.
var ErrLeft = errors.New("the old rules did not come back completely, so a mix of old and new rules may run; check with `gatewright drift`, and apply again")
