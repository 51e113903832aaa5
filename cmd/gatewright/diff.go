package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/spf13/pflag"

	"gatewright/catalog/plainfile"
	"gatewright/catalog/suggest"
	"gatewright/cmd/gatewright/internal/change"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/output"
	"gatewright/cmd/gatewright/internal/report"
)

func diffCommand() command {
	return command{
		name:    "diff",
		summary: "show which flows are newly or no longer accepted",
		usage: `gatewright diff OLD NEW

Compares two catalogues, two site files, two folders of rule files, or a site
file with a folder. A catalogue is a file or a name such as
m365-additional@2018-10-23, and this site's bindings and answers apply to both
catalogues. Each site file is read with its own catalogues.

Flows are compared exactly, whatever the names of the rules and however they are
split. Renaming or splitting rules shows no changed flow. Changes of entries and
of open items are listed separately. The exit status is 1 if there is a
difference.

Rule files are compared by their effect: accepted flows, routes of requests,
browser zones and other effects of options. Their comments are compared, too. A
value that was changed by hand is used as it is, and reported. A line that
generate does not write is an error with exit status 3. Old files of an earlier
format are generated again if there is a site file. Other files are compared as
text.

    gatewright diff m365-additional@2018-10-23 m365-additional
    gatewright diff old.json worldwide.json --format markdown
    gatewright diff main/gatewright.json gatewright.json --json
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			inv.registerFormat(flags)
			flags.BoolVar(&inv.json, "json", false, "print JSON, with everything that text output shortens")
			flags.BoolVarP(&inv.console.Quiet, "quiet", "q", false, "print only errors; see the exit status")
		},
		operands: comparables,
		run:      diff,
	}
}

func diff(inv *invocation, args []string) error {
	if len(args) != 2 {
		return usagef("diff: name OLD and NEW: two catalogues, two site files, two folders, or a site file and a folder")
	}
	if err := inv.checkFormat("diff"); err != nil {
		return err
	}
	for _, name := range args {
		if isURL(name) {
			return usagef("diff: OLD and NEW must be files or folders, not URLs; download a catalogue with `gatewright fetch URL -o FILE`")
		}
	}
	inv.site.paired = inv.site.output == ""
	outputs, err := inv.comparedOutputs(args)
	if err != nil {
		return err
	}
	var reports []change.Diff
	equal := true
	for _, name := range outputs {
		r, err := inv.withOutput(name).compare(args[0], args[1])
		if err != nil {
			return err
		}
		r.Output = name
		reports, equal = append(reports, r), equal && r.Equal
	}
	if err := inv.showAll(reports); err != nil {
		return err
	}
	if !equal {
		return errDifferent
	}
	return nil
}

// comparedOutputs are the outputs of the site files and folders that are compared, each
// by itself, or of the site that catalogues are compared for; one without a name where
// there are none.
func (inv *invocation) comparedOutputs(args []string) (names []string, err error) {
	if inv.site.output != "" {
		return []string{inv.site.output}, nil
	}
	catalogs := true
	for _, arg := range args {
		some, isCatalog, err := inv.outputsOf(arg)
		if err != nil {
			return nil, err
		}
		catalogs = catalogs && isCatalog
		for _, name := range some {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if catalogs {
		s, _, err := inv.site.read()
		if err != nil {
			return nil, err
		}
		names = s.OutputNames()
	}
	if names == nil {
		return []string{""}, nil
	}
	return names, nil
}

// outputsOf are the outputs of a site file, or those whose folders stand in a folder; a
// catalogue has none.
func (inv *invocation) outputsOf(arg string) (names []string, isCatalog bool, err error) {
	if isFolder(arg) {
		root, err := plainfile.Named(arg).OpenFolder()
		if err != nil {
			return nil, false, err
		}
		defer root.Close()
		if names, err = output.Folders(root); len(names) == 0 || output.Holds(root) {
			names = append([]string{""}, names...) // of a site without outputs
		}
		return names, false, err
	}
	isSite, err := inv.isSiteFile(arg)
	if err != nil || !isSite || inv.site.file != "" {
		return nil, !isSite, err
	}
	one := inv.site.withFile(arg)
	s, _, err := one.read()
	if err != nil {
		return nil, false, err
	}
	return s.OutputNames(), false, nil
}

// showAll shows a report, or one for each output.
func (inv *invocation) showAll(reports []change.Diff) error {
	if inv.json && !inv.console.Quiet && (len(reports) > 1 || reports[0].Output != "") {
		return console.WriteJSONList(inv.stdout, "outputs", slices.Values(reports))
	}
	for i, r := range reports {
		if i > 0 && !inv.console.Quiet {
			fmt.Fprintln(inv.stdout)
		}
		if err := inv.show(r); err != nil {
			return err
		}
	}
	return nil
}

func (inv *invocation) compare(oldName, newName string) (change.Diff, error) {
	if isFolder(oldName) || isFolder(newName) {
		return inv.compareFolders(oldName, newName)
	}
	old, new, err := inv.compilePair(oldName, newName)
	if err != nil {
		return change.Diff{}, err
	}
	return compareSites(old, new)
}

// formats are those of the report; the first is the default.
func formats() []string { return []string{"text", "markdown"} }

func (inv *invocation) registerFormat(flags *pflag.FlagSet) {
	flags.StringVar(&inv.format, "format", "text", "`FORMAT`: text, or markdown for a pull request")
}

func (inv *invocation) checkFormat(command string) error {
	if !slices.Contains(formats(), inv.format) {
		return usagef("%s: --format %q: %s", command, inv.format, suggest.OneOf(inv.format, formats()))
	}
	return nil
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

func (inv *invocation) show(r change.Diff) error {
	switch {
	case inv.console.Quiet:
		return nil
	case inv.json:
		return console.WriteJSON(inv.stdout, r)
	case inv.format == "markdown":
		return report.Markdown(inv.stdout, r)
	}
	return report.Text(inv.stdout, r)
}
