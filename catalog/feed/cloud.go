package feed

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
)

// cloudFeed gathers the entries of a feed that lists addresses, or names, under tags
// of the publisher's: one entry for each tag.
type cloudFeed struct {
	*collector
	area   string // of every entry
	date   string // YYYY-MM-DD
	tags   []*cloudTag
	byName map[string]*cloudTag
}

// cloudTag is one entry while it is read.
type cloudTag struct {
	endpointList
	entry catalog.Entry
}

// newCloudFeed starts a catalogue, which the naming overrules. A feed without a name
// is called after its file, and has no publisher. The name is also the area of its
// entries, so that rules are kept apart by publisher.
func newCloudFeed(d document, as Naming, name, title, source string) *cloudFeed {
	f := &cloudFeed{collector: newCollector(d, as), area: name, byName: map[string]*cloudTag{}}
	f.Feed, f.Title, f.Source = name, title, source
	if name == "" {
		f.area = listName(d.base())
	}
	if f.Name == "" {
		f.Name = f.area
	}
	return f
}

// published takes the revision from a time that the publisher gives, such as
// "2021-07-27T10:01:31.58447", and the date from its first ten characters. A revision
// holds no colon.
func (f *cloudFeed) published(as Naming, stamp string, at place) {
	day := stamp[:min(len(stamp), len(time.DateOnly))]
	revision := strings.ReplaceAll(stamp, ":", "-")
	if _, err := time.Parse(time.DateOnly, day); err != nil || !catalog.IsWord(revision) {
		f.notice(at, "%s is not a time of publication, which starts with a day as YYYY-MM-DD; ignored", jsonc.Quote(stamp))
		return
	}
	f.date = day
	if as.Revision == "" {
		f.Revision = revision
	}
}

// tag returns the entry of a tag, and starts it if there is none; nil after a report.
// What is odd in a region or service is put right, and noticed.
func (f *cloudFeed) tag(at place, name, region, service string) *cloudTag {
	word := strings.TrimLeft(asWord(name), "-")
	if word == "" && name != "" {
		word = inHex(name)
	}
	word = word[:min(len(word), catalog.MaxSlug)]
	region, service = f.plain(region, "region", catalog.MaxSlug, at), f.plain(service, "service", catalog.MaxSlug, at)
	if t := f.byName[word]; t != nil {
		if t.entry.Region != region || t.entry.Service != service {
			f.failf(at, "tag %s had region %s and service %s before; the feed contradicts itself", jsonc.Quote(name), jsonc.Quote(t.entry.Region), jsonc.Quote(t.entry.Service))
			return nil
		}
		return t
	}
	switch {
	case word == "":
		f.failf(at, "bad tag %s; expected a name of letters, digits, dots, hyphens or underscores", jsonc.Quote(name))
		return nil
	case len(f.tags) == catalog.MaxEntries:
		f.failf(at, "more than %d tags", catalog.MaxEntries)
		return nil
	}
	t := f.start(word)
	t.entry.Tag, t.entry.Region, t.entry.Service = word, region, service
	if service != "" {
		t.entry.Title = strings.TrimSuffix(service+", "+region, ", ")
	}
	return t
}

// asWord is a text as a word of an id, with hyphens for what no word holds.
func asWord(text string) string {
	word := strings.Map(func(c rune) rune {
		if c < 0x80 && catalog.IsWord(string(c)) {
			return c
		}
		return '-'
	}, text)
	return strings.TrimRight(word, "-")
}

// inHex is a word for a text of other letters than those of an id.
func inHex(text string) string {
	var words []string
	for _, r := range text {
		if unicode.IsLetter(r) {
			words = append(words, fmt.Sprintf("u%04x", r))
		}
	}
	return strings.Join(words, "-")
}

// start makes an entry whose id ends in the given word.
func (f *cloudFeed) start(word string) *cloudTag {
	t := &cloudTag{endpointList: endpointList{collector: f.collector}}
	t.entry = catalog.Entry{
		ID: f.Name + "/" + word, Title: word, Kind: catalog.KindFlow, Area: f.area, Source: f.Source, Date: f.date,
	}
	f.tags = append(f.tags, t)
	f.byName[word] = t
	return t
}

// finish returns the catalogue once everything is read.
func (f *cloudFeed) finish() (*catalog.Catalog, error) {
	if err := f.Err(); err != nil {
		return nil, err
	}
	var empty []string
	for _, t := range f.tags {
		e := t.entry
		var err error
		if e.Prefixes, err = t.build(); err != nil {
			return nil, fileErrorf(f.file, "%s: %w", e.ID, err)
		}
		if t.count == 0 {
			empty = append(empty, e.ID)
			continue
		}
		e.Names = t.names
		e.Unsaid = slices.DeleteFunc(unsaidOfFeed(), func(u catalog.Unsaid) bool {
			return u.Fact == catalog.FactServices && !e.Services.IsEmpty() || u.Fact == catalog.FactDirection && e.Direction != ""
		})
		f.Entries = append(f.Entries, e)
	}
	if len(empty) > 0 {
		f.noticeFile(fmt.Sprintf("no endpoint is listed for %s; left out", some(empty)))
	}
	return f.done()
}

// some names up to three of a list.
func some(list []string) string {
	if len(list) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:3], ", "), len(list)-3)
	}
	return strings.Join(list, ", ")
}

// unsaidOfFeed are the facts that a list of endpoints does not hold.
func unsaidOfFeed() []catalog.Unsaid {
	const why = "the feed lists only endpoints"
	return []catalog.Unsaid{
		{Fact: catalog.FactServices, Why: why, Ask: "which protocols and ports do these endpoints use?", WholeFeed: true},
		{Fact: catalog.FactDirection, Why: why, Ask: "who opens the flows: our side (outbound) or their side (inbound)?", WholeFeed: true},
		{Fact: catalog.FactRole, Why: why, Ask: "which role takes part on our side, such as clients or servers?", WholeFeed: true},
	}
}
