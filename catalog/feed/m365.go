package feed

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

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

// InstanceOf is the instance that a word names in any letter case; another word stays.
func InstanceOf(word string) string {
	for _, known := range M365Instances() {
		if strings.EqualFold(known, word) {
			return known
		}
	}
	return word
}

// m365SetKeys are the keys of an endpoint set.
var m365SetKeys = []string{"id", "serviceArea", "serviceAreaDisplayName", "urls", "ips", "tcpPorts", "udpPorts", "expressRoute", "category", "required", "notes"}

// What else the web service answers, in either format.
const (
	m365IsChanges = "this is the web service's answer to /changes; a catalogue is its answer to /endpoints"
	m365IsVersion = "this is the web service's answer to /version; a catalogue is its answer to /endpoints"
)

// m365Keys returns the keys of the first set, or the columns of a CSV.
func m365Keys(d document) []string {
	if d.json == nil {
		columns, _ := d.header()
		return columns
	}
	var keys []string
	for key := range firstObject(d.root()).Members() {
		keys = append(keys, key.Text())
	}
	return keys
}

// isM365 goes by the keys that only the web service has: those of an endpoint set, of
// a change or of a version. Flat endpoints have a "uri" each.
func isM365(d document) bool {
	have := func(key string) bool { return haveKeys(m365Keys(d), key) }
	if d.json == nil {
		return have("id") && have("serviceArea") || m365Other(d) != nil
	}
	return !have("uri") && (have("serviceArea") || have("tcpPorts") || have("udpPorts")) || m365Other(d) != nil
}

// m365Other says which other answer of the web service a document is.
func m365Other(d document) error {
	switch keys := m365Keys(d); {
	case haveKeys(keys, "endpointSetId"):
		return errors.New(m365IsChanges)
	case haveKeys(keys, "instance", "latest"):
		return errors.New(m365IsVersion)
	}
	return nil
}

func haveKeys(keys []string, wanted ...string) bool {
	return !slices.ContainsFunc(wanted, func(name string) bool {
		return !slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, name) })
	})
}

// m365Set is an endpoint set, whichever format it came in.
type m365Set struct {
	id           int    // at least 1
	area         string // a slug; may be empty
	display      string
	category     catalog.Category
	required     bool
	expressRoute bool
	names        []netset.Pattern // each once
	prefixes     netset.PrefixSet
	tcp, udp     netset.ServiceSet
	notes        string

	listed   []netip.Prefix // each prefix as it is listed, where change records are applied
	udpNames bool           // UDP ports are of the names, too
	part     string         // after the set's id in that of an entry; empty for the set as it is listed
	at       place
}

// m365Catalog gathers the entries of a document.
type m365Catalog struct {
	*collector
	instance string
	date     string
	staged   bool                    // change records are applied
	seen     map[string]m365Sighting // by entry id
}

type m365Sighting struct {
	index int // in Entries
	at    place
}

// newM365 names the catalogue. An instance that is not said is Worldwide, which a
// notice tells.
func newM365(d document, as Naming) (*m365Catalog, error) {
	c := &m365Catalog{collector: newCollector(d, as), instance: as.Instance, staged: d.stage != nil, seen: map[string]m365Sighting{}}
	switch {
	case as.Instance == "":
		c.instance = catalog.DefaultInstance
		c.noticeFile(fmt.Sprintf(`the document does not say which instance it is of; read as %s (--instance, or in "catalogs" {"file": ..., "instance": ...}, says another)`, c.instance))
	case !slices.Contains(M365Instances(), as.Instance):
		return nil, fmt.Errorf("%s: unknown instance %s; expected one of %s", d.file, jsonc.Quote(as.Instance), strings.Join(M365Instances(), ", "))
	}
	c.Feed, c.Published, c.keys = "m365", true, m365SetKeys
	if c.Name == "" {
		c.Name = c.Feed + "-" + strings.ToLower(c.instance)
	}
	c.Title = "Microsoft 365 endpoints, " + c.instance
	c.Source = m365Source + c.instance
	c.date = m365Date(as.Revision)
	return c, nil
}

func readM365Sets(d document, as Naming) (*catalog.Catalog, error) {
	c, err := newM365(d, as)
	if err != nil {
		return nil, err
	}
	if other := m365Other(d); other != nil && d.json != nil {
		return nil, d.root().Errorf("%w", other)
	}
	var sets []m365Set
	check := func(columns []string) error { return m365Other(d) }
	if err := c.rows(d, check, func(r row) { sets = append(sets, c.set(r)) }); err != nil {
		return nil, err
	}
	if d.stage != nil {
		var told []catalog.Notice
		if sets, told, err = d.stage.apply(sets); err != nil {
			return nil, err
		}
		c.Notices = append(c.Notices, told...)
	}
	for _, s := range sets {
		c.enter(s)
	}
	return c.done()
}

// m365Date returns the day of a version, which is YYYYMMDD and a number of two
// digits; empty for any other text.
func m365Date(version string) string {
	if !IsVersion(version) {
		return ""
	}
	return versionDay(version)
}

// set reads a row. What is odd in words for display, in the area or the category is a
// notice, and an error is what is odd in the id, the endpoints and the ports.
func (c *m365Catalog) set(r row) m365Set {
	s := m365Set{at: r.at}
	text, at := r.text("id", " ")
	if n, err := strconv.ParseUint(text, 10, 31); text == "" {
		c.failf(at, "missing required key \"id\"")
	} else if err != nil || n == 0 {
		c.failf(at, "bad id %s; expected the set's number, such as 31", jsonc.Quote(text))
	} else {
		s.id = int(n)
	}
	s.area = c.serviceArea(r)
	s.category = c.category(r)
	s.display = c.shown(r, "serviceAreaDisplayName", catalog.MaxTitle)
	s.notes = c.shown(r, "notes", catalog.MaxText)
	s.required, s.expressRoute = c.flag(r, "required"), c.flag(r, "expressRoute")
	s.tcp, s.udp = c.ports(r, "tcpPorts", netset.TCP), c.ports(r, "udpPorts", netset.UDP)
	list := endpointList{collector: c.collector}
	r.each("urls", list.name)
	r.each("ips", func(text string, at place) {
		if list.prefix(text, at); c.staged {
			if p, _, err := netset.ParsePrefix(text); err == nil {
				s.listed = append(s.listed, p)
			}
		}
	})
	var err error
	s.names = list.names
	s.prefixes, err = list.build()
	_, at = r.text("ips", "")
	c.add(at, err)
	s.udpNames = s.prefixes.IsEmpty() || s.tcp.IsEmpty()
	return s
}

// serviceArea reads a service area as a slug: "Exchange" is "exchange".
func (c *collector) serviceArea(r row) string {
	text, at := r.text("serviceArea", " ")
	slug := strings.ToLower(text)
	if catalog.IsSlug(slug) {
		return slug
	}
	odd := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }
	slug = strings.TrimLeft(strings.Join(strings.FieldsFunc(slug, odd), "-"), "-0123456789")
	if slug = slug[:min(len(slug), catalog.MaxSlug)]; slug == "" {
		if text != "" {
			c.notice(at, "service area %s has no letter from a to z, so the row has no area", jsonc.Quote(text))
		} else {
			c.notice(at, "no service area is said; the row is of none")
		}
	} else {
		c.notice(at, "service area %s is read as %s", jsonc.Quote(text), slug)
	}
	return slug
}

// category reads Optimize, Allow or Default, which is what a row is that says none.
func (c *collector) category(r row) catalog.Category {
	text, at := r.text("category", " ")
	switch word := catalog.Category(strings.ToLower(text)); word {
	case catalog.CategoryOptimize, catalog.CategoryAllow, catalog.CategoryDefault:
		return word
	}
	c.notice(at, "category %s is none of Optimize, Allow and Default; read as Default", jsonc.Quote(text))
	return catalog.CategoryDefault
}

func (c *collector) shown(r row, key string, limit int) string {
	text, at := r.text(key, " ")
	return c.plain(text, key, limit, at)
}

// flag reads true or false in any letter case; absent is false.
func (c *collector) flag(r row, key string) bool {
	text, at := r.text(key, " ")
	switch strings.ToLower(text) {
	case "true":
		return true
	case "false", "":
	default:
		c.failf(at, "expected true or false, found %s", jsonc.Quote(text))
	}
	return false
}

// ports reads ports and ranges: "80,443", "3478 - 3481, 443", or a number.
func (c *collector) ports(r row, key string, p netset.Protocol) netset.ServiceSet {
	text, at := r.text(key, ",")
	services, err := m365Ports(text, p)
	c.add(at, err)
	return services
}

func m365Ports(text string, p netset.Protocol) (netset.ServiceSet, error) {
	var list []netset.Service
	if strings.TrimSpace(text) == "" {
		return netset.ServiceSet{}, nil
	}
	for one := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(one), "-")
		if isRange {
			first = strings.TrimSpace(first) + "-" + strings.TrimSpace(last)
		}
		ports, err := netset.ParsePortRange(first)
		if err != nil {
			if meant, named, ok := netset.SeparatedPorts(text); ok && named == 0 {
				return netset.ServiceSet{}, fmt.Errorf("ports %s are not separated by commas; write %s", jsonc.Quote(text), jsonc.Quote(meant))
			}
			return netset.ServiceSet{}, err
		}
		list = append(list, netset.Service{Protocol: p, Ports: ports})
	}
	return netset.ServiceSetOf(list...), nil
}

// enter makes the entries of a set. The publisher documents TCP ports for names and
// addresses, and UDP ports for the addresses, which is for the names where there are
// none: a set that has both is two entries, the second of them with "-udp" after the
// set's id.
func (c *m365Catalog) enter(s m365Set) {
	udpNames := s.names
	if !s.udpNames {
		udpNames = nil
	}
	switch {
	case s.udp.IsEmpty():
		c.keep(c.entry(s, "", s.names, s.tcp), s.at)
	case s.tcp.IsEmpty():
		c.keep(c.entry(s, "", udpNames, s.udp), s.at)
	case len(s.names) == 0:
		c.keep(c.entry(s, "", nil, s.tcp.Union(s.udp)), s.at)
	default:
		c.keep(c.entry(s, "", s.names, s.tcp), s.at)
		if len(udpNames) > 0 || !s.prefixes.IsEmpty() {
			c.keep(c.entry(s, "-udp", udpNames, s.udp), s.at)
		}
	}
}

func (c *m365Catalog) entry(s m365Set, part string, names []netset.Pattern, services netset.ServiceSet) catalog.Entry {
	id := strconv.Itoa(s.id)
	e := catalog.Entry{
		ID: c.Name + "/" + id + s.part + part, Row: id, Title: s.display, Kind: catalog.KindFlow, Area: s.area,
		Type: m365Scope, Category: s.category, Required: s.required, Instances: []string{c.instance},
		Direction: catalog.Outbound, Role: "clients",
		Names: names, Prefixes: s.prefixes, Narrowings: m365Narrowings(names), Services: services,
		Source: c.Source, Date: c.date,
	}
	if e.Title == "" {
		e.Title = s.area
	}
	if e.Title == "" {
		e.Title = "set " + id
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
	if len(names) == 0 && s.prefixes.IsEmpty() {
		e.Unsaid = append(e.Unsaid, catalog.Unsaid{Fact: catalog.FactRemote, Who: who,
			Why: "the set has neither names nor addresses", Ask: "which endpoints does set " + id + " have?"})
	}
	if services.IsEmpty() {
		e.Unsaid = append(e.Unsaid, catalog.Unsaid{Fact: catalog.FactServices, Who: who,
			Why: "the set has no ports", Ask: "which ports do the endpoints of set " + id + " answer on?"})
	}
	return e
}

// keep adds the entry unless it stands already.
func (c *m365Catalog) keep(e catalog.Entry, at place) {
	first, ok := c.seen[e.ID]
	switch {
	case !ok && len(c.Entries) == catalog.MaxEntries:
		c.failf(at, "more than %d endpoint sets", catalog.MaxEntries)
	case !ok:
		c.seen[e.ID] = m365Sighting{len(c.Entries), at}
		c.Entries = append(c.Entries, e)
	case !bytes.Equal(c.Entries[first.index].AppendCanonical(nil), e.AppendCanonical(nil)):
		line, _ := first.at.Pos()
		c.failf(at, "set %s occurs in line %d with different content; fetch the document again", e.Row, line)
	}
}
