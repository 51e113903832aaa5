package feed

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// Flat endpoints: an array of objects with one endpoint and one port each, by which
// PowerShell modules add a site's own endpoints to those of the Microsoft 365 web
// service. Source: the examples of PS-Module-O365EndpointService.

var flatKeys = []string{"uri", "protocol", "tcpPort", "udpPort", "serviceArea", "serviceAreaDisplayName", "category", "required", "notes"}

func isFlat(d document) bool { return isFlatRow(firstObject(d.root())) }

func isFlatRow(v jsonc.Value) bool { return atLeast(2, v, "uri", "tcpPort", "udpPort") }

func readFlat(d document, as Naming) (*catalog.Catalog, error) {
	f := newCloudFeed(d, as, "", "Flat endpoints", "")
	f.keys = flatKeys
	if err := f.rows(d, nil, f.flatRow); err != nil {
		return nil, err
	}
	return f.finish()
}

// flatRow adds a row to the entry of its area and endpoint.
func (f *cloudFeed) flatRow(r row) {
	uri, at := r.text("uri", " ")
	protocol, atProtocol := r.text("protocol", " ")
	services := f.ports(r, "tcpPort", netset.TCP).Union(f.ports(r, "udpPort", netset.UDP))
	for _, key := range slices.Sorted(maps.Keys(r.fields)) {
		known := slices.ContainsFunc(flatKeys, func(known string) bool { return strings.EqualFold(known, key) })
		for _, one := range r.fields[key] {
			if !known && fieldDenies(key, one.text) {
				f.failf(one.at, denialText, jsonc.Quote(key), jsonc.Quote(one.text))
				return
			}
		}
	}
	switch {
	case uri == "":
		f.failf(r.at, `missing required key "uri"`)
		return
	case r.fields["tcpport"] == nil && r.fields["udpport"] == nil:
		f.failf(r.at, "no port; expected tcpPort or udpPort")
		return
	case protocol != "" && protocol != "url" && protocol != "ip":
		f.failf(atProtocol, `unknown value %s; known values: "url", "ip"`, jsonc.Quote(protocol))
		return
	}
	area, required, category := f.serviceArea(r), f.flag(r, "required"), catalog.Category("")
	if text, _ := r.text("category", ""); text != "" {
		category = f.category(r)
	}
	t := f.flatEntry(asWord(area+"-"+strings.ToLower(uri)), r)
	if t.entry.Services.IsEmpty() {
		t.entry.Title = cmp.Or(t.entry.Title, area)
		t.entry.Area, t.entry.Category, t.entry.Required = area, category, required
	} else if t.entry.Category != category || t.entry.Required != required {
		f.failf(r.at, "%s had another category, or was required, before; the file contradicts itself", jsonc.Quote(uri))
	}
	t.entry.Services = t.entry.Services.Union(services)
	t.endpoint(uri, at)
}

// flatEntry returns the entry of a word, with a row's title and notes.
func (f *cloudFeed) flatEntry(word string, r row) *cloudTag {
	t := f.byName[word]
	if t == nil {
		t = f.start(word)
		t.entry.Title = f.shown(r, "serviceAreaDisplayName", catalog.MaxTitle)
	}
	notes := f.shown(r, "notes", catalog.MaxText)
	if notes != "" && !slices.Contains(t.entry.Notes, notes) && len(t.entry.Notes) < catalog.MaxTexts {
		t.entry.Notes = append(t.entry.Notes, notes)
	}
	return t
}
