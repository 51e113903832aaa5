package site

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// facts are what an entry says once answers and values are laid over it.
type facts struct {
	remotes   []Remote // none empty; apart, because each gives its own names and prefixes
	services  netset.ServiceSet
	direction catalog.Direction
	role      rule.Role
	open      []rule.Open
	asked     map[rule.Open]bool
	feed      []feedQuestion // what is open and asked once for the whole feed
	unbound   bool           // the remote is a role that the site does not bind
	withheld  bool           // an open item withholds the whole entry, not an endpoint alone
}

func (f *facts) add(r Remote) {
	if !r.isEmpty() {
		f.remotes = append(f.remotes, r)
	}
}

// ask adds an open item, unless it stands already.
func (f *facts) ask(o rule.Open) {
	if f.asked == nil {
		f.asked = map[rule.Open]bool{}
	}
	if !f.asked[o] {
		f.asked[o] = true
		f.open = append(f.open, o)
	}
}

// names returns the names of all remotes.
func (f *facts) names() netset.NameSet {
	var all []netset.Pattern
	for _, r := range f.remotes {
		all = append(all, r.Names...)
	}
	return netset.NameSetOf(all...)
}

// resolution is what an entry says once the site's answers are laid over it.
type resolution struct {
	answer Answer
	facts  facts
	ok     bool // the answer and the values can be
}

func (b *builder) resolve(e *catalog.Entry) (r resolution) {
	before := len(b.errs)
	r.answer = b.answerTo(e)
	r.facts = b.layOver(e, r.answer)
	r.ok = len(b.errs) == before
	return r
}

// resolution is that of any entry, of a site that was built. One that the site does
// not use is resolved as if it were the next, and leaves no trace.
func (b *builder) resolution(e *catalog.Entry) resolution {
	if r, known := b.resolved[e.ID]; known {
		return r
	}
	apart := *b
	apart.used = map[string]bool{}
	return apart.resolve(e)
}

// layOver lays the answer and the site's values over the entry, and collects what is
// still open.
func (b *builder) layOver(e *catalog.Entry, a Answer) (f facts) {
	a = b.fitting(e, a)
	b.checkAnswer(e, a)
	f = facts{services: a.Services, direction: cmp.Or(a.Direction, e.Direction), role: cmp.Or(a.Role, rule.Role(e.Role))}
	if f.services.IsEmpty() {
		f.services = e.Services
	}
	switch {
	case a.Remote == nil:
		b.fill(e, e, &f)
		b.takeElsewhere(e, &f)
	case a.Remote.Role != "":
		b.takeRole(e, a.Remote.Role, &f)
	case len(a.Remote.From) == 0:
		f.add(*a.Remote)
	default:
		b.refer(e, a.Remote.From, &f)
	}
	b.findOpen(e, &f)
	for i := range f.open {
		f.open[i].Links = strings.Join(e.Links, " ")
	}
	return f
}

// checkAnswer refuses an answer to what the publisher states, and one that cannot
// be meant.
func (b *builder) checkAnswer(e *catalog.Entry, a Answer) {
	for _, fact := range a.facts() {
		switch {
		case isUnsaid(e, fact) || isInferred(e, fact):
		case e.Kind == catalog.KindTrustedSite && fact != catalog.FactRemote:
			b.answerFailf(e, "a trusted site is not traffic and has no %s; remove it", fact)
		default:
			b.answerFailf(e, "the publisher states the %s, so it cannot be answered; exclude the entry, and write one of your own in a catalogue", fact)
		}
	}
	if e.Kind == catalog.KindTrustedSite && a.Remote != nil && (a.Remote.Any || !a.Remote.Prefixes.IsEmpty()) {
		b.answerFailf(e, "a trusted site is a name; answer only with FQDNs")
	}
	if e.Kind == catalog.KindTrustedSite && a.Remote != nil && a.Remote.Role != "" {
		b.answerFailf(e, "a trusted site is a name; answer with FQDNs, not with a role")
	}
	if e.RemoteRole != "" && a.Remote != nil && a.Remote.Any {
		b.answerFailf(e, `"any" is not allowed here: the remote is machines of this site; bind the role %s to their addresses`, e.RemoteRole)
	}
	if u, ok := unsaid(e, catalog.FactRemote); ok && u.NeverAny && a.Remote != nil && a.Remote.Any {
		b.answerFailf(e, `"any" is not allowed here: %s`, u.Ask)
	}
}

// facts are those that the answer says, in the order of entries.
func (a Answer) facts() []catalog.Fact {
	return slices.DeleteFunc(catalog.Facts(), func(f catalog.Fact) bool { return !a.has(f) })
}

// has reports whether the answer says the fact.
func (a Answer) has(f catalog.Fact) bool {
	switch f {
	case catalog.FactRemote:
		return a.Remote != nil
	case catalog.FactServices:
		return !a.Services.IsEmpty()
	case catalog.FactDirection:
		return a.Direction != ""
	}
	return f == catalog.FactRole && a.Role != ""
}

// take makes the answer say of the fact what another says, or leaves unsaid.
func (a *Answer) take(f catalog.Fact, from Answer) {
	switch f {
	case catalog.FactRemote:
		a.Remote = from.Remote
	case catalog.FactServices:
		a.Services = from.Services
	case catalog.FactDirection:
		a.Direction = from.Direction
	case catalog.FactRole:
		a.Role = from.Role
	}
}

// answerFailf notes an error at the answer to the entry.
func (b *builder) answerFailf(e *catalog.Entry, format string, args ...any) {
	b.failf("answers", e.ID, "%s: "+format, append([]any{e.ID}, args...)...)
}

func unsaid(e *catalog.Entry, f catalog.Fact) (catalog.Unsaid, bool) {
	for _, u := range e.Unsaid {
		if u.Fact == f {
			return u, true
		}
	}
	return catalog.Unsaid{}, false
}

func isUnsaid(e *catalog.Entry, f catalog.Fact) bool { _, ok := unsaid(e, f); return ok }

func isInferred(e *catalog.Entry, f catalog.Fact) bool {
	return slices.ContainsFunc(e.Inferred, func(i catalog.Inference) bool { return i.Fact == string(f) })
}

// refer takes the remotes of other entries. Each stays apart: that one entry gives
// names and another prefixes does not make them the same endpoints.
func (b *builder) refer(e *catalog.Entry, from []string, f *facts) {
	for _, ref := range from {
		others := b.referred(ref)
		if len(others) == 0 && b.isKnownReference(ref) {
			continue // the other side of a comparison has it; here it is open
		}
		if len(others) == 0 {
			b.answerFailf(e, `"from" names %q, which is neither an entry nor a <catalogue>/<area> of the loaded catalogues; %s`, ref, b.whereFrom(ref))
			continue
		}
		published := false
		for _, other := range others {
			published = published || other.RemoteRole != "" || len(other.Names)+len(other.Pending) > 0 || !other.Prefixes.IsEmpty()
			b.fill(e, other, f)
		}
		if !published {
			b.answerFailf(e, `"from" names %q, for which no endpoints are published either; list the endpoints that are meant`, ref)
		} else if e.Kind == catalog.KindTrustedSite && len(f.remotes) == 0 && len(f.open) == 0 {
			b.answerFailf(e, `"from" names %q, which has only addresses, but a trusted site is a name; answer with FQDNs`, ref)
		}
	}
}

// whereFrom says how to mend a reference that finds nothing.
func (b *builder) whereFrom(ref string) string {
	name, _, _ := strings.Cut(ref, "/")
	if b.some(func(e *catalog.Entry) bool { return isOf(e, b.catalogs, name) }) {
		return near(ref, b.references(), showIDs)
	}
	return fmt.Sprintf(`add a catalogue %q to "catalogs", or list the endpoints that are meant`, name)
}

// references are what "from" may name: areas, as "<catalogue>/<area>", then entries.
func (b *builder) references() []string {
	areas := map[string]bool{}
	for id, e := range b.entries {
		if e.Area != "" {
			areas[catalogOf(id)+"/"+e.Area] = true
		}
	}
	return slices.Concat(slices.Sorted(maps.Keys(areas)), slices.Sorted(maps.Keys(b.entries)))
}

// isOf reports whether the entry is of the catalogue, or of an instance of the feed,
// of that name: "m365-worldwide" is found as "m365", too.
func isOf(e *catalog.Entry, catalogs map[string]*catalog.Catalog, name string) bool {
	c := catalogs[catalogOf(e.ID)]
	return c != nil && (strings.EqualFold(c.Name, name) || strings.EqualFold(c.Feed, name) && name != "")
}

// referred returns the entries that "from" means.
func (b *builder) referred(from string) []*catalog.Entry {
	return b.referredIn(b.entries, b.catalogs, from)
}

// referredIn returns those of some entries, and their catalogues, that "from" means:
// one by its id, or the flow entries of a catalogue's area in the selected instances,
// in any letter case.
func (b *builder) referredIn(entries map[string]*catalog.Entry, catalogs map[string]*catalog.Catalog, from string) []*catalog.Entry {
	if e := entries[from]; e != nil {
		return []*catalog.Entry{e}
	}
	name, rest, _ := strings.Cut(from, "/")
	if rest == "" {
		return nil
	}
	instances := Selection{Instances: b.site.Select.Instances}
	var found []*catalog.Entry
	for id, e := range entries {
		meant := strings.EqualFold(e.Area, rest) && e.Kind == catalog.KindFlow || strings.EqualFold(slugOf(id), rest)
		if meant && isOf(e, catalogs, name) && instances.wanted(e) == "" {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(x, y *catalog.Entry) int { return strings.Compare(x.ID, y.ID) })
	return found
}

// takeElsewhere takes the remote from where the publisher says that it stands, if a
// catalogue has it.
func (b *builder) takeElsewhere(e *catalog.Entry, f *facts) {
	u, _ := unsaid(e, catalog.FactRemote)
	if u.Elsewhere == nil {
		return
	}
	for _, ref := range u.Elsewhere.From {
		for _, other := range b.referred(ref) {
			part := catalog.Entry{ID: other.ID, Prefixes: other.Prefixes}
			if under := u.Elsewhere.Under; len(under) > 0 {
				part = catalog.Entry{Narrowings: other.Narrowings}
				part.Names = slices.DeleteFunc(slices.Clone(other.Names), func(n netset.Pattern) bool { return !isUnder(n.String(), under) })
				part.Pending = slices.DeleteFunc(slices.Clone(other.Pending), func(p catalog.Pending) bool { return !isUnder(p.Host, under) })
			}
			b.fill(e, &part, f)
		}
	}
}

// isUnder reports whether a name is one of the domains, or lies under one.
func isUnder(name string, domains []string) bool {
	return slices.ContainsFunc(domains, func(d string) bool { return name == d || strings.HasSuffix(name, "."+d) })
}
