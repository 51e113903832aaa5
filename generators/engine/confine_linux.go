package engine

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"gatewright/generators/box"
)

// Capabilities that the tools of packet filters need (capabilities(7)).
const (
	capNetAdmin = 12
	capNetRaw   = 13
)

// Users that programs run as: in a user namespace, and as root's.
const (
	engineID = 1000
	nobodyID = 65534
)

// confine takes from a command that is not started yet what its program does not need.
// The command's folder is given to the user that it runs as.
func (p program) confine(cmd *exec.Cmd) error {
	switch {
	case p.use == netRights:
	case box.Inside():
		// A user namespace of its own: whoever is in it has no right in the box's.
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: engineID, HostID: 0, Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: engineID, HostID: 0, Size: 1}},
			Credential:  &syscall.Credential{Uid: engineID, Gid: engineID, NoSetGroups: true},
		}
	case p.use == plainUser && os.Geteuid() == 0:
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobodyID, Gid: nobodyID}}
		return filepath.WalkDir(cmd.Dir, func(path string, _ fs.DirEntry, err error) error {
			return cmp.Or(err, os.Lchown(path, nobodyID, nobodyID))
		})
	}
	return nil
}

// prCapBSetDrop is of prctl(2).
const prCapBSetDrop = 24

// keepNetRights has what the calling thread starts in a box keep the rights that
// concern networks, and no other.
func keepNetRights() error {
	const last = 63
	for c := uintptr(0); c <= last && box.Inside(); c++ {
		if c == capNetAdmin || c == capNetRaw {
			continue
		}
		if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prCapBSetDrop, c, 0); errno == syscall.EINVAL {
			break // there are no more
		} else if errno != 0 {
			return fmt.Errorf("bounding set: %w", errno)
		}
	}
	return nil
}
