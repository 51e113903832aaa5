package site

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/lint"
	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// Accepted is what a site says that it means of addresses that no public service
// should have.
type Accepted struct {
	Prefixes netset.PrefixSet // however wide, and of whatever purpose
	Size     bool             // that all together are more than lint.WideShare of a family
}

// acceptSize is the word for Accepted.Size.
const acceptSize = "size"

// accepts reads what is accepted, by an entry's id, by "<catalogue>/<area>" or by a
// catalogue's name.
func (r *reader) accepts(v jsonc.Value) {
	r.site.Accept = map[string]Accepted{}
	r.Members(v, func(k jsonc.Key, v jsonc.Value) {
		var a Accepted
		var b netset.PrefixBuilder
		ok := r.Array(v, func(v jsonc.Value) {
			var s string
			if r.text(&s)(v); s == acceptSize {
				a.Size = true
			} else if s != "" {
				p, note, err := netset.ParsePrefix(s)
				if err != nil {
					r.Errorf(v, `%w; or write %q for the size of all together`, err, acceptSize)
				}
				r.notice(v, s, note)
				b.Add(p)
			}
		})
		if a.Prefixes = b.Build(); ok && a.Prefixes.IsEmpty() && !a.Size {
			r.Errorf(v, "empty list; write prefixes, or remove the key")
		}
		r.site.Accept[k.Text()] = a
		r.keep("accept", k.Text(), k)
	})
}

// means reports whether a key of "accept" names the entry, its area or its catalogue,
// in any letter case.
func means(key string, c *catalog.Catalog, e *catalog.Entry) bool {
	name, rest, parted := strings.Cut(key, "/")
	is := func(text string) bool { return text != "" && strings.EqualFold(rest, text) }
	if !strings.EqualFold(name, c.Name) && (c.Feed == "" || !strings.EqualFold(name, c.Feed)) {
		return false
	}
	return !parted || is(slugOf(e.ID)) || is(e.Row) || is(e.Area)
}

// accepted is what the site accepts of an entry.
func (s *Site) accepted(c *catalog.Catalog, e *catalog.Entry) Accepted {
	var all Accepted
	for key, a := range s.Accept {
		if means(key, c, e) {
			all.Prefixes, all.Size = all.Prefixes.Union(a.Prefixes), all.Size || a.Size
		}
	}
	return all
}

// boundAddresses are those of every role: a remote of a catalogue of the site's own may
// stand there.
func (s *Site) boundAddresses() netset.PrefixSet {
	var all netset.PrefixBuilder
	for _, b := range s.Bindings {
		all.AddSet(b.Local())
	}
	return all.Build()
}

// Doubts returns an error for each of the entries of a catalogue whose addresses a
// public service can hardly have, unless the site accepts them, and one if all of them
// together are a large part of a family. Each names the line that accepts it.
func (s *Site) Doubts(c *catalog.Catalog, entries []*catalog.Entry) []error {
	var errs []error
	var rest netset.PrefixBuilder
	size, mend := false, "correct the entry"
	var bound netset.PrefixSet
	if c.Published {
		mend = "exclude the entry and report it to its publisher"
	} else {
		bound = s.boundAddresses()
	}
	for _, e := range entries {
		a := s.accepted(c, e)
		addresses := e.Prefixes.Subtract(a.Prefixes).Subtract(bound)
		doubtful, what := lint.Doubtful(addresses)
		if what != "" {
			errs = append(errs, fmt.Errorf(`%s: %s: no public service has such addresses; %s; if they are meant, write "accept": {%q: [%s]} in the site file`, e.ID, what, mend, e.ID, quoted(doubtful)))
		}
		rest.AddSet(addresses.Subtract(doubtful))
		size = size || a.Size
	}
	if v4, v6 := lint.Shares(rest.Build()); !size && max(v4, v6) > lint.WideShare {
		errs = append(errs, fmt.Errorf(`%s: its addresses together are %s; select fewer entries of it; if this is meant, write "accept": {%q: [%q]} in the site file`, c.Name, shareOf(v4, v6), c.Name, acceptSize))
	}
	return errs
}

func shareOf(v4, v6 float64) string {
	share, family := v4, "IPv4"
	if v6 > v4 {
		share, family = v6, "IPv6"
	}
	return fmt.Sprintf("%.2f %% of all unicast addresses of %s, more than %.2f %%", 100*share, family, 100*lint.WideShare)
}

func quoted(s netset.PrefixSet) string {
	var list []string
	for p := range s.Prefixes() {
		list = append(list, `"`+p.String()+`"`)
	}
	return strings.Join(list, ", ")
}

// checkAddresses looks at the entries whose endpoints the site uses: what is odd in a
// publisher's feed is an error, and in a document of the site's own a doubt.
func (b *builder) checkAddresses() (doubts []catalog.Notice) {
	for _, key := range slices.Sorted(maps.Keys(b.site.Accept)) {
		if !b.isAccepted(key) {
			b.failf("accept", key, "no catalogue, area or entry %q in the loaded catalogues; %s", key, near(key, b.references(), showIDs))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.catalogs)) {
		c := b.catalogs[name]
		var used []*catalog.Entry
		for i := range c.Entries {
			if b.used[c.Entries[i].ID] {
				used = append(used, &c.Entries[i])
			}
		}
		for _, err := range b.site.Doubts(c, used) {
			if c.Published {
				b.errs = append(b.errs, jsonc.Value{}.Errorf("%w", err))
			} else {
				doubts = append(doubts, doubt(err.Error()))
			}
		}
	}
	return doubts
}

// doubt is a notice of an error's text, which starts with what it is about.
func doubt(text string) catalog.Notice {
	where, what, _ := strings.Cut(text, ": ")
	return catalog.Notice{Where: where, Text: what}
}

// isAccepted reports whether a key of "accept" names anything.
func (b *builder) isAccepted(key string) bool {
	for _, e := range b.known {
		c := b.catalogs[catalogOf(e.ID)]
		if c == nil {
			c = &catalog.Catalog{Name: catalogOf(e.ID)}
		}
		if means(key, c, e) {
			return true
		}
	}
	return b.isKnownReference(key)
}

// wideRules finds rules that hold a large part of a family, where no catalogue of
// theirs was found to do so before, and it is not accepted.
func (b *builder) wideRules(p *rule.Policy, before []catalog.Notice) (doubts []catalog.Notice, err error) {
	var accepted netset.PrefixSet
	for _, a := range b.site.Accept {
		accepted = accepted.Union(a.Prefixes)
	}
	for i := range p.Rules {
		r := &p.Rules[i]
		v4, v6 := lint.Shares(r.Remote.Prefixes().Subtract(accepted))
		if max(v4, v6) <= lint.WideShare {
			continue
		}
		published, size, name := false, false, catalogOf(r.Entries[0].ID)
		for _, e := range r.Entries {
			c := b.catalogs[catalogOf(e.ID)]
			told := func(d catalog.Notice) bool { return d.Where == c.Name }
			size = size || b.site.accepted(c, b.entries[e.ID]).Size || slices.ContainsFunc(before, told)
			if c.Published {
				published, name = true, c.Name
			}
		}
		text := fmt.Sprintf(`rule %s (%s): its addresses together are %s; select less, or, if it is meant, write in the site file "accept": {%q: [%q]}`, r.ID, r.Entries[0].ID, shareOf(v4, v6), name, acceptSize)
		switch {
		case size:
		case published:
			return nil, fmt.Errorf("%s", text)
		default:
			doubts = append(doubts, doubt(text))
		}
	}
	return doubts, nil
}
