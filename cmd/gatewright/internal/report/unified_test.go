package report

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestUnifiedDiff(t *testing.T) {
	for _, test := range []struct{ name, have, want, diff string }{
		{"equal", "a\n", "a\n", ""},
		{"from nothing", "", "a\nb\n", "@@ -0,0 +1,2 @@\n+a\n+b\n"},
		{"to nothing", "a\n", "", "@@ -1,1 +0,0 @@\n-a\n"},
		{"a line changes", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n", "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n"},
		{"the newline at the end is missing", "a\nb", "a\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n"},
		{"a carriage return", "a\r\n", "a\n", "@@ -1,1 +1,1 @@\n-a\r\n+a\n"},
		{"two hunks", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "x\n2\n3\n4\n5\n6\n7\n8\ny\n", "@@ -1,4 +1,4 @@\n-1\n+x\n 2\n 3\n 4\n@@ -6,4 +6,4 @@\n 6\n 7\n 8\n-9\n+y\n"},
	} {
		want := "--- f\n+++ f (generated)\n" + test.diff
		if got := Unified("f", []byte(test.have), []byte(test.want)); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", test.name, got, want)
		}
	}
}

// TestUnifiedDiffIsBounded holds that neither many lines nor a long one make a long
// difference, and that it says what it leaves out.
func TestUnifiedDiffIsBounded(t *testing.T) {
	for _, test := range []struct{ name, have, want, end string }{
		{"many lines", "a\n" + strings.Repeat("\n", 3_000_000) + "z\n", "a\nb\nz\n", "\n-\n+b\n\\ 2990000 more lines of the file and 0 more that generate would write are not compared\n"},
		{"many wanted", "a\n", "a\n" + strings.Repeat("b\n", 10_001), "\n+b\n\\ 0 more lines of the file and 1 more that generate would write are not compared\n"},
		{"a long line", "a\n" + strings.Repeat("x", 50_000_000) + "\n", "a\n", "x… (49995904 more bytes)\n"},
		{"equal but for one line", strings.Repeat("s\n", 100_000) + "x\n" + strings.Repeat("s\n", 100_000), strings.Repeat("s\n", 200_000), "@@ -99998,7 +99998,6 @@\n s\n s\n s\n-x\n s\n s\n s\n"},
	} {
		diff := Unified("f", []byte(test.have), []byte(test.want))
		if !strings.HasSuffix(diff, test.end) || len(diff) > 100_000 {
			t.Errorf("%s: %d bytes, which end in %q; want %q", test.name, len(diff), diff[max(0, len(diff)-300):], test.end)
		}
	}
}

// TestUnifiedDiffIsAppliedByGit gives differences between random texts to git,
// which exists wherever this was cloned: it makes the wanted text of them.
func TestUnifiedDiffIsAppliedByGit(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	text := func() string {
		var b strings.Builder
		for range r.IntN(40) {
			fmt.Fprintf(&b, "line %d\n", r.IntN(6))
		}
		if r.IntN(4) == 0 {
			b.WriteString("without end")
		}
		return b.String()
	}
	dir := t.TempDir()
	for range 40 {
		have, want := text(), text()
		if have == want || have == "" || want == "" { // git creates and removes files only by their own headers
			continue
		}
		if r.IntN(2) == 0 {
			have, want = have+strings.Repeat("same\n", 20), want+strings.Repeat("same\n", 20)
		}
		file := filepath.Join(dir, "f")
		if err := os.WriteFile(file, []byte(have), 0o644); err != nil {
			t.Fatal(err)
		}
		diff := strings.Replace(Unified("f", []byte(have), []byte(want)), "+++ f (generated)", "+++ f", 1)
		git := exec.Command("git", "apply", "--unidiff-zero", "-p0", "-")
		git.Dir, git.Stdin = dir, strings.NewReader(diff)
		if out, err := git.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s\n%s", err, out, diff)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Fatalf("git made %q of it, want %q\n%s", got, want, diff)
		}
	}
}

// TestUnifiedDiffOfLargeTexts falls back to one block where the shortest difference
// would take too much memory, and is correct still.
func TestUnifiedDiffOfLargeTexts(t *testing.T) {
	var have, want strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&have, "a%d\n", i)
		fmt.Fprintf(&want, "b%d\n", i)
	}
	diff := Unified("f", []byte("first\n"+have.String()+"last\n"), []byte("first\n"+want.String()+"last\n"))
	if strings.Count(diff, "\n-a") != 3000 || strings.Count(diff, "\n+b") != 3000 || strings.Count(diff, "@@ -1,3002 +1,3002 @@") != 1 {
		t.Errorf("a difference of %d bytes does not hold all lines in one hunk", len(diff))
	}
}
