//go:build unix

package plainfile

import "syscall"

// nonblock opens a named pipe without waiting for who writes into it.
const nonblock = syscall.O_NONBLOCK
