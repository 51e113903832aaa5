package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"gatewright/catalog/plainfile"
	"gatewright/cmd/gatewright/internal/output"
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

// readFolder reads all files of a folder.
func readFolder(path plainfile.Path) (folder, error) {
	files, err := output.Read(path)
	if err != nil {
		return folder{}, err
	}
	return folderOfFiles(path, files), nil
}

// readOutputs reads the files of a production, and all beside them in folders of their
// own.
func (p *production) readOutputs(root *os.Root) (folder, error) {
	files, err := output.ReadMade(p.folder, root, p.outputs)
	if err != nil {
		return folder{}, err
	}
	return folderOfFiles(p.folder, files), nil
}

// folderOfFiles has every generator read its files.
func folderOfFiles(path plainfile.Path, files artefact.Files) folder {
	f := folder{path: path, files: files}
	for _, g := range generators.All() {
		reading, err := g.Read(files)
		f.readings, f.errs = append(f.readings, reading), append(f.errs, err)
	}
	return f
}

// err returns why files were not read.
func (f folder) err() error {
	var errs []error
	for _, err := range f.errs {
		if err != nil {
			errs = append(errs, output.In(f.path, err))
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

// renew replaces files of another format by what generate would write now, and tells
// so.
func (inv *invocation) renew(f *folder) error {
	for i, g := range generators.All() {
		var other *artefact.FormatError
		if !errors.As(f.errs[i], &other) {
			continue
		}
		site, found := inv.site.atHand()
		if !found {
			return fmt.Errorf("%w; or name the site file from which it was made with --site", output.In(f.path, other))
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
		inv.console.Warnf("%s: %s has the old format %d; it is replaced by what %s makes in format %d", f.path, other.File, other.Have, site, other.Now)
	}
	return nil
}
