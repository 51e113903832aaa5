package main

import (
	"fmt"
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
	"gatewright/generators"
)

// completeName is the command that completion scripts run; help does not list it.
const completeName = "__complete"

// filesToo tells a completion script to offer files besides.
const filesToo = ":files"

// candidate is a word that may stand at the cursor.
type candidate struct{ word, doc string }

func candidates(words ...string) (all []candidate) {
	for _, w := range words {
		all = append(all, candidate{w, ""})
	}
	return all
}

// firstOf offers words for a command's only operand.
func firstOf(words ...string) func(*invocation, []string) []candidate {
	return func(_ *invocation, before []string) []candidate {
		if len(before) > 0 {
			return nil
		}
		return candidates(words...)
	}
}

// generatorNames offers the generators that are not named yet.
func generatorNames(_ *invocation, before []string) (all []candidate) {
	for _, g := range generators.All() {
		if !slices.Contains(before, g.Name()) {
			all = append(all, candidate{g.Name(), g.Description()})
		}
	}
	return all
}

// countedThenFiles offers a generator whose use is counted, and then files.
func countedThenFiles(_ *invocation, before []string) []candidate {
	if len(before) == 0 {
		return candidates(countedGenerators()...)
	}
	return candidates(filesToo)
}

// comparable offers what diff compares: catalogues that ship with the tool, and files.
func comparable(*invocation, []string) []candidate { return catalogNames() }

// flowWords offers the words of a flow, and the roles after "from" and "to".
func flowWords(inv *invocation, before []string) []candidate {
	switch last := slices.Concat([]string{""}, before)[len(before)]; last {
	case "from", "to":
		roles := inv.catalogWords("bind")
		for i := range roles {
			roles[i].word = strings.TrimSuffix(roles[i].word, "=")
		}
		return roles
	case string(rule.Outbound), string(rule.Inbound):
		return candidates("tcp", "udp")
	}
	return candidates(string(rule.Outbound), string(rule.Inbound), "tcp", "udp", "from", "to", "published")
}

// complete prints what may stand in place of the last word, one candidate a line with
// its description after a tab. It tells no errors: the line is not finished.
func (inv *invocation) complete(words []string) {
	if len(words) == 0 {
		return
	}
	before, current := words[:len(words)-1], words[len(words)-1]
	for _, c := range inv.candidates(before, current) {
		if !strings.HasPrefix(c.word, current) && c.word != filesToo || !isPlainWord(c.word) {
			continue
		}
		line := c.word
		if c.doc != "" {
			line += "\t" + strings.Join(strings.Fields(c.doc), " ")
		}
		fmt.Fprintln(inv.stdout, line)
	}
}

// isPlainWord reports whether a word means the same in every shell, unquoted: the names
// in a catalogue are others'.
func isPlainWord(word string) bool {
	return strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-") == ""
}

func (inv *invocation) candidates(before []string, current string) []candidate {
	if len(before) == 0 || len(before) == 1 && before[0] == "help" {
		all := []candidate{}
		for _, c := range commands() {
			all = append(all, candidate{c.name, c.summary})
		}
		return all
	}
	i := slices.IndexFunc(commands(), func(c command) bool { return c.name == before[0] })
	if i < 0 {
		return nil
	}
	c := commands()[i]
	flags := c.flagSet(inv)
	before = before[1:]
	if name, _, ok := strings.Cut(current, "="); ok && strings.HasPrefix(name, "--") {
		_ = flags.Parse(before)
		return prefixed(name+"=", inv.flagValues(c, flags.Lookup(name[2:])))
	}
	if f := awaiting(flags, before); f != nil {
		_ = flags.Parse(before[:len(before)-1])
		return inv.flagValues(c, f)
	}
	_ = flags.Parse(before)
	if strings.HasPrefix(current, "-") {
		return flagNames(flags)
	}
	if c.operands == nil {
		return nil
	}
	return c.operands(inv, flags.Args())
}

func prefixed(prefix string, all []candidate) []candidate {
	for i, c := range all {
		if c.word != filesToo {
			all[i].word = prefix + c.word
		}
	}
	return all
}

// awaiting returns the flag whose value is to follow the words, nil if there is none.
func awaiting(flags *pflag.FlagSet, before []string) *pflag.Flag {
	if len(before) == 0 {
		return nil
	}
	last := before[len(before)-1]
	var f *pflag.Flag
	switch {
	case strings.HasPrefix(last, "--"):
		f = flags.Lookup(last[2:])
	case len(last) == 2 && last[0] == '-':
		f = flags.ShorthandLookup(last[1:])
	}
	if f != nil && f.NoOptDefVal == "" {
		return f
	}
	return nil
}

func flagNames(flags *pflag.FlagSet) (all []candidate) {
	flags.VisitAll(func(f *pflag.Flag) {
		_, doc := pflag.UnquoteUsage(f)
		all = append(all, candidate{"--" + f.Name, doc})
	})
	return all
}

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
			return candidates(checkFormats()...)
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

// namesPlainFiles reports whether the site file and the catalogues of the line can be read
// more than once.
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
