package engine

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// program is a backend's executable and the Debian package that has it.
type program struct {
	name, pkg string
	reads     []string // of the machine, besides its system's programs and libraries
	use       rights
}

// rights are what a program may do, of what this process may.
type rights int

const (
	netRights rights = iota // in a box: what concerns the network namespace
	noRights                // in a box: nothing
	plainUser               // in a box: nothing; for root nothing without a box, too
)

var (
	nft   = program{name: "nft", pkg: "nftables", reads: []string{"/etc/protocols", "/etc/services"}}
	ipset = program{name: "ipset", pkg: "ipset"}
)

// iptables returns a variant's tool: "iptables-save", "ip6tables-restore".
func iptables(v Variant, tool string) program {
	if v != IptablesDefault {
		family, action, _ := strings.Cut(tool, "-")
		tool = family + "-" + string(v) + "-" + action
	}
	return program{name: tool, pkg: "iptables", reads: []string{"/etc/ethertypes", "/etc/xtables.conf"}}
}

// programs are those that verify runs.
func programs() []program {
	all := []program{nft, ipset, squidProgram, pactesterProgram, nodeProgram, chromiumProgram, firefoxProgram}
	for _, family := range []string{"iptables", "ip6tables"} {
		all = append(all, iptables(IptablesDefault, family+"-restore"), iptables(IptablesDefault, family+"-save"))
	}
	return all
}

// Needs returns what a box has to hold besides the machine's system: what the programs
// read, and programs that stand elsewhere.
func Needs() []string {
	var all []string
	for _, p := range programs() {
		all = append(all, p.reads...)
		if path, err := p.path(); err == nil && !strings.HasPrefix(path, "/usr/") {
			all = append(all, path)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// lastWords is how long a program's own processes may hold its output open after its
// end.
const lastWords = 2 * time.Second

// output runs the program in the folder and returns its standard output. An error
// holds what the program said on standard error.
func (p program) output(ctx context.Context, dir string, stdin []byte, env []string, args ...string) ([]byte, error) {
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.WaitDelay = dir, lastWords
	if err := p.confine(cmd); err != nil {
		return nil, err
	}
	cmd.Env = append(cmd.Environ(), env...)
	cmd.Stdin = bytes.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	if ctx.Err() != nil {
		err = ctx.Err()
	} else if crash := p.crash(cmd.ProcessState, stderr.String()); crash != nil {
		return nil, crash
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w%s", p.name, strings.Join(args, " "), err, said(stderr.String()))
	}
	return stdout.Bytes(), nil
}

// crash returns an error if the program was ended by a signal.
func (p program) crash(state *os.ProcessState, stderr string) error {
	if state == nil {
		return nil // it has not started
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return &CrashError{p.name, status.Signal(), said(stderr)}
	}
	return nil
}

// path looks where a user's PATH may not look, too.
func (p program) path() (string, error) {
	for _, name := range []string{p.name, "/usr/sbin/" + p.name, "/sbin/" + p.name} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", &MissingError{p.name, p.pkg}
}

// said joins what a program said to its error: at most 2,000 bytes.
func said(text string) string {
	const limit = 2000
	text = strings.TrimSpace(text)
	if len(text) > limit {
		text = text[:limit] + " ..."
	}
	if text == "" {
		return ""
	}
	return ": " + text
}
