package main

import (
	"slices"
	"testing"

	"gatewright/generators"
)

// TestEveryGeneratorIsProved holds that verify leaves no generator out.
func TestEveryGeneratorIsProved(t *testing.T) {
	for _, g := range generators.All() {
		if !slices.ContainsFunc(provers(), func(p prover) bool { return p.generator == g.Name() }) {
			t.Errorf("verify has no prover of %s", g.Name())
		}
	}
}
