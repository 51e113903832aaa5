//go:build unix

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// everything names all files and folders below a folder, the tool's own state too.
func everything(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		names = append(names, strings.TrimPrefix(name, dir))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestKilledInit holds that what a killed init left goes with the next one, even if
// that has nothing to write.
func TestKilledInit(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, args := range [][]string{{"init", "-q"}, {"init", "-q", "--merge"}} {
		if err := os.WriteFile(".gatewright.json.new", []byte("{"), 0o644); err != nil {
			t.Fatal(err)
		}
		if status, _, stderr := runSoon(t, args...); status != exitOK {
			t.Fatal(stderr)
		}
		if got := everything(t, "."); !slices.Equal(got, []string{"", "gatewright.json"}) {
			t.Errorf("%s leaves %q", args, got)
		}
	}
}

// TestLeftGenerator holds that check tells of the files of a generator that was taken
// out of the site file, where it checks the whole folder.
func TestLeftGenerator(t *testing.T) {
	checkout(t)
	if err := os.WriteFile("gatewright.json", []byte(`{"catalogs": ["own.json"], "generators": ["nftables"], "output": "out"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	const mend = ": of a generator that gatewright.json does not name any more; remove it, or name its generator\n"
	var want []string
	files, err := filepath.Glob("out/gatewright/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append([]string{"out/gatewright.squid.conf"}, files...) {
		want = append(want, "gatewright: error: "+name+mend)
	}
	status, _, told := runSoon(t, "check", "-q")
	if have := slices.Sorted(strings.Lines(told)); status != exitDifferent || !slices.Equal(have, slices.Sorted(slices.Values(want))) {
		t.Errorf("status %d, %q; want %q", status, told, want)
	}
	if status, _, told := runSoon(t, "check", "-q", "nftables"); status != exitOK || told != "" {
		t.Errorf("one generator alone: status %d, %q", status, told)
	}
	if err := errors.Join(os.Remove("out/gatewright.squid.conf"), os.RemoveAll("out/gatewright")); err != nil {
		t.Fatal(err)
	}
	if status, _, told := runSoon(t, "check", "-q"); status != exitOK || told != "" {
		t.Errorf("after they were removed: status %d, %q", status, told)
	}
}
