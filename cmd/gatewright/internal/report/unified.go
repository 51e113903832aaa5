package report

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"gatewright/generators/lcs"
)

// contextLines is how many equal lines stand around a change.
const contextLines = 3

// Bounds of what is shown of a file, which may be somebody else's.
const (
	maxShownLines = 10_000 // of either text, from the first that differs
	maxShownLine  = 4096   // bytes
)

// Unified shows how a file differs from what it should be, in the unified format of
// diff(1). Lines beyond the bounds are counted at its end. A change of very many lines
// is shown as one block, which is correct but not the shortest.
func Unified(file string, have, want []byte) string {
	before, head := commonHead(have, want)
	have, want = have[head:], want[head:]
	tail := commonTail(have, want)
	after, _ := firstLines(have[len(have)-tail:], contextLines)
	gone, more := firstLines(have[:len(have)-tail], maxShownLines)
	come, moreWanted := firstLines(want[:len(want)-tail], maxShownLines)
	if more+moreWanted > 0 {
		after = nil
	}
	edits := slices.Concat(same(before.context), compareMiddle(gone, come), same(after))
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s (generated)\n", file, file)
	at := position{before.lines + 1, before.lines + 1}
	for start := 0; start < len(edits); {
		change := start
		for change < len(edits) && edits[change].op == ' ' {
			change++
		}
		if change == len(edits) {
			break
		}
		from := max(start, change-contextLines)
		at.pass(edits[start:from])
		start = hunkEnd(edits, change)
		writeHunk(&b, at, edits[from:start])
		at.pass(edits[from:start])
	}
	if more+moreWanted > 0 {
		fmt.Fprintf(&b, "\\ %d more lines of the file and %d more that generate would write are not compared\n", more, moreWanted)
	}
	return b.String()
}

// start is what stands before the first difference: its last lines, and how many stand
// before those.
type start struct {
	context []string
	lines   int
}

// commonHead returns the lines that two texts begin with alike, and their bytes.
func commonHead(have, want []byte) (start, int) {
	same := 0
	for same < min(len(have), len(want)) && have[same] == want[same] {
		same++
	}
	if same < len(have) || same < len(want) {
		same = bytes.LastIndexByte(have[:same], '\n') + 1
	}
	from := same
	for range contextLines {
		if from > 0 {
			from = bytes.LastIndexByte(have[:from-1], '\n') + 1
		}
	}
	return start{lines(have[from:same]), bytes.Count(have[:from], []byte("\n"))}, same
}

// commonTail returns how many bytes two texts end with alike, in whole lines.
func commonTail(have, want []byte) int {
	same := 0
	for same < min(len(have), len(want)) && have[len(have)-1-same] == want[len(want)-1-same] {
		same++
	}
	if same == 0 || same == len(have) && same == len(want) {
		return same
	}
	tail := have[len(have)-same:]
	starts := func(text []byte) bool { return len(text) == same || text[len(text)-same-1] == '\n' }
	if starts(have) && starts(want) {
		return same
	}
	_, whole, _ := bytes.Cut(tail, []byte("\n"))
	return len(whole)
}

// same are lines that stay.
func same(lines []string) []edit {
	edits := make([]edit, len(lines))
	for i, l := range lines {
		edits[i] = edit{' ', l}
	}
	return edits
}

// firstLines returns at most so many lines of a text, and how many more it has.
func firstLines(text []byte, limit int) (first []string, more int) {
	end := 0
	for range limit {
		i := bytes.IndexByte(text[end:], '\n')
		if i < 0 {
			return lines(text), 0
		}
		end += i + 1
	}
	rest := text[end:]
	if more = bytes.Count(rest, []byte("\n")); len(rest) > 0 && rest[len(rest)-1] != '\n' {
		more++
	}
	return lines(text[:end]), more
}

// edit is a line that stays (' '), goes ('-') or comes ('+').
type edit struct {
	op   byte
	line string
}

// lines splits a text into its lines. A last line without newline holds the note
// of diff(1) about that.
func lines(data []byte) []string {
	if len(data) == 0 {
		return nil
	}
	text, ended := strings.CutSuffix(string(data), "\n")
	all := strings.Split(text, "\n")
	if !ended {
		all[len(all)-1] += "\n\\ No newline at end of file"
	}
	return all
}

// hunkEnd returns where the hunk of a change ends: before more than twice the
// context of equal lines, and after the context that follows its last change.
func hunkEnd(edits []edit, change int) int {
	last := change
	for i := change; i < len(edits) && i-last <= 2*contextLines; i++ {
		if edits[i].op != ' ' {
			last = i
		}
	}
	return min(len(edits), last+contextLines+1)
}

// position is a line of the old and of the new text, from 1.
type position struct{ old, new int }

func (p *position) pass(edits []edit) {
	for _, e := range edits {
		if e.op != '+' {
			p.old++
		}
		if e.op != '-' {
			p.new++
		}
	}
}

func writeHunk(b *strings.Builder, at position, edits []edit) {
	var size position
	size.pass(edits)
	if size.old == 0 {
		at.old--
	}
	if size.new == 0 {
		at.new--
	}
	fmt.Fprintf(b, "@@ -%d,%d +%d,%d @@\n", at.old, size.old, at.new, size.new)
	for _, e := range edits {
		line, cut := e.line, ""
		if more := len(line) - maxShownLine; more > 0 {
			line, cut = line[:maxShownLine], fmt.Sprintf("… (%d more bytes)", more)
		}
		fmt.Fprintf(b, "%c%s%s\n", e.op, line, cut)
	}
}

// compareMiddle returns the edits that turn have into want, those that go before those
// that come.
func compareMiddle(have, want []string) []edit {
	var edits []edit
	var come []string
	stay := lcs.Staying(len(have), len(want), func(i, j int) bool { return have[i] == want[j] })
	i := 0
	for j, from := range append(stay, len(have)) {
		if from < 0 {
			come = append(come, want[j])
			continue
		}
		for ; i < from; i++ {
			edits = append(edits, edit{'-', have[i]})
		}
		for _, line := range come {
			edits = append(edits, edit{'+', line})
		}
		if come = nil; j < len(want) {
			edits = append(edits, edit{' ', want[j]})
			i++
		}
	}
	return edits
}
