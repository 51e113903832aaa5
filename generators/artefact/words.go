package artefact

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

const ellipsis = "..."

// OneLine replaces white space by a space, and what is not printable ASCII by a
// question mark: engines and terminals do not agree on where other lines end. It parts
// "##", for "##[error]" commands the runner of a pipeline that shows the file.
func OneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r < ' ' || r > '~':
			return '?'
		}
		return r
	}, s)
	return strings.ReplaceAll(s, "##", "# ")
}

// Cut shortens ASCII to limit bytes at most, and shows it.
func Cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return s[:limit-len(ellipsis)] + ellipsis
}

// HasOnly reports whether a text is letters, digits, "-", "_" and some more characters.
func HasOnly(s, more string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_"+more, r)
	})
}

// The name of a network interface (IFNAMSIZ with its zero).
const (
	mostInterface  = 15
	interfaceWords = "at most 15 letters, digits, - _ . and @"
)

// ErrInterface says what the name of an interface is.
var ErrInterface = errors.New("the name of an interface, of " + interfaceWords)

// CheckInterface refuses text that is not the name of a network interface. It also
// refuses text that a packet filter would read as a wildcard or as the end of a word.
func CheckInterface(s string) error {
	if s == "" || s == "." || s == ".." || !HasOnly(s, ".@") || len(s) > mostInterface {
		return fmt.Errorf("bad interface name %q; expect %s", s, interfaceWords)
	}
	return nil
}

// OneByOne returns lists of one interface each; the empty list, for every one, stays
// one.
func OneByOne(names []string) [][]string {
	if len(names) == 0 {
		return [][]string{nil}
	}
	return slices.Collect(slices.Chunk(names, 1))
}
