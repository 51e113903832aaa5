package output

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"gatewright/catalog/plainfile"
	"gatewright/cmd/gatewright/internal/interrupt"
)

// beside is the name under which Replace writes a file.
func beside(name string) string { return "." + name + ".new" }

// ClearNew removes what a Replace that was killed left beside a file of a folder.
func ClearNew(root *os.Root, name string) error {
	if err := root.Remove(beside(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Replace puts a plain file into place in a folder, all of it or nothing, and syncs the
// folder. The mode is that of a new file; one that is replaced keeps its own. A signal
// that ends the tool is an error, interrupt.Err, and changes nothing.
func Replace(root *os.Root, name string, data []byte, mode fs.FileMode) error {
	if old, err := root.Lstat(name); err == nil && !old.Mode().IsRegular() {
		return fmt.Errorf("%s is in the way: it is not a regular file; remove it, or write elsewhere", name)
	}
	ctx, release := interrupt.Hold()
	defer release()
	err := plainfile.Replace(root, name, beside(name), data, mode, func(f *os.File, old fs.FileInfo) error {
		if ctx.Err() != nil {
			return interrupt.Err
		}
		if old != nil {
			return f.Chmod(old.Mode().Perm()) // what the umask took away
		}
		return nil
	})
	if err != nil {
		return err
	}
	return syncFolder(root, ".")
}
