package feed

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/netset"
)

// Tables: a CSV with one prefix a row, and beside it what it is of: the country and
// region of a geofeed (RFC 8805), a type, a host. The first row may name the columns,
// and lines that start with # are comments. Entries are by the first column that is not
// the prefix.

// table is a CSV while it is read.
type table struct {
	*csvRows
	columns []string // nil if the first row is no header
	column  int      // of the prefix
	mask    int      // the column of its mask; -1 if there is none
}

// msPublicIPSource is where Microsoft offers its public IP space, whose types all say
// MSFT. Source: Microsoft, "Microsoft Public IP Space" download.
const msPublicIPSource = "https://www.microsoft.com/download/details.aspx?id=53602"

// isTable goes by the first row with a prefix among several fields, which is the first
// or the one after a header; or by a header alone.
func isTable(d document) bool {
	row, comma := d.header()
	if comma == ';' {
		return isKey(prefixKeys, row[0])
	}
	if d.json != nil {
		return false
	}
	_, row, err := tableOf(d)
	return err == nil && len(row) > 1 || isHeader(d)
}

func isHeader(d document) bool {
	row, _ := d.header()
	return len(row) > 1 && isKey(prefixKeys, row[0])
}

// tableOf returns a table at its first row, which stays valid.
func tableOf(d document) (*table, []string, error) {
	t := &table{csvRows: newCSVRows(d.text, ','), mask: -1}
	for {
		row, err := t.next()
		if err != nil {
			return t, nil, err
		}
		t.column = -1
		for i, text := range row {
			if t.column < 0 && i != t.mask && isCIDR(text) {
				t.column = i
			}
		}
		if t.column >= 0 {
			return t, slices.Clone(row), nil
		}
		if t.columns != nil || len(row) < 2 {
			return t, nil, errors.New("no prefix")
		}
		t.columns = slices.Clone(row)
		t.mask = slices.IndexFunc(row, func(name string) bool { return isKey(maskKeys, name) })
	}
}

// next returns the next row that is no comment.
func (t *table) next() ([]string, error) {
	for {
		row, err := t.csvRows.next()
		if err != nil || !strings.HasPrefix(row[0], "#") {
			return row, err
		}
	}
}

func isCIDR(s string) bool {
	_, _, err := netset.ParsePrefix(s)
	return err == nil
}

func readTable(d document, as Naming) (*catalog.Catalog, error) {
	if _, err := d.csvRows(); isHeader(d) && err != nil {
		return nil, err
	}
	t, row, err := tableOf(d)
	name, title, source := "", "List "+filepath.Base(d.file), ""
	if strings.HasPrefix(t.label(row), "MSFT ") {
		name, title, source = "microsoft-public-ip", "Microsoft public IP space", msPublicIPSource
	}
	f := newCloudFeed(d, as, name, title, source)
	f.Published = true
	for ; err == nil; row, err = t.next() {
		f.tableRow(t, row)
	}
	if err != io.EOF && row == nil {
		e := csvError(d.file, err, "expected a prefix, and what it is of")
		f.add(spot{e.Line, e.Col}, e.Err)
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	f.noticeFile(noLineEnd(d.text))
	return f.finish()
}

// label is what a row says of its prefix first; empty for nothing.
func (t *table) label(row []string) string {
	for i, text := range row {
		if i != t.column && i != t.mask {
			return text
		}
	}
	return ""
}

// prefix is that of a row, with the mask beside it. Without a header, a number beside an
// address may be its length, or what it is of.
func (t *table) prefix(row []string) (string, error) {
	text := row[t.column]
	if t.mask >= 0 {
		return masked(text, row[t.mask])
	}
	a, err := netip.ParseAddr(text)
	if label := t.label(row); err == nil && t.columns == nil && label != "" && strings.Trim(label, "0123456789") == "" {
		if length, ok := maskLength(label, a); ok {
			return "", fmt.Errorf("%s may be the length of %s, or what it is of; write %q, or name the columns in the first line", label, text, netip.PrefixFrom(a, length).Masked())
		}
	}
	return text, nil
}

func (f *cloudFeed) tableRow(t *table, row []string) {
	at, prefixes := t.spot(0), 0
	for i, text := range row {
		if i != t.mask && isCIDR(text) {
			prefixes++
		}
	}
	switch {
	case t.columns != nil && len(row) != len(t.columns), len(row) <= t.column:
		f.failf(at, "wrong number of fields: %d; download the file again", len(row))
		return
	case prefixes > 1:
		f.add(at, fmt.Errorf("%d addresses in a row; expected one prefix, and what it is of: write ranges as CIDRs", prefixes))
		return
	}
	prefix, err := t.prefix(row)
	if err != nil {
		f.add(at, err)
		return
	}
	label, region, service := t.label(row), "", ""
	if len(label) == 2 && strings.ToUpper(label) == label {
		region = label // a country
	} else {
		service = label
	}
	if label == "" {
		label = "prefixes"
	}
	if tag := f.tag(at, strings.Join(strings.Fields(label), "-"), region, service); tag != nil {
		tag.prefix(strings.Clone(prefix), t.spot(t.column))
	}
}
