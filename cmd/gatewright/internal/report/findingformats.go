package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/words"
)

// Write writes the findings in a format of FindingFormats, but for text, which is told
// as they are found. What has no place in a file stands at home.
func (f Findings) Write(w *console.Writer, format string, home site.Place) error {
	f.All = forMachines(f.All, home)
	switch format {
	case "json":
		return console.WriteJSON(w, struct {
			Version  console.Version `json:"version"`
			Passed   bool            `json:"passed"`
			Findings []Finding       `json:"findings"`
		}{Passed: !f.Failed(), Findings: append([]Finding{}, f.All...)})
	case "junit":
		return f.writeJUnit(w)
	case "github":
		return f.writeAnnotations(w)
	case "gitlab":
		return f.writeCodeQuality(w)
	}
	return nil
}

// forMachines are findings as a page with room for ten of them shows them best: what
// fails first, the files as one, and everything at a place, be it home.
func forMachines(all []Finding, home site.Place) []Finding {
	var files, list []Finding
	for _, f := range all {
		if f.Line == 0 {
			f = f.At(home)
		}
		if f.Check == CheckFiles {
			files = append(files, f)
		} else {
			list = append(list, f)
		}
	}
	if len(files) > 1 {
		one := Finding{Check: CheckFiles, Level: LevelError, Text: words.Count(len(files), "file") + " are not what generate would write; run generate again"}.At(home)
		for _, f := range files {
			one.Details = append(one.Details, f.Text)
		}
		files = []Finding{one}
	}
	list = append(files, list...)
	slices.SortStableFunc(list, func(a, b Finding) int { return cmp.Compare(rank(a), rank(b)) })
	return list
}

// rank is 0 for expectations that fail, 1 for what fails besides and for what the
// change opens, and 2 for the rest.
func rank(f Finding) int {
	switch {
	case f.Check == CheckChange:
		return 1
	case f.Level != LevelError:
		return 2
	case f.Check == CheckFlows:
		return 0
	}
	return 1
}

// writeAnnotations writes a command of GitHub's runner for each finding. Nothing of a
// text can end the command or start another: what does so is escaped as the runner
// reads it, after what hides.
func (all Findings) writeAnnotations(w *console.Writer) error {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	for _, f := range onePerLine(all.All) {
		text := console.Visible(strings.Join(slices.Concat([]string{f.Text}, f.shown()), "\n"))
		line := fmt.Sprintf("::%s file=%s,line=%d,col=%d,title=%s::%s\n", f.Level, property.Replace(console.Visible(f.File)), f.Line, f.Column, property.Replace("gatewright "+f.Check), data.Replace(text))
		if err := w.Raw(line); err != nil {
			return err
		}
	}
	return nil
}

// onePerLine joins warnings of one check at one line of the site file.
func onePerLine(all []Finding) (list []Finding) {
	type place struct {
		check, file string
		line        int
	}
	at := map[place]int{}
	for _, f := range all {
		key := place{f.Check, f.File, f.Line}
		first, known := at[key]
		switch {
		case f.Level != LevelWarning:
		case known:
			list[first].Details = slices.Concat(list[first].Details, []string{f.Text})
			continue
		default:
			at[key] = len(list)
		}
		list = append(list, f)
	}
	return list
}

// writeCodeQuality writes GitLab's report of code quality.
func (all Findings) writeCodeQuality(w *console.Writer) error {
	type lines struct {
		Begin int `json:"begin"`
	}
	type location struct {
		Path  string `json:"path"`
		Lines lines  `json:"lines"`
	}
	type issue struct {
		Description string   `json:"description"`
		CheckName   string   `json:"check_name"`
		Fingerprint string   `json:"fingerprint"`
		Severity    string   `json:"severity"`
		Location    location `json:"location"`
	}
	issues := []issue{}
	for _, f := range all.All {
		text := strings.Join(slices.Concat([]string{f.Text}, f.shown()), "; ")
		severity := map[string]string{LevelError: "major", LevelWarning: "minor", LevelNotice: "info"}[f.Level]
		print := fmt.Sprintf("%x", sha256.Sum256([]byte(f.Check+"\x00"+f.File+"\x00"+text)))
		issues = append(issues, issue{text, f.Check, print, severity, location{f.File, lines{f.Line}}})
	}
	return console.WriteJSON(w, issues)
}

// writeJUnit writes a test case for each expectation and for each other finding that
// fails.
func (all Findings) writeJUnit(w *console.Writer) error {
	type failure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	type testCase struct {
		Class   string   `xml:"classname,attr"`
		Name    string   `xml:"name,attr"`
		File    string   `xml:"file,attr,omitempty"`
		Line    int      `xml:"line,attr,omitempty"`
		Failure *failure `xml:"failure"`
	}
	type suite struct {
		XMLName  xml.Name   `xml:"testsuite"`
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Cases    []testCase `xml:"testcase"`
	}
	s := suite{Name: "gatewright check"}
	for _, name := range all.Held {
		s.Cases = append(s.Cases, testCase{Class: CheckFlows, Name: console.Visible(name)})
	}
	for _, f := range all.All {
		if f.Level != LevelError {
			continue
		}
		text := console.Visible(strings.Join(slices.Concat([]string{f.Text}, f.Details, f.Also), "\n"))
		s.Cases = append(s.Cases, testCase{f.Check, console.Visible(cmp.Or(f.Name, f.Text)), f.File, f.Line, &failure{console.Visible(f.Text), text}})
		s.Failures++
	}
	s.Tests = len(s.Cases)
	data, err := xml.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return w.Raw(xml.Header + string(data) + "\n")
}
