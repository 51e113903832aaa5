package git

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestGitIsBounded holds that git cannot map more memory than it is given.
func TestGitIsBounded(t *testing.T) {
	if out, err := command(context.Background(), []string{"version"}).CombinedOutput(); err != nil {
		t.Fatalf("git within its bounds: %v: %s", err, out)
	}
	dir := t.TempDir()
	if err := os.Symlink("/dev/zero", filepath.Join(dir, "endless")); err != nil {
		t.Fatal(err)
	}
	c := command(context.Background(), []string{"-c", "core.bigFileThreshold=100g", "config", "--file", filepath.Join(dir, "endless"), "a.b"})
	if out, err := c.CombinedOutput(); err == nil {
		t.Errorf("git read a file without end: %s", out)
	}
	if rss := c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss; rss > memory {
		t.Errorf("git took %d KiB, more than %d", rss, memory)
	}
}
