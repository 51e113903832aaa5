package feed

import (
	"bytes"
	"encoding/csv"
	"errors"
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

// isMSPublicIP goes by the first line: the header, or a prefix and the words of a type.
func isMSPublicIP(d document) bool {
	if d.json != nil {
		return false
	}
	line, _, _ := bytes.Cut(bytes.TrimLeft(d.text, "\r\n"), []byte("\n"))
	first, second, ok := strings.Cut(strings.TrimSpace(string(line)), ",")
	if !ok || strings.Contains(second, ",") {
		return false
	}
	if isHeader(first, second) {
		return true
	}
	_, _, err := netset.ParsePrefix(first)
	_, _, again := netset.ParsePrefix(strings.TrimSpace(second))
	return err == nil && again != nil && strings.TrimSpace(second) != ""
}

func isHeader(first, second string) bool {
	return strings.EqualFold(strings.TrimSpace(first), "prefix") && strings.EqualFold(strings.TrimSpace(second), "type")
}

func readMSPublicIP(d document, as Naming) (*catalog.Catalog, error) {
	f := newCloudFeed(d, as, "microsoft-public-ip", "Microsoft public IP space", msPublicIPSource)
	errs := textErrors{file: d.file}
	r := csv.NewReader(bytes.NewReader(d.text))
	r.FieldsPerRecord, r.TrimLeadingSpace, r.ReuseRecord = -1, true, true
	for first := true; ; first = false {
		fields, err := r.Read()
		if err == io.EOF {
			break
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			errs.add(spot{syntax.Line, syntax.Column}, fmt.Errorf("%w; expected a prefix, a comma and a type", syntax.Err))
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
	return f.finish()
}

// msPublicIPRow adds a prefix to the tag of its type, in which hyphens stand for spaces.
func (f *cloudFeed) msPublicIPRow(prefix, kind string, at spot) error {
	kind = strings.TrimSpace(kind)
	if kind == "" {
		return fmt.Errorf("no type beside %s", jsonc.Quote(prefix))
	}
	t, err := f.tag(strings.Join(strings.Fields(kind), "-"), "", kind)
	if err != nil {
		return err
	}
	return t.prefix(strings.TrimSpace(prefix), at)
}
