package plainfile

import (
	"errors"
	"io/fs"
	"os"
)

// Replace puts a file into place in a folder, all of it or nothing: it is written
// beside it, under a name from which what a killed run left is removed, synced, and
// renamed. The mode is that of a new file. Before it is put into place, ready gets the
// synced file, and what stands in its place, nil for nothing, to give the one the
// attributes of the other: until then nobody else can read a file that replaces one. An
// error leaves what stands there, and nothing beside it.
func Replace(root *os.Root, name, beside string, data []byte, mode fs.FileMode, ready func(f *os.File, old fs.FileInfo) error) error {
	if err := root.Remove(beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	old, err := root.Lstat(name)
	switch {
	case err == nil:
		mode = 0o600
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	f, err := root.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = ready(f, old)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = root.Rename(beside, name)
	}
	if err != nil {
		return errors.Join(err, root.Remove(beside))
	}
	return nil
}
