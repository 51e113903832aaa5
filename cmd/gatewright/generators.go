package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gatewright/cmd/gatewright/internal/console"
	"gatewright/generators"
	"gatewright/generators/artefact"
)

func generatorsCommand() command {
	return command{
		name:    "generators",
		summary: "list the generators and their options",
		usage: `gatewright generators [GENERATOR...]

Lists the generators and their options, with values and defaults. Set an option
with --set, or under "options" in the site file.
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			flags.BoolVar(&inv.json, "json", false, "print JSON")
		},
		operands: generatorNames,
		run:      listGenerators,
	}
}

type generatorInfo struct {
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Options     []artefact.Option `json:"options"`
}

func listGenerators(inv *invocation, names []string) error {
	all := generators.All()
	if len(names) > 0 {
		all = nil
		for _, name := range names {
			g, err := generators.ByName(name)
			if err != nil {
				return usageError{err}
			}
			all = append(all, g)
		}
	}
	infos := []generatorInfo{}
	for _, g := range all {
		infos = append(infos, generatorInfo{g.Name(), g.Description(), append([]artefact.Option{}, g.Options()...)})
	}
	if inv.json {
		return console.WriteJSONList(inv.stdout, "generators", slices.Values(infos))
	}
	for i, g := range all {
		fmt.Fprintf(inv.stdout, "%s: %s\n", g.Name(), infos[i].Description)
		for _, o := range g.Options() {
			fmt.Fprintf(inv.stdout, "    %-10s %s%s\n", o.Name, o.Doc, optionValues(o))
		}
	}
	return nil
}

func optionValues(o artefact.Option) string {
	var parts []string
	if o.Values != nil {
		parts = append(parts, strings.Join(o.Values, "|"))
	}
	if o.List {
		parts = append(parts, "repeatable")
	}
	if len(o.Default) > 0 {
		parts = append(parts, "default "+strings.Join(o.Default, ", "))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, "; ") + ")"
}
