// Package kernel reads nftables back from the kernel by netlink. It knows the rules
// that package nftables renders and refuses all others, so that nothing is
// overlooked.
package kernel

import "gatewright/generators/filter"

// Held is one table in the kernel, and by name what else there is.
type Held struct {
	filter.Ruleset
	Others []string
}

// Names are the named sets, the maps and the chains of a table.
type Names struct {
	Sets   []NamedSet
	Maps   []string
	Chains []string
}

// NamedSet is a set's name, and nft's name of the type of its elements.
type NamedSet struct{ Name, Type string }
