package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"
)

// jsonVersion is the "version" of what --json prints. It is raised when a member gets
// another meaning or goes; a new member does not raise it.
const jsonVersion = 1

// Version is the member "version" of an object that --json prints: the present one,
// whatever its value.
type Version int

// MarshalJSON returns the version as a number.
func (Version) MarshalJSON() ([]byte, error) { return strconv.AppendInt(nil, jsonVersion, 10), nil }

// WriteJSON writes a value as JSON with an indent of two spaces, and a newline.
func WriteJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// WriteJSONList writes an object of the version and one list of that name, which is
// never held as a whole.
func WriteJSONList[T any](w io.Writer, name string, list iter.Seq[T]) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("    ", "  ")
	fmt.Fprintf(&text, "{\n  \"version\": %d,\n  %q: [", jsonVersion, name)
	between, after := "\n    ", ""
	for v := range list {
		text.WriteString(between)
		between, after = ",\n    ", "\n  "
		if err := e.Encode(v); err != nil {
			return err
		}
		text.Truncate(text.Len() - 1) // the newline
		if text.Len() < 64<<10 {
			continue
		}
		if _, err := text.WriteTo(w); err != nil {
			return err
		}
	}
	text.WriteString(after + "]\n}\n")
	_, err := text.WriteTo(w)
	return err
}
