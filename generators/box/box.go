// Package box runs this program again in a sandbox of namespaces, called the box, to do
// work with programs that are not trusted. Inside there is no network except a loopback
// and no process except the box's own. The root file system is read-only and holds only
// system programs and libraries. /tmp, /dev/shm and IPC are private, and there are no
// rights outside. Everything ends with the process that started the box, even on
// SIGKILL.
//
// The package does not know which programs it runs. It needs Linux 5.12, and works for
// root and for ordinary users.
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
	text := fmt.Sprintf("this machine cannot make the box in which engines run: %s: %v", e.Step, e.Err)
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
