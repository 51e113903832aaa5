package main

import (
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/console"
)

// report is a difference as JSON; text and Markdown are made of it.
type report struct {
	Version       console.Version `json:"version"`          // of this form: raised when a member gets another meaning
	Output        string          `json:"output,omitempty"` // of several
	Opens         []string        `json:"opens"`            // what a reviewer has to see first, in words
	Old           reportSide      `json:"old"`
	New           reportSide      `json:"new"`
	Equal         bool            `json:"equal"`
	Added         []reportRule    `json:"added"`
	Removed       []reportRule    `json:"removed"`
	Routes        []reportRoute   `json:"routes"`
	TrustedSites  reportTrusted   `json:"trusted_sites"`
	Entries       []reportEntry   `json:"entries"`
	OpenAdded     []accountOpen   `json:"open_added"`
	OpenRemoved   []accountOpen   `json:"open_removed"`
	OpenUnchanged []accountOpen   `json:"open_unchanged"`
	Beside        []reportBeside  `json:"beside,omitempty"`     // of folders
	Comments      []reportComment `json:"comments,omitempty"`   // of folders
	Files         []reportFile    `json:"files,omitempty"`      // of folders: those that are compared as text, or came or went
	Live          []reportLive    `json:"statements,omitempty"` // of plan and drift
	Unknown       []string        `json:"unknown,omitempty"`    // of plan and drift: why it is not known what runs

	commentAt map[string]int // in Comments, by their words
	lost      []string       // "OPENS: " texts of what no longer drops the rest
	gained    []string       // "CLOSES: " texts of what newly drops it
}

// reportBeside is what files do beside their rules.
type reportBeside struct {
	File string   `json:"file"`
	Name string   `json:"name"`
	Old  []string `json:"old"`
	New  []string `json:"new"`
}

// reportComment is what comments say that files do not hold to be true by themselves.
type reportComment struct {
	Places []string `json:"places"` // "gatewright.nft:4", in the new files unless they have none
	Old    []string `json:"old"`
	New    []string `json:"new"`
}

type reportFile struct {
	Name   string `json:"name"`
	Change string `json:"change"`
}

type reportSide struct {
	Name    string         `json:"name"`
	Sources []reportSource `json:"sources"`
	Edited  []string       `json:"edited,omitempty"` // files that were changed by hand since they were generated
}

type reportSource struct {
	Catalog  string `json:"catalog"`
	Revision string `json:"revision"`
	Digest   string `json:"digest"`
}

type reportRule struct {
	Rule      rule.ID        `json:"rule,omitempty"` // rules of folders are told by their flows
	Direction rule.Direction `json:"direction"`
	Role      rule.Role      `json:"role,omitempty"`
	Place     string         `json:"place,omitempty"` // interfaces and mark, of folders
	Services  string         `json:"services"`
	Entries   []reportFrom   `json:"entries"`
	Parts     []reportPart   `json:"parts"`

	unbound string // the place without interfaces, if the other side names others there
}

type reportFrom struct {
	ID    string `json:"id"`
	Row   string `json:"row,omitempty"`
	Title string `json:"title"`
}

type reportPart struct {
	Services  string       `json:"services"`
	Local     []string     `json:"local"`
	Published bool         `json:"published,omitempty"`
	Elsewhere bool         `json:"elsewhere,omitempty"` // the same remotes are accepted for other local addresses or services on the other side
	Any       bool         `json:"any,omitempty"`
	But       []string     `json:"but,omitempty"` // what "any" does not include
	Names     []reportName `json:"names"`
	Prefixes  []string     `json:"prefixes"`

	wholeServices bool
}

type reportName struct {
	Pattern string   `json:"pattern"`
	And     string   `json:"and,omitempty"` // names that this pattern matches, too
	Except  []string `json:"except,omitempty"`
	Example string   `json:"example,omitempty"`
}

type reportRoute struct {
	Role     rule.Role    `json:"role,omitempty"`
	Place    string       `json:"place,omitempty"` // the file, of folders
	From     rule.Via     `json:"from"`
	To       rule.Via     `json:"to"`
	Services string       `json:"services"`
	Any      bool         `json:"any,omitempty"`
	Names    []reportName `json:"names"`
	Prefixes []string     `json:"prefixes"`
}

type reportTrusted struct {
	Added   []listedSite `json:"added"`
	Removed []listedSite `json:"removed"`
}

type reportEntry struct {
	ID      string       `json:"id"`
	Row     string       `json:"row,omitempty"`
	Title   string       `json:"title"`
	Change  string       `json:"change"`         // added, removed or changed
	State   site.State   `json:"state"`          // what became of it: of the new one, unless it was removed
	Asks    string       `json:"asks,omitempty"` // of one that came or went without a flow: what it is about
	Changes []reportFact `json:"changes,omitempty"`
}

type reportFact struct {
	Attribute string `json:"attribute"`
	Old       string `json:"old"`
	New       string `json:"new"`
}

func compareResults(old, new compared) (report, error) {
	d, err := rule.Compare(old.compiled(), new.compiled())
	if err != nil {
		return report{}, err
	}
	r := report{
		Old: sideReport(old), New: sideReport(new),
		Added: ruleReports(d.Added, new.Policy), Removed: ruleReports(d.Removed, old.Policy),
		Routes:       routeReports(d.Routes),
		TrustedSites: reportTrusted{trustedReports(d.TrustedAdded), trustedReports(d.TrustedRemoved)},
		Entries:      []reportEntry{},
		OpenAdded:    openAccount(d.OpenAdded), OpenRemoved: openAccount(d.OpenRemoved),
		OpenUnchanged: openAccount(without(new.Policy.Open, d.OpenAdded)),
	}
	for _, c := range site.Compare(old.Result, new.Result) {
		r.Entries = append(r.Entries, entryReport(c))
	}
	r.Equal = d.IsEmpty() && len(r.Entries) == 0
	return r, nil
}

func routeReports(changes []rule.RouteChange) []reportRoute {
	list := []reportRoute{}
	for _, c := range changes {
		list = append(list, reportRoute{
			Role: c.Role, From: c.From, To: c.To, Services: c.Services.String(),
			Any: c.Any, Names: nameReports(c.Names), Prefixes: prefixTexts(c.Prefixes),
		})
	}
	return list
}

func without(all, some []rule.Open) []rule.Open {
	return slices.DeleteFunc(slices.Clone(all), func(o rule.Open) bool { return slices.Contains(some, o) })
}

func sideReport(c compared) reportSide {
	s := reportSide{Name: c.name, Sources: []reportSource{}}
	for _, source := range c.Policy.Sources {
		s.Sources = append(s.Sources, reportSource{source.Name, source.Version, source.Digest})
	}
	return s
}

func ruleReports(c rule.Change, p *rule.Policy) []reportRule {
	list := []reportRule{}
	for _, rc := range c.Rules {
		r := reportRule{Rule: rc.Rule.ID, Direction: rc.Rule.Direction, Role: rc.Rule.Role, Services: rc.Rule.Services.String()}
		for _, e := range rc.Entries {
			r.Entries = append(r.Entries, reportFrom{e.ID, e.Row, e.Title})
		}
		for _, part := range rc.Parts {
			r.Parts = append(r.Parts, partReport(part, rc.Rule))
		}
		list = append(list, r)
	}
	return list
}

func partReport(p rule.PartChange, of *rule.Rule) reportPart {
	r := reportPart{
		Services: p.Services.String(), Local: prefixTexts(p.Local), Published: p.Published, Elsewhere: p.Elsewhere,
		Any: p.Any, Prefixes: prefixTexts(p.Prefixes),
		wholeServices: p.Services.Equal(of.Services),
	}
	for n := range p.ButNames.Patterns() {
		r.But = append(r.But, n.String())
	}
	r.But = append(r.But, prefixTexts(p.ButPrefixes)...)
	r.Names = nameReports(p.Names)
	return r
}

func nameReports(names []rule.NameChange) []reportName {
	list := []reportName{}
	for _, n := range names {
		list = append(list, reportName{n.Pattern.String(), n.And.String(), texts(n.Except), n.Example})
	}
	return list
}

func texts(patterns []netset.Pattern) []string {
	list := []string{}
	for _, p := range patterns {
		list = append(list, p.String())
	}
	return list
}

func prefixTexts(s netset.PrefixSet) []string {
	list := []string{}
	for p := range s.Prefixes() {
		list = append(list, p.String())
	}
	return list
}

func trustedReports(sites []rule.TrustedSite) []listedSite {
	list := []listedSite{}
	for _, s := range sites {
		list = append(list, listedSite{s.Entry.ID, s.Entry.Title, patternTexts(s.Names)})
	}
	return list
}

func entryReport(c site.EntryChange) reportEntry {
	of, change := c.New, "changed"
	switch {
	case c.Old == nil:
		change = "added"
	case c.New == nil:
		of, change = c.Old, "removed"
	}
	r := reportEntry{ID: of.Entry.ID, Row: of.Entry.Row, Title: of.Entry.Title, Change: change, State: of.State}
	if change != "changed" && of.State != site.InRule {
		r.Asks = describe(of, entryFacts{})
	}
	for _, f := range c.Facts {
		r.Changes = append(r.Changes, reportFact{f.Name, f.Old, f.New})
	}
	return r
}
