package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gatewright/catalog/plainfile"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/output"
	"gatewright/cmd/gatewright/internal/words"
	"gatewright/generators"
)

func initCommand() command {
	toMerge := false
	return command{
		name:    "init",
		summary: "write a site file that asks for what is open",
		usage: `gatewright init [--merge]

Writes a site file, gatewright.json or that of --site: what the flags say, and
every open item with a blank to fill in, <like this>. A blank that is not
filled in leaves its item open and stops nothing. --merge adds to a file that is
there what is newly open, and changes nothing else in it.

    gatewright init --bind clients=10.20.0.0/16 --set pac.proxy=192.0.2.3:3128
    gatewright init --merge
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			flags.BoolVar(&toMerge, "merge", false, "add what is newly open to the file that is there")
			flags.BoolVar(&inv.json, "json", false, "tell what was done as JSON on stdout")
			flags.BoolVarP(&inv.console.Quiet, "quiet", "q", false, "say nothing but errors")
		},
		run: func(inv *invocation, args []string) error {
			if len(args) > 0 {
				return usagef("init: %q is too much; --site names the file", args[0])
			}
			return inv.initSite(toMerge)
		},
	}
}

// siteMode is the mode of a new site file.
const siteMode fs.FileMode = 0o644

func (inv *invocation) initSite(toMerge bool) error {
	file := cmp.Or(inv.site.file, defaultSite)
	root, err := plainfile.Named(filepath.Dir(file)).OpenFolder()
	if err != nil {
		return err
	}
	defer root.Close()
	name := filepath.Base(file)
	data, err := plainfile.Read(root, name, maxSite)
	there := err == nil
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("site file: %w", err)
	case there && !toMerge && inv.site.says():
		return fmt.Errorf("%s is there already; write the flags' values into it, then --merge alone adds what is newly open; or write another file with --site", file)
	case there && !toMerge:
		return fmt.Errorf("%s is there already; --merge adds what is newly open to it", file)
	case !there && toMerge:
		return fmt.Errorf("%s is not there; leave --merge out to write it", file)
	case toMerge && inv.site.says():
		return usagef("init: --merge adds open items alone; write the other flags' values into %s", file)
	case !there:
		inv.site.missing = true // as a file that --site names may be here alone
	}
	inv.site.whole = true
	s, _, result, err := inv.compile()
	if err != nil {
		return err
	}
	if err := checkSite(s); err != nil {
		return err
	}
	all := suggestions(result)
	text, added := "", len(all)
	if !toMerge {
		if text, err = inv.newSite(s, all); err != nil {
			return err
		}
	} else {
		if text, added, err = merge(file, string(data), all); err != nil {
			return err
		}
		if added == 0 {
			if _, err := output.ClearNew(root, name); err != nil {
				return err
			}
			return inv.tellInit(file, 0, "nothing is newly open", result)
		}
	}
	if _, err := site.Read(file, []byte(text)); err != nil {
		return err
	}
	if err := output.Replace(root, name, []byte(text), siteMode); err != nil {
		return fmt.Errorf("%s: %w", filepath.Dir(file), err)
	}
	done := fmt.Sprintf("%s; fill in those that matter to you, <like this>, and run `gatewright generate%s`", words.Count(added, "blank"), inv.site.source())
	return inv.tellInit(file, added, done, result)
}

// tellInit tells what was done: in words, or as JSON with what is open.
func (inv *invocation) tellInit(file string, added int, done string, result *site.Result) error {
	if inv.json {
		return console.WriteJSON(inv.stdout, struct {
			Version console.Version `json:"version"`
			File    string          `json:"file"`
			Added   int             `json:"added"` // blanks that this run wrote
			Open    []rule.Open     `json:"open"`
		}{File: file, Added: added, Open: openItems(result.Policy.Open)})
	}
	inv.console.Sayf("%s: %s", file, done)
	return nil
}

// newSite is a site file that says what the flags say, and asks for the rest.
func (inv *invocation) newSite(s *site.Site, all []suggestion) (string, error) {
	var b strings.Builder
	b.WriteString(`// What this network decides. A value <like this> is a blank: until it is filled in, its
// item stays open and nothing is rendered for it. What the site does not need is
// closed by "answers": { "ID": { "dismissed": "why" } }. "remote": "any" is the last
// resort: it opens the rule to every host.
{
`)
	var catalogs []string
	file := cmp.Or(inv.site.file, defaultSite)
	for _, ref := range s.Catalogs {
		within, ok := site.RefFrom(filepath.Dir(file), ref)
		if !ok {
			return "", fmt.Errorf("init: --catalog %s is not in the folder of %s, and a site file names files of its own folder alone; put it there, or write the site file beside it with --site", ref, file)
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
	b.WriteString(siteBlock(slices.DeleteFunc(slices.Clone(all), func(one suggestion) bool {
		return one.Section == site.SectionValues || one.Section == site.SectionBind
	})))
	b.WriteString("}\n")
	return b.String(), nil
}

// writeMembers writes an object with lines of its own before the suggested ones.
func writeMembers(b *strings.Builder, section string, own []string, all []suggestion) {
	lines := append(own, sectionLines(section, all)...)
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
