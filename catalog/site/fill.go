package site

import (
	"slices"

	"gatewright/catalog"
	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// fill adds the endpoints of an entry, its own or one that it refers to, to the
// facts of e. A pending endpoint becomes a name if the site says how, or is open.
func (b *builder) fill(e, from *catalog.Entry, f *facts) {
	if from.ID != "" && e.Kind == catalog.KindFlow {
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
		b.failf(section, name, "%s expands to %d names with these values and references, so all entries together have %d; the limit is %d; give fewer values, or select fewer entries", e.ID, count, b.filled, catalog.MaxEndpoints)
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

// namesOf returns the names that an endpoint stands for with the site's values.
func (b *builder) namesOf(p catalog.Pending) []netset.Pattern {
	names, err := p.Fill(b.site.Values)
	if err != nil {
		b.failf("values", p.Placeholders[len(p.Placeholders)-1].Name, "%s: %w", p.Text, err)
	}
	return names
}
