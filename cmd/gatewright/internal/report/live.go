package report

import (
	"strings"

	"gatewright/cmd/gatewright/internal/change"
	"gatewright/cmd/gatewright/internal/words"
)

// shownLive is how many things that come or go in one set or chain are shown; JSON has
// all.
const shownLive = 20

// liveSection tells what comes and goes, those of a set or chain together.
func liveSection(changes []change.Live) section {
	s := section{title: "statements to add and remove: " + LiveCounts(changes)}
	shown := map[string]int{}
	more := map[string]int{}
	for _, c := range changes {
		of := c.Place + " " + c.In
		if c.In != "" && shown[of] >= shownLive {
			more[of]++
			continue
		}
		shown[of]++
		where := c.Place
		if c.In != "" {
			where = c.In
		}
		if c.Kind == "table" {
			s.add(c.Sign[0], "table %s", c.Text)
			continue
		}
		s.add(c.Sign[0], "%s %s: %s", c.Kind, where, c.Text)
	}
	for _, c := range changes {
		if of := c.Place + " " + c.In; more[of] > 0 {
			s.add(' ', "%s: %d more; --json shows them all", c.In, more[of])
			delete(more, of)
		}
	}
	return s
}

// LiveCounts counts additions and removals by kind, in the order of first occurrence.
func LiveCounts(changes []change.Live) string {
	var kinds []string
	counts := map[string]int{}
	for _, c := range changes {
		kind := c.Sign + " " + c.Kind
		if counts[kind] == 0 {
			kinds = append(kinds, kind)
		}
		counts[kind]++
	}
	counted := make([]string, len(kinds))
	for i, kind := range kinds {
		sign, name, _ := strings.Cut(kind, " ")
		counted[i] = sign + words.Count(counts[kind], name)
	}
	return strings.Join(counted, ", ")
}
