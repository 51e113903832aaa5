package change

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// AddReadings adds what two readings of one generator's files differ in. An error is of
// the budget of the comparison.
func (r *Diff) AddReadings(old, new artefact.Reading) error {
	r.Added = append(r.Added, moreAccepted(new.Filters, old.Filters)...)
	r.Removed = append(r.Removed, moreAccepted(old.Filters, new.Filters)...)
	before, after := orNothing(old.Requests), orNothing(new.Requests)
	proxied, err := rule.Compare(rule.Compiled{Policy: before}, rule.Compiled{Policy: after})
	if err != nil {
		return err
	}
	r.Added = append(r.Added, proxyRules(proxied.Added, after, fileOf(new))...)
	r.Removed = append(r.Removed, proxyRules(proxied.Removed, before, fileOf(old))...)
	if old.Routes != nil && new.Routes != nil {
		requests, err := rule.Compare(rule.Compiled{Policy: old.Routes}, rule.Compiled{Policy: new.Routes})
		if err != nil {
			return err
		}
		r.Routes = append(r.Routes, wayChanges(requests.Routes, fileOf(new), !slices.Equal(old.Roles, new.Roles))...)
	}
	r.TrustedSites.Added = append(r.TrustedSites.Added, zonesBeyond(new.Zones, old.Zones, fileOf(new))...)
	r.TrustedSites.Removed = append(r.TrustedSites.Removed, zonesBeyond(old.Zones, new.Zones, fileOf(old))...)
	r.AddRest(old, new)
	switch came, went := len(old.Read) == 0, len(new.Read) == 0; {
	case came != went:
		change := map[bool]string{true: "added", false: "removed"}[came]
		for _, name := range slices.Concat(old.Read, new.Read) {
			r.Files = append(r.Files, File{name, change})
		}
	default:
		r.Beside = append(r.Beside, besideChanges(old.Beside, new.Beside)...)
		r.addComments(old.Comments, new.Comments)
	}
	return nil
}

// fileOf is the first of the files that were read.
func fileOf(r artefact.Reading) string {
	if len(r.Read) == 0 {
		return ""
	}
	return r.Read[0]
}

func orNothing(p *rule.Policy) *rule.Policy {
	if p == nil {
		return &rule.Policy{}
	}
	return p
}

// besideChanges compares what files do beside their rules, by file and name. The order
// of values of one name counts.
func besideChanges(old, new []artefact.Statement) (changes []Beside) {
	type key struct{ file, name string }
	var keys []key
	values := [2]map[key][]string{{}, {}}
	for side, list := range [][]artefact.Statement{old, new} {
		for _, s := range list {
			k := key{s.File, s.Name}
			values[side][k] = append(values[side][k], s.Value)
			keys = append(keys, k)
		}
	}
	slices.SortStableFunc(keys, func(a, b key) int { return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.name, b.name)) })
	for _, k := range slices.Compact(keys) {
		before, after := values[0][k], values[1][k]
		if slices.Equal(before, after) {
			continue
		}
		c := Beside{File: k.file, Name: k.name, Old: besides(before, after), New: besides(after, before)}
		if len(c.Old)+len(c.New) == 0 {
			c.Old, c.New = before, after // in another order
		}
		changes = append(changes, c)
	}
	return changes
}

// besides returns the values of a that b has not, or not as often.
func besides(a, b []string) []string {
	rest := slices.Clone(b)
	more := []string{}
	for _, v := range a {
		if i := slices.Index(rest, v); i >= 0 {
			rest = slices.Delete(rest, i, i+1)
			continue
		}
		more = append(more, v)
	}
	return more
}

// Files compares files that no generator reads.
func Files(old, new artefact.Files) (changes []File) {
	all := maps.Clone(old)
	maps.Copy(all, new)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		before, had := old[name]
		after, has := new[name]
		switch {
		case !had:
			changes = append(changes, File{name, "added"})
		case !has:
			changes = append(changes, File{name, "removed"})
		case !bytes.Equal(before, after):
			changes = append(changes, File{name, "changed"})
		}
	}
	return changes
}

// proxyRules tells what a proxy allows, each part with the entries of its whole rule.
func proxyRules(c rule.Change, p *rule.Policy, file string) []Rule {
	for i := range c.Rules {
		c.Rules[i].Entries = c.Rules[i].Rule.Entries
	}
	list := rulesOf(c, p)
	for i := range list {
		list[i].Place = file
	}
	return list
}

func wayChanges(changes []rule.RouteChange, file string, byRoles bool) []Route {
	list := routesOf(changes)
	for i := range list {
		list[i].Role, list[i].Place, list[i].byRoles = "", file, byRoles
	}
	return list
}

// zonesBeyond tells the zones of a that b does not trust.
func zonesBeyond(a, b []artefact.Zone, file string) []Site {
	zones := artefact.BeyondZones(a, b)
	if len(zones) == 0 {
		return nil
	}
	site := Site{Entry: file}
	for _, z := range zones {
		site.Names = append(site.Names, z.String())
	}
	return []Site{site}
}
