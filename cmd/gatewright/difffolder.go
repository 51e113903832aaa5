package main

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"gatewright/catalog/rule"
)

// compareFolders compares what the packet filters accept, and the other files as text.
func compareFolders(oldDir, newDir string) (report, error) {
	old, err := readFolder(oldDir)
	if err != nil {
		return report{}, err
	}
	new, err := readFolder(newDir)
	if err != nil {
		return report{}, err
	}
	r := report{
		Old: reportSide{Name: oldDir, Sources: []reportSource{}}, New: reportSide{Name: newDir, Sources: []reportSource{}},
		Added: moreAccepted(new.places, old.places), Removed: moreAccepted(old.places, new.places),
		Routes: []reportRoute{}, TrustedSites: reportTrusted{zoneReport(new, old), zoneReport(old, new)}, Entries: []reportEntry{},
		OpenAdded: []accountOpen{}, OpenRemoved: []accountOpen{}, OpenUnchanged: []accountOpen{},
	}
	proxied, err := rule.Compare(rule.Compiled{Policy: &old.proxy}, rule.Compiled{Policy: &new.proxy})
	if err != nil {
		return report{}, err
	}
	r.Added = append(r.Added, proxyReports(proxied.Added, &new.proxy)...)
	r.Removed = append(r.Removed, proxyReports(proxied.Removed, &old.proxy)...)
	if old.routes != nil && new.routes != nil {
		requests, err := rule.Compare(rule.Compiled{Policy: &rule.Policy{Routes: old.routes.Routes}}, rule.Compiled{Policy: &rule.Policy{Routes: new.routes.Routes}})
		if err != nil {
			return report{}, err
		}
		r.Routes = pacReports(requests.Routes)
	}
	r.Files = fileChanges(old, new)
	r.Equal = len(r.Added)+len(r.Removed)+len(r.TrustedSites.Added)+len(r.TrustedSites.Removed)+len(r.Routes)+len(r.Files) == 0
	return r, nil
}

// fileChanges compares what is no flow: whole files as text, and of those that are
// read back what stands beside their rules.
func fileChanges(old, new folder) (changes []reportFile) {
	say := func(name, change string) { changes = append(changes, reportFile{name, change}) }
	for _, name := range unionOfKeys(old.files, new.files) {
		before, had := old.files[name]
		after, has := new.files[name]
		switch {
		case !had:
			say(name, "added")
		case !has:
			say(name, "removed")
		case !bytes.Equal(before, after):
			say(name, "changed")
		}
	}
	for _, name := range unionOfKeys(old.others, new.others) {
		before, had := old.others[name]
		after, has := new.others[name]
		switch {
		case !had:
			say(name, "added")
		case !has:
			say(name, "removed")
		case !slices.Equal(before, after):
			say(name, "changed beside its rules")
		}
	}
	slices.SortFunc(changes, func(a, b reportFile) int { return strings.Compare(a.Name, b.Name) })
	return changes
}

func unionOfKeys[V any](a, b map[string]V) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

// proxyReports tells what Squid allows, each part with the entries of its whole rule.
func proxyReports(c rule.Change, p *rule.Policy) []reportRule {
	for i := range c.Rules {
		c.Rules[i].Entries = c.Rules[i].Rule.Entries
	}
	list := ruleReports(c, p)
	for i := range list {
		list[i].Place = squidFile
	}
	return list
}

func pacReports(changes []rule.RouteChange) []reportRoute {
	list := routeReports(changes)
	for i := range list {
		list[i].Role, list[i].Place = "", pacFile
	}
	return list
}

// zoneReport tells the names that a trusts and b does not.
func zoneReport(a, b folder) []listedSite {
	names := a.zone.Beyond(b.zone)
	if len(names) == 0 {
		return []listedSite{}
	}
	return []listedSite{{Entry: zoneFile, Names: names}}
}

// moreAccepted returns what a accepts and b does not, in the same place.
func moreAccepted(a, b []place) []reportRule {
	list := []reportRule{}
	for _, p := range a {
		var other rule.Region
		if i := slices.IndexFunc(b, func(q place) bool { return q.name == p.name }); i >= 0 {
			other = b[i].region()
		}
		for _, box := range p.region().Subtract(other).Boxes() {
			services := box.Protocol.String() + " " + box.Ports.String()
			r := reportRule{Direction: box.Direction, Services: services, Place: p.name}
			r.Parts = []reportPart{{
				Services: services, Local: prefixTexts(box.Local), Published: box.Published,
				Names: []reportName{}, Prefixes: prefixTexts(box.Remote), wholeServices: true,
			}}
			r.Entries = p.giving(rule.RegionOf(box))
			list = append(list, r)
		}
	}
	return list
}

// giving returns the comments of the rules that accept some of the region; they name
// the entries.
func (p place) giving(region rule.Region) []reportFrom {
	var from []reportFrom
	for _, l := range p.lines {
		own := rule.RegionOf(l.boxes...)
		if !own.Subtract(region).Equal(own) && !slices.ContainsFunc(from, func(f reportFrom) bool { return f.ID == l.comment }) {
			from = append(from, reportFrom{ID: l.comment})
		}
	}
	return from
}
