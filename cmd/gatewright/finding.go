package main

import (
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/console"
)

// finding is one thing that check tells.
type finding struct {
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

const (
	levelError   = "error"
	levelWarning = "warning"
	levelNotice  = "notice"
)

// The checks.
const (
	checkFiles    = "files"
	checkFlows    = "expectation"
	checkCoverage = "coverage"
	checkLint     = "lint"
	checkChange   = "change"
	checkRun      = "run"
)

// shownDetails is how many details people are shown.
const shownDetails = 5

// checkFormats are those of check; the first is the default.
func checkFormats() []string { return []string{"text", "json", "junit", "github", "gitlab"} }

// at is the finding at a place, if there is one.
func (f finding) at(p site.Place) finding {
	f.File, f.Line, f.Column = p.File, p.Line, p.Col
	return f
}

// shown are the details for people.
func (f finding) shown() []string {
	if more := len(f.Details) - shownDetails; more > 1 {
		return append(slices.Clip(f.Details[:shownDetails]), fmt.Sprintf("and %d more; --json has them all", more))
	}
	return f.Details
}

// find notes what is wrong, and tells it where people read.
func (inv *invocation) find(f finding) {
	if f.Check != checkFiles { // whose paths say it
		f.Text = inv.site.ofOutput(f.Text)
	}
	if f.Output = inv.site.output; f.Name != "" {
		f.Name = inv.site.ofOutput(f.Name)
	}
	inv.findings = append(inv.findings, f)
	if inv.format != "text" || f.Level == levelWarning && f.Check != checkFlows {
		return
	}
	tell := map[string]func(string, ...any){levelError: inv.console.Errorf, levelWarning: inv.console.Warnf, levelNotice: inv.console.Sayf}[f.Level]
	if f.Line > 0 {
		tell("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Text)
	} else {
		tell("%s", f.Text)
	}
	for _, line := range f.shown() {
		tell("    %s", line)
	}
}

// findFile notes what is wrong with the files.
func (inv *invocation) findFile(format string, args ...any) {
	inv.find(finding{Check: checkFiles, Level: levelError, Text: console.Line(format, args...)})
}

// findingsOf are the errors that kept check from checking, each at its place.
func findingsOf(err error) (all []finding) {
	places := site.PlacesOf(err)
	for line := range strings.Lines(console.ErrorLines(err)) {
		f := finding{Check: checkRun, Level: levelError, Text: console.WithoutSecrets(strings.TrimSuffix(line, "\n"))}
		for text, at := range places {
			if strings.Contains(line, text) {
				f = f.at(at)
				f.Text = strings.TrimPrefix(f.Text, fmt.Sprintf("%s:%d:%d: ", f.File, f.Line, f.Column))
			}
		}
		all = append(all, f)
	}
	return all
}

// failed reports whether check has to fail.
func (inv *invocation) failed() bool {
	return slices.ContainsFunc(inv.findings, func(f finding) bool { return f.Level == levelError })
}
