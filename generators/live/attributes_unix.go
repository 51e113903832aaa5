//go:build unix

package live

import (
	"io/fs"
	"os"
	"syscall"
)

// keepAttributes gives a file the mode and the owner of another one.
func keepAttributes(f *os.File, of fs.FileInfo) error {
	if stat, ok := of.Sys().(*syscall.Stat_t); ok {
		if err := f.Chown(int(stat.Uid), int(stat.Gid)); err != nil {
			return err
		}
	}
	return f.Chmod(of.Mode().Perm())
}
