package site

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gatewright/catalog"
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
}

// Result is a compiled site.
type Result struct {
	Policy   *rule.Policy
	Outcomes []Outcome // every entry of every catalogue, sorted by id
	Notices  []catalog.Notice
}

// Build applies the site to the catalogues. Nothing is guessed: what is neither
// published nor answered becomes an open item. It refuses answers, exclusions and
// values that concern nothing, because they are mistakes of spelling.
func Build(s *Site, catalogs []*catalog.Catalog) (*Result, error) {
	b := &builder{site: s, routes: s.Routes, entries: map[string]*catalog.Entry{}}
	if b.routes == nil {
		b.routes = defaultRoutes()
	}
	for _, r := range b.routes {
		b.input.Routes = append(b.input.Routes, r.Via)
	}
	if err := b.index(catalogs); err != nil {
		return nil, err
	}
	b.bind()
	if err := b.checkNames(); err != nil {
		return nil, err
	}
	result := &Result{}
	for _, id := range slices.Sorted(maps.Keys(b.entries)) {
		o, err := b.entry(b.entries[id])
		if err != nil {
			return nil, err
		}
		result.Outcomes = append(result.Outcomes, o)
	}
	for _, c := range catalogs {
		b.input.Sources = append(b.input.Sources, source(c, result.Outcomes))
		result.Notices = append(result.Notices, c.Notices...)
	}
	var err error
	if result.Policy, err = rule.Compile(b.input); err != nil {
		return nil, err
	}
	result.place()
	return result, nil
}

type builder struct {
	site    *Site
	routes  []Route
	entries map[string]*catalog.Entry // by id
	input   rule.Input
}

func (b *builder) index(catalogs []*catalog.Catalog) error {
	names := map[string]string{}
	for _, c := range catalogs {
		if revision, ok := names[c.Name]; ok {
			return fmt.Errorf("catalogue %s is loaded twice, as %s and %s; name one of them", c.Name, revision, c.Revision)
		}
		names[c.Name] = c.Revision
		for i := range c.Entries {
			b.entries[c.Entries[i].ID] = &c.Entries[i]
		}
	}
	return nil
}

func (b *builder) bind() {
	bindings := maps.Clone(b.site.Bindings)
	if _, ok := bindings[rule.Clients]; !ok {
		if bindings == nil {
			bindings = map[rule.Role]rule.Binding{}
		}
		bindings[rule.Clients] = rule.Binding{Role: rule.Clients, Addresses: DefaultClients()}
	}
	for _, binding := range bindings {
		b.input.Bindings = append(b.input.Bindings, binding)
	}
}

func (b *builder) bound(r rule.Role) bool {
	return slices.ContainsFunc(b.input.Bindings, func(have rule.Binding) bool { return have.Role == r })
}

// entry decides what becomes of one entry.
func (b *builder) entry(e *catalog.Entry) (Outcome, error) {
	o := Outcome{Entry: *e, State: NotSelected}
	if o.Why = b.site.Select.wanted(e); o.Why != "" {
		return o, nil
	}
	answer := b.site.Answers[e.ID]
	if answer.Dismissed != "" {
		o.State, o.Why = IsDismissed, answer.Dismissed
		return o, nil
	}
	f, err := b.resolve(e, answer)
	if err != nil {
		return o, err
	}
	directions := b.directions(f.direction)
	if e.Kind == catalog.KindFlow && f.direction != "" && len(directions) == 0 {
		o.Why = "direction " + string(f.direction)
		return o, nil
	}
	o.Open = f.open
	b.input.Open = append(b.input.Open, f.open...)
	switch {
	case f.withheld:
		o.State = IsOpen
	case e.Kind == catalog.KindTrustedSite:
		o.State = InZone
		b.input.TrustedSites = append(b.input.TrustedSites, rule.TrustedSite{Entry: reference(e), Names: netset.NameSetOf(f.remote.Names...)})
	default:
		o.State = InRule
		b.grant(e, f, directions)
	}
	return o, nil
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
		g := rule.Grant{
			Entry: reference(e), Group: b.group(e), Direction: d, Role: f.role,
			Any: f.remote.Any, Names: f.remote.Names, Prefixes: f.remote.Prefixes,
			Services: f.services, Route: b.route(e),
		}
		b.input.Grants = append(b.input.Grants, g)
	}
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
	for _, o := range outcomes {
		if o.State != NotSelected && strings.HasPrefix(o.Entry.ID, c.Name+"/") {
			h.Write(o.Entry.AppendCanonical(nil))
		}
	}
	return rule.Source{Name: c.Name, Version: c.Revision, Digest: fmt.Sprintf("sha256:%x", h.Sum(nil))}
}

// place notes for each outcome the rules that the entry is in.
func (r *Result) place() {
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

// checkNames refuses what names an entry or a placeholder that does not exist.
func (b *builder) checkNames() error {
	s := b.site
	for _, id := range slices.Sorted(maps.Keys(s.Answers)) {
		if b.entries[id] == nil {
			return s.Answers[id].errorf("no entry %q in the loaded catalogues; %s", id, b.nearest(id))
		}
	}
	for _, list := range [][]string{s.Select.Entries, s.Select.Exclude} {
		for _, want := range list {
			if !b.has(want) {
				return fmt.Errorf("no entry %q in the loaded catalogues; %s", want, b.nearest(want))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Values)) {
		if !b.hasPlaceholder(name) {
			return fmt.Errorf("value %q fills no placeholder of the loaded catalogues", name)
		}
	}
	return nil
}

func (b *builder) has(name string) bool {
	for id := range b.entries {
		if named([]string{name}, id) {
			return true
		}
	}
	return false
}

func (b *builder) hasPlaceholder(name string) bool {
	for _, e := range b.entries {
		for _, p := range e.Pending {
			if slices.ContainsFunc(p.Placeholders, func(one catalog.Placeholder) bool { return one.Name == name }) {
				return true
			}
		}
	}
	return false
}

// nearest says where to look for the right id.
func (b *builder) nearest(id string) string {
	_, slug, ok := strings.Cut(id, "/")
	if !ok {
		slug = id
	}
	var near []string
	for have := range b.entries {
		_, other, _ := strings.Cut(have, "/")
		if other == slug || strings.Contains(other, slug) || strings.Contains(slug, other) {
			near = append(near, have)
		}
	}
	if len(near) == 0 {
		return "`gatewright list` shows the ids"
	}
	slices.Sort(near)
	return "did you mean " + strings.Join(near[:min(3, len(near))], " or ") + "?"
}

// errorf returns an error at the answer's place in the site file, if it has one.
func (a Answer) errorf(format string, args ...any) error {
	if a.where != nil {
		return a.where(format, args...)
	}
	return fmt.Errorf(format, args...)
}
