//go:build unix

package output

import (
	"errors"
	"os"
	"syscall"
)

// Lock takes the lock of a name in a folder without waiting; ErrLocked says
// that another process has it. The kernel drops it when the process ends, however
// it ends.
func Lock(root *os.Root, name string) (unlock func(), err error) {
	for {
		f, err := root.OpenFile(name, os.O_CREATE|os.O_RDWR|syscall.O_NONBLOCK, 0o644)
		if err != nil {
			return nil, err
		}
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil && stands(root, name, f) {
			return func() { f.Close() }, nil
		}
		f.Close()
		switch {
		case err == nil: // its last holder removed it; another file has the name now, or none
		case errors.Is(err, syscall.EWOULDBLOCK):
			return nil, ErrLocked
		default:
			return nil, os.NewSyscallError("flock", err)
		}
	}
}

// stands reports whether the name is still that of the open file.
func stands(root *os.Root, name string, f *os.File) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	info, err := root.Lstat(name)
	return err == nil && os.SameFile(info, mine)
}

// RemoveLock removes a lock while it is held, so that it is not the next one's.
func RemoveLock(root *os.Root, name string, unlock func()) {
	root.Remove(name)
	unlock()
}

func syncFolder(root *os.Root, name string) error {
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
