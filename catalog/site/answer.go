package site

import (
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// facts are what an entry says once answers and values are laid over it.
type facts struct {
	remote    Remote
	services  netset.ServiceSet
	direction catalog.Direction
	role      rule.Role
	open      []rule.Open
	withheld  bool // an open item withholds the whole entry, not an endpoint alone
}

// resolve lays the answer and the site's values over the entry, and collects what
// is still open.
func (b *builder) resolve(e *catalog.Entry, a Answer) (facts, error) {
	if err := checkAnswer(e, a); err != nil {
		return facts{}, err
	}
	f := facts{
		remote:    Remote{Names: slices.Clone(e.Names), Prefixes: e.Prefixes},
		services:  e.Services,
		direction: e.Direction,
		role:      rule.Role(e.Role),
	}
	if !a.Services.IsEmpty() {
		f.services = a.Services
	}
	if a.Direction != "" {
		f.direction = a.Direction
	}
	if a.Role != "" {
		f.role = a.Role
	}
	if a.Remote != nil {
		remote, err := b.answered(e, a)
		if err != nil {
			return f, err
		}
		f.remote = remote
	} else if err := b.fill(e, &f); err != nil {
		return f, err
	}
	b.findOpen(e, &f)
	return f, nil
}

// checkAnswer refuses an answer to what the publisher states.
func checkAnswer(e *catalog.Entry, a Answer) error {
	for _, one := range []struct {
		fact     catalog.Fact
		answered bool
	}{
		{catalog.FactRemote, a.Remote != nil},
		{catalog.FactServices, !a.Services.IsEmpty()},
		{catalog.FactDirection, a.Direction != ""},
		{catalog.FactRole, a.Role != ""},
	} {
		if one.answered && !isUnsaid(e, one.fact) && !isInferred(e, one.fact) {
			return a.errorf("%s: the publisher states the %s, so it cannot be answered; exclude the entry and write one of your own in a catalogue", e.ID, one.fact)
		}
	}
	if e.Kind == catalog.KindTrustedSite && a.Remote != nil && (a.Remote.Any || !a.Remote.Prefixes.IsEmpty()) {
		return a.errorf("%s: a trusted site is a name; answer with FQDNs", e.ID)
	}
	if u, ok := unsaid(e, catalog.FactRemote); ok && u.NeverAny && a.Remote != nil && a.Remote.Any {
		return a.errorf("%s: any is not an answer here: %s", e.ID, u.Ask)
	}
	return nil
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

// answered returns the remote that the site answers, with the remotes of other
// entries that it refers to.
func (b *builder) answered(e *catalog.Entry, a Answer) (Remote, error) {
	r := *a.Remote
	if r.Any || len(r.From) == 0 {
		return r, nil
	}
	var prefixes netset.PrefixBuilder
	for _, from := range r.From {
		others := b.referred(from)
		if len(others) == 0 {
			return r, a.errorf("%s: \"from\": %q names no entry and no <catalogue>/<area> of the loaded catalogues; load the catalogue that has it", e.ID, from)
		}
		for _, other := range others {
			prefixes.AddSet(other.Prefixes)
			r.Names = append(r.Names, other.Names...)
		}
	}
	r.Prefixes = prefixes.Build()
	if len(r.Names) == 0 && r.Prefixes.IsEmpty() {
		return r, a.errorf("%s: \"from\": the entries referred to have no endpoints themselves", e.ID)
	}
	return r, nil
}

// referred returns the flow entries that "from" means: one by its id, or those of
// a catalogue's area in the selected instances.
func (b *builder) referred(from string) []*catalog.Entry {
	if e := b.entries[from]; e != nil {
		return []*catalog.Entry{e}
	}
	name, area, _ := strings.Cut(from, "/")
	instances := Selection{Instances: b.site.Select.Instances}
	var found []*catalog.Entry
	for id, e := range b.entries {
		if strings.HasPrefix(id, name+"/") && e.Area == area && e.Kind == catalog.KindFlow && instances.wanted(e) == "" {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(x, y *catalog.Entry) int { return strings.Compare(x.ID, y.ID) })
	return found
}

// fill turns pending endpoints into names where the site has said how, and leaves
// the others open.
func (b *builder) fill(e *catalog.Entry, f *facts) error {
	for _, p := range e.Pending {
		switch missing := b.missing(p); {
		case missing != "":
			f.open = append(f.open, valueOpen(e, p, missing))
		case p.Path != "" && !b.site.PathsAsHost:
			f.open = append(f.open, pathOpen(e, p))
		default:
			if err := b.fillOne(e, p, f); err != nil {
				return err
			}
		}
	}
	return nil
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

// fillOne adds the names that an endpoint stands for: one for each combination of
// values.
func (b *builder) fillOne(e *catalog.Entry, p catalog.Pending, f *facts) error {
	combinations := []map[string]string{{}}
	for _, one := range p.Placeholders {
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
	for _, values := range combinations {
		name, err := p.Fill(values)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", e.ID, p.Text, err)
		}
		f.remote.Names = append(f.remote.Names, name)
	}
	return nil
}
