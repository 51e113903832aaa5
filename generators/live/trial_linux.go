package live

import (
	"bytes"
	"crypto/rand"
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gatewright/catalog/plainfile"
)

// maxTrial bounds a trial in bytes: a million elements have some 60 MiB.
const maxTrial = 1 << 30

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

// Save keeps what runs of a generator, before it is changed. It returns once a process is
// seen that brings it back, whatever becomes of this one.
func (t *Trial) Save(generator string, c *Comparison) error {
	data, err := c.Saved()
	if err != nil {
		return err
	}
	t.Saved = append(slices.DeleteFunc(t.Saved, func(s saved) bool { return s.Generator == generator }), saved{generator, data})
	if !t.watched { // its time begins anew with the watcher, and once the change is made
		t.run.dir.Remove(outcomeFile)
		if err := t.run.setDeadline(t.Name, t.Wait); err != nil {
			return err
		}
	}
	if err := t.run.writeTrial(pendingFile, t.trial); err != nil {
		return err
	}
	if t.watched {
		return nil
	}
	if err := t.run.startWatcher(t.machine, t.Name); err != nil {
		return errors.Join(err, t.run.forget())
	}
	t.watched = true
	return nil
}

// Begin begins the time in which the trial waits for its confirmation.
func (t *Trial) Begin() error { return t.run.setDeadline(t.Name, t.Wait) }

// GiveUp brings back what ran before, and ends the trial.
func (t *Trial) GiveUp() error {
	if !t.watched {
		return nil
	}
	return t.run.restore(t.machine, t.trial)
}

// Outcome tells what became of a trial.
func (t *Trial) Outcome() Outcome {
	text, _ := t.run.read(outcomeFile)
	name, outcome, _ := strings.Cut(string(text), " ")
	if name != t.Name {
		return Waiting
	}
	return Outcome(outcome)
}

// Pending returns how long a trial still waits, and whether its watcher is alive; false
// for no trial.
func (r *Run) Pending() (left time.Duration, alive, ok bool) {
	if _, err := r.readTrial(pendingFile); err != nil {
		return 0, false, false
	}
	_, deadline, err := r.deadline()
	if err != nil {
		return 0, r.isWatched(), true
	}
	return max(deadline-uptime(), 0), r.isWatched(), true
}

// Confirm keeps what runs, from one moment to the next, and returns what NewTrial was
// given, for the caller to write; then it calls Settled.
func (r *Run) Confirm() (keep []byte, err error) {
	t, err := r.readTrial(pendingFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoTrial
	}
	if err != nil {
		return nil, err
	}
	return t.Keep, r.dir.Rename(pendingFile, confirmedFile)
}

// Unsettled returns what a trial that was confirmed has still to keep, because who
// confirmed it was stopped.
func (r *Run) Unsettled() (keep []byte, ok bool) {
	t, err := r.readTrial(confirmedFile)
	return t.Keep, err == nil
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

// restore takes the last change back first.
func (r *Run) restore(m Machine, t trial) error {
	for _, s := range slices.Backward(t.Saved) {
		backend, err := Of(s.Generator)
		if err != nil {
			return err
		}
		restorer, ok := backend.(Restorer)
		if !ok {
			return fmt.Errorf("%s cannot be brought back", s.Generator)
		}
		if err := restorer.Restore(m, s.Data); err != nil {
			return err
		}
	}
	return errors.Join(r.write(outcomeFile, []byte(t.Name+" "+string(Restored))), r.forget())
}

// forget removes a trial.
func (r *Run) forget() error {
	return errors.Join(r.dir.Remove(pendingFile), r.dir.Remove(deadlineFile))
}

// readTrial reads a trial. One of before the system started is removed: nothing runs of
// it.
func (r *Run) readTrial(name string) (t trial, err error) {
	data, err := r.read(name)
	if err != nil {
		return t, err
	}
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&t); err != nil {
		return t, fmt.Errorf("%s: %w", name, err)
	}
	boot, err := bootID()
	if err == nil && boot != t.Boot {
		err = errors.Join(fs.ErrNotExist, r.dir.Remove(name))
	}
	return t, err
}

func (r *Run) writeTrial(name string, t trial) error {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(t); err != nil {
		return err
	}
	return r.write(name, b.Bytes())
}

func (r *Run) read(name string) ([]byte, error) { return plainfile.Read(r.dir, name, maxTrial) }

// write replaces a file as a whole.
func (r *Run) write(name string, data []byte) error {
	next := name + ".next"
	if err := r.dir.WriteFile(next, data, 0o600); err != nil {
		return err
	}
	return r.dir.Rename(next, name)
}

func (r *Run) setDeadline(name string, wait time.Duration) error {
	return r.write(deadlineFile, []byte(name+" "+strconv.FormatInt(int64(uptime()+wait), 10)))
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
func (r *Run) isWatched() bool {
	f, err := r.dir.OpenFile(watcherFile, os.O_RDONLY, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}

// uptime is the time since the system started, which nobody sets.
func uptime() time.Duration {
	text, err := os.ReadFile("/proc/uptime")
	seconds, _, _ := strings.Cut(string(text), " ")
	d, parseErr := time.ParseDuration(seconds + "s")
	if err != nil || parseErr != nil {
		return 0
	}
	return d
}

// bootID names this start of the system.
func bootID() (string, error) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(text)), err
}
