package main

import (
	"fmt"
	"strings"

	"gatewright/cmd/gatewright/internal/words"
)

// addLive adds how what runs differs from what is wanted; drifted turns that around.
func (r *report) addLive(w wanted, drifted bool) error {
	if w.IsEmpty() {
		return nil
	}
	r.Live = append(r.Live, w.report(drifted)...)
	if w.Unread != nil {
		r.Unknown = append(r.Unknown, fmt.Sprintf("%s: %v", w.Place, w.Unread))
		return nil
	}
	old, new := w.Readings()
	if drifted {
		old, new = new, old
	}
	return r.addReadings(old, new)
}

// report returns what comes and goes; drifted turns that around.
func (w wanted) report(drifted bool) (all []reportLive) {
	for _, c := range w.Changes {
		if drifted {
			c = c.Invert()
		}
		all = append(all, reportLive{Place: w.Place, Sign: string(c.Sign), Kind: c.Kind, In: c.In, Text: c.Text})
	}
	return all
}

// reportLive is one thing that comes or goes where it runs.
type reportLive struct {
	Place string `json:"place"`
	Sign  string `json:"sign"` // "+" or "-"
	Kind  string `json:"kind"` // "element", "rule", "chain", "set", "map", "counter", "policy", "table", "file", "line"
	In    string `json:"in,omitempty"`
	Text  string `json:"text"`
}

// shownLive is how many things that come or go in one set or chain are shown; JSON has
// all.
const shownLive = 20

// liveSection tells what comes and goes, those of a set or chain together.
func liveSection(changes []reportLive) diffSection {
	s := diffSection{title: "statements that come and go: " + liveCounts(changes)}
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

// liveCounts counts what comes and goes by kind, in the order of the first of each.
func liveCounts(changes []reportLive) string {
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
