package main

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/report"
	"gatewright/generators"
)

// newSite is a site file that says what the flags say, and asks for the rest.
func (inv *invocation) newSite(s *site.Site, all []report.Suggestion) (string, error) {
	var b strings.Builder
	b.WriteString(`// The decisions of this site. A value <like this> is a blank. Until you fill it in, its
// item stays open and nothing is rendered for it; only "clients" stands for all private
// networks until then. To close an item that the site does not need, write
// "answers": { "ID": { "dismissed": "why" } }. Use "remote": "any" only as a last resort:
// it opens the rule to every host.
{
`)
	var catalogs []string
	file := cmp.Or(inv.site.file, defaultSite)
	for _, ref := range s.Catalogs {
		within, ok := site.RefFrom(filepath.Dir(file), ref)
		if !ok {
			return "", fmt.Errorf("init: --catalog %s is not in the folder of %s; a site file can only name files in its own folder; move the catalogue there, or write the site file beside it with --site", ref, file)
		}
		catalogs = append(catalogs, within)
	}
	if len(catalogs) == 0 {
		catalogs = site.DefaultCatalogs()
	}
	fmt.Fprintf(&b, "  \"catalogs\": %s,\n", jsonList(catalogs))
	if s.Staging.AsOf != "" {
		fmt.Fprintf(&b, "  \"as_of\": %s,\n", site.JSONText(s.Staging.AsOf))
	}
	if s.Staging.KeepRemoved > 0 {
		fmt.Fprintf(&b, "  \"keep_removed\": \"%dd\",\n", s.Staging.KeepRemoved)
	}
	writeSelection(&b, &s.Select)
	writeOptions(&b, s)
	fmt.Fprintf(&b, "  \"output\": %s,\n", site.JSONText(cmp.Or(s.Output, "out")))
	writeMembers(&b, site.SectionValues, valueLines(s), all)
	writeMembers(&b, site.SectionBind, bindLines(s), all)
	b.WriteString(report.SiteBlock(slices.DeleteFunc(slices.Clone(all), func(one report.Suggestion) bool {
		return one.Section == site.SectionValues || one.Section == site.SectionBind
	})))
	b.WriteString("}\n")
	return b.String(), nil
}

// writeMembers writes an object with lines of its own before the suggested ones.
func writeMembers(b *strings.Builder, section string, own []string, all []report.Suggestion) {
	lines := append(own, report.SectionLines(section, all)...)
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "  %q: {\n    %s\n  },\n", section, strings.Join(lines, "\n    "))
}

// bindLines are the bindings that the flags give, and the one of the clients.
func bindLines(s *site.Site) []string {
	var lines []string
	if _, bound := s.Bindings[rule.Clients]; !bound {
		lines = append(lines, "// the machines that people use; until it is filled in, all private networks", `"clients": ["<CIDR>"],`)
	}
	for _, role := range slices.Sorted(maps.Keys(s.Bindings)) {
		addresses := strings.Split(s.Bindings[role].Addresses.String(), ", ")
		lines = append(lines, fmt.Sprintf("%q: %s,", role, jsonList(addresses)))
	}
	return lines
}

func valueLines(s *site.Site) []string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(s.Values)) {
		lines = append(lines, fmt.Sprintf("%q: %s,", name, jsonList(s.Values[name])))
	}
	return lines
}

// routeComments say what a PAC file does where the site file says nothing of it.
const routeComments = `  // The PAC file sends to the proxy your own names, too, such as http://10.20.0.1/ or
  // http://www.corp.example.com/, unless "internal" of "pac" has them:
  // "internal": ["*.corp.example.com", "10.20.0.0/16"]. It sends entries direct, past the
  // proxy, by their category; "none" are those that have none, as in a list of your own.
  // These are the routes that hold without any:
  // "routes": [{ "category": ["optimize", "allow", "none"], "via": "direct" }, { "via": "proxy" }],
`

// writeOptions writes the options that the flags give, and asks for the proxy.
func writeOptions(b *strings.Builder, s *site.Site) {
	options := maps.Clone(s.Options)
	if options == nil {
		options = map[string]map[string][]string{}
	}
	for _, g := range generators.All() {
		if !isChooser(g.Name()) || len(options[g.Name()]["proxy"]) > 0 {
			continue
		}
		b.WriteString("  // Without a proxy the PAC file sends everything direct, and does nothing.\n")
		asked := maps.Clone(options[g.Name()])
		if asked == nil {
			asked = map[string][]string{}
		}
		asked["proxy"] = []string{"<HOST:PORT>"}
		options[g.Name()] = asked
	}
	b.WriteString(routeComments)
	b.WriteString("  \"options\": {\n")
	for _, g := range generators.All() {
		if len(options[g.Name()]) == 0 {
			continue
		}
		var members []string
		for _, name := range slices.Sorted(maps.Keys(options[g.Name()])) {
			members = append(members, fmt.Sprintf("%q: %s", name, jsonList(options[g.Name()][name])))
		}
		fmt.Fprintf(b, "    %q: { %s },\n", g.Name(), strings.Join(members, ", "))
	}
	b.WriteString("  },\n")
}

// writeSelection writes what the flags select.
func writeSelection(b *strings.Builder, sel *site.Selection) {
	var members []string
	for _, one := range []struct {
		key  string
		list []string
	}{
		{"area", sel.Areas}, {"category", sel.Categories}, {"tag", sel.Tags}, {"region", sel.Regions}, {"service", sel.Services},
		{"entry", sel.Entries}, {"direction", sel.Directions}, {"instance", sel.Instances}, {"exclude", sel.Exclude},
	} {
		if len(one.list) > 0 {
			members = append(members, fmt.Sprintf("%q: %s", one.key, jsonList(one.list)))
		}
	}
	if sel.RequiredOnly {
		members = append(members, `"required_only": true`)
	}
	if len(members) > 0 {
		fmt.Fprintf(b, "  \"select\": { %s },\n", strings.Join(members, ", "))
	}
}

func jsonList(list []string) string {
	texts := make([]string, len(list))
	for i, s := range list {
		texts[i] = site.JSONText(s)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}
