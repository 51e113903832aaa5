//go:build unix

package console

import (
	"os"
	"syscall"
	"unsafe"
)

// terminalWidth returns the width of the terminal behind f in characters, 0 if
// there is none.
func terminalWidth(f *os.File) int {
	columns, _ := windowSize(f)
	return columns
}

// CanAsk reports whether a person may answer at f.
func CanAsk(f *os.File) bool {
	_, ok := windowSize(f)
	return ok
}

// windowSize asks a terminal (ioctl_tty(2), TIOCGWINSZ); nothing else answers.
func windowSize(f *os.File) (columns int, ok bool) {
	var size struct{ Rows, cols, x, y uint16 }
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
	return int(size.cols), errno == 0
}
