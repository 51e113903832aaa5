package output

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// errSharingViolation is ERROR_SHARING_VIOLATION of the Windows API.
const errSharingViolation = syscall.Errno(32)

// Lock takes the lock of a name in a folder without waiting: a file that is
// opened without sharing; ErrLocked says that another process has it. The system
// closes it when the process ends. A link is opened itself, and not followed.
func Lock(root *os.Root, name string) (unlock func(), err error) {
	path, err := syscall.UTF16PtrFromString(filepath.Join(root.Name(), name))
	if err != nil {
		return nil, err
	}
	h, err := syscall.CreateFile(path, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL|syscall.FILE_FLAG_OPEN_REPARSE_POINT, 0)
	if errors.Is(err, errSharingViolation) {
		return nil, ErrLocked
	}
	if err != nil {
		return nil, os.NewSyscallError("CreateFile", err)
	}
	return func() { syscall.CloseHandle(h) }, nil
}

// RemoveLock removes a lock that nobody holds: one that is held cannot be removed.
func RemoveLock(root *os.Root, name string, unlock func()) {
	unlock()
	root.Remove(name)
}

// syncFolder does nothing: Windows cannot sync a folder, and journals renames itself.
func syncFolder(*os.Root, string) error { return nil }
