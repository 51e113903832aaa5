//go:build unix

package main

import (
	"os"
	"syscall"
	"unsafe"
)

// terminalWidth returns the width of the terminal behind f in characters, 0 if
// there is none (ioctl_tty(2), TIOCGWINSZ).
func terminalWidth(f *os.File) int {
	var size struct{ rows, cols, x, y uint16 }
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return 0
	}
	return int(size.cols)
}
