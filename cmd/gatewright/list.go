package main

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gatewright/catalog"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/catalog/suggest"
	"gatewright/cmd/gatewright/internal/change"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/words"
)

func listCommand() command {
	return command{
		name:    "list",
		summary: "show entries, rules, trusted sites or open items",
		usage: `gatewright list [entries|rules|trusted-sites|open]

Shows what the selected entries ask for and what became of each (the default),
the rules that were made of them, the trusted sites, or what is still open.
--lint shows what is worth a second look instead: wildcards that anybody can get
a name under, very wide or reserved prefixes, names that the publisher gave up,
endpoints of several categories, entries that others cover.

    gatewright list --catalog m365-additional@2018-10-23
    gatewright list rules --bind exchange=192.0.2.10
    gatewright list open --json
    gatewright list --lint --strict
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			flags.BoolVar(&inv.json, "json", false, "as JSON; entries that are not selected, too, unless --entry names some")
			flags.BoolVar(&inv.all, "all", false, "also show the entries that are not selected, and why")
			flags.BoolVar(&inv.lintOnly, "lint", false, "show what is worth a second look in the selected entries, and what to do about it")
			flags.BoolVar(&inv.strict, "strict", false, "with --lint: exit with status 1 if there is any finding")
		},
		operands: firstOf(lists()...),
		run:      list,
	}
}

func list(inv *invocation, args []string) error {
	if len(args) > 1 {
		return usagef("list: name one of %s", strings.Join(lists(), ", "))
	}
	switch {
	case inv.lintOnly && (len(args) > 0 || inv.all):
		return usagef("list: --lint shows findings; leave the list's name and --all out")
	case inv.lintOnly:
		return inv.lint()
	case inv.strict:
		return usagef("list: --strict is about the findings of --lint; give both, or neither")
	}
	what := append(args, lists()[0])[0]
	views := []func(*site.Result) console.Table{inv.entriesView, rulesView, trustedView, openView}
	i := slices.Index(lists(), what)
	if i < 0 {
		return usagef("list: unknown list %q; %s", what, suggest.OneOf(what, lists()))
	}
	_, _, result, err := inv.compile()
	if err != nil {
		return err
	}
	if inv.json {
		return inv.listJSON(what, result)
	}
	t := views[i](result)
	if len(t.Header) > 0 {
		err = t.Write(inv.stdout, console.Width(inv.stdout))
	}
	if err == nil && t.Remark != "" {
		inv.console.Sayf("%s", t.Remark)
	}
	return err
}

func (inv *invocation) listJSON(what string, r *site.Result) error {
	name := strings.ReplaceAll(what, "-", "_")
	switch what {
	case "entries":
		return console.WriteJSONList(inv.stdout, name, inv.listedEntries(r))
	case "rules":
		return console.WriteJSONList(inv.stdout, name, listedRules(r))
	case "trusted-sites":
		return console.WriteJSONList(inv.stdout, name, listedSites(r))
	}
	return console.WriteJSONList(inv.stdout, name, slices.Values(r.Policy.Open))
}

// lists are what list can show; the first is the default.
func lists() []string { return []string{"entries", "rules", "trusted-sites", "open"} }

type listedEntry struct {
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
	Open      []rule.Open  `json:"open,omitempty"`
}

type inference struct {
	Fact   string `json:"fact"`
	Reason string `json:"reason"`
}

func (inv *invocation) entriesView(r *site.Result) console.Table {
	hidden := 0
	t := console.Table{Header: []string{"ROW", "ENTRY", "WHAT", "BECAME"}, IDs: []int{1}}
	granted := words.Granted(r)
	for _, o := range inRows(r.Outcomes) {
		if o.State == site.NotSelected && !inv.all {
			hidden++
			continue
		}
		t.Rows = append(t.Rows, []string{o.Entry.Row, shown(r, o.Entry.ID), inv.what(&o, granted[o.Entry.ID]), became(o)})
	}
	switch hidden {
	case 0:
	case 1:
		t.Remark = "1 entry is not selected; --all shows it"
	default:
		t.Remark = fmt.Sprintf("%d entries are not selected; --all shows them", hidden)
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

// listedEntries are the entries one by one, as JSON has them. Where --entry names some,
// the others are left out, unless --all is given.
func (inv *invocation) listedEntries(r *site.Result) iter.Seq[listedEntry] {
	return func(yield func(listedEntry) bool) {
		named := len(inv.site.sel.Entries) > 0 && !inv.all
		for _, o := range inRows(r.Outcomes) {
			if o.State == site.NotSelected && named {
				continue
			}
			if !yield(listEntry(o)) {
				return
			}
		}
	}
}

// what says what an entry asks for. Of entries that --entry names it says all: notes,
// links, and what is our reading and why.
func (inv *invocation) what(o *site.Outcome, granted words.Facts) string {
	lines := []string{o.Entry.Title, words.Describe(o, granted)}
	if len(inv.site.sel.Entries) > 0 {
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

// shown are entries' ids as tables show them, one a line: without the catalogue
// where there is only one.
func shown(r *site.Result, ids ...string) string {
	text := strings.Join(ids, "\n")
	if len(r.Policy.Sources) == 1 {
		text = strings.ReplaceAll(text, r.Policy.Sources[0].Name+"/", "")
	}
	return text
}

func catalogOf(id string) string { name, _, _ := strings.Cut(id, "/"); return name }

// compareRows orders "2" before "10" and "9a" before "9b".
func compareRows(a, b string) int {
	number := func(s string) string { return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))] }
	return cmp.Or(cmp.Compare(len(number(a)), len(number(b))), cmp.Compare(a, b))
}

func listEntry(o site.Outcome) listedEntry {
	e := o.Entry
	l := listedEntry{
		ID: e.ID, Row: e.Row, Title: e.Title, Kind: e.Kind, Area: e.Area, Type: e.Type,
		Tag: e.Tag, Region: e.Region, Service: e.Service,
		Category: string(e.Category), Required: e.Required, Instances: e.Instances,
		Direction: string(e.Direction), Role: e.Role, Endpoints: words.EndpointsOf(&e), Services: e.Services.String(),
		Condition: e.Condition, Notes: e.Notes, Links: e.Links, Source: e.Source, Date: e.Date,
		State: o.State, Why: o.Why, Rules: o.Rules, Open: o.Open,
	}
	l.answered(o)
	for _, i := range e.Inferred {
		l.Inferred = append(l.Inferred, inference{i.Fact, i.Reason})
	}
	return l
}

// answered puts what the site says in the place of what the publisher leaves unsaid and
// of our reading.
func (l *listedEntry) answered(o site.Outcome) {
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

type listedRule struct {
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

// listedRules are the rules one by one, as JSON has them.
func listedRules(r *site.Result) iter.Seq[listedRule] {
	return func(yield func(listedRule) bool) {
		for _, one := range r.Policy.Rules {
			if !yield(listRule(&one)) {
				return
			}
		}
	}
}

func listRule(one *rule.Rule) listedRule {
	l := listedRule{
		ID: one.ID, Group: one.Group, Direction: one.Direction, Role: one.Role, Any: one.Remote.Any, OnSite: one.OnSite,
		Names: words.Texts(one.Remote.Names().Patterns()), Prefixes: words.Texts(one.Remote.Prefixes().Prefixes()), Services: one.Services.String(),
	}
	for _, e := range one.Entries {
		l.Entries = append(l.Entries, e.ID)
	}
	return l
}

func rulesView(r *site.Result) console.Table {
	t := console.Table{Header: []string{"RULE", "ROLE", "REMOTE", "SERVICES", "ENTRIES"}, IDs: []int{0, 4}}
	for l := range listedRules(r) {
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
		t.Rows = append(t.Rows, []string{string(l.ID), string(l.Role), arrow + remote, l.Services, shown(r, l.Entries...)})
	}
	return t
}

// listedSites are the trusted sites one by one, as JSON has them.
func listedSites(r *site.Result) iter.Seq[change.Site] {
	return func(yield func(change.Site) bool) {
		for _, s := range r.Policy.TrustedSites {
			if !yield(change.Site{Entry: s.Entry.ID, Title: s.Entry.Title, Names: words.Texts(s.Names.Patterns())}) {
				return
			}
		}
	}
}

func trustedView(r *site.Result) console.Table {
	t := console.Table{Header: []string{"ENTRY", "NAMES"}, IDs: []int{0}}
	for s := range listedSites(r) {
		t.Rows = append(t.Rows, []string{shown(r, s.Entry), strings.Join(s.Names, "\n")})
	}
	return t
}

func openView(r *site.Result) console.Table {
	if len(r.Policy.Open) == 0 {
		return console.Table{Remark: "nothing is open"}
	}
	t := console.Table{Header: []string{"ENTRY", "MISSING", "WHY", "WHO SAYS IT"}, IDs: []int{0}}
	for _, o := range r.Policy.Open {
		t.Rows = append(t.Rows, []string{shown(r, o.Entry.ID), o.Name(), o.Why, o.Who})
	}
	t.Footer = "\n{\n" + siteBlock(suggestions(r)) + "}\n"
	return t
}
