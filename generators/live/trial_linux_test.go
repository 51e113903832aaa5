package live

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatewright/generators/pac"
)

// runFolder is a machine's folder of the test's own.
func runFolder(t *testing.T) *Run {
	t.Helper()
	r, err := openRun(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Release)
	return r
}

// waiting is a trial that waits in a folder, of nothing that would have to come back.
func waiting(t *testing.T, r *Run) *Trial {
	t.Helper()
	trial, err := r.NewTrial(Machine{}, []byte("keep"), time.Minute)
	if err == nil {
		err = errors.Join(r.setDeadline(trial.Name, 0), r.writeTrial(pendingFile, trial.trial))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(trial.run.Release)
	return trial
}

// TestDeadlineIsReplacedWhileItIsRead holds that whoever reads a deadline sees the one
// of before or the one of after.
func TestDeadlineIsReplacedWhileItIsRead(t *testing.T) {
	r := runFolder(t)
	if err := r.setDeadline("name", time.Minute); err != nil {
		t.Fatal(err)
	}
	stop, ended := make(chan bool), make(chan error)
	go func() {
		for {
			select {
			case <-stop:
				ended <- nil
				return
			default:
			}
			if err := r.setDeadline("name", time.Minute); err != nil {
				ended <- err
				return
			}
		}
	}()
	failed := 0
	for range 50_000 {
		if name, at, err := r.deadline(); err != nil || name != "name" || at == 0 {
			failed++
		}
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if failed > 0 {
		t.Errorf("%d reads of a deadline failed", failed)
	}
}

// TestWatcherOfWhatCannotBeRead holds that a watcher brings back what ran before
// although the deadline cannot be read, by the one that it read last.
func TestWatcherOfWhatCannotBeRead(t *testing.T) {
	r := runFolder(t)
	trial := waiting(t, r)
	if err := r.write(deadlineFile, []byte(trial.Name+" soon")); err != nil {
		t.Fatal(err)
	}
	w := &watcher{run: r, name: trial.Name}
	if err := w.watch(nil); err != nil {
		t.Fatal(err)
	}
	if outcome, err := trial.Outcome(); outcome != Restored || err != nil {
		t.Errorf("outcome %q, %v", outcome, err)
	}
}

// TestWatcherOfWhatWasConfirmed holds that a watcher does not forget a confirmation
// that it cannot read, and settles it once it can.
func TestWatcherOfWhatWasConfirmed(t *testing.T) {
	r := runFolder(t)
	trial := waiting(t, r)
	if err := errors.Join(r.dir.Remove(pendingFile), r.write(confirmedFile, []byte("torn"))); err != nil {
		t.Fatal(err)
	}
	w := &watcher{run: r, name: trial.Name}
	if done, err := w.end(nil); done || err == nil {
		t.Errorf("ended: %v, %v", done, err)
	}
	if err := r.writeTrial(confirmedFile, trial.trial); err != nil {
		t.Fatal(err)
	}
	var kept []byte
	done, err := w.end(func(keep []byte) error { kept = keep; return nil })
	if !done || err != nil || string(kept) != "keep" {
		t.Errorf("ended: %v, %v, and %q is kept", done, err, kept)
	}
	if outcome, err := trial.Outcome(); outcome != Confirmed || err != nil {
		t.Errorf("outcome %q, %v", outcome, err)
	}
}

// TestTrialThatCannotBeRead holds that it is none that is not there.
func TestTrialThatCannotBeRead(t *testing.T) {
	r := runFolder(t)
	if _, _, ok, err := r.Pending(); ok || err != nil {
		t.Fatal("without a trial: ", ok, err)
	}
	for _, file := range []string{pendingFile, confirmedFile} {
		if err := r.write(file, []byte("torn")); err != nil {
			t.Fatal(err)
		}
	}
	_, _, _, pending := r.Pending()
	_, confirm := r.Confirm()
	_, _, unsettled := r.Unsettled()
	const want = "the saved rules from before the last apply --confirm cannot be read: unexpected EOF; check the running rules by hand, and then remove "
	for file, err := range map[string]error{"pending": pending, "confirmed": unsettled} {
		if err == nil || err.Error() != want+filepath.Join(r.dir.Name(), file) {
			t.Errorf("%s: %v", file, err)
		}
	}
	if confirm == nil || confirm.Error() != pending.Error() {
		t.Errorf("confirm: %v", confirm)
	}
}

// TestTrialThatIsTooLarge holds that what could not be read again is not written.
func TestTrialThatIsTooLarge(t *testing.T) {
	defer func(limit int64) { maxTrial = limit }(maxTrial)
	maxTrial = 1000
	r := runFolder(t)
	trial, err := r.NewTrial(Machine{}, nil, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	err = trial.Save("nftables", &Comparison{save: func() ([]byte, error) { return make([]byte, 1000), nil }})
	if err == nil || !strings.HasPrefix(err.Error(), "the running rules take 1") || !strings.HasSuffix(err.Error(), " bytes to save, over the limit of 1000; apply without --confirm") {
		t.Errorf("error %v", err)
	}
	for _, file := range []string{pendingFile, deadlineFile} {
		if _, err := r.dir.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s exists: %v", file, err)
		}
	}
}

// TestTrialOfFiles holds that no trial begins of what cannot be brought back.
func TestTrialOfFiles(t *testing.T) {
	trial, err := runFolder(t).NewTrial(Machine{}, nil, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	i := installation{generator: pac.Generator{}, have: installed{}, want: installed{}}
	c, err := i.comparison()
	if err != nil {
		t.Fatal(err)
	}
	const want = "what runs cannot be brought back; apply without --confirm"
	if err := trial.Save("pac", c); err == nil || err.Error() != want || trial.watched {
		t.Errorf("watched %v, error %v, want %s", trial.watched, err, want)
	}
}

// TestWatcherOfAnotherNamespace holds that a watcher changes no rules in a network
// namespace that is not the folder's.
func TestWatcherOfAnotherNamespace(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "1f")
	_, err := newWatcher(folder, "/proc/self/ns/net", "name")
	if want := "/proc/self/ns/net is another network namespace than that of " + folder + ", whose process is gone"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the watcher made a folder: ", err)
	}
}
