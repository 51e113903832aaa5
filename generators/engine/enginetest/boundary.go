package enginetest

import (
	"gatewright/catalog/rule"
	"gatewright/generators/engine"
)

// BoundaryFlows are as few of engine.BoundaryFlows as can be sent as packets.
func BoundaryFlows(p *rule.Policy) []rule.Flow {
	return engine.BoundaryFlows(p, engine.Limits{Prefixes: 6, Ranges: 6, Patterns: 10})
}
