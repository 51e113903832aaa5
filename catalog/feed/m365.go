package feed

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// The Microsoft 365 endpoints web service: the answer of /endpoints/{instance}, as
// JSON or CSV. Source: Microsoft, "Microsoft 365 IP Address and URL web service".

// m365Source is the address of an instance's endpoint sets.
const m365Source = "https://endpoints.office.com/endpoints/"

// m365Scope is what the publisher says of the whole service: connectivity "from a
// user ... across an enterprise perimeter network", and neither inbound traffic nor
// that of servers. Source: Microsoft, "Other endpoints not included in the
// Microsoft 365 IP Address and URL web service".
const m365Scope = "outbound from a user, the web service's scope"

// M365Instances are the instances of the web service. Germany was shut down in
// 2021; its documents are still read.
func M365Instances() []string {
	return []string{catalog.DefaultInstance, "USGovDoD", "USGovGCCHigh", "China", "Germany"}
}

// m365Set is an endpoint set, whichever format it came in.
type m365Set struct {
	id           int    // at least 1
	area         string // a slug
	display      string
	category     catalog.Category
	required     bool
	expressRoute bool
	names        []netset.Pattern // each once
	prefixes     netset.PrefixSet
	tcp, udp     []netset.Service
	notes        string
}

// m365Catalog gathers the entries of a document.
type m365Catalog struct {
	catalog.Catalog
	file     string
	list     func(netip.Prefix) // of document
	instance string
	date     string
	seen     map[string]m365Sighting // by entry id
	listed   int                     // endpoints so far
	notices  int                     // normalizations so far
}

type m365Sighting struct {
	index int // in Entries
	place func() (line, col int)
}

// newM365 names the catalogue. An instance that is not said is Worldwide, which a
// notice tells.
func newM365(d document, as Naming) (*m365Catalog, error) {
	c := &m365Catalog{file: d.file, list: d.list, instance: as.Instance, seen: map[string]m365Sighting{}}
	switch {
	case as.Instance == "":
		c.instance = catalog.DefaultInstance
		c.Notices = append(c.Notices, catalog.Notice{Where: d.file, Text: fmt.Sprintf(
			`the document does not say which instance it is of; read as %s (in "catalogs", {"file": ..., "instance": ...} says another)`, c.instance)})
	case !slices.Contains(M365Instances(), as.Instance):
		return nil, fmt.Errorf("%s: unknown instance %s; there are %s", d.file, jsonc.Quote(as.Instance), strings.Join(M365Instances(), ", "))
	}
	c.Feed = "m365"
	c.Name = as.Name
	if c.Name == "" {
		c.Name = c.Feed + "-" + strings.ToLower(c.instance)
	}
	if c.Revision = as.Revision; c.Revision == "" {
		c.Revision = noRevision
	}
	c.Title = "Microsoft 365 endpoints, " + c.instance
	c.Source = m365Source + c.instance
	c.date = m365Date(as.Revision)
	return c, nil
}

// finish returns the catalogue once every set is added.
func (c *m365Catalog) finish() (*catalog.Catalog, error) {
	if c.listed == 0 {
		return nil, fileErrorf(c.file, noEndpoint)
	}
	if more := c.notices - maxNotices; more > 0 {
		c.Notices = append(c.Notices, catalog.Notice{Where: c.file, Text: fmt.Sprintf("%d more endpoints normalized likewise", more)})
	}
	return &c.Catalog, nil
}

// m365Date returns the day of a version, which is YYYYMMDD and a number of two
// digits; empty for any other text.
func m365Date(version string) string {
	if len(version) != 10 || strings.Trim(version, "0123456789") != "" {
		return ""
	}
	day, err := time.Parse("20060102", version[:8])
	if err != nil {
		return ""
	}
	return day.Format(time.DateOnly)
}

// add makes the entries of a set. The publisher documents TCP ports for names and
// addresses, UDP ports for the addresses alone: a set that has names and UDP ports is
// two entries, the second of them with "-udp" after the set's id.
func (c *m365Catalog) add(s m365Set, place func() (line, col int)) error {
	tcp, udp := netset.ServiceSetOf(s.tcp...), netset.ServiceSetOf(s.udp...)
	first := c.entry(s, "", s.names, s.prefixes, tcp)
	if udp.IsEmpty() {
		return c.keep(first, place)
	}
	if len(s.names) == 0 {
		first = c.entry(s, "", nil, s.prefixes, netset.ServiceSetOf(slices.Concat(s.tcp, s.udp)...))
		return c.keep(first, place)
	}
	second := c.entry(s, "-udp", nil, s.prefixes, udp)
	if s.prefixes.IsEmpty() {
		second.Unsaid[0].Why = "the set has UDP ports and no addresses, and UDP ports are documented for addresses alone"
	}
	if err := c.keep(first, place); err != nil {
		return err
	}
	return c.keep(second, place)
}

func (c *m365Catalog) entry(s m365Set, part string, names []netset.Pattern, prefixes netset.PrefixSet, services netset.ServiceSet) catalog.Entry {
	id := strconv.Itoa(s.id)
	e := catalog.Entry{
		ID: c.Name + "/" + id + part, Row: id, Title: s.display, Kind: catalog.KindFlow, Area: s.area,
		Type: m365Scope, Category: s.category, Required: s.required, Instances: []string{c.instance},
		Direction: catalog.Outbound, Role: "clients",
		Names: names, Prefixes: prefixes, Narrowings: m365Narrowings(names), Services: services,
		Source: c.Source, Date: c.date,
	}
	if e.Title == "" {
		e.Title = s.area
	}
	if part != "" {
		e.Title += ", UDP"
	}
	if s.notes != "" {
		e.Notes = append(e.Notes, s.notes)
	}
	if s.expressRoute {
		e.Notes = append(e.Notes, "reachable by ExpressRoute")
	}
	const who = "the Microsoft 365 endpoints web service"
	if len(names) == 0 && prefixes.IsEmpty() {
		e.Unsaid = append(e.Unsaid, catalog.Unsaid{Fact: catalog.FactRemote, Who: who,
			Why: "the set has neither names nor addresses", Ask: "which endpoints does set " + id + " stand for?"})
	}
	if services.IsEmpty() {
		e.Unsaid = append(e.Unsaid, catalog.Unsaid{Fact: catalog.FactServices, Who: who,
			Why: "the set has no TCP ports", Ask: "which ports do the endpoints of set " + id + " answer on?"})
	}
	return e
}

// keep adds the entry unless it stands already.
func (c *m365Catalog) keep(e catalog.Entry, place func() (line, col int)) error {
	first, ok := c.seen[e.ID]
	switch {
	case !ok && len(c.Entries) == catalog.MaxEntries:
		return fmt.Errorf("more than %d endpoint sets", catalog.MaxEntries)
	case !ok:
		c.seen[e.ID] = m365Sighting{len(c.Entries), place}
		c.Entries = append(c.Entries, e)
	case !bytes.Equal(c.Entries[first.index].AppendCanonical(nil), e.AppendCanonical(nil)):
		line, _ := first.place()
		return fmt.Errorf("set %s stands in line %d with other content; fetch the document again", e.Row, line)
	}
	return nil
}

// m365Ports reads a list of ports and ranges: "80,443", "3478 - 3481, 443".
func m365Ports(text string, p netset.Protocol) ([]netset.Service, error) {
	var list []netset.Service
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	for one := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(one), "-")
		if isRange {
			first = strings.TrimSpace(first) + "-" + strings.TrimSpace(last)
		}
		ports, err := netset.ParsePortRange(first)
		if err != nil {
			return nil, err
		}
		list = append(list, netset.Service{Protocol: p, Ports: ports})
	}
	return list, nil
}

// m365Area reads a service area as a slug: "Exchange" is "exchange".
func m365Area(text string) (string, error) {
	slug := strings.ToLower(text)
	if !catalog.IsSlug(slug) {
		return "", fmt.Errorf("bad service area %s; expected one word, such as \"Exchange\" or \"Common\"", jsonc.Quote(text))
	}
	return slug, nil
}

// m365Category reads Optimize, Allow or Default.
func m365Category(text string) (catalog.Category, error) {
	switch text {
	case "Optimize", "Allow", "Default":
		return catalog.Category(strings.ToLower(text)), nil
	}
	return "", fmt.Errorf("unknown category %s; the publisher has Optimize, Allow and Default", jsonc.Quote(text))
}

// m365Notes reads the lines of a text as one.
func m365Notes(text string) (string, error) {
	return m365Text(strings.NewReplacer("\r\n", " ", "\r", " ", "\n", " ").Replace(text), catalog.MaxText)
}

// m365Text reads one line of at most limit bytes; surrounding space is dropped.
func m365Text(text string, limit int) (string, error) {
	text = strings.TrimSpace(text)
	switch {
	case len(text) > limit:
		return "", fmt.Errorf("text of %d bytes; at most %d are expected", len(text), limit)
	case strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }):
		return "", fmt.Errorf("%s holds a character that does not print", jsonc.Quote(text))
	}
	return text, nil
}
