package console

import (
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/feed"
)

// Line formats one line: a line feed in a name or a text of others starts no second
// one, which would pass for the tool's own.
func Line(format string, args ...any) string {
	return sprint(func(err error) string { return escapeLines(err.Error()) }, format, args)
}

// sprint formats texts in one line each, and errors by a function.
func sprint(text func(error) string, format string, args []any) string {
	args = slices.Clone(args)
	for i, a := range args {
		switch a := a.(type) {
		case string:
			args[i] = escapeLines(a)
		case error:
			args[i] = text(a)
		}
	}
	return fmt.Sprintf(format, args...)
}

func escapeLines(text string) string { return strings.ReplaceAll(text, "\n", `\u000a`) }

// errorText is an error in lines.
func errorText(err error) string {
	var b strings.Builder
	for i, line := range ErrorLines(err) {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(line.Text)
	}
	return b.String()
}

// ErrorLine is one line of an error's text.
type ErrorLine struct {
	Text string
	Err  error // the error that the line is of: with others around it, none beside it
}

// ErrorLines are the lines of an error, of which only errors that are joined start one:
// a name that an error quotes may hold line feeds, too.
func ErrorLines(err error) []ErrorLine {
	switch e := err.(type) {
	case queryError:
		lines := ErrorLines(e.error)
		for i := range lines {
			lines[i].Text = feed.HideQuery(e.url, lines[i].Text)
		}
		return lines
	case interface{ Unwrap() []error }:
		return linesAround(err, e.Unwrap())
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return linesAround(err, []error{inner})
		}
	}
	return []ErrorLine{{escapeLines(err.Error()), err}}
}

// linesAround are the lines of an error that wraps others in this order, or joins them.
func linesAround(err error, wrapped []error) []ErrorLine {
	var all []ErrorLine
	text, joined := err.Error(), joins(err, wrapped)
	for i, inner := range wrapped {
		before, after, found := strings.Cut(text, inner.Error())
		if !found {
			break
		}
		lines := ErrorLines(inner)
		switch {
		case i > 0 && joined:
		case i > 0:
			last := &all[len(all)-1]
			last.Text += escapeLines(before) + lines[0].Text
			lines = lines[1:]
		default:
			lines[0].Text = escapeLines(before) + lines[0].Text
		}
		all, text = append(all, lines...), after
	}
	if all == nil {
		return []ErrorLine{{escapeLines(text), err}}
	}
	all[len(all)-1].Text += escapeLines(text)
	if len(all) == 1 {
		all[0].Err = err
	}
	return all
}

// joins reports whether an error has a line for each of those that it wraps.
func joins(err error, wrapped []error) bool {
	texts := make([]string, len(wrapped))
	for i, one := range wrapped {
		texts[i] = one.Error()
	}
	return strings.Join(texts, "\n") == err.Error()
}
