package artefact

import (
	"fmt"

	"gatewright/catalog/rule"
)

// Header returns the lines that open every text artefact: what it is, the command
// that loads it, its sources, and what is still open. The lines hold publishers'
// words and are not quoted: each backend makes them fit its own comments.
func Header(p *rule.Policy, what, load string) []string {
	lines := []string{"Gatewright: " + what, "load: " + load}
	for _, s := range p.Sources {
		lines = append(lines, fmt.Sprintf("source: %s %s %s", s.Name, s.Version, s.Digest))
	}
	for _, o := range p.Open {
		item := o.Missing
		if o.Endpoint != "" {
			item += " of " + o.Endpoint
		}
		lines = append(lines, fmt.Sprintf("open, not rendered: %s: %s: %s", o.Entry.ID, item, o.Why))
	}
	for _, r := range p.Rules {
		if r.Remote.Any {
			lines = append(lines, fmt.Sprintf("WARNING: rule %s accepts any remote, as the site answered for %s", r.ID, r.Entries[0].ID))
		}
	}
	return lines
}

// Label names an entry beside its rules: its id, the publisher's row and its title.
func Label(e rule.Entry) string {
	s := e.ID
	if e.Row != "" {
		s += " (row " + e.Row + ")"
	}
	if e.Title != "" {
		s += ": " + e.Title
	}
	if e.Condition != "" {
		s += " [" + e.Condition + "]"
	}
	return s
}
