package main

import "syscall"

// lockFolder takes the lock of an output folder without waiting: a file that is
// opened without sharing. The system closes it when the process ends.
func lockFolder(file string) (unlock func(), err error) {
	name, err := syscall.UTF16PtrFromString(file)
	if err != nil {
		return nil, err
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, err
	}
	return func() { syscall.CloseHandle(h) }, nil
}

// syncFolder does nothing: Windows cannot sync a folder, and journals renames itself.
func syncFolder(string) error { return nil }
