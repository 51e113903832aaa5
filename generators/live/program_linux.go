package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"gatewright/generators/bounded"
	"gatewright/generators/nftables/kernel"
)

// Bounds of one run of a program.
const (
	programTime   = 10 * time.Minute
	programOutput = 1 << 30  // bytes
	programSaid   = 64 << 10 // bytes of its words, the last ones: why it failed
	shownSaid     = 2000     // bytes of these in an error
)

var errNotInstalled = errors.New("is not installed")

// run runs a program in the machine's network namespace, with nothing of this process's
// environment, and returns what it printed. It ends with this process.
func (m Machine) run(stdin []byte, name string, args ...string) (out []byte, err error) {
	path, err := programPath(name)
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		// The program is killed with its parent, which is a thread: it waits for it, and ends
		// itself if it has left the process's namespace.
		runtime.LockOSThread()
		if m.Namespace == "" {
			defer runtime.UnlockOSThread()
		} else if err = kernel.Enter(m.Namespace); err != nil {
			return
		}
		out, err = runHere(stdin, path, args)
	}()
	<-done
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(append([]string{name}, args...), " "), err)
	}
	return out, nil
}

// programPath looks where a user's PATH may not look, too.
func programPath(name string) (string, error) {
	for _, one := range []string{name, "/usr/sbin/" + name, "/sbin/" + name} {
		if path, err := exec.LookPath(one); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s %w; install the package that contains it", name, errNotInstalled)
}

func runHere(stdin []byte, path string, args []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), programTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Env = "/", []string{"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stdin = bytes.NewReader(stdin)
	stdout, stderr := bounded.Buffer{Limit: programOutput, Stop: cancel}, bounded.Tail{Limit: programSaid}
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	switch said := strings.TrimSpace(stderr.String()); {
	case stdout.Full():
		return nil, fmt.Errorf("printed more than %d bytes", programOutput)
	case ctx.Err() != nil:
		return nil, fmt.Errorf("did not end within %v", programTime)
	case err != nil:
		return nil, &programError{err, said}
	}
	return stdout.Bytes(), nil
}

// programError is the failure of a program, with what it said.
type programError struct {
	failed error
	said   string
}

func (e *programError) Unwrap() error { return e.failed }

func (e *programError) Error() string {
	if e.said == "" {
		return e.failed.Error()
	}
	return e.failed.Error() + ": " + e.said[:min(len(e.said), shownSaid)]
}
