package artefact

import "gatewright/catalog/rule"

// Count is what a packet filter has counted for one rule since its counters were reset.
// A rule may have several: one of each family, or of each line.
type Count struct {
	Rule    rule.ID
	Packets uint64
	Bytes   uint64
}

// Request is one request in a proxy's log: a question with the client for our side.
type Request struct {
	rule.Question
	Denied bool // by the proxy's rules
	Bytes  uint64
}
