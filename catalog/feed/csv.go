package feed

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"

	"gatewright/catalog/jsonc"
)

// csvRows reads the rows of a CSV (RFC 4180) that hold anything. Space after a comma,
// blank lines and CR alone at line ends are accepted, and before all else the line
// "#TYPE ..." of PowerShell's Export-Csv.
type csvRows struct {
	*csv.Reader
	begun bool
}

func newCSVRows(text []byte, comma rune) *csvRows {
	if !bytes.Contains(text, []byte("\n")) {
		text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma = comma
	r.FieldsPerRecord, r.TrimLeadingSpace, r.ReuseRecord = -1, true, true
	return &csvRows{Reader: r}
}

// next returns the fields of the next row, without space around them; valid until it is
// called again.
func (r *csvRows) next() ([]string, error) {
	for {
		row, err := r.Read()
		if err != nil {
			return nil, err
		}
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		typed := !r.begun && strings.HasPrefix(row[0], "#TYPE ")
		r.begun = true
		if len(row) > 1 || row[0] != "" && !typed {
			return row, nil
		}
	}
}

// header returns the first row of a document that is not JSON, and the comma or the
// semicolon that separates its fields; nil if it has less than two.
func (d document) header() (row []string, comma rune) {
	if d.json != nil {
		return nil, 0
	}
	for _, comma := range ",;" {
		if row, err := newCSVRows(d.text, comma).next(); err == nil && len(row) > 1 {
			return row, comma
		}
	}
	return nil, 0
}

// csvRows returns the rows of a document whose header was recognised. Semicolons are
// refused: the programs that write them also rewrite what looks like a number.
func (d document) csvRows() (*csvRows, error) {
	if _, comma := d.header(); comma != ',' {
		return nil, fileErrorf(d.file, "its fields are separated by semicolons; expected commas, as the publisher writes them: download it again, or export it with commas")
	}
	return newCSVRows(d.text, ','), nil
}

// spot is where a field of the present row stands.
func (r *csvRows) spot(field int) spot {
	line, col := r.FieldPos(field)
	return spot{line, col}
}

// csvError places an error of the CSV itself.
func csvError(file string, err error, expected string) *jsonc.Error {
	e := &jsonc.Error{File: file, Err: err}
	if parse := (*csv.ParseError)(nil); errors.As(err, &parse) {
		e.Line, e.Col, e.Err = parse.Line, parse.Column, fmt.Errorf("%w; %s", parse.Err, expected)
	}
	return e
}
