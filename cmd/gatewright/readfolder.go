package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"

	"gatewright/catalog/plainfile"
	"gatewright/generators"
	"gatewright/generators/artefact"
)

// folder is the content of an output folder, but for the folder's own state.
type folder struct {
	path     plainfile.Path
	files    artefact.Files
	readings []artefact.Reading // of each generator in the order of generators.All
	errs     []error            // why a generator did not read its files
}

// errMixed says that a run was killed between its first and its last file.
var errMixed = errors.New("an earlier run was interrupted, so that some files may be of the one before; run generate again to finish it")

// readFolder reads all files of a folder.
func readFolder(path plainfile.Path) (folder, error) {
	root, err := path.OpenFolder()
	if err != nil {
		return folder{}, err
	}
	defer root.Close()
	if interrupted(root) {
		return folder{}, inFolder(path, errMixed)
	}
	r := folderReader{root: root, files: artefact.Files{}, left: maxFolder}
	if err := r.walk("."); err != nil {
		return folder{}, inFolder(path, err)
	}
	return r.folder(path), nil
}

// readOutputs is readFiles, with what the generators read of them.
func (p *production) readOutputs(root *os.Root) (folder, error) {
	r, err := p.readFiles(root)
	if err != nil {
		return folder{}, err
	}
	return r.folder(p.folder), nil
}

// readFiles reads the files of a production, and all beside them in folders of their own.
func (p *production) readFiles(root *os.Root) (*folderReader, error) {
	r := &folderReader{root: root, files: artefact.Files{}, left: maxFolder}
	for _, a := range p.artefacts() {
		if err := r.read(a.Name); err != nil {
			return nil, inFolder(p.folder, err)
		}
	}
	last := "."
	for _, a := range p.artefacts() {
		if dir := path.Dir(a.Name); dir != "." && dir != last {
			last = dir
			if err := r.walk(dir); err != nil {
				return nil, inFolder(p.folder, err)
			}
		}
	}
	return r, nil
}

// Bounds of a folder that is read as a whole: what reads a line takes up to 200 bytes, and
// reading two folders at once is to take less than 2 GiB.
const (
	maxFolder = 256 << 20 // bytes
	maxLines  = 8_000_000
	maxFiles  = 100_000
)

// folderReader reads files by slash path. What is no file is an error: it may stand in
// the place of one.
type folderReader struct {
	root  *os.Root
	files artefact.Files
	left  int64 // bytes
	lines int
}

// read reads a file, if it is there and not yet read.
func (r *folderReader) read(name string) error {
	if _, done := r.files[name]; done {
		return nil
	}
	data, err := plainfile.Read(r.root, name, min(r.left, maxArtefact))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(r.files) == maxFiles:
		return fmt.Errorf("the folder holds over %d files; name one that holds rule files alone", maxFiles)
	}
	r.files[name] = data
	r.left -= int64(len(data))
	if r.lines += bytes.Count(data, newline); r.lines > maxLines {
		return fmt.Errorf("the files have over %d lines together; generate from fewer entries, or write generators to folders of their own", maxLines)
	}
	return nil
}

var newline = []byte("\n")

// walk reads every file below a folder, but the output folder's own state.
func (r *folderReader) walk(dir string) error {
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

// folder has every generator read its files.
func (r *folderReader) folder(path plainfile.Path) folder {
	f := folder{path: path, files: r.files}
	for _, g := range generators.All() {
		reading, err := g.Read(f.files)
		f.readings, f.errs = append(f.readings, reading), append(f.errs, err)
	}
	return f
}

// err returns why files were not read.
func (f folder) err() error {
	var errs []error
	for _, err := range f.errs {
		if err != nil {
			errs = append(errs, inFolder(f.path, err))
		}
	}
	return errors.Join(errs...)
}

// of returns what a generator has read.
func (f folder) of(generator string) (artefact.Reading, error) {
	i := slices.IndexFunc(generators.All(), func(g generators.Generator) bool { return g.Name() == generator })
	return f.readings[i], f.errs[i]
}

// unread returns the files that no generator has read.
func (f folder) unread() artefact.Files {
	rest := maps.Clone(f.files)
	for _, r := range f.readings {
		for _, name := range r.Read {
			delete(rest, name)
		}
	}
	return rest
}

// edited returns the files that were changed by hand since they were generated.
func (f folder) edited() []string {
	var names []string
	for _, r := range f.readings {
		names = append(names, r.Edited...)
	}
	return slices.Sorted(slices.Values(names))
}

// renew replaces files of another format by what generate would write now, and tells so.
func (inv *invocation) renew(f *folder) error {
	for i, g := range generators.All() {
		var other *artefact.FormatError
		if !errors.As(f.errs[i], &other) {
			continue
		}
		site, found := inv.site.atHand()
		if !found {
			return fmt.Errorf("%w; or name the site file that it was made from with --site", inFolder(f.path, other))
		}
		p, err := inv.produce([]string{g.Name()})
		if err != nil {
			return err
		}
		for _, a := range p.artefacts() {
			f.files[a.Name] = a.Data
		}
		if f.readings[i], f.errs[i] = g.Read(f.files); f.errs[i] != nil {
			return f.errs[i]
		}
		inv.talk.warnf("%s: %s is of format %d; what %s makes in format %d stands for it", f.path, other.File, other.Have, site, other.Now)
	}
	return nil
}
