package feed

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// noRevision is the revision of a document that says none.
const noRevision = "unknown"

// IsRevision reports whether a catalogue's revision says one.
func IsRevision(revision string) bool { return revision != "" && revision != noRevision }

// maxNotices is how many things of a document are noticed with their place.
const maxNotices = 20

const noEndpoint = "the feed lists no endpoint: it is empty or was cut short; download it again"

// place is where a document says something: a jsonc.Value, or a spot of a text.
type place interface {
	Pos() (line, col int)
}

// collector gathers a catalogue from a feed of any format.
type collector struct {
	catalog.Catalog
	*jsonc.Decoder // of no values if the document is not JSON
	file           string
	document       jsonc.Value        // its root; of kind Invalid if it is not JSON
	taken          map[place]bool     // where a prefix was read; nil if it is not JSON
	told           map[place]bool     // what else holds prefixes, and is told of
	keys           []string           // of its rows
	list           func(netip.Prefix) // of document
	listed         int                // endpoints so far
	noticed        int                // notices with a place so far
}

func newCollector(d document, as Naming) *collector {
	c := &collector{Decoder: jsonc.NewReporter(d.file), file: d.file, list: d.list}
	if d.json != nil {
		c.Decoder, c.document = jsonc.NewDecoder(d.json), d.json.Root()
		c.taken, c.told = map[place]bool{}, map[place]bool{}
	}
	if c.Name, c.Revision = as.Name, as.Revision; c.Revision == "" {
		c.Revision = noRevision
	}
	return c
}

// add reports an error; nothing for nil. In JSON only values have places.
func (c *collector) add(at place, err error) {
	v, isValue := at.(jsonc.Value)
	switch {
	case err == nil:
	case isValue:
		c.Errorf(v, "%w", err)
	case c.taken == nil:
		line, col := at.Pos()
		c.Report(&jsonc.Error{File: c.file, Line: line, Col: col, Err: err})
	}
}

func (c *collector) failf(at place, format string, args ...any) {
	c.add(at, fmt.Errorf(format, args...))
}

// notice tells of something that is read differently from how it is written. Finding
// a place reads the document, so that only the first ones get theirs.
func (c *collector) notice(at place, format string, args ...any) {
	if c.noticed++; c.noticed <= maxNotices {
		line, col := at.Pos()
		c.Notices = append(c.Notices, catalog.Notice{Where: fmt.Sprintf("%s:%d:%d", c.file, line, col), Text: fmt.Sprintf(format, args...)})
	}
}

// noticeFile tells of the whole document.
func (c *collector) noticeFile(text string) {
	if text != "" {
		c.Notices = append(c.Notices, catalog.Notice{Where: c.file, Text: text})
	}
}

// done returns the catalogue unless something was reported. A feed without endpoints
// is an error: it was cut short, or the publisher is out of order.
func (c *collector) done() (*catalog.Catalog, error) {
	if err := c.Err(); err != nil {
		return nil, err
	}
	if c.listed == 0 {
		if elsewhere := c.elsewhere(); elsewhere != nil {
			return nil, elsewhere
		}
		return nil, fileErrorf(c.file, noEndpoint)
	}
	if more := c.noticed - maxNotices; more > 0 {
		c.noticeFile(fmt.Sprintf("%d more endpoints normalized likewise", more))
	}
	c.tellPassed()
	return &c.Catalog, nil
}

// endpointList gathers the endpoints of one entry.
type endpointList struct {
	*collector
	names    []netset.Pattern // each once
	known    map[netset.Pattern]bool
	prefixes netset.PrefixBuilder
	count    int
}

// prefix adds a CIDR or an address.
func (l *endpointList) prefix(s string, at place) {
	p, note, err := netset.ParsePrefix(s)
	if err != nil {
		if strings.HasSuffix(s, "/0") {
			err = fmt.Errorf("%s covers a whole address family, which is not allowed in a feed", jsonc.Quote(s))
		}
		l.add(at, err)
		return
	}
	if note != "" && strings.ContainsAny(s, "/:") && !strings.HasPrefix(note, "bare") {
		l.notice(at, "%s: %s", jsonc.Quote(s), note)
	}
	l.tally(at)
	if l.taken != nil {
		l.taken[at] = true
	}
	l.prefixes.Add(p)
	if l.list != nil {
		l.list(p)
	}
}

// name adds an FQDN pattern.
func (l *endpointList) name(s string, at place) {
	n, err := netset.ParsePattern(s)
	if err != nil {
		_, _, _, err = catalog.ParseEndpoint(s) // tells what else it may be
		l.add(at, err)
		return
	}
	l.tally(at)
	if l.known == nil {
		l.known = map[netset.Pattern]bool{}
	}
	if !l.known[n] {
		l.known[n] = true
		l.names = append(l.names, n)
	}
}

// endpoint adds either.
func (l *endpointList) endpoint(s string, at place) {
	if isPrefix(s) {
		l.prefix(s, at)
	} else {
		l.name(s, at)
	}
}

func (l *endpointList) tally(at place) {
	l.count++
	if l.listed++; l.listed > catalog.MaxEndpoints {
		l.failf(at, "more than %d endpoints; split the file", catalog.MaxEndpoints)
	}
}

// build returns the prefixes as a set.
func (l *endpointList) build() (netset.PrefixSet, error) {
	set := l.prefixes.Build()
	if v4, v6 := set.CoversFamily(); v4 || v6 {
		return set, fmt.Errorf("these prefixes together cover a whole address family, which is not allowed in a feed")
	}
	return set, nil
}

// plain is a text for display as one line of at most limit bytes; what differs from
// how it is written is noticed.
func (c *collector) plain(text, what string, limit int, at place) string {
	plain := strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !jsonc.IsPlain(r) }), " ")
	odd := !jsonc.IsPlainText(strings.Join(strings.Fields(text), " "))
	if len(plain) > limit {
		plain, odd = strings.TrimSpace(strings.ToValidUTF8(plain[:limit], "")), true
	}
	if odd {
		c.notice(at, "%s %s is shown as %s", what, jsonc.Quote(text), jsonc.Quote(plain))
	}
	return plain
}
