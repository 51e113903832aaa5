package live

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"gatewright/generators/nftables/kernel"
)

// runDir holds a folder for every network namespace that rules were applied in; nothing
// in it outlives the machine.
const runDir = "/run/gatewright"

// Run is what applies to one machine have in common. One process at a time holds it.
type Run struct {
	dir  *os.Root
	lock *os.File
}

// Hold takes a machine's Run; ErrBusy says that another process has it. Release gives
// it back, and so does the process's end, however it ends.
func (m Machine) Hold() (*Run, error) {
	r, err := m.open()
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(r.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		r.Release()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrBusy
		}
		return nil, os.NewSyscallError("flock", err)
	}
	return r, nil
}

// open opens a machine's Run without its lock.
func (m Machine) open() (*Run, error) {
	key, err := m.key()
	if err != nil {
		return nil, err
	}
	return openRun(filepath.Join(runDir, key))
}

func openRun(folder string) (*Run, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		if errors.Is(err, fs.ErrPermission) {
			err = fmt.Errorf("%w; changing rules takes root", err)
		}
		return nil, err
	}
	r, err := existingRun(folder)
	if err != nil {
		return nil, err
	}
	if r.lock, err = r.dir.OpenFile("lock", os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		r.dir.Close()
		return nil, err
	}
	return r, nil
}

// existingRun opens a Run to be read alone.
func existingRun(folder string) (*Run, error) {
	dir, err := os.OpenRoot(folder)
	return &Run{dir: dir}, err
}

// Release gives the Run back.
func (r *Run) Release() {
	r.lock.Close()
	r.dir.Close()
}

// key names the machine: by a number that no other network namespace has had since the
// machine started or, before Linux 5.14, by one that no other one has now.
func (m Machine) key() (string, error) {
	conn, err := kernel.Open(m.Namespace)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	cookie, err := conn.Cookie()
	if err == nil {
		return fmt.Sprintf("%x", cookie), nil
	}
	if !errors.Is(err, syscall.ENOPROTOOPT) {
		return "", fmt.Errorf("network namespace: %w", err)
	}
	file := m.Namespace
	if file == "" {
		file = "/proc/thread-self/ns/net"
	}
	var info syscall.Stat_t
	if err := syscall.Stat(file, &info); err != nil {
		return "", fmt.Errorf("network namespace %s: %w", file, err)
	}
	return fmt.Sprintf("inode-%d", info.Ino), nil
}

// Is reports whether two are the same machine.
func (m Machine) Is(other Machine) bool {
	a, err := m.key()
	b, otherErr := other.key()
	return err == nil && otherErr == nil && a == b
}
