package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gatewright/catalog/rule"
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

// comparables offers what diff compares: catalogues that ship with the tool, and files.
func comparables(*invocation, []string) []candidate { return catalogNames() }

// flowWords offers the words of a flow, and the roles after "from" and "to".
func flowWords(inv *invocation, before []string) []candidate {
	last := ""
	if len(before) > 0 {
		last = before[len(before)-1]
	}
	switch last {
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
