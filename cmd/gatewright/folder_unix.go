//go:build unix

package main

import (
	"errors"
	"os"
	"syscall"
)

// lock takes the lock of a name in a folder without waiting; errLocked says
// that another process has it. The kernel drops it when the process ends, however
// it ends.
func lock(root *os.Root, name string) (unlock func(), err error) {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_RDWR|syscall.O_NONBLOCK, 0o644)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return func() { f.Close() }, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errLocked
	}
	return nil, os.NewSyscallError("flock", err)
}

func syncFolder(root *os.Root, name string) error {
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
