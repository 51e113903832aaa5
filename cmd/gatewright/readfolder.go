package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"gatewright/generators"
	"gatewright/generators/artefact"
)

// folder is the content of an output folder, but for the folder's own state.
type folder struct {
	dir      string
	files    artefact.Files
	readings []artefact.Reading // of each generator in the order of generators.All
	errs     []error            // why a generator did not read its files
}

// readFolder has every generator read its files. On an error there are none.
func readFolder(dir string) (folder, error) {
	files, err := readFiles(dir)
	f := folder{dir: dir, files: files}
	for _, g := range generators.All() {
		reading, bad := g.Read(files)
		f.readings, f.errs = append(f.readings, reading), append(f.errs, bad)
	}
	return f, err
}

// readFiles is where files of output folders are read.
func readFiles(dir string) (artefact.Files, error) {
	files := artefact.Files{}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name == stateDir:
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		files[name], err = root.ReadFile(name)
		return err
	})
	if err != nil {
		return nil, inFolder(dir, err)
	}
	return files, nil
}

// err returns why files were not read.
func (f folder) err() error {
	var errs []error
	for _, err := range f.errs {
		if err != nil {
			errs = append(errs, inFolder(f.dir, err))
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
			return fmt.Errorf("%w; or name the site file that it was made from with --site", inFolder(f.dir, other))
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
		inv.talk.warnf("%s: %s is of format %d; what %s makes in format %d stands for it", f.dir, other.File, other.Have, site, other.Now)
	}
	return nil
}
