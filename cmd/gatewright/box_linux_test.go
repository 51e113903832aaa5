package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"gatewright/generators/engine/enginetest"
)

// TestBoxHoldsAnEngine has a program in place of an engine try what one that is turned
// against its user would: in the box nothing of it works, and all of it as root without
// the box.
func TestBoxHoldsAnEngine(t *testing.T) {
	for _, c := range []struct {
		name, generator, program string
		user                     int
		unboxed                  bool
	}{
		{"PAC engine", "pac", "node", 0, false},
		{"packet filter's tool", "nftables", "nft", 0, false},
		{"PAC engine of an ordinary user", "pac", "node", 65534, false},
		{"packet filter's tool of an ordinary user", "nftables", "nft", 65534, false},
		{"PAC engine without a box", "pac", "node", 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, at := layTargets(t)
			writeStandIn(t, filepath.Join(dir, c.program), at.targets)
			args := []string{"verify", c.generator}
			if c.unboxed {
				args = append(args, "--unboxed")
			}
			said := at.run(t, dir, c.user, args)
			did := regexp.MustCompile(`: ((?:[-+]\d+)+)\.\n`).FindStringSubmatch(said)
			if did == nil {
				t.Fatalf("the stand-in was not run: %s", said)
			}
			left := leftBehind(at.Mark)
			for _, pid := range left {
				syscall.Kill(pid, syscall.SIGKILL)
			}
			for i, a := range attempts {
				could := strings.Contains(did[1]+"+", fmt.Sprintf("+%d+", i)) || strings.Contains(did[1]+"-", fmt.Sprintf("+%d-", i))
				if a.name == "leave a process behind" {
					could = len(left) > 0
				}
				if could != c.unboxed {
					t.Errorf("%s: could %t", a.name, could)
				}
			}
			if text, err := os.ReadFile(filepath.Join(at.Folder, "home")); err != nil || (string(text) == "changed") != c.unboxed {
				t.Errorf("the file in the home holds %q, %v", text, err)
			}
		})
	}
}

// layout is what the test lays out for a stand-in.
type layout struct {
	targets
	machine   *enginetest.Machine
	inherited *os.File
}

// layTargets makes targets on a machine of the test's own, and a folder for engines.
func layTargets(t *testing.T) (dir string, l layout) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	for _, d := range []*string{&dir, &l.Folder} {
		*d, err = os.MkdirTemp("", "gatewright-stand-in-")
		check(err)
		t.Cleanup(func() { os.RemoveAll(*d) })
		check(os.Chmod(*d, 0o755))
	}
	for _, name := range []string{"secret", "home"} {
		check(os.WriteFile(filepath.Join(l.Folder, name), []byte("as it was"), 0o600))
	}
	l.Program = filepath.Join(dir, "chromium")
	check(os.WriteFile(l.Program, []byte("#!/bin/sh\nexit 1\n"), 0o777))
	check(os.Chmod(l.Program, 0o777))
	l.inherited, err = os.Create(filepath.Join(l.Folder, "inherited"))
	check(err)
	t.Cleanup(func() { l.inherited.Close() })
	l.Mark = filepath.Base(l.Folder)
	l.Key, l.Abstract, l.Shared = l.Mark, l.Mark, "/dev/shm/"+l.Mark
	check(os.WriteFile(l.Shared, nil, 0o666))
	t.Cleanup(func() { os.Remove(l.Shared) })
	l.Segment = uintptr(os.Getpid())
	id, _, errno := syscall.Syscall(syscall.SYS_SHMGET, l.Segment, 4096, ipcCreate|0o666)
	if errno != 0 {
		t.Fatal(errno)
	}
	t.Cleanup(func() { call(syscall.SYS_SHMCTL, id, ipcRemove, 0) })
	for _, pid := range []*int{&l.Signalled, &l.Traced} {
		sleep := exec.Command("sleep", "60")
		check(sleep.Start())
		t.Cleanup(func() { sleep.Process.Kill(); sleep.Wait() })
		*pid = sleep.Process.Pid
	}
	l.machine, err = enginetest.NewMachine(t.Context())
	check(err)
	t.Cleanup(l.machine.Close)
	check(l.machine.IP([]byte("link set lo up\nlink add out type veth peer name far\naddr add 192.0.2.1/24 dev out\nlink set out up\nlink set far up\n")))
	check(l.machine.Do(func() error { return l.listen(t) }))
	return dir, l
}

// listen opens what a stand-in may connect to, and lays a key into the thread's
// session.
func (l *layout) listen(t *testing.T) error {
	for _, one := range []struct {
		network, address string
		to               *string
	}{
		{"tcp", "127.0.0.1:0", &l.Loopback},
		{"tcp", "192.0.2.1:0", &l.Outside},
		{"unix", "@" + l.Abstract, nil},
		{"unix", filepath.Join(l.Folder, "socket"), nil},
	} {
		listener, err := net.Listen(one.network, one.address)
		if err != nil {
			return err
		}
		t.Cleanup(func() { listener.Close() })
		if one.to != nil {
			*one.to = listener.Addr().String()
		}
	}
	if err := os.Chmod(filepath.Join(l.Folder, "socket"), 0o777); err != nil {
		return err
	}
	if err := call(syscall.SYS_KEYCTL, keyctlJoin, 0); err != nil {
		return err
	}
	ring := sessionKeyring
	return call(syscall.SYS_ADD_KEY, text("user"), text(l.Key), text("secret"), 6, uintptr(ring))
}

// run runs the tool on the machine, as a user, with the folder's engines alone.
func (l layout) run(t *testing.T, dir string, user int, args []string) (said string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tool := filepath.Join(dir, "gatewright")
	copyFile(t, program, tool)
	cmd := exec.CommandContext(t.Context(), tool, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + dir, asTool, standInSecret + "=secret"}
	cmd.ExtraFiles = []*os.File{l.inherited}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(user), Gid: uint32(user)}}
	err = l.machine.Do(func() error {
		out, err := cmd.CombinedOutput()
		said = string(out)
		return err
	})
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != exitFailed {
		t.Errorf("%v\n%s", err, said)
	}
	return said
}
