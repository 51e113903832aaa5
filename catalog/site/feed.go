package site

import (
	"fmt"
	"maps"
	"slices"

	"gatewright/catalog"
	"gatewright/catalog/rule"
)

// Feeds of addresses have thousands of entries, none of which says a port, a
// direction or who on our side takes part. One answer, keyed by the catalogue's
// name, says it for all of them, and one open item asks for it.

// answerTo is the site's answer to the entry. What the entry leaves unsaid and its own
// answer passes over, the answer to its catalogue says.
func (b *builder) answerTo(e *catalog.Entry) Answer {
	a := b.site.Answers[e.ID]
	whole, ok := b.site.Answers[catalogOf(e.ID)]
	if !ok || a.Dismissed != "" {
		return a
	}
	if a.Services.IsEmpty() && isUnsaid(e, catalog.FactServices) {
		a.Services = whole.Services
	}
	if a.Direction == "" && isUnsaid(e, catalog.FactDirection) {
		a.Direction = whole.Direction
	}
	if a.Role == "" && isUnsaid(e, catalog.FactRole) {
		a.Role = whole.Role
	}
	return a
}

// checkCatalogAnswer refuses an answer to a catalogue that can be meant for single
// entries alone, or that none of its entries asks for.
func (b *builder) checkCatalogAnswer(c *catalog.Catalog, a Answer) {
	if a.Dismissed != "" {
		b.failf("answers", c.Name, `%s is a whole catalogue, which is not dismissed; take it out of "catalogs", or select what is wanted of it`, c.Name)
	}
	if a.Remote != nil {
		b.failf("answers", c.Name, `%s is a whole catalogue, whose entries have remotes of their own; answer "remote" under an entry's id`, c.Name)
	}
	for _, one := range []struct {
		fact     catalog.Fact
		answered bool
	}{
		{catalog.FactServices, !a.Services.IsEmpty()},
		{catalog.FactDirection, a.Direction != ""},
		{catalog.FactRole, a.Role != ""},
	} {
		leaves := func(e catalog.Entry) bool { return isUnsaid(&e, one.fact) }
		if one.answered && !slices.ContainsFunc(c.Entries, leaves) {
			b.failf("answers", c.Name, "no entry of the catalogue %s leaves the %s unsaid; remove it", c.Name, one.fact)
		}
	}
}

// feedQuestions are what is asked once for a catalogue.
type feedQuestions struct {
	unsaid  map[catalog.Fact]catalog.Unsaid
	unbound map[rule.Role]bool
	waiting map[string][]feedQuestion // by entry
}

// feedQuestion is a fact, or the binding of a role.
type feedQuestion struct {
	fact catalog.Fact
	role rule.Role // empty for a fact
}

// askOfFeed asks for a fact of the entry, or for the binding of its role, once for its
// catalogue. It reports false if the fact is the entry's own matter.
func (b *builder) askOfFeed(e *catalog.Entry, fact catalog.Fact, unbound rule.Role) bool {
	u, ok := unsaid(e, fact)
	if !ok || !u.WholeFeed {
		return false
	}
	name := catalogOf(e.ID)
	q := b.feeds[name]
	if q == nil {
		q = &feedQuestions{map[catalog.Fact]catalog.Unsaid{}, map[rule.Role]bool{}, map[string][]feedQuestion{}}
		b.feeds[name] = q
	}
	if unbound != "" {
		q.unbound[unbound] = true
	} else {
		q.unsaid[fact] = u
	}
	q.waiting[e.ID] = append(q.waiting[e.ID], feedQuestion{fact, unbound})
	return true
}

// askFeeds turns what was asked of feeds into open items, and tells the outcomes of
// the entries that wait for them.
func (b *builder) askFeeds(outcomes []Outcome) {
	items := map[string]map[feedQuestion]rule.Open{}
	for _, name := range slices.Sorted(maps.Keys(b.feeds)) {
		items[name] = b.feedItems(name, b.feeds[name])
		b.input.Open = slices.AppendSeq(b.input.Open, maps.Values(items[name]))
	}
	for i := range outcomes {
		o := &outcomes[i]
		name := catalogOf(o.Entry.ID)
		if q := b.feeds[name]; q != nil {
			for _, question := range q.waiting[o.Entry.ID] {
				o.Open = append(o.Open, items[name][question])
			}
		}
	}
}

func (b *builder) feedItems(name string, q *feedQuestions) map[feedQuestion]rule.Open {
	c := b.catalogs[name]
	about := rule.Entry{ID: name, Title: fmt.Sprintf("%s: %d of %d entries", c.Title, len(q.waiting), len(c.Entries))}
	var members []string
	for _, fact := range []catalog.Fact{catalog.FactServices, catalog.FactDirection, catalog.FactRole} {
		if _, ok := q.unsaid[fact]; ok {
			members = append(members, answerMember(fact))
		}
	}
	items := map[feedQuestion]rule.Open{}
	for fact, u := range q.unsaid {
		items[feedQuestion{fact: fact}] = unsaidOpen(about, u, answerLine(name, members))
	}
	for role := range q.unbound {
		items[feedQuestion{catalog.FactRole, role}] = bindingOpen(about, role)
	}
	return items
}
