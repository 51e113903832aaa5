package live

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"time"
)

// Last returns what became of the last trial, when, and what of the old rules did not
// come back; Waiting if there was none since the machine started.
func (r *Run) Last() (outcome Outcome, at time.Time, left []string, err error) {
	text, err := r.read(outcomeFile)
	if errors.Is(err, fs.ErrNotExist) {
		return Waiting, at, nil, nil
	}
	if err != nil {
		return Waiting, at, nil, err
	}
	info, err := r.dir.Stat(outcomeFile)
	if err != nil {
		return Waiting, at, nil, err
	}
	lines := strings.Split(string(text), "\n")
	_, word, _ := strings.Cut(lines[0], " ")
	return Outcome(word), info.ModTime(), lines[1:], nil
}

// Waits returns until when a change waits for its confirmation; false for none. It
// takes no rights but those of reading, and leaves nothing.
func (m Machine) Waits() (until time.Time, ok bool, err error) {
	key, err := m.key()
	if err != nil {
		return until, false, err
	}
	r, err := existingRun(filepath.Join(runDir, key))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return until, false, nil
	}
	if err != nil {
		return until, false, err
	}
	defer r.dir.Close()
	waits, err := r.has(pendingFile)
	if err != nil || !waits {
		return until, false, err
	}
	_, deadline, err := r.deadline()
	if errors.Is(err, fs.ErrNotExist) { // it ends
		return until, false, nil
	}
	now, clockErr := uptime()
	return time.Now().Add(deadline - now), true, errors.Join(err, clockErr)
}
