package jsonc

import (
	"bytes"
	"errors"
	"fmt"
	"gatewright/catalog/suggest"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxErrors  = 100  // errors reported of one file
	maxQuoted  = 80   // characters of the input that a message shows
	maxMessage = 1000 // characters of a whole message
)

// Error is a fault of a document, at the place where a person mends it.
type Error struct {
	File      string // as given to Parse; may be empty
	Line, Col int    // from 1, Col in characters; both 0 when the fault is of the whole file
	Pointer   string // as Value.Pointer says; empty for the root
	Err       error  // what is wrong and how to mend it; never nil when made by this package
}

// Error returns one line, such as
//
//	catalog.json:14:18: /endpoints/3/prefixes/0: message
//
// without the parts that are empty. Characters that do not print are escaped,
// and a message of more than 1000 characters loses its middle.
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File + ":")
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", e.Line, e.Col)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	if e.Pointer != "" {
		b.WriteString(e.Pointer + ": ")
	}
	b.WriteString(shorten(fmt.Sprint(e.Err)))
	return printable(b.String())
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// errNotShown stands at the end of Errors that were cut.
var errNotShown = errors.New("further errors not shown")

// Errors are faults of one document: sorted by position, each once, at most 100,
// and then one without position that says that there were more.
type Errors []*Error

// Error returns one line per fault.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the faults, for errors.Is and errors.As.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, err := range e {
		all[i] = err
	}
	return all
}

// Quote shows a piece of input in a message: as %q does, and cut to 80
// characters with an ellipsis after the closing quote. It is for people, not
// for the quoting of any other language.
func Quote(s string) string {
	head, ellipsis := cut(s)
	return strconv.Quote(head) + ellipsis
}

// cut returns at most the first 80 characters of s, and "…" if there are more.
func cut(s string) (head, ellipsis string) {
	n := 0
	for i := range s {
		if n == maxQuoted {
			return s[:i], "…"
		}
		n++
	}
	return s, ""
}

// shorten takes the middle out of a long message: the input is mostly shown
// first, and what to do about it last.
func shorten(s string) string {
	if utf8.RuneCountInString(s) <= maxMessage {
		return s
	}
	runes := []rune(s)
	return string(runes[:maxMessage/2]) + "…" + string(runes[len(runes)-maxMessage/2+1:])
}

// printable escapes what would move a terminal's cursor or hide text.
func printable(s string) string {
	if IsPlainText(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if IsPlain(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRuneToASCII(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

func fileError(file, format string, args ...any) *Error {
	return &Error{File: file, Err: fmt.Errorf(format, args...)}
}

// errorAt returns an error at an offset, with the pointer of a node.
func (d *Doc) errorAt(offset, node int, format string, args ...any) *Error {
	err := fileError(d.file, format, args...)
	err.Line, err.Col = d.position(offset)
	err.Pointer = d.pointer(node)
	return err
}

// pointer returns the RFC 6901 pointer of a node; a key has its member's. It
// walks down from the root, also while the table is being filled: the index
// len(d.nodes) then stands for the element or value that is expected next.
func (d *Doc) pointer(target int) string {
	var b []byte
	for i := 0; i < target; {
		switch child := i + 1; d.kind(i) {
		case Array:
			index := 0
			for d.next(child) <= target {
				child = d.next(child)
				index++
			}
			b = strconv.AppendInt(append(b, '/'), int64(index), 10)
			i = child
		case Object:
			for d.next(child+1) <= target {
				child = d.next(child + 1)
			}
			if child >= len(d.nodes) {
				return string(b)
			}
			b = appendToken(append(b, '/'), d.bytes(child))
			if child == target {
				return string(b)
			}
			i = child + 1
		default:
			return string(b)
		}
	}
	return string(b)
}

// appendToken appends a key as a reference token. A key of more than 80
// characters is cut, for a pointer is read by people.
func appendToken(b, key []byte) []byte {
	token, ellipsis := cut(string(key))
	token = strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1")
	return append(append(b, token...), ellipsis...)
}

// found names what stands at pos.
func (p *parser) found() string {
	if p.pos == len(p.data) {
		return "the end of the file"
	}
	if word := p.word(); len(word) > 0 {
		return Quote(string(word))
	}
	r, _ := utf8.DecodeRune(p.data[p.pos:])
	return strconv.QuoteRune(r)
}

// valueHint says how to write what was found instead of a value. rest starts
// with word, which is not empty if rest starts with a word.
func valueHint(rest, word []byte) string {
	if literal := suggest.Nearest(string(word), []string{"true", "false", "null"}); literal != "" {
		return "; did you mean " + literal + "?"
	}
	switch {
	case len(word) > 0 && slices.Contains([]byte("+."), word[0]):
		return "; a number starts with a digit or a minus sign"
	case len(word) > 0 || bytes.HasPrefix(rest, []byte("'")):
		return "; text takes double quotes"
	case bytes.HasPrefix(rest, []byte("#")):
		return "; a comment starts with //"
	}
	return ""
}
