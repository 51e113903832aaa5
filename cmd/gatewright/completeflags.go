package main

import (
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gatewright/catalog"
	"gatewright/catalog/feed"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/report"
	"gatewright/generators"
)

// flagValues offers values of a flag; a value that only the user knows has none.
func (inv *invocation) flagValues(c command, f *pflag.Flag) []candidate {
	if f == nil {
		return nil
	}
	switch f.Name {
	case "site", "output", "new":
		return candidates(filesToo)
	case "catalog":
		return catalogNames()
	case "category":
		return candidates(site.Categories()...)
	case "direction":
		return candidates(string(rule.Outbound), string(rule.Inbound))
	case "as-of":
		return candidates(site.Today)
	case "format":
		if c.name == "check" {
			return candidates(report.FindingFormats()...)
		}
		return candidates(formats()...)
	case "set":
		return optionNames()
	case "for":
		return inv.outputNames()
	case "instance", "area":
		if c.name == "fetch" {
			return candidates(map[string][]string{"instance": feed.Instances(), "area": feed.ServiceAreas()}[f.Name]...)
		}
	}
	return inv.catalogWords(f.Name)
}

func catalogNames() (all []candidate) {
	for _, info := range catalog.Embedded() {
		all = append(all, candidate{info.Name, ""}, candidate{info.String(), ""})
	}
	slices.SortFunc(all, func(a, b candidate) int { return strings.Compare(a.word, b.word) })
	return append(slices.Compact(all), candidate{filesToo, ""})
}

// optionNames offers generators' options, GENERATOR.OPTION=, with each value where the
// values are known.
func optionNames() (all []candidate) {
	for _, g := range generators.All() {
		for _, o := range g.Options() {
			key := g.Name() + "." + o.Name + "="
			if o.Values == nil {
				all = append(all, candidate{key, o.Doc})
			}
			for _, v := range o.Values {
				all = append(all, candidate{key + v, o.Doc})
			}
		}
	}
	return all
}

// catalogWords offers what the catalogues of the line hold for a flag.
func (inv *invocation) catalogWords(flag string) (all []candidate) {
	seen := map[string]bool{"": true}
	for e := range inv.catalogEntries() {
		for _, word := range entryWords(flag, e) {
			if seen[word] {
				continue
			}
			seen[word] = true
			doc := ""
			if flag == "entry" || flag == "exclude" {
				doc = e.Title
			}
			all = append(all, candidate{word, doc})
		}
	}
	slices.SortFunc(all, func(a, b candidate) int { return strings.Compare(a.word, b.word) })
	return all
}

func entryWords(flag string, e *catalog.Entry) []string {
	switch flag {
	case "entry", "exclude":
		return []string{e.ID}
	case "area":
		return []string{e.Area}
	case "tag":
		return []string{e.Tag}
	case "region":
		return []string{e.Region}
	case "service":
		return []string{e.Service}
	case "instance":
		return e.Instances
	case "bind":
		return []string{roleGiven(e.Role), roleGiven(e.RemoteRole), roleGiven(string(rule.Clients))}
	}
	return nil
}

func roleGiven(role string) string {
	if role == "" {
		return ""
	}
	return role + "="
}

// outputNames offers the outputs of the site file.
func (inv *invocation) outputNames() []candidate {
	if !inv.namesPlainFiles() {
		return nil
	}
	s, _, err := inv.site.read()
	if err != nil {
		return nil
	}
	return candidates(s.OutputNames()...)
}

// namesPlainFiles reports whether the site file and the catalogues of the line can be
// read more than once.
func (inv *invocation) namesPlainFiles() bool {
	for _, file := range append(inv.site.catalogs, inv.site.file) {
		if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
			return false
		}
	}
	return true
}

// catalogEntries yields the entries of the catalogues that the line and the site file
// name: none if they cannot be read, or not more than once.
func (inv *invocation) catalogEntries() func(yield func(*catalog.Entry) bool) {
	return func(yield func(*catalog.Entry) bool) {
		if inv.site.flags == nil || !inv.namesPlainFiles() {
			return
		}
		inv.console = console.New(io.Discard)
		inv.site.whole = true
		s, dir, err := inv.site.load()
		if err != nil {
			return
		}
		catalogs, err := s.LoadCatalogs(inv.site.catalogDir(dir))
		if err != nil {
			return
		}
		for _, c := range catalogs {
			for i := range c.Entries {
				if !yield(&c.Entries[i]) {
					return
				}
			}
		}
	}
}
