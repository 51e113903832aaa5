package artefact

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Lines is a file while a reader goes through it.
type Lines struct {
	Line string // that is read, without its newline
	At   int    // its number, from 1; 0 before the first one
	Sign string // in front of comments: "# " unless a reader says otherwise

	Comments []Comment // that Note has taken

	file, text string // with zeros for the digest
	rest       string // after the line
	longest    int    // of a line in bytes; 0 for any
}

// LinesOf starts to read a file whose lines have at most longest bytes; 0 means no
// limit. Do not trust its content before ReadTitle.
func LinesOf(file string, data []byte, longest int) *Lines {
	text := unsealedText(data)
	return &Lines{Sign: "# ", file: file, text: text, rest: text, longest: longest}
}

// check refuses a file that holds anything but lines of printable ASCII and tabs, each
// ended by a newline alone: engines take other characters for the end of a line, or
// show them as something else.
func (l *Lines) check() error {
	again := Lines{file: l.file, rest: l.text}
	for again.Next() {
		switch {
		case strings.ContainsFunc(again.Line, func(r rune) bool { return (r < ' ' || r > '~') && r != '\t' }):
			return again.Foreign(errors.New("printable ASCII"))
		case l.longest > 0 && len(again.Line) > l.longest:
			return again.Foreign(fmt.Errorf("at most %d bytes in a line", l.longest))
		case again.rest == "" && !strings.HasSuffix(l.text, "\n"):
			return again.Foreign(errors.New("a newline at its end"))
		}
	}
	return nil
}

// Next goes to the next line; false if there is none.
func (l *Lines) Next() bool {
	if l.rest == "" {
		l.Line = ""
		return false
	}
	l.Line, l.rest, _ = strings.Cut(l.rest, "\n")
	l.At++
	return true
}

// Since returns the lines that were read since an earlier place of the same file,
// without the last newline.
func (l *Lines) Since(earlier Lines) string {
	return strings.TrimSuffix(earlier.rest[:len(earlier.rest)-len(l.rest)], "\n")
}

// Note takes the line as a comment about something: a rule's id, or what else its
// reader calls it; empty for the whole file.
func (l *Lines) Note(about string) {
	text := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(l.Line), strings.TrimSpace(l.Sign)))
	l.Comments = append(l.Comments, Comment{File: l.file, Line: l.At, About: about, Text: text})
}

// Follows reports whether the next line starts so.
func (l *Lines) Follows(start string) bool { return strings.HasPrefix(l.rest, start) }

// Foreign is the error of the line that is read: want says what is expected there.
func (l *Lines) Foreign(want error) error {
	return &ForeignError{File: l.file, Line: max(l.At, 1), Text: l.Line, Want: want.Error()}
}

// ForeignAt is the error of an earlier line.
func (l *Lines) ForeignAt(at int, want error) error {
	again := Lines{file: l.file, rest: l.text}
	for again.At < at && again.Next() {
	}
	return again.Foreign(want)
}

// ReadTitle reads the first line that ListHeader writes, behind the sign of a comment,
// and returns what follows title. Another number than format is a FormatError; a file
// without a number is of format 1. Any other error is of the first line of the file
// that no generator writes.
func (l *Lines) ReadTitle(title string, format int) (rest string, err error) {
	l.Next()
	what, number, numbered := strings.Cut(l.Line, titleFormat)
	rest, ours := strings.CutPrefix(what, l.Sign+titleStart+title)
	have := 1
	if numbered {
		have, err = strconv.Atoi(number)
		ours = ours && err == nil && strconv.Itoa(have) == number
	}
	if ours && have != format {
		return "", &FormatError{l.file, have, format}
	}
	if !ours {
		return "", &ForeignError{File: l.file, Line: max(l.At, 1), Want: fmt.Sprintf("%q and what it is", l.Sign+titleStart+title), Untitled: true}
	}
	return rest, l.check()
}

// ReadHeader reads the rest of Header after its title, each line a comment of at
// most so many bytes, and returns what follows the lines of ListHeader.
func (l *Lines) ReadHeader(longest int) (lines []string, err error) {
	for l.At < len(ListHeader("", "", 0)) && l.Next() {
	}
	for l.Follows(l.Sign) && l.Next() {
		text := l.Line[len(l.Sign):]
		switch {
		case !isHeaderLine(text) || strings.Contains(text, "\t"):
			return nil, l.Foreign(errors.New("a line about a source, or only #"))
		case len(text) > longest:
			return nil, l.Foreign(fmt.Errorf("a comment of at most %d bytes", longest))
		}
		l.Note("")
		lines = append(lines, text)
	}
	return lines, nil
}

// Compare compares a file with what its view renders to, but for the digest, and
// returns a ForeignError for the first line that differs.
func Compare(file string, data, rendered []byte) error {
	have, want := Unsealed(data), Unsealed(rendered)
	for number := 1; !bytes.Equal(have, want); number++ {
		line, rest, more := bytes.Cut(have, []byte("\n"))
		expected, restExpected, moreExpected := bytes.Cut(want, []byte("\n"))
		if !bytes.Equal(line, expected) || more != moreExpected {
			at := 0
			for at < min(len(line), len(expected)) && line[at] == expected[at] {
				at++
			}
			return &ForeignError{File: file, Line: number, At: at, Text: string(line), Want: quoted(string(expected), at)}
		}
		have, want = rest, restExpected
	}
	return nil
}

// Overlapping returns the index of a value that overlaps another value of the list, or
// false if there is none. The order of compare must put overlapping values next to each
// other.
func Overlapping[T any](list []T, compare func(a, b T) int, overlap func(a, b T) bool) (int, bool) {
	if slices.IsSortedFunc(list, compare) {
		for i := 1; i < len(list); i++ {
			if overlap(list[i-1], list[i]) {
				return i, true
			}
		}
		return 0, false
	}
	order := make([]int32, len(list))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(i, j int32) int { return compare(list[i], list[j]) })
	for i := 1; i < len(order); i++ {
		if one, other := order[i-1], order[i]; overlap(list[one], list[other]) {
			return int(max(one, other)), true
		}
	}
	return 0, false
}
