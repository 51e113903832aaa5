package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestChromiumKeepsItsSandbox holds that no flag takes Chromium's sandbox away, and
// that it is never root, whom Chromium gives none.
func TestChromiumKeepsItsSandbox(t *testing.T) {
	dir, err := os.MkdirTemp("", "gatewright-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	program := "#!/bin/sh\necho \"user $(id -u): $*\" >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(dir, "chromium"), []byte(program), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	_, err = EvaluateChromium(t.Context(), nil, []string{"http://example.com/"})
	if err == nil || !strings.Contains(err.Error(), "--headless") {
		t.Fatalf("the stand-in was not run: %v", err)
	}
	for _, word := range []string{"sandbox", "user 0:"} {
		if strings.Contains(err.Error(), word) {
			t.Errorf("Chromium is run with %q: %v", word, err)
		}
	}
}
