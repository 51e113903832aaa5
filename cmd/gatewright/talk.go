package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// talk is what the tool says to people, on stderr. Lower case, no full stop at
// the end of an error; stdout is for the product alone.
type talk struct {
	w     io.Writer
	quiet bool // errors alone
	color bool
}

// newTalk colours on a terminal unless NO_COLOR is set.
func newTalk(w io.Writer) talk {
	f, ok := w.(*os.File)
	return talk{w: w, color: ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(f)}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && info.Mode()&os.ModeDevice != 0
}

func (t talk) errorf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for line := range strings.Lines(text) {
		fmt.Fprintf(t.w, "%s %s\n", t.paint(red, "gatewright: error:"), strings.TrimSuffix(line, "\n"))
	}
}

func (t talk) warnf(format string, args ...any) {
	if !t.quiet {
		fmt.Fprintf(t.w, "%s %s\n", t.paint(yellow, "gatewright: warning:"), fmt.Sprintf(format, args...))
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
		fmt.Fprintf(t.w, format+"\n", args...)
	}
}

// The colours of ECMA-48 that the tool uses.
const (
	red    = "31"
	yellow = "33"
)

func (t talk) paint(color, text string) string {
	if !t.color {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}
