package output

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gatewright/catalog/plainfile"
	"gatewright/cmd/gatewright/internal/interrupt"
	"gatewright/generators/artefact"
)

// A run tries every folder with a probe, an empty file. probesFile says where, so that
// the next run removes that of a killed one.
const (
	probesFile  = stageDir + "/probes" // the probe's name, and a folder a line
	probePrefix = ".gatewright-probe-"
)

// stage writes the artefacts that do not stand under stageDir, named by their place
// in the journal.
func stage(ctx context.Context, root *os.Root, outputs []artefact.Made, stand map[string]bool) error {
	if err := clearStage(root); err != nil {
		return err
	}
	if err := root.MkdirAll(stageDir, 0o755); err != nil {
		return err
	}
	var files []*os.File
	place := -1
	for _, o := range outputs {
		for _, a := range o.Artefacts {
			place++
			if stand[a.Name] {
				continue
			}
			if ctx.Err() != nil {
				return errors.Join(interrupt.Err, syncAll(files))
			}
			f, err := createFor(root, stagePath(place), a.Name, a.Data)
			if err != nil {
				return errors.Join(err, syncAll(files))
			}
			files = append(files, f)
			if len(files) == syncedAtOnce {
				if err := syncAll(files); err != nil {
					return err
				}
				files = files[:0]
			}
		}
	}
	return syncAll(files)
}

// syncedAtOnce bounds the files that are open, and the threads that sync them.
const syncedAtOnce = 16

// syncAll syncs files side by side and closes them: so the file system commits a few
// times for all, and not once for each.
func syncAll(files []*os.File) error {
	errs := make([]error, len(files))
	var wait sync.WaitGroup
	for i, f := range files {
		wait.Go(func() { errs[i] = errors.Join(f.Sync(), f.Close()) })
	}
	wait.Wait()
	return errors.Join(errs...)
}

func stagePath(i int) string { return stageDir + "/" + strconv.Itoa(i) }

// proveFolders makes the folders of the records, and proves that files can be put
// into them and removed from them and from the folders of stale files: a folder may
// belong to somebody else, or to another file system.
func proveFolders(ctx context.Context, root *os.Root, records, stale []record) error {
	folders := []string{"."}
	for _, r := range records {
		folders = append(folders, path.Dir(r.name))
	}
	for _, r := range stale {
		if _, err := root.Lstat(r.name); err == nil {
			folders = append(folders, path.Dir(r.name))
		}
	}
	slices.Sort(folders)
	folders = slices.Compact(folders)
	probe := probePrefix + rand.Text()
	if err := writeSynced(root, probesFile, []byte(probe+"\n"+strings.Join(folders, "\n")+"\n")); err != nil {
		return err
	}
	if err := syncFolder(root, stageDir); err != nil {
		return err
	}
	for _, dir := range folders {
		if ctx.Err() != nil {
			return interrupt.Err
		}
		if err := proveFolder(root, dir, probe); err != nil {
			return fmt.Errorf("cannot put files into %s, so nothing was written: %w; make it an ordinary folder that you own on the same file system, or write elsewhere", dir, err)
		}
	}
	return nil
}

// proveFolder renames an empty file from the stage into dir and removes it. Its
// name is random, because a rename replaces what has the same name.
func proveFolder(root *os.Root, dir, probe string) error {
	if dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	f, err := create(root, path.Join(stageDir, probe), 0o644, false, nil)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := root.Rename(path.Join(stageDir, probe), path.Join(dir, probe)); err != nil {
		return err
	}
	return root.Remove(path.Join(dir, probe))
}

// clearStage removes the stage, and the probe that a killed run left in a folder that
// it proved.
func clearStage(root *os.Root) error {
	data, err := plainfile.Read(root, probesFile, maxRecords)
	probe, folders, _ := strings.Cut(string(data), "\n")
	if err == nil && isProbe(probe) {
		for dir := range strings.Lines(folders) {
			removeProbe(root, path.Join(strings.TrimSuffix(dir, "\n"), probe))
		}
	}
	return root.RemoveAll(stageDir)
}

// isProbe tells names of probes, because the stage may be somebody else's.
func isProbe(name string) bool {
	random, ok := strings.CutPrefix(name, probePrefix)
	return ok && len(random) == len(rand.Text()) && isFileName(name) && path.Base(name) == name
}

// removeProbe removes a probe that is there: an empty file.
func removeProbe(root *os.Root, name string) {
	if info, err := root.Lstat(name); err == nil && info.Mode().IsRegular() && info.Size() == 0 {
		root.Remove(name)
	}
}

// missingFolders are the outputs' folders that are not there, the inner ones first.
func missingFolders(root *os.Root, outputs []artefact.Made) []string {
	var missing []string
	for _, o := range outputs {
		for _, a := range o.Artefacts {
			for dir := path.Dir(a.Name); dir != "."; dir = path.Dir(dir) {
				if _, err := root.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
					missing = append(missing, dir)
				}
			}
		}
	}
	slices.Sort(missing)
	missing = slices.Compact(missing)
	slices.Reverse(missing)
	return missing
}

// removeFolders removes those that are empty.
func removeFolders(root *os.Root, folders []string) {
	for _, dir := range folders {
		root.Remove(dir)
	}
}

func writeSynced(root *os.Root, name string, data []byte) error {
	f, err := create(root, name, 0o644, false, data)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// createFor makes a file that is to replace another, with the mode of that one if it is
// there. No output is a program.
func createFor(root *os.Root, name, replaces string, data []byte) (*os.File, error) {
	mode := fs.FileMode(0o644)
	old, missing := root.Lstat(replaces)
	if missing == nil {
		mode = old.Mode().Perm() &^ 0o111
	}
	return create(root, name, mode, missing == nil, data)
}

// create makes a file that is not there and returns it open, to be synced; exact takes
// no account of the umask. A file that cannot be written is removed.
func create(root *os.Root, name string, mode fs.FileMode, exact bool, data []byte) (*os.File, error) {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return nil, err
	}
	if exact {
		err = f.Chmod(mode)
	}
	if err == nil {
		_, err = f.Write(data)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), root.Remove(name))
	}
	return f, nil
}
