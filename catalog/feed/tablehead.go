package feed

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// faulty is a row that stands where one with a prefix is expected.
type faulty struct {
	row  []string
	spot []spot // of its fields
}

// isTable goes by the first row with a prefix among several fields, which is the first
// or the one after a header; or by a header alone.
func isTable(d document) bool {
	row, comma := d.header()
	if comma == ';' {
		return roleOf(row[0]).isEndpoint()
	}
	if d.json != nil {
		return false
	}
	t, row, err := tableOf(d)
	for tried := 0; err == nil && tried < linesTried; tried++ {
		if len(row) > 1 {
			return true // or a prefix alone, of which a geofeed says nothing
		}
		row, err = t.next()
	}
	return isHeader(d)
}

func isHeader(d document) bool {
	row, _ := d.header()
	return len(row) > 1 && roleOf(row[0]).isEndpoint()
}

// tableOf returns a table at its first row with a prefix, which stays valid. Only a row
// of words is a header; others before that row are kept, for they are errors.
func tableOf(d document) (*table, []string, error) {
	t := &table{csvRows: newCSVRows(d.text, ',')}
	t.Comment = '#'
	for range linesTried {
		row, err := t.next()
		if err != nil {
			return t, nil, err
		}
		switch t.place(row); {
		case len(t.places) > 0:
			return t, slices.Clone(row), nil
		case len(row) < 2 && t.columns == nil && t.before == nil:
			return t, nil, errNoPrefix
		case t.columns == nil && t.before == nil && isHeaderRow(row):
			t.columns, t.named = slices.Clone(row), t.spot(0)
		default:
			t.keep(row)
		}
	}
	return t, nil, errNoPrefix
}

var errNoPrefix = errors.New("no prefix in the first lines")

func (t *table) keep(row []string) {
	f := faulty{row: slices.Clone(row)}
	for i := range row {
		f.spot = append(f.spot, t.spot(i))
	}
	t.before = append(t.before, f)
}

// isHeaderRow reports whether a row holds words alone, none of which looks like an
// endpoint, or like one that is misspelt.
func isHeaderRow(row []string) bool {
	words := 0
	for _, cell := range row {
		switch {
		case cell == "":
		case looksLikeEndpoint(cell) || !strings.ContainsFunc(cell, unicode.IsLetter):
			return false
		default:
			words++
		}
	}
	return words > 0
}

// looksLikeEndpoint tells from words what is meant as an address, a prefix or a name:
// with a colon, with a dot that is no sentence's end, or with a number after a slash.
func looksLikeEndpoint(cell string) bool {
	if r := roleOf(cell); r != holdsOther && r != holdsExceptions && strings.ContainsFunc(cell, unicode.IsLetter) {
		return false // "ip.prefix"
	}
	for i, c := range cell {
		rest := cell[i+utf8.RuneLen(c):]
		next, _ := utf8.DecodeRuneInString(rest)
		switch c {
		case ':':
			if strings.TrimSpace(rest) != "" {
				return true
			}
		case '.', '\u3002', '\uff0e', '\uff61':
			if unicode.IsLetter(next) || unicode.IsNumber(next) {
				return true
			}
		case '/', '\\', '\u2044', '\u2215':
			if unicode.IsNumber(next) {
				return true
			}
		}
	}
	return false
}

// faults reports the rows before the first one with a prefix, and tells of a header
// none of whose words is known.
func (t *table) faults(f *cloudFeed) {
	column := 0
	if len(t.places) > 0 {
		column = t.places[0]
	}
	for _, one := range t.before {
		at := min(column, len(one.row)-1)
		_, _, err := netset.ParsePrefix(one.row[at])
		if len(prefixWords(one.row[at])) > 1 {
			err = fmt.Errorf("%s is more than one endpoint; write each in a separate row", jsonc.Quote(one.row[at]))
		} else if err == nil {
			err = errNoPrefix
		}
		f.failf(one.spot[at], "no prefix in this row: %w", err)
	}
	known := func(name string) bool { return roleOf(name) != holdsOther }
	if t.columns != nil && !slices.ContainsFunc(t.columns, known) {
		f.notice(t.named, "this row is read as the names of the columns; if it is one of the others, write its prefix as \"192.0.2.0/24\"")
	}
}

// place finds the columns by their names and by the first row; without names of
// prefixes the first one that holds one.
func (t *table) place(row []string) {
	for i, name := range t.columns {
		empty := i < len(row) && (row[i] == "" || isCell(row[i]) || looksLikeEndpoint(row[i]))
		switch r := roleOf(name); {
		case r == holdsMask, r == holdsPrefix && i < len(row) && isLength(row[i]):
			t.masks = append(t.masks, i)
		case r == holdsEnd:
			t.ends = append(t.ends, i)
		case r.isEndpoint() && empty:
			t.places = append(t.places, i)
		}
	}
	holds := func(i int) bool { return i < len(row) && isCell(row[i]) && !slices.Contains(t.masks, i) }
	if !slices.ContainsFunc(t.places, holds) {
		t.places = nil
	}
	for i := range row {
		if holds(i) && len(t.places) == 0 {
			t.places = []int{i}
		}
	}
}

// next returns the next row that is no comment. One in quotes or behind space may hold
// more than a line does.
func (t *table) next() ([]string, error) {
	for {
		row, err := t.csvRows.next()
		if err != nil || !strings.HasPrefix(row[0], "#") || slices.ContainsFunc(row, looksLikeEndpoint) {
			return row, err
		}
	}
}
