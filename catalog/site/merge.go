package site

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"gatewright/catalog/jsonc"
)

// Suggestion is a line of a site file that answers open items once its blanks are
// filled in.
type Suggestion struct {
	Section  string   // where it stands, one of the Section constants
	Line     string   // with its blanks, and a comma
	Comments []string // what is asked
}

// Written are the comments of a suggestion, and its line.
func (s Suggestion) Written() []string {
	var lines []string
	for _, c := range s.Comments {
		lines = append(lines, commentLine(c))
	}
	return append(lines, s.Line)
}

// commentLine parts "##", for "##[error]" commands the runner of a pipeline that shows
// the file.
func commentLine(text string) string {
	return "// " + strings.ReplaceAll(text, "##", "# ")
}

// Merge adds to the text of a site file that Read takes the suggestions that it does
// not hold yet, and changes nothing else in it. It returns how many it added.
func Merge(file, text string, all []Suggestion) (merged string, added int, err error) {
	if !utf8.ValidString(text) {
		return "", 0, fmt.Errorf("%s: not UTF-8, so nothing can be added; save the file as UTF-8", file)
	}
	mark := ""
	if rest, ok := strings.CutPrefix(text, "\ufeff"); ok {
		mark, text = "\ufeff", rest
	}
	for _, s := range all {
		doc, err := jsonc.Parse(file, []byte(text))
		if err != nil {
			return "", 0, err
		}
		next, err := s.insertInto(text, doc.Root())
		if err != nil {
			return "", 0, fmt.Errorf("%s: %w", file, err)
		}
		if next != text {
			text = next
			added++
		}
	}
	return mark + text, added, nil
}

// insertInto adds the suggestion to the text of a site file, unless it has it already.
func (s Suggestion) insertInto(text string, root jsonc.Value) (string, error) {
	if s.Section == SectionPaths {
		if member(root, s.Section).Kind() != jsonc.Invalid {
			return text, nil
		}
		return insertMembers(text, root, s.Written()), nil
	}
	section := member(root, s.Section)
	if section.Kind() == jsonc.Invalid {
		lines := []string{fmt.Sprintf("%q: {", s.Section)}
		for _, line := range s.Written() {
			lines = append(lines, "  "+line)
		}
		return insertMembers(text, root, append(lines, "},")), nil
	}
	line, err := jsonc.Parse("", []byte("{"+s.Line+"}"))
	if err != nil {
		return "", err
	}
	for key, suggested := range line.Root().Members() {
		there := member(section, key.Text())
		if there.Kind() == jsonc.Invalid {
			return insertMembers(text, section, s.Written()), nil
		}
		if s.Section == SectionAnswers {
			return insertMembers(text, there, s.lacking(there, suggested)), nil
		}
	}
	return text, nil
}

// lacking are the members of a suggested answer that one which stands there lacks, with
// what is asked.
func (s Suggestion) lacking(there, suggested jsonc.Value) []string {
	var lines []string
	for key, value := range suggested.Members() {
		if member(there, key.Text()).Kind() != jsonc.Invalid {
			continue
		}
		for _, c := range s.Comments {
			if strings.HasPrefix(c, key.Text()+": ") {
				lines = append(lines, commentLine(c))
			}
		}
		lines = append(lines, fmt.Sprintf("%q: %s,", key.Text(), jsonValue(value)))
	}
	return lines
}

// member is the value of an object's key; Invalid if there is none.
func member(object jsonc.Value, key string) jsonc.Value {
	for k, v := range object.Members() {
		if k.Text() == key {
			return v
		}
	}
	return jsonc.Value{}
}

// insertMembers puts lines at the end of an object, each with a comma or a comment.
func insertMembers(text string, object jsonc.Value, lines []string) string {
	if len(lines) == 0 {
		return text
	}
	last, end := objectEnd(text, object.Start())
	comma := ""
	if text[last] != '{' && text[last] != ',' {
		comma = ","
	}
	newline := "\n"
	if strings.Contains(text, "\r\n") {
		newline = "\r\n"
	}
	indent := indentOf(text, object.Start())
	var b strings.Builder
	b.WriteString(text[:last+1] + comma)
	tail := text[last+1 : end] // comments and space before the brace
	kept := strings.TrimRight(tail, " \t\r\n")
	b.WriteString(kept)
	for _, line := range lines {
		b.WriteString(newline + indent + "  " + line)
	}
	b.WriteString(newline + indent + text[end:])
	return b.String()
}

// indentOf is the space before the line in which an offset lies.
func indentOf(text string, offset int) string {
	line := text[strings.LastIndexByte(text[:offset], '\n')+1:]
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))]
}

// objectEnd returns the offsets of an object's last character before its closing brace
// that is neither space nor of a comment, and of the brace. The text is JSON that was
// parsed already, and start the offset of the opening brace.
func objectEnd(text string, start int) (last, end int) {
	depth := 0
	for i := start; i < len(text); i++ {
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			continue
		case strings.HasPrefix(text[i:], "//"):
			i += strings.IndexByte(text[i:]+"\n", '\n')
			continue
		case strings.HasPrefix(text[i:], "/*"):
			i += strings.Index(text[i:], "*/") + 1
			continue
		case c == '"':
			i = stringEnd(text, i)
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return last, i
			}
		}
		last = i
	}
	return last, len(text)
}

// stringEnd returns the offset of the quote that closes a string.
func stringEnd(text string, start int) int {
	for i := start + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(text) - 1
}

// JSONText is a text as JSON.
func JSONText(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil {
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// jsonValue is a value of a suggested line: a text, a list of texts, or an object.
func jsonValue(v jsonc.Value) string {
	var parts []string
	for _, one := range v.Elements() {
		parts = append(parts, jsonValue(one))
	}
	for key, one := range v.Members() {
		parts = append(parts, JSONText(key.Text())+": "+jsonValue(one))
	}
	switch v.Kind() {
	case jsonc.Array:
		return "[" + strings.Join(parts, ", ") + "]"
	case jsonc.Object:
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return JSONText(v.Text())
}
