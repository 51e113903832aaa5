package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"gatewright/cmd/gatewright/internal/console"
)

type fullDevice struct{}

func (fullDevice) Write([]byte) (int, error) { return 0, errors.New("write: no space left on device") }

// TestFullOutput holds that what cannot be written is no success, told once.
func TestFullOutput(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, args := range [][]string{
		{"--help"}, {"-h"}, {"help"}, {"help", "list"}, {"list", "--help"}, {"--version"}, {"version"}, {"generators"}, {"generators", "--json"},
		{"completion", "bash"}, {"list"}, {"list", "--json"}, {"list", "--lint"}, {"explain", "http://a.example/"}, {"explain", "--json", "http://a.example/"},
		{"generate", "pac", "-o", "-", "-q"}, {"generate", "--json", "-o", "out"}, {"diff", "m365-additional", "m365-additional@2018-10-23"}, {"diff", "--json", "m365-additional", "m365-additional"},
	} {
		var stderr bytes.Buffer
		status := run(args, strings.NewReader(""), fullDevice{}, &stderr)
		const want = "gatewright: error: write: no space left on device\n"
		errs := regexp.MustCompile(`(?m)^gatewright: error: .*\n`).FindAllString(stderr.String(), -1)
		if status != exitFailed || len(errs) != 1 || errs[0] != want {
			t.Errorf("%s: status %d, %q; want %q", args, status, errs, want)
		}
	}
	if files := tree(t, "."); len(files) > 0 {
		t.Errorf("files were written: %v", slices.Sorted(maps.Keys(files)))
	}
}

// runnerTexts are what a publisher could write to command a runner.
func runnerTexts() []string {
	return []string{
		"::error file=app.js,line=1::injected", "::set-output name=pwn::owned", "::stop-commands::zz", "##[error]x", "a ##[set-output name=pwn]b", "##vso[task.complete]x",
		strings.Repeat("word ", 18) + "::error file=app.js::injected", strings.Repeat("w", 79) + " ::warning::x " + strings.Repeat("v", 80) + " ::error::y",
		"section_start:1:a", "###[x]",
	}
}

// runnerCatalog is a catalogue of ours with the texts wherever it takes one.
func runnerCatalog(t *testing.T, change string) string {
	t.Helper()
	var entries []map[string]any
	for i, text := range runnerTexts() {
		text += change
		common := func(id string) map[string]any {
			return map[string]any{"id": fmt.Sprintf("%s%d", id, i), "title": text, "condition": text, "notes": []string{text}, "row": "::error::r"}
		}
		flow := common("e")
		flow["direction"], flow["role"], flow["services"] = "outbound", "clients", "tcp 443"
		flow["endpoints"] = []string{fmt.Sprintf("n%d%s.example.com", i, change), fmt.Sprintf("192.0.2.%d", i)}
		flow["inferred"] = map[string]string{"role": text}
		open := common("o")
		said := map[string]string{"why": text, "ask": text, "who": "::error::who"}
		open["unsaid"] = map[string]any{"remote": said, "services": said, "direction": said, "role": said}
		zone := common("z")
		zone["kind"], zone["endpoints"] = "trusted-site", []string{fmt.Sprintf("z%d.example.org", i)}
		entries = append(entries, flow, open, zone)
	}
	data, err := json.Marshal(map[string]any{"catalog": "runner", "revision": "1", "title": runnerTexts()[3], "entries": entries})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "runner.json")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// checkOutput fails on what a terminal or a runner would act on.
func checkOutput(t *testing.T, what, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		start := strings.TrimSpace(line)
		hidden := strings.IndexFunc(line, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsGraphic(r) })
		switch {
		case strings.HasPrefix(start, "::") && strings.Contains(start[2:], "::"):
			t.Errorf("%s commands GitHub's runner: %q", what, line)
		case strings.Contains(line, "##["), strings.Contains(line, "##vso["):
			t.Errorf("%s commands a runner: %q", what, line)
		case hidden >= 0:
			t.Errorf("%s holds what does not print: %q", what, line)
		}
	}
}

// TestNoOutputCommandsARunner runs every command that shows a catalogue.
func TestNoOutputCommandsARunner(t *testing.T) {
	t.Chdir(t.TempDir())
	file, other := runnerCatalog(t, ""), runnerCatalog(t, "x")
	odd := t.TempDir()
	for name, text := range map[string]string{
		"::error::x": "a", "##[x]": "b", "\x1b[2Ja\u202e": "c", "a\n::error::b": "d", "proxy.pac": "::error::p\n##[x]\x1b[2J\u202e\r\n",
	} {
		if err := os.WriteFile(filepath.Join(odd, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, width := range []string{"", "40", "80", "100", "140"} {
		t.Setenv("COLUMNS", width)
		for _, args := range [][]string{
			{"list"}, {"list", "rules"}, {"list", "open"}, {"list", "trusted-sites"}, {"list", "--lint"}, {"list", "--json"}, {"list", "open", "--json"}, {"list", "--lint", "--json"},
			{"explain", "outbound tcp n1.example.com:443"}, {"explain", "outbound tcp 192.0.2.3:443", "--json"}, {"explain", "outbound tcp no.example.com:443"},
			{"generate", "-o", "out", "--coverage"}, {"generate", "-o", "out", "--json"}, {"generate", "-o", "out", "--strict"},
			{"check", "-o", "nowhere"}, {"check", "pac", "-o", odd}, {"check", "-o", "out", "--strict"},
		} {
			outputOf := func(args ...string) string {
				var stdout, stderr bytes.Buffer
				run(args, strings.NewReader(""), &stdout, &stderr)
				return stdout.String() + stderr.String()
			}
			checkOutput(t, strings.Join(args, " "), outputOf(append(args, "--catalog", file)...))
			for _, format := range [][]string{nil, {"--json"}, {"--format", "markdown"}} {
				checkOutput(t, "diff", outputOf(append([]string{"diff", file, other}, format...)...))
				checkOutput(t, "diff of folders", outputOf(append([]string{"diff", "out", odd}, format...)...))
			}
		}
	}
	for name, text := range tree(t, "out") {
		checkOutput(t, name, strings.ReplaceAll(text, "\r\n", "\n"))
	}
}

// TestEscapedJSON holds that JSON stays JSON and keeps its values.
func TestEscapedJSON(t *testing.T) {
	var stdout bytes.Buffer
	if status := run([]string{"list", "--json", "--catalog", runnerCatalog(t, "")}, nil, &stdout, &bytes.Buffer{}); status != exitOK {
		t.Fatal(status)
	}
	var listed struct{ Entries []struct{ ID, Title string } }
	if err := json.Unmarshal(stdout.Bytes(), &listed); err != nil {
		t.Fatal(err)
	}
	titles := map[string]string{}
	for _, e := range listed.Entries {
		titles[e.ID] = e.Title
	}
	for i, text := range runnerTexts() {
		if got := titles[fmt.Sprintf("runner/e%d", i)]; got != text {
			t.Errorf("%q is listed as %q", text, got)
		}
	}
	hidden := "\u202e\u0085\x7f\U000e0041\u2066##[a]"
	var out bytes.Buffer
	w := console.NewWriter(&out)
	if err := console.WriteJSON(w, hidden); err != nil {
		t.Fatal(err)
	}
	var back string
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || back != hidden {
		t.Errorf("%q comes back as %q, %v", hidden, back, err)
	}
	checkOutput(t, "JSON", out.String())
}
