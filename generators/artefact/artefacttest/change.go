package artefacttest

import (
	"bytes"
	"iter"
	"slices"
)

// strange are bytes that engines may take for the end of something, or for nothing.
const strange = "\x00\t\r\n \"#';\\{}!\x85\xc2\xffA0/"

// Changes returns what small accidents and attacks make of a file: each line dropped,
// doubled or behind its next, and one byte of it changed, another byte each time.
func Changes(data []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		lines := slices.Collect(bytes.Lines(data))
		start := 0
		for i, line := range lines {
			before, after := data[:start], data[start+len(line):]
			at := i % len(line)
			changed := bytes.Clone(line)
			if changed[at] = strange[i%len(strange)]; changed[at] == line[at] {
				changed[at] ^= 1
			}
			changes := [][]byte{slices.Concat(before, after), slices.Concat(before, line, line, after), slices.Concat(before, changed, after)}
			if i+1 < len(lines) && !bytes.Equal(line, lines[i+1]) {
				changes = append(changes, slices.Concat(before, lines[i+1], line, after[len(lines[i+1]):]))
			}
			for _, c := range changes {
				if !yield(c) {
					return
				}
			}
			start += len(line)
		}
	}
}
