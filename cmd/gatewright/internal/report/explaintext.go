package report

import (
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/words"
)

// How many entries and rules a table shows; --json shows all.
const (
	shownEntries = 5
	shownRules   = 3
)

// Explanations are answers about flows for people.
type Explanations struct {
	Result   *site.Result
	ListOpen string // the command that shows what is open at this site
}

// Write shows flows to people: for each side one line with the verdict, and a table
// of what decides, what is near, and what each backend does.
func (e Explanations) Write(w io.Writer, flows iter.Seq[Explained]) error {
	width, first := console.Width(w), true
	for f := range flows {
		if !first {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
		first = false
		if err := e.writeFlow(w, f, width); err != nil {
			return err
		}
	}
	return nil
}

func (e Explanations) writeFlow(w io.Writer, f Explained, width int) error {
	for i, s := range e.shownSides(f) {
		line := s.Verdict + ": " + f.Flow
		if sides := sidesText(f.Question, s.For); sides != "" {
			line += " " + sides
		}
		if i == 0 && f.Assumed != "" {
			line += "\n  assumed: " + f.Assumed
			if f.Because != "" {
				line += ", from " + f.Because
			}
		}
		if _, err := io.WriteString(w, line+"\n"); err != nil {
			return err
		}
		for _, rows := range [][][]string{s.reasons, s.notes, s.backends} {
			if len(rows) == 0 {
				continue
			}
			t := console.Table{Header: rows[0], Rows: rows[1:], IDs: []int{2}}
			if err := t.Write(w, width); err != nil {
				return err
			}
		}
	}
	return nil
}

// shownSide is one or several sides with one verdict, and the rows of their tables.
type shownSide struct {
	Verdict                  string
	For                      []Group
	reasons, notes, backends [][]string
}

// shownSides puts together all sides that are denied: of the rules that are near,
// that of the side which misses it by least, and of the backends each different
// answer. Beside sides that are allowed, they are told only how they differ.
func (e Explanations) shownSides(f Explained) []shownSide {
	var out []shownSide
	var denied []ExplainedSide
	for _, s := range f.Sides {
		if s.Verdict == Denied {
			denied = append(denied, s)
			continue
		}
		verdict := s.Verdict
		if s.Dropped != "" {
			verdict = dropped
		}
		out = append(out, shownSide{
			Verdict: verdict, For: s.For, notes: noteRows(s.Dropped), reasons: e.acceptRows(s), backends: backendRows(f.Question, []ExplainedSide{s}),
		})
	}
	if len(denied) == 0 {
		return out
	}
	all := shownSide{Verdict: Denied}
	for _, s := range denied {
		all.For = append(all.For, s.For...)
	}
	slices.SortStableFunc(all.For, func(a, b Group) int { return slices.Compare(a.Roles, b.Roles) })
	near := nearest(denied)
	if len(out) > 0 {
		accepting := func(n rule.NearRule) bool {
			return slices.ContainsFunc(f.Sides[0].Rules, func(h rule.Hit) bool { return h.Rule == n.Rule })
		}
		all.reasons = nearRows(slices.DeleteFunc(near, func(n rule.NearRule) bool { return !accepting(n) }))
		all.notes = noteRows(impossibleNote(f.Question, denied))
		return append(out, all)
	}
	all.reasons = append(nearRows(near), e.wouldRows(denied[0].Would)...)
	all.notes = noteRows(note(f.Question, denied))
	all.backends = backendRows(f.Question, denied)
	return append(out, all)
}

// nearest returns the near rules of all sides, each as the side says it that misses
// it by least, the nearest first.
func nearest(sides []ExplainedSide) []rule.NearRule {
	var all []rule.NearRule
	for _, s := range sides {
		for _, n := range s.Near {
			i := slices.IndexFunc(all, func(other rule.NearRule) bool { return other.Rule == n.Rule })
			if i < 0 {
				all = append(all, n)
			} else if n.Distance < all[i].Distance {
				all[i] = n
			}
		}
	}
	slices.SortStableFunc(all, func(a, b rule.NearRule) int { return a.Distance - b.Distance })
	if len(all) > 0 && !all[0].Elsewhere() {
		all = slices.DeleteFunc(all, func(n rule.NearRule) bool { return n.Elsewhere() })
	}
	return all[:min(len(all), shownRules)]
}

// sidesText says for which sides an answer is, as far as the flow does not.
func sidesText(q rule.Question, sides []Group) string {
	var texts []string
	for _, s := range sides {
		roles := make([]string, len(s.Roles))
		for i, r := range s.Roles {
			roles[i] = string(r)
		}
		text := strings.Join(roles, " and ")
		part := ""
		if len(s.Addresses) > 0 && !s.Whole {
			part = "(" + words.Endpoints(s.Addresses) + ")"
		}
		switch {
		case q.Flow.Local.IsValid() && text == "":
			return "(no role has this address)"
		case q.Flow.Local.IsValid():
			return "(" + text + ")"
		case q.Role != "":
			return part
		}
		texts = append(texts, strings.TrimSpace(text+" "+part))
	}
	if q.Flow.Direction == rule.Inbound {
		return "for " + strings.Join(texts, ", ")
	}
	return "from " + strings.Join(texts, ", ")
}

// acceptRows say which rules and entries accept. Every row is an indent, what it is,
// its name, and words.
func (e Explanations) acceptRows(s ExplainedSide) [][]string {
	var rows [][]string
	for _, h := range s.Rules {
		rows = append(rows, []string{"", "rule", string(h.Rule), "by " + h.Endpoint})
	}
	for _, entry := range s.Entries {
		rows = append(rows, []string{"", "entry", IDs(e.Result, entry.ID), entry.words()})
	}
	return rows
}

// words are the publisher's row, title and condition.
func (e ExplainedEntry) words() string {
	words := e.Title
	if e.Row != "" {
		words = "row " + e.Row + ": " + words
	}
	if e.Condition != "" {
		words += " [" + e.Condition + "]"
	}
	return words
}

func nearRows(near []rule.NearRule) [][]string {
	var rows [][]string
	for _, n := range near {
		var words []string
		for _, m := range n.Misses {
			words = append(words, fmt.Sprintf("%s: %s", m.Dimension, m.Why))
		}
		rows = append(rows, []string{"", "near rule", string(n.Rule), strings.Join(words, "\n")})
	}
	return rows
}

// backendRows tell what each backend does, and for which of several sides.
func backendRows(q rule.Question, sides []ExplainedSide) [][]string {
	var rows [][]string
	for i, b := range sides[0].Backends {
		var answers []BackendAnswer
		var of [][]Group
		for _, s := range sides {
			a := s.Backends[i]
			at := slices.IndexFunc(answers, func(other BackendAnswer) bool { return other.same(a) })
			if at < 0 {
				at = len(answers)
				answers, of = append(answers, a), append(of, nil)
			}
			of[at] = append(of[at], s.For...)
		}
		for n, a := range answers {
			words := slices.Clone(a.By)
			if a.Why != "" {
				words = append(words, a.Why)
			}
			if len(answers) > 1 {
				words = append(words, sidesText(q, of[n]))
			}
			rows = append(rows, []string{"", b.Generator, string(a.Action), strings.Join(words, "\n")})
		}
	}
	return rows
}

func (a BackendAnswer) same(b BackendAnswer) bool {
	return a.Action == b.Action && a.Why == b.Why && slices.Equal(a.By, b.By)
}

// wouldRows show the entries that would accept the flow, and what to do about them.
func (e Explanations) wouldRows(would []Candidate) [][]string {
	var rows [][]string
	for i, w := range would {
		if i == shownEntries {
			rows = append(rows, []string{"", "", "", fmt.Sprintf("and %d more; --json shows them", len(would)-i)})
			break
		}
		rows = append(rows, []string{"", "entry", IDs(e.Result, w.Entry), strings.Join(w.words(e.ListOpen), "\n")})
	}
	return rows
}

// words say what keeps an entry from accepting, and by which command the lines that
// mend it are shown.
func (w Candidate) words(listOpen string) []string {
	text := "would accept it"
	if w.AnyRemote {
		text = "would accept it, if it means this remote"
	}
	out := w.State == site.NotSelected || w.State == site.IsDismissed
	if out {
		text += "; it is " + string(w.State) + ": " + w.Why
	}
	var missing []string
	for _, o := range w.Open {
		what := o.Name()
		if o.Missing == rule.MissingBinding {
			what = o.Why
		}
		missing = append(missing, what)
	}
	if len(missing) == 0 {
		return []string{text}
	}
	words := []string{text + "; open: " + strings.Join(missing, ", ")}
	if _, slug, _ := strings.Cut(w.Entry, "/"); !out {
		words = append(words, "what to write: "+listOpen+" --entry "+slug)
	}
	return words
}

func noteRows(note string) [][]string {
	if note == "" {
		return nil
	}
	return [][]string{{"", "note", "", note}}
}

// impossibleNote says which sides have no part in the flow.
func impossibleNote(q rule.Question, denied []ExplainedSide) string {
	var roles []rule.Role
	why := ""
	for _, s := range denied {
		if s.Why == "" {
			continue
		}
		why = s.Why
		for _, of := range s.For {
			roles = append(roles, of.Roles...)
		}
	}
	if len(roles) > 1 {
		slices.Sort(roles)
		return Impossible(q, roles)
	}
	return why
}

// note says what the flow leaves out and an answer may depend on.
func note(q rule.Question, denied []ExplainedSide) string {
	var notes []string
	if why := impossibleNote(q, denied); why != "" {
		notes = append(notes, why)
	}
	var byAddress, byName []rule.ID
	for _, s := range denied {
		byAddress, byName = append(byAddress, s.ByAddress...), append(byName, s.ByName...)
	}
	if q.Role != "" && len(denied[0].For[0].Addresses) == 0 {
		notes = append(notes, fmt.Sprintf("role %s is bound to no addresses, so nothing is accepted for it", q.Role))
	}
	if len(byAddress) > 0 {
		notes = append(notes, fmt.Sprintf("%s by addresses; to check these, too, ask for %s=ADDRESS", someRules(byAddress), q.Flow.Name))
	}
	if len(byName) > 0 && q.Flow.Direction == rule.Outbound {
		notes = append(notes, fmt.Sprintf("%s by names; to check these, too, ask for NAME=%s", someRules(byName), q.Flow.Remote))
	}
	return strings.Join(notes, "\n")
}

// someRules names rules, the first of them if there are many, and says "go".
func someRules(ids []rule.ID) string {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	var texts []string
	for _, id := range ids[:min(len(ids), shownRules)] {
		texts = append(texts, string(id))
	}
	text := strings.Join(texts, ", ")
	if more := len(ids) - len(texts); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if len(ids) == 1 {
		return "rule " + text + " matches"
	}
	return "rules " + text + " match"
}
