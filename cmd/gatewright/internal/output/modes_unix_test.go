//go:build unix

package output

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gatewright/catalog/plainfile"
	"gatewright/generators/artefact"
)

// TestModesStay holds that who may read a rule file is not widened when it is replaced,
// and not narrowed by the umask, and that a new file gets the usual mode.
func TestModesStay(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o022))
	for _, mode := range []os.FileMode{0o600, 0o640, 0o664, 0o400} {
		dir := t.TempDir()
		mustWrite(t, dir, oldRun())
		if err := os.Chmod(filepath.Join(dir, "a"), mode); err != nil {
			t.Fatal(err)
		}
		mustWrite(t, dir, newRun())
		for name, want := range map[string]os.FileMode{"a": mode, "b": 0o644, "d": 0o644, "lists/deep/c": 0o644} {
			if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != want {
				t.Errorf("%v: %s has the mode %v, %v; want %v", mode, name, info.Mode(), err, want)
			}
		}
	}
}

// TestFullDisk writes to a file system that is too small, in a mount namespace of its
// own: the error says so, no stage is left, and what stood there stands there.
func TestFullDisk(t *testing.T) {
	const key = "GATEWRIGHT_TEST_FULL_DISK"
	dir := os.Getenv(key)
	if dir == "" {
		dir = t.TempDir()
		args := []string{"--mount", "sh", "-c", `mount -t tmpfs -o size=128k none "$0" && exec "$1" -test.run '^TestFullDisk$'`, dir, os.Args[0]}
		if os.Geteuid() != 0 {
			args = append([]string{"--map-root-user"}, args...)
		}
		child := exec.Command("unshare", args...)
		child.Env = append(os.Environ(), key+"="+dir)
		if out, err := child.CombinedOutput(); err != nil {
			t.Errorf("%v; this needs root or user namespaces\n%s", err, out)
		}
		return
	}
	mustWrite(t, dir, oldRun())
	want := tree(t, dir)
	big := outputOf("one", "a", "new a\n", "big", strings.Repeat("x", 256<<10))
	_, err := Write(plainfile.Named(dir), []artefact.Made{big}, anyFile)
	if !errors.Is(err, syscall.ENOSPC) || !strings.HasPrefix(err.Error(), dir+": write ") {
		t.Errorf("error %v", err)
	}
	if got := tree(t, dir); !maps.Equal(got, want) {
		t.Errorf("the folder holds %q, want %q", got, want)
	}
	state, err := os.ReadDir(filepath.Join(dir, stateDir))
	if err != nil || len(state) != 2 {
		t.Errorf("the folder's state is %v, %v; want lock and manifest alone", state, err)
	}
	mustWrite(t, dir, newRun())
}
