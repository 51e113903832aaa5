package filter

import (
	"fmt"
	"strings"

	"gatewright/generators/artefact"
)

// Title says what a rule is, and what takes all its packets before it.
func (r BuiltRule) Title() string {
	s := fmt.Sprintf("%s: %s, %s, %s", r.Rule.ID, r.Rule.Direction, r.Rule.Role, r.Rule.Services)
	if r.Chain == "" {
		s += "; no packet comes here: " + strings.Join(r.CoveredBy(), ", ")
	}
	return s
}

// Labels name the entries that a rule is of.
func (r BuiltRule) Labels() []string {
	out := make([]string, len(r.Rule.Entries))
	for i, e := range r.Rule.Entries {
		out[i] = artefact.Label(e)
	}
	return out
}
