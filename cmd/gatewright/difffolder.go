package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"gatewright/catalog/plainfile"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/output"
	"gatewright/generators/artefact"
)

// compareFolders compares what the files of two folders do, and as text those that no
// generator reads. In the place of a folder stands what generate would write for a site
// file. Files of another format are compared if they are the old ones and a site file is
// at hand.
func (inv *invocation) compareFolders(oldName, newName string) (report, error) {
	old, err := inv.folderOf(oldName)
	if err == nil && isFolder(oldName) {
		err = inv.renew(&old)
	}
	if err != nil {
		return report{}, err
	}
	new, err := inv.folderOf(newName)
	if err != nil {
		return report{}, err
	}
	if err := errors.Join(old.err(), new.err()); err != nil {
		return report{}, err
	}
	r := newReport()
	for i := range old.readings {
		if err := r.addReadings(old.readings[i], new.readings[i]); err != nil {
			return report{}, err
		}
	}
	r.Old.Name, r.Old.Edited = oldName, old.edited()
	r.New.Name, r.New.Edited = newName, new.edited()
	if isFolder(oldName) && isFolder(newName) {
		r.Files = append(r.Files, fileChanges(old.unread(), new.unread())...)
	}
	r.finish(true)
	return r, nil
}

// newReport is the report of two that differ in nothing, as far as is known.
func newReport() report {
	return report{
		Old: reportSide{Sources: []reportSource{}}, New: reportSide{Sources: []reportSource{}},
		Added: []reportRule{}, Removed: []reportRule{},
		Routes: []reportRoute{}, TrustedSites: reportTrusted{[]listedSite{}, []listedSite{}}, Entries: []reportEntry{},
		OpenAdded: []accountOpen{}, OpenRemoved: []accountOpen{}, OpenUnchanged: []accountOpen{},
	}
}

// folderOf reads a folder, or makes what generate would write for a site file.
// An output that it does not have is empty.
func (inv *invocation) folderOf(name string) (folder, error) {
	path := plainfile.Named(name)
	empty := folderOfFiles(path, artefact.Files{})
	if isFolder(name) {
		if lacks, err := lacksTop(path, inv.site.output); err != nil || lacks {
			return empty, err
		}
		f, err := readFolder(plainfile.Named(below(name, inv.site.output)))
		if inv.site.output != "" && errors.Is(err, fs.ErrNotExist) {
			return empty, nil
		}
		return f, err
	}
	isSite, err := inv.isSiteFile(name)
	switch {
	case err != nil:
		return folder{}, err
	case !isSite:
		return folder{}, usagef("diff: %s is no site file, which alone can be compared with a folder; name two of one kind", name)
	case inv.site.file != "":
		return folder{}, usagef("diff: --site does not go with a site file; leave it out")
	}
	inv.site.file = name
	defer func() { inv.site.file = "" }()
	p, err := inv.produce(nil)
	if errors.Is(err, site.ErrNoOutput) {
		return empty, nil
	}
	if err != nil {
		return folder{}, err
	}
	return folderOfFiles(path, artefact.FilesOf(p.artefacts())), nil
}

// lacksTop reports whether a folder has outputs in folders of their own alone, and what is at
// its top is asked for.
func lacksTop(path plainfile.Path, name string) (bool, error) {
	if name != "" {
		return false, nil
	}
	root, err := path.OpenFolder()
	if err != nil {
		return false, err
	}
	defer root.Close()
	names, err := output.Folders(root)
	return len(names) > 0 && !output.Holds(root), err
}

// finish puts what opens most first, and notes whether there is a difference; equal
// tells whether there is none beside what folders can show.
func (r *report) finish(equal bool) {
	sortWidest(r.Added)
	r.Opens = append([]string{}, r.openings()...)
	r.Equal = equal && r.same()
}

// same reports whether folders do the same, and hold the same files.
func (r *report) same() bool {
	return len(r.Added)+len(r.Removed)+len(r.TrustedSites.Added)+len(r.TrustedSites.Removed)+len(r.Routes)+len(r.Beside)+len(r.Comments)+len(r.Files)+len(r.Live) == 0
}

// addReadings adds how what one generator's files do differs.
func (r *report) addReadings(old, new artefact.Reading) error {
	r.Added = append(r.Added, moreAccepted(new.Filters, old.Filters)...)
	r.Removed = append(r.Removed, moreAccepted(old.Filters, new.Filters)...)
	before, after := orNothing(old.Requests), orNothing(new.Requests)
	proxied, err := rule.Compare(rule.Compiled{Policy: before}, rule.Compiled{Policy: after})
	if err != nil {
		return err
	}
	r.Added = append(r.Added, proxyReports(proxied.Added, after, fileOf(new))...)
	r.Removed = append(r.Removed, proxyReports(proxied.Removed, before, fileOf(old))...)
	if old.Routes != nil && new.Routes != nil {
		requests, err := rule.Compare(rule.Compiled{Policy: old.Routes}, rule.Compiled{Policy: new.Routes})
		if err != nil {
			return err
		}
		r.Routes = append(r.Routes, wayReports(requests.Routes, fileOf(new))...)
	}
	r.TrustedSites.Added = append(r.TrustedSites.Added, zoneReport(new.Zones, old.Zones, fileOf(new))...)
	r.TrustedSites.Removed = append(r.TrustedSites.Removed, zoneReport(old.Zones, new.Zones, fileOf(old))...)
	r.addDrops(old, new)
	switch came, went := len(old.Read) == 0, len(new.Read) == 0; {
	case came != went:
		change := map[bool]string{true: "added", false: "removed"}[came]
		for _, name := range slices.Concat(old.Read, new.Read) {
			r.Files = append(r.Files, reportFile{name, change})
		}
	default:
		r.Beside = append(r.Beside, besideReports(old.Beside, new.Beside)...)
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

// besideReports compares what files do beside their rules, by file and name. The order
// of values of one name counts.
func besideReports(old, new []artefact.Statement) (changes []reportBeside) {
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
		c := reportBeside{File: k.file, Name: k.name, Old: besides(before, after), New: besides(after, before)}
		if len(c.Old)+len(c.New) == 0 {
			c.Old, c.New = before, after // in another order
		}
		changes = append(changes, c)
	}
	return changes
}

// aboutOf is what comments are about: a rule of a file, a route, a site.
type aboutOf struct{ file, about string }

// addComments adds where comments say something else. Those of a rule that came or went
// are left out if the report tells them beside its flows, and those of what got another
// name alone, too.
func (r *report) addComments(old, new []artefact.Comment) {
	before, after := commentsBy(old), commentsBy(new)
	told := r.labels()
	came, went := only(after, before), only(before, after)
	all := maps.Clone(before)
	maps.Copy(all, after)
	order := func(a, b aboutOf) int { return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.about, b.about)) }
	for _, of := range slices.SortedFunc(maps.Keys(all), order) {
		was, is := commentTexts(before[of]), commentTexts(after[of])
		isTold := func(text string) bool { return told[text] }
		switch {
		case slices.Equal(was, is):
		case (was == nil || is == nil) && strings.HasPrefix(of.about, artefact.TitleOf):
		case was == nil && (slices.ContainsFunc(is, isTold) || went[textsIn(of.file, is)]):
		case is == nil && (slices.ContainsFunc(was, isTold) || came[textsIn(of.file, was)]):
		default:
			r.addComment(fmt.Sprintf("%s:%d", of.file, firstChange(before[of], after[of])), besides(was, is), besides(is, was))
		}
	}
}

// only returns what the comments say together that one side alone has about something.
func only(one, other map[aboutOf][]artefact.Comment) map[string]bool {
	all := map[string]bool{}
	for of, list := range one {
		if other[of] == nil {
			all[textsIn(of.file, commentTexts(list))] = true
		}
	}
	return all
}

func textsIn(file string, texts []string) string { return file + "\n" + strings.Join(texts, "\n") }

func commentsBy(list []artefact.Comment) map[aboutOf][]artefact.Comment {
	by := map[aboutOf][]artefact.Comment{}
	for _, c := range list {
		of := aboutOf{c.File, c.About}
		by[of] = append(by[of], c)
	}
	return by
}

func commentTexts(list []artefact.Comment) (texts []string) {
	for _, c := range list {
		texts = append(texts, c.Text)
	}
	return texts
}

// firstChange is the line of the first comment that the other list does not have in its
// place, among the new lines if they have one.
func firstChange(old, new []artefact.Comment) int {
	same := 0
	for same < min(len(old), len(new)) && old[same].Text == new[same].Text {
		same++
	}
	if same < len(new) {
		return new[same].Line
	}
	return old[same].Line
}

// labels are what stands beside flows that came or went.
func (r *report) labels() map[string]bool {
	all := map[string]bool{}
	for _, one := range slices.Concat(r.Added, r.Removed) {
		for _, e := range one.Entries {
			all[e.ID] = true
		}
	}
	return all
}

// addComment adds a change, or the place of one that other places have alike.
func (r *report) addComment(place string, old, new []string) {
	key := textsIn(strings.Join(old, "\n")+"\x00", new)
	if i, known := r.commentAt[key]; known {
		r.Comments[i].Places = append(r.Comments[i].Places, place)
		return
	}
	if r.commentAt == nil {
		r.commentAt = map[string]int{}
	}
	r.commentAt[key] = len(r.Comments)
	r.Comments = append(r.Comments, reportComment{[]string{place}, old, new})
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

// fileChanges compares files that no generator reads.
func fileChanges(old, new artefact.Files) (changes []reportFile) {
	all := maps.Clone(old)
	maps.Copy(all, new)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		before, had := old[name]
		after, has := new[name]
		switch {
		case !had:
			changes = append(changes, reportFile{name, "added"})
		case !has:
			changes = append(changes, reportFile{name, "removed"})
		case !bytes.Equal(before, after):
			changes = append(changes, reportFile{name, "changed"})
		}
	}
	return changes
}

// proxyReports tells what a proxy allows, each part with the entries of its whole rule.
func proxyReports(c rule.Change, p *rule.Policy, file string) []reportRule {
	for i := range c.Rules {
		c.Rules[i].Entries = c.Rules[i].Rule.Entries
	}
	list := ruleReports(c, p)
	for i := range list {
		list[i].Place = file
	}
	return list
}

func wayReports(changes []rule.RouteChange, file string) []reportRoute {
	list := routeReports(changes)
	for i := range list {
		list[i].Role, list[i].Place = "", file
	}
	return list
}

// zoneReport tells the zones of a that b does not trust.
func zoneReport(a, b []artefact.Zone, file string) []listedSite {
	zones := artefact.BeyondZones(a, b)
	if len(zones) == 0 {
		return nil
	}
	site := listedSite{Entry: file}
	for _, z := range zones {
		site.Names = append(site.Names, z.String())
	}
	return []listedSite{site}
}
