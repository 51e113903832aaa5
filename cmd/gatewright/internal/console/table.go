package console

import (
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Table is text in columns. Cells wrap, so that the table fits and loses nothing;
// a word wider than its column is broken, but never an id.
type Table struct {
	Header  []string
	IDs     []int      // columns of ids, from 0; the table is rather wider than its width
	Rows    [][]string // each as long as Header; a newline in a cell stays one
	Footer  string     // follows as it is
	Remarks []string   // about the table, for stderr
}

// Widths in characters.
const (
	defaultWidth = 100 // of a terminal that does not say its own
	textWidth    = 80  // of the widest column where nothing limits the table
)

// Width is the width in characters of the terminal behind w; where there is none,
// COLUMNS if it is set, else 0: no limit.
func Width(w io.Writer) int {
	if s, ok := w.(*Writer); ok {
		w = s.w
	}
	f, ok := w.(*os.File)
	if ok {
		if n := terminalWidth(f); n >= 40 {
			return n
		}
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n >= 40 {
		return n
	}
	if ok && isTerminal(f) {
		return defaultWidth
	}
	return 0
}

// Write writes the table to fit a width in characters; 0 is no limit.
func (t Table) Write(w io.Writer, width int) error {
	widths := t.widths(width)
	var b strings.Builder
	for _, row := range append([][]string{t.Header}, t.Rows...) {
		writeRow(&b, row, widths)
	}
	_, err := io.WriteString(w, b.String()+t.Footer)
	return err
}

// widths gives every column what it needs and, if that is more than fits, takes
// from the widest first: down to its longest word, and only then further. Columns
// of ids keep what they need.
func (t Table) widths(total int) []int {
	widths, words := make([]int, len(t.Header)), make([]int, len(t.Header))
	for _, row := range append([][]string{t.Header}, t.Rows...) {
		for i, cell := range row {
			for line := range strings.SplitSeq(cell, "\n") {
				widths[i] = max(widths[i], utf8.RuneCountInString(line))
			}
			for word := range strings.FieldsSeq(cell) {
				words[i] = max(words[i], utf8.RuneCountInString(word))
			}
		}
	}
	floors := make([]int, len(widths))
	for i := range widths {
		floors[i] = 8
		if slices.Contains(t.IDs, i) {
			words[i], floors[i] = widths[i], widths[i]
		}
	}
	if total == 0 {
		for i := range widths {
			widths[i] = min(widths[i], max(words[i], textWidth))
		}
		return widths
	}
	shrink(widths, words, total)
	shrink(widths, floors, total)
	return widths
}

// shrink takes from the widest column that is wider than its floor until the sum
// fits or nothing can be taken.
func shrink(widths, floors []int, total int) {
	for {
		sum, widest := 2*(len(widths)-1), -1
		for i, n := range widths {
			sum += n
			if n > floors[i] && (widest < 0 || n > widths[widest]) {
				widest = i
			}
		}
		if sum <= total || widest < 0 {
			return
		}
		widths[widest]--
	}
}

func writeRow(b *strings.Builder, row []string, widths []int) {
	cells := make([][]string, len(row))
	height := 0
	for i, cell := range row {
		cells[i] = Wrap(cell, widths[i])
		height = max(height, len(cells[i]))
	}
	for n := range height {
		var line strings.Builder
		for i, cell := range cells {
			text := ""
			if n < len(cell) {
				text = cell[n]
			}
			line.WriteString(text + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)+2))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// Wrap breaks text into lines of at most width characters, at spaces where it can.
func Wrap(text string, width int) []string {
	var wrapped []string
	for line := range strings.SplitSeq(text, "\n") {
		current := ""
		for word := range strings.FieldsSeq(line) {
			for utf8.RuneCountInString(word) > width {
				if current != "" {
					wrapped, current = append(wrapped, current), ""
				}
				runes := []rune(word)
				wrapped, word = append(wrapped, string(runes[:width])), string(runes[width:])
			}
			switch {
			case current == "":
				current = word
			case utf8.RuneCountInString(current)+1+utf8.RuneCountInString(word) <= width:
				current += " " + word
			default:
				wrapped, current = append(wrapped, current), word
			}
		}
		wrapped = append(wrapped, current)
	}
	return wrapped
}
