package feed

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/netset"
)

var errMarkup = errors.New("the answer is a web page and no feed; a captive portal or a proxy may have answered in the publisher's place")

// IsMarkup reports whether a document is HTML or XML, whatever its type says.
func IsMarkup(data []byte) bool {
	data = bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), " \t\r\n")
	return bytes.HasPrefix(data, []byte("<"))
}

// Download is what was downloaded to be kept in a file.
type Download struct {
	Source, File string // errors are told of the source; a plain list is named after the file
	Data         []byte
	As           Naming
	Published    string // YYYY-MM-DD, the revision of a document that has none of its own; may be empty
}

// Read reads it as a catalogue. No endpoint at all is an error: an outage, taken for a
// list, would close a firewall.
func (d Download) Read() (*catalog.Catalog, error) {
	if IsMarkup(d.Data) {
		return nil, fmt.Errorf("%s: %w", d.Source, errMarkup)
	}
	c, err := Read(d.Source, d.Data, d.As)
	if err != nil {
		return nil, err
	}
	if endpointsOf(c).count() == 0 {
		return nil, fmt.Errorf("%s: the answer holds no endpoints", d.Source)
	}
	as := d.As
	if c.Revision == noRevision && d.Published != "" {
		as.Revision = d.Published
	}
	return Read(d.File, d.Data, as)
}

// Update tells how a catalogue differs from the one that it replaces, by distinct
// endpoints: names, prefixes after aggregation, and endpoints with placeholders.
type Update struct {
	Endpoints int // of the new catalogue
	Before    int // of the old one
	Lost      int // of the old one that the new one does not hold, or not as a whole
}

// NewUpdate compares; old may be nil.
func NewUpdate(old, new *catalog.Catalog) Update {
	have := endpointsOf(new)
	u := Update{Endpoints: have.count()}
	if old == nil {
		return u
	}
	before := endpointsOf(old)
	u.Before = before.count()
	for text := range before.names {
		if !have.names[text] {
			u.Lost++
		}
	}
	for p := range before.prefixes.Prefixes() {
		if !have.prefixes.Covers(netset.PrefixSetOf(p)) {
			u.Lost++
		}
	}
	return u
}

// Check refuses an update that lost more than maxShrink percent of the endpoints.
func (u Update) Check(maxShrink int) error {
	if u.Lost*100 > u.Before*maxShrink {
		return fmt.Errorf("%d of %d endpoints are gone, more than the %d %% that --max-shrink allows; if that is meant, allow more",
			u.Lost, u.Before, maxShrink)
	}
	return nil
}

// CheckRevision refuses a revision that is older than the one before. They are
// compared if both are numbers, or both are written alike and start with a year.
func CheckRevision(before, after string) error {
	if goesBack(before, after) {
		return fmt.Errorf("the publisher offers version %s, older than %s, which is here; if that is meant, remove the file first", after, before)
	}
	return nil
}

// goesBack compares revisions that are written alike: digits at the same places, and
// otherwise the same characters; a number may have become longer.
func goesBack(before, after string) bool {
	shape := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return '0'
			}
			return r
		}, s)
	}
	isNumber := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	if isNumber(before) && isNumber(after) {
		before, after = strings.TrimLeft(before, "0"), strings.TrimLeft(after, "0")
		return len(after) < len(before) || len(after) == len(before) && after < before
	}
	return strings.ContainsAny(before, "0123456789") && shape(before) == shape(after) && isDated(before) && after < before
}

// isDated reports whether a revision starts with a year, so that it orders as text.
func isDated(s string) bool {
	year, _, ok := strings.Cut(s, "-")
	return ok && len(year) == 4 && strings.Trim(year, "0123456789") == ""
}

// distinct are the distinct endpoints of a catalogue.
type distinct struct {
	names    map[string]bool // patterns, and endpoints with a path or placeholders
	prefixes netset.PrefixSet
	length   int // of prefixes
}

func endpointsOf(c *catalog.Catalog) distinct {
	e := distinct{names: map[string]bool{}}
	var b netset.PrefixBuilder
	for i := range c.Entries {
		for _, n := range c.Entries[i].Names {
			e.names[n.String()] = true
		}
		for _, p := range c.Entries[i].Pending {
			e.names[p.Text] = true
		}
		b.AddSet(c.Entries[i].Prefixes)
	}
	e.prefixes = b.Build()
	e.length = e.prefixes.Len()
	return e
}

func (e distinct) count() int { return len(e.names) + e.length }
