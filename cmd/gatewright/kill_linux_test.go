package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gatewright/cmd/gatewright/internal/output"
	"gatewright/generators/engine"
)

// TestKilledVerifyLeavesNothing kills the tool at random moments of verify. Two seconds
// later there is no process of it, no mount, no port and no file.
func TestKilledVerifyLeavesNothing(t *testing.T) {
	kills := 10
	if os.Getenv("GATEWRIGHT_PROVE") == "all" {
		kills = 200
	}
	adoptOrphans(t)
	m, err := engine.NewMachine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	dir := toolFolder(t)
	run := func(user int, after time.Duration) (killed bool) {
		cmd := toolAs(dir, user, "verify", "--catalog", "m365-additional")
		if err := m.Do(cmd.Start); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(after, func() { cmd.Process.Kill() })
		defer kill.Stop()
		cmd.Wait()
		return !cmd.ProcessState.Exited()
	}
	start, mounts := time.Now(), boxMounts(t)
	if run(0, time.Minute) {
		t.Fatal("verify takes more than a minute")
	}
	whole := time.Since(start)
	r := rand.New(rand.NewPCG(uint64(start.UnixNano()), 1))
	killed, slowest := 0, time.Duration(0)
	for i := 0; killed < kills; i++ {
		if i == 3*kills {
			t.Fatalf("only %d of %d runs were killed", killed, i)
		}
		// More of the moments lie in the beginning, where the box is made.
		part := r.Float64()
		after := time.Duration(part * part * float64(whole))
		began := time.Now()
		if run([]int{0, 65534}[i%2], after) {
			killed++
		} else {
			// The first run warmed the caches for those that follow.
			whole = min(whole, time.Since(began))
		}
		ended := time.Now()
		left := leftOf(t, m, dir, mounts)
		for left != nil && time.Since(ended) < 2*time.Second {
			time.Sleep(5 * time.Millisecond)
			left = leftOf(t, m, dir, mounts)
		}
		if left != nil {
			t.Fatalf("killed after %v, it leaves %q", after, left)
		}
		slowest = max(slowest, time.Since(ended))
	}
	t.Logf("proved: %d runs of verify, killed within %v, left nothing; the last thing went after %v", killed, whole, slowest)
}

// leftOf is what a killed tool has left.
func leftOf(t *testing.T, m *engine.Machine, dir string, mounts []string) (left []string) {
	left = append(left, children()...)
	for _, one := range boxMounts(t) {
		if !slices.Contains(mounts, one) {
			left = append(left, "mount "+one)
		}
	}
	if err := m.Do(func() error { left = append(left, listeners()...); return nil }); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "tmp", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return append(left, files...)
}

// adoptOrphans makes this process the parent of what its children leave behind
// (PR_SET_CHILD_SUBREAPER).
func adoptOrphans(t *testing.T) {
	t.Helper()
	const setSubreaper = 36
	if err := call(syscall.SYS_PRCTL, setSubreaper, 1); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { call(syscall.SYS_PRCTL, setSubreaper, 0) })
}

// children are the living children of this process.
func children() (all []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, f := range files {
		text, err := os.ReadFile(f)
		name, rest, ok := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if err != nil || !ok || len(fields) < 2 || fields[1] != strconv.Itoa(os.Getpid()) {
			continue
		}
		if pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f))); fields[0] == "Z" {
			syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
			continue
		}
		all = append(all, "process "+name+")")
	}
	return all
}

// boxMounts are the mounts where boxes are built.
func boxMounts(t *testing.T) (all []string) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 4 && (words[4] == "/sys" || strings.HasPrefix(words[4], "/sys/")) {
			all = append(all, words[4])
		}
	}
	return all
}

// listeners are the TCP ports that are open in the thread's network namespace.
func listeners() (all []string) {
	for _, file := range []string{"tcp", "tcp6"} {
		text, _ := os.ReadFile("/proc/thread-self/net/" + file)
		for line := range strings.Lines(string(text)) {
			if words := strings.Fields(line); len(words) > 3 && words[3] == "0A" {
				all = append(all, "port "+words[1])
			}
		}
	}
	return all
}

// toolFolder returns a folder with this test's program as the tool, for every user.
func toolFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gatewright-tool-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	copyFile(t, program, filepath.Join(dir, "gatewright"))
	if err := os.Mkdir(filepath.Join(dir, "tmp"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{dir, filepath.Join(dir, "tmp")} {
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func toolAs(dir string, user int, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(dir, "gatewright"), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), asTool, "TMPDIR="+filepath.Join(dir, "tmp"), "HOME="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(user), Gid: uint32(user)}}
	return cmd
}

// TestSignalsEndEveryCommand interrupts commands at random moments, and while they wait
// for what does not come.
func TestSignalsEndEveryCommand(t *testing.T) {
	adoptOrphans(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	dir := toolFolder(t)
	copyFile(t, prefixCatalog(t, 50_000), filepath.Join(dir, "large.json"))
	var stderr bytes.Buffer
	if code := run([]string{"generate", "-q", "--catalog", filepath.Join(dir, "large.json"), "-o", filepath.Join(dir, "out")}, nil, io.Discard, &stderr); code != exitOK {
		t.Fatal(stderr.String())
	}
	r := rand.New(rand.NewPCG(1, 1))
	for i, c := range []struct {
		args []string
		most time.Duration // until the signal
	}{
		{[]string{"generate", "--catalog", "large.json", "-o", "other"}, time.Second / 2},
		{[]string{"generate", "--site", "-"}, time.Second / 2},
		{[]string{"check", "--catalog", "large.json", "-o", "out"}, time.Second / 2},
		{[]string{"diff", "large.json", "m365-additional"}, time.Second / 2},
		{[]string{"diff", "-", "large.json"}, time.Second / 2},
		{[]string{"list", "--catalog", "large.json"}, time.Second / 2},
		{[]string{"list", "--lint", "--catalog", "large.json"}, time.Second / 2},
		{[]string{"explain", "-"}, time.Second / 2},
		{[]string{"fetch", "http://" + silent.Addr().String() + "/feed.json", "-o", "feed.json"}, time.Second / 2},
		{[]string{"verify", "--site", "-"}, time.Second / 2},
		{[]string{"verify", "--catalog", "m365-additional"}, 3 * time.Second},
		{[]string{"verify", "--catalog", "large.json", "-o", "out"}, 3 * time.Second},
		{[]string{"verify", "--unboxed", "--catalog", "m365-additional"}, 3 * time.Second},
	} {
		for j, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
			name := fmt.Sprintf("%s by %v", strings.Join(c.args[:1], " "), signal)
			cmd := toolAs(dir, 0, c.args...)
			stdin, err := cmd.StdinPipe() // from which nothing comes
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(r.Int64N(int64(c.most))))
			cmd.Process.Signal(signal)
			sent := time.Now()
			late := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
			cmd.Wait()
			late.Stop()
			stdin.Close()
			if took := time.Since(sent); took > 3*time.Second {
				t.Errorf("%d.%d %s takes %v: %v", i, j, name, took, c.args)
			}
			for deadline := time.Now().Add(2 * time.Second); ; time.Sleep(5 * time.Millisecond) {
				left := children()
				if len(left) == 0 {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("%s leaves %q: %v", name, left, c.args)
				}
			}
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "tmp", "*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestInterruptedRunIsTold holds that no command takes files of two runs for those of
// one: neither beside the journal of a run that was killed, nor without it.
func TestInterruptedRunIsTold(t *testing.T) {
	checkout(t)
	old, err := os.ReadFile("out/gatewright.nft")
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := os.ReadFile("own.json")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("own.json", bytes.ReplaceAll(catalog, []byte("192.0.2.1"), []byte("192.0.2.2")))
	if status, _, told := runSoon(t, "generate", "-q"); status != exitOK {
		t.Fatal(told)
	}
	write("out/gatewright.nft", old)
	const note = "gatewright: warning: own.json:2:60: \"192.0.2.2\": bare address read as /32\n"
	expect := func(want string, status int, args ...string) {
		t.Helper()
		got, _, told := runSoon(t, args...)
		if told = strings.TrimPrefix(told, note); got != status || told != want {
			t.Errorf("%q: status %d, %q; want %d, %q", args, got, told, status, want)
		}
	}
	if status, stdout, _ := runSoon(t, "check"); status != exitDifferent || !strings.Contains(stdout, "--- out/gatewright.nft\n") || strings.Contains(stdout, "squid") {
		t.Errorf("one file of the run before: status %d, %q", status, stdout)
	}
	records, err := os.ReadFile("out/" + output.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	write("out/"+".gatewright/journal", records)
	expect("gatewright: error: out: an earlier run was interrupted, so some files may be from the run before it; run generate again to finish it\n", exitDifferent, "check")
	expect("gatewright: error: out: an earlier run was interrupted, so some files may be from the run before it; run generate again to finish it\n", exitFailed, "diff", "out", "out")
}
