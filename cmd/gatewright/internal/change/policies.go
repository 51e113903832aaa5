package change

import (
	"slices"

	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/words"
)

// Compared is one of two sites or catalogues that are compared.
type Compared struct {
	Name   string // as the command line names it
	Result *site.Result
	Routed []rule.Role // whose machines use the PAC file
}

func (c Compared) compiled() rule.Compiled {
	return rule.Compiled{Policy: c.Result.Policy, Grants: c.Result.Input.Grants, Routed: c.Routed}
}

// Compare tells what differs between two compiled policies: flows, routes, trusted
// sites, entries and what is open. What options make of them is not in it. The
// difference is to be finished. An error is of the budget of the comparison.
func Compare(old, new Compared) (Diff, error) {
	d, err := rule.Compare(old.compiled(), new.compiled())
	if err != nil {
		return Diff{}, err
	}
	r := Diff{
		Old: headOf(old), New: headOf(new),
		Added: rulesOf(d.Added, new.Result.Policy), Removed: rulesOf(d.Removed, old.Result.Policy),
		Routes:       routesOf(d.Routes),
		TrustedSites: Trusted{sitesOf(d.TrustedAdded), sitesOf(d.TrustedRemoved)},
		Entries:      []Entry{},
		OpenAdded:    words.OpenItems(d.OpenAdded), OpenRemoved: words.OpenItems(d.OpenRemoved),
		OpenUnchanged: words.OpenItems(without(new.Result.Policy.Open, d.OpenAdded)),
	}
	for _, c := range site.Compare(old.Result, new.Result) {
		r.Entries = append(r.Entries, entryOf(c))
	}
	r.Equal = d.IsEmpty() && len(r.Entries) == 0
	return r, nil
}

func routesOf(changes []rule.RouteChange) []Route {
	list := []Route{}
	for _, c := range changes {
		list = append(list, Route{
			Role: c.Role, From: c.From, To: c.To, Services: c.Services.String(),
			Any: c.Any, Names: namesOf(c.Names), Prefixes: words.Texts(c.Prefixes.Prefixes()),
		})
	}
	return list
}

func without(all, some []rule.Open) []rule.Open {
	return slices.DeleteFunc(slices.Clone(all), func(o rule.Open) bool { return slices.Contains(some, o) })
}

func headOf(c Compared) Head {
	s := Head{Name: c.Name, Sources: []Source{}}
	for _, source := range c.Result.Policy.Sources {
		s.Sources = append(s.Sources, Source{source.Name, source.Version, source.Digest})
	}
	return s
}

func rulesOf(c rule.Change, p *rule.Policy) []Rule {
	list := []Rule{}
	for _, rc := range c.Rules {
		r := Rule{Rule: rc.Rule.ID, Direction: rc.Rule.Direction, Role: rc.Rule.Role, Services: rc.Rule.Services.String()}
		for _, e := range rc.Entries {
			r.Entries = append(r.Entries, From{e.ID, e.Row, e.Title})
		}
		for _, part := range rc.Parts {
			r.Parts = append(r.Parts, partOf(part, rc.Rule))
		}
		list = append(list, r)
	}
	return list
}

func partOf(p rule.PartChange, of *rule.Rule) Part {
	r := Part{
		Services: p.Services, Local: words.Texts(p.Local.Prefixes()), Published: p.Published, Elsewhere: p.Elsewhere,
		Any: p.Any, Prefixes: words.Texts(p.Prefixes.Prefixes()),
		WholeServices: p.Services.Equal(of.Services), locals: p.Local, remotes: p.Prefixes,
	}
	r.But = slices.Concat(words.Texts(p.ButNames.Patterns()), words.Texts(p.ButPrefixes.Prefixes()))
	r.Names = namesOf(p.Names)
	return r
}

func namesOf(names []rule.NameChange) []Name {
	list := []Name{}
	for _, n := range names {
		list = append(list, Name{n.Pattern.String(), n.And.String(), words.Texts(slices.Values(n.Except)), n.Example})
	}
	return list
}

func sitesOf(sites []rule.TrustedSite) []Site {
	list := []Site{}
	for _, s := range sites {
		list = append(list, Site{s.Entry.ID, s.Entry.Title, words.Texts(s.Names.Patterns())})
	}
	return list
}

func entryOf(c site.EntryChange) Entry {
	of, change := c.New, "changed"
	switch {
	case c.Old == nil:
		change = "added"
	case c.New == nil:
		of, change = c.Old, "removed"
	}
	r := Entry{ID: of.Entry.ID, Row: of.Entry.Row, Title: of.Entry.Title, Change: change, State: of.State}
	if change != "changed" && of.State != site.InRule {
		r.Asks = words.Describe(of, words.Facts{})
	}
	for _, f := range c.Facts {
		r.Changes = append(r.Changes, Fact{f.Name, f.Old, f.New})
	}
	return r
}
