package generators

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatewright/generators/artefact"
)

var update = flag.Bool("update", false, "write testdata/golden anew")

// goldenLimit is the size in bytes above which a golden file holds a digest of an
// artefact in place of its text.
const goldenLimit = 32 << 10

// TestGolden compares every case and generator with testdata/golden/<case>: the text
// under the default setting and, of the cases in settled, what other settings change in
// it. A missing file fails; so does one that no pair makes.
func TestGolden(t *testing.T) {
	for _, c := range corpus(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join("testdata", "golden", c.name)
			want := goldens(t, c)
			if *update {
				writeGoldens(t, dir, want)
			}
			compareGoldens(t, dir, want)
		})
	}
}

// settled are cases whose files a reviewer reads under every setting: published ports,
// both directions, any remote, routes to several proxies, zones. What settings do to
// the other cases, TestConformance holds.
var settled = []string{"any-outbound", "both-directions", "published", "routes-any", "row-16-yammer-zone"}

// goldens returns the golden files of a case by name.
func goldens(t *testing.T, c corpusCase) map[string]string {
	p, files := c.compile(t), map[string]string{}
	for _, g := range All() {
		plain := generate(t, g, p, setting{name: "default"})
		files[g.Name()+".golden"] = shortText(plain)
		if !slices.Contains(settled, c.name) {
			continue
		}
		for _, s := range settingsOf(g, p) {
			if other := changes(text(plain), text(generate(t, g, p, s))); other != "" {
				files[g.Name()+"."+s.name+".golden"] = other
			}
		}
	}
	return files
}

// changes are the lines of which one text has more than the other, in their order:
// those of the old one first.
func changes(old, new string) string {
	var b strings.Builder
	more := func(sign, a, than string) {
		left := map[string]int{}
		for line := range strings.Lines(than) {
			left[line]++
		}
		for line := range strings.Lines(a) {
			if left[line]--; left[line] < 0 {
				b.WriteString(sign + line)
			}
		}
	}
	more("-", old, new)
	more("+", new, old)
	return b.String()
}

// text is every byte that a generator hands over.
func text(out artefact.Output) string {
	var b strings.Builder
	for _, a := range out.Artefacts {
		fmt.Fprintf(&b, "=== %s: %d rules, %d elements; %s\n%s", a.Name, a.Rules, a.Elements, a.Load, a.Data)
	}
	for _, c := range out.Coverage {
		fmt.Fprintf(&b, "=== %s %v: %s; %s; %s\n", c.Rule, c.Entries, c.Verdict, c.Reason, c.Remedy)
		for _, w := range c.Witnesses {
			fmt.Fprintf(&b, "%t %+v\n", w.Backend, w.Flow)
		}
	}
	return b.String()
}

// shortText is text with long artefacts replaced by their digests.
func shortText(out artefact.Output) string {
	short := out
	short.Artefacts = nil
	for _, a := range out.Artefacts {
		if len(a.Data) > goldenLimit {
			a.Data = fmt.Appendf(nil, "%d bytes, SHA-256 %x\n", len(a.Data), sha256.Sum256(a.Data))
		}
		short.Artefacts = append(short.Artefacts, a)
	}
	return text(short)
}

// TestGoldensHaveCases holds that no golden folder outlives its case.
func TestGoldensHaveCases(t *testing.T) {
	folders, err := os.ReadDir("testdata/golden")
	if err != nil {
		t.Fatal(err)
	}
	cases := corpus(t)
	for _, f := range folders {
		if f.IsDir() && !slices.ContainsFunc(cases, func(c corpusCase) bool { return c.name == f.Name() }) {
			t.Errorf("testdata/golden/%s belongs to no case", f.Name())
		}
	}
}

func writeGoldens(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func compareGoldens(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	for name, data := range want {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Errorf("%v; run `make golden` and read the difference", err)
			continue
		}
		if !bytes.Equal(got, []byte(data)) {
			t.Errorf("%s/%s differs from what is generated now, first at line %d; run `make golden` and read the difference",
				dir, name, firstDifference(string(got), data))
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Error(err)
	}
	for _, f := range files {
		if _, ok := want[f.Name()]; !ok {
			t.Errorf("%s/%s belongs to no generator", dir, f.Name())
		}
	}
}

// firstDifference returns the number of the first line, from 1, that differs.
func firstDifference(a, b string) int {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return i + 1
		}
	}
	return min(len(as), len(bs)) + 1
}
