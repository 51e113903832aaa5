package filter

// Change is one thing that comes or goes where rules run.
type Change struct {
	Sign byte   // '+' or '-'
	Kind string // "element", "rule", "chain", "set", "map", "counter", "policy", "table", "file", "line"
	In   string // the set or chain that it is of; empty for one of its own
	Text string

	Place string // "table inet filter", if it is not where the others are
}

// Invert returns the change in the other direction.
func (c Change) Invert() Change {
	c.Sign = '+' + '-' - c.Sign
	return c
}
