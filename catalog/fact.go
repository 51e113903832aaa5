package catalog

import (
	"slices"
	"strings"

	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// Facts lists the facts that can be unsaid, in the order in which entries hold them.
func Facts() []Fact { return []Fact{FactRemote, FactServices, FactDirection, FactRole} }

// key is the key of an entry that says the fact.
func (f Fact) key() string {
	if f == FactRemote {
		return "endpoints"
	}
	return string(f)
}

// fact is the field that says a fact; where it stands is kept.
func (r *reader) fact(g *given, f Fact, read func(jsonc.Value)) jsonc.Field {
	return jsonc.Optional(f.key(), func(v jsonc.Value) {
		g.said[f] = v
		read(v)
	})
}

// remoteRole reads the remote that is machines of the site's own.
func (r *reader) remoteRole(v jsonc.Value, e *Entry, g *given) {
	if _, said := g.said[FactRemote]; said {
		r.Errorf(v, `the remote is given twice, here and by "endpoints"; remove one of the two`)
	}
	g.said[FactRemote] = v
	r.Object(v, r.remoteField(e))
}

// unsaid reads what the publisher leaves out.
func (r *reader) unsaid(e *Entry, g given) bool {
	if g.unsaid.Kind() == jsonc.Invalid {
		return true
	}
	read := func(f Fact) func(jsonc.Value) {
		return func(v jsonc.Value) {
			if _, said := g.said[f]; said {
				key := f.key()
				if f == FactRemote && e.RemoteRole != "" {
					key = "remote"
				}
				r.Errorf(v, "%q says what is unsaid here; remove one of the two", key)
			}
			e.Unsaid = append(e.Unsaid, r.question(v, f))
		}
	}
	ok := r.Object(g.unsaid, r.unsaidFields(read)...)
	slices.SortFunc(e.Unsaid, func(a, b Unsaid) int { return slices.Index(Facts(), a.Fact) - slices.Index(Facts(), b.Fact) })
	return ok
}

func (r *reader) question(v jsonc.Value, f Fact) Unsaid {
	u := Unsaid{Fact: f}
	r.Object(v, r.questionFields(&u)...)
	return u
}

// elsewhere reads which part of other entries' endpoints is meant.
func (r *reader) elsewhere(v jsonc.Value) *Elsewhere {
	var e Elsewhere
	var under bool
	r.Object(v, r.elsewhereFields(&e, &under)...)
	if under && len(e.Under) == 0 {
		r.Errorf(v, `no domain; write the domains whose names are meant, or omit "under" if the addresses are meant`)
	}
	return &e
}

// domain reads a name without stars.
func (r *reader) domain(to *string) func(jsonc.Value) {
	return func(v jsonc.Value) {
		s, ok := r.String(v)
		if !ok {
			return
		}
		name, err := netset.ParseName(s)
		if err != nil {
			r.Errorf(v, "%w", err)
		}
		*to = name
	}
}

// inferred reads which facts are our reading: an object of fact and reason. That of the
// document is of the areas of all entries.
func (r *reader) inferred(e *Entry, g given) bool {
	if r.areaRead != "" && e.Area != "" {
		e.Inferred = append(e.Inferred, Inference{string(FactArea), r.areaRead})
	}
	if g.inferred.Kind() == jsonc.Invalid {
		return true
	}
	read := func(f Fact) func(jsonc.Value) {
		return func(v jsonc.Value) {
			i := Inference{Fact: string(f)}
			r.text(&i.Reason, MaxText)(v)
			if _, said := g.said[f]; !said && (f != FactArea || e.Area == "") {
				r.Errorf(v, "the entry gives no %s, so it cannot be marked as inferred; write %q, or remove this", f, f.key())
			}
			e.Inferred = append(e.Inferred, i)
		}
	}
	ok := r.Object(g.inferred, r.inferredFields(read)...)
	slices.SortFunc(e.Inferred, func(a, b Inference) int { return strings.Compare(a.Fact, b.Fact) })
	return ok
}

// agrees refuses an entry whose members contradict each other, or that passes over
// a fact in silence. v is the whole entry.
func (r *reader) agrees(v jsonc.Value, e *Entry, g given) bool {
	ok := true
	fail := func(v jsonc.Value, format string, args ...any) {
		r.Errorf(v, format, args...)
		ok = false
	}
	for _, f := range Facts() {
		place, said := g.said[f]
		unsaid := slices.ContainsFunc(e.Unsaid, func(u Unsaid) bool { return u.Fact == f })
		switch {
		case e.Kind == KindTrustedSite && f != FactRemote && said:
			fail(place, `a trusted site is not traffic and has no %s; remove it, or change the kind to "flow"`, f)
		case e.Kind == KindTrustedSite && f != FactRemote && unsaid:
			fail(g.unsaid, `a trusted site is not traffic and has no %s to leave unsaid; remove it, or change the kind to "flow"`, f)
		case e.Kind == KindTrustedSite && f != FactRemote:
		case !said && !unsaid:
			fail(v, `the %s is missing; write %q, or %q under "unsaid" with the reason`, f, f.key(), f)
		}
	}
	for _, u := range e.Unsaid {
		if e.Kind == KindTrustedSite && u.Elsewhere != nil && len(u.Elsewhere.Under) == 0 {
			fail(g.unsaid, `a trusted site is a name, and "elsewhere" without "under" means addresses; write the domains under which the names lie`)
		}
	}
	if e.Kind == KindTrustedSite && e.RemoteRole != "" {
		fail(g.said[FactRemote], `a trusted site is a name, not a role; write "endpoints", or change the kind to "flow"`)
	}
	if e.Kind == KindTrustedSite && !e.Prefixes.IsEmpty() {
		fail(g.said[FactRemote], `a trusted site is a name, not an address; remove the addresses, or change the kind to "flow"`)
	}
	if typed := typedDirection(strings.ToLower(e.Type)); typed != "" && e.Direction != "" && typed != e.Direction && !isInferred(e, FactDirection) {
		fail(g.said[FactDirection], `direction %q contradicts the type %s; list "direction" under "unsaid", or under "inferred" with the reason`,
			e.Direction, jsonc.Quote(e.Type))
	}
	return ok
}

// typedDirection is the direction that a publisher's classification names; empty
// if it names none or both.
func typedDirection(text string) Direction {
	outbound, inbound := strings.Contains(text, string(Outbound)), strings.Contains(text, string(Inbound))
	switch {
	case outbound && !inbound:
		return Outbound
	case inbound && !outbound:
		return Inbound
	}
	return ""
}

func isInferred(e *Entry, f Fact) bool {
	return slices.ContainsFunc(e.Inferred, func(i Inference) bool { return i.Fact == string(f) })
}
