package feed

import (
	"bytes"
	"encoding/csv"
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

// isM365CSV goes by the columns that only the web service has.
func isM365CSV(d document) bool {
	if d.json != nil {
		return false
	}
	line, _, _ := bytes.Cut(d.text, []byte("\n"))
	columns := strings.Split(strings.ReplaceAll(strings.TrimSpace(string(line)), `"`, ""), ",")
	return slices.Contains(columns, "serviceArea") && slices.Contains(columns, "id")
}

// maxErrors is how many errors of a document are reported at once.
const maxErrors = 100

// m365CSV reads rows by the names of their columns, in whichever order they are.
type m365CSV struct {
	*csv.Reader
	catalog *m365Catalog
	column  map[string]int
	row     []string
	errs    jsonc.Errors
}

func readM365CSV(d document, as Naming) (*catalog.Catalog, error) {
	c, err := newM365(d.file, as)
	if err != nil {
		return nil, err
	}
	r := &m365CSV{Reader: csv.NewReader(bytes.NewReader(d.text)), catalog: c, column: map[string]int{}}
	if r.row, err = r.Read(); err != nil {
		return nil, r.syntax(err)
	}
	for i, name := range r.row {
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
		return nil, r.errs
	}
	for len(r.errs) < maxErrors {
		r.row, err = r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			r.errs = append(r.errs, r.syntax(err))
			break
		}
		r.set()
	}
	if len(r.errs) > 0 {
		return nil, r.errs
	}
	return c.finish(), nil
}

// syntax places an error of the CSV itself.
func (r *m365CSV) syntax(err error) *jsonc.Error {
	e := &jsonc.Error{File: r.catalog.file, Err: err}
	if parse := (*csv.ParseError)(nil); errors.As(err, &parse) {
		e.Line, e.Col, e.Err = parse.Line, parse.Column, fmt.Errorf("%w; fetch the file again", parse.Err)
	}
	return e
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
	column(r, "notes", &s.notes, func(text string) (string, error) { return m365Text(text, catalog.MaxText) })
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
	text := strings.TrimSpace(r.row[i])
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
	if !ok || strings.TrimSpace(r.row[i]) == "" {
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
