// Package report formats differences, findings, answers and lists for people and
// machines, as text, Markdown, JSON and CI formats. It takes data and returns text.
package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"gatewright/catalog"
	"gatewright/catalog/rule"
	"gatewright/cmd/gatewright/internal/change"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/words"
	"gatewright/generators/artefact"
)

// section is one kind of difference, a line each: "+" and "-" in front of what
// came and went, a space in front of what explains it.
type section struct {
	title   string
	lines   []string
	inSight bool // in Markdown it is not folded, unless it is long
}

// add adds a line. What does not print is replaced, because a folder's files may
// hold anything.
func (s *section) add(sign byte, format string, args ...any) {
	plain := func(c rune) rune {
		if catalog.IsPlain(c) {
			return c
		}
		return unicode.ReplacementChar
	}
	s.lines = append(s.lines, string(sign)+" "+strings.Map(plain, fmt.Sprintf(format, args...)))
}

func sections(r change.Diff) []section {
	came, went := cameAndWent(r, "accepted", "newly accepted", "no longer accepted")
	all := []section{
		ruleSection(came, '+', r.Added),
		besideSection(r.Beside),
		ruleSection(went, '-', r.Removed),
		routeSection(r.Routes),
		trustedSection(r.TrustedSites),
		openSection(r),
		entrySection(r.Entries),
		commentSection(r.Comments),
		liveSection(r.Live),
		fileSection(r.Files),
		editedSection(r),
	}
	return slices.DeleteFunc(all, func(s section) bool { return len(s.lines) == 0 })
}

// cameAndWent says of what is so on one side alone that it came or went or, of a check,
// on which side it is.
func cameAndWent(r change.Diff, so, came, went string) (string, string) {
	if r.Check {
		return so + " by the files alone", so + " by what generate would write alone"
	}
	return came, went
}

// Lines are the openings of a difference, and the lines of all its sections.
func Lines(r change.Diff) []string {
	lines := slices.Concat(r.Opens, r.Closes)
	for _, s := range sections(r) {
		for _, line := range s.lines {
			lines = append(lines, strings.TrimRight(line, " "))
		}
	}
	return lines
}

func ruleSection(title string, sign byte, rules []change.Rule) section {
	s := section{title: fmt.Sprintf("%s: %s in %s", title, countEndpoints(rules), words.Count(len(rules), "rule")), inSight: sign == '+'}
	for _, r := range rules {
		s.add(sign, "%s", label(r))
		for _, p := range r.Parts {
			s.addPart(sign, p)
		}
		for _, e := range r.Entries {
			s.add(' ', "  from %s", artefact.Label(rule.Entry{ID: e.ID, Row: e.Row, Title: e.Title}))
		}
	}
	return s
}

// label names the rule and what it is about; one of a folder has no name.
func label(r change.Rule) string {
	var words []string
	for _, word := range []string{string(r.Direction), string(r.Role), r.Services, r.Place} {
		if word != "" {
			words = append(words, word)
		}
	}
	label := strings.Join(words, ", ")
	if r.Rule != "" {
		label = string(r.Rule) + ": " + label
	}
	return label
}

func (s *section) addPart(sign byte, p change.Part) {
	if scope := scope(p); scope != "" {
		s.add(' ', "  for %s:", scope)
	}
	if p.Any {
		s.add(sign, "    any%s", acceptedText(sign, p.But))
	}
	if n := len(p.Names) + len(p.Prefixes); p.Elsewhere && n > shownElsewhere {
		s.add(sign, "    %s, %s for other local addresses or services", endpointCount{names: len(p.Names), prefixes: len(p.Prefixes)}, elsewhere[sign])
		return
	}
	for _, n := range p.Names {
		s.add(sign, "    %s", n)
	}
	for _, prefix := range p.Prefixes {
		s.add(sign, "    %s", words.Address(prefix))
	}
}

// elsewhere says of endpoints that came or went with local addresses or services alone
// what the other side does with them.
var elsewhere = map[byte]string{'+': "accepted before", '-': "still accepted"}

// acceptedText names what of any remote the other side accepts, too.
func acceptedText(sign byte, but []string) string {
	if len(but) == 0 {
		return ""
	}
	return fmt.Sprintf("%s, %s", words.Except(but), elsewhere[sign])
}

// shownElsewhere is how many endpoints are shown one by one if only the local
// addresses or services are new.
const shownElsewhere = 8

// scope says which local addresses a part is about, and which of the rule's services,
// if not all.
func scope(p change.Part) string {
	var scope []string
	if !p.WholeServices {
		scope = append(scope, p.Services.String())
	}
	if len(p.Local) > 0 {
		local := "local"
		for _, prefix := range p.Local {
			local += " " + words.Address(prefix)
		}
		scope = append(scope, local)
	}
	if p.Published {
		scope = append(scope, "ports as published")
	}
	return strings.Join(scope, ", ")
}

// endpointCount is how many remotes there are of each kind.
type endpointCount struct {
	any             bool
	names, prefixes int
}

// countEndpoints counts the names and prefixes of rules, each once.
func countEndpoints(rules []change.Rule) (c endpointCount) {
	var names, prefixes []string
	for _, r := range rules {
		for _, p := range r.Parts {
			c.any = c.any || p.Any
			for _, n := range p.Names {
				names = append(names, n.Pattern)
			}
			prefixes = append(prefixes, p.Prefixes...)
		}
	}
	c.names, c.prefixes = countDistinct(names), countDistinct(prefixes)
	return c
}

// countDistinct counts the texts, each once; it sorts them.
func countDistinct(texts []string) int {
	slices.Sort(texts)
	return len(slices.Compact(texts))
}

// String lists the counts that are not zero.
func (c endpointCount) String() string {
	var parts []string
	if c.any {
		parts = append(parts, "any remote")
	}
	if c.names > 0 {
		parts = append(parts, words.Count(c.names, "name"))
	}
	if c.prefixes > 0 {
		parts = append(parts, words.Plural(c.prefixes, "prefix", "prefixes"))
	}
	if len(parts) == 0 {
		return "0 prefixes"
	}
	if last := len(parts) - 1; last > 0 {
		return strings.Join(parts[:last], ", ") + " and " + parts[last]
	}
	return parts[0]
}

// shortFact is how long an attribute's old and new text are together, in bytes, if
// both stand in one line.
const shortFact = 50

// Headline says in one line what is compared and how much differs.
func Headline(r change.Diff) string {
	if r.Output != "" {
		output := r.Output
		r.Output = ""
		return output + ": " + Headline(r)
	}
	old, new := title(r.Old), title(r.New)
	if old == new {
		old, new = r.Old.Name, r.New.Name
	}
	if r.Equal {
		return fmt.Sprintf("%s and %s: no difference", old, new)
	}
	parts := []string{"the same flows"}
	switch {
	case len(r.Unknown) > 0:
		parts[0] = "flows unknown"
	case len(r.Added)+len(r.Removed) > 0 || changesRest(r):
		parts = nil
	}
	say := func(n int, format string, args ...any) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	came, went := cameAndWent(r, "accepted", "newly accepted", "no longer accepted")
	say(len(r.Added), "%s "+came, countEndpoints(r.Added))
	say(len(r.Removed), "%s "+went, countEndpoints(r.Removed))
	say(len(r.Routes), "%s changed", words.Count(len(r.Routes), "PAC route"))
	came, went = cameAndWent(r, "trusted", "newly trusted", "no longer trusted")
	say(len(r.TrustedSites.Added), "%s "+came, words.Count(len(r.TrustedSites.Added), "site"))
	say(len(r.TrustedSites.Removed), "%s "+went, words.Count(len(r.TrustedSites.Removed), "site"))
	say(len(r.Entries), "%s added, removed or changed", words.Plural(len(r.Entries), "entry", "entries"))
	say(len(r.Beside), "%s", words.Count(len(r.Beside), "other change"))
	say(len(r.Comments), "%s changed", words.Count(len(r.Comments), "comment"))
	say(len(r.Files), "%s", words.Plural(len(r.Files), "file differs", "files differ"))
	say(len(r.Live), "%s", LiveCounts(r.Live))
	say(len(r.OpenAdded), "%s newly open", words.Count(len(r.OpenAdded), "item"))
	say(len(r.OpenRemoved), "%s no longer open", words.Count(len(r.OpenRemoved), "item"))
	if r.Check {
		return fmt.Sprintf("%s against %s: %s", new, old, strings.Join(parts, "; "))
	}
	return fmt.Sprintf("%s -> %s: %s", old, new, strings.Join(parts, "; "))
}

// changesRest reports whether what no rule accepts is newly dropped, or no longer.
func changesRest(r change.Diff) bool {
	return len(r.Closes) > 0 || slices.ContainsFunc(r.Opens, func(line string) bool { return strings.HasPrefix(line, "OPENS: ") })
}

// title is the catalogue with its revision, or a site file's name.
func title(s change.Head) string {
	if len(s.Sources) == 1 {
		return s.Sources[0].Catalog + "@" + s.Sources[0].Revision
	}
	return s.Name
}

// Text writes the report for a terminal.
func Text(w *console.Writer, r change.Diff) error {
	var b strings.Builder
	b.WriteString(console.Visible(Headline(r)) + "\n")
	for _, line := range r.Opens {
		b.WriteString(w.Paint(console.Green, console.Visible(line)) + "\n")
	}
	for _, line := range r.Closes {
		b.WriteString(w.Paint(console.Red, console.Visible(line)) + "\n")
	}
	for _, s := range sections(r) {
		b.WriteString("\n" + console.Visible(s.title) + "\n")
		for _, line := range s.lines {
			line = strings.TrimRight(line, " ")
			switch line[0] {
			case '+':
				line = w.Paint(console.Green, line)
			case '-':
				line = w.Paint(console.Red, line)
			default:
				line = console.Visible(line)
			}
			b.WriteString(line + "\n")
		}
	}
	return w.Raw(b.String())
}
