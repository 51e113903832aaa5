package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/words"
	"gatewright/generators/artefact"
)

// shownAnswers is how many of the answers that would add most the account shows.
const shownAnswers = 3

// Suggestion is a line of the site file that open items wait for.
type Suggestion struct {
	site.Suggestion
	entries []string // ids of those that wait for it
	weight  float64  // entries that it closes; a part of each that waits for others, too
}

// siteSections are the sections of a site file that get suggestions, in order.
func siteSections() []string {
	return []string{site.SectionPaths, site.SectionValues, site.SectionBind, site.SectionAnswers}
}

// text is the line as the only one of its section.
func (s Suggestion) text() string {
	line := strings.TrimSuffix(s.Line, ",")
	if s.Section == site.SectionPaths {
		return line
	}
	return fmt.Sprintf("%q: {%s}", s.Section, line)
}

// Suggestions returns the lines that answer the open items, in the order of a site
// file, each once.
func Suggestions(r *site.Result) []Suggestion {
	inbound := map[string]bool{}
	for _, o := range r.Outcomes {
		inbound[o.Entry.ID] = o.Entry.Direction == catalog.Inbound || o.Entry.Direction == catalog.Bidirectional
	}
	type place struct{ section, line string }
	items := map[place][]rule.Open{}
	waits := map[string]map[place]bool{} // by entry
	var places []place
	for _, o := range r.Policy.Open {
		at := place{o.Section, o.Line}
		if items[at] == nil {
			places = append(places, at)
		}
		items[at] = append(items[at], o)
		if waits[o.Entry.ID] == nil {
			waits[o.Entry.ID] = map[place]bool{}
		}
		waits[o.Entry.ID][at] = true
	}
	slices.SortStableFunc(places, func(a, b place) int {
		return slices.Index(siteSections(), a.section) - slices.Index(siteSections(), b.section)
	})
	var all []Suggestion
	for _, at := range places {
		s := Suggestion{Suggestion: site.Suggestion{Section: at.section, Line: at.line, Comments: questions(at.section, items[at])}}
		fromOutside := false
		for _, o := range items[at] {
			if !slices.Contains(s.entries, o.Entry.ID) {
				s.entries = append(s.entries, o.Entry.ID)
				s.weight += 1 / float64(len(waits[o.Entry.ID]))
				fromOutside = fromOutside || inbound[o.Entry.ID]
			}
		}
		if at.section == site.SectionBind && fromOutside {
			s.Comments = append(s.Comments, `behind DNAT: {"published": ["<CIDR>"]}`)
		}
		all = append(all, s)
	}
	return all
}

// questions explains one line: for an entry its title, what is asked about each
// missing fact, and the pages that the publisher refers to; for a line that several
// entries wait for, these entries.
func questions(section string, open []rule.Open) []string {
	var comments []string
	if section == site.SectionAnswers {
		comments = append(comments, artefact.Label(open[0].Entry))
		for _, o := range open {
			comments = append(comments, fmt.Sprintf("%s: %s", o.Missing, cmp.Or(o.Ask, o.Why)))
		}
		if open[0].Links != "" {
			comments = append(comments, "see "+open[0].Links)
		}
		return comments
	}
	var waiting []string
	for _, o := range open {
		if !slices.Contains(comments, o.Ask) {
			comments = append(comments, o.Ask)
		}
		_, slug, _ := strings.Cut(o.Entry.ID, "/")
		if !slices.Contains(waiting, slug) {
			waiting = append(waiting, slug)
		}
	}
	return append(comments, "needed by: "+strings.Join(waiting, ", "))
}

// TellOpen shows the answers that would add most to a run, and the command for the
// rest.
func (r Run) TellOpen(c console.Console, all []Suggestion, command string) {
	if len(all) == 0 {
		return
	}
	entries := map[string]bool{}
	for _, s := range all {
		for _, id := range s.entries {
			entries[id] = true
		}
	}
	widest := slices.SortedStableFunc(slices.Values(all), func(a, b Suggestion) int { return -cmp.Compare(a.weight, b.weight) })
	what := "missing"
	if len(all) > shownAnswers {
		what = "these lines add the most"
	}
	them := "them"
	open := len(r.Result.Policy.Open)
	if open == 1 {
		them = "it"
	}
	c.Sayf("%s", accountLine("open", fmt.Sprintf("%s in %s; nothing is rendered for %s until %s answers; %s:",
		words.Count(open, "open item"), words.Plural(len(entries), "entry", "entries"), them, r.SiteFile, what)))
	for _, s := range widest[:min(shownAnswers, len(all))] {
		c.Sayf("%s", accountLine("", fmt.Sprintf("  %s  (%s)", s.text(), words.Plural(len(s.entries), "entry waits", "entries wait"))))
	}
	c.Sayf("%s", accountLine("", command))
}

// SiteBlock is the part of a site file that answers the open items once its blanks
// are filled in.
func SiteBlock(all []Suggestion) string {
	var b strings.Builder
	for _, section := range siteSections() {
		writeSection(&b, section, all)
	}
	return b.String()
}

func writeSection(b *strings.Builder, section string, all []Suggestion) {
	lines := SectionLines(section, all)
	if len(lines) == 0 {
		return
	}
	indent := "  "
	if section != site.SectionPaths {
		fmt.Fprintf(b, "  %q: {\n", section)
		indent = "    "
	}
	for _, line := range lines {
		b.WriteString(indent + line + "\n")
	}
	if section != site.SectionPaths {
		b.WriteString("  },\n")
	}
}

// SectionLines are the comments and lines of a section.
func SectionLines(section string, all []Suggestion) []string {
	var lines []string
	for _, s := range all {
		if s.Section == section {
			lines = append(lines, s.Written()...)
		}
	}
	return lines
}

// Merge adds to a site file the suggestions that it does not hold yet.
func Merge(file, text string, all []Suggestion) (merged string, added int, err error) {
	lines := make([]site.Suggestion, len(all))
	for i, s := range all {
		lines[i] = s.Suggestion
	}
	return site.Merge(file, text, lines)
}
