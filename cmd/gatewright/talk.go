package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"gatewright/catalog/feed"
	"gatewright/catalog/netset"
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

// errorf tells an error: a line, and one for each further error that an argument joins.
func (t talk) errorf(format string, args ...any) {
	for line := range strings.Lines(sprint(errorLines, format, args)) {
		t.raw(t.paint(red, "gatewright: error:") + visible(" "+withoutSecrets(strings.TrimSuffix(line, "\n"))+"\n"))
	}
}

func (t talk) warnf(format string, args ...any) {
	if !t.quiet {
		t.raw(t.paint(yellow, "gatewright: warning:") + visible(" "+withoutSecrets(sprintLine(format, args...))+"\n"))
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
		fmt.Fprint(t, withoutSecrets(sprintLine(format, args...))+"\n")
	}
}

// sprintLine formats one line: a line feed in a name or a text of others starts no second
// one, which would pass for the tool's own.
func sprintLine(format string, args ...any) string {
	return sprint(func(err error) string { return escapeLines(err.Error()) }, format, args)
}

// sprint formats texts in one line each, and errors by a function.
func sprint(errorText func(error) string, format string, args []any) string {
	args = slices.Clone(args)
	for i, a := range args {
		switch a := a.(type) {
		case string:
			args[i] = escapeLines(a)
		case error:
			args[i] = errorText(a)
		}
	}
	return fmt.Sprintf(format, args...)
}

func escapeLines(text string) string { return strings.ReplaceAll(text, "\n", `\u000a`) }

// errorLines is the text of an error, in which only errors that are joined start lines: a
// name that an error quotes may hold line feeds, too.
func errorLines(err error) string {
	switch e := err.(type) {
	case hiddenQuery:
		return feed.HideQuery(e.url, errorLines(e.error))
	case interface{ Unwrap() []error }:
		joined := make([]string, len(e.Unwrap()))
		for i, one := range e.Unwrap() {
			joined[i] = one.Error()
		}
		if strings.Join(joined, "\n") != err.Error() {
			return aroundErrors(err.Error(), e.Unwrap())
		}
		for i, one := range e.Unwrap() {
			joined[i] = errorLines(one)
		}
		return strings.Join(joined, "\n")
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return aroundErrors(err.Error(), []error{inner})
		}
	}
	return escapeLines(err.Error())
}

// aroundErrors is the text of an error that wraps others in this order.
func aroundErrors(text string, wrapped []error) string {
	var b strings.Builder
	for _, inner := range wrapped {
		before, after, found := strings.Cut(text, inner.Error())
		if !found {
			break
		}
		b.WriteString(escapeLines(before) + errorLines(inner))
		text = after
	}
	return b.String() + escapeLines(text)
}

// piece is what a message quotes, mostly of somebody's input, or a word of it.
var piece = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|[^\s"]+`)

// withoutSecrets is a message without user, password, query and fragment of any URL in it.
func withoutSecrets(text string) string {
	if !strings.ContainsAny(text, "@?#") {
		return text
	}
	return piece.ReplaceAllStringFunc(text, func(word string) string {
		if inner, ok := strings.CutPrefix(word, `"`); ok {
			return `"` + netset.WithoutSecrets(strings.TrimSuffix(inner, `"`)) + `"`
		}
		plain := strings.TrimRight(word, ":;,.")
		return wordWithoutSecrets(plain) + word[len(plain):]
	})
}

// onceURL is the start of a path that was made of a URL.
var onceURL = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]+:/[^/]`)

// wordWithoutSecrets is a word that nobody quotes: a JSON pointer, the path of a file, a flag.
func wordWithoutSecrets(word string) string {
	if strings.HasPrefix(word, "/") {
		steps := strings.Split(word, "/")
		for i, step := range steps {
			if plain := netset.WithoutSecrets(strings.ReplaceAll(step, "~1", "/")); strings.ContainsAny(step, "@?#") {
				steps[i] = strings.ReplaceAll(plain, "/", "~1")
			}
		}
		return strings.Join(steps, "/")
	}
	if onceURL.MatchString(word) {
		word = strings.Replace(word, ":/", "://", 1)
	}
	return netset.WithoutSecrets(word)
}
