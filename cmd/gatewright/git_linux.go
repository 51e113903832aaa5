package main

import (
	"context"
	"os/exec"
	"strconv"
	"syscall"
)

// gitMemory is what git may map, in KiB: an object may be packed ten thousand times smaller
// than it is.
const gitMemory = 2 << 20

// gitCommand runs git, which ends with this process, however that ends.
func gitCommand(ctx context.Context, args []string) *exec.Cmd {
	limited := append([]string{"-c", "ulimit -v " + strconv.Itoa(gitMemory) + ` && exec git "$@"`, "git"}, args...)
	c := exec.CommandContext(ctx, "/bin/sh", limited...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c
}
