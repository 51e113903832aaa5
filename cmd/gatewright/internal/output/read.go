package output

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"gatewright/catalog/plainfile"
	"gatewright/generators/artefact"
)

// ErrMixed says that a run was killed between its first and its last file.
var ErrMixed = errors.New("an earlier run was interrupted, so some files may be from the run before it; run generate again to finish it")

// Bounds of a folder that is read as a whole: what reads a line takes up to 200 bytes,
// and reading two folders at once is to take less than 2 GiB.
const (
	maxFolder = 256 << 20 // bytes
	maxLines  = 8_000_000
	maxFiles  = 100_000
)

// Read returns every file of an output folder, but the folder's own state. It fails
// with ErrMixed after a run that was killed, and over the bounds of a folder.
func Read(dir plainfile.Path) (artefact.Files, error) {
	root, err := dir.OpenFolder()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if Interrupted(root) {
		return nil, In(dir, ErrMixed)
	}
	r := reader{root: root, files: artefact.Files{}, left: maxFolder}
	if err := r.walk("."); err != nil {
		return nil, In(dir, err)
	}
	return r.files, nil
}

// ReadMade returns those files that the outputs name and that are there, and every file
// beside them in folders of their own; root is the open folder dir.
func ReadMade(dir plainfile.Path, root *os.Root, outputs []artefact.Made) (artefact.Files, error) {
	r := reader{root: root, files: artefact.Files{}, left: maxFolder}
	var folders []string
	for _, o := range outputs {
		for _, a := range o.Artefacts {
			if err := r.read(a.Name); err != nil {
				return nil, In(dir, err)
			}
			if in := path.Dir(a.Name); in != "." && !slices.Contains(folders, in) {
				folders = append(folders, in)
			}
		}
	}
	for _, in := range folders {
		if err := r.walk(in); err != nil {
			return nil, In(dir, err)
		}
	}
	return r.files, nil
}

// Folders returns the names of the folders in a folder that hold files of an output, in
// the order of their names.
func Folders(root *os.Root) (names []string, err error) {
	entries, err := fs.ReadDir(root.FS(), ".")
	for _, e := range entries {
		if !e.IsDir() { // a pipe must not be opened
			continue
		}
		if _, err := root.Lstat(path.Join(e.Name(), Manifest)); err == nil {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// Holds reports whether files of an output stand at the top of a folder.
func Holds(root *os.Root) bool {
	_, err := root.Lstat(Manifest)
	return err == nil
}

// reader reads files by slash path. What is no file is an error: it may stand in
// the place of one.
type reader struct {
	root  *os.Root
	files artefact.Files
	left  int64 // bytes
	lines int
}

// read reads a file, if it is there and not yet read.
func (r *reader) read(name string) error {
	if _, done := r.files[name]; done {
		return nil
	}
	data, err := plainfile.Read(r.root, name, min(r.left, MaxFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(r.files) == maxFiles:
		return fmt.Errorf("the folder holds more than %d files; name a folder that holds only rule files", maxFiles)
	}
	r.files[name] = data
	r.left -= int64(len(data))
	if r.lines += bytes.Count(data, newline); r.lines > maxLines {
		return fmt.Errorf("the files have more than %d lines together; select fewer entries, or write each generator to its own folder", maxLines)
	}
	return nil
}

var newline = []byte("\n")

// walk reads every file below a folder, but the output folder's own state.
func (r *reader) walk(dir string) error {
	err := fs.WalkDir(r.root.FS(), dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name == stateDir:
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		return r.read(name)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
