package feed

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// m365Columns are the columns of the web service's CSV; its lists are in one field
// each, separated by commas. Source: the service's answer with format=CSV.
func m365Columns() []string {
	return []string{"id", "serviceArea", "serviceAreaDisplayName", "urls", "ips", "tcpPorts", "udpPorts", "expressRoute", "category", "required", "notes"}
}

// isM365CSV goes by the columns that only the web service has: those of an endpoint
// set, of a change or of a version.
func isM365CSV(d document) bool {
	columns, _ := d.header()
	return haveColumns(columns, "id", "serviceArea") || haveColumns(columns, "endpointSetId") || isM365VersionHeader(columns)
}

func isM365VersionHeader(columns []string) bool { return haveColumns(columns, "instance", "latest") }

func haveColumns(columns []string, names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(columns, name) })
}

// maxErrors is how many errors of a document are reported at once.
const maxErrors = 100

// m365CSV reads rows by the names of their columns, in whichever order they are.
type m365CSV struct {
	*csvRows
	catalog *m365Catalog
	column  map[string]int
	row     []string
	errs    jsonc.Errors
}

func readM365CSV(d document, as Naming) (*catalog.Catalog, error) {
	c, err := newM365(d, as)
	if err != nil {
		return nil, err
	}
	r := &m365CSV{catalog: c, column: map[string]int{}}
	if r.csvRows, err = d.csvRows(); err != nil {
		return nil, err
	}
	if err := r.header(); err != nil {
		return nil, err
	}
	for len(r.errs) < maxErrors {
		r.row, err = r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			r.errs = append(r.errs, csvError(d.file, err, "fetch the file again"))
			break
		}
		if len(r.row) != len(r.column) {
			r.failf(0, "wrong number of fields; fetch the file again")
			continue
		}
		r.set()
	}
	if len(r.errs) > 0 {
		return nil, r.errs
	}
	if note := noLineEnd(d.text); note != "" {
		c.Notices = append(c.Notices, catalog.Notice{Where: d.file, Text: note})
	}
	return c.finish()
}

// header reads which column is where.
func (r *m365CSV) header() error {
	row, err := r.next()
	switch {
	case err != nil:
		return csvError(r.catalog.file, err, "fetch the file again")
	case isM365VersionHeader(row):
		r.failf(0, m365IsVersion)
		return r.errs
	case haveColumns(row, "endpointSetId"):
		r.failf(0, m365IsChanges)
		return r.errs
	}
	for i, name := range row {
		if _, twice := r.column[name]; twice {
			r.failf(i, "column %s stands twice", jsonc.Quote(name))
		}
		r.column[name] = i
	}
	for _, name := range []string{"id", "serviceArea", "category"} {
		if _, ok := r.column[name]; !ok {
			r.failf(0, "missing required column %q; the publisher's are %s", name, strings.Join(m365Columns(), ","))
		}
	}
	if len(r.errs) > 0 {
		return r.errs
	}
	return nil
}

// failf notes an error at a field of the row.
func (r *m365CSV) failf(field int, format string, args ...any) {
	line, col := r.FieldPos(field)
	r.errs = append(r.errs, &jsonc.Error{File: r.catalog.file, Line: line, Col: col, Err: fmt.Errorf(format, args...)})
}

func (r *m365CSV) set() {
	var s m365Set
	before := len(r.errs)
	column(r, "id", &s.id, func(text string) (int, error) {
		n, err := strconv.ParseUint(text, 10, 31)
		if err != nil || n == 0 {
			return 0, fmt.Errorf("bad id %s; expected the set's number, such as 31", jsonc.Quote(text))
		}
		return int(n), nil
	})
	column(r, "serviceArea", &s.area, m365Area)
	column(r, "serviceAreaDisplayName", &s.display, func(text string) (string, error) { return m365Text(text, catalog.MaxTitle) })
	column(r, "category", &s.category, m365Category)
	column(r, "notes", &s.notes, m365Notes)
	column(r, "tcpPorts", &s.tcp, func(text string) ([]netset.Service, error) { return m365Ports(text, netset.TCP) })
	column(r, "udpPorts", &s.udp, func(text string) ([]netset.Service, error) { return m365Ports(text, netset.UDP) })
	column(r, "required", &s.required, m365Flag)
	column(r, "expressRoute", &s.expressRoute, m365Flag)
	g := m365Endpoints{catalog: r.catalog}
	r.each("urls", g.addName)
	r.each("ips", g.addPrefix)
	if err := g.into(&s); err != nil {
		r.failf(r.column["ips"], "%w", err)
	}
	if len(r.errs) > before {
		return
	}
	if err := r.catalog.add(s, r.place(0)); err != nil {
		r.failf(0, "%w", err)
	}
}

// place is where a field of the present row stands.
func (r *m365CSV) place(field int) func() (line, col int) {
	line, col := r.FieldPos(field)
	return func() (int, int) { return line, col }
}

// column reads a field; a column that the file does not have, or that may be empty
// and is, leaves to as it is.
func column[T any](r *m365CSV, name string, to *T, read func(string) (T, error)) {
	i, ok := r.column[name]
	if !ok {
		return
	}
	text := r.row[i]
	if required := name == "id" || name == "serviceArea" || name == "category"; text == "" && !required {
		return
	}
	value, err := read(text)
	if err != nil {
		r.failf(i, "%w", err)
	}
	*to = value
}

// each adds each element of a list in one field.
func (r *m365CSV) each(name string, add func([]byte, func() (line, col int)) error) {
	i, ok := r.column[name]
	if !ok || r.row[i] == "" {
		return
	}
	for one := range strings.SplitSeq(r.row[i], ",") {
		if err := add([]byte(strings.TrimSpace(one)), r.place(i)); err != nil {
			r.failf(i, "%w", err)
		}
	}
}

// m365Flag reads "true" or "false", in any case.
func m365Flag(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("expected True or False, found %s", jsonc.Quote(text))
}
