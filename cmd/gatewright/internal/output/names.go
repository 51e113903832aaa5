package output

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"gatewright/catalog/plainfile"
	"gatewright/generators/artefact"
)

// checkOutputs refuses what cannot be written, or not be read again, before anything
// is.
func checkOutputs(outputs []artefact.Made) error {
	whole, lines := int64(0), 0
	for _, o := range outputs {
		for _, a := range o.Artefacts {
			size := int64(len(a.Data))
			if size > MaxFile {
				return fmt.Errorf("generator %s: %s would have %d KiB, over the limit of %d KiB per file; select fewer entries", o.Generator, a.Name, (size+1023)>>10, MaxFile>>10)
			}
			whole += size
			lines += bytes.Count(a.Data, newline)
		}
	}
	if whole > maxFolder {
		return fmt.Errorf("the files would have %d KiB together, over the limit of %d KiB per folder; select fewer entries, or write each generator to its own folder", (whole+1023)>>10, maxFolder>>10)
	}
	if lines > maxLines {
		return fmt.Errorf("the files would have %d lines together, over the limit of %d per folder; select fewer entries, or write each generator to its own folder", lines, maxLines)
	}
	return checkFileNames(outputs)
}

// checkFileNames refuses artefacts that have no place of their own below a folder.
func checkFileNames(outputs []artefact.Made) error {
	seen := map[string]bool{}
	var names []string
	for _, o := range outputs {
		for _, a := range o.Artefacts {
			if !isFileName(a.Name) {
				return fmt.Errorf("generator %s: %q is not a valid file name in the output folder", o.Generator, a.Name)
			}
			if seen[strings.ToLower(a.Name)] {
				return fmt.Errorf("generator %s: file %q is made twice", o.Generator, a.Name)
			}
			seen[strings.ToLower(a.Name)] = true
			names = append(names, a.Name)
		}
	}
	for _, name := range names {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if seen[strings.ToLower(dir)] {
				return fmt.Errorf("%q is made as a file and as a folder", dir)
			}
		}
	}
	return nil
}

// isFileName reports whether name is a plain slash path below a folder, on every
// system, and no part of the folder's own state.
func isFileName(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	odd := func(r rune) bool { return r < ' ' || r == 0x7f || strings.ContainsRune(`\:*?"<>|`, r) }
	return fs.ValidPath(name) && name != "." && !strings.EqualFold(first, stateDir) &&
		filepath.IsLocal(filepath.FromSlash(name)) && !strings.ContainsFunc(name, odd)
}

// checkForeign refuses to replace a file that no run is known to have written, unless
// it opens as one of ours or is empty.
func checkForeign(root *os.Root, old []record, outputs []artefact.Made) error {
	recorded := byName(old)
	for _, o := range outputs {
		for _, a := range o.Artefacts {
			if _, ours := recorded[a.Name]; ours {
				continue
			}
			data, err := plainfile.Read(root, a.Name, MaxFile)
			switch {
			case errors.Is(err, fs.ErrNotExist):
			case err != nil:
				return err
			case len(data) > 0 && !artefact.Opens(data, a.Data):
				return fmt.Errorf("%s is in the way: it is not a file of Gatewright's; move it, or write elsewhere", a.Name)
			}
		}
	}
	return nil
}

// checkTargets refuses to replace what is no plain file, and to write through a
// link: like proveFolders, because no rename may fail once the journal stands.
func checkTargets(root *os.Root, records []record) error {
	seen := map[string]bool{".": true}
	for _, r := range records {
		for dir := path.Dir(r.name); !seen[dir]; dir = path.Dir(dir) {
			seen[dir] = true
			info, err := root.Lstat(dir)
			if err == nil && !info.IsDir() {
				return fmt.Errorf("%s is in the way of %s: it is not a folder; remove it, or write elsewhere", dir, r.name)
			}
		}
		info, err := root.Lstat(r.name)
		if err == nil && !info.Mode().IsRegular() {
			return fmt.Errorf("%s is in the way: it is not a regular file; remove it, or write elsewhere", r.name)
		}
	}
	return nil
}
