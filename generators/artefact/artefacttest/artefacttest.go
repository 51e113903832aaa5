// Package artefacttest holds what tests of generators do alike: read settings,
// compare artefacts with golden files, and check the form of coverage. It gives
// such a test the flag -update.
package artefacttest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatewright/generators/artefact"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Golden compares a text with the file of that name in testdata; with the flag
// -update it writes the file first.
func Golden(t testing.TB, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; go test -update writes it", err)
	}
	if got != string(want) {
		t.Errorf("differs from %s: %s; if that is meant, go test -update writes it anew", file, firstDifference(got, string(want)))
	}
}

// firstDifference shows the first line in which two texts differ.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d is %q, not %q", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, not %d", len(g), len(w))
}

// Settings reads pairs "option=value" for artefact.Configure. An option that stands
// in several pairs has several values.
func Settings(pairs ...string) map[string][]string {
	raw := map[string][]string{}
	for _, pair := range pairs {
		option, value, _ := strings.Cut(pair, "=")
		raw[option] = append(raw[option], value)
	}
	return raw
}

// CheckCoverage holds that a line has a reason, a remedy and witnesses exactly when
// its verdict wants them.
func CheckCoverage(t testing.TB, c artefact.Coverage) {
	t.Helper()
	exact, carried := c.Verdict == artefact.Exact, c.Verdict != artefact.NotApplicable
	if exact != (c.Reason == "") || (carried && !exact) != (c.Remedy != "") {
		t.Errorf("%v: %s with reason %q and remedy %q", c.Entries, c.Verdict, c.Reason, c.Remedy)
	}
	if differs := c.Verdict == artefact.Narrower || c.Verdict == artefact.Wider; differs != (len(c.Witnesses) > 0) {
		t.Errorf("%v: %s with witnesses %v", c.Entries, c.Verdict, c.Witnesses)
	}
}
