package report

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/change"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/words"
)

// IDs are entries' ids as tables show them, one a line: without the catalogue where
// there is only one.
func IDs(r *site.Result, ids ...string) string {
	text := strings.Join(ids, "\n")
	if len(r.Policy.Sources) == 1 {
		text = strings.ReplaceAll(text, r.Policy.Sources[0].Name+"/", "")
	}
	return text
}

// ListedEntry is an entry as `list entries --json` prints it: what is published, and
// what became of it.
type ListedEntry struct {
	ID        string       `json:"id"`
	Row       string       `json:"row,omitempty"`
	Title     string       `json:"title"`
	Kind      catalog.Kind `json:"kind"`
	Area      string       `json:"area,omitempty"`
	Type      string       `json:"type,omitempty"`
	Tag       string       `json:"tag,omitempty"`
	Region    string       `json:"region,omitempty"`
	Service   string       `json:"service,omitempty"`
	Category  string       `json:"category,omitempty"`
	Required  bool         `json:"required"`
	Instances []string     `json:"instances,omitempty"`
	Direction string       `json:"direction,omitempty"`
	Role      string       `json:"role,omitempty"`
	Endpoints []string     `json:"endpoints"`
	Services  string       `json:"services,omitempty"`
	Condition string       `json:"condition,omitempty"`
	Notes     []string     `json:"notes,omitempty"`
	Links     []string     `json:"links,omitempty"`
	Inferred  []inference  `json:"inferred,omitempty"`
	Answered  []string     `json:"answered,omitempty"` // the facts that the site says
	Source    string       `json:"source,omitempty"`
	Date      string       `json:"date,omitempty"`
	State     site.State   `json:"state"`
	Why       string       `json:"why,omitempty"`
	Rules     []rule.ID    `json:"rules,omitempty"`
	Open      []words.Open `json:"open,omitempty"`
}

type inference struct {
	Fact   string `json:"fact"`
	Reason string `json:"reason"`
}

// Entries are the entries of a compiled site, to be listed.
type Entries struct {
	Result *site.Result
	All    bool // those that are not selected, too
	Named  bool // the user names those that are to be selected
}

// Table shows what each entry asks for, and what became of it.
func (e Entries) Table() console.Table {
	r := e.Result
	hidden := 0
	t := console.Table{Header: []string{"ROW", "ENTRY", "WHAT", "BECAME"}, IDs: []int{1}}
	granted := words.Granted(r)
	for _, o := range inRows(r.Outcomes) {
		if o.State == site.NotSelected && !e.All {
			hidden++
			continue
		}
		t.Rows = append(t.Rows, []string{o.Entry.Row, IDs(r, o.Entry.ID), e.what(&o, granted[o.Entry.ID]), became(o)})
	}
	for _, row := range t.Rows {
		if strings.ContainsAny(row[2], "~=?") {
			t.Remarks = append(t.Remarks, words.Legend)
			break
		}
	}
	switch hidden {
	case 0:
	case 1:
		t.Remarks = append(t.Remarks, "1 entry is not selected; --all shows it")
	default:
		t.Remarks = append(t.Remarks, fmt.Sprintf("%d entries are not selected; --all shows them", hidden))
	}
	return t
}

// inRows returns outcomes in the order of their catalogues and rows.
func inRows(outcomes []site.Outcome) []site.Outcome {
	outcomes = slices.Clone(outcomes)
	slices.SortStableFunc(outcomes, func(a, b site.Outcome) int {
		return cmp.Or(cmp.Compare(catalogOf(a.Entry.ID), catalogOf(b.Entry.ID)), compareRows(a.Entry.Row, b.Entry.Row))
	})
	return outcomes
}

// Listed are the entries one by one, as JSON has them. Where some are named, the others
// are left out, unless all are wanted.
func (e Entries) Listed() iter.Seq[ListedEntry] {
	shown := slices.DeleteFunc(inRows(e.Result.Outcomes), func(o site.Outcome) bool {
		return o.State == site.NotSelected && e.Named && !e.All
	})
	return each(shown, listEntry)
}

// what says what an entry asks for. Of entries that are named it says all: notes,
// links, and what is our reading and why.
func (e Entries) what(o *site.Outcome, granted words.Facts) string {
	lines := []string{o.Entry.Title, words.Describe(o, granted)}
	if e.Named {
		for _, note := range o.Entry.Notes {
			lines = append(lines, "note: "+note)
		}
		for _, i := range o.Entry.Inferred {
			lines = append(lines, fmt.Sprintf("~%s: %s", i.Fact, i.Reason))
		}
		for _, link := range o.Entry.Links {
			lines = append(lines, "see "+link)
		}
	}
	return strings.Join(lines, "\n")
}

func catalogOf(id string) string { name, _, _ := strings.Cut(id, "/"); return name }

// compareRows orders "2" before "10" and "9a" before "9b".
func compareRows(a, b string) int {
	number := func(s string) string { return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))] }
	return cmp.Or(cmp.Compare(len(number(a)), len(number(b))), cmp.Compare(a, b))
}

func listEntry(o *site.Outcome) ListedEntry {
	e := &o.Entry
	l := ListedEntry{
		ID: e.ID, Row: e.Row, Title: e.Title, Kind: e.Kind, Area: e.Area, Type: e.Type,
		Tag: e.Tag, Region: e.Region, Service: e.Service,
		Category: string(e.Category), Required: e.Required, Instances: e.Instances,
		Direction: string(e.Direction), Role: e.Role, Endpoints: words.EndpointsOf(e), Services: e.Services.String(),
		Condition: e.Condition, Notes: e.Notes, Links: e.Links, Source: e.Source, Date: e.Date,
		State: o.State, Why: o.Why, Rules: o.Rules, Open: words.OpenItems(o.Open),
	}
	l.answered(o)
	for _, i := range e.Inferred {
		l.Inferred = append(l.Inferred, inference{i.Fact, i.Reason})
	}
	return l
}

// answered puts what the site says in the place of what the publisher leaves unsaid and
// of our reading.
func (l *ListedEntry) answered(o *site.Outcome) {
	for _, fact := range o.Answered {
		l.Answered = append(l.Answered, string(fact))
		switch fact {
		case catalog.FactRole:
			l.Role = string(o.Answer.Role)
		case catalog.FactDirection:
			l.Direction = string(o.Answer.Direction)
		case catalog.FactServices:
			l.Services = o.Answer.Services.String()
		}
	}
}

func became(o site.Outcome) string {
	var parts []string
	for _, id := range o.Rules {
		parts = append(parts, "rule "+string(id))
	}
	if o.State == site.InZone {
		parts = append(parts, "trusted site")
	}
	for _, open := range o.Open {
		parts = append(parts, fmt.Sprintf("open: %s (%s; ask %s)", open.Name(), open.Why, open.Who))
	}
	if len(parts) > 0 {
		return strings.Join(parts, "\n")
	}
	return strings.TrimSuffix(string(o.State)+": "+o.Why, ": ")
}

// ListedRule is a rule as `list rules --json` prints it.
type ListedRule struct {
	ID        rule.ID        `json:"id"`
	Group     string         `json:"group"`
	Direction rule.Direction `json:"direction"`
	Role      rule.Role      `json:"role"`
	Any       bool           `json:"any,omitempty"`
	OnSite    bool           `json:"on_site,omitempty"` // the remote stands on the site
	Names     []string       `json:"names"`
	Prefixes  []string       `json:"prefixes"`
	Services  string         `json:"services"`
	Entries   []string       `json:"entries"`
}

// Rules are the rules one by one, as JSON has them.
func Rules(r *site.Result) iter.Seq[ListedRule] {
	return each(r.Policy.Rules, listRule)
}

// each is what a function makes of each of a list, one by one.
func each[T, U any](list []T, of func(*T) U) iter.Seq[U] {
	return func(yield func(U) bool) {
		for i := range list {
			if !yield(of(&list[i])) {
				return
			}
		}
	}
}

func listRule(one *rule.Rule) ListedRule {
	l := ListedRule{
		ID: one.ID, Group: one.Group, Direction: one.Direction, Role: one.Role, Any: one.Remote.Any, OnSite: one.OnSite,
		Names: words.Texts(one.Remote.Names().Patterns()), Prefixes: words.Texts(one.Remote.Prefixes().Prefixes()), Services: one.Services.String(),
	}
	for _, e := range one.Entries {
		l.Entries = append(l.Entries, e.ID)
	}
	return l
}

// RulesTable shows the rules of a compiled site.
func RulesTable(r *site.Result) console.Table {
	t := console.Table{Header: []string{"RULE", "ROLE", "REMOTE", "SERVICES", "ENTRIES"}, IDs: []int{0, 4}}
	for l := range Rules(r) {
		remote := words.Endpoints(append(slices.Clone(l.Names), l.Prefixes...))
		if l.Any {
			remote = "any"
		}
		if l.OnSite {
			remote += " (on site)"
		}
		arrow := "-> "
		if l.Direction == rule.Inbound {
			arrow = "<- "
		}
		t.Rows = append(t.Rows, []string{string(l.ID), string(l.Role), arrow + remote, l.Services, IDs(r, l.Entries...)})
	}
	return t
}

// Sites are the trusted sites one by one, as JSON has them.
func Sites(r *site.Result) iter.Seq[change.Site] {
	return each(r.Policy.TrustedSites, func(s *rule.TrustedSite) change.Site {
		return change.Site{Entry: s.Entry.ID, Title: s.Entry.Title, Names: words.Texts(s.Names.Patterns())}
	})
}

// SitesTable shows its trusted sites.
func SitesTable(r *site.Result) console.Table {
	t := console.Table{Header: []string{"ENTRY", "NAMES"}, IDs: []int{0}}
	for s := range Sites(r) {
		t.Rows = append(t.Rows, []string{IDs(r, s.Entry), strings.Join(s.Names, "\n")})
	}
	return t
}

// OpenTable shows what is open at it, and below the lines of the site file that answer
// it.
func OpenTable(r *site.Result) console.Table {
	if len(r.Policy.Open) == 0 {
		return console.Table{Remarks: []string{"nothing is open"}}
	}
	t := console.Table{Header: []string{"ENTRY", "MISSING", "WHY", "WHO SAYS IT"}, IDs: []int{0}}
	for _, o := range r.Policy.Open {
		t.Rows = append(t.Rows, []string{IDs(r, o.Entry.ID), o.Name(), o.Why, o.Who})
	}
	t.Footer = "\n{\n" + SiteBlock(Suggestions(r)) + "}\n"
	return t
}
