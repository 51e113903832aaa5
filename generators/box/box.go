// Package box runs this program once more in a box, with work for it: in namespaces of
// its own, where programs that are not ours may run. Inside there is no network but a
// loopback of its own, no process but its own, a root that holds system programs and
// libraries and cannot be written, private /tmp, /dev/shm and IPC, and no right to
// anything outside. All of it ends with the process that started it, also by SIGKILL.
//
// It knows nothing of what is run. It needs Linux 5.12, and is made by root and by
// ordinary users alike.
package box

import (
	"fmt"
	"os"
)

// name is what this program is called inside a box: its argument 0.
const name = "gatewright-box"

// UnavailableError says that this machine cannot make the box.
type UnavailableError struct {
	Step string // what failed: "namespaces"
	Err  error
	Hint string // which setting forbids it; may be empty
}

func (e *UnavailableError) Error() string {
	text := fmt.Sprintf("engines run in a box, which this machine cannot make: %s: %v", e.Step, e.Err)
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

func (e *UnavailableError) Unwrap() error { return e.Err }

// isInside is set once this process is in a box.
var isInside bool

// Inside reports whether this process runs in a box.
func Inside() bool { return isInside }

// calledInside reports whether this process was started to be the inside of a box.
func calledInside() bool { return len(os.Args) == 1 && os.Args[0] == name }

// setup is what the inside is told on its standard input, which stays open as long as
// the outside lives.
type setup struct {
	Reads []string
	Work  []byte
}
