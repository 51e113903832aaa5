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

// ErrorLines is the text of an error, in which only errors that are joined start lines: a
// name that an error quotes may hold line feeds, too.
func ErrorLines(err error) string {
	switch e := err.(type) {
	case queryError:
		return feed.HideQuery(e.url, ErrorLines(e.error))
	case interface{ Unwrap() []error }:
		joined := make([]string, len(e.Unwrap()))
		for i, one := range e.Unwrap() {
			joined[i] = one.Error()
		}
		if strings.Join(joined, "\n") != err.Error() {
			return aroundErrors(err.Error(), e.Unwrap())
		}
		for i, one := range e.Unwrap() {
			joined[i] = ErrorLines(one)
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
		b.WriteString(escapeLines(before) + ErrorLines(inner))
		text = after
	}
	return b.String() + escapeLines(text)
}
