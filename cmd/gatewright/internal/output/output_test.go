package output

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatewright/catalog/plainfile"
	"gatewright/generators/artefact"
)

// outputOf makes the output of a generator from names and texts.
func outputOf(generator string, files ...string) artefact.Made {
	g := artefact.Made{Generator: generator}
	for i := 0; i < len(files); i += 2 {
		g.Artefacts = append(g.Artefacts, artefact.Artefact{Name: files[i], Data: []byte(files[i+1])})
	}
	return g
}

// anyFile is for generators and files that there are not.
func anyFile(string, string) bool { return true }

// oldRun and newRun differ in every way: a file changes, one comes, one goes.
func oldRun() []artefact.Made {
	return []artefact.Made{outputOf("one", "a", "old a\n", "lists/gone", "old gone\n"), outputOf("two", "b", "b\n")}
}

func newRun() []artefact.Made {
	return []artefact.Made{outputOf("one", "a", "new a\n", "lists/deep/c", "c\n", "d", "d\n")}
}

// afterNewRun is what stands in a folder after both.
func afterNewRun() map[string]string {
	return map[string]string{"a": "new a\n", "lists/deep/c": "c\n", "d": "d\n", "b": "b\n"}
}

func mustWrite(t *testing.T, dir string, outputs []artefact.Made) []string {
	t.Helper()
	changed, err := Write(plainfile.Named(dir), outputs, anyFile)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func openRoot(t *testing.T, dir string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

func TestWriteFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "out")
	mustWrite(t, dir, oldRun())
	mustWrite(t, dir, newRun())
	if got := tree(t, dir); !maps.Equal(got, afterNewRun()) {
		t.Errorf("the folder holds %q", got)
	}
	state, err := os.ReadDir(filepath.Join(dir, stateDir))
	if err != nil || len(state) != 2 {
		t.Errorf("the folder's state is %v, %v; want lock and manifest alone", state, err)
	}
	if changed := mustWrite(t, dir, newRun()); len(changed) > 0 || !maps.Equal(tree(t, dir), afterNewRun()) {
		t.Errorf("the same run again changes %q; the folder holds %q", changed, tree(t, dir))
	}
	if _, err := os.Stat(filepath.Join(dir, "lists", "gone")); err == nil {
		t.Error("what is made no more is still there")
	}
}

// TestRehearse holds that a rehearsal fails as the run would, and leaves everything as
// it was, whether it fails or not.
func TestRehearse(t *testing.T) {
	none := filepath.Join(t.TempDir(), "deep", "out")
	if err := Rehearse(plainfile.Named(none), newRun(), anyFile); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Dir(none)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that was not there: %v", err)
	}
	dir := t.TempDir()
	mustWrite(t, dir, oldRun())
	before := tree(t, dir)
	if err := Rehearse(plainfile.Named(dir), newRun(), anyFile); err != nil {
		t.Error(err)
	}
	for _, inTheWay := range []func() error{
		func() error { return os.Symlink("b", filepath.Join(dir, "d")) },
		func() error { return os.Mkdir(filepath.Join(dir, "d"), 0o755) },
	} {
		if err := inTheWay(); err != nil {
			t.Fatal(err)
		}
		err := Rehearse(plainfile.Named(dir), newRun(), anyFile)
		if _, fails := Write(plainfile.Named(dir), newRun(), anyFile); err == nil || fails == nil || err.Error() != fails.Error() {
			t.Errorf("rehearsed: %v; the run: %v", err, fails)
		}
		if err := os.Remove(filepath.Join(dir, "d")); err != nil {
			t.Fatal(err)
		}
	}
	root := openRoot(t, dir)
	journalNewRun(t, root)
	if err := root.WriteFile(stagePath(0), []byte("other\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := Rehearse(plainfile.Named(dir), newRun(), anyFile)
	if _, fails := Write(plainfile.Named(dir), newRun(), anyFile); err == nil || fails == nil || err.Error() != fails.Error() {
		t.Errorf("rehearsed after a run that cannot be finished: %v; the run: %v", err, fails)
	}
	if err := errors.Join(root.Remove(journalFile), clearStage(root)); err != nil {
		t.Fatal(err)
	}
	state, err := os.ReadDir(filepath.Join(dir, stateDir))
	if after := tree(t, dir); err != nil || len(state) != 2 || !maps.Equal(after, before) {
		t.Errorf("the folder holds %q, its state is %v, %v", after, state, err)
	}
}

// TestUnchangedFilesAreNotTouched holds that a run replaces the files that differ and
// no other, mends what was changed by hand, and leaves no stage.
func TestUnchangedFilesAreNotTouched(t *testing.T) {
	dir := t.TempDir()
	root := openRoot(t, dir)
	past := time.Unix(1, 0)
	touched := func(outputs []artefact.Made) []string {
		t.Helper()
		for name := range tree(t, dir) {
			if err := root.Chtimes(name, past, past); err != nil {
				t.Fatal(err)
			}
		}
		mustWrite(t, dir, outputs)
		var names []string
		for name := range tree(t, dir) {
			if info, err := root.Stat(name); err != nil || !info.ModTime().Equal(past) {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return names
	}
	mustWrite(t, dir, oldRun())
	if got := touched(oldRun()); len(got) > 0 {
		t.Errorf("the same run again touched %q", got)
	}
	if got := touched(oldRun()[1:]); len(got) > 0 {
		t.Errorf("a run of one generator again touched %q", got)
	}
	if got := touched([]artefact.Made{outputOf("one", "a", "new a\n", "lists/gone", "old gone\n")}); !slices.Equal(got, []string{"a"}) {
		t.Errorf("a run that changes a touched %q", got)
	}
	for name, change := range map[string]func() error{
		"a":          func() error { return root.WriteFile("a", []byte("by hand\n"), 0o644) },
		"b":          func() error { return root.Remove("b") },
		"lists/gone": func() error { return root.WriteFile("lists/gone", []byte("old gonE\n"), 0o644) },
	} {
		want := tree(t, dir)
		if err := change(); err != nil {
			t.Fatal(err)
		}
		outputs := []artefact.Made{outputOf("one", "a", "new a\n", "lists/gone", "old gone\n"), outputOf("two", "b", "b\n")}
		if got := touched(outputs); !slices.Equal(got, []string{name}) || !maps.Equal(tree(t, dir), want) {
			t.Errorf("after %s was changed by hand, a run touched %q and left %q", name, got, tree(t, dir))
		}
	}
	if err := stage(t.Context(), root, newRun(), nil); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, dir, oldRun()[1:])
	if _, err := root.Stat(stageDir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a run that changes nothing left the stage of a killed one: %v", err)
	}
}

// TestWriteManyFiles writes more files than are synced at once.
func TestWriteManyFiles(t *testing.T) {
	var files []string
	want := map[string]string{}
	for i := range 2*syncedAtOnce + 1 {
		name, text := fmt.Sprintf("lists/%d", i), fmt.Sprintf("%d\n", i)
		files = append(files, name, text)
		want[name] = text
	}
	dir := t.TempDir()
	mustWrite(t, dir, []artefact.Made{outputOf("one", files...)})
	if got := tree(t, dir); !maps.Equal(got, want) {
		t.Errorf("the folder holds %q, want %q", got, want)
	}
}

// killStep is a way for newRun to be killed after oldRun.
type killStep struct {
	name string
	kill func(*testing.T, *os.Root)
	then fate
}

// fate is what stands in the folder, and after the next run.
type fate int

const (
	undone fate = iota // nothing has changed
	begun              // the journal stands, so the next run finishes this one
	done               // the run is finished and left only its stage
)

// journalNewRun leaves a run as one that is killed once its journal stands.
func journalNewRun(t *testing.T, root *os.Root) {
	t.Helper()
	text, err := prepareRun(t.Context(), root, newRun(), anyFile)
	if err = errors.Join(err, placeJournal(t.Context(), root, text)); err != nil {
		t.Fatal(err)
	}
}

func killSteps() []killStep {
	staged := func(outputs []artefact.Made) func(*testing.T, *os.Root) {
		return func(t *testing.T, root *os.Root) {
			if err := stage(t.Context(), root, outputs, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	renamed := func(n int) func(*testing.T, *os.Root) {
		return func(t *testing.T, root *os.Root) {
			journalNewRun(t, root)
			for i := range n {
				name := newRun()[0].Artefacts[i].Name
				if err := errors.Join(root.MkdirAll(path.Dir(name), 0o755), root.Rename(stagePath(i), name)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return []killStep{
		{"while staging", staged([]artefact.Made{outputOf("one", "a", "new")}), undone},
		{"after staging", staged(newRun()), undone},
		{"while writing the journal", func(t *testing.T, root *os.Root) {
			staged(newRun())(t, root)
			if err := root.WriteFile(stageDir+"/journal", []byte("0123"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, undone},
		{"after the journal", renamed(0), begun},
		{"after one rename", renamed(1), begun},
		{"after two renames", renamed(2), begun},
		{"after all renames", renamed(3), begun},
		{"after removing what is stale", func(t *testing.T, root *os.Root) {
			renamed(3)(t, root)
			if err := root.Remove("lists/gone"); err != nil {
				t.Fatal(err)
			}
		}, begun},
		{"before clearing the stage", func(t *testing.T, root *os.Root) {
			renamed(0)(t, root)
			if _, err := finishRun(root, anyFile); err != nil {
				t.Fatal(err)
			}
			staged(newRun())(t, root)
		}, done},
	}
}

// TestKilledRun kills a run after each of its steps: what stood before the journal
// is untouched, and after it the next run, whatever it writes, finishes it first.
func TestKilledRun(t *testing.T) {
	for _, step := range killSteps() {
		t.Run(step.name, func(t *testing.T) {
			dir := t.TempDir()
			mustWrite(t, dir, oldRun())
			want := tree(t, dir)
			root := openRoot(t, dir)
			step.kill(t, root)
			if Interrupted(openRoot(t, dir)) != (step.then == begun) {
				t.Errorf("interrupted is %t", Interrupted(openRoot(t, dir)))
			}
			if step.then == undone && !maps.Equal(tree(t, dir), want) {
				t.Errorf("before the journal stands, the folder changed to %q", tree(t, dir))
			}
			mustWrite(t, dir, []artefact.Made{outputOf("three", "e", "e\n")})
			if step.then != undone {
				want = afterNewRun()
			}
			want["e"] = "e\n"
			if got := tree(t, dir); !maps.Equal(got, want) {
				t.Errorf("after the next run the folder holds %q, want %q", got, want)
			}
			if Interrupted(openRoot(t, dir)) {
				t.Error("the next run left a journal")
			}
			records, err := readRecords(root, Manifest, anyFile)
			if err != nil || len(records) != len(want) {
				t.Errorf("the manifest has %v, %v; want the %d files", records, err, len(want))
			}
		})
	}
}

// TestManyRunsAtOnce holds that of runs at once each succeeds whole or is locked out.
func TestManyRunsAtOnce(t *testing.T) {
	dir := t.TempDir()
	results := make(chan error)
	for i := range 8 {
		text := strings.Repeat(string(rune('a'+i)), 1000) + "\n"
		go func() {
			_, err := Write(plainfile.Named(dir), []artefact.Made{outputOf("one", "x", text, "y", text, "sub/z", text)}, anyFile)
			results <- err
		}()
	}
	succeeded := 0
	for range 8 {
		if err := <-results; err == nil {
			succeeded++
		} else if !strings.Contains(err.Error(), ErrLocked.Error()) {
			t.Error(err)
		}
	}
	files := tree(t, dir)
	if succeeded == 0 || len(files) != 3 || files["x"] != files["y"] || files["x"] != files["sub/z"] {
		t.Errorf("%d runs succeeded and left %d files, of which some differ", succeeded, len(files))
	}
}

func TestChangedFileIsNotStale(t *testing.T) {
	dir := t.TempDir()
	mustWrite(t, dir, oldRun())
	edited := filepath.Join(dir, "lists", "gone")
	if err := os.WriteFile(edited, []byte("by hand\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if changed := mustWrite(t, dir, newRun()); !slices.Equal(changed, []string{"lists/gone"}) {
		t.Errorf("told of %q", changed)
	}
	if data, err := os.ReadFile(edited); err != nil || string(data) != "by hand\n" {
		t.Errorf("the file that was changed by hand is %q, %v", data, err)
	}
}

// TestOddNames refuses artefacts that would leave the folder or overwrite its
// state, and each other.
func TestOddNames(t *testing.T) {
	for _, test := range []struct{ name, want string }{
		{"", `generator one: "" is not a valid file name in the output folder`},
		{".", `generator one: "." is not a valid file name in the output folder`},
		{"..", `generator one: ".." is not a valid file name in the output folder`},
		{"../a", `generator one: "../a" is not a valid file name in the output folder`},
		{"/etc/passwd", `generator one: "/etc/passwd" is not a valid file name in the output folder`},
		{"a/../../b", `generator one: "a/../../b" is not a valid file name in the output folder`},
		{"a//b", `generator one: "a//b" is not a valid file name in the output folder`},
		{"a/", `generator one: "a/" is not a valid file name in the output folder`},
		{"./a", `generator one: "./a" is not a valid file name in the output folder`},
		{`a\b`, `generator one: "a\\b" is not a valid file name in the output folder`},
		{"c:a", `generator one: "c:a" is not a valid file name in the output folder`},
		{"a\nb", `generator one: "a\nb" is not a valid file name in the output folder`},
		{"a\x00b", `generator one: "a\x00b" is not a valid file name in the output folder`},
		{".gatewright/manifest", `generator one: ".gatewright/manifest" is not a valid file name in the output folder`},
		{".Gatewright", `generator one: ".Gatewright" is not a valid file name in the output folder`},
		{"first", `generator one: file "first" is made twice`},
		{"First", `generator one: file "First" is made twice`},
		{"first/b", `"first" is made as a file and as a folder`},
	} {
		dir := filepath.Join(t.TempDir(), "out")
		_, err := Write(plainfile.Named(dir), []artefact.Made{outputOf("one", "first", "", test.name, "x\n")}, anyFile)
		if err == nil || err.Error() != test.want {
			t.Errorf("%q: error %v, want %s", test.name, err, test.want)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%q: the folder was made", test.name)
		}
	}
}

// TestInTheWay refuses to write through or over what is not a regular file, and changes
// nothing then.
func TestInTheWay(t *testing.T) {
	for _, test := range []struct {
		name string
		put  func(dir, outside string) error
		want string
	}{
		{"link to a file", func(dir, outside string) error {
			return os.Symlink(filepath.Join(outside, "f"), filepath.Join(dir, "b"))
		},
			"b is in the way: it is not a regular file; remove it, or write elsewhere"},
		{"link to a folder", func(dir, outside string) error { return os.Symlink(outside, filepath.Join(dir, "lists")) },
			"lists is in the way of lists/c: it is not a folder; remove it, or write elsewhere"},
		{"dangling link", func(dir, outside string) error { return os.Symlink("nowhere", filepath.Join(dir, "b")) },
			"b is in the way: it is not a regular file; remove it, or write elsewhere"},
		{"folder in a file's place", func(dir, outside string) error { return os.Mkdir(filepath.Join(dir, "b"), 0o755) },
			"b is in the way: it is not a regular file; remove it, or write elsewhere"},
		{"file in a folder's place", func(dir, outside string) error { return os.WriteFile(filepath.Join(dir, "lists"), nil, 0o644) },
			"lists is in the way of lists/c: it is not a folder; remove it, or write elsewhere"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, outside := t.TempDir(), t.TempDir()
			if err := os.WriteFile(filepath.Join(outside, "f"), []byte("outside\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			mustWrite(t, dir, []artefact.Made{outputOf("one", "a", "old\n")})
			if err := test.put(dir, outside); err != nil {
				t.Fatal(err)
			}
			_, err := Write(plainfile.Named(dir), []artefact.Made{outputOf("one", "a", "new\n", "b", "b\n", "lists/c", "c\n")}, anyFile)
			if err == nil || err.Error() != dir+": "+test.want {
				t.Errorf("error %v, want %s", err, test.want)
			}
			if data, err := os.ReadFile(filepath.Join(dir, "a")); err != nil || string(data) != "old\n" {
				t.Errorf("another file changed to %q, %v", data, err)
			}
			if got := tree(t, outside); !maps.Equal(got, map[string]string{"f": "outside\n"}) {
				t.Errorf("outside of the folder: %q", got)
			}
			if Interrupted(openRoot(t, dir)) {
				t.Error("a journal was left")
			}
		})
	}
}

// TestLinkedState holds that a state folder that leads elsewhere is not followed.
func TestLinkedState(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, stateDir)); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(plainfile.Named(dir), newRun(), anyFile); err == nil {
		t.Error("the state folder is a link out of the folder, and was followed")
	}
	if got := tree(t, outside); len(got) > 0 {
		t.Errorf("outside of the folder: %q", got)
	}
}

func TestDamagedRecords(t *testing.T) {
	sum := strings.Repeat("0", 64)
	for _, text := range []string{"x\n", sum + "  one\n", sum + "  one  ../a\n", sum + "  one  .gatewright/lock\n", sum[1:] + "  one  a\n", sum + "  one  \n"} {
		for _, file := range []string{journalFile, Manifest} {
			dir := t.TempDir()
			mustWrite(t, dir, oldRun())
			before := tree(t, dir)
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := Write(plainfile.Named(dir), newRun(), anyFile)
			if err == nil || !strings.Contains(err.Error(), file+" is damaged; remove it, and run generate again") {
				t.Errorf("%s holds %q: error %v", file, text, err)
			}
			if !maps.Equal(tree(t, dir), before) {
				t.Errorf("%s holds %q: the folder changed", file, text)
			}
		}
	}
}

// TestJournalThatCannotBeFinished holds that a run says which file of an interrupted
// run is stuck and why, and finishes that run when the cause is gone.
func TestJournalThatCannotBeFinished(t *testing.T) {
	dir := t.TempDir()
	mustWrite(t, dir, oldRun())
	root := openRoot(t, dir)
	journalNewRun(t, root)
	if err := root.Mkdir("d", 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := Write(plainfile.Named(dir), newRun(), anyFile)
	for _, want := range []string{
		dir + ": cannot finish an interrupted run: d cannot be put into place: ",
		"; fix this and run generate again, or remove .gatewright/journal to abandon that run",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
	if err := root.Remove("d"); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, dir, newRun())
	if got := tree(t, dir); !maps.Equal(got, afterNewRun()) {
		t.Errorf("the folder holds %q", got)
	}
}

// TestProbeReplacesNothing holds that proving a folder leaves its other files alone,
// and no file of its own.
func TestProbeReplacesNothing(t *testing.T) {
	dir := t.TempDir()
	root := openRoot(t, dir)
	want := map[string]string{"gatewright-probe": "mine\n", ".gatewright-probe": "mine\n"}
	for name, text := range want {
		if err := root.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	mustWrite(t, dir, oldRun())
	mustWrite(t, dir, newRun())
	maps.Copy(want, afterNewRun())
	if got := tree(t, dir); !maps.Equal(got, want) {
		t.Errorf("the folder holds %q, want %q", got, want)
	}
}

// TestLinkedLock holds that a lock that is a link is refused, wherever it leads.
func TestLinkedLock(t *testing.T) {
	for _, leads := range []string{filepath.Join(t.TempDir(), "elsewhere"), "inside"} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, stateDir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(leads, filepath.Join(dir, lockFile)); err != nil {
			t.Fatal(err)
		}
		_, err := Write(plainfile.Named(dir), oldRun(), anyFile)
		want := dir + ": .gatewright/lock is in the way: it is not a regular file; remove it, and run generate again"
		if err == nil || err.Error() != want {
			t.Errorf("a lock that leads to %q: error %v, want %s", leads, err, want)
		}
		if _, err := os.Stat(filepath.Join(dir, lockFile)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the link's target %q was made: %v", leads, err)
		}
	}
}

// TestLockStaysInFolder holds that even a lock that became a link after it was
// looked at is not followed out of the folder.
func TestLockStaysInFolder(t *testing.T) {
	dir, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "elsewhere")
	root := openRoot(t, dir)
	err := errors.Join(root.Mkdir(stateDir, 0o755), os.Symlink(elsewhere, filepath.Join(dir, lockFile)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(root, lockFile); err == nil {
		t.Error("a linked lock is followed")
	}
	if _, err := os.Lstat(elsewhere); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the link's target was made: %v", err)
	}
}

// TestLockOfMany holds that a lock has one holder at a time, though each removes it,
// and that nobody fails for another reason than that it is held.
func TestLockOfMany(t *testing.T) {
	root := openRoot(t, t.TempDir())
	var holders, taken atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				unlock, err := Lock(root, "lock")
				if errors.Is(err, ErrLocked) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if holders.Add(1) != 1 {
					t.Error("two hold the lock")
				}
				taken.Add(1)
				runtime.Gosched()
				holders.Add(-1)
				RemoveLock(root, "lock", unlock)
			}
		})
	}
	all.Wait()
	if taken.Load() < 8 {
		t.Errorf("taken %d times", taken.Load())
	}
	if files := tree(t, root.Name()); len(files) > 0 {
		t.Errorf("the lock stays: %v", files)
	}
}
