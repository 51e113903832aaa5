package feed

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// Tables: a CSV with one prefix a row, and beside it what it is of: the country and
// region of a geofeed (RFC 8805), a type, a host. The first row may name the columns,
// and lines that start with # are comments. Entries are by the first column that is not
// the prefix.

// table is a CSV while it is read.
type table struct {
	*csvRows
	columns []string // nil if the first row is not a header
	places  []int    // the columns of prefixes; a row may have one prefix of each family
	masks   []int    // the columns of masks
	ends    []int    // the columns of what else says how far an address goes

	before []faulty // rows before the first one with a prefix
	named  spot     // of the row of columns
}

// msPublicIPSource is where Microsoft offers its public IP space, whose types all start
// with msPublicIPType. Source: Microsoft, "Microsoft Public IP Space" download.
const (
	msPublicIPSource = "https://www.microsoft.com/download/details.aspx?id=53602"
	msPublicIPType   = "MSFT Public IP "
)

func isCIDR(s string) bool {
	_, _, err := netset.ParsePrefix(s)
	return err == nil
}

// isCell reports whether a text is a prefix, or several.
func isCell(s string) bool { return isCIDR(s) || len(prefixWords(s)) > 1 }

func readTable(d document, as Naming) (*catalog.Catalog, error) {
	if _, err := d.csvRows(); isHeader(d) && err != nil {
		return nil, err
	}
	t, row, err := tableOf(d)
	name, title, source := "", "List "+d.base(), ""
	if isMSFT(d) {
		name, title, source = "microsoft-public-ip", "Microsoft public IP space", msPublicIPSource
	}
	f := newCloudFeed(d, as, name, title, source)
	f.Published = true
	t.faults(f)
	for ; err == nil; row, err = t.next() {
		f.tableRow(t, row)
	}
	if err != io.EOF && row == nil {
		e := csvError(d.file, err, "expected a prefix, and what it is of")
		f.add(spot{e.Line, e.Col}, e.Err)
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	f.noticeFile(noLineEnd(d.text))
	return f.finish()
}

// isMSFT reports whether each row of a table says that it is Microsoft's.
func isMSFT(d document) bool {
	t, row, err := tableOf(d)
	for ; err == nil; row, err = t.next() {
		if !strings.HasPrefix(t.label(row), msPublicIPType) {
			return false
		}
	}
	return err == io.EOF
}

// label is what a row says of its prefix first; empty for nothing.
func (t *table) label(row []string) string {
	for i, text := range row {
		if !slices.Contains(t.places, i) && !slices.Contains(t.masks, i) && !slices.Contains(t.ends, i) {
			return text
		}
	}
	return ""
}

// prefix is that of a column, with the mask beside it.
func (t *table) prefix(row []string, column int) (string, error) {
	text, mask := row[column], ""
	if !isBare(text) {
		if len(t.masks) == 1 {
			mask = row[t.masks[0]]
		}
		return masked(text, mask)
	}
	for _, i := range t.ends {
		if row[i] != "" {
			return "", fmt.Errorf("%s may give the end or the size of a range that starts at %s; write the range as prefixes, such as \"192.0.2.0/24\"", jsonc.Quote(t.columns[i]), text)
		}
	}
	for _, i := range t.masks {
		if mask != "" && row[i] != "" {
			return "", fmt.Errorf("the mask of %s may be %s or %s; %s", text, jsonc.Quote(mask), jsonc.Quote(row[i]), asSentence(writePrefix))
		}
		mask += row[i]
	}
	switch {
	case t.columns == nil:
		return text, t.doubtLength(row, column)
	case mask == "":
		return text, t.doubtNumber(row, text)
	}
	return masked(text, mask)
}

// doubtNumber refuses a number under an unknown name that may be the length of an
// address.
func (t *table) doubtNumber(row []string, address string) error {
	for i, text := range row {
		if roleOf(t.columns[i]) == holdsOther && mayBeLength(text, address) {
			return fmt.Errorf("%s may be the prefix length of %s, or another number; %s", text, jsonc.Quote(address), writePrefix)
		}
	}
	return nil
}

// doubtLength refuses a number beside an address in a table without a header if it may
// be its length: what it is of, or a length that the address is the first of.
func (t *table) doubtLength(row []string, column int) error {
	a, _ := netip.ParseAddr(row[column])
	for i, text := range row {
		length, ok := maskLength(text, a)
		if i == column || !ok || strings.Trim(text, "/0123456789") != "" {
			continue
		}
		network := netip.PrefixFrom(a, length).Masked()
		if i <= 1 || text[0] == '/' || network.Addr() == a && length < a.BitLen() {
			return fmt.Errorf("%s may be the prefix length of %s, or a label; write %q, or name the columns in the first line", text, row[column], network)
		}
	}
	return nil
}

func (f *cloudFeed) tableRow(t *table, row []string) {
	at := t.spot(0)
	if t.columns != nil && len(row) != len(t.columns) || len(row) <= slices.Max(t.places) {
		f.failf(at, "wrong number of fields: %d; download the file again", len(row))
		return
	}
	if column := t.denial(row); column >= 0 {
		f.failf(t.spot(column), "%s may mean that the prefix of this row must not be reached; remove the row, or only this word if the prefix is an endpoint", jsonc.Quote(row[column]))
		return
	}
	columns, err := t.filled(row)
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
	for _, column := range columns {
		prefixes, err := t.prefixes(row, column)
		if err != nil {
			f.add(at, err)
		} else if tag := f.tag(at, strings.Join(strings.Fields(label), "-"), region, service); tag != nil {
			for _, prefix := range prefixes {
				tag.prefix(strings.Clone(prefix), t.spot(column))
			}
		}
	}
}

// prefixes are those of a column: one, or the several that a program put into one text.
// Several addresses there may be the ends of a range, or an address and its mask.
func (t *table) prefixes(row []string, column int) (list []string, err error) {
	words := prefixWords(row[column])
	if len(words) < 2 {
		words = []string{row[column]}
	} else if slices.ContainsFunc(words, isBare) {
		return nil, fmt.Errorf("%s is several addresses in one field; write prefixes there, such as \"192.0.2.1/32 192.0.2.8/29\", or one address a row", jsonc.Quote(row[column]))
	}
	for _, word := range words {
		one := slices.Clone(row)
		one[column] = word
		prefix, err := t.prefix(one, column)
		if err != nil {
			return nil, err
		}
		list = append(list, prefix)
	}
	return list, nil
}

// filled returns the columns of a row's prefixes: one, or one of each family.
func (t *table) filled(row []string) (columns []int, err error) {
	for _, i := range t.places {
		if row[i] != "" {
			columns = append(columns, i)
		}
	}
	prefixes, v4 := 0, 0
	for i, text := range row {
		if isCell(text) && !slices.Contains(t.masks, i) && !slices.Contains(t.ends, i) {
			prefixes++
			if slices.Contains(columns, i) && !strings.Contains(text, ":") {
				v4++
			}
		}
	}
	switch {
	case prefixes > 1 && (prefixes != 2 || len(columns) != 2 || v4 != 1):
		return nil, fmt.Errorf("%d addresses in one row; expected one prefix, or one of each family, and its labels; write ranges as CIDRs", prefixes)
	case len(columns) == 0:
		columns = t.places[:1]
	}
	return columns, nil
}
