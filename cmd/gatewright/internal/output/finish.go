package output

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

// finishRun renames what the journal names into place, removes what is made no
// more, and makes the journal the manifest. Without a journal it does nothing. It
// returns the files that are made no more and stay, because they were changed.
func finishRun(root *os.Root, ours Makes) (changed []string, err error) {
	records, err := readRecords(root, journalFile, ours)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	old, err := readRecords(root, Manifest, ours)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := renameStaged(root, records); err != nil {
		return nil, err
	}
	if changed, err = removeStale(root, gone(old, records)); err != nil {
		return nil, err
	}
	if err := root.Rename(journalFile, Manifest); err != nil {
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
		return fmt.Errorf("%s is not a regular file", r.name)
	}
	if mode&0o111 != 0 {
		return fmt.Errorf("%s is executable, but no output is", r.name)
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
			return nil, fmt.Errorf("%s is no longer generated and cannot be removed: %w", r.name, err)
		}
		for dir := path.Dir(r.name); dir != "." && root.Remove(dir) == nil; {
			dir = path.Dir(dir)
		}
	}
	return changed, nil
}
