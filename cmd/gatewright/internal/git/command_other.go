//go:build !linux

package git

import (
	"context"
	"os/exec"
)

// command runs git.
func command(ctx context.Context, args []string) *exec.Cmd {
	return exec.CommandContext(ctx, "git", args...)
}
