package enginetest

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"text/template"

	"gatewright/generators/engine"
)

// Machine is an engine's machine with a network.
type Machine struct {
	*engine.Machine
	dir string // files that the tools read
}

// NewMachine needs root. Nothing of the machine outlives the process. Close frees it.
func NewMachine(ctx context.Context) (*Machine, error) {
	m, err := engine.NewMachine(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "gatewright-enginetest-")
	if err != nil {
		m.Close()
		return nil, err
	}
	return &Machine{m, dir}, nil
}

// Namespace names the machine's network namespace for `ip link ... netns`.
func (m *Machine) Namespace() (path string) {
	m.Do(func() error {
		path = fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), syscall.Gettid())
		return nil
	})
	return path
}

// Set writes sysctls, named by their paths below /proc/sys/net.
func (m *Machine) Set(settings map[string]string) error {
	return m.Do(func() error {
		for name, value := range settings {
			if err := os.WriteFile(filepath.Join("/proc/sys/net", name), []byte(value), 0); err != nil {
				return err
			}
		}
		return nil
	})
}

// IP runs the lines of an `ip -batch` file on the machine.
func (m *Machine) IP(lines []byte) error {
	_, err := m.run(lines, "ip", "-batch", "-")
	return err
}

// DumpNFT returns `nft -j list ruleset`.
func (m *Machine) DumpNFT() ([]byte, error) { return m.run(nil, "nft", "-j", "list", "ruleset") }

// run runs a program on the machine, in the folder of its files.
func (m *Machine) run(stdin []byte, args ...string) (out []byte, err error) {
	lock := filepath.Join(m.dir, "xtables.lock") // the machine's own: others work at the same time
	cmd := exec.Command("env", append([]string{"LC_ALL=C", "XTABLES_LOCKFILE=" + lock, "PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin"}, args...)...)
	cmd.Dir, cmd.Stdin = m.dir, bytes.NewReader(stdin)
	err = m.Do(func() error {
		out, err = cmd.Output()
		return err
	})
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, exit.Stderr)
	}
	return out, err
}

func (m *Machine) write(name string, text []byte) (string, error) {
	file := filepath.Join(m.dir, name)
	return file, os.WriteFile(file, text, 0o600)
}

// Close frees the machine. It may be called more than once, also on nil.
func (m *Machine) Close() {
	if m != nil {
		m.Machine.Close()
		os.RemoveAll(m.dir)
	}
}

//go:embed *.tmpl
var files embed.FS

func execute(name string, view any) ([]byte, error) {
	t, err := template.New(name).Option("missingkey=error").ParseFS(files, name)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, view)
	return b.Bytes(), err
}
