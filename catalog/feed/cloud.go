package feed

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// noRevision is the revision of a document that says none.
const noRevision = "unknown"

// IsRevision reports whether a catalogue's revision says one.
func IsRevision(revision string) bool { return revision != "" && revision != noRevision }

// cloudFeed gathers the entries of a feed that lists addresses, or names, under tags
// of the publisher's: one entry for each tag.
type cloudFeed struct {
	catalog.Catalog
	file    string
	list    func(netip.Prefix) // of document
	area    string             // of every entry
	date    string             // YYYY-MM-DD
	tags    []*cloudTag
	byName  map[string]*cloudTag
	listed  int // endpoints so far
	notices int // normalizations so far
}

// cloudTag is one entry while it is read.
type cloudTag struct {
	feed     *cloudFeed
	entry    catalog.Entry
	prefixes netset.PrefixBuilder
	names    map[netset.Pattern]bool
	listed   int
}

// place is where a document says something: a jsonc.Value, or a spot of a text.
type place interface {
	Pos() (line, col int)
}

// newCloudFeed starts a catalogue, which the naming overrules. name is also the area
// of its entries, so that rules are kept apart by publisher.
func newCloudFeed(d document, as Naming, name, title, source string) *cloudFeed {
	f := &cloudFeed{file: d.file, list: d.list, area: name, byName: map[string]*cloudTag{}}
	f.Name, f.Feed, f.Title, f.Source, f.Revision = name, name, title, source, noRevision
	if as.Name != "" {
		f.Name = as.Name
	}
	if as.Revision != "" {
		f.Revision = as.Revision
	}
	return f
}

// published takes the revision from a time that the publisher gives, such as
// "2021-07-27T10:01:31.58447", and the date from its first ten characters. A revision
// holds no colon.
func (f *cloudFeed) published(as Naming, stamp string) error {
	day := stamp[:min(len(stamp), len(time.DateOnly))]
	revision := strings.ReplaceAll(stamp, ":", "-")
	if _, err := time.Parse(time.DateOnly, day); err != nil || !catalog.IsWord(revision) {
		return fmt.Errorf("%s is no time of publication, which starts with a day as YYYY-MM-DD", jsonc.Quote(stamp))
	}
	f.date = day
	if as.Revision == "" {
		f.Revision = revision
	}
	return nil
}

// tag returns the entry of a tag, and starts it if there is none.
func (f *cloudFeed) tag(name, region, service string) (*cloudTag, error) {
	if t := f.byName[name]; t != nil {
		if t.entry.Region != region || t.entry.Service != service {
			return nil, fmt.Errorf("tag %s is of region %s and service %s before; the feed contradicts itself", jsonc.Quote(name), jsonc.Quote(t.entry.Region), jsonc.Quote(t.entry.Service))
		}
		return t, nil
	}
	switch {
	case !catalog.IsWord(name):
		return nil, fmt.Errorf("bad tag %s; expected at most %d letters, digits, dots, hyphens or underscores", jsonc.Quote(name), catalog.MaxSlug)
	case region != "" && !catalog.IsWord(region):
		return nil, fmt.Errorf("bad region %s; expected at most %d letters, digits, dots, hyphens or underscores", jsonc.Quote(region), catalog.MaxSlug)
	case len(service) > catalog.MaxSlug || strings.ContainsFunc(service, func(c rune) bool { return !unicode.IsPrint(c) }):
		return nil, fmt.Errorf("bad service %s; expected at most %d printable characters", jsonc.Quote(service), catalog.MaxSlug)
	case len(f.tags) == catalog.MaxEntries:
		return nil, fmt.Errorf("more than %d tags", catalog.MaxEntries)
	}
	t := f.start(name)
	t.entry.Tag, t.entry.Region, t.entry.Service = name, region, service
	if service != "" {
		t.entry.Title = strings.TrimSuffix(service+", "+region, ", ")
	}
	return t, nil
}

// start makes an entry whose id ends in the given word.
func (f *cloudFeed) start(word string) *cloudTag {
	t := &cloudTag{feed: f, names: map[netset.Pattern]bool{}}
	t.entry = catalog.Entry{
		ID: f.Name + "/" + word, Title: word, Kind: catalog.KindFlow, Area: f.area, Source: f.Source, Date: f.date,
	}
	f.tags = append(f.tags, t)
	f.byName[word] = t
	return t
}

// prefix adds a CIDR or an address to a tag.
func (t *cloudTag) prefix(s string, at place) error {
	p, note, err := netset.ParsePrefix(s)
	if err != nil {
		if strings.HasSuffix(s, "/0") {
			return fmt.Errorf("%s is every address of its family, which no feed may say", jsonc.Quote(s))
		}
		return err
	}
	if err := t.count(); err != nil {
		return err
	}
	if note != "" && strings.ContainsAny(s, "/:") && !strings.HasPrefix(note, "bare") {
		t.feed.notice(at, s, note)
	}
	t.prefixes.Add(p)
	if t.feed.list != nil {
		t.feed.list(p)
	}
	return nil
}

// name adds an FQDN pattern to a tag.
func (t *cloudTag) name(s string) error {
	n, err := netset.ParsePattern(s)
	if err != nil {
		_, _, _, err = catalog.ParseEndpoint(s) // tells what else it may be
		return err
	}
	if err := t.count(); err != nil {
		return err
	}
	if !t.names[n] {
		t.names[n] = true
		t.entry.Names = append(t.entry.Names, n)
	}
	return nil
}

func (t *cloudTag) count() error {
	t.listed++
	if t.feed.listed++; t.feed.listed > catalog.MaxEndpoints {
		return fmt.Errorf("more than %d endpoints; split the file", catalog.MaxEndpoints)
	}
	return nil
}

// notice tells of a normalization. Only the first ones get their place.
func (f *cloudFeed) notice(at place, s, note string) {
	if f.notices++; f.notices <= maxNotices {
		line, col := at.Pos()
		f.Notices = append(f.Notices, catalog.Notice{Where: fmt.Sprintf("%s:%d:%d", f.file, line, col), Text: jsonc.Quote(s) + ": " + note})
	}
}

const noEndpoint = "the feed lists no endpoint: it is empty or was cut short; download it again"

// finish returns the catalogue once everything is read. A feed without endpoints is
// an error: it was cut short, or the publisher is out of order.
func (f *cloudFeed) finish() (*catalog.Catalog, error) {
	var empty []string
	silent := unsaidOfFeed()
	for _, t := range f.tags {
		e := t.entry
		e.Prefixes = t.prefixes.Build()
		if v4, v6 := e.Prefixes.CoversFamily(); v4 || v6 {
			return nil, f.errorf("the prefixes of %s together are every address of a family, which no feed may say", e.ID)
		}
		if t.listed == 0 {
			empty = append(empty, t.entry.ID)
			continue
		}
		e.Unsaid = silent
		if !e.Services.IsEmpty() {
			e.Unsaid = silent[1:]
		}
		f.Entries = append(f.Entries, e)
	}
	if len(f.Entries) == 0 {
		return nil, f.errorf(noEndpoint)
	}
	if more := f.notices - maxNotices; more > 0 {
		f.Notices = append(f.Notices, catalog.Notice{Where: f.file, Text: fmt.Sprintf("%d more endpoints normalized likewise", more)})
	}
	if len(empty) > 0 {
		f.Notices = append(f.Notices, catalog.Notice{Where: f.file, Text: fmt.Sprintf("no endpoint is listed for %s; left out", some(empty))})
	}
	return &f.Catalog, nil
}

func (f *cloudFeed) errorf(format string, args ...any) error {
	return &jsonc.Error{File: f.file, Err: fmt.Errorf(format, args...)}
}

// some names up to three of a list.
func some(list []string) string {
	if len(list) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:3], ", "), len(list)-3)
	}
	return strings.Join(list, ", ")
}

// unsaidOfFeed are the facts that a list of endpoints does not hold, the services first.
func unsaidOfFeed() []catalog.Unsaid {
	const why = "the feed lists endpoints alone"
	return []catalog.Unsaid{
		{Fact: catalog.FactServices, Why: why, Ask: "which protocols and ports of these endpoints?", WholeFeed: true},
		{Fact: catalog.FactDirection, Why: why, Ask: "who opens the flows: our side (outbound), or theirs (inbound)?", WholeFeed: true},
		{Fact: catalog.FactRole, Why: why, Ask: "who takes part on our side, such as clients or servers?", WholeFeed: true},
	}
}

// atLeast reports whether an object has n of the keys. Formats are recognised by two
// of their keys, so that a document with a part missing is an error of its format.
func atLeast(n int, v jsonc.Value, keys ...string) bool {
	for key := range v.Members() {
		if slices.Contains(keys, string(key.Bytes())) {
			n--
		}
	}
	return n <= 0
}
