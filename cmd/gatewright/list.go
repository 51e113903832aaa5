package main

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gatewright/catalog/site"
	"gatewright/catalog/suggest"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/report"
	"gatewright/cmd/gatewright/internal/words"
)

func listCommand() command {
	return command{
		name:    "list",
		summary: "show entries, rules, trusted sites or open items",
		usage: `gatewright list [entries|rules|trusted-sites|open]

Shows the selected entries and what became of each (the default), the rules that
were made from them, the trusted sites, or the open items. --lint shows lint
findings instead: wildcards under which anybody can get a name, very wide or
reserved prefixes, names that the publisher gave up, endpoints in several
categories, and entries that other entries cover.

    gatewright list --catalog m365-additional@2018-10-23
    gatewright list rules --bind exchange=192.0.2.10
    gatewright list open --json
    gatewright list --lint --strict
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			flags.BoolVar(&inv.json, "json", false, "print JSON, including the entries that are not selected, unless --entry names entries")
			flags.BoolVar(&inv.all, "all", false, "also show the entries that are not selected, and why")
			flags.BoolVar(&inv.lintOnly, "lint", false, "show lint findings for the selected entries, and what to do about them")
			flags.BoolVar(&inv.strict, "strict", false, "with --lint: exit with status 1 if there are findings")
		},
		operands: firstOf(lists()...),
		run:      list,
	}
}

func list(inv *invocation, args []string) error {
	if len(args) > 1 {
		return usagef("list: name one of %s", strings.Join(lists(), ", "))
	}
	switch {
	case inv.lintOnly && (len(args) > 0 || inv.all):
		return usagef("list: --lint shows findings, not a list; omit the list's name and --all")
	case inv.lintOnly:
		return inv.lint()
	case inv.strict:
		return usagef("list: --strict needs --lint; give both or neither")
	}
	what := lists()[0]
	if len(args) > 0 {
		what = args[0]
	}
	if !slices.Contains(lists(), what) {
		return usagef("list: unknown list %q; %s", what, suggest.OneOf(what, lists()))
	}
	_, _, result, err := inv.compile()
	if err != nil {
		return err
	}
	if inv.json {
		return inv.listJSON(what, result)
	}
	t := inv.listTable(what, result)
	if len(t.Header) > 0 {
		err = t.Write(inv.stdout, console.Width(inv.stdout))
	}
	if err != nil {
		return err
	}
	for _, remark := range t.Remarks {
		inv.console.Sayf("%s", remark)
	}
	return nil
}

func (inv *invocation) listTable(what string, r *site.Result) console.Table {
	switch what {
	case "entries":
		return inv.entries(r).Table()
	case "rules":
		return report.RulesTable(r)
	case "trusted-sites":
		return report.SitesTable(r)
	}
	return report.OpenTable(r)
}

func (inv *invocation) listJSON(what string, r *site.Result) error {
	name := strings.ReplaceAll(what, "-", "_")
	switch what {
	case "entries":
		return console.WriteJSONList(inv.stdout, name, inv.entries(r).Listed())
	case "rules":
		return console.WriteJSONList(inv.stdout, name, report.Rules(r))
	case "trusted-sites":
		return console.WriteJSONList(inv.stdout, name, report.Sites(r))
	}
	return console.WriteJSONList(inv.stdout, name, slices.Values(words.OpenItems(r.Policy.Open)))
}

func (inv *invocation) entries(r *site.Result) report.Entries {
	return report.Entries{Result: r, All: inv.all, Named: len(inv.site.sel.Entries) > 0}
}

// lists are what list can show; the first is the default.
func lists() []string { return []string{"entries", "rules", "trusted-sites", "open"} }
