package output

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"gatewright/cmd/gatewright/internal/interrupt"
)

// ClearNew removes what a Replace that was killed left beside a file of a folder. It
// returns that name, under which Replace writes.
func ClearNew(root *os.Root, name string) (stage string, err error) {
	stage = "." + name + ".new"
	if err := root.Remove(stage); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return stage, nil
}

// Replace puts a plain file into place in a folder, all of it or nothing: written beside
// it, synced, and renamed. The mode is that of a new file; one that is replaced keeps its
// own. A signal that ends the tool is an error, interrupt.Err, and changes nothing.
func Replace(root *os.Root, name string, data []byte, mode fs.FileMode) error {
	old, missing := root.Lstat(name)
	if missing == nil && !old.Mode().IsRegular() {
		return fmt.Errorf("%s is in the way: it is no plain file; remove it, or write elsewhere", name)
	}
	ctx, release := interrupt.Hold()
	defer release()
	stage, err := ClearNew(root, name)
	if err != nil {
		return err
	}
	if missing == nil {
		mode = old.Mode().Perm()
	}
	f, err := create(root, stage, mode, missing == nil, data)
	if err != nil {
		return err
	}
	err = errors.Join(f.Sync(), f.Close())
	if err == nil && ctx.Err() != nil {
		err = interrupt.Err
	}
	if err != nil {
		return errors.Join(err, root.Remove(stage))
	}
	if err := root.Rename(stage, name); err != nil {
		return errors.Join(err, root.Remove(stage))
	}
	return syncFolder(root, ".")
}
