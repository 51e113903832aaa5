package site

import (
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

// resolve resolves an entry, once.
func (b *builder) resolve(e *catalog.Entry) resolution {
	r, known := b.resolved[e.ID]
	if !known {
		before := len(b.errs)
		r.answer = b.answerTo(e)
		r.facts = b.layOver(e, r.answer)
		r.ok = len(b.errs) == before
		b.resolved[e.ID] = r
	}
	return r
}

// layOver lays the answer and the site's values over the entry, and collects what is
// still open.
func (b *builder) layOver(e *catalog.Entry, a Answer) (f facts) {
	a = b.fitting(e, a)
	b.checkAnswer(e, a)
	f = facts{services: e.Services, direction: e.Direction, role: rule.Role(e.Role)}
	if !a.Services.IsEmpty() {
		f.services = a.Services
	}
	if a.Direction != "" {
		f.direction = a.Direction
	}
	if a.Role != "" {
		f.role = a.Role
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
			b.answerFailf(e, "a trusted site is no traffic and has no %s; remove it", fact)
		default:
			b.answerFailf(e, "the publisher states the %s, so it cannot be answered; exclude the entry, and write one of your own in a catalogue", fact)
		}
	}
	if e.Kind == catalog.KindTrustedSite && a.Remote != nil && (a.Remote.Any || !a.Remote.Prefixes.IsEmpty()) {
		b.answerFailf(e, "a trusted site is a name; answer with FQDNs alone")
	}
	if e.Kind == catalog.KindTrustedSite && a.Remote != nil && a.Remote.Role != "" {
		b.answerFailf(e, "a trusted site is a name; answer with FQDNs, not with a role")
	}
	if e.RemoteRole != "" && a.Remote != nil && a.Remote.Any {
		b.answerFailf(e, `"any" is no answer here: the remote is machines of this site's own; bind the role %s to their addresses`, e.RemoteRole)
	}
	if u, ok := unsaid(e, catalog.FactRemote); ok && u.NeverAny && a.Remote != nil && a.Remote.Any {
		b.answerFailf(e, `"any" is no answer here: %s`, u.Ask)
	}
}

// facts are those that the answer says, in the order of entries.
func (a Answer) facts() []catalog.Fact {
	var said []catalog.Fact
	add := func(f catalog.Fact, says bool) {
		if says {
			said = append(said, f)
		}
	}
	add(catalog.FactRemote, a.Remote != nil)
	add(catalog.FactServices, !a.Services.IsEmpty())
	add(catalog.FactDirection, a.Direction != "")
	add(catalog.FactRole, a.Role != "")
	return said
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
			b.answerFailf(e, `"from" names %q, which is no entry and no <catalogue>/<area> in the loaded catalogues; %s`, ref, b.whereFrom(ref))
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
			b.answerFailf(e, `"from" names %q, which has addresses alone, and a trusted site is a name; answer with FQDNs`, ref)
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

// fill adds the endpoints of an entry, its own or one that it refers to, to the
// facts of e. A pending endpoint becomes a name if the site says how, or is open.
func (b *builder) fill(e, from *catalog.Entry, f *facts) {
	if b.used != nil && from.ID != "" && e.Kind == catalog.KindFlow {
		b.used[from.ID] = true
	}
	if from.RemoteRole != "" {
		b.takeRole(e, rule.Role(from.RemoteRole), f)
		return
	}
	if !b.fits(e, from) {
		return
	}
	c := b.catalogs[catalogOf(from.ID)]
	r := Remote{Prefixes: from.Prefixes, own: c != nil && !c.Published}
	for _, n := range from.Names {
		r.Names = append(r.Names, b.narrowed(e, from, n, f)...)
	}
	for _, p := range from.Pending {
		switch missing := b.missing(p); {
		case missing != "":
			f.ask(valueOpen(e, p, missing))
		case p.Path != "" && !b.site.PathsAsHost:
			f.ask(pathOpen(e, p))
		default:
			r.Names = append(r.Names, b.namesOf(p)...)
		}
	}
	if e.Kind == catalog.KindTrustedSite {
		r.Prefixes = netset.PrefixSet{}
	}
	f.add(r)
}

// fits reports whether the names that an entry stands for, once its placeholders are
// filled, and those that are copied from another are within the limit of all endpoints.
func (b *builder) fits(e, from *catalog.Entry) bool {
	if b.used == nil { // a site that was built fits
		return true
	}
	count, section, name := 0, "answers", e.ID
	if from.ID != e.ID {
		count = len(from.Names)
	}
	pending := slices.Clone(from.Pending)
	for _, n := range from.Narrowings {
		pending = append(pending, n.To...)
	}
	for _, p := range pending {
		n := b.combinations(p)
		if count += n; n > 1 {
			section, name = "values", p.Placeholders[len(p.Placeholders)-1].Name
		}
	}
	was := b.filled
	if b.filled += count; count == 0 || b.filled <= catalog.MaxEndpoints {
		return true
	}
	if was <= catalog.MaxEndpoints {
		b.failf(section, name, "%s stands for %d names with these values and references, so that all entries have %d; at most %d fit; give fewer values, or leave entries out", e.ID, count, b.filled, catalog.MaxEndpoints)
	}
	return false
}

// combinations is how many names an endpoint stands for; manyNames for more than those.
func (b *builder) combinations(p catalog.Pending) int {
	n := 1
	for _, one := range p.Placeholders {
		n = min(manyNames, n*len(b.site.Values[one.Name]))
	}
	return n
}

const manyNames = 1e12

// takeRole takes the addresses of a role as the remote, once the site binds it.
func (b *builder) takeRole(e *catalog.Entry, role rule.Role, f *facts) {
	if !b.bound(role) {
		f.unbound = true
		f.ask(bindingOpen(reference(e), role))
	}
	f.add(Remote{Prefixes: b.binding(role).Local(), own: true})
}

// narrowed returns the names that stand in a name's place at this site: the name
// itself, unless it holds a place for a value that the site gives. A trusted site is
// never as wide as the name: it asks for the value.
func (b *builder) narrowed(e, from *catalog.Entry, name netset.Pattern, f *facts) []netset.Pattern {
	i := slices.IndexFunc(from.Narrowings, func(n catalog.Narrowing) bool { return n.Name == name })
	if i < 0 {
		return []netset.Pattern{name}
	}
	var names []netset.Pattern
	for _, p := range from.Narrowings[i].To {
		missing := b.missing(p)
		switch {
		case missing == "":
			names = append(names, b.namesOf(p)...)
		case e.Kind == catalog.KindTrustedSite:
			f.ask(valueOpen(e, p, missing))
		default:
			return []netset.Pattern{name}
		}
	}
	return names
}

// missing returns the first placeholder that the site gives no value for.
func (b *builder) missing(p catalog.Pending) string {
	for _, one := range p.Placeholders {
		if len(b.site.Values[one.Name]) == 0 {
			return one.Name
		}
	}
	return ""
}

// namesOf returns the names that an endpoint stands for: one for each combination
// of its placeholders' values.
func (b *builder) namesOf(p catalog.Pending) []netset.Pattern {
	combinations := []map[string]string{{}}
	last := "" // where the site file says something about the endpoint
	for _, one := range p.Placeholders {
		last = one.Name
		var next []map[string]string
		for _, have := range combinations {
			for _, value := range b.site.Values[one.Name] {
				c := map[string]string{one.Name: value}
				for k, v := range have {
					c[k] = v
				}
				next = append(next, c)
			}
		}
		combinations = next
	}
	var names []netset.Pattern
	for _, values := range combinations {
		name, err := p.Fill(values)
		if err != nil {
			b.failf("values", last, "%s: %w", p.Text, err)
			return nil
		}
		names = append(names, name)
	}
	return names
}
