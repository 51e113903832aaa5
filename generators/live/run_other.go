//go:build !linux

package live

import "time"

// Run needs Linux.
type Run struct{}

func (Machine) Hold() (*Run, error) { return nil, errNeedsLinux }
func (*Run) Release()               {}

// Is reports whether two are the same machine.
func (m Machine) Is(other Machine) bool { return m == other }

// Waits returns no change: none was made.
func (Machine) Waits() (time.Time, bool, error) { return time.Time{}, false, nil }

// Trial needs Linux.
type Trial struct{}

func (*Run) NewTrial(Machine, []byte, time.Duration) (*Trial, error) { return nil, errNeedsLinux }
func (*Run) Pending() (time.Duration, bool, bool, error)             { return 0, false, false, errNeedsLinux }
func (*Run) Confirm() ([]byte, error)                                { return nil, errNeedsLinux }
func (*Run) Last() (Outcome, time.Time, []string, error) {
	return Waiting, time.Time{}, nil, errNeedsLinux
}
func (*Run) Unsettled() ([]byte, bool, error) { return nil, false, errNeedsLinux }
func (*Run) Settled() error                   { return errNeedsLinux }
func (*Run) Restore(Machine) error            { return errNeedsLinux }

func (*Trial) Save(string, *Comparison) error { return errNeedsLinux }
func (*Trial) Begin() error                   { return errNeedsLinux }
func (*Trial) GiveUp() error                  { return errNeedsLinux }
func (*Trial) Outcome() (Outcome, error)      { return Waiting, errNeedsLinux }

// WatchCommand is the command of the tool that calls Watch with the arguments that
// follow.
const WatchCommand = "watch"

// Watch needs Linux.
func Watch([]string, func([]byte) error) error { return errNeedsLinux }
