package feed

import (
	"bytes"
	"iter"
	"unicode/utf8"
)

// spot is a place in a text.
type spot struct{ line, col int }

// Pos returns the line and the column in characters, both from 1.
func (s spot) Pos() (line, col int) { return s.line, s.col }

// word is one of the words of a line.
type word struct {
	text []byte
	spot spot
}

// lines yields the number of each line that holds more than white space and a
// comment, and its words. A comment starts with # or ;, at the start of a line or
// after white space. A line ends with LF, CR LF or CR.
func lines(text []byte) iter.Seq2[int, []word] {
	return func(yield func(int, []word) bool) {
		var words []word
		for number := 1; len(text) > 0; number++ {
			line := text
			if end := bytes.IndexAny(text, "\r\n"); end < 0 {
				text = nil
			} else {
				line = text[:end]
				if bytes.HasPrefix(text[end:], []byte("\r\n")) {
					end++
				}
				text = text[end+1:]
			}
			if words = wordsOf(line, number, words[:0]); len(words) > 0 && !yield(number, words) {
				return
			}
		}
	}
}

// wordsOf appends the words of a line before its comment. Prefixes alone behind a
// semicolon are no comment.
func wordsOf(line []byte, number int, words []word) []word {
	for i := 0; i < len(line); {
		if line[i] == ' ' || line[i] == '\t' {
			i++
			continue
		}
		if line[i] == ';' && len(words) > 0 && prefixWords(string(line[i+1:])) != nil {
			i++ // no comment, but more of the list
			continue
		}
		if line[i] == '#' || line[i] == ';' {
			break
		}
		end := i
		for end < len(line) && line[end] != ' ' && line[end] != '\t' {
			end++
		}
		words = append(words, word{line[i:end], spot{number, 1 + utf8.RuneCount(line[:i])}})
		i = end
	}
	return words
}

// noLineEnd tells that a text stops within a line, which may be all there is of it.
func noLineEnd(text []byte) string {
	if bytes.HasSuffix(text, []byte("\n")) || bytes.HasSuffix(text, []byte("\r")) {
		return ""
	}
	return "the last line has no line end; if the file was cut short, download it again"
}
