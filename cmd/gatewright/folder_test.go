package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatewright/cmd/gatewright/internal/output"
)

func TestLock(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	generate := func() (status int, told string) {
		var stdout, stderr bytes.Buffer
		status = run([]string{"generate", "-q", "-o", dir}, nil, &stdout, &stderr)
		return status, stderr.String()
	}
	if status, told := generate(); status != exitOK {
		t.Fatal(told)
	}
	unlock, err := output.Lock(root, ".gatewright/lock")
	if err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	status, told := generate()
	want := "gatewright: error: " + dir + ": another run is writing here; wait for it to end\n"
	if status != exitFailed || told != want {
		t.Errorf("status %d, %q; want %q", status, told, want)
	}
	if !maps.Equal(tree(t, dir), before) {
		t.Error("a run without the lock changed the folder")
	}
	unlock()
	if status, told := generate(); status != exitOK {
		t.Errorf("without the lock: status %d, %q", status, told)
	}
}

// TestForeignRecords holds that records which somebody else put into a folder, such as
// with a pull request, neither put anything into place that no generator makes nor
// remove it, and that a stage is put into place only as the journal's run left it.
func TestForeignRecords(t *testing.T) {
	const hook, head = "#!/bin/sh\ntouch gone-wrong\n", "ref: refs/heads/main\n"
	line := func(data, generator, name string) string {
		return fmt.Sprintf("%x", sha256.Sum256([]byte(data))) + "  " + generator + "  " + name + "\n"
	}
	for _, test := range []struct {
		name, file, records, want string
		mode                      os.FileMode
	}{
		{"a hook put into place", ".gatewright/journal", line(hook, "nftables", ".git/hooks/post-checkout"),
			`cannot finish an interrupted run: .gatewright/journal: generator "nftables" makes no file ".git/hooks/post-checkout", so Gatewright did not write this; remove it, and run generate again; fix this and run generate again, or remove .gatewright/journal to abandon that run`, 0o755},
		{"a file of git removed", output.Manifest, line(head, "nftables", ".git/HEAD"),
			`.gatewright/manifest: generator "nftables" makes no file ".git/HEAD", so Gatewright did not write this; remove it, and run generate again`, 0o644},
		{"an unknown generator", output.Manifest, line(head, "one", "gatewright.nft"),
			`.gatewright/manifest: generator "one" makes no file "gatewright.nft", so Gatewright did not write this; remove it, and run generate again`, 0o644},
		{"another file on the stage", ".gatewright/journal", line(head, "nftables", "gatewright.nft"),
			`cannot finish an interrupted run: gatewright.nft cannot be put into place: .gatewright/stage/0 changed since it was written; fix this and run generate again, or remove .gatewright/journal to abandon that run`, 0o644},
		{"a program on the stage", ".gatewright/journal", line(hook, "nftables", "gatewright.nft"),
			`cannot finish an interrupted run: gatewright.nft cannot be put into place: .gatewright/stage/0 is executable, but no output is; fix this and run generate again, or remove .gatewright/journal to abandon that run`, 0o755},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{".git/HEAD": head, ".git/hooks/sample": "", ".gatewright/stage/0": hook, test.file: test.records} {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(filepath.Join(dir, ".gatewright/stage/0"), test.mode); err != nil {
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
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	manifest, err := root.ReadFile(output.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	manifest = fmt.Appendf(manifest, "%x  squid  gatewright/old.txt\n", sha256.Sum256([]byte("old\n")))
	for name, data := range map[string][]byte{"gatewright/old.txt": []byte("old\n"), output.Manifest: manifest} {
		if err := root.WriteFile(name, data, 0o644); err != nil {
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
	if err == nil || !strings.Contains(out, "cannot put files into gatewright, so nothing was written") {
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
			if err == nil || !strings.Contains(out, "cannot put files into gatewright, so nothing was written: ") {
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
