package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// An engine that hangs ends at the limit, in a box and without, and what else there is
// to prove is proved.
func TestVerifyTimeout(t *testing.T) {
	_, site := ownFolder(t)
	for _, c := range []struct {
		name string
		more []string
	}{{"boxed", nil}, {"unboxed", []string{"--unboxed"}}} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // for a box
				t.Fatal(err)
			}
			pid := filepath.Join(dir, "pid")
			script := "#!/bin/sh\necho $$ 2>/dev/null > " + pid + "\nexec /bin/sleep 1000\n"
			if err := os.WriteFile(filepath.Join(dir, "node"), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir)
			stdout, stderr := runQuietly(t, exitFailed, append([]string{"verify", "pac", "trusted-sites", "--site", site, "--timeout", "700ms"}, c.more...)...)
			const want = "gatewright: error: pac is not proved: its proof took longer than 700ms and was stopped; prove less at a time with --area or --entry, or allow more time with --timeout\n"
			if stderr != want || !strings.HasPrefix(stdout, "trusted-sites: proved by ") {
				t.Errorf("it says\n%s%s; want\n%s", stdout, stderr, want)
			}
			text, err := os.ReadFile(pid)
			if c.more == nil {
				return // the box ends with all that is in it
			}
			if _, gone := os.Stat("/proc/" + strings.TrimSpace(string(text))); err != nil || gone == nil {
				t.Errorf("the engine is process %q, %v, %v", text, err, gone)
			}
		})
	}
	for text, want := range map[string]string{
		"0s":   "verify: --timeout 0s: expect a time above zero, such as 90s or 1h",
		"-1m":  "verify: --timeout -1m0s: expect a time above zero, such as 90s or 1h",
		"5":    "verify: invalid argument " + strconv.Quote("5") + ` for "--timeout" flag: must be a duration like "30s" or "5m"; ` + "`gatewright verify --help` shows the flags",
		"soon": "verify: invalid argument " + strconv.Quote("soon") + ` for "--timeout" flag: must be a duration like "30s" or "5m"; ` + "`gatewright verify --help` shows the flags",
	} {
		if _, stderr := runQuietly(t, exitUsage, "verify", "--site", site, "--timeout="+text); stderr != "gatewright: error: "+want+"\n" {
			t.Errorf("%s: %s; want %s", text, stderr, want)
		}
	}
}
