package feed

import (
	"errors"
	"io"
	"slices"
	"strings"

	"gatewright/catalog/jsonc"
	"gatewright/catalog/suggest"
)

// row is an object of a JSON array, or a line of a CSV whose first names the columns.
// Both become texts, whatever types a program gave them.
type row struct {
	at     place
	fields map[string][]field // by key in lower case; none of them empty
}

// field is one text of a row.
type field struct {
	text string
	at   place
}

// text returns the texts of a key as one, and their place.
func (r row) text(key, separator string) (string, place) {
	var texts []string
	for _, f := range r.fields[strings.ToLower(key)] {
		texts = append(texts, f.text)
	}
	if len(texts) == 0 {
		return "", r.at
	}
	return strings.Join(texts, separator), r.fields[strings.ToLower(key)][0].at
}

// each calls read for the members of a list, which programs may have put into one text
// with spaces or commas between them.
func (r row) each(key string, read func(string, place)) {
	for _, f := range r.fields[strings.ToLower(key)] {
		for _, one := range strings.FieldsFunc(f.text, func(c rune) bool { return c == ' ' || c == ',' || c == '\n' }) {
			read(one, f.at)
		}
	}
}

// rows calls read for each row of a document: the objects of an array, or an object
// alone, for PowerShell writes an array of one so; or the lines of a CSV, whose first
// line check may refuse.
func (c *collector) rows(d document, check func(columns []string) error, read func(row)) error {
	if d.json == nil {
		return c.csvRows(d, check, read)
	}
	for v := range elements(d.root()) {
		if v.Kind() != jsonc.Object {
			c.failf(v, "expected an object, found %v", v.Kind())
			continue
		}
		read(c.jsonRow(v))
	}
	return c.Err()
}

func (c *collector) jsonRow(v jsonc.Value) row {
	r := row{at: v, fields: map[string][]field{}}
	for key, value := range v.Members() {
		name := strings.ToLower(key.Text())
		if r.fields[name] != nil {
			c.failf(key, "key %s occurs twice, in different letter case; remove one", jsonc.Quote(key.Text()))
			continue
		}
		c.misspelt("key", key.Text(), key)
		for one := range elements(value) {
			if one.Kind() == jsonc.Object || one.Kind() == jsonc.Array {
				if c.isKnown(name) {
					c.failf(one, "expected a text, found %v", one.Kind())
				}
				continue // or the publisher's business
			}
			if text, ok := c.scalar(one); ok && text != "" {
				r.fields[name] = append(r.fields[name], field{text, one})
			}
		}
	}
	return r
}

func (c *collector) csvRows(d document, check func([]string) error, read func(row)) error {
	rows, err := d.csvRows()
	if err != nil {
		return err
	}
	var columns []string
	for {
		texts, err := rows.next()
		switch {
		case errors.Is(err, io.EOF):
			c.noticeFile(noLineEnd(d.text))
			return c.Err()
		case err != nil:
			e := csvError(d.file, err, "fetch the file again")
			c.add(spot{e.Line, e.Col}, e.Err)
			return c.Err()
		case columns == nil:
			if columns = slices.Clone(texts); check != nil {
				c.add(rows.spot(0), check(columns))
			}
			c.columns(columns, rows)
			if err := c.Err(); err != nil {
				return err
			}
		case len(texts) != len(columns):
			c.failf(rows.spot(0), "wrong number of fields; fetch the file again")
		default:
			if i := slices.IndexFunc(texts, isCutOff); i >= 0 {
				c.failf(rows.spot(i), "PowerShell wrote no list here; join it first, as in @{Name='%s'; Expression={$_.%s -join ','}}, or write JSON with ConvertTo-Json -Depth 10", columns[i], columns[i])
				continue
			}
			read(csvRow(rows, columns, texts))
		}
	}
}

// columns refuses names that stand twice.
func (c *collector) columns(names []string, rows *csvRows) {
	for i, name := range names {
		if slices.ContainsFunc(names[:i], func(other string) bool { return strings.EqualFold(other, name) }) {
			c.failf(rows.spot(i), "column %s occurs twice", jsonc.Quote(name))
		}
		c.misspelt("column", name, rows.spot(i))
	}
}

// isKnown reports whether a row is asked for a key.
func (c *collector) isKnown(key string) bool {
	return slices.ContainsFunc(c.keys, func(known string) bool { return strings.EqualFold(known, key) })
}

// misspelt refuses a name that is one letter away from one that is known: what it holds
// would be missing. Others are the publisher's business.
func (c *collector) misspelt(what, name string, at place) {
	meant := suggest.Nearest(name, c.keys)
	if edits, _ := suggest.Edits(name, meant); edits == 1 {
		c.failf(at, "unknown %s %s; did you mean %s?", what, jsonc.Quote(name), jsonc.Quote(meant))
	}
}

func csvRow(rows *csvRows, columns, texts []string) row {
	r := row{at: rows.spot(0), fields: map[string][]field{}}
	for i, text := range texts {
		if text != "" {
			name := strings.ToLower(columns[i])
			r.fields[name] = append(r.fields[name], field{strings.Clone(text), rows.spot(i)})
		}
	}
	return r
}
