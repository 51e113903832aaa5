package feed

import (
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// Flat endpoints: an array of objects with one endpoint and one port each, by which
// PowerShell modules add a site's own endpoints to those of the Microsoft 365 web
// service. Source: the examples of PS-Module-O365EndpointService.

func isFlat(d document) bool {
	return atLeast(2, firstObject(d.root()), "uri", "tcpPort", "udpPort")
}

// flatRow is one object.
type flatRow struct {
	area, title, protocol, uri, notes string
	category                          catalog.Category
	required                          bool
	services                          []netset.Service
}

func readFlat(d document, as Naming) (*catalog.Catalog, error) {
	r := newCloudJSON(d, newCloudFeed(d, as, listName(d.file), "Flat endpoints", ""))
	r.Feed = ""
	r.Array(d.root(), func(v jsonc.Value) {
		if row, ok := r.flatRow(v); ok {
			r.check(v, r.flatEndpoint(row, v))
		}
	})
	return r.done()
}

func (r *cloudJSON) flatRow(v jsonc.Value) (row flatRow, ok bool) {
	checked := func(to *string, limit int) func(jsonc.Value) {
		return func(v jsonc.Value) {
			if s, ok := r.String(v); ok {
				text, err := m365Text(s, limit)
				*to = text
				r.check(v, err)
			}
		}
	}
	ok = r.Fields(v,
		jsonc.Required("serviceArea", func(v jsonc.Value) {
			if s, ok := r.String(v); ok {
				area, err := m365Area(s)
				row.area = area
				r.check(v, err)
			}
		}),
		jsonc.Required("protocol", func(v jsonc.Value) { row.protocol, _ = r.OneOf(v, "url", "ip") }),
		jsonc.Required("uri", r.text(&row.uri)),
		jsonc.Optional("serviceAreaDisplayName", checked(&row.title, catalog.MaxTitle)),
		jsonc.Optional("category", func(v jsonc.Value) {
			if s, ok := r.String(v); ok {
				category, err := m365Category(s)
				row.category = category
				r.check(v, err)
			}
		}),
		jsonc.Optional("required", func(v jsonc.Value) { row.required, _ = r.Bool(v) }),
		jsonc.Optional("notes", checked(&row.notes, catalog.MaxText)),
		jsonc.Optional("tcpPort", r.flatPorts(&row, netset.TCP)),
		jsonc.Optional("udpPort", r.flatPorts(&row, netset.UDP)),
	)
	if ok && len(row.services) == 0 {
		r.Errorf(v, "no port; expected tcpPort or udpPort")
		ok = false
	}
	return row, ok
}

// flatPorts reads a number, or a text of ports and ranges; null is none.
func (r *cloudJSON) flatPorts(row *flatRow, p netset.Protocol) func(jsonc.Value) {
	return func(v jsonc.Value) {
		switch v.Kind() {
		case jsonc.Null:
		case jsonc.Number, jsonc.String:
			services, err := m365Ports(v.Text(), p)
			row.services = append(row.services, services...)
			r.check(v, err)
		default:
			r.Errorf(v, "expected a port, found %v", v.Kind())
		}
	}
}

// flatEndpoint adds a row to the entry of its area and endpoint.
func (f *cloudFeed) flatEndpoint(row flatRow, at place) error {
	word := row.area + "-" + strings.Map(func(c rune) rune {
		if strings.ContainsRune("/:*", c) {
			return '-'
		}
		return c
	}, strings.ToLower(row.uri))
	t := f.byName[word]
	if t == nil {
		t = f.start(word)
		e := &t.entry
		e.Title, e.Area, e.Category, e.Required = row.title, row.area, row.category, row.required
		if e.Title == "" {
			e.Title = row.area
		}
		if row.notes != "" {
			e.Notes = []string{row.notes}
		}
	}
	if t.entry.Category != row.category || t.entry.Required != row.required {
		return fmt.Errorf("%s is of another category, or required, before; the file contradicts itself", jsonc.Quote(row.uri))
	}
	if row.notes != "" && !slices.Contains(t.entry.Notes, row.notes) && len(t.entry.Notes) < catalog.MaxTexts {
		t.entry.Notes = append(t.entry.Notes, row.notes)
	}
	t.entry.Services = t.entry.Services.Union(netset.ServiceSetOf(row.services...))
	if row.protocol == "ip" {
		return t.prefix(row.uri, at)
	}
	return t.name(row.uri)
}
