package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"gatewright/catalog/plainfile"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/change"
	"gatewright/cmd/gatewright/internal/output"
	"gatewright/generators/artefact"
)

// compareFolders compares what the files of two folders do, and as text those that no
// generator reads. In the place of a folder stands what generate would write for a site
// file. Files of another format are compared if they are the old ones and a site file
// is at hand.
func (inv *invocation) compareFolders(oldName, newName string) (change.Diff, error) {
	old, err := inv.folderOf(oldName)
	if err == nil && isFolder(oldName) {
		err = inv.renew(&old)
	}
	if err != nil {
		return change.Diff{}, err
	}
	new, err := inv.folderOf(newName)
	if err != nil {
		return change.Diff{}, err
	}
	if err := errors.Join(old.err(), new.err()); err != nil {
		return change.Diff{}, err
	}
	r := change.New()
	for i := range old.readings {
		if err := r.AddReadings(old.readings[i], new.readings[i]); err != nil {
			return change.Diff{}, err
		}
	}
	r.Old.Name, r.Old.Edited = oldName, old.edited()
	r.New.Name, r.New.Edited = newName, new.edited()
	if isFolder(oldName) && isFolder(newName) {
		r.Files = append(r.Files, change.Files(old.unread(), new.unread())...)
	}
	r.Finish(true)
	return r, nil
}

// folderOf reads a folder, or makes what generate would write for a site file.
// An output that it does not have is empty.
func (inv *invocation) folderOf(name string) (folder, error) {
	path := plainfile.Named(name)
	empty := folderOfFiles(path, artefact.Files{})
	if isFolder(name) {
		if lacks, err := lacksTop(path, inv.site.output); err != nil || lacks {
			return empty, err
		}
		f, err := readFolder(plainfile.Named(below(name, inv.site.output)))
		if inv.site.output != "" && errors.Is(err, fs.ErrNotExist) {
			return empty, nil
		}
		return f, err
	}
	isSite, err := inv.isSiteFile(name)
	if err == nil && !isSite {
		err = mustExist(name)
	}
	switch {
	case err != nil:
		return folder{}, err
	case !isSite:
		return folder{}, usagef("diff: %s is not a site file; only a site file can be compared with a folder; name two of one kind", name)
	case inv.site.file != "":
		return folder{}, usagef("diff: --site cannot be used with a site file as operand; omit it")
	}
	one := *inv
	one.site = inv.site.withFile(name)
	p, err := one.produce(nil)
	if errors.Is(err, site.ErrNoOutput) {
		return empty, nil
	}
	if err != nil {
		return folder{}, err
	}
	return folderOfFiles(path, artefact.FilesOf(p.artefacts())), nil
}

// mustExist refuses a name that no file and no folder has.
func mustExist(name string) error {
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: no such file or folder", name)
	}
	return nil
}

// lacksTop reports whether a folder has outputs in folders of their own alone, and what
// is at its top is asked for.
func lacksTop(path plainfile.Path, name string) (bool, error) {
	if name != "" {
		return false, nil
	}
	root, err := path.OpenFolder()
	if err != nil {
		return false, err
	}
	defer root.Close()
	names, err := output.Folders(root)
	return len(names) > 0 && !output.Holds(root), err
}
