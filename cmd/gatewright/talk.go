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
		t.raw(t.paint(yellow, "gatewright: warning:") + visible(" "+fmt.Sprintf(format, args...)+"\n"))
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
		fmt.Fprintf(t, format+"\n", args...)
	}
}
