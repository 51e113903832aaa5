package site

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// State says what became of an entry. An entry with an open endpoint may be in a
// rule too.
type State string

const (
	InRule      State = "rule"
	InZone      State = "trusted site"
	IsOpen      State = "open"
	IsDismissed State = "dismissed"
	NotSelected State = "not selected"
)

// Outcome is one entry of the loaded catalogues and what became of it.
type Outcome struct {
	Entry catalog.Entry
	State State
	Why   string      // for NotSelected and IsDismissed
	Rules []rule.ID   // the rules that the entry is in
	Open  []rule.Open // what is still open about it

	Answer   Answer         // what the site says of it
	Answered []catalog.Fact // what that is of, whether unsaid or inferred
}

// Result is a compiled site.
type Result struct {
	Input    rule.Input // what the policy was compiled from
	Policy   *rule.Policy
	Outcomes []Outcome // every entry of every catalogue, sorted by id
	Notices  []catalog.Notice
	Doubts   []catalog.Notice   // addresses of the site's own catalogues that can hardly be meant
	Catalogs []*catalog.Catalog // what the site was applied to

	Expectations []rule.Expectation // the site's, in its order

	built *builder // knows what each entry says once the site's answers are laid over it
}

// Build applies the site to the catalogues. Nothing is guessed: what is neither
// published nor answered becomes an open item. It refuses to name what none of the
// catalogues has, because that is a mistake of spelling; the error is at its place
// in the site file, as jsonc.Error.
func Build(s *Site, catalogs []*catalog.Catalog) (*Result, error) {
	return buildBeside(s, catalogs, nil)
}

// BuildPair applies one site to two states of its catalogues, to compare them. What the
// site names must exist in at least one of the two.
func BuildPair(s *Site, old, new []*catalog.Catalog) (before, after *Result, err error) {
	if slices.Equal(old, new) {
		before, err = Build(s, old)
		return before, before, err
	}
	if before, err = buildBeside(s, old, new); err != nil {
		return nil, nil, err
	}
	after, err = buildBeside(s, new, old)
	return before, after, err
}

// buildBeside is Build, in which the site may also name what others have.
func buildBeside(s *Site, catalogs, others []*catalog.Catalog) (*Result, error) {
	b := &builder{site: s, routes: s.Routes, entries: map[string]*catalog.Entry{}, catalogs: map[string]*catalog.Catalog{}, waiting: map[string][]feedQuestion{}, used: map[string]bool{}, resolved: map[string]resolution{}}
	if b.routes == nil {
		b.routes, b.input.DefaultRoutes = defaultRoutes(), true
	}
	for _, r := range b.routes {
		b.input.Routes = append(b.input.Routes, r.Via)
	}
	if err := b.index(catalogs); err != nil {
		return nil, err
	}
	b.know(others)
	b.bind()
	b.checkNames()
	result := &Result{Catalogs: catalogs, Outcomes: make([]Outcome, 0, len(b.entries)), Expectations: b.expectations(), built: b}
	for _, id := range slices.Sorted(maps.Keys(b.entries)) {
		result.Outcomes = append(result.Outcomes, b.entry(b.entries[id]))
	}
	b.askFeeds(result.Outcomes)
	result.Doubts = b.checkAddresses()
	if len(b.errs) > 0 {
		return nil, b.inOrder()
	}
	result.Notices = slices.Concat(s.Notices, b.notices)
	for _, c := range catalogs {
		b.input.Sources = append(b.input.Sources, source(c, result.Outcomes))
		result.Notices = append(result.Notices, c.Notices...)
		if n, ok := s.Select.passesOver(c); ok {
			result.Notices = append(result.Notices, n)
		}
	}
	result.Input = b.input
	var err error
	if result.Policy, err = rule.Compile(b.input); err != nil {
		return nil, err
	}
	wide, err := b.wideRules(result.Policy, result.Doubts)
	if err != nil {
		return nil, err
	}
	result.Doubts = append(result.Doubts, wide...)
	result.Notices = append(result.Notices, result.Doubts...)
	result.noteRules()
	return result, nil
}

type builder struct {
	site     *Site
	routes   []Route
	entries  map[string]*catalog.Entry   // by id
	known    map[string]*catalog.Entry   // those that the site may name
	beside   map[string]*catalog.Entry   // those of the other side of a comparison, by id
	catalogs map[string]*catalog.Catalog // by name
	others   map[string]*catalog.Catalog // those of the other side
	waiting  map[string][]feedQuestion   // by the id of an entry that waits for answers to its feed
	locals   netset.PrefixSet            // the addresses of every role
	used     map[string]bool             // ids of the entries whose endpoints the site uses
	resolved map[string]resolution       // by the id of an entry that is selected
	filled   int                         // names that stand for placeholders, or are copied from another entry
	input    rule.Input
	notices  []catalog.Notice
	errs     []*jsonc.Error
}

// failf notes an error about a name in a section of the site.
func (b *builder) failf(section, name, format string, args ...any) {
	b.errs = append(b.errs, b.site.errorf(section, name, format, args...))
}

// inOrder returns the errors in the order of the site file, each once.
func (b *builder) inOrder() error {
	slices.SortFunc(b.errs, func(x, y *jsonc.Error) int {
		return cmp.Or(cmp.Compare(x.Line, y.Line), cmp.Compare(x.Col, y.Col), cmp.Compare(x.Error(), y.Error()))
	})
	b.errs = slices.CompactFunc(b.errs, func(x, y *jsonc.Error) bool { return x.Error() == y.Error() })
	return jsonc.Errors(b.errs)
}

func (b *builder) index(catalogs []*catalog.Catalog) error {
	for _, c := range catalogs {
		if other, ok := b.catalogs[c.Name]; ok {
			return fmt.Errorf("catalogue %s is loaded twice, in revisions %s and %s; name only one of them", c.Name, other.Revision, c.Revision)
		}
		b.catalogs[c.Name] = c
		for i := range c.Entries {
			b.entries[c.Entries[i].ID] = &c.Entries[i]
		}
	}
	return nil
}

// know lets the site name the entries of others, too.
func (b *builder) know(others []*catalog.Catalog) {
	b.beside, b.others = map[string]*catalog.Entry{}, map[string]*catalog.Catalog{}
	for _, c := range others {
		b.others[c.Name] = c
		for i := range c.Entries {
			b.beside[c.Entries[i].ID] = &c.Entries[i]
		}
	}
	b.known = maps.Clone(b.beside)
	maps.Copy(b.known, b.entries)
}

// fitting leaves out of an answer what the publisher leaves unsaid on the other side
// of a comparison alone.
func (b *builder) fitting(e *catalog.Entry, a Answer) Answer {
	other := b.beside[e.ID]
	if other == nil {
		return a
	}
	states := func(e *catalog.Entry, f catalog.Fact) bool { return !isUnsaid(e, f) && !isInferred(e, f) }
	for _, f := range a.facts() {
		if states(e, f) && !states(other, f) {
			a.take(f, Answer{})
		}
	}
	return a
}

// isKnownReference reports whether the other side of a comparison has the entry or
// area that "from" names.
func (b *builder) isKnownReference(ref string) bool {
	return len(b.referredIn(b.beside, b.others, ref)) > 0
}

// isKnownCatalog reports whether entries of a catalogue may be named.
func (b *builder) isKnownCatalog(name string) bool {
	return b.some(func(e *catalog.Entry) bool { return catalogOf(e.ID) == name })
}

func (b *builder) bind() {
	bindings := maps.Clone(b.site.Bindings)
	if _, ok := bindings[rule.Clients]; !ok {
		if bindings == nil {
			bindings = map[rule.Role]rule.Binding{}
		}
		bindings[rule.Clients] = rule.Binding{Role: rule.Clients, Addresses: DefaultClients()}
	}
	var locals netset.PrefixBuilder
	for _, role := range slices.Sorted(maps.Keys(bindings)) {
		b.input.Bindings = append(b.input.Bindings, bindings[role])
		locals.AddSet(bindings[role].Local())
	}
	b.locals = locals.Build()
}

func (b *builder) bound(r rule.Role) bool {
	_, bound := b.findBinding(r)
	return bound
}

// binding is empty if the role is not bound.
func (b *builder) binding(r rule.Role) rule.Binding {
	i, bound := b.findBinding(r)
	if !bound {
		return rule.Binding{Role: r}
	}
	return b.input.Bindings[i]
}

func (b *builder) findBinding(r rule.Role) (int, bool) {
	return slices.BinarySearchFunc(b.input.Bindings, r, func(have rule.Binding, r rule.Role) int { return cmp.Compare(have.Role, r) })
}

// entry decides what becomes of one entry.
func (b *builder) entry(e *catalog.Entry) Outcome {
	o := Outcome{Entry: *e, State: NotSelected}
	if o.Why = b.site.Select.wanted(e); o.Why != "" {
		b.leftOut(o)
		return o
	}
	if dismissed := b.site.Answers[e.ID].Dismissed; dismissed != "" {
		o.State, o.Why = IsDismissed, dismissed
		return o
	}
	r := b.resolve(e)
	b.resolved[e.ID] = r
	if !r.ok {
		return o
	}
	f := r.facts
	o.Answer, o.Answered = r.answer, r.answer.facts()
	if len(f.feed) > 0 {
		b.waiting[e.ID] = f.feed
	}
	directions := b.directions(f.direction)
	if e.Kind == catalog.KindFlow && f.direction != "" && len(directions) == 0 {
		o.Why = "direction " + string(f.direction)
		b.leftOut(o)
		return o
	}
	o.Open = f.open
	b.input.Open = append(b.input.Open, f.open...)
	switch {
	case f.withheld:
		o.State = IsOpen
	case e.Kind == catalog.KindTrustedSite:
		o.State = InZone
		of := reference(e)
		if isInferred(e, catalog.FactRemote) && r.answer.Remote == nil {
			of.Title += " (~ our reading)"
		}
		b.input.TrustedSites = append(b.input.TrustedSites, rule.TrustedSite{Entry: of, Names: f.names()})
	default:
		o.State = InRule
		b.grant(e, f, directions)
	}
	return o
}

// leftOut tells of an entry that the site names and yet does not select.
func (b *builder) leftOut(o Outcome) {
	if named(b.site.Select.Entries, &o.Entry) {
		b.notices = append(b.notices, catalog.Notice{Where: o.Entry.ID, Text: "named by a flag or the site file, but not selected: " + o.Why})
	}
}

// directions returns the selected directions of an entry's flows.
func (b *builder) directions(d catalog.Direction) []rule.Direction {
	var selected []rule.Direction
	for _, one := range []rule.Direction{rule.Outbound, rule.Inbound} {
		if (d == catalog.Bidirectional || string(d) == string(one)) && b.site.Select.wantsDirection(string(one)) {
			selected = append(selected, one)
		}
	}
	return selected
}

func (b *builder) grant(e *catalog.Entry, f facts, directions []rule.Direction) {
	for _, d := range directions {
		for _, r := range f.remotes {
			g := rule.Grant{
				Entry: reference(e), Group: b.group(e), Direction: d, Role: f.role,
				Any: r.Any, Names: r.Names, Prefixes: r.Prefixes,
				Services: f.services, Route: b.route(e),
			}
			b.input.Grants = append(b.input.Grants, b.bySide(g, r.own)...)
		}
	}
}

// bySide parts a grant whose prefixes the site itself wrote into what stands on the
// site, because a role has the addresses, and what is outside.
func (b *builder) bySide(g rule.Grant, own bool) []rule.Grant {
	inside := g.Prefixes.Intersect(b.locals)
	if !own || inside.IsEmpty() {
		return []rule.Grant{g}
	}
	on, outside := g, g
	on.OnSite, on.Prefixes = true, inside
	if outside.Prefixes = g.Prefixes.Subtract(inside); outside.Prefixes.IsEmpty() {
		return []rule.Grant{on}
	}
	return []rule.Grant{on, outside}
}

func (b *builder) group(e *catalog.Entry) string {
	switch b.site.Group {
	case ByEntry:
		return e.ID
	case ByNone:
		return ""
	}
	return e.Area
}

func (b *builder) route(e *catalog.Entry) int {
	i := slices.IndexFunc(b.routes, func(r Route) bool { return r.matches(e) })
	if i < 0 {
		return rule.NoRoute
	}
	return i
}

func reference(e *catalog.Entry) rule.Entry {
	return rule.Entry{ID: e.ID, Row: e.Row, Title: e.Title, Area: e.Area, Condition: e.Condition}
}

// source digests the selected entries of a catalogue in canonical form, so that
// the digest changes when the meaning of what was selected does.
func source(c *catalog.Catalog, outcomes []Outcome) rule.Source {
	h := sha256.New()
	var text []byte
	for i := range outcomes {
		o := &outcomes[i]
		if o.State != NotSelected && strings.HasPrefix(o.Entry.ID, c.Name+"/") {
			text = o.Entry.AppendCanonical(text[:0])
			h.Write(text)
		}
	}
	s := rule.Source{Name: c.Name, Version: c.Revision, Digest: fmt.Sprintf("sha256:%x", h.Sum(nil))}
	if c.Snapshot != "" {
		s.Feed = c.Feed
	}
	return s
}

// noteRules notes for each outcome the rules that the entry is in.
func (r *Result) noteRules() {
	rules := map[string][]rule.ID{}
	for _, one := range r.Policy.Rules {
		for _, e := range one.Entries {
			rules[e.ID] = append(rules[e.ID], one.ID)
		}
	}
	for i := range r.Outcomes {
		r.Outcomes[i].Rules = rules[r.Outcomes[i].Entry.ID]
	}
}
