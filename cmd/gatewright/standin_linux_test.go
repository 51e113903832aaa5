package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// targets are what a stand-in for an engine reaches for.
type targets struct {
	Folder            string // of root's: secret, home, inherited, socket
	Program           string // another engine, which everybody may write
	Loopback, Outside string // listeners
	Abstract          string // a Unix socket
	Signalled, Traced int    // processes
	Shared            string // POSIX shared memory
	Segment           uintptr
	Key               string // in the session keyring
	Mark              string // of the process that is left behind
}

// Operations and numbers of system calls (keyctl(2), ptrace(2)).
const (
	sessionKeyring  = -3
	keyctlJoin      = 1
	keyctlSearch    = 10
	ptraceSeize     = 0x4206
	ipcCreate       = 0o1000
	ipcRemove       = 0
	standInSecret   = "GATEWRIGHT_STAND_IN_SECRET"
	standInDetached = "stand-in-left-behind"
)

// attempts are what a program that is turned against its user may try. Each returns nil
// if it has what it wanted.
var attempts = []struct {
	name string
	try  func(targets) error
}{
	{"read /etc/shadow", func(targets) error { return readable("/etc/shadow") }},
	{"read another user's file", func(t targets) error { return readable(filepath.Join(t.Folder, "secret")) }},
	{"write to a home", func(t targets) error {
		return os.WriteFile(filepath.Join(t.Folder, "home"), []byte("changed"), 0o600)
	}},
	{"write to /", func(targets) error { return writable("/gatewright-stand-in") }},
	{"write to a program", func(t targets) error { return appendable(t.Program) }},
	{"write to /usr/lib", func(targets) error { return writable("/usr/lib/gatewright-stand-in") }},
	{"connect to loopback", func(t targets) error { return dial("tcp", t.Loopback) }},
	{"connect out", func(t targets) error { return dial("tcp", t.Outside) }},
	{"connect to an abstract socket", func(t targets) error { return dial("unix", "@"+t.Abstract) }},
	{"connect to a socket", func(t targets) error { return dial("unix", filepath.Join(t.Folder, "socket")) }},
	{"signal", func(t targets) error { return syscall.Kill(t.Signalled, syscall.SIGTERM) }},
	{"see a process", func(t targets) error { return readable(fmt.Sprintf("/proc/%d/stat", t.Traced)) }},
	{"ptrace", func(t targets) error { return call(syscall.SYS_PTRACE, ptraceSeize, uintptr(t.Traced), 0, 0) }},
	{"read its parent", func(targets) error { return readable(fmt.Sprintf("/proc/%d/environ", os.Getppid())) }},
	{"enter a process's network", func(t targets) error { return readable(fmt.Sprintf("/proc/%d/ns/net", t.Traced), readLink) }},
	{"open shared memory", func(t targets) error { return readable(t.Shared) }},
	{"attach a segment", func(t targets) error { return call(syscall.SYS_SHMGET, t.Segment, 0, 0) }},
	{"mount", mountInPlace},
	{"make a device", func(targets) error { return syscall.Mknod("device", syscall.S_IFCHR|0o600, 1<<8|3) }},
	{"restart the machine", restart},
	{"become root", becomeRoot},
	{"change a sysctl", changeSysctl},
	{"name the machine", nameMachine},
	{"raise its priority", func(targets) error { return syscall.Setpriority(syscall.PRIO_PROCESS, 0, -20) }},
	{"read the environment", func(targets) error { return found(os.Getenv(standInSecret) != "") }},
	{"use an inherited file", inheritedFile},
	{"use a key of the session", searchKey},
	{"leave a process behind", leaveBehind}, // told by who is left
}

// standIn tries everything if this program is called as an engine, and tells what it
// could do.
func standIn() {
	switch name := filepath.Base(os.Args[0]); {
	case len(os.Args) > 1 && os.Args[1] == standInDetached:
		time.Sleep(time.Minute)
		os.Exit(0)
	case name != "node" && name != "nft":
		return
	}
	runtime.LockOSThread()
	t := readTargets()
	for i, a := range attempts {
		if a.try(t) == nil {
			fmt.Fprintf(os.Stderr, "+%d", i)
		} else {
			fmt.Fprintf(os.Stderr, "-%d", i)
		}
	}
	fmt.Fprintln(os.Stderr, ".")
	os.Exit(1)
}

const targetsMark = "\n#stand-in's targets: "

// readTargets reads what stands behind the program in its own file.
func readTargets() (t targets) {
	data, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = json.Unmarshal(data[bytes.LastIndex(data, []byte(targetsMark))+len(targetsMark):], &t)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return t
}

func readLink(path string) error { _, err := os.Readlink(path); return err }

func readable(path string, how ...func(string) error) error {
	if how != nil {
		return how[0](path)
	}
	_, err := os.ReadFile(path)
	return err
}

func writable(path string) error {
	return errors.Join(os.WriteFile(path, nil, 0o600), os.Remove(path))
}

func appendable(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		f.Close()
	}
	return err
}

func dial(network, address string) error {
	conn, err := net.DialTimeout(network, address, 2*time.Second)
	if err == nil {
		conn.Close()
	}
	return err
}

func found(ok bool) error {
	if !ok {
		return os.ErrNotExist
	}
	return nil
}

func call(number uintptr, args ...uintptr) error {
	args = append(args, 0, 0, 0, 0, 0, 0)
	if _, _, errno := syscall.Syscall6(number, args[0], args[1], args[2], args[3], args[4], args[5]); errno != 0 {
		return errno
	}
	return nil
}

func text(s string) uintptr {
	b := append([]byte(s), 0)
	return uintptr(unsafe.Pointer(&b[0]))
}

func mountInPlace(targets) error {
	if err := os.Mkdir("mounted", 0o700); err != nil {
		return err
	}
	return errors.Join(syscall.Mount("tmpfs", "mounted", "tmpfs", 0, ""), syscall.Unmount("mounted", 0))
}

// restart may do so if only the magic numbers are bad (reboot(2)).
func restart(targets) error {
	return found(errors.Is(call(syscall.SYS_REBOOT, 0, 0, 0, 0), syscall.EINVAL))
}

// becomeRoot is of the root that all users of the machine are under.
func becomeRoot(targets) error {
	users, err := os.ReadFile("/proc/self/uid_map")
	return errors.Join(syscall.Setresuid(0, 0, 0), err, found(!strings.HasSuffix(string(users), " 1\n")))
}

func changeSysctl(targets) error {
	const file = "/proc/sys/kernel/panic"
	value, err := os.ReadFile(file)
	return errors.Join(err, os.WriteFile(file, value, 0))
}

func nameMachine(targets) error {
	name, err := os.Hostname()
	return errors.Join(err, syscall.Sethostname([]byte(name)))
}

func inheritedFile(t targets) error {
	files, err := os.ReadDir("/proc/self/fd")
	for _, f := range files {
		if to, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && to == filepath.Join(t.Folder, "inherited") {
			return nil
		}
	}
	return errors.Join(err, os.ErrNotExist)
}

func searchKey(t targets) error {
	ring := sessionKeyring
	return call(syscall.SYS_KEYCTL, keyctlSearch, uintptr(ring), text("user"), text(t.Key), 0)
}

func leaveBehind(t targets) error {
	cmd := exec.Command("/proc/self/exe", standInDetached, t.Mark)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd.Start()
}

// leftBehind returns the processes that have the mark as an argument, after they had
// time to end.
func leftBehind(mark string) (pids []int) {
	for deadline := time.Now().Add(2 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		pids = nil
		files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, f := range files {
			if line, err := os.ReadFile(f); err == nil && bytes.Contains(line, []byte("\x00"+mark+"\x00")) {
				pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
				pids = append(pids, pid)
			}
		}
		if len(pids) == 0 || time.Now().After(deadline) {
			return pids
		}
	}
}

// writeStandIn makes this test's program an engine in a folder.
func writeStandIn(t *testing.T, path string, at targets) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	copyFile(t, program, path)
	data, err := json.Marshal(at)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(targetsMark + string(data)); err != nil {
		t.Fatal(err)
	}
}
