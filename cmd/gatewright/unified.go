package main

import (
	"fmt"
	"strings"
)

// contextLines is how many equal lines stand around a change.
const contextLines = 3

// maxDiffCells bounds the table of the comparison; larger changes are shown as
// one block, which is correct but not the shortest.
const maxDiffCells = 4 << 20

// unifiedDiff shows how a file differs from what it should be, in the unified
// format of diff(1).
func unifiedDiff(file string, have, want []byte) string {
	edits := compareLines(lines(have), lines(want))
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s (generated)\n", file, file)
	at := position{1, 1}
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
	return b.String()
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
		fmt.Fprintf(b, "%c%s\n", e.op, e.line)
	}
}

// compareLines returns the edits that turn have into want, by a longest common
// subsequence between the first and the last line that differ.
func compareLines(have, want []string) []edit {
	var head, tail []edit
	for len(have) > 0 && len(want) > 0 && have[0] == want[0] {
		head = append(head, edit{' ', have[0]})
		have, want = have[1:], want[1:]
	}
	for len(have) > 0 && len(want) > 0 && have[len(have)-1] == want[len(want)-1] {
		tail = append(tail, edit{' ', have[len(have)-1]})
		have, want = have[:len(have)-1], want[:len(want)-1]
	}
	edits := append(head, compareMiddle(have, want)...)
	for i := len(tail) - 1; i >= 0; i-- {
		edits = append(edits, tail[i])
	}
	return edits
}

func compareMiddle(have, want []string) []edit {
	var edits []edit
	if (len(have)+1)*(len(want)+1) > maxDiffCells {
		for _, l := range have {
			edits = append(edits, edit{'-', l})
		}
		for _, l := range want {
			edits = append(edits, edit{'+', l})
		}
		return edits
	}
	common := commonLengths(have, want)
	i, j := 0, 0
	for i < len(have) || j < len(want) {
		switch {
		case i < len(have) && j < len(want) && have[i] == want[j]:
			edits = append(edits, edit{' ', have[i]})
			i, j = i+1, j+1
		case j == len(want) || i < len(have) && common[i+1][j] >= common[i][j+1]:
			edits = append(edits, edit{'-', have[i]})
			i++
		default:
			edits = append(edits, edit{'+', want[j]})
			j++
		}
	}
	return edits
}

// commonLengths[i][j] is the length of the longest common subsequence of have[i:]
// and want[j:].
func commonLengths(have, want []string) [][]int32 {
	table := make([][]int32, len(have)+1)
	for i := range table {
		table[i] = make([]int32, len(want)+1)
	}
	for i := len(have) - 1; i >= 0; i-- {
		for j := len(want) - 1; j >= 0; j-- {
			if have[i] == want[j] {
				table[i][j] = table[i+1][j+1] + 1
			} else {
				table[i][j] = max(table[i+1][j], table[i][j+1])
			}
		}
	}
	return table
}
