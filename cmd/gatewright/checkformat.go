package main

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

// writeFindings writes the report of check in its format.
func (inv *invocation) writeFindings() error {
	inv.findings = forMachines(inv.findings, site.Place{File: cmp.Or(inv.site.file, defaultSite), Line: 1, Col: 1})
	switch inv.format {
	case "json":
		return console.WriteJSON(inv.stdout, struct {
			Version  console.Version `json:"version"`
			Passed   bool            `json:"passed"`
			Findings []finding       `json:"findings"`
		}{Passed: !inv.failed(), Findings: append([]finding{}, inv.findings...)})
	case "junit":
		return inv.writeJUnit()
	case "github":
		return inv.writeAnnotations()
	case "gitlab":
		return inv.writeCodeQuality()
	}
	return nil
}

// forMachines are findings as a page with room for ten of them shows them best: what fails
// first, the files as one, and everything at a place, be it home.
func forMachines(all []finding, home site.Place) []finding {
	var files, list []finding
	for _, f := range all {
		if f.Line == 0 {
			f = f.at(home)
		}
		if f.Check == checkFiles {
			files = append(files, f)
		} else {
			list = append(list, f)
		}
	}
	if len(files) > 1 {
		one := finding{Check: checkFiles, Level: levelError, Text: words.Count(len(files), "file") + " are not what generate would write; generate again"}.at(home)
		for _, f := range files {
			one.Details = append(one.Details, f.Text)
		}
		files = []finding{one}
	}
	list = append(files, list...)
	slices.SortStableFunc(list, func(a, b finding) int { return cmp.Compare(rank(a), rank(b)) })
	return list
}

// rank is 0 for expectations that fail, 1 for what fails besides and for what the change
// opens, and 2 for the rest.
func rank(f finding) int {
	switch {
	case f.Check == checkChange:
		return 1
	case f.Level != levelError:
		return 2
	case f.Check == checkFlows:
		return 0
	}
	return 1
}

// writeAnnotations writes a command of GitHub's runner for each finding. Nothing of a
// text can end the command or start another: what does so is escaped as the runner reads
// it, after what hides.
func (inv *invocation) writeAnnotations() error {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	for _, f := range onePerLine(inv.findings) {
		text := console.Visible(strings.Join(slices.Concat([]string{f.Text}, f.shown()), "\n"))
		line := fmt.Sprintf("::%s file=%s,line=%d,col=%d,title=%s::%s\n", f.Level, property.Replace(console.Visible(f.File)), f.Line, f.Column, property.Replace("gatewright "+f.Check), data.Replace(text))
		if err := inv.stdout.Raw(line); err != nil {
			return err
		}
	}
	return nil
}

// onePerLine joins warnings of one check at one line of the site file.
func onePerLine(all []finding) (list []finding) {
	type place struct {
		check, file string
		line        int
	}
	at := map[place]int{}
	for _, f := range all {
		key := place{f.Check, f.File, f.Line}
		first, known := at[key]
		switch {
		case f.Level != levelWarning:
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
func (inv *invocation) writeCodeQuality() error {
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
	for _, f := range inv.findings {
		text := strings.Join(slices.Concat([]string{f.Text}, f.shown()), "; ")
		severity := map[string]string{levelError: "major", levelWarning: "minor", levelNotice: "info"}[f.Level]
		print := fmt.Sprintf("%x", sha256.Sum256([]byte(f.Check+"\x00"+f.File+"\x00"+text)))
		issues = append(issues, issue{text, f.Check, print, severity, location{f.File, lines{f.Line}}})
	}
	return console.WriteJSON(inv.stdout, issues)
}

// writeJUnit writes a test case for each expectation and for each other finding that
// fails.
func (inv *invocation) writeJUnit() error {
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
	for _, name := range inv.held {
		s.Cases = append(s.Cases, testCase{Class: checkFlows, Name: console.Visible(name)})
	}
	for _, f := range inv.findings {
		if f.Level != levelError {
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
	return inv.stdout.Raw(xml.Header + string(data) + "\n")
}
