package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// talk is what the tool says to people, on stderr. Lower case, no full stop at
// the end of an error; stdout is for the product alone.
type talk struct {
	*safeWriter
	quiet bool // errors alone
}

func newTalk(w io.Writer) talk { return talk{safeWriter: newSafeWriter(w)} }

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && info.Mode()&os.ModeDevice != 0
}

func (t talk) errorf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for line := range strings.Lines(text) {
		t.raw(t.paint(red, "gatewright: error:") + visible(" "+strings.TrimSuffix(line, "\n")+"\n"))
	}
}

func (t talk) warnf(format string, args ...any) {
	if !t.quiet {
		t.raw(t.paint(yellow, "gatewright: warning:") + visible(" "+sprintLine(format, args...)+"\n"))
	}
}

// progress shows what is being done, and since when, in the last line of a terminal,
// until done is called.
func (t talk) progress(text string) (done func()) {
	f, ok := t.w.(*os.File)
	if !ok || t.quiet || !isTerminal(f) {
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

func (t talk) sayf(format string, args ...any) {
	if !t.quiet {
		fmt.Fprint(t, sprintLine(format, args...)+"\n")
	}
}

// sprintLine formats one line: a line feed in a name or a text of others starts no second
// one, which would pass for the tool's own.
func sprintLine(format string, args ...any) string {
	args = slices.Clone(args)
	for i, a := range args {
		switch a := a.(type) {
		case string:
			args[i] = strings.ReplaceAll(a, "\n", `\u000a`)
		case error:
			args[i] = strings.ReplaceAll(a.Error(), "\n", `\u000a`)
		}
	}
	return fmt.Sprintf(format, args...)
}
