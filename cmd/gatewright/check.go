package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/spf13/pflag"

	"gatewright/catalog/site"
	"gatewright/catalog/suggest"
	"gatewright/cmd/gatewright/internal/output"
	"gatewright/cmd/gatewright/internal/report"
	"gatewright/cmd/gatewright/internal/words"
)

func checkCommand() command {
	return command{
		name:    "check",
		summary: "check that the files are what generate would write, for CI",
		usage: `gatewright check [GENERATOR...] -o DIR

Makes the rule files in memory and compares them with those in DIR (default: the
site file's "output"). A difference is shown on stdout as a unified diff, and
then as the flows that the files accept or route differently. The exit status is
then 1. A line that generate does not write is reported as unknown. Nothing is
written.

The expectations of the site file ("expect") are checked against the policy and
against the files in DIR. Each one must hold for every flow that it covers. If
one does not, check shows a counterexample, and the exit status is 1.

The formats json, junit, github and gitlab also report shortfalls and lint
findings. These fail the check with --strict or with "lint": "error" in the site
file. With --new BASE they fail it if BASE does not have them. BASE may be a git
revision: its files are read from git without a checkout, and no program that
the repository names is run.

    gatewright check -o out
    gatewright check --format github
    gatewright check --new origin/main --format junit
    gatewright check --site gatewright.json --strict
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			flags.StringVarP(&inv.output, "output", "o", "", "`DIR` that holds the files")
			flags.BoolVar(&inv.strict, "strict", false, "also fail on open items and shortfalls that the site file does not tolerate")
			flags.StringVar(&inv.base, "new", "", "fail only on shortfalls and lint findings that are not in `BASE`: a folder with an earlier site file, or a git revision")
			flags.StringVar(&inv.format, "format", "text", "`FORMAT`: text, json, junit, github for annotations, or gitlab for its code quality report")
			flags.BoolVar(&inv.json, "json", false, "as JSON; the same as --format json")
			flags.BoolVarP(&inv.console.Quiet, "quiet", "q", false, "print only errors; see the exit status")
		},
		operands: generatorNames,
		run:      check,
	}
}

func check(inv *invocation, names []string) error {
	switch {
	case !slices.Contains(report.FindingFormats(), inv.format):
		return usagef("check: --format %q: %s", inv.format, suggest.OneOf(inv.format, report.FindingFormats()))
	case inv.json && inv.format != "text":
		return usagef("check: --json and --format exclude each other; omit one of them")
	case inv.json:
		inv.format = "json"
	}
	inv.found = &report.Findings{}
	var done []string
	err := inv.eachOutput(names, func(one *invocation, names []string) error {
		text, err := one.checkAll(names)
		done = append(done, text)
		return err
	})
	if err == nil && len(names) == 0 && inv.site.output == "" {
		err = inv.tellLeftOutputs()
	}
	if err == nil && inv.base != "" && inv.site.output == "" {
		err = inv.tellGoneOutputs()
	}
	if err != nil && inv.format != "text" { // a machine has to see it, too
		inv.found.All = append(inv.found.All, report.FindingsOf(err)...)
	}
	home := site.Place{File: cmp.Or(inv.site.file, defaultSite), Line: 1, Col: 1}
	if failed := inv.found.Write(inv.stdout, inv.format, home); err == nil {
		err = failed
	}
	switch {
	case err != nil:
		return err
	case inv.found.Failed():
		return errDifferent
	case inv.format == "text":
		for _, one := range done {
			inv.console.Sayf("%s", one)
		}
	}
	return nil
}

// checkAll does every check, and says that nothing differs if so. An error is what kept
// it from checking.
func (inv *invocation) checkAll(names []string) (done string, err error) {
	p, err := inv.produce(names)
	if err != nil {
		return "", err
	}
	if p.dir == "" {
		return "", usagef("check: no folder to compare with; name it with -o, or with \"output\" in the site file")
	}
	root, err := p.folder.OpenFolder()
	if errors.Is(err, fs.ErrNotExist) {
		inv.findFile("%s", p.noFolder())
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer root.Close()
	if output.Interrupted(root) {
		inv.findFile("%s: %v", p.dir, output.ErrMixed)
		return "", nil
	}
	files, err := p.readOutputs(root)
	if err != nil {
		return "", err
	}
	expected, err := p.ask(files)
	if err != nil {
		return "", err
	}
	if err := inv.compareFiles(p, files); err != nil {
		return "", err
	}
	if err := inv.tellStale(p, root, len(names) == 0); err != nil {
		return "", err
	}
	if err := inv.addShortfalls(p); err != nil {
		return "", err
	}
	inv.tellExpected(p, expected)
	return fmt.Sprintf("%s is up to date: %s", p.dir, words.Count(p.count(), "file")), nil
}
