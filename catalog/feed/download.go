package feed

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatewright/catalog"
	"gatewright/catalog/netset"
)

var errMarkup = errors.New("the answer is a web page, not a feed; a captive portal or a proxy may have answered instead of the publisher")

// isMarkup reports whether a document is HTML or XML, whatever its type says.
func isMarkup(data []byte) bool {
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

// Read reads it as a catalogue. A catalogue without endpoints is an error, because an
// outage that is mistaken for an empty list would close a firewall. Notices and errors
// name the source.
func (d Download) Read() (*Listed, error) {
	if isMarkup(d.Data) {
		return nil, fmt.Errorf("%s: %w", d.Source, errMarkup)
	}
	c, err := document{file: d.Source, kept: d.File}.readListed(d.Data, d.As)
	if err != nil {
		return nil, err
	}
	if c.count() == 0 {
		return nil, fmt.Errorf("%s: the answer holds no endpoints", d.Source)
	}
	if c.Revision == noRevision && d.Published != "" {
		c.Revision = d.Published
	}
	c.Published = true
	return c, nil
}

// Listed is a catalogue with its distinct endpoints as the publisher lists them:
// prefixes before entries put them together, names, and endpoints with placeholders.
type Listed struct {
	*catalog.Catalog
	names    map[string]bool
	prefixes []netip.Prefix // masked, each once
}

// ReadListed is Read, and keeps what is listed.
func ReadListed(file string, data []byte, as Naming) (*Listed, error) {
	return document{file: file}.readListed(data, as)
}

func (d document) readListed(data []byte, as Naming) (l *Listed, err error) {
	l = &Listed{names: map[string]bool{}}
	d.list = func(p netip.Prefix) { l.prefixes = append(l.prefixes, p) }
	if l.Catalog, err = d.read(data, as); err != nil {
		return nil, err
	}
	slices.SortFunc(l.prefixes, netip.Prefix.Compare)
	l.prefixes = slices.Compact(l.prefixes)
	for i := range l.Entries {
		for _, n := range l.Entries[i].Names {
			l.names[n.String()] = true
		}
		for _, p := range l.Entries[i].Pending {
			l.names[p.Text] = true
		}
	}
	return l, nil
}

func (l *Listed) count() int { return len(l.names) + len(l.prefixes) }

// addresses are those of every entry.
func (l *Listed) addresses() netset.PrefixSet {
	var b netset.PrefixBuilder
	for i := range l.Entries {
		b.AddSet(l.Entries[i].Prefixes)
	}
	return b.Build()
}

// Update counts how a catalogue differs from the one that it replaces, by distinct
// listed endpoints.
type Update struct {
	Endpoints int // of the new catalogue
	Before    int // of the old one
	Lost      int // of the old one that the new one does not hold, or not as a whole

	Growth float64 // addresses that are new, as a part of those of the old one; the larger of both families
	family string  // of Growth
}

// NewUpdate compares; old may be nil.
func NewUpdate(old, new *Listed) Update {
	u := Update{Endpoints: new.count()}
	if old == nil {
		return u
	}
	u.Before = old.count()
	for text := range old.names {
		if !new.names[text] {
			u.Lost++
		}
	}
	have := new.addresses()
	for _, p := range old.prefixes {
		if !have.Covers(netset.PrefixSetOf(p)) {
			u.Lost++
		}
	}
	u.Growth, u.family = netset.Growth(old.addresses(), have)
	return u
}

// Check refuses an update that lost more than maxShrink percent of the endpoints, or
// lists fewer by more than that: a few wide prefixes, or one that was cut short to
// "20.1.5.0/2", hold every address of many narrow ones. It also refuses one whose new
// addresses are more than maxGrowth percent of the old ones.
func (u Update) Check(maxShrink, maxGrowth int) error {
	fewer := u.Before - u.Endpoints
	over := func(n int) bool { return n*100 > u.Before*maxShrink }
	var what string
	switch {
	case over(u.Lost):
		what = fmt.Sprintf("%d of %d endpoints are gone,", u.Lost, u.Before)
	case over(fewer):
		what = fmt.Sprintf("%d endpoints are listed, %d were listed before, a loss of", u.Endpoints, u.Before)
	case u.Growth*100 > float64(maxGrowth):
		return fmt.Errorf("the addresses of %s would grow by %.0f %%, but --max-growth allows only %d %%; if this is meant, use --max-growth %.0f", u.family, 100*u.Growth, maxGrowth, math.Ceil(100*u.Growth))
	default:
		return nil
	}
	needed := (max(u.Lost, fewer)*100 + u.Before - 1) / u.Before
	return fmt.Errorf("%s more than the %d %% that --max-shrink allows; if this is meant, use --max-shrink %d", what, maxShrink, needed)
}

// CheckRevision refuses a revision that is older than the one before. They are
// compared if both are numbers, or both are written alike and start with a year.
func CheckRevision(before, after string) error {
	if goesBack(before, after) {
		return fmt.Errorf("the publisher offers version %s, which is older than the local version %s; if this is meant, remove the file first", after, before)
	}
	return nil
}

// maxAhead is how far a revision may lie ahead of this machine's clock, in years.
const maxAhead = 1

// CheckAhead refuses a revision whose day is more than a year ahead of now: kept, it
// would let no later one pass.
func CheckAhead(revision string, now time.Time) error {
	day, ok := revisionDay(revision)
	if !ok || !day.After(now.AddDate(maxAhead, 0, 0)) {
		return nil
	}
	return fmt.Errorf("the publisher offers version %s, of %s, which is more than a year ahead of today, %s; if this machine's clock is right, wait for the publisher's next version",
		revision, day.Format(time.DateOnly), now.UTC().Format(time.DateOnly))
}

// revisionDay reads the day of a revision that starts with one, as 2025-01-08, or
// 20250108 and other digits, or that is a time since 1970 in seconds, as AWS writes it,
// or in milliseconds.
func revisionDay(s string) (day time.Time, ok bool) {
	if day, err := time.Parse(time.DateOnly, s[:min(len(s), len(time.DateOnly))]); err == nil {
		return day, true
	}
	number, err := strconv.ParseUint(s, 10, 63)
	if err != nil || len(s) < 8 || len(s) > 14 {
		return day, false
	}
	if day, err := time.Parse("20060102", s[:8]); err == nil && day.Year() >= 1990 {
		return day, true
	}
	switch len(s) {
	case 10:
		return time.Unix(int64(number), 0).UTC(), true
	case 13:
		return time.UnixMilli(int64(number)).UTC(), true
	}
	return day, false
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
