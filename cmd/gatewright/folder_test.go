package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gatewright/catalog/plainfile"
	"gatewright/generators/artefact"
)

// outputOf makes the output of a generator from names and texts.
func outputOf(generator string, files ...string) generated {
	g := generated{name: generator}
	for i := 0; i < len(files); i += 2 {
		g.Artefacts = append(g.Artefacts, artefact.Artefact{Name: files[i], Data: []byte(files[i+1])})
	}
	return g
}

// oldRun and newRun differ in every way: a file changes, one comes, one goes.
// anyFile is for generators and files that there are not.
func anyFile(string, string) bool { return true }

func oldRun() []generated {
	return []generated{outputOf("one", "a", "old a\n", "lists/gone", "old gone\n"), outputOf("two", "b", "b\n")}
}

func newRun() []generated {
	return []generated{outputOf("one", "a", "new a\n", "lists/deep/c", "c\n", "d", "d\n")}
}

// afterNewRun is what stands in a folder after both.
func afterNewRun() map[string]string {
	return map[string]string{"a": "new a\n", "lists/deep/c": "c\n", "d": "d\n", "b": "b\n"}
}

func mustWrite(t *testing.T, dir string, outputs []generated) []string {
	t.Helper()
	changed, err := writeFolder(plainfile.Named(dir), outputs, anyFile)
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

// TestUnchangedFilesAreNotTouched holds that a run replaces the files that differ and
// no other, mends what was changed by hand, and leaves no stage.
func TestUnchangedFilesAreNotTouched(t *testing.T) {
	dir := t.TempDir()
	root := openRoot(t, dir)
	past := time.Unix(1, 0)
	touched := func(outputs []generated) []string {
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
	if got := touched([]generated{outputOf("one", "a", "new a\n", "lists/gone", "old gone\n")}); !slices.Equal(got, []string{"a"}) {
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
		outputs := []generated{outputOf("one", "a", "new a\n", "lists/gone", "old gone\n"), outputOf("two", "b", "b\n")}
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
	mustWrite(t, dir, []generated{outputOf("one", files...)})
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

func killSteps() []killStep {
	staged := func(outputs []generated) func(*testing.T, *os.Root) {
		return func(t *testing.T, root *os.Root) {
			if err := stage(t.Context(), root, outputs, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	renamed := func(n int) func(*testing.T, *os.Root) {
		return func(t *testing.T, root *os.Root) {
			if err := prepareRun(t.Context(), root, newRun(), anyFile); err != nil {
				t.Fatal(err)
			}
			for i := range n {
				name := newRun()[0].Artefacts[i].Name
				if err := errors.Join(root.MkdirAll(path.Dir(name), 0o755), root.Rename(stagePath(i), name)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return []killStep{
		{"while staging", staged([]generated{outputOf("one", "a", "new")}), undone},
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
			if interrupted(openRoot(t, dir)) != (step.then == begun) {
				t.Errorf("interrupted is %t", interrupted(openRoot(t, dir)))
			}
			if step.then == undone && !maps.Equal(tree(t, dir), want) {
				t.Errorf("before the journal stands, the folder changed to %q", tree(t, dir))
			}
			mustWrite(t, dir, []generated{outputOf("three", "e", "e\n")})
			if step.then != undone {
				want = afterNewRun()
			}
			want["e"] = "e\n"
			if got := tree(t, dir); !maps.Equal(got, want) {
				t.Errorf("after the next run the folder holds %q, want %q", got, want)
			}
			if interrupted(openRoot(t, dir)) {
				t.Error("the next run left a journal")
			}
			records, err := readRecords(root, manifestFile, anyFile)
			if err != nil || len(records) != len(want) {
				t.Errorf("the manifest has %v, %v; want the %d files", records, err, len(want))
			}
		})
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	mustWrite(t, dir, oldRun())
	unlock, err := takeLock(openRoot(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	var stdout, stderr bytes.Buffer
	status := run([]string{"generate", "-q", "-o", dir}, nil, &stdout, &stderr)
	want := "gatewright: error: " + dir + ": another run is writing here; wait for it to end\n"
	if status != exitFailed || stderr.String() != want {
		t.Errorf("status %d, %q; want %q", status, stderr.String(), want)
	}
	if !maps.Equal(tree(t, dir), before) {
		t.Error("a run without the lock changed the folder")
	}
	unlock()
	mustWrite(t, dir, newRun())
}

// TestManyRunsAtOnce holds that of runs at once each succeeds whole or is locked out.
func TestManyRunsAtOnce(t *testing.T) {
	dir := t.TempDir()
	results := make(chan error)
	for i := range 8 {
		text := strings.Repeat(string(rune('a'+i)), 1000) + "\n"
		go func() {
			_, err := writeFolder(plainfile.Named(dir), []generated{outputOf("one", "x", text, "y", text, "sub/z", text)}, anyFile)
			results <- err
		}()
	}
	succeeded := 0
	for range 8 {
		if err := <-results; err == nil {
			succeeded++
		} else if !strings.Contains(err.Error(), errLocked.Error()) {
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
		{"", `generator one: "" is no file name below a folder`},
		{".", `generator one: "." is no file name below a folder`},
		{"..", `generator one: ".." is no file name below a folder`},
		{"../a", `generator one: "../a" is no file name below a folder`},
		{"/etc/passwd", `generator one: "/etc/passwd" is no file name below a folder`},
		{"a/../../b", `generator one: "a/../../b" is no file name below a folder`},
		{"a//b", `generator one: "a//b" is no file name below a folder`},
		{"a/", `generator one: "a/" is no file name below a folder`},
		{"./a", `generator one: "./a" is no file name below a folder`},
		{`a\b`, `generator one: "a\\b" is no file name below a folder`},
		{"c:a", `generator one: "c:a" is no file name below a folder`},
		{"a\nb", `generator one: "a\nb" is no file name below a folder`},
		{"a\x00b", `generator one: "a\x00b" is no file name below a folder`},
		{".gatewright/manifest", `generator one: ".gatewright/manifest" is no file name below a folder`},
		{".Gatewright", `generator one: ".Gatewright" is no file name below a folder`},
		{"first", `generator one: file "first" is made twice`},
		{"First", `generator one: file "First" is made twice`},
		{"first/b", `"first" is made as a file and as a folder`},
	} {
		dir := filepath.Join(t.TempDir(), "out")
		_, err := writeFolder(plainfile.Named(dir), []generated{outputOf("one", "first", "", test.name, "x\n")}, anyFile)
		if err == nil || err.Error() != test.want {
			t.Errorf("%q: error %v, want %s", test.name, err, test.want)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%q: the folder was made", test.name)
		}
	}
}

// TestInTheWay refuses to write through or over what is no plain file, and changes
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
			"b is in the way: it is no plain file; remove it, or write elsewhere"},
		{"link to a folder", func(dir, outside string) error { return os.Symlink(outside, filepath.Join(dir, "lists")) },
			"lists is in the way of lists/c: it is no folder; remove it, or write elsewhere"},
		{"dangling link", func(dir, outside string) error { return os.Symlink("nowhere", filepath.Join(dir, "b")) },
			"b is in the way: it is no plain file; remove it, or write elsewhere"},
		{"folder in a file's place", func(dir, outside string) error { return os.Mkdir(filepath.Join(dir, "b"), 0o755) },
			"b is in the way: it is no plain file; remove it, or write elsewhere"},
		{"file in a folder's place", func(dir, outside string) error { return os.WriteFile(filepath.Join(dir, "lists"), nil, 0o644) },
			"lists is in the way of lists/c: it is no folder; remove it, or write elsewhere"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, outside := t.TempDir(), t.TempDir()
			if err := os.WriteFile(filepath.Join(outside, "f"), []byte("outside\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			mustWrite(t, dir, []generated{outputOf("one", "a", "old\n")})
			if err := test.put(dir, outside); err != nil {
				t.Fatal(err)
			}
			_, err := writeFolder(plainfile.Named(dir), []generated{outputOf("one", "a", "new\n", "b", "b\n", "lists/c", "c\n")}, anyFile)
			if err == nil || err.Error() != dir+": "+test.want {
				t.Errorf("error %v, want %s", err, test.want)
			}
			if data, err := os.ReadFile(filepath.Join(dir, "a")); err != nil || string(data) != "old\n" {
				t.Errorf("another file changed to %q, %v", data, err)
			}
			if got := tree(t, outside); !maps.Equal(got, map[string]string{"f": "outside\n"}) {
				t.Errorf("outside of the folder: %q", got)
			}
			if interrupted(openRoot(t, dir)) {
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
	if _, err := writeFolder(plainfile.Named(dir), newRun(), anyFile); err == nil {
		t.Error("the state folder is a link out of the folder, and was followed")
	}
	if got := tree(t, outside); len(got) > 0 {
		t.Errorf("outside of the folder: %q", got)
	}
}

func TestDamagedRecords(t *testing.T) {
	sum := strings.Repeat("0", 64)
	for _, text := range []string{"x\n", sum + "  one\n", sum + "  one  ../a\n", sum + "  one  .gatewright/lock\n", sum[1:] + "  one  a\n", sum + "  one  \n"} {
		for _, file := range []string{journalFile, manifestFile} {
			dir := t.TempDir()
			mustWrite(t, dir, oldRun())
			before := tree(t, dir)
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := writeFolder(plainfile.Named(dir), newRun(), anyFile)
			if err == nil || !strings.Contains(err.Error(), file+" is damaged; remove it, and generate again") {
				t.Errorf("%s holds %q: error %v", file, text, err)
			}
			if !maps.Equal(tree(t, dir), before) {
				t.Errorf("%s holds %q: the folder changed", file, text)
			}
		}
	}
}

// TestForeignRecords holds that records which somebody else put into a folder, such as
// with a pull request, neither put anything into place that no generator makes nor remove
// it, and that a stage is put into place only as the journal's run left it.
func TestForeignRecords(t *testing.T) {
	const hook, head = "#!/bin/sh\ntouch gone-wrong\n", "ref: refs/heads/main\n"
	line := func(data, generator, name string) string {
		return digest([]byte(data)) + "  " + generator + "  " + name + "\n"
	}
	for _, test := range []struct {
		name, file, records, want string
		mode                      os.FileMode
	}{
		{"a hook put into place", journalFile, line(hook, "nftables", ".git/hooks/post-checkout"),
			`finishing an interrupted run: .gatewright/journal: no generator "nftables" makes a file ".git/hooks/post-checkout", so Gatewright did not write this; remove it, and generate again; mend this and generate again, or remove .gatewright/journal to give that run up`, 0o755},
		{"a file of git removed", manifestFile, line(head, "nftables", ".git/HEAD"),
			`.gatewright/manifest: no generator "nftables" makes a file ".git/HEAD", so Gatewright did not write this; remove it, and generate again`, 0o644},
		{"an unknown generator", manifestFile, line(head, "one", "gatewright.nft"),
			`.gatewright/manifest: no generator "one" makes a file "gatewright.nft", so Gatewright did not write this; remove it, and generate again`, 0o644},
		{"another file on the stage", journalFile, line(head, "nftables", "gatewright.nft"),
			`finishing an interrupted run: gatewright.nft cannot be put into place: .gatewright/stage/0 changed since it was written; mend this and generate again, or remove .gatewright/journal to give that run up`, 0o644},
		{"a program on the stage", journalFile, line(hook, "nftables", "gatewright.nft"),
			`finishing an interrupted run: gatewright.nft cannot be put into place: .gatewright/stage/0 may be executed, which no output is; mend this and generate again, or remove .gatewright/journal to give that run up`, 0o755},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{".git/HEAD": head, ".git/hooks/sample": "", stageDir + "/0": hook, test.file: test.records} {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(filepath.Join(dir, stageDir, "0"), test.mode); err != nil {
				t.Fatal(err)
			}
			before := tree(t, dir)
			var stdout, stderr bytes.Buffer
			status := run([]string{"generate", "nftables", "-q", "-o", dir}, nil, &stdout, &stderr)
			want := "gatewright: error: " + dir + ": " + test.want + "\n"
			if status != exitFailed || stderr.String() != want {
				t.Errorf("status %d, %q; want %q", status, stderr.String(), want)
			}
			if !maps.Equal(tree(t, dir), before) {
				t.Errorf("the folder changed: %q", tree(t, dir))
			}
		})
	}
}

// TestStaleFileAlone holds that check tells of a file that is made no more where
// nothing else differs, and that generate removes it.
func TestStaleFileAlone(t *testing.T) {
	dir := t.TempDir()
	args := []string{"squid", "-q", "-o", dir}
	command := func(name string) (status int, told string) {
		var stdout, stderr bytes.Buffer
		status = run(append([]string{name}, args...), nil, &stdout, &stderr)
		return status, stdout.String() + stderr.String()
	}
	if status, told := command("generate"); status != exitOK {
		t.Fatal(told)
	}
	root := openRoot(t, dir)
	records, err := readRecords(root, manifestFile, anyFile)
	if err != nil {
		t.Fatal(err)
	}
	old := recordsOf([]generated{outputOf("squid", "gatewright/old.txt", "old\n")})
	for name, data := range map[string]string{"gatewright/old.txt": "old\n", manifestFile: string(formatRecords(append(records, old...)))} {
		if err := root.WriteFile(name, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := "gatewright: error: " + filepath.Join(dir, "gatewright/old.txt") + ": nothing makes this file any more; generate removes it\n"
	if status, told := command("check"); status != exitDifferent || told != want {
		t.Errorf("check: status %d, %q; want %q", status, told, want)
	}
	if status, told := command("generate"); status != exitOK || told != "" {
		t.Errorf("generate: status %d, %q", status, told)
	}
	if status, told := command("check"); status != exitOK || told != "" {
		t.Errorf("check: status %d, %q", status, told)
	}
	if _, err := root.Lstat("gatewright/old.txt"); err == nil {
		t.Error("the stale file is still there")
	}
}

// A folder on another file system cannot take the stage's files. It is refused
// before anything changes, and the next run is free to go on without it.
func TestMountedFolder(t *testing.T) {
	dir := t.TempDir()
	shell := program(t)
	if out, err := shell(dir, "gatewright generate squid -o out"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	before := tree(t, filepath.Join(dir, "out"))
	flags := "--mount"
	if os.Getuid() != 0 {
		flags += " --map-root-user"
	}
	out, err := shell(dir, "unshare "+flags+" sh -ec 'mount -t tmpfs none out/gatewright; gatewright generate squid --set squid.place=conf.d -o out'")
	if err == nil || !strings.Contains(out, "no file can be put into gatewright, so nothing was written") {
		t.Errorf("a mounted folder: %v\n%s", err, out)
	}
	if after := tree(t, filepath.Join(dir, "out")); !maps.Equal(before, after) {
		t.Errorf("files changed: %v", after)
	}
	if out, err := shell(dir, "gatewright check squid -o out"); err != nil {
		t.Errorf("check afterwards: %v\n%s", err, out)
	}
}

// TestUnwritableFolder holds that a folder that takes no file, or gives none up, is
// refused before any file changes, and that the next run is not stuck.
func TestUnwritableFolder(t *testing.T) {
	generate := "gatewright generate -o out "
	if os.Getuid() == 0 {
		generate = "setpriv --bounding-set -all --inh-caps -all " + generate // root without its capabilities
	}
	shell := program(t)
	for _, test := range []struct{ name, args string }{
		{"folder of a file that is made", "squid --set squid.place=conf.d"},
		{"folder of a file that is made no more", "squid --direction inbound"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if out, err := shell(dir, generate+"squid && chmod 555 out/gatewright"); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			t.Cleanup(func() { os.Chmod(filepath.Join(dir, "out", "gatewright"), 0o755) })
			before := tree(t, filepath.Join(dir, "out"))
			out, err := shell(dir, generate+test.args)
			if err == nil || !strings.Contains(out, "no file can be put into gatewright, so nothing was written: ") {
				t.Errorf("an unwritable folder: %v\n%s", err, out)
			}
			if after := tree(t, filepath.Join(dir, "out")); !maps.Equal(before, after) {
				t.Errorf("files changed: %v", after)
			}
			if out, err := shell(dir, generate+"pac"); err != nil {
				t.Errorf("the next run, which leaves that folder alone: %v\n%s", err, out)
			}
		})
	}
}

// TestJournalThatCannotBeFinished holds that a run says which file of an interrupted
// run is stuck and why, and finishes that run when the cause is gone.
func TestJournalThatCannotBeFinished(t *testing.T) {
	dir := t.TempDir()
	mustWrite(t, dir, oldRun())
	root := openRoot(t, dir)
	if err := errors.Join(prepareRun(t.Context(), root, newRun(), anyFile), root.Mkdir("d", 0o755)); err != nil {
		t.Fatal(err)
	}
	_, err := writeFolder(plainfile.Named(dir), newRun(), anyFile)
	for _, want := range []string{
		dir + ": finishing an interrupted run: d cannot be put into place: ",
		"; mend this and generate again, or remove .gatewright/journal to give that run up",
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
		_, err := writeFolder(plainfile.Named(dir), oldRun(), anyFile)
		want := dir + ": .gatewright/lock is in the way: it is no plain file; remove it, and generate again"
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
	if _, err := lock(root, lockFile); err == nil {
		t.Error("a linked lock is followed")
	}
	if _, err := os.Lstat(elsewhere); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the link's target was made: %v", err)
	}
}
