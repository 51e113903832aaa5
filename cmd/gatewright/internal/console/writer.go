package console

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"gatewright/catalog"
)

// Writer is stdout or stderr as people, terminals and the runners of GitHub and GitLab
// read it: whatever is written, in a catalogue's or a server's words too, moves no
// cursor, hides nothing, and commands no runner. It writes whole lines; an error stays,
// and is told at the end of a run.
type Writer struct {
	w     io.Writer
	color bool
	line  []byte // not yet ended
	err   error
}

// NewWriter writes to w, and colours if that is a terminal, unless NO_COLOR is set.
func NewWriter(w io.Writer) *Writer {
	f, ok := w.(*os.File)
	return &Writer{w: w, color: ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(f)}
}

// Write writes the whole lines of what it is given, and keeps the rest for later.
func (s *Writer) Write(p []byte) (int, error) {
	s.line = append(s.line, p...)
	end := bytes.LastIndexByte(s.line, '\n') + 1
	text := Visible(string(s.line[:end]))
	s.line = append(s.line[:0], s.line[end:]...)
	if err := s.Raw(text); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Raw writes text that is safe to show, or data that is not for people: a rule file.
func (s *Writer) Raw(text string) error {
	if s.err == nil && text != "" {
		_, s.err = io.WriteString(s.w, text)
	}
	return s.err
}

// Err returns the first error of all.
func (s *Writer) Err() error { return s.err }

// Close writes what no newline has ended, and returns the first error of all.
func (s *Writer) Close() error {
	text := Visible(string(s.line))
	s.line = nil
	return s.Raw(text)
}

// The colours of ECMA-48 that the tool uses.
const (
	Red    = "31"
	Green  = "32"
	Yellow = "33"
)

// Paint makes a text visible, and colours it.
func (s *Writer) Paint(color, text string) string {
	if !s.color {
		return Visible(text)
	}
	return "\x1b[" + color + "m" + Visible(text) + "\x1b[0m"
}

var (
	// runnerCommand starts a line that GitHub's runner takes for one: "::error
	// file=x::text".
	runnerCommand = regexp.MustCompile(`^::[A-Za-z_-]+( .*)?::`)

	// oldRunnerCommand is one of GitHub's and Azure's runners anywhere in a line:
	// "##[error]", "##vso[task.complete]".
	oldRunnerCommand = regexp.MustCompile(`##([A-Za-z]*\[)`)
)

// Visible returns the text with what does not print, and what commands a runner, as
// JSON escapes it: "\u202e"; in JSON it so stays the same value. Tabs and newlines
// stay. What GitLab's runner folds by, "section_start:1:name\r\x1b[0K", cannot stand
// without its carriage return.
func Visible(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for line := range strings.Lines(text) {
		if strings.ContainsFunc(line, isHidden) {
			line = escapeHidden(line)
		}
		if strings.Contains(line, "##") {
			line = oldRunnerCommand.ReplaceAllString(line, `#\u0023${1}`)
		}
		if start := strings.TrimLeftFunc(line, unicode.IsSpace); strings.HasPrefix(start, "::") && runnerCommand.MatchString(start) {
			line = line[:len(line)-len(start)] + `\u003a` + start[1:]
		}
		b.WriteString(line)
	}
	return b.String()
}

// isHidden reports whether a character has no shape of its own: controls, marks of
// direction and other formats, fillers, separators of lines, what Unicode has not given
// out; and what stands for bytes that are not UTF-8.
func isHidden(r rune) bool {
	return r != '\n' && r != '\t' && !catalog.IsPlain(r) && !unicode.Is(unicode.Zs, r) || r == utf8.RuneError
}

func escapeHidden(line string) string {
	var b strings.Builder
	for i, r := range line {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(line[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, line[i])
		case isHidden(r) && r != utf8.RuneError:
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
