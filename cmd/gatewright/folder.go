package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// An output folder keeps its own state in stateDir: the lock, the files of a run
// that is being written, its journal, and the manifest of the last finished run.
//
// A run stages and syncs every file, then writes a journal with their digests,
// then renames the files into place, then the journal becomes the manifest. A run
// that is killed before its journal stands has changed nothing; after that, the
// next run finishes the renames.
const (
	stateDir     = ".gatewright"
	lockFile     = stateDir + "/lock"
	stageDir     = stateDir + "/stage"
	journalFile  = stateDir + "/journal"
	manifestFile = stateDir + "/manifest"
)

// record is one line of a journal or manifest: a file, its digest and the
// generator that made it.
type record struct{ digest, generator, name string }

// writeFolder writes the outputs to dir, all or nothing. Files that the same
// generators made before, that nobody changed since and that are not made any
// more, are removed; those of other generators stay.
func writeFolder(dir string, outputs []generated) error {
	if err := os.MkdirAll(filepath.Join(dir, stageDir), 0o755); err != nil {
		return err
	}
	unlock, err := lockFolder(filepath.Join(dir, lockFile))
	if err != nil {
		return fmt.Errorf("%s: another run is writing here: %w", dir, err)
	}
	defer unlock()
	if err := finishRun(dir); err != nil {
		return fmt.Errorf("%s: finishing an interrupted run: %w", dir, err)
	}
	old, err := readRecords(filepath.Join(dir, manifestFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	records, err := stage(dir, outputs)
	if err != nil {
		return err
	}
	kept, stale := split(old, records, outputs)
	if err := writeSynced(filepath.Join(dir, journalFile), formatRecords(append(records, kept...))); err != nil {
		return err
	}
	if err := finishRun(dir); err != nil {
		return err
	}
	return removeStale(dir, stale)
}

// split parts the last run's records that this run does not replace: those of
// other generators are kept, those of the same generators are stale.
func split(old, records []record, outputs []generated) (kept, stale []record) {
	for _, r := range old {
		switch {
		case slices.ContainsFunc(records, func(have record) bool { return have.name == r.name }):
		case slices.ContainsFunc(outputs, func(o generated) bool { return o.name == r.generator }):
			stale = append(stale, r)
		default:
			kept = append(kept, r)
		}
	}
	return kept, stale
}

// stage writes the artefacts under stageDir, named by their place in the journal.
func stage(dir string, outputs []generated) ([]record, error) {
	if err := os.RemoveAll(filepath.Join(dir, stageDir)); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, stageDir), 0o755); err != nil {
		return nil, err
	}
	var records []record
	for _, o := range outputs {
		for _, a := range o.Artefacts {
			if path.Clean("/"+a.Name) != "/"+a.Name || strings.ContainsAny(a.Name, "\n\\:") {
				return nil, fmt.Errorf("%q is no file name below a folder", a.Name)
			}
			if err := writeSynced(stagePath(dir, len(records)), a.Data); err != nil {
				return nil, err
			}
			records = append(records, record{digest(a.Data), o.name, a.Name})
		}
	}
	return records, nil
}

func stagePath(dir string, i int) string { return filepath.Join(dir, stageDir, strconv.Itoa(i)) }

// finishRun renames what the journal names into place and makes the journal the
// manifest. Without a journal it does nothing.
func finishRun(dir string) error {
	records, err := readRecords(filepath.Join(dir, journalFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for i, r := range records {
		target := filepath.Join(dir, filepath.FromSlash(r.name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		// What is not on the stage was renamed before the run was killed, or is kept
		// from an earlier run: the journal stands only after all files were staged.
		if err := os.Rename(stagePath(dir, i), target); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := syncFolders(dir, records); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(dir, journalFile), filepath.Join(dir, manifestFile)); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(dir, stageDir))
}

func removeStale(dir string, stale []record) error {
	for _, r := range stale {
		target := filepath.Join(dir, filepath.FromSlash(r.name))
		if !hasDigest(target, r.digest) {
			continue
		}
		if err := os.Remove(target); err != nil {
			return err
		}
		os.Remove(filepath.Dir(target)) // succeeds only if the folder is empty now
	}
	return nil
}

// interrupted reports whether a run was killed while it wrote to dir.
func interrupted(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, journalFile))
	return err == nil
}

func digest(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }

func hasDigest(file, want string) bool {
	data, err := os.ReadFile(file)
	return err == nil && digest(data) == want
}

// writeSynced writes a file beside its place, syncs it, and renames it.
func writeSynced(file string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// syncFolders makes the renames durable, on systems where folders can be synced.
func syncFolders(dir string, records []record) error {
	folders := map[string]bool{dir: true}
	for _, r := range records {
		folders[filepath.Dir(filepath.Join(dir, filepath.FromSlash(r.name)))] = true
	}
	for folder := range folders {
		if err := syncFolder(folder); err != nil {
			return err
		}
	}
	return nil
}

func formatRecords(records []record) []byte {
	var b bytes.Buffer
	for _, r := range records {
		fmt.Fprintf(&b, "%s  %s  %s\n", r.digest, r.generator, r.name)
	}
	return b.Bytes()
}

func readRecords(file string) ([]record, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var records []record
	for line := range strings.Lines(string(data)) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), "  ", 3)
		if len(parts) != 3 || len(parts[0]) != 64 || !filepath.IsLocal(filepath.FromSlash(parts[2])) {
			return nil, fmt.Errorf("%s is damaged; remove it", file)
		}
		records = append(records, record{parts[0], parts[1], parts[2]})
	}
	return records, nil
}
