package artefact

import (
	"fmt"
	"strings"

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
	lines = append(lines, openLines(p.Open)...)
	for _, r := range p.Rules {
		if r.Remote.Any {
			lines = append(lines, fmt.Sprintf("WARNING: rule %s accepts any remote, as the site answered for %s", r.ID, entryIDs(r.Entries)))
		}
	}
	return lines
}

// openLines lists what is open, one line for each entry; open is sorted by entry.
func openLines(open []rule.Open) []string {
	var lines []string
	for i, o := range open {
		item := o.Missing
		if o.Endpoint != "" {
			item += " of " + o.Endpoint
		}
		if i > 0 && open[i-1].Entry.ID == o.Entry.ID {
			lines[len(lines)-1] += ", " + item
			continue
		}
		lines = append(lines, fmt.Sprintf("open, not rendered: %s: %s", o.Entry.ID, item))
	}
	return lines
}

func entryIDs(entries []rule.Entry) string {
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	return strings.Join(ids, " or ")
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
