package artefacttest

import (
	"fmt"
	"slices"
	"strings"
)

// DamageLines calls try with a text of which one line is dropped, doubled, swapped with
// the next or changed in one byte, for every line. Harmless tells that the lines are
// comments, or that two of a list change their places.
func DamageLines(text string, try func(what, damaged string, harmless bool)) {
	lines := strings.SplitAfter(text, "\n")
	lines = lines[:len(lines)-1]
	with := func(i, n int, more ...string) string {
		return strings.Join(slices.Replace(slices.Clone(lines), i, i+n, more...), "")
	}
	comment := func(i int) bool { return strings.HasPrefix(lines[i], "#") }
	listed := func(i int) bool {
		return slices.ContainsFunc([]string{"\t", "add ", ":gw_", "-A g"}, func(start string) bool {
			return strings.HasPrefix(lines[i], start) && strings.HasPrefix(lines[i+1], start)
		})
	}
	for i, line := range lines {
		what := fmt.Sprintf("line %d, %q", i+1, line)
		try(what+" dropped", with(i, 1), comment(i))
		try(what+" doubled", with(i, 1, line, line), comment(i))
		if i+1 < len(lines) && line != lines[i+1] {
			harmless := comment(i) && comment(i+1) || listed(i)
			try(what+" swapped with the next", with(i, 2, lines[i+1], line), harmless)
		}
		at := i * 31 % len(line) // somewhere else in each line
		for _, c := range []byte{line[at] ^ 1, line[at] ^ 0x80, ';'} {
			if c != line[at] {
				try(fmt.Sprintf("%s with %q at %d", what, c, at), with(i, 1, line[:at]+string([]byte{c})+line[at+1:]), comment(i))
			}
		}
	}
}
