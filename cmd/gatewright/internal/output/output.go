// Package output writes the files of generators to a folder atomically, and reads them
// again.
//
// An output folder keeps its own state in stateDir: the lock, the files of a run
// that is being written, its journal, and the manifest of the last finished run.
//
// A run stages and syncs every file that differs from the last run. It then writes a
// journal with the digests of all files, renames the staged files into place, and turns
// the journal into the manifest. A run that is killed before its journal is written has
// changed nothing. If it is killed later, the next run finishes it. A run without
// changes touches no file, so programs that watch the files do not reload. os.Root
// keeps all names inside the folder.
package output

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"gatewright/catalog/plainfile"
	"gatewright/cmd/gatewright/internal/interrupt"
	"gatewright/generators/artefact"
)

// The folder's own state, by slash paths below the folder.
const (
	stateDir    = ".gatewright"
	lockFile    = stateDir + "/lock"
	stageDir    = stateDir + "/stage"
	journalFile = stateDir + "/journal"
)

// Manifest is the file of a folder that names the files of the last finished run, with
// their generators and digests.
const Manifest = stateDir + "/manifest"

// MaxFile is the size in bytes of the largest file that is written and read: one with a
// million prefixes and more.
const MaxFile = 128 << 20

// maxRecords bounds a journal or manifest, in bytes.
const maxRecords = 16 << 20

// ErrLocked says that another process holds a folder's lock.
var ErrLocked = errors.New("another run is writing here; wait for it to end")

// errChanged says that a file is not as its record says.
var errChanged = errors.New("changed since it was written")

// Write writes the outputs to dir atomically. A run that fails or gets a signal before
// its journal is written leaves no new files. If the signal leaves too little time for
// that, the next run cleans up or finishes it. Files that the same generators made
// before but no longer make are removed, unless somebody changed them; the names of
// these files are returned. Files of other generators stay. The error is ErrLocked if
// another run uses the folder, and interrupt.Err after a signal.
func Write(dir plainfile.Path, outputs []artefact.Made, ours Makes) (changed []string, err error) {
	if err := checkOutputs(outputs); err != nil {
		return nil, err
	}
	err = locked(dir, func(ctx context.Context, root *os.Root) error {
		changed, err = writeInto(ctx, root, outputs, ours)
		return err
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

// Rehearse does what Write does but for putting anything of this run into place, and
// returns what Write would fail with. It leaves nothing behind.
func Rehearse(dir plainfile.Path, outputs []artefact.Made, ours Makes) error {
	if err := checkOutputs(outputs); err != nil {
		return err
	}
	return locked(dir, func(ctx context.Context, root *os.Root) error {
		if err := finishEarlier(root, ours); err != nil {
			return err
		}
		missing := missingFolders(root, outputs)
		_, err := prepareRun(ctx, root, outputs, ours)
		err = errors.Join(err, clearStage(root))
		removeFolders(root, missing)
		return err
	})
}

// locked has a folder, which is made, while its lock is held. One that is of no use is
// removed again.
func locked(dir plainfile.Path, do func(context.Context, *os.Root) error) error {
	err := interrupt.During(func(ctx context.Context) error {
		root, unmake, err := dir.MakeFolder()
		if err != nil {
			return err
		}
		defer root.Close()
		defer unmake() // if it is empty
		if err := inState(root, func() error { return do(ctx, root) }); err != nil {
			return In(dir, err)
		}
		return nil
	})
	if err == interrupt.Err { // in the midst of it, as if it were killed
		return In(dir, err)
	}
	return err
}

func inState(root *os.Root, do func() error) error {
	if err := makeState(root); err != nil {
		return err
	}
	unlock, err := takeLock(root)
	if err != nil {
		root.Remove(stateDir) // if it is empty
		return err
	}
	defer func() { dropLock(root, unlock) }()
	return do()
}

// finishEarlier finishes a run that was killed once its journal stood.
func finishEarlier(root *os.Root, ours Makes) error {
	if _, err := finishRun(root, ours); err != nil {
		return fmt.Errorf("cannot finish an interrupted run: %w; fix this and run generate again, or remove %s to abandon that run", err, journalFile)
	}
	return nil
}

// writeInto writes into a folder whose lock is held.
func writeInto(ctx context.Context, root *os.Root, outputs []artefact.Made, ours Makes) (changed []string, err error) {
	if err := finishEarlier(root, ours); err != nil {
		return nil, err
	}
	missing := missingFolders(root, outputs)
	journal, err := prepareRun(ctx, root, outputs, ours)
	if err == nil {
		err = placeJournal(ctx, root, journal)
	}
	if err != nil {
		if !Interrupted(root) { // the disk may be full
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
		return fmt.Errorf("%s is in the way: it is not a folder; remove it, and run generate again", stateDir)
	}
	return root.MkdirAll(stateDir, 0o755)
}

// takeLock takes the folder's lock, which has to be a plain file: a link may lead
// out of the folder.
func takeLock(root *os.Root) (unlock func(), err error) {
	if info, err := root.Lstat(lockFile); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is in the way: it is not a regular file; remove it, and run generate again", lockFile)
	}
	return Lock(root, lockFile)
}

// dropLock drops the lock, and removes it with the folder's own folder where no run
// has ever finished.
func dropLock(root *os.Root, unlock func()) {
	_, err := root.Lstat(Manifest)
	if !errors.Is(err, fs.ErrNotExist) || Interrupted(root) {
		unlock()
		return
	}
	RemoveLock(root, lockFile, unlock)
	root.Remove(stateDir) // if nothing else is there
}

// In is an error about something in a folder.
func In(dir plainfile.Path, err error) error { return fmt.Errorf("%s: %w", dir, err) }

// prepareRun stages the outputs and returns the journal; nil if nothing changes. It
// changes no file that stands in the folder.
func prepareRun(ctx context.Context, root *os.Root, outputs []artefact.Made, ours Makes) (text []byte, err error) {
	old, err := readRecords(root, Manifest, ours)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	records := recordsOf(outputs)
	if err := checkTargets(root, records); err != nil {
		return nil, err
	}
	if err := checkForeign(root, old, outputs); err != nil {
		return nil, err
	}
	stand := standing(root, old, records)
	journal := append(records, kept(old, records, outputs)...)
	if len(stand) == len(records) && len(old) == len(journal) {
		return nil, clearStage(root)
	}
	text = formatRecords(journal)
	if len(text) > maxRecords {
		return nil, fmt.Errorf("the names of the %d files in the folder would take %d KiB, over the limit of %d KiB; write to another folder", len(journal), (len(text)+1023)>>10, maxRecords>>10)
	}
	if err := stage(ctx, root, outputs, stand); err != nil {
		return nil, err
	}
	return text, proveFolders(ctx, root, records, gone(old, journal))
}

// placeJournal begins the part of a run that the next one finishes if this is killed.
func placeJournal(ctx context.Context, root *os.Root, text []byte) error {
	if text == nil {
		return nil
	}
	if err := writeSynced(root, stageDir+"/journal", text); err != nil {
		return err
	}
	if err := syncFolder(root, stageDir); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return interrupt.Err
	}
	if err := root.Rename(stageDir+"/journal", journalFile); err != nil {
		return err
	}
	return syncFolder(root, stateDir)
}
