package proof

import (
	"fmt"
	"strings"

	"gatewright/generators/artefact"
)

// textDifferences tells the lines that the files lack or have besides those of the
// generator, comments apart. Engines do not show what changes no answer, such as a
// rule that stands there twice.
func textDifferences(want, got []artefact.Artefact, comments artefact.CommentSyntax) []Disagreement {
	const most = 20 // lines of a file
	var all []Disagreement
	files := map[string]bool{}
	for _, w := range want {
		var data []byte
		for _, g := range got {
			if g.Name == w.Name {
				data, files[w.Name] = g.Data, true
			}
		}
		differences := lineDifferences(w.Name, lineCounts(w.Data, comments), lineCounts(data, comments))
		if more := len(differences) - most; more > 0 {
			differences = append(differences[:most], Disagreement{
				What: w.Name, Model: "other lines", Backend: fmt.Sprintf("%d more that differ", more),
			})
		}
		all = append(all, differences...)
	}
	for _, g := range got {
		if !files[g.Name] {
			all = append(all, Disagreement{What: g.Name, Model: "no such file", Backend: "there"})
		}
	}
	return all
}

// lines are the lines of a file, and how often each stands there.
type lines struct {
	order []string // each once
	count map[string]int
}

// lineEnds are those of JavaScript (ECMA-262, LineTerminator): what stands behind one
// is no part of a comment before it.
var lineEnds = strings.NewReplacer("\r", "\n", "\u2028", "\n", "\u2029", "\n")

func lineCounts(data []byte, comments artefact.CommentSyntax) lines {
	l := lines{count: map[string]int{}}
	for line := range strings.Lines(lineEnds.Replace(string(data))) {
		line = strings.TrimSpace(line)
		if line == "" || comments.IsLine(line) {
			continue
		}
		if l.count[line] == 0 {
			l.order = append(l.order, line)
		}
		l.count[line]++
	}
	return l
}

func lineDifferences(file string, want, got lines) []Disagreement {
	var all []Disagreement
	add := func(line string) {
		all = append(all, Disagreement{
			What: fmt.Sprintf("%s: line %q", file, clip(line)), Model: times(want.count[line]), Backend: times(got.count[line]),
		})
	}
	for _, line := range want.order {
		if want.count[line] != got.count[line] {
			add(line)
		}
	}
	for _, line := range got.order {
		if want.count[line] == 0 {
			add(line)
		}
	}
	return all
}

func times(n int) string {
	switch n {
	case 0:
		return "not there"
	case 1:
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// clip shortens a line for a message.
func clip(s string) string {
	const most = 120
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
