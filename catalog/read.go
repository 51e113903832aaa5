package catalog

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// Limits of a document; passing one is an error that names it. The limits of
// package jsonc on size, depth and strings hold as well.
const (
	MaxEntries = 100_000
	MaxSlug    = 64  // characters of an id, an area, a catalogue's name
	MaxTitle   = 200 // bytes of a title, a condition, a type, a revision
	MaxText    = 500 // bytes of a note, a question, a reason, a source
	maxRole    = 16
)

// Read reads a document of our own format. file is used in errors, which carry
// file, line, column and JSON pointer; up to 100 are reported at once. Entries
// that stand twice with the same content are one; an id with two contents is an
// error.
func Read(file string, data []byte) (*Catalog, error) {
	doc, err := jsonc.Parse(file, data)
	if err != nil {
		return nil, err
	}
	r := &reader{Decoder: jsonc.NewDecoder(doc), file: file, seen: map[string][]byte{}}
	r.root(doc.Root())
	if err := r.Err(); err != nil {
		return nil, err
	}
	return &r.catalog, nil
}

type reader struct {
	*jsonc.Decoder
	file    string
	catalog Catalog
	date    string
	kinds   map[string]PlaceholderKind
	seen    map[string][]byte // canonical form of the entry by id
}

// root reads the document's own members before its entries, wherever they stand,
// because entries refer to them.
func (r *reader) root(v jsonc.Value) {
	var entries jsonc.Value
	c := &r.catalog
	r.Object(v,
		jsonc.Required("catalog", r.slug(&c.Name, MaxSlug)),
		jsonc.Required("revision", r.text(&c.Revision, MaxTitle)),
		jsonc.Required("title", r.text(&c.Title, MaxTitle)),
		jsonc.Optional("source", r.text(&c.Source, MaxText)),
		jsonc.Optional("date", r.dateText(&r.date)),
		jsonc.Optional("placeholders", r.placeholders),
		jsonc.Required("entries", func(v jsonc.Value) { entries = v }),
	)
	if entries.Kind() == jsonc.Invalid {
		return
	}
	r.Array(entries, func(v jsonc.Value) {
		if len(c.Entries) == MaxEntries {
			r.Errorf(v, "more than %d entries; split the catalogue", MaxEntries)
			return
		}
		r.entry(v)
	})
}

func (r *reader) placeholders(v jsonc.Value) {
	r.kinds = map[string]PlaceholderKind{}
	r.Members(v, func(k jsonc.Key, v jsonc.Value) {
		if !isPlaceholder(k.Text()) {
			r.Errorf(k, "bad placeholder name %s; use lower-case letters and underscores", jsonc.Quote(k.Text()))
		}
		kind, _ := r.OneOf(v, string(Label), string(FQDN))
		r.kinds[k.Text()] = PlaceholderKind(kind)
	})
}

func (r *reader) entry(v jsonc.Value) {
	e := Entry{Kind: KindFlow, Source: r.catalog.Source, Date: r.date}
	facts := map[Fact]jsonc.Value{}
	var slug string
	var unsaid, inferred jsonc.Value
	ok := r.Object(v,
		jsonc.Required("id", r.slug(&slug, MaxSlug)),
		jsonc.Optional("row", r.text(&e.Row, MaxSlug)),
		jsonc.Required("title", r.text(&e.Title, MaxTitle)),
		jsonc.Optional("kind", func(v jsonc.Value) {
			kind, _ := r.OneOf(v, string(KindFlow), string(KindTrustedSite))
			e.Kind = Kind(kind)
		}),
		jsonc.Optional("area", r.slug(&e.Area, MaxSlug)),
		jsonc.Optional("type", r.text(&e.Type, MaxTitle)),
		jsonc.Optional("category", func(v jsonc.Value) {
			category, _ := r.OneOf(v, string(CategoryOptimize), string(CategoryAllow), string(CategoryDefault))
			e.Category = Category(category)
		}),
		jsonc.Optional("required", func(v jsonc.Value) { e.Required, _ = r.Bool(v) }),
		jsonc.Optional("instance", func(v jsonc.Value) { e.Instances = r.instances(v) }),
		jsonc.Optional("direction", func(v jsonc.Value) {
			facts[FactDirection] = v
			direction, _ := r.OneOf(v, string(Outbound), string(Inbound), string(Bidirectional))
			e.Direction = Direction(direction)
		}),
		jsonc.Optional("role", func(v jsonc.Value) { facts[FactRole] = v; r.slug(&e.Role, maxRole)(v) }),
		jsonc.Optional("endpoints", func(v jsonc.Value) { facts[FactRemote] = v; r.endpoints(v, &e) }),
		jsonc.Optional("services", func(v jsonc.Value) { facts[FactServices] = v; e.Services = r.services(v) }),
		jsonc.Optional("unsaid", func(v jsonc.Value) { unsaid = v }),
		jsonc.Optional("inferred", func(v jsonc.Value) { inferred = v }),
		jsonc.Optional("condition", r.text(&e.Condition, MaxTitle)),
		jsonc.Optional("notes", r.texts(&e.Notes, MaxText)),
		jsonc.Optional("source", r.text(&e.Source, MaxText)),
		jsonc.Optional("date", r.dateText(&e.Date)),
	)
	if !ok {
		return
	}
	e.ID = r.catalog.Name + "/" + slug
	if e.Instances == nil {
		e.Instances = []string{DefaultInstance}
	}
	if r.unsaid(unsaid, &e, facts) && r.inferred(inferred, &e) && r.complete(v, &e, facts) {
		r.add(v, e)
	}
}

// add keeps the entry unless it stands already.
func (r *reader) add(v jsonc.Value, e Entry) {
	canonical := e.AppendCanonical(nil)
	if have, ok := r.seen[e.ID]; ok {
		if !bytes.Equal(have, canonical) {
			r.Errorf(v, "entry %s stands twice with different content; give one of them another id", e.ID)
		}
		return
	}
	r.seen[e.ID] = canonical
	r.catalog.Entries = append(r.catalog.Entries, e)
}

// complete demands that every fact of the entry is either said or unsaid, and
// that a trusted site has no facts of a flow.
func (r *reader) complete(v jsonc.Value, e *Entry, facts map[Fact]jsonc.Value) bool {
	ok := true
	for _, fact := range []Fact{FactRemote, FactServices, FactDirection, FactRole} {
		said, has := facts[fact]
		switch {
		case e.Kind == KindTrustedSite && has && fact != FactRemote:
			r.Errorf(said, "a trusted site is no traffic and has no %s; remove it, or make the entry's kind \"flow\"", fact)
			ok = false
		case e.Kind == KindTrustedSite && fact != FactRemote:
		case !has && !slices.ContainsFunc(e.Unsaid, func(u Unsaid) bool { return u.Fact == fact }):
			r.Errorf(v, "%s says nothing of its %s; give %s, or list %q under \"unsaid\" with why", e.ID, fact, keyOf(fact), fact)
			ok = false
		}
	}
	if e.Kind == KindTrustedSite && !e.Prefixes.IsEmpty() {
		r.Errorf(facts[FactRemote], "a trusted site is a name; an address belongs in an entry of kind \"flow\"")
		ok = false
	}
	return ok
}

// keyOf is the key that says a fact.
func keyOf(f Fact) string {
	if f == FactRemote {
		return `"endpoints"`
	}
	return fmt.Sprintf("%q", f)
}

func (r *reader) unsaid(v jsonc.Value, e *Entry, facts map[Fact]jsonc.Value) bool {
	if v.Kind() == jsonc.Invalid {
		return true
	}
	field := func(fact Fact) jsonc.Field {
		return jsonc.Optional(string(fact), func(v jsonc.Value) {
			if _, said := facts[fact]; said {
				r.Errorf(v, "the %s of %s is said and unsaid; remove one of the two", fact, e.ID)
			}
			u := Unsaid{Fact: fact}
			r.Object(v,
				jsonc.Required("why", r.text(&u.Why, MaxText)),
				jsonc.Optional("ask", r.text(&u.Ask, MaxText)),
				jsonc.Optional("who", r.text(&u.Who, MaxTitle)),
				jsonc.Optional("from", r.texts(&u.From, MaxTitle)),
				jsonc.Optional("never_any", func(v jsonc.Value) { u.NeverAny, _ = r.Bool(v) }),
			)
			e.Unsaid = append(e.Unsaid, u)
		})
	}
	ok := r.Object(v, field(FactRemote), field(FactServices), field(FactDirection), field(FactRole))
	order := []Fact{FactRemote, FactServices, FactDirection, FactRole}
	slices.SortFunc(e.Unsaid, func(a, b Unsaid) int { return slices.Index(order, a.Fact) - slices.Index(order, b.Fact) })
	return ok
}

// inferred reads which facts are our reading: an object of fact and reason.
func (r *reader) inferred(v jsonc.Value, e *Entry) bool {
	if v.Kind() == jsonc.Invalid {
		return true
	}
	field := func(fact Fact, said bool) jsonc.Field {
		return jsonc.Optional(string(fact), func(v jsonc.Value) {
			i := Inference{Fact: string(fact)}
			if r.text(&i.Reason, MaxText)(v); !said {
				r.Errorf(v, "the %s of %s cannot be inferred, because it is not said; remove this, or say it", fact, e.ID)
			}
			e.Inferred = append(e.Inferred, i)
		})
	}
	ok := r.Object(v,
		field(FactRemote, len(e.Names)+len(e.Pending) > 0 || !e.Prefixes.IsEmpty()),
		field(FactServices, !e.Services.IsEmpty()),
		field(FactDirection, e.Direction != ""),
		field(FactRole, e.Role != ""),
	)
	slices.SortFunc(e.Inferred, func(a, b Inference) int { return strings.Compare(a.Fact, b.Fact) })
	return ok
}

func (r *reader) instances(v jsonc.Value) []string {
	var list []string
	r.Array(v, func(v jsonc.Value) {
		s, ok := r.String(v)
		switch {
		case !ok:
		case s == "" || len(s) > MaxSlug || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "":
			r.Errorf(v, "bad instance %s; expect letters and digits, such as %q", jsonc.Quote(s), DefaultInstance)
		default:
			list = append(list, s)
		}
	})
	if len(list) == 0 {
		r.Errorf(v, "no instance; name one, or leave the key out for %s", DefaultInstance)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (r *reader) services(v jsonc.Value) netset.ServiceSet {
	text, ok := r.String(v)
	if !ok {
		return netset.ServiceSet{}
	}
	s, err := netset.ParseServices(text)
	if err != nil {
		r.Errorf(v, "%w", err)
	}
	return s
}

// text reads one line of printable text of at most limit bytes.
func (r *reader) text(to *string, limit int) func(jsonc.Value) {
	return func(v jsonc.Value) {
		s, ok := r.String(v)
		switch {
		case !ok:
		case strings.TrimSpace(s) == "":
			r.Errorf(v, "empty text; write something or remove the key")
		case len(s) > limit:
			r.Errorf(v, "%d bytes of text are too long; at most %d fit", len(s), limit)
		case strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) }):
			r.Errorf(v, "%s holds a character that does not print; write one line of plain text", jsonc.Quote(s))
		default:
			*to = s
		}
	}
}

func (r *reader) texts(to *[]string, limit int) func(jsonc.Value) {
	return func(v jsonc.Value) {
		r.Array(v, func(v jsonc.Value) {
			var s string
			r.text(&s, limit)(v)
			*to = append(*to, s)
		})
	}
}

// slug reads a lower-case letter followed by letters, digits and hyphens.
func (r *reader) slug(to *string, limit int) func(jsonc.Value) {
	return func(v jsonc.Value) {
		s, ok := r.String(v)
		if !ok {
			return
		}
		if s == "" || len(s) > limit || s[0] < 'a' || s[0] > 'z' || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			r.Errorf(v, "bad name %s; expect a lower-case letter, then at most %d letters, digits or hyphens", jsonc.Quote(s), limit-1)
			return
		}
		*to = s
	}
}

func (r *reader) dateText(to *string) func(jsonc.Value) {
	return func(v jsonc.Value) {
		s, ok := r.String(v)
		if !ok {
			return
		}
		if len(s) != 10 || s[4] != '-' || s[7] != '-' || strings.Trim(s, "0123456789-") != "" {
			r.Errorf(v, "bad date %s; expect YYYY-MM-DD", jsonc.Quote(s))
			return
		}
		*to = s
	}
}
