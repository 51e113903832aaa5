package kernel

import (
	"fmt"
	"runtime"
	"syscall"
)

// setns is the number of setns(2), which package syscall does not have for all.
var setns = map[string]uintptr{
	"386": 346, "amd64": 308, "arm": 375, "arm64": 268, "loong64": 268, "mips": 4344, "mipsle": 4344, "mips64": 5303, "mips64le": 5303,
	"ppc64": 350, "ppc64le": 350, "riscv64": 268, "s390x": 339,
}

// Enter takes the calling thread into the network namespace of a file. The thread has
// to end there.
func Enter(namespace string) error {
	f, err := openNamespace(namespace)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, _, errno := syscall.RawSyscall(setns[runtime.GOARCH], f.Fd(), syscall.CLONE_NEWNET, 0); errno != 0 {
		return fmt.Errorf("network namespace %s: %w", namespace, errno)
	}
	return nil
}
