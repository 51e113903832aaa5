//go:build !linux

package live

// Run is what applies to one machine have in common.
type Run struct{}

// Hold needs Linux.
func (Machine) Hold() (*Run, error) { return nil, errNeedsLinux }

// Release gives the Run back.
func (*Run) Release() {}

// Is reports whether two are the same machine.
func (m Machine) Is(other Machine) bool { return m == other }
