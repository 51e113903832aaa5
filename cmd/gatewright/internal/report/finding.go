package report

import (
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/console"
)

// Finding is one result of check.
type Finding struct {
	Check   string   `json:"check"` // files, expectation, coverage, lint, change, or run for what kept check from checking
	Level   string   `json:"level"` // error: check fails; warning and notice: it is told
	File    string   `json:"file,omitempty"`
	Line    int      `json:"line,omitempty"`
	Column  int      `json:"column,omitempty"`
	Output  string   `json:"output,omitempty"` // of the site file's, where it has several
	Name    string   `json:"name,omitempty"`   // of an expectation, as the site file has it
	Text    string   `json:"text"`
	Details []string `json:"details,omitempty"`
	Also    []string `json:"also,omitempty"` // the same of other outputs, for machines that have the room
}

// The levels of a finding.
const (
	LevelError   = "error"
	LevelWarning = "warning"
	LevelNotice  = "notice"
)

// The checks.
const (
	CheckFiles    = "files"
	CheckFlows    = "expectation"
	CheckCoverage = "coverage"
	CheckLint     = "lint"
	CheckChange   = "change"
	CheckRun      = "run"
)

// shownDetails is how many details people are shown.
const shownDetails = 5

// FindingFormats are the formats of findings; the first is the default.
func FindingFormats() []string { return []string{"text", "json", "junit", "github", "gitlab"} }

// At is the finding at a place, if there is one.
func (f Finding) At(p site.Place) Finding {
	f.File, f.Line, f.Column = p.File, p.Line, p.Col
	return f
}

// shown are the details for people.
func (f Finding) shown() []string {
	if more := len(f.Details) - shownDetails; more > 1 {
		return append(slices.Clip(f.Details[:shownDetails]), fmt.Sprintf("and %d more; --json has them all", more))
	}
	return f.Details
}

// Tell prints the finding with its position, for people.
func (f Finding) Tell(c console.Console) {
	tell := map[string]func(string, ...any){LevelError: c.Errorf, LevelWarning: c.Warnf, LevelNotice: c.Sayf}[f.Level]
	if f.Line > 0 {
		tell("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Text)
	} else {
		tell("%s", f.Text)
	}
	for _, line := range f.shown() {
		tell("    %s", line)
	}
}

// FindingsOf are the errors that kept check from checking, each at its place.
func FindingsOf(err error) (all []Finding) {
	for _, line := range console.ErrorLines(err) {
		f := Finding{Check: CheckRun, Level: LevelError, Text: console.WithoutSecrets(line.Text)}
		if at := site.ErrorPlace(line.Err); at != (site.Place{}) {
			f = f.At(at)
			f.Text = strings.TrimPrefix(f.Text, fmt.Sprintf("%s:%d:%d: ", f.File, f.Line, f.Column))
		}
		all = append(all, f)
	}
	return all
}

// Findings is what check found.
type Findings struct {
	All  []Finding
	Held []string // the expectations that hold
}

// Failed reports whether check has to fail.
func (f Findings) Failed() bool {
	return slices.ContainsFunc(f.All, func(one Finding) bool { return one.Level == LevelError })
}
