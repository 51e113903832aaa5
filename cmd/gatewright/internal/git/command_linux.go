package git

import (
	"context"
	"os/exec"
	"strconv"
	"syscall"
)

// memory is what git may map, in KiB: an object may be packed ten thousand times
// smaller than it is.
const memory = 2 << 20

// command runs git, which ends with this process, however that ends.
func command(ctx context.Context, args []string) *exec.Cmd {
	limited := append([]string{"-c", "ulimit -v " + strconv.Itoa(memory) + ` && exec git "$@"`, "git"}, args...)
	c := exec.CommandContext(ctx, "/bin/sh", limited...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c
}
