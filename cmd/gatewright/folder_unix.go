//go:build unix

package main

import (
	"errors"
	"os"
	"syscall"
)

// lockFolder takes the lock of an output folder without waiting; errLocked says
// that another process has it. The kernel drops it when the process ends, however
// it ends.
func lockFolder(root *os.Root) (unlock func(), err error) {
	f, err := root.OpenFile(lockFile, os.O_CREATE|os.O_RDWR, 0o644)
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
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
