package live

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// WatchCommand is the command of the tool that calls Watch with the arguments that
// follow.
const WatchCommand = "watch"

// detach is the first argument of a watcher that is to start another one and end, so
// that nothing leads from that one to who asked for it.
const detach = "detach"

// systemdFolder is there where systemd is process 1 (sd_booted(3)).
const systemdFolder = "/run/systemd/system"

// startWatcher starts a process that outlives this one, its terminal, session and
// process group, and returns once it is seen alive.
func (r *Run) startWatcher(m Machine, name string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	args := []string{program, WatchCommand, filepath.Clean(r.dir.Name()), m.namespace(), name}
	cmd := exec.Command(program, append([]string{WatchCommand, detach}, args[2:]...)...)
	if info, err := os.Stat(systemdFolder); err == nil && info.IsDir() {
		cmd = exec.Command("systemd-run", append([]string{
			"--quiet", "--collect", "--unit", "gatewright-watch-" + strings.ToLower(name),
			"--description", "Gatewright brings rules back that nobody confirms",
			"--property", "Restart=on-failure", "--"}, args...)...)
	}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("no process watches the change: %s: %w %s", filepath.Base(cmd.Path), err, strings.TrimSpace(string(out)))
	}
	for end := time.Now().Add(watcherStart); time.Now().Before(end); time.Sleep(watchInterval / 10) {
		text, err := r.read(watcherFile)
		if err != nil || string(text) != name {
			continue
		}
		if alive, err := r.isWatched(); err == nil && alive {
			return nil
		}
	}
	return fmt.Errorf("no process watches the change: it did not start within %v", watcherStart)
}

// namespace is the machine's network namespace by a name for other processes.
func (m Machine) namespace() string {
	if m.Namespace != "" {
		return m.Namespace
	}
	own, err := os.Readlink("/proc/self/ns/net")
	first, firstErr := os.Readlink("/proc/1/ns/net")
	if err == nil && firstErr == nil && own == first {
		return "/proc/1/ns/net" // which stays
	}
	return fmt.Sprintf("/proc/%d/ns/net", os.Getpid())
}

// Watch restores the old rules if a trial is not confirmed in time, or when Watch is
// told to end. settle writes what a confirmed trial keeps, if the confirming process
// could not.
func Watch(args []string, settle func(keep []byte) error) error {
	if len(args) == 4 && args[0] == detach {
		return startDetached(args[1:])
	}
	if len(args) != 3 {
		return errors.New("only apply runs this command")
	}
	w, err := newWatcher(args[0], args[1], args[2])
	if err != nil {
		return err
	}
	return w.watch(settle)
}

func startDetached(args []string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(program, append([]string{WatchCommand}, args...)...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd.Start()
}

type watcher struct {
	run     *Run
	machine Machine
	name    string           // of the trial
	open    []*os.File       // while it lives: the namespace, and the lock
	told    <-chan os.Signal // to end
	until   time.Duration    // the deadline as it was read last
}

// newWatcher is seen alive when it returns: it holds the namespace, and the lock of
// watcherFile, in which the trial's name stands.
func newWatcher(folder, namespace, name string) (*watcher, error) {
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGPIPE)
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	held, err := os.Open(namespace)
	if err != nil {
		return nil, err
	}
	machine := Machine{fmt.Sprintf("/proc/self/fd/%d", held.Fd())}
	if key, err := machine.key(); err != nil {
		return nil, err
	} else if key != filepath.Base(folder) {
		return nil, fmt.Errorf("%s is another network namespace than that of %s, whose process is gone", namespace, folder)
	}
	run, err := openRun(folder)
	if err != nil {
		return nil, err
	}
	lock, err := run.dir.OpenFile(watcherFile, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil { // of an earlier trial's watcher, which ends
		return nil, err
	}
	w := &watcher{run: run, machine: machine, name: name, open: []*os.File{held, lock}, told: told}
	if err := w.begin(); err != nil {
		return nil, err
	}
	if err := lock.Truncate(0); err != nil {
		return nil, err
	}
	_, err = lock.WriteAt([]byte(name), 0)
	return w, err
}

// begin starts the trial's time: the process that started the watcher may have ended.
func (w *watcher) begin() error {
	t, err := w.run.readTrial(pendingFile)
	if err == nil && t.Name != w.name {
		err = ErrNoTrial
	}
	if err == nil {
		err = w.run.setDeadline(w.name, t.Wait)
	}
	if err == nil {
		_, err = w.isOver()
	}
	return err
}

// watch returns when the trial has ended. What cannot be read is read again.
func (w *watcher) watch(settle func([]byte) error) error {
	for ; ; time.Sleep(watchInterval) {
		over, err := w.isOver()
		if err == nil && over {
			return nil
		}
		late, err := w.isLate()
		if waits, statErr := w.run.has(pendingFile); err != nil || statErr != nil || waits && !late {
			continue
		}
		if done, err := w.end(settle); done {
			return err
		} else if err != nil {
			fmt.Fprintln(os.Stderr, "gatewright: error:", err)
			time.Sleep(time.Second)
		}
	}
}

// isOver reports whether the trial has ended, and notes until when it waits.
func (w *watcher) isOver() (bool, error) {
	name, deadline, err := w.run.deadline()
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && name != w.name:
		return true, nil
	case err == nil:
		w.until = deadline
	}
	return false, err
}

// isLate reports whether what ran before is to come back. Where the deadline cannot be
// read, the one that was read last counts.
func (w *watcher) isLate() (bool, error) {
	now, err := uptime()
	return w.isTold() || err == nil && now >= w.until, err
}

func (w *watcher) isTold() bool {
	select {
	case <-w.told:
		w.told = closed()
		return true
	default:
		return false
	}
}

// closed returns a channel that always has something.
func closed() <-chan os.Signal {
	c := make(chan os.Signal)
	close(c)
	return c
}

// end ends the trial, unless another process has the Run: it may be confirming, or
// still changing rules.
func (w *watcher) end(settle func([]byte) error) (done bool, err error) {
	if err := syscall.Flock(int(w.run.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return false, nil
	}
	defer syscall.Flock(int(w.run.lock.Fd()), syscall.LOCK_UN)
	if over, err := w.isOver(); err == nil && over {
		return true, nil
	}
	keep, ok, err := w.run.Unsettled()
	if err != nil {
		return false, err
	}
	if ok {
		if err := settle(keep); err != nil {
			return false, err
		}
		return true, w.run.Settled()
	}
	if waits, err := w.run.has(pendingFile); err != nil {
		return false, err
	} else if !waits {
		return true, w.run.remove(deadlineFile)
	}
	if late, err := w.isLate(); err != nil || !late {
		return false, err // it was put off meanwhile
	}
	err = w.run.Restore(w.machine)
	if left := (*LeftOutError)(nil); errors.As(err, &left) {
		fmt.Fprintln(os.Stderr, "gatewright: warning:", left)
		return true, nil // there is nothing more to try
	}
	return err == nil, err
}
