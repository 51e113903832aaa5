package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestGitEndsWithTheTool kills check while git waits for a named pipe in the
// repository.
func TestGitEndsWithTheTool(t *testing.T) {
	git := repositoryOf(t)
	if status, said := checkNew(t, "main"); status != exitOK {
		t.Fatal(status, said)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	git("gc", "-q")
	if err := os.Remove(".git/packed-refs"); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(".git/packed-refs", 0o600); err != nil {
		t.Fatal(err)
	}
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		tool := exec.Command(filepath.Join(toolFolder(t), "gatewright"), "check", "--site", "fw/gatewright.json", "--new", "main")
		tool.Env, tool.Dir = append(os.Environ(), asTool), dir
		if err := tool.Start(); err != nil {
			t.Fatal(err)
		}
		if !eventually(func() bool { return runsGit(dir) }) {
			t.Error("git does not wait")
		}
		tool.Process.Signal(signal)
		tool.Wait()
		if !eventually(func() bool { return !runsGit(dir) }) {
			t.Errorf("git goes on after %v", signal)
		}
	}
}

func eventually(is func() bool) bool {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if is() {
			return true
		}
	}
	return false
}

// runsGit reports whether a git works in a folder.
func runsGit(dir string) bool {
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range processes {
		name, _ := os.ReadFile(p + "/comm")
		cwd, _ := os.Readlink(p + "/cwd")
		if _, err := strconv.Atoi(filepath.Base(p)); err == nil && strings.TrimSpace(string(name)) == "git" && strings.HasPrefix(cwd, dir) {
			return true
		}
	}
	return false
}
