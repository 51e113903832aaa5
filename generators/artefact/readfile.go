package artefact

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// CheckLines refuses a file that holds anything but lines of printable ASCII and tabs,
// each ended by a newline alone: engines take other characters for the end of a line,
// or show them as something else. A line has at most so many bytes; 0 stands for any
// number.
func CheckLines(file string, data []byte, longest int) error {
	number := 0
	for line := range bytes.Lines(data) {
		number++
		text, ended := strings.CutSuffix(string(line), "\n")
		switch {
		case strings.ContainsFunc(text, func(r rune) bool { return (r < ' ' || r > '~') && r != '\t' }):
			return &ForeignError{File: file, Line: number, Text: text, Want: "printable ASCII"}
		case longest > 0 && len(text) > longest:
			return &ForeignError{File: file, Line: number, Text: text, Want: fmt.Sprintf("at most %d bytes in a line", longest)}
		case !ended:
			return &ForeignError{File: file, Line: number, Text: text, Want: "a newline at its end"}
		}
	}
	return nil
}

// ReadTitle reads the first line that ListHeader writes, without the comment sign, and
// returns what follows title. Another number than format is a FormatError; a file
// without a number is of format 1.
func ReadTitle(file, line, title string, format int) (rest string, err error) {
	foreign := &ForeignError{File: file, Line: 1, Text: line, Want: fmt.Sprintf("%q and what it is", titleStart+title)}
	what, number, numbered := strings.Cut(line, titleFormat)
	rest, ok := strings.CutPrefix(what, titleStart+title)
	if !ok {
		return "", foreign
	}
	have := 1
	if numbered {
		if have, err = strconv.Atoi(number); err != nil || strconv.Itoa(have) != number {
			return "", foreign
		}
	}
	if have != format {
		return "", &FormatError{file, have, format}
	}
	return rest, nil
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

// Overlapping returns the index of a value that overlaps another of the list; false if
// there is none. Of values that overlap, compare has those beside each other.
func Overlapping[T any](list []T, compare func(a, b T) int, overlap func(a, b T) bool) (int, bool) {
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	if !slices.IsSortedFunc(list, compare) {
		slices.SortFunc(order, func(i, j int) int { return compare(list[i], list[j]) })
	}
	for i := 1; i < len(order); i++ {
		if one, other := order[i-1], order[i]; overlap(list[one], list[other]) {
			return max(one, other), true
		}
	}
	return 0, false
}

// Accept adds what a packet filter accepts at a hook point.
func (r *Reading) Accept(p HookPoint, a Accepted) {
	i, known := slices.BinarySearchFunc(r.Filters, p, func(f Filtered, p HookPoint) int { return f.Point.Compare(p) })
	if !known {
		r.Filters = slices.Insert(r.Filters, i, Filtered{Point: p})
	}
	r.Filters[i].Lines = append(r.Filters[i].Lines, a)
}
