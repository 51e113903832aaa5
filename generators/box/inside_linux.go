package box

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unsafe"
)

// Main does the work and ends the process if Start has started it, and returns at once
// otherwise. It is to be called first in main.
func Main(do func(work []byte, answers io.Writer) error) {
	if !calledInside() {
		return
	}
	if !isFresh() {
		fmt.Fprintf(os.Stderr, "%s can only be started by gatewright\n", name)
		os.Exit(2)
	}
	var s setup
	if err := json.NewDecoder(os.Stdin).Decode(&s); err != nil {
		os.Exit(1) // the outside has ended
	}
	go endWithOutside()
	if err := enter(s.Reads); err != nil {
		var failed *failure
		if !errors.As(err, &failed) {
			failed = &failure{Step: err.Error(), Errno: syscall.EINVAL}
		}
		json.NewEncoder(os.Stdout).Encode(failed)
		os.Exit(1)
	}
	isInside = true
	fmt.Println(ready)
	if err := do(s.Work, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// isFresh reports whether this process is the first one of its namespaces, so that
// nobody else's mounts are changed.
func isFresh() bool {
	ids, err := os.ReadFile("/proc/self/uid_map")
	words := strings.Fields(string(ids))
	return err == nil && os.Getpid() == 1 && len(words) == 3 && words[0] == "0" && words[2] == "1"
}

// endWithOutside ends the process, and with it the box, when the outside is gone. That
// is sure where the parent-death signal is not: it can come too early.
func endWithOutside() {
	os.Stdin.Read(make([]byte, 1))
	os.Exit(137)
}

// staging is where the root is built: any folder that nothing is read from.
const staging = "/sys"

// Constants that package syscall lacks (close_range(2), mount_setattr(2)).
const (
	sysCloseRange     = 436
	closeRangeCloexec = 4
	sysMountSetattr   = 442
	atFDCWD           = -100
	atRecursive       = 0x8000
	attrReadOnly      = 1
	attrNoSUID        = 2
)

// system is what every program needs of the machine.
var system = []string{
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32",
	"/etc/alternatives", "/etc/ld.so.cache",
	"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom",
}

// written are files of the box itself: who is who, and that no name leads anywhere.
var written = map[string]string{
	"/etc/passwd":        "root:x:0:0:root:/tmp:/usr/sbin/nologin\nengine:x:1000:1000:engine:/tmp:/usr/sbin/nologin\nproxy:x:13:13:proxy:/tmp:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/tmp:/usr/sbin/nologin\n",
	"/etc/group":         "root:x:0:\nengine:x:1000:\nproxy:x:13:\nnogroup:x:65534:\n",
	"/etc/hosts":         "127.0.0.1 localhost\n::1 localhost\n",
	"/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n",
}

// enter leaves the machine behind: afterwards this process sees the box alone.
func enter(reads []string) error {
	// What was inherited is not passed on.
	if _, _, errno := syscall.Syscall(sysCloseRange, 3, ^uintptr(0), closeRangeCloexec); errno != 0 {
		return &failure{"close_range", errno}
	}
	if err := sealMounts(); err != nil {
		return err
	}
	if err := mount("tmpfs", staging, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "mode=0755,size=16m"); err != nil {
		return err
	}
	for _, dir := range []string{"/tmp", "/dev/shm"} {
		if err := makeDir(dir); err != nil {
			return err
		}
		if err := mount("tmpfs", staging+dir, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, "mode=1777,size=2g"); err != nil {
			return err
		}
	}
	for _, path := range append(system, reads...) {
		if err := bind(path); err != nil {
			return err
		}
	}
	for path, text := range written {
		if err := write(path, text); err != nil {
			return err
		}
	}
	if err := makeDir("/proc"); err != nil {
		return err
	}
	if err := mount("proc", staging+"/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""); err != nil {
		return err
	}
	if err := changeRoot(); err != nil {
		return err
	}
	os.Chdir("/tmp")
	return raiseLoopback()
}

// sealMounts has no mount of ours go back to the machine, and everything that is
// mounted be read-only and without set-user-ID.
func sealMounts() error {
	if err := mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	attributes := struct{ set, clear, propagation, userns uint64 }{set: attrReadOnly | attrNoSUID}
	root := [2]byte{'/'}
	at := atFDCWD
	_, _, errno := syscall.Syscall6(sysMountSetattr, uintptr(at), uintptr(unsafe.Pointer(&root)), atRecursive,
		uintptr(unsafe.Pointer(&attributes)), unsafe.Sizeof(attributes), 0)
	if errno != 0 {
		return &failure{"mount_setattr", errno}
	}
	return nil
}

// bind shows a file or a folder of the machine in the box. A link into /usr stays one.
func bind(path string) error {
	if _, err := os.Lstat(staging + path); err == nil {
		return nil // in a folder that is shown
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil // not there, or nothing for us
	}
	if err := makeDir(filepath.Dir(path)); err != nil {
		return err
	}
	if to, err := os.Readlink(path); err == nil && strings.HasPrefix(real, "/usr/") {
		return step("link "+path, os.Symlink(to, staging+path))
	}
	info, err := os.Stat(real)
	switch {
	case err != nil:
		return nil
	case info.IsDir():
		err = makeDir(path)
	default:
		err = write(path, "")
	}
	if err != nil {
		return err
	}
	return mount(real, staging+path, "", syscall.MS_BIND|syscall.MS_REC, "")
}

func makeDir(path string) error { return step("make "+path, os.MkdirAll(staging+path, 0o755)) }

func write(path, text string) error {
	if err := makeDir(filepath.Dir(path)); err != nil {
		return err
	}
	return step("write "+path, os.WriteFile(staging+path, []byte(text), 0o644))
}

// changeRoot makes what was built the root, and lets go of the machine's.
func changeRoot() error {
	if err := mount("", staging, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY|syscall.MS_NOSUID|syscall.MS_NODEV, ""); err != nil {
		return err
	}
	if err := os.Chdir(staging); err != nil {
		return step("enter the root", err)
	}
	if err := syscall.PivotRoot(".", "."); err != nil {
		return step("pivot_root", err)
	}
	return step("leave the machine's root", syscall.Unmount(".", syscall.MNT_DETACH))
}

// raiseLoopback sets the only link up (netdevice(7)).
func raiseLoopback() error {
	s, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return step("loopback", err)
	}
	defer syscall.Close(s)
	var request [40]byte
	copy(request[:], "lo")
	request[syscall.IFNAMSIZ] = syscall.IFF_UP
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(s), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return &failure{"loopback", errno}
	}
	return nil
}

func mount(from, to, kind string, flags uintptr, data string) error {
	what := kind
	if what == "" {
		what = strings.TrimPrefix(to, staging)
	}
	return step("mount "+what, syscall.Mount(from, to, kind, flags, data))
}

// step names what failed.
func step(what string, err error) error {
	if err == nil {
		return nil
	}
	errno := syscall.EINVAL
	errors.As(err, &errno)
	return &failure{what, errno}
}
