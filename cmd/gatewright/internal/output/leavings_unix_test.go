//go:build unix

package output

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/plainfile"
	"gatewright/generators/artefact"
)

// TestFailedRunLeavesNothing holds that a run that fails leaves none of its own files
// and folders behind.
func TestFailedRunLeavesNothing(t *testing.T) {
	large := artefact.Made{Generator: "one", Output: artefact.Output{Artefacts: []artefact.Artefact{{Name: "deep/large", Data: make([]byte, 128<<20+1)}}}}
	three := artefact.Made{Generator: "one"}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		three.Artefacts = append(three.Artefacts, artefact.Artefact{Name: name, Data: large.Artefacts[0].Data[:120<<20]})
	}
	lines := artefact.Made{Generator: "one", Output: artefact.Output{Artefacts: []artefact.Artefact{{Name: "lines", Data: bytes.Repeat([]byte("\n"), 8_000_001)}}}}
	taken := outputOf("one", "a", "a\n", "new/c", "c\n", "taken", "x\n")
	for _, c := range []struct {
		name, folder string // below a folder where the folder "out/taken" is
		output       artefact.Made
		want         string
	}{
		{"file over the limit", "out", large, "generator one: deep/large would have 131073 KiB, over the limit of 131072 KiB per file; select fewer entries"},
		{"files over the limit", "new/out", three, "the files would have 614400 KiB together, over the limit of 262144 KiB per folder; select fewer entries, or write each generator to its own folder"},
		{"lines over the limit", "new/out", lines, "the files would have 8000001 lines together, over the limit of 8000000 per folder; select fewer entries, or write each generator to its own folder"},
		{"folder in a file's place", "out", taken, "DIR: taken is in the way: it is not a regular file; remove it, or write elsewhere"},
		{"folder below a file", "file/out", taken, "open DIR: not a directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			top := t.TempDir()
			if err := errors.Join(os.MkdirAll(filepath.Join(top, "out", "taken"), 0o755), os.WriteFile(filepath.Join(top, "file"), nil, 0o644)); err != nil {
				t.Fatal(err)
			}
			before, dir := everything(t, top), filepath.Join(top, c.folder)
			_, err := Write(plainfile.Named(dir), []artefact.Made{c.output}, anyFile)
			if err == nil || strings.ReplaceAll(err.Error(), dir, "DIR") != c.want {
				t.Errorf("error %v, want %s", err, c.want)
			}
			if after := everything(t, top); !slices.Equal(after, before) {
				t.Errorf("%q, before the run %q", after, before)
			}
		})
	}
}

// endingAfter is a context that ends after it was asked n times.
type endingAfter struct {
	context.Context
	n int
}

func (e *endingAfter) Err() error {
	if e.n--; e.n < 0 {
		return context.Canceled
	}
	return nil
}

// TestInterruptedRunLeavesNothing tells a run to end at each of the moments when it
// asks: nothing of it stands then, in a new folder and in one of an earlier run.
func TestInterruptedRunLeavesNothing(t *testing.T) {
	for _, earlier := range [][]artefact.Made{nil, oldRun()} {
		for n := 0; ; n++ {
			dir := t.TempDir()
			if earlier != nil {
				mustWrite(t, dir, earlier)
			}
			before := everything(t, dir)
			root := openRoot(t, dir)
			err := inState(root, func() error {
				_, err := writeInto(&endingAfter{t.Context(), n}, root, newRun(), anyFile)
				return err
			})
			if err == nil {
				if n < 6 {
					t.Errorf("it asked %d times, want once for each value file, each folder and the journal", n)
				}
				break
			}
			if err.Error() != "interrupted" {
				t.Errorf("error %v", err)
			}
			if after := everything(t, dir); !slices.Equal(after, before) {
				t.Errorf("ended after %d: %q, before the run %q", n, after, before)
			}
		}
	}
}

// TestKilledProbe holds that the next run, of whichever generator, removes what a
// killed one tried a folder with, and only that.
func TestKilledProbe(t *testing.T) {
	dir := t.TempDir()
	mustWrite(t, dir, oldRun())
	before := everything(t, dir)
	root := openRoot(t, dir)
	probe := probePrefix + strings.Repeat("A", 26)
	other := "lists/" + probePrefix + strings.Repeat("B", 26)
	err := errors.Join(root.Mkdir(stageDir, 0o755),
		root.WriteFile(probesFile, []byte(probe+"\n.\nlists\n../outside\n"), 0o644),
		root.WriteFile("lists/"+probe, nil, 0o644),
		root.WriteFile(probe, []byte("not empty"), 0o644),
		root.WriteFile(other, nil, 0o644))
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, dir, oldRun()[1:])
	want := append(before, "/"+probe, "/"+other)
	slices.Sort(want)
	after := everything(t, dir)
	slices.Sort(after)
	if !slices.Equal(after, want) {
		t.Errorf("%q, want %q", after, want)
	}
}

// TestFolderOfTooManyLines holds that a folder is not read whose lines would take too
// much.
func TestFolderOfTooManyLines(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, name), bytes.Repeat([]byte("\n"), 4_000_001), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := dir + ": the files have more than 8000000 lines together; select fewer entries, or write each generator to its own folder"
	if _, err := Read(plainfile.Named(dir)); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
