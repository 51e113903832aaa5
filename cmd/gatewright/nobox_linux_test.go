package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestWithoutBox holds that verify names what the box lacks, proves what needs none,
// and runs engines without it only if it is told to.
func TestWithoutBox(t *testing.T) {
	const (
		before = "gatewright: error: not proved: nftables: this machine cannot make the box in which engines run: "
		after  = "; for files that you trust, --unboxed runs the engines without the box, with your own rights\n"
		sites  = "trusted-sites: proved by our own reader of registry files: "
	)
	users := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 70_000}}
	own := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS, UidMappings: users, GidMappings: users}
	for _, c := range []struct {
		name, script string
		as           *syscall.SysProcAttr
		want         string
	}{
		{"no user namespaces", "echo 0 > /proc/sys/user/max_user_namespaces", own,
			"namespaces: no space left on device (user.max_user_namespaces is 0: no user namespaces may be made)"},
		{"no network namespaces", "echo 0 > /proc/sys/user/max_net_namespaces", own,
			"namespaces: no space left on device (user.max_net_namespaces is 0: no network namespaces may be made)"},
		{"no more namespaces", "echo 1 > /proc/sys/user/max_user_namespaces; unshare -U sleep 3 >/dev/null 2>&1 & sleep 0.2", own,
			"namespaces: no space left on device (there are as many namespaces as the limits user.max_*_namespaces allow)"},
		{"a chroot", "mkdir -p root; mount --rbind / root; cd /; set -- chroot $OLDPWD/root \"$@\"", &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS},
			"namespaces: operation not permitted (user namespaces are forbidden here, as in a chroot and in most containers)"},
		{"a masked /proc", "mount -t tmpfs tmpfs /proc/tty", &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS},
			"mount proc: operation not permitted (a part of /proc is hidden here, as in most containers)"},
		{"a program of root's alone", "chmod 700 gatewright", nil,
			"namespaces: permission denied (nobody but its owner may execute the file of this program; chmod 755 it)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := toolFolder(t)
			verify := func(args ...string) (stdout, stderr string, code int) {
				args = append([]string{filepath.Join(dir, "gatewright"), "verify", "nftables", "trusted-sites"}, args...)
				cmd := exec.CommandContext(t.Context(), "sh", append([]string{"-ec", c.script + "\nexec \"$@\"", "sh"}, args...)...)
				cmd.Dir, cmd.SysProcAttr = dir, c.as
				cmd.Env = append(os.Environ(), asTool)
				var out, err bytes.Buffer
				cmd.Stdout, cmd.Stderr = &out, &err
				cmd.Run()
				return out.String(), err.String(), cmd.ProcessState.ExitCode()
			}
			stdout, stderr, code := verify()
			if want := before + c.want + after; !strings.HasPrefix(stdout, sites) || stderr != want || code != exitFailed {
				t.Errorf("status %d\n%s%s; want\n%s%s", code, stdout, stderr, sites, want)
			}
			if c.name == "no network namespaces" {
				return // a packet filter is loaded in one without a box, too
			}
			if stdout, stderr, code = verify("--unboxed"); code != exitOK || !strings.Contains(stdout, "nftables: proved by nft") {
				t.Errorf("unboxed: status %d\n%s%s", code, stdout, stderr)
			}
		})
	}
}

// TestPacketFiltersNeedRootUnboxed holds that an ordinary user is told so.
func TestPacketFiltersNeedRootUnboxed(t *testing.T) {
	said, _ := toolAs(toolFolder(t), 65534, "verify", "nftables", "--unboxed").CombinedOutput()
	if want := "gatewright: error: nftables is not proved: cannot make a network namespace: operation not permitted; run this as root, or without --unboxed\n"; string(said) != want {
		t.Errorf("%q; want %q", said, want)
	}
}

// TestInsideIsNoProgram holds that the inside of a box does nothing to the mounts of
// who calls it by name.
func TestInsideIsNoProgram(t *testing.T) {
	cmd := exec.Command(filepath.Join(toolFolder(t), "gatewright"))
	cmd.Args = []string{"gatewright-box"}
	said, _ := cmd.CombinedOutput()
	if want := "gatewright-box can only be started by gatewright\n"; string(said) != want || cmd.ProcessState.ExitCode() != exitUsage {
		t.Errorf("status %d, %q; want %q", cmd.ProcessState.ExitCode(), said, want)
	}
}
