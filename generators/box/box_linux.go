package box

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"

	"gatewright/generators/bounded"
)

// nobody is the user outside whom the inside of root's box is.
const nobody = 65534

// System calls' operations (prctl(2), keyctl(2)).
const (
	prSetNoNewPrivs    = 38
	joinSessionKeyring = 1
)

// namespaces are those that a box has of its own (namespaces(7)).
const namespaces = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWNS |
	syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS | syscall.CLONE_NEWCGROUP

// Box is a box with this program in it, at work.
type Box struct {
	cmd     *exec.Cmd
	answers *bufio.Reader
	pipes   []*os.File // our ends
	said    *bounded.Buffer
	ended   chan error
}

// Start makes a box and has the function that Main was given do the work in it. reads
// are files and folders of this machine, besides its system's, that are to be found in
// the box at the same place, read-only; what is not there, or not to be read by
// everybody, is left out. What the function writes is read from the Box. Close ends it,
// and so does the end of ctx.
//
// Where the machine cannot make the box, the error is an *UnavailableError.
func Start(ctx context.Context, reads []string, work []byte) (*Box, error) {
	in, send, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	receive, out, err := os.Pipe()
	if err != nil {
		send.Close()
		return nil, err
	}
	defer out.Close()
	b := &Box{answers: bufio.NewReader(receive), pipes: []*os.File{send, receive}, said: &bounded.Buffer{Limit: maxSaid}, ended: make(chan error, 1)}
	b.cmd = command(ctx)
	b.cmd.Stdin, b.cmd.Stdout, b.cmd.Stderr = in, out, b.said
	started := make(chan error)
	go b.live(started)
	if err := <-started; err != nil {
		b.closePipes()
		return nil, err
	}
	go json.NewEncoder(send).Encode(setup{reads, work}) // an inside that does not read it ends, and is told by that
	out.Close()
	if err := b.awaitInside(); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// command is this program as the first process of a box. Root's box belongs to nobody,
// where root itself is not the only user.
func command(ctx context.Context) *exec.Cmd {
	uid, gid := os.Geteuid(), os.Getegid()
	root := uid == 0 && hasUser(nobody)
	if root {
		uid, gid = nobody, nobody
	}
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.Args = []string{name}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/tmp", "TMPDIR=/tmp", "LC_ALL=C"}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:                 namespaces,
		UidMappings:                []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}},
		GidMappings:                []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}},
		GidMappingsEnableSetgroups: root, // root's groups are left behind; an ordinary user cannot
		Credential:                 &syscall.Credential{NoSetGroups: !root},
		Pdeathsig:                  syscall.SIGKILL,
		Setsid:                     true,
	}
	return cmd
}

// hasUser reports whether the user exists in the user namespace of this process.
func hasUser(id int) bool {
	text, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		var first, outside, count int
		if _, err := fmt.Sscan(line, &first, &outside, &count); err == nil && first <= id && id-first < count {
			return true
		}
	}
	return false
}

// live starts the inside and waits for its end on a thread of its own: what the thread
// gives up the inside never had, and the inside is killed when the thread ends.
func (b *Box) live(started chan<- error) {
	runtime.LockOSThread()
	if err := giveUp(); err != nil {
		started <- &UnavailableError{Step: "rights", Err: err}
		return
	}
	if err := b.cmd.Start(); err != nil {
		var errno syscall.Errno
		if errors.As(err, &errno) {
			err = errno
		}
		started <- unavailable("namespaces", err)
		return
	}
	started <- nil
	b.ended <- b.cmd.Wait()
}

// giveUp has the calling thread and what it starts gain no rights by a program's file,
// and keep no keys of the user's session. Where there are no keys to be had at all,
// there are none to keep.
func giveUp() error {
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("no new privileges: %w", errno)
	}
	_, _, errno := syscall.RawSyscall(syscall.SYS_KEYCTL, joinSessionKeyring, 0, 0)
	if errno != 0 && errno != syscall.ENOSYS && errno != syscall.EPERM {
		return fmt.Errorf("session keyring: %w", errno)
	}
	return nil
}

// ready is the first line of the inside's answers once the box stands. In its place
// stands what failed.
const ready = "ready"

func (b *Box) awaitInside() error {
	line, err := b.answers.ReadString('\n')
	line = strings.TrimSuffix(line, "\n")
	switch {
	case err != nil:
		return unavailable("start", fmt.Errorf("it ended at once%s", b.words()))
	case line != ready:
		var failed failure
		if err := json.Unmarshal([]byte(line), &failed); err != nil {
			return unavailable("start", fmt.Errorf("it answers %q", line))
		}
		return unavailable(failed.Step, failed.Errno)
	}
	return nil
}

// Read reads what the inside answers; at its end io.EOF. Whoever broke out of an
// engine may have written it.
func (b *Box) Read(p []byte) (int, error) { return b.answers.Read(p) }

// Close ends the box and everything in it. The error tells how the inside ended, if it
// had ended by itself and badly, and what it said.
func (b *Box) Close() error {
	b.cmd.Process.Kill()
	err := <-b.ended
	b.closePipes()
	if status, ok := b.cmd.ProcessState.Sys().(syscall.WaitStatus); err == nil || ok && status.Signal() == syscall.SIGKILL {
		return nil
	}
	return fmt.Errorf("the box ended: %w%s", err, b.words())
}

func (b *Box) closePipes() {
	for _, p := range b.pipes {
		p.Close()
	}
}

// maxSaid is how many bytes of what a box says are kept.
const maxSaid = 2000

// words is what the box said, after an error; empty if that is nothing.
func (b *Box) words() string {
	if text := strings.TrimSpace(b.said.String()); text != "" {
		return ": " + text
	}
	return ""
}

// failure is a step of making the box, and how it failed.
type failure struct {
	Step  string
	Errno syscall.Errno
}

func (f *failure) Error() string { return f.Step + ": " + f.Errno.Error() }

// unavailable names what forbids a step, if it is known.
func unavailable(step string, err error) error {
	return &UnavailableError{step, err, hint(step, err)}
}

func hint(step string, err error) string {
	for _, s := range settings {
		value, unread := os.ReadFile("/proc/sys/" + s.file)
		if unread == nil && strings.TrimSpace(string(value)) == s.value && errors.Is(err, s.err) && !(s.users && os.Geteuid() == 0) {
			return fmt.Sprintf("%s is %s: %s", strings.ReplaceAll(s.file, "/", "."), s.value, s.means)
		}
	}
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "there are as many namespaces as the limits user.max_*_namespaces allow"
	case errors.Is(err, syscall.EPERM) && step == "namespaces":
		return "user namespaces are forbidden here, as in a chroot and in most containers"
	case errors.Is(err, syscall.EACCES) && step == "namespaces":
		return "nobody but its owner may execute the file of this program; chmod 755 it"
	case errors.Is(err, syscall.EPERM) && step == "mount proc":
		return "a part of /proc is hidden here, as in most containers"
	case errors.Is(err, syscall.ENOSYS):
		return "Linux 5.12 or later is needed"
	}
	return ""
}

// settings are sysctls that forbid a box, and the error by which they do it.
var settings = []struct {
	file, value string
	err         error
	users       bool // forbids it to ordinary users alone
	means       string
}{
	{"user/max_user_namespaces", "0", syscall.ENOSPC, false, "no user namespaces may be made"},
	{"user/max_net_namespaces", "0", syscall.ENOSPC, false, "no network namespaces may be made"},
	{"user/max_pid_namespaces", "0", syscall.ENOSPC, false, "no process namespaces may be made"},
	{"user/max_mnt_namespaces", "0", syscall.ENOSPC, false, "no mount namespaces may be made"},
	{"user/max_ipc_namespaces", "0", syscall.ENOSPC, false, "no IPC namespaces may be made"},
	{"user/max_uts_namespaces", "0", syscall.ENOSPC, false, "no UTS namespaces may be made"},
	{"user/max_cgroup_namespaces", "0", syscall.ENOSPC, false, "no cgroup namespaces may be made"},
	{"kernel/unprivileged_userns_clone", "0", syscall.EPERM, true, "only root may make user namespaces"},
	{"kernel/apparmor_restrict_unprivileged_userns", "1", fs.ErrPermission, true, "only programs with a profile of AppArmor's may use user namespaces"},
}

var _ io.ReadCloser = (*Box)(nil)
