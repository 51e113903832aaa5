package plainfile

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
)

// TestReplace holds that a file is replaced as a whole or not at all, that what a
// killed run left beside it goes, and that one which replaces another is nobody else's
// until it is in its place.
func TestReplace(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	stands := func(want string) {
		t.Helper()
		data, err := root.ReadFile("a")
		if _, left := root.Lstat(".a.new"); err != nil || string(data) != want || !errors.Is(left, fs.ErrNotExist) {
			t.Errorf("%q, %v, and beside it: %v; want %q alone", data, err, left, want)
		}
	}
	if err := root.WriteFile(".a.new", []byte("half of"), 0o644); err != nil {
		t.Fatal(err)
	}
	none := func(_ *os.File, old fs.FileInfo) error {
		if old != nil {
			t.Errorf("%s stands there", old.Name())
		}
		return nil
	}
	if err := Replace(root, "a", ".a.new", []byte("one"), 0o644, none); err != nil {
		t.Fatal(err)
	}
	stands("one")
	refused := errors.New("refused")
	err = Replace(root, "a", ".a.new", []byte("two"), 0o644, func(f *os.File, old fs.FileInfo) error {
		info, err := f.Stat()
		if err != nil || info.Mode().Perm()&0o077 != 0 || old == nil {
			t.Errorf("%v, %v, in the place of %v", info.Mode(), err, old)
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("error %v", err)
	}
	stands("one")
	if err := Replace(root, "a", ".a.new", []byte("two"), 0o644, func(*os.File, fs.FileInfo) error { return nil }); err != nil {
		t.Fatal(err)
	}
	stands("two")
}

// TestReplaceKnowsWhatStandsThere holds that an error about what stands there does not
// make a file a new one.
func TestReplaceKnowsWhatStandsThere(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	name := strings.Repeat("x", 1<<10) // longer than a name can be
	err = Replace(root, name, ".new", nil, 0o644, func(*os.File, fs.FileInfo) error {
		t.Error("the file is ready")
		return nil
	})
	if _, left := root.Lstat(".new"); err == nil || !errors.Is(left, fs.ErrNotExist) {
		t.Errorf("error %v, and beside it: %v", err, left)
	}
}
