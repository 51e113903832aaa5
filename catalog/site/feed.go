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
// name, says it for all of them, and one open item asks for it. It also overrules a
// direction that is our reading of a feed's words.

// answerTo is the site's answer to the entry. What the entry leaves unsaid and its own
// answer passes over, the answer to its catalogue says.
func (b *builder) answerTo(e *catalog.Entry) Answer {
	a := b.site.Answers[e.ID]
	whole := b.site.Answers[catalogOf(e.ID)]
	for _, f := range whole.facts() {
		if !a.has(f) && leavesToFeed(e, f) {
			a.take(f, whole)
		}
	}
	return a
}

// leavesToFeed reports whether an answer to the whole feed says the fact of an entry.
func leavesToFeed(e *catalog.Entry, f catalog.Fact) bool {
	return f != catalog.FactRemote && (isUnsaid(e, f) || e.Tag != "" && isInferred(e, f))
}

// checkCatalogAnswer refuses an answer to a catalogue that can be meant for single
// entries alone, or that none of its entries asks for.
func (b *builder) checkCatalogAnswer(c *catalog.Catalog, a Answer) {
	if a.Dismissed != "" {
		b.failf("answers", c.Name, `%s is a whole catalogue and cannot be dismissed; remove it from "catalogs", or select the entries that you want`, c.Name)
	}
	for _, f := range a.facts() {
		leaves := func(e catalog.Entry) bool { return leavesToFeed(&e, f) }
		switch {
		case f == catalog.FactRemote:
			b.failf("answers", c.Name, `%s is a whole catalogue, whose entries have their own remotes; answer "remote" under the id of an entry`, c.Name)
		case !slices.ContainsFunc(c.Entries, leaves):
			b.failf("answers", c.Name, "no entry of the catalogue %s needs an answer for the %s; remove this answer", c.Name, f)
		}
	}
}

// feedQuestion is asked once for a whole feed: a fact, or the addresses of a role.
type feedQuestion struct {
	unsaid catalog.Unsaid
	role   rule.Role // whose addresses are asked for; empty for the fact
}

// askOfFeed asks for a fact of the entry, or for the addresses of its role, where that
// is a matter of the whole feed.
func (f *facts) askOfFeed(e *catalog.Entry, fact catalog.Fact, unbound rule.Role) bool {
	u, ok := unsaid(e, fact)
	if ok && u.WholeFeed {
		f.feed = append(f.feed, feedQuestion{u, unbound})
		return true
	}
	return false
}

// key tells questions apart, and orders them.
func (q feedQuestion) key() string { return string(q.unsaid.Fact) + " " + string(q.role) }

// open is the item for a question; members are what an answer to the feed says.
func (q feedQuestion) open(about rule.Entry, feed string, members []string) rule.Open {
	if q.role != "" {
		return bindingOpen(about, q.role)
	}
	return unsaidOpen(about, q.unsaid, answerLine(feed, members))
}

// feedMembers are the members of the answer to all questions.
func feedMembers(asked map[string]feedQuestion) []string {
	var members []string
	for _, fact := range catalog.Facts() {
		if _, ok := asked[feedQuestion{unsaid: catalog.Unsaid{Fact: fact}}.key()]; ok {
			members = append(members, answerMember(fact))
		}
	}
	return members
}

// feedOpens are the items that one entry waits for.
func feedOpens(e *catalog.Entry, questions []feedQuestion) []rule.Open {
	asked := map[string]feedQuestion{}
	for _, q := range questions {
		asked[q.key()] = q
	}
	var items []rule.Open
	for _, q := range questions {
		items = append(items, q.open(reference(e), catalogOf(e.ID), feedMembers(asked)))
	}
	return items
}

// askFeeds makes an open item of each question to a feed, whatever number of entries
// waits for it, and tells the outcomes of these.
func (b *builder) askFeeds(outcomes []Outcome) {
	asked := map[string]map[string]feedQuestion{} // by the feed's name and the key
	count := map[string]int{}
	for id, questions := range b.waiting {
		feed := catalogOf(id)
		if count[feed]++; asked[feed] == nil {
			asked[feed] = map[string]feedQuestion{}
		}
		for _, q := range questions {
			asked[feed][q.key()] = q
		}
	}
	items := map[string]rule.Open{} // by feed and key
	for _, feed := range slices.Sorted(maps.Keys(asked)) {
		c := b.catalogs[feed]
		about := rule.Entry{ID: feed, Title: fmt.Sprintf("%s: %d of %d entries", c.Title, count[feed], len(c.Entries))}
		members := feedMembers(asked[feed])
		for _, key := range slices.Sorted(maps.Keys(asked[feed])) {
			item := asked[feed][key].open(about, feed, members)
			items[feed+" "+key] = item
			b.input.Open = append(b.input.Open, item)
		}
	}
	for i := range outcomes {
		o := &outcomes[i]
		for _, q := range b.waiting[o.Entry.ID] {
			o.Open = append(o.Open, items[catalogOf(o.Entry.ID)+" "+q.key()])
		}
	}
}
