package feed

import (
	"fmt"
	"io"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// Microsoft public IP space: a CSV of prefix and type, with or without the header
// "Prefix,Type". Source: Microsoft, "Microsoft Public IP Space" download.
const msPublicIPSource = "https://www.microsoft.com/download/details.aspx?id=53602"

// isMSPublicIP goes by the first row: the header, or a prefix and the words of a type.
func isMSPublicIP(d document) bool {
	row, comma := d.header()
	switch {
	case len(row) != 2:
		return false
	case isHeader(row[0], row[1]):
		return true
	}
	_, _, err := netset.ParsePrefix(row[0])
	_, _, again := netset.ParsePrefix(row[1])
	return comma == ',' && err == nil && again != nil && row[1] != ""
}

func isHeader(first, second string) bool {
	return strings.EqualFold(first, "prefix") && strings.EqualFold(second, "type")
}

func readMSPublicIP(d document, as Naming) (*catalog.Catalog, error) {
	f := newCloudFeed(d, as, "microsoft-public-ip", "Microsoft public IP space", msPublicIPSource)
	errs := textErrors{file: d.file}
	r, err := d.csvRows()
	if err != nil {
		return nil, err
	}
	for first := true; ; first = false {
		fields, err := r.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			e := csvError(d.file, err, "expected a prefix, a comma and a type")
			errs.add(spot{e.Line, e.Col}, e.Err)
			break
		}
		line, col := r.FieldPos(0)
		at := spot{line, col}
		switch {
		case len(fields) != 2:
			errs.add(at, fmt.Errorf("%d fields; expected a prefix, a comma and a type", len(fields)))
		case first && isHeader(fields[0], fields[1]):
		default:
			errs.add(at, f.msPublicIPRow(fields[0], fields[1], at))
		}
	}
	if err := errs.err(); err != nil {
		return nil, err
	}
	if note := noLineEnd(d.text); note != "" {
		f.Notices = append(f.Notices, catalog.Notice{Where: d.file, Text: note})
	}
	return f.finish()
}

// msPublicIPRow adds a prefix to the tag of its type, in which hyphens stand for spaces.
func (f *cloudFeed) msPublicIPRow(prefix, kind string, at spot) error {
	if kind == "" {
		return fmt.Errorf("no type beside %s", jsonc.Quote(prefix))
	}
	t, err := f.tag(strings.Join(strings.Fields(kind), "-"), "", kind)
	if err != nil {
		return err
	}
	return t.prefix(prefix, at)
}
