package live

import (
	"bytes"
	"crypto/rand"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// maxTrial bounds a trial in bytes: a million elements have some 60 MiB. A test lowers
// it.
var maxTrial int64 = 1 << 30

// Trial is a change that goes again unless it is confirmed.
type Trial struct {
	run     *Run
	machine Machine
	trial
	watched bool
}

// NewTrial prepares a trial. keep is what Confirm returns.
func (r *Run) NewTrial(m Machine, keep []byte, wait time.Duration) (*Trial, error) {
	boot, err := bootID()
	if err != nil {
		return nil, err
	}
	dir, err := r.dir.OpenRoot(".") // which outlives r
	return &Trial{run: &Run{dir: dir}, machine: m, trial: trial{Boot: boot, Wait: wait, Name: rand.Text(), Keep: keep}}, err
}

// Save keeps what runs of a generator, before it is changed. It returns once a process
// is seen that brings it back, whatever becomes of this one.
func (t *Trial) Save(generator string, c *Comparison) error {
	data, err := c.Saved()
	if err != nil {
		return err
	}
	t.Saved = append(slices.DeleteFunc(t.Saved, func(s saved) bool { return s.Generator == generator }), saved{generator, data})
	if !t.watched { // its time restarts with the watcher, and again when the change is made
		t.run.dir.Remove(outcomeFile)
		if err := t.run.setDeadline(t.Name, t.Wait); err != nil {
			return err
		}
	}
	err = t.run.writeTrial(pendingFile, t.trial)
	if t.watched {
		return err
	}
	if err != nil {
		return errors.Join(err, t.run.remove(deadlineFile))
	}
	if err := t.run.startWatcher(t.machine, t.Name); err != nil {
		return errors.Join(err, t.run.forget())
	}
	t.watched = true
	return nil
}

// Begin starts the time within which the trial must be confirmed.
func (t *Trial) Begin() error { return t.run.setDeadline(t.Name, t.Wait) }

// GiveUp brings back what ran before, and ends the trial.
func (t *Trial) GiveUp() error {
	if !t.watched {
		return nil
	}
	return t.run.restore(t.machine, t.trial)
}

// Outcome returns what became of a trial. A LeftOutError comes only with Restored.
func (t *Trial) Outcome() (Outcome, error) {
	watched, err := t.run.isWatched() // before the outcome is read: who watches writes it first
	if err != nil {
		return Waiting, err
	}
	text, err := t.run.read(outcomeFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Waiting, err
	}
	lines := strings.Split(string(text), "\n")
	name, outcome, _ := strings.Cut(lines[0], " ")
	switch {
	case name == t.Name && len(lines) > 1:
		return Outcome(outcome), &LeftOutError{lines[1:]}
	case name == t.Name:
		return Outcome(outcome), nil
	case watched:
		return Waiting, nil
	}
	return Unwatched, nil
}

// Pending returns how long a trial still waits, and whether its watcher is alive; false
// for no trial.
func (r *Run) Pending() (left time.Duration, alive, ok bool, err error) {
	if _, ok, err = r.trial(pendingFile); err != nil || !ok {
		return 0, false, false, err
	}
	if alive, err = r.isWatched(); err != nil {
		return 0, false, true, err
	}
	_, deadline, err := r.deadline()
	if errors.Is(err, fs.ErrNotExist) {
		return 0, alive, true, nil
	}
	now, clockErr := uptime()
	return max(deadline-now, 0), alive, true, errors.Join(err, clockErr)
}

// Confirm keeps what runs, from one moment to the next, and returns what NewTrial was
// given, for the caller to write; then it calls Settled.
func (r *Run) Confirm() (keep []byte, err error) {
	t, err := r.readTrial(pendingFile)
	if err != nil {
		return nil, err
	}
	return t.Keep, r.dir.Rename(pendingFile, confirmedFile)
}

// Unsettled returns what a trial that was confirmed has still to keep, because who
// confirmed it was stopped.
func (r *Run) Unsettled() (keep []byte, ok bool, err error) {
	t, ok, err := r.trial(confirmedFile)
	return t.Keep, ok, err
}

// Settled notes that what a confirmed trial keeps is written.
func (r *Run) Settled() error {
	t, err := r.readTrial(confirmedFile)
	if err != nil {
		return err
	}
	return errors.Join(r.write(outcomeFile, []byte(t.Name+" "+string(Confirmed))), r.dir.Remove(confirmedFile), r.dir.Remove(deadlineFile))
}

// Restore brings back what ran before a trial whose watcher is gone.
func (r *Run) Restore(m Machine) error {
	t, err := r.readTrial(pendingFile)
	if err != nil {
		return err
	}
	return r.restore(m, t)
}

// restore takes the last change back first. A LeftOutError is of a trial that has
// ended.
func (r *Run) restore(m Machine, t trial) error {
	var all LeftOutError
	for _, s := range slices.Backward(t.Saved) {
		backend, err := Of(s.Generator)
		if err != nil {
			return err
		}
		restorer, ok := backend.(Restorer)
		if !ok {
			return fmt.Errorf("%s cannot be brought back", s.Generator)
		}
		var left *LeftOutError
		if err := restorer.Restore(m, s.Data); errors.As(err, &left) {
			all.Left = append(all.Left, left.Left...)
		} else if err != nil {
			return err
		}
	}
	outcome := strings.Join(append([]string{t.Name + " " + string(Restored)}, all.Left...), "\n")
	if err := errors.Join(r.write(outcomeFile, []byte(outcome)), r.forget()); err != nil {
		return err
	}
	if len(all.Left) > 0 {
		return &all
	}
	return nil
}

// forget removes a trial.
func (r *Run) forget() error {
	return errors.Join(r.dir.Remove(pendingFile), r.dir.Remove(deadlineFile))
}

// readTrial reads a trial; ErrNoTrial says that there is none.
func (r *Run) readTrial(name string) (trial, error) {
	t, ok, err := r.trial(name)
	if err == nil && !ok {
		err = ErrNoTrial
	}
	return t, err
}

// trial reads a trial, if there is one. One of before the system started is removed:
// nothing runs of it.
func (r *Run) trial(name string) (t trial, ok bool, err error) {
	data, err := r.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return t, false, nil
	}
	if err == nil {
		err = gob.NewDecoder(bytes.NewReader(data)).Decode(&t)
	}
	if err != nil {
		return t, false, fmt.Errorf("the saved rules from before the last apply --confirm cannot be read: %w; check the running rules by hand, and then remove %s", err, filepath.Join(r.dir.Name(), name))
	}
	boot, err := bootID()
	if err == nil && boot != t.Boot {
		return t, false, r.dir.Remove(name)
	}
	return t, err == nil, err
}

func (r *Run) writeTrial(name string, t trial) error {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(t); err != nil {
		return err
	}
	if int64(b.Len()) > maxTrial {
		return fmt.Errorf("the running rules take %d bytes to save, over the limit of %d; apply without --confirm", b.Len(), maxTrial)
	}
	return r.write(name, b.Bytes())
}

// read reads a file of the folder, which is root's alone. What comes by rename in its
// place meanwhile is no concern: either is whole.
func (r *Run) read(name string) ([]byte, error) {
	f, err := r.dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", name)
	case info.Size() > maxTrial:
		return nil, fmt.Errorf("%s has %d bytes, over the limit of %d", name, info.Size(), maxTrial)
	}
	data := make([]byte, info.Size())
	_, err = io.ReadFull(f, data)
	return data, err
}

// has reports whether there is a file.
func (r *Run) has(name string) (bool, error) {
	_, err := r.dir.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// remove removes a file that may be gone.
func (r *Run) remove(name string) error {
	if err := r.dir.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// write replaces a file as a whole.
func (r *Run) write(name string, data []byte) error {
	next := name + ".next"
	if err := r.dir.WriteFile(next, data, 0o600); err != nil {
		return err
	}
	return r.dir.Rename(next, name)
}

func (r *Run) setDeadline(name string, wait time.Duration) error {
	now, err := uptime()
	if err != nil {
		return err
	}
	return r.write(deadlineFile, []byte(name+" "+strconv.FormatInt(int64(now+wait), 10)))
}

// deadline returns the trial that waits, and until when, as uptime counts.
func (r *Run) deadline() (name string, at time.Duration, err error) {
	text, err := r.read(deadlineFile)
	if err != nil {
		return "", 0, err
	}
	name, rest, _ := strings.Cut(string(text), " ")
	n, err := strconv.ParseInt(rest, 10, 64)
	return name, time.Duration(n), err
}

// isWatched reports whether a watcher lives.
func (r *Run) isWatched() (bool, error) {
	f, err := r.dir.OpenFile(watcherFile, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	return false, os.NewSyscallError("flock", err)
}

// uptime is the time since the system started, which nobody sets.
func uptime() (time.Duration, error) {
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0, fmt.Errorf("the time since the system started: %v", err)
	}
	seconds, _, _ := strings.Cut(string(text), " ")
	return time.ParseDuration(seconds + "s")
}

// bootID names this start of the system.
func bootID() (string, error) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("this start of the system: %v", err)
	}
	return strings.TrimSpace(string(text)), nil
}
