package catalog

import (
	"bytes"
	"fmt"
	"net/netip"

	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// Limits of a document; passing one is an error that names it. The limits of
// package jsonc on size, depth and strings hold as well.
const (
	MaxEntries   = 100_000
	MaxEndpoints = 2_000_000 // of all entries together
	MaxStarred   = 20_000    // names with stars inside a label, which are compared one by one
	MaxSlug      = 64        // bytes of an id, an area, a row, a revision, a catalogue's or placeholder's name
	MaxTitle     = 200       // bytes of a title, a condition, a type, or who can answer
	MaxText      = 500       // bytes of a note, a question, a reason, a source or a path
	MaxTexts     = 16        // notes of an entry; entries that a question refers to
)

const (
	maxRole    = 16 // bytes of a role: as package rule has it
	maxNotices = 20 // notices with their place; the others are counted
)

// Read reads a document of our own format: JSON, in which comments and trailing
// commas are accepted. Errors carry file, line, column and JSON pointer; up to 100
// are reported at once, as jsonc.Errors. Entries that stand twice with the same
// content are one; an id with two contents is an error.
//
// A flow entry must for each of remote, services, direction and role either say it
// or list it as unsaid. data must not be changed while Read runs.
func Read(file string, data []byte) (*Catalog, error) {
	doc, err := jsonc.Parse(file, data)
	if err != nil {
		return nil, err
	}
	return ReadDocument(file, doc, nil)
}

// ReadDocument is Read for a document that was parsed already. It calls list, unless it
// is nil, with each prefix as the document lists it, before an entry puts them
// together.
func ReadDocument(file string, doc *jsonc.Doc, list func(netip.Prefix)) (*Catalog, error) {
	r := &reader{Decoder: jsonc.NewDecoder(doc), file: file, onPrefix: list, seen: map[string]*sighting{}}
	r.root(doc.Root())
	if err := r.Err(); err != nil {
		return nil, err
	}
	if more := r.notices - maxNotices; more > 0 {
		r.catalog.Notices = append(r.catalog.Notices, Notice{file, fmt.Sprintf("%d more endpoints normalized likewise", more)})
	}
	return &r.catalog, nil
}

type reader struct {
	*jsonc.Decoder
	file     string
	onPrefix func(netip.Prefix) // the list of ReadDocument
	catalog  Catalog
	date     string
	areaRead string                     // why areas are our reading, if the document says so
	kinds    map[string]PlaceholderKind // of the placeholders that the document declares
	seen     map[string]*sighting       // by id
	listed   int                        // endpoints so far
	notices  int                        // normalizations so far
}

// sighting is an entry that was read.
type sighting struct {
	place     jsonc.Value
	index     int    // in the catalogue
	canonical []byte // nil until the id is seen again
}

// root reads the document's other members before its entries, wherever they
// stand, because entries refer to them.
func (r *reader) root(v jsonc.Value) {
	var entries jsonc.Value
	c := &r.catalog
	r.Object(v, r.fields(&entries)...)
	if c.Feed != "" {
		if c.Snapshot = r.date; c.Snapshot == "" {
			r.Errorf(v, `a snapshot of a feed needs its day; write it as "date"`)
		}
	}
	if entries.Kind() == jsonc.Invalid {
		return
	}
	count := 0
	r.Array(entries, func(v jsonc.Value) {
		switch count++; {
		case count <= MaxEntries:
			r.entry(v)
		case count == MaxEntries+1:
			r.Errorf(v, "more than %d entries; split the catalogue", MaxEntries)
		}
	})
}

// given is what an entry says about each fact, and its members that can only be
// judged once all the others are read.
type given struct {
	said                       map[Fact]jsonc.Value
	unsaid, inferred, narrowed jsonc.Value
}

func (r *reader) entry(v jsonc.Value) {
	e := Entry{Kind: KindFlow, Source: r.catalog.Source, Date: r.date, Instances: []string{DefaultInstance}}
	g := given{said: map[Fact]jsonc.Value{}}
	var slug string
	ok := r.Object(v, r.entryFields(&e, &g, &slug)...)
	e.ID = r.catalog.Name + "/" + slug
	r.narrowings(&e, g.narrowed)
	ok = r.unsaid(&e, g) && ok
	ok = r.inferred(&e, g) && ok
	if ok && r.agrees(v, &e, g) {
		r.add(v, e)
	}
}

// add keeps the entry unless it stands already.
func (r *reader) add(v jsonc.Value, e Entry) {
	first, ok := r.seen[e.ID]
	if !ok {
		r.seen[e.ID] = &sighting{place: v, index: len(r.catalog.Entries)}
		r.catalog.Entries = append(r.catalog.Entries, e)
		return
	}
	if first.canonical == nil {
		first.canonical = r.catalog.Entries[first.index].AppendCanonical(nil)
	}
	if !bytes.Equal(first.canonical, e.AppendCanonical(nil)) {
		line, _ := first.place.Pos()
		r.Errorf(v, "entry %q occurs in line %d with different content; give one of the two another id", e.ID, line)
	}
}

func (r *reader) instances(v jsonc.Value) []string {
	var list []string
	ok := r.Array(v, func(v jsonc.Value) {
		s, _ := r.OneOf(v, instances()...)
		list = append(list, s)
	})
	if ok && len(list) == 0 {
		r.Errorf(v, "no instance; name one, or leave the key out for %s", DefaultInstance)
	}
	return sorted(list)
}

func (r *reader) services(v jsonc.Value) netset.ServiceSet {
	if v.Kind() != jsonc.String {
		r.Errorf(v, `expected services as one text, such as "tcp 80, 443; udp 3478", found %v`, v.Kind())
		return netset.ServiceSet{}
	}
	s, err := netset.ParseServices(v.Text())
	if err != nil {
		r.Errorf(v, "%w", err)
	}
	return s
}
