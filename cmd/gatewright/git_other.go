//go:build !linux

package main

import (
	"context"
	"os/exec"
)

// gitCommand runs git.
func gitCommand(ctx context.Context, args []string) *exec.Cmd {
	return exec.CommandContext(ctx, "git", args...)
}
