package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"gatewright/catalog/plainfile"
)

// An output folder keeps its own state in stateDir: the lock, the files of a run
// that is being written, its journal, and the manifest of the last finished run.
//
// A run stages and syncs every file that differs from the last run's, then writes a
// journal with the digests of all, then renames the staged files into place, then
// the journal becomes the manifest. A run that is killed before its journal stands
// has changed nothing; after that, the next run finishes it. A run that changes
// nothing touches no file, so what watches files does not reload. No name leads out
// of the folder: os.Root holds them all.
const (
	stateDir     = ".gatewright"
	lockFile     = stateDir + "/lock"
	stageDir     = stateDir + "/stage"
	journalFile  = stateDir + "/journal"
	manifestFile = stateDir + "/manifest"
)

// Bounds in bytes.
const (
	maxArtefact = 128 << 20 // with a million prefixes and more
	maxRecords  = 16 << 20  // of a journal or manifest
)

// errLocked says that another process holds a folder's lock.
var errLocked = errors.New("another run is writing here; wait for it to end")

// errChanged says that a file is not as its record says.
var errChanged = errors.New("changed since it was written")

// record is one line of a journal or manifest: a file, its digest and the
// generator that made it.
type record struct{ digest, generator, name string }

// makes reports whether a generator makes files of a name: generators.Makes.
//
// A folder may come from somebody else, such as with a pull request, and its records with
// it. They name only what a generator writes, so that no run puts anything else into
// place, and removes nothing else.
type makes func(generator, name string) bool

// writeFolder writes the outputs to dir, all or nothing: a run that fails, or is told to
// end, before its journal stands leaves nothing that was not there, unless that takes
// longer than a signal leaves it: then the next run clears or finishes it. What the same
// generators made before and make no more is removed, unless somebody changed it since:
// the names of such files are returned. Files of other generators stay.
func writeFolder(dir plainfile.Path, outputs []generated, ours makes) (changed []string, err error) {
	if err := checkOutputs(outputs); err != nil {
		return nil, err
	}
	err = interruptible(func(ctx context.Context) error {
		root, unmake, err := dir.MakeFolder()
		if err != nil {
			return err
		}
		defer root.Close()
		if changed, err = writeInto(ctx, root, outputs, ours); err != nil {
			unmake()
			return inFolder(dir, err)
		}
		return nil
	})
	switch {
	case err == errInterrupted: // in the midst of it, as if it were killed
		return nil, inFolder(dir, err)
	case err != nil:
		return nil, err
	}
	return changed, nil
}

// writeInto is writeFolder of a folder that is there.
func writeInto(ctx context.Context, root *os.Root, outputs []generated, ours makes) (changed []string, err error) {
	if err := makeState(root); err != nil {
		return nil, err
	}
	unlock, err := takeLock(root)
	if err != nil {
		root.Remove(stateDir) // if it is empty
		return nil, err
	}
	defer func() { dropLock(root, unlock) }()
	if _, err := finishRun(root, ours); err != nil {
		return nil, fmt.Errorf("finishing an interrupted run: %w; mend this and generate again, or remove %s to give that run up", err, journalFile)
	}
	missing := missingFolders(root, outputs)
	if err := prepareRun(ctx, root, outputs, ours); err != nil {
		if !interrupted(root) { // the disk may be full
			err = errors.Join(err, clearStage(root))
			removeFolders(root, missing)
		}
		return nil, err
	}
	return finishRun(root, ours)
}

// makeState makes the folder's own folder, which has to be one: a link may lead to
// files of the user's, which would be taken for a stage and removed.
func makeState(root *os.Root) error {
	info, err := root.Lstat(stateDir)
	if err == nil && !info.IsDir() {
		return fmt.Errorf("%s is in the way: it is no folder; remove it, and generate again", stateDir)
	}
	return root.MkdirAll(stateDir, 0o755)
}

// takeLock takes the folder's lock, which has to be a plain file: a link may lead
// out of the folder.
func takeLock(root *os.Root) (unlock func(), err error) {
	if info, err := root.Lstat(lockFile); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is in the way: it is no plain file; remove it, and generate again", lockFile)
	}
	return lock(root, lockFile)
}

// dropLock drops the lock, and removes it with the folder's own folder where no run
// has ever finished.
func dropLock(root *os.Root, unlock func()) {
	_, err := root.Lstat(manifestFile)
	if !errors.Is(err, fs.ErrNotExist) || interrupted(root) {
		unlock()
		return
	}
	removeLock(root, lockFile, unlock)
	root.Remove(stateDir) // if nothing else is there
}

func inFolder(dir plainfile.Path, err error) error { return fmt.Errorf("%s: %w", dir, err) }

// checkOutputs refuses what cannot be written, or not be read again, before anything is.
func checkOutputs(outputs []generated) error {
	whole, lines := int64(0), 0
	for _, o := range outputs {
		for _, a := range o.Artefacts {
			size := int64(len(a.Data))
			if size > maxArtefact {
				return fmt.Errorf("generator %s: %s would have %d KiB, over the limit of %d KiB of a file; select fewer entries", o.name, a.Name, (size+1023)>>10, maxArtefact>>10)
			}
			whole += size
			lines += bytes.Count(a.Data, newline)
		}
	}
	if whole > maxFolder {
		return fmt.Errorf("the files would have %d KiB together, over the limit of %d KiB of a folder; select fewer entries, or write generators to folders of their own", (whole+1023)>>10, maxFolder>>10)
	}
	if lines > maxLines {
		return fmt.Errorf("the files would have %d lines together, over the limit of %d of a folder; select fewer entries, or write generators to folders of their own", lines, maxLines)
	}
	return checkFileNames(outputs)
}

// checkFileNames refuses artefacts that have no place of their own below a folder.
func checkFileNames(outputs []generated) error {
	seen := map[string]bool{}
	var names []string
	for _, o := range outputs {
		for _, a := range o.Artefacts {
			if !isFileName(a.Name) {
				return fmt.Errorf("generator %s: %q is no file name below a folder", o.name, a.Name)
			}
			if seen[strings.ToLower(a.Name)] {
				return fmt.Errorf("generator %s: file %q is made twice", o.name, a.Name)
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

// prepareRun stages the outputs and writes the journal. It changes no file that
// stands in the folder.
func prepareRun(ctx context.Context, root *os.Root, outputs []generated, ours makes) error {
	old, err := readRecords(root, manifestFile, ours)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	records := recordsOf(outputs)
	if err := checkTargets(root, records); err != nil {
		return err
	}
	stand := standing(root, old, records)
	journal := append(records, kept(old, records, outputs)...)
	if len(stand) == len(records) && len(old) == len(journal) {
		return clearStage(root)
	}
	text := formatRecords(journal)
	if len(text) > maxRecords {
		return fmt.Errorf("the names of the folder's %d files would have %d KiB, over the limit of %d KiB; write to another folder", len(journal), (len(text)+1023)>>10, maxRecords>>10)
	}
	if err := stage(ctx, root, outputs, stand); err != nil {
		return err
	}
	if err := proveFolders(ctx, root, records, gone(old, journal)); err != nil {
		return err
	}
	if err := writeSynced(root, stageDir+"/journal", text); err != nil {
		return err
	}
	if err := syncFolder(root, stageDir); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err := root.Rename(stageDir+"/journal", journalFile); err != nil {
		return err
	}
	return syncFolder(root, stateDir)
}

// standing names the records whose files are as the last run put them there, and
// synced them.
func standing(root *os.Root, old, records []record) map[string]bool {
	last := byName(old)
	stand := map[string]bool{}
	for _, r := range records {
		if last[r.name] == r && isAsRecorded(root, r) == nil {
			stand[r.name] = true
		}
	}
	return stand
}

// kept are the last run's records of other generators' files, which stay.
func kept(old, records []record, outputs []generated) []record {
	made := byName(records)
	return slices.DeleteFunc(slices.Clone(old), func(r record) bool {
		_, again := made[r.name]
		return again || slices.ContainsFunc(outputs, func(o generated) bool { return o.name == r.generator })
	})
}

// gone are the last run's records of files that are made no more.
func gone(old, records []record) []record {
	made := byName(records)
	return slices.DeleteFunc(slices.Clone(old), func(r record) bool {
		_, again := made[r.name]
		return again
	})
}

func byName(records []record) map[string]record {
	named := make(map[string]record, len(records))
	for _, r := range records {
		named[r.name] = r
	}
	return named
}

func recordsOf(outputs []generated) []record {
	var records []record
	for _, o := range outputs {
		for _, a := range o.Artefacts {
			records = append(records, record{digest(a.Data), o.name, a.Name})
		}
	}
	return records
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
				return fmt.Errorf("%s is in the way of %s: it is no folder; remove it, or write elsewhere", dir, r.name)
			}
		}
		info, err := root.Lstat(r.name)
		if err == nil && !info.Mode().IsRegular() {
			return fmt.Errorf("%s is in the way: it is no plain file; remove it, or write elsewhere", r.name)
		}
	}
	return nil
}

// finishRun renames what the journal names into place, removes what is made no
// more, and makes the journal the manifest. Without a journal it does nothing. It
// returns the files that are made no more and stay, because they were changed.
func finishRun(root *os.Root, ours makes) (changed []string, err error) {
	records, err := readRecords(root, journalFile, ours)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	old, err := readRecords(root, manifestFile, ours)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := renameStaged(root, records); err != nil {
		return nil, err
	}
	if changed, err = removeStale(root, gone(old, records)); err != nil {
		return nil, err
	}
	if err := root.Rename(journalFile, manifestFile); err != nil {
		return nil, err
	}
	if err := syncFolder(root, stateDir); err != nil {
		return nil, err
	}
	return changed, clearStage(root)
}

func renameStaged(root *os.Root, records []record) error {
	if err := checkStaged(root, records); err != nil {
		return err
	}
	folders := map[string]bool{".": true}
	made := map[string]bool{".": true}
	for i, r := range records {
		dir := path.Dir(r.name)
		folders[dir] = true
		if _, err := root.Lstat(stagePath(i)); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if !made[dir] {
			if err := root.MkdirAll(dir, 0o755); err != nil {
				return fmt.Errorf("%s cannot be put into place: %w", r.name, err)
			}
			made[dir] = true
		}
		if err := root.Rename(stagePath(i), r.name); err != nil {
			return fmt.Errorf("%s cannot be put into place: %w", r.name, err)
		}
	}
	for dir := range folders {
		if err := syncFolder(root, dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// checkStaged holds that the stage is what the journal's run put there. What is not on
// it was renamed before that run was killed, or stands from an earlier run: the journal
// stands only after all files were staged.
func checkStaged(root *os.Root, records []record) error {
	for i, r := range records {
		info, err := root.Lstat(stagePath(i))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = checkStage(root, record{r.digest, r.generator, stagePath(i)}, info.Mode())
		}
		if err != nil {
			return fmt.Errorf("%s cannot be put into place: %w", r.name, err)
		}
	}
	return nil
}

func checkStage(root *os.Root, r record, mode fs.FileMode) error {
	if !mode.IsRegular() {
		return fmt.Errorf("%s is no plain file", r.name)
	}
	if mode&0o111 != 0 {
		return fmt.Errorf("%s may be executed, which no output is", r.name)
	}
	err := isAsRecorded(root, r)
	if errors.Is(err, errChanged) {
		return fmt.Errorf("%s %w", r.name, err)
	}
	return err
}

// removeStale removes the files that are as their records say, and the folders
// that are empty then.
func removeStale(root *os.Root, stale []record) (changed []string, err error) {
	for _, r := range stale {
		err := isAsRecorded(root, r)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			changed = append(changed, r.name)
			continue
		}
		if err := root.Remove(r.name); err != nil {
			return nil, fmt.Errorf("%s is made no more and cannot be removed: %w", r.name, err)
		}
		for dir := path.Dir(r.name); dir != "." && root.Remove(dir) == nil; {
			dir = path.Dir(dir)
		}
	}
	return changed, nil
}

// isAsRecorded returns nil where a record's file holds what the record says.
func isAsRecorded(root *os.Root, r record) error {
	data, err := plainfile.Read(root, r.name, maxArtefact)
	if err == nil && digest(data) != r.digest {
		return errChanged
	}
	return err
}

// interrupted reports whether a run was killed while it wrote to a folder.
func interrupted(root *os.Root) bool {
	_, err := root.Lstat(journalFile)
	return err == nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func formatRecords(records []record) []byte {
	var b bytes.Buffer
	for _, r := range records {
		fmt.Fprintf(&b, "%s  %s  %s\n", r.digest, r.generator, r.name)
	}
	return b.Bytes()
}

func readRecords(root *os.Root, name string, ours makes) ([]record, error) {
	data, err := plainfile.Read(root, name, maxRecords)
	if err != nil {
		return nil, err
	}
	return parseRecords(name, data, ours)
}

func parseRecords(name string, data []byte, ours makes) ([]record, error) {
	var records []record
	for line := range strings.Lines(string(data)) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), "  ", 3)
		if len(parts) != 3 || len(parts[0]) != 2*sha256.Size || !isFileName(parts[2]) {
			return nil, fmt.Errorf("%s is damaged; remove it, and generate again", name)
		}
		r := record{parts[0], parts[1], parts[2]}
		if !ours(r.generator, r.name) {
			return nil, fmt.Errorf("%s: no generator %q makes a file %q, so Gatewright did not write this; remove it, and generate again", name, r.generator, r.name)
		}
		records = append(records, r)
	}
	return records, nil
}
