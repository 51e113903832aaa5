package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// Capabilities that network namespaces and the tools in them need
// (capabilities(7)).
const (
	capNetAdmin = 12
	capNetRaw   = 13
	capSysAdmin = 21
)

// MayMakeNamespaces reports whether this process may make network namespaces: it is
// root, or EnterUserNamespace has started it.
func MayMakeNamespaces() bool {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	_, rest, _ := bytes.Cut(status, []byte("\nCapEff:\t"))
	digits, _, _ := bytes.Cut(rest, []byte("\n"))
	effective, err := strconv.ParseUint(string(digits), 16, 64)
	const needed = 1<<capNetAdmin | 1<<capNetRaw | 1<<capSysAdmin
	return err == nil && effective&needed == needed
}

// EnterUserNamespace runs this program once more with the same arguments, environment
// and standard streams, in a user namespace of its own (user_namespaces(7)): the same
// user, who may make network namespaces there. It returns the exit status.
//
// It fails where the system allows ordinary users no namespaces.
func EnterUserNamespace(ctx context.Context) (status int, err error) {
	program, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, program, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}},
		AmbientCaps: []uintptr{capNetAdmin, capNetRaw, capSysAdmin},
	}
	var exit *exec.ExitError
	if err = cmd.Run(); errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 0, fmt.Errorf("user namespace: %w", err)
	}
	return 0, nil
}
