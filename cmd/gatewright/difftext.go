package main

import (
	"cmp"
	"fmt"
	"html"
	"io"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// diffSection is one kind of difference, a line each: "+" and "-" in front of what
// came and went, a space in front of what explains it.
type diffSection struct {
	title   string
	lines   []string
	inSight bool // in Markdown it is not folded, unless it is long
}

// add adds a line. What does not print is replaced, because a folder's files may
// hold anything.
func (s *diffSection) add(sign byte, format string, args ...any) {
	plain := func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return unicode.ReplacementChar
	}
	s.lines = append(s.lines, string(sign)+" "+strings.Map(plain, fmt.Sprintf(format, args...)))
}

func (r report) sections() []diffSection {
	all := []diffSection{
		ruleSection("newly accepted", '+', r.Added),
		besideSection(r.Beside),
		ruleSection("no longer accepted", '-', r.Removed),
		routeSection(r.Routes),
		trustedSection(r.TrustedSites),
		openSection(r),
		entrySection(r.Entries),
		commentSection(r.Comments),
		liveSection(r.Live),
		fileSection(r.Files),
		editedSection(r),
	}
	var filled []diffSection
	for _, s := range all {
		if len(s.lines) > 0 {
			filled = append(filled, s)
		}
	}
	return filled
}

func ruleSection(title string, sign byte, rules []reportRule) diffSection {
	s := diffSection{title: fmt.Sprintf("%s: %s in %s", title, countEndpoints(rules), count(len(rules), "rule")), inSight: sign == '+'}
	for _, r := range rules {
		s.add(sign, "%s", r.label())
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
func (r reportRule) label() string {
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

func (s *diffSection) addPart(sign byte, p reportPart) {
	if scope := p.scope(); scope != "" {
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
		s.add(sign, "    %s", shortAddress(prefix))
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
	return fmt.Sprintf("%s, %s", exceptText(but), elsewhere[sign])
}

// shownElsewhere is how many endpoints are shown one by one if only the local
// addresses or services are new.
const shownElsewhere = 8

// scope says which local addresses a part is about, and which of the rule's services,
// if not all.
func (p reportPart) scope() string {
	var scope []string
	if !p.wholeServices {
		scope = append(scope, p.Services)
	}
	if len(p.Local) > 0 {
		local := "local"
		for _, prefix := range p.Local {
			local += " " + shortAddress(prefix)
		}
		scope = append(scope, local)
	}
	if p.Published {
		scope = append(scope, "ports as published")
	}
	return strings.Join(scope, ", ")
}

// shortAddress leaves out the length of a prefix that is one address, and says any for
// one that is a whole family.
func shortAddress(prefix string) string {
	p, err := netip.ParsePrefix(prefix)
	switch {
	case err == nil && p.IsSingleIP():
		return p.Addr().String()
	case err == nil && p.Bits() == 0 && p.Addr().Is4():
		return "any IPv4 address"
	case err == nil && p.Bits() == 0:
		return "any IPv6 address"
	}
	return prefix
}

func (n reportName) String() string {
	text := n.Pattern
	if n.And != "" {
		text += " that " + n.And + " matches, too,"
	}
	return text + exceptText(n.Except)
}

func exceptText(but []string) string {
	if len(but) == 0 {
		return ""
	}
	return " except " + strings.Join(but, ", ")
}

// endpointCount is how many remotes there are of each kind.
type endpointCount struct {
	any             bool
	names, prefixes int
}

// countEndpoints counts the names and prefixes of rules, each once.
func countEndpoints(rules []reportRule) (c endpointCount) {
	seen := map[string]bool{}
	tally := func(text string, n *int) {
		if !seen[text] {
			seen[text] = true
			*n++
		}
	}
	for _, r := range rules {
		for _, p := range r.Parts {
			c.any = c.any || p.Any
			for _, n := range p.Names {
				tally(n.Pattern, &c.names)
			}
			for _, prefix := range p.Prefixes {
				tally(prefix, &c.prefixes)
			}
		}
	}
	return c
}

func (c endpointCount) String() string {
	var parts []string
	if c.any {
		parts = append(parts, "any remote")
	}
	if c.names > 0 {
		parts = append(parts, count(c.names, "name"))
	}
	if c.prefixes > 0 {
		parts = append(parts, plural(c.prefixes, "prefix", "prefixes"))
	}
	if len(parts) == 0 {
		return "0 prefixes"
	}
	if last := len(parts) - 1; last > 0 {
		return strings.Join(parts[:last], ", ") + " and " + parts[last]
	}
	return parts[0]
}

func routeSection(routes []reportRoute) diffSection {
	s := diffSection{title: "another way in PAC files"}
	for _, r := range routes {
		s.add(' ', "%s -> %s: %s, %s", r.From, r.To, cmp.Or(string(r.Role), r.Place), r.Services)
		if r.Any {
			s.add(' ', "    every remote without a route of its own")
		}
		for _, n := range r.Names {
			s.add(' ', "    %s", n)
		}
		for _, prefix := range r.Prefixes {
			s.add(' ', "    %s", shortAddress(prefix))
		}
	}
	return s
}

func trustedSection(t reportTrusted) diffSection {
	s := diffSection{title: "trusted sites", inSight: len(t.Added) > 0}
	for _, one := range []struct {
		sign  byte
		sites []listedSite
	}{{'+', t.Added}, {'-', t.Removed}} {
		for _, site := range one.sites {
			s.add(one.sign, "%s: %s", site.Entry, strings.Join(site.Names, ", "))
		}
	}
	return s
}

func openSection(r report) diffSection {
	s := diffSection{title: "open: nothing is rendered, so that no flows are compared"}
	for _, o := range r.OpenAdded {
		s.add('+', "%s: %s is open: %s", o.Entry, missingOf(o), o.Why)
	}
	for _, o := range r.OpenRemoved {
		s.add('-', "%s: %s is open no more", o.Entry, missingOf(o))
	}
	missing := map[string][]string{}
	var entries []string
	for _, o := range r.OpenUnchanged {
		if missing[o.Entry] == nil {
			entries = append(entries, o.Entry)
		}
		missing[o.Entry] = append(missing[o.Entry], missingOf(o))
	}
	for _, id := range entries {
		s.add(' ', "%s: open on both sides: %s", id, strings.Join(missing[id], ", "))
	}
	return s
}

func missingOf(o accountOpen) string {
	if o.Endpoint != "" {
		return o.Missing + " of " + o.Endpoint
	}
	return o.Missing
}

func entrySection(entries []reportEntry) diffSection {
	s := diffSection{title: "entries that came, went or changed"}
	for _, e := range entries {
		label := artefact.Label(rule.Entry{ID: e.ID, Row: e.Row, Title: e.Title})
		switch e.Change {
		case "added":
			s.add('+', "%s (%s)", label, e.State)
		case "removed":
			s.add('-', "%s (%s)", label, e.State)
		default:
			s.add(' ', "%s", label)
		}
		if e.Asks != "" {
			s.add(' ', "    %s", e.Asks)
		}
		for _, f := range e.Changes {
			if len(f.Old)+len(f.New) <= shortFact {
				s.add(' ', "    %s: %s -> %s", f.Attribute, cmp.Or(f.Old, "none"), cmp.Or(f.New, "none"))
				continue
			}
			s.add('-', "    %s: %s", f.Attribute, shortFactText(f.Old))
			s.add('+', "    %s: %s", f.Attribute, shortFactText(f.New))
		}
	}
	return s
}

func besideSection(changes []reportBeside) diffSection {
	s := diffSection{title: "what the files do beside their rules", inSight: true}
	for _, c := range changes {
		s.add(' ', "%s: %s", c.File, c.Name)
		for _, v := range c.Old {
			s.add('-', "    %s", v)
		}
		for _, v := range c.New {
			s.add('+', "    %s", v)
		}
	}
	return s
}

// shownComments is how many changes of comments are shown with their words; JSON has all.
const shownComments = 20

func commentSection(changes []reportComment) diffSection {
	s := diffSection{title: "comments changed"}
	for i, c := range changes {
		s.add(' ', "%s%s", strings.Join(c.Places, ", "), map[bool]string{true: ": in another order"}[len(c.Old)+len(c.New) == 0])
		if i >= shownComments {
			continue
		}
		for _, text := range c.Old {
			s.add('-', "    %s", text)
		}
		for _, text := range c.New {
			s.add('+', "    %s", text)
		}
	}
	return s
}

func editedSection(r report) diffSection {
	s := diffSection{title: "changed by hand since they were generated, and read as they stand"}
	for _, side := range []reportSide{r.Old, r.New} {
		for _, name := range side.Edited {
			s.add(' ', "%s/%s", side.Name, name)
		}
	}
	return s
}

// shortFactText shortens a list of many endpoints; JSON has all.
func shortFactText(text string) string {
	const shown = 8
	if list := strings.Split(text, ", "); len(list) > shown+1 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:shown], ", "), len(list)-shown)
	}
	return cmp.Or(text, "none")
}

func fileSection(files []reportFile) diffSection {
	s := diffSection{title: "files that came or went, or differ as text"}
	for _, f := range files {
		sign := map[string]byte{"added": '+', "removed": '-'}[f.Change]
		s.add(cmp.Or(sign, ' '), "%s: %s", f.Name, f.Change)
	}
	return s
}

// shortFact is how long an attribute's old and new text are together, in bytes, if
// both stand in one line.
const shortFact = 50

// headline says in one line what is compared and how much differs.
func (r report) headline() string {
	old, new := r.Old.title(), r.New.title()
	if old == new {
		old, new = r.Old.Name, r.New.Name
	}
	if r.Equal {
		return fmt.Sprintf("%s and %s: no difference", old, new)
	}
	parts := []string{"the same flows"}
	if len(r.Added)+len(r.Removed) > 0 {
		parts = nil
	}
	say := func(n int, format string, args ...any) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	say(len(r.Added), "%s newly accepted", countEndpoints(r.Added))
	say(len(r.Removed), "%s no longer accepted", countEndpoints(r.Removed))
	say(len(r.Routes), "%s changed", count(len(r.Routes), "PAC route"))
	say(len(r.TrustedSites.Added), "%s newly trusted", count(len(r.TrustedSites.Added), "site"))
	say(len(r.TrustedSites.Removed), "%s trusted no more", count(len(r.TrustedSites.Removed), "site"))
	say(len(r.Entries), "%s came, went or changed", plural(len(r.Entries), "entry", "entries"))
	say(len(r.Beside), "%s beside the rules", count(len(r.Beside), "change"))
	say(len(r.Comments), "%s changed", count(len(r.Comments), "comment"))
	say(len(r.Files), "%s came, went or differ as text", count(len(r.Files), "file"))
	say(len(r.Live), "%s", liveCounts(r.Live))
	say(len(r.OpenAdded), "%s newly open", count(len(r.OpenAdded), "item"))
	say(len(r.OpenRemoved), "%s open no more", count(len(r.OpenRemoved), "item"))
	return fmt.Sprintf("%s -> %s: %s", old, new, strings.Join(parts, "; "))
}

// title is the catalogue with its revision, or a site file's name.
func (s reportSide) title() string {
	if len(s.Sources) == 1 {
		return s.Sources[0].Catalog + "@" + s.Sources[0].Revision
	}
	return s.Name
}

// writeText writes the report for a terminal.
func writeText(w *safeWriter, r report) error {
	var b strings.Builder
	b.WriteString(visible(r.headline()) + "\n")
	for _, line := range r.openings() {
		b.WriteString(w.paint(green, visible(line)) + "\n")
	}
	for _, line := range r.gained {
		b.WriteString(w.paint(red, visible(line)) + "\n")
	}
	for _, s := range r.sections() {
		b.WriteString("\n" + visible(s.title) + "\n")
		for _, line := range s.lines {
			line = strings.TrimRight(line, " ")
			switch line[0] {
			case '+':
				line = w.paint(green, line)
			case '-':
				line = w.paint(red, line)
			default:
				line = visible(line)
			}
			b.WriteString(line + "\n")
		}
	}
	return w.raw(b.String())
}

// longSection is how many lines of what opens stay in plain sight: the widest.
const longSection = 60

// writeMarkdown writes the report for a pull request: a summary line, what opens to any
// remote or on most ports, what else opens, and then what unfolds.
func writeMarkdown(w io.Writer, r report) error {
	var b strings.Builder
	b.WriteString(markdownText(r.headline()) + "\n")
	for i, line := range slices.Concat(r.openings(), r.gained) {
		if i == 0 {
			b.WriteString("\n")
		}
		b.WriteString("- **" + markdownText(visible(line)) + "**\n")
	}
	for _, s := range r.sections() {
		shown := 0
		if s.inSight {
			shown = min(len(s.lines), longSection)
			fmt.Fprintf(&b, "\n%s\n\n%s", markdownText(s.title), markdownBlock(s.lines[:shown]))
		}
		if rest := s.lines[shown:]; shown > 0 && len(rest) > 0 {
			fmt.Fprintf(&b, "\n<details><summary>%s more</summary>\n\n%s\n</details>\n", count(len(rest), "line"), markdownBlock(rest))
		} else if len(rest) > 0 {
			fmt.Fprintf(&b, "\n<details><summary>%s</summary>\n\n%s\n</details>\n", html.EscapeString(s.title), markdownBlock(rest))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// markdownBlock is a code block in which lines that came and went are coloured.
func markdownBlock(lines []string) string {
	text := strings.Join(lines, "\n")
	fence := markdownFence(text)
	return fence + "diff\n" + text + "\n" + fence + "\n"
}

// markdownFence returns the fence of a code block, in which the text is no Markdown:
// longer than every run of its character in the text. CommonMark section 4.5.
func markdownFence(text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence
}

// markdownText quotes text outside of code blocks: a backslash in front of every
// character that CommonMark section 2.4 lets be escaped.
func markdownText(s string) string {
	var b strings.Builder
	for _, c := range s {
		if strings.ContainsRune("\\`*_{}[]<>#+!|&~@", c) {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}
