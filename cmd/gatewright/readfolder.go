package main

import (
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

// readFolder has every generator read its files of a folder.
func readFolder(path plainfile.Path) (folder, error) {
	root, err := path.OpenFolder()
	if err != nil {
		return folder{}, err
	}
	defer root.Close()
	return readRoot(path, root, ".")
}

// readRoot reads all that stands in a folder below the named files and folders.
func readRoot(path plainfile.Path, root *os.Root, names ...string) (folder, error) {
	f := folder{path: path, files: artefact.Files{}}
	left := int64(maxFolder)
	for _, name := range names {
		if err := readFiles(root, name, f.files, &left); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return f, inFolder(path, err)
		}
	}
	for _, g := range generators.All() {
		reading, err := g.Read(f.files)
		f.readings, f.errs = append(f.readings, reading), append(f.errs, err)
	}
	return f, nil
}

// Bounds of a folder that is read as a whole.
const (
	maxFolder = 512 << 20 // bytes
	maxFiles  = 100_000
)

// readFiles reads a file, or every file of a folder but its own state, by slash path.
// What is no file is an error: it may stand in the place of one.
func readFiles(root *os.Root, from string, files artefact.Files, left *int64) error {
	return fs.WalkDir(root.FS(), from, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name == stateDir:
			return fs.SkipDir
		case d.IsDir():
			return nil
		case len(files) == maxFiles:
			return fmt.Errorf("the folder holds over %d files; name one that holds rule files alone", maxFiles)
		}
		if files[name], err = plainfile.Read(root, name, min(*left, maxArtefact)); err == nil {
			*left -= int64(len(files[name]))
		}
		return err
	})
}

// readOutputs reads the files of a production, and those beside them in folders of
// their own.
func (p *production) readOutputs(root *os.Root) (folder, error) {
	var names []string
	for _, a := range p.artefacts() {
		name := a.Name
		if dir := path.Dir(name); dir != "." {
			name = dir
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return readRoot(p.folder, root, slices.Compact(names)...)
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
