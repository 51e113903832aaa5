package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gatewright/generators/proof"
)

// asTool makes the test's own program the tool.
const asTool = "GATEWRIGHT_TEST_AS_TOOL=1"

func TestMain(m *testing.M) {
	standIn()
	proof.DoInBox()
	if key, value, _ := strings.Cut(asTool, "="); os.Getenv(key) == value {
		os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// nobody runs the tool as an ordinary user in a folder of its own, and returns what it
// said and its status.
func nobody(t *testing.T, dir string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command(filepath.Join(dir, "gatewright"), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), asTool)
	if os.Geteuid() == 0 {
		const id = 65534
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}}
	}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// TestVerifyAsOrdinaryUser proves packet filters without root, with more prefixes than
// a user namespace has room for in one transaction.
func TestVerifyAsOrdinaryUser(t *testing.T) {
	const prefixes, clients = 12_000, 7 // of the catalogue, of the default site
	dir, err := os.MkdirTemp("", "gatewright-verify-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	copyFile(t, program, filepath.Join(dir, "gatewright"))
	copyFile(t, prefixCatalog(t, prefixes), filepath.Join(dir, "bench.json"))
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	if code := run([]string{"generate", "nftables", "iptables", "-q", "--catalog", filepath.Join(dir, "bench.json"), "-o", filepath.Join(dir, "out")}, nil, io.Discard, &stderr); code != 0 {
		t.Fatal(stderr.String())
	}
	out, code := nobody(t, dir, "verify", "nftables", "iptables", "--catalog", "bench.json", "-o", "out")
	if code != exitOK || strings.Count(out, "proved by") != 2 || strings.Count(out, fmt.Sprintf(": %d prefixes", prefixes+clients)) != 2 {
		t.Errorf("status %d\n%s", code, out)
	}
	out, code = nobody(t, dir, "verify", "iptables", "--set", "iptables.ipset=no", "--catalog", "bench.json", "-o", "-")
	if code != exitOK || !strings.Contains(out, fmt.Sprintf(": %d prefixes, 2 rules", prefixes+clients)) {
		t.Errorf("trees: status %d\n%s", code, out)
	}
	file := filepath.Join(dir, "out", "gatewright.nft")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.Replace(text, []byte("\t\t\t16.0.8.0/24,\n"), nil, 1), 0o644); err != nil {
		t.Fatal(err)
	}
	out, code = nobody(t, dir, "verify", "nftables", "--catalog", "bench.json", "-o", "out")
	if code != exitDifferent || !strings.Contains(out, "to 16.0.8.0/24: the policy says accepted, the engine not accepted") {
		t.Errorf("a damaged file: status %d\n%s", code, out)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o755); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkVerify is the whole command for one packet filter.
func BenchmarkVerify(b *testing.B) {
	for _, generator := range []string{"nftables", "iptables"} {
		for _, n := range []int{300, 10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/prefixes=%d", generator, n), func(b *testing.B) {
				file := prefixCatalog(b, n)
				for b.Loop() {
					var stderr bytes.Buffer
					if code := run([]string{"verify", generator, "--catalog", file}, nil, io.Discard, &stderr); code != 0 {
						b.Fatalf("exit status %d: %s", code, stderr.String())
					}
				}
			})
		}
	}
}

// TestEveryEngineWorksInTheBox proves every output as root and as an ordinary user,
// with either iptables.
func TestEveryEngineWorksInTheBox(t *testing.T) {
	dir := toolFolder(t)
	for _, tool := range []string{"iptables-restore", "iptables-save", "ip6tables-restore", "ip6tables-save"} {
		if err := os.Symlink("/usr/sbin/xtables-legacy-multi", filepath.Join(dir, "tmp", tool)); err != nil {
			t.Fatal(err)
		}
	}
	for _, user := range []int{0, 65534} {
		whole := toolAs(dir, user, "verify", "--catalog", "m365-additional")
		whole.Env = append(whole.Env, "PATH=/sbin:/bin") // which may be links
		out, err := whole.CombinedOutput()
		for _, engine := range []string{"nft, read", "iptables, read", "pacparser, Node.js, Chromium", "Squid", "our own reader"} {
			if err != nil || !strings.Contains(string(out), ": proved by "+engine) {
				t.Errorf("user %d: %s: %v\n%s", user, engine, err, out)
			}
		}
		legacy := toolAs(dir, user, "verify", "iptables", "--catalog", "m365-additional")
		legacy.Env = append(legacy.Env, "PATH="+filepath.Join(dir, "tmp")+":"+os.Getenv("PATH"))
		if out, err := legacy.CombinedOutput(); err != nil || !strings.Contains(string(out), "iptables: proved") {
			t.Errorf("iptables-legacy, user %d: %v\n%s", user, err, out)
		}
	}
}
