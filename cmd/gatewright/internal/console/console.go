// Package console writes to people, terminals and the runners of CI: the streams that
// every command writes to, messages, tables, and JSON.
package console

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Console is what the tool says to people, on stderr: one line each, in lower case, and
// without a full stop at the end of an error. No line feed in an argument starts a
// line, and of URLs no user, password, query and fragment are shown.
type Console struct {
	*Writer
	Quiet bool // errors alone
}

// New returns a Console that writes to w, in colours if w is a terminal and NO_COLOR
// is\n// not set.
func New(w io.Writer) Console { return Console{Writer: NewWriter(w)} }

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && info.Mode()&os.ModeDevice != 0
}

// Errorf prints an error on one line, and each further joined error on its own line.
func (t Console) Errorf(format string, args ...any) {
	for line := range strings.Lines(sprint(errorText, format, args)) {
		t.Raw(t.Paint(Red, "gatewright: error:") + Visible(" "+WithoutSecrets(strings.TrimSuffix(line, "\n"))+"\n"))
	}
}

// Warnf prints a warning, unless the console is quiet.
func (t Console) Warnf(format string, args ...any) {
	if !t.Quiet {
		t.Raw(t.Paint(Yellow, "gatewright: warning:") + Visible(" "+WithoutSecrets(Line(format, args...))+"\n"))
	}
}

// Progress shows what is being done, and since when, in the last line of a terminal,
// until done is called.
func (t Console) Progress(text string) (done func()) {
	f, ok := t.w.(*os.File)
	if !ok || t.Quiet || !isTerminal(f) {
		return func() {}
	}
	const clear = "\r\x1b[K"
	start, second := time.Now(), time.NewTicker(time.Second)
	ended, cleared := make(chan struct{}), make(chan struct{})
	fmt.Fprint(t.w, clear+text)
	go func() {
		defer close(cleared)
		for {
			select {
			case <-second.C:
				fmt.Fprintf(t.w, "%s%s, %s", clear, text, time.Since(start).Truncate(time.Second))
			case <-ended:
				fmt.Fprint(t.w, clear)
				return
			}
		}
	}()
	return func() {
		second.Stop()
		close(ended)
		<-cleared
	}
}

// Sayf prints a line, unless the console is quiet.
func (t Console) Sayf(format string, args ...any) {
	if !t.Quiet {
		fmt.Fprint(t, WithoutSecrets(Line(format, args...))+"\n")
	}
}
