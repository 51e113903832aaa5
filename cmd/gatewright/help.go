package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gatewright/catalog/suggest"
	"gatewright/cmd/gatewright/internal/console"
)

// helpWidth is the number of columns that help fits.
const helpWidth = 80

// flagSet returns the command's flags, which fill inv.
func (c command) flagSet(inv *invocation) *pflag.FlagSet {
	flags := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolP("help", "h", false, "show this help")
	if c.flags != nil {
		c.flags(inv, flags)
	}
	return flags
}

// flagText is a flag as help and manual show it.
type flagText struct {
	name  string // "-o, --output DIR"
	short bool   // the name starts with a letter's flag
	doc   string // with the default
}

func flagTexts(flags *pflag.FlagSet) (all []flagText) {
	flags.VisitAll(func(f *pflag.Flag) {
		value, doc := pflag.UnquoteUsage(f)
		t := flagText{name: "--" + f.Name, doc: doc}
		if f.Shorthand != "" {
			t.name, t.short = "-"+f.Shorthand+", "+t.name, true
		}
		if f.Value.Type() != "bool" {
			t.name += " " + value
		}
		if d := f.DefValue; !slices.Contains([]string{"", "false", "[]"}, d) {
			t.doc += " (default " + d + ")"
		}
		all = append(all, t)
	})
	return all
}

// flagHelp describes flags for a terminal, one below the other in two columns.
func flagHelp(flags *pflag.FlagSet) string {
	const indent, gap = "  ", "  "
	texts, width := flagTexts(flags), 0
	for i, t := range texts {
		if !t.short {
			texts[i].name = "    " + t.name
		}
		width = max(width, len(texts[i].name))
	}
	var b strings.Builder
	for _, t := range texts {
		name := t.name
		for _, line := range console.Wrap(t.doc, helpWidth-len(indent)-width-len(gap)) {
			fmt.Fprintf(&b, "%s%-*s%s%s\n", indent, width, name, gap, line)
			name = ""
		}
	}
	return b.String()
}

// nearestFlag names the flag that was meant, if the error is about an unknown one.
func nearestFlag(flags *pflag.FlagSet, err error) string {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return ""
	}
	var known []string
	flags.VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
	return suggest.DidYouMean("--"+unknown.GetSpecifiedName(), known)
}
