package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gatewright/catalog/suggest"
	"gatewright/cmd/gatewright/internal/change"
	"gatewright/cmd/gatewright/internal/output"
	"gatewright/cmd/gatewright/internal/report"
	"gatewright/cmd/gatewright/internal/words"
	"gatewright/generators"
	"gatewright/generators/artefact"
)

func checkCommand() command {
	return command{
		name:    "check",
		summary: "tell whether the files are what generate would write; for CI",
		usage: `gatewright check [GENERATOR...] -o DIR

Makes the rule files in memory and compares them with those in DIR (default: the
site file's output). A difference is shown as a unified diff on stdout, then as
what the files accept and send another way, and the exit status is 1. What lines
do that generate does not write is unknown, and told so. Nothing is written.

What the site file expects of flows ("expect") is asked of the policy and of
what the files in DIR do: each expectation holds for every flow that it stands
for, or one flow is shown for which it does not, and the exit status is 1. What
outputs fall short of, and what lint finds, is told by the formats for machines,
and fails with --strict, with "lint": "error" in the site file, or if --new BASE
does not have it. Of a revision, files are read as git holds them; nothing is
checked out, and nothing runs that the repository names.

    gatewright check -o out
    gatewright check --format github
    gatewright check --new origin/main --format junit
    gatewright check --site gatewright.json --strict
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			flags.StringVarP(&inv.output, "output", "o", "", "`DIR` that holds the files")
			flags.BoolVar(&inv.strict, "strict", false, "also fail on open items and shortfalls that the site does not tolerate")
			flags.StringVar(&inv.base, "new", "", "fail only on shortfalls and lint findings that the site file in `BASE`, a folder or a git revision of the site file's own, does not have")
			flags.StringVar(&inv.format, "format", "text", "`FORMAT`: text, json, junit, github for annotations, or gitlab for its code quality report")
			flags.BoolVar(&inv.json, "json", false, "as JSON; the same as --format json")
			flags.BoolVarP(&inv.console.Quiet, "quiet", "q", false, "say nothing but errors; the exit status tells")
		},
		operands: generatorNames,
		run:      check,
	}
}

func check(inv *invocation, names []string) error {
	switch {
	case !slices.Contains(checkFormats(), inv.format):
		return usagef("check: --format %q: %s", inv.format, suggest.OneOf(inv.format, checkFormats()))
	case inv.json && inv.format != "text":
		return usagef("check: --json is a format; leave --format out")
	case inv.json:
		inv.format = "json"
	}
	var done []string
	err := inv.site.eachOutput(names, func(names []string) error {
		one, err := inv.checkAll(names)
		done = append(done, one)
		return err
	})
	if err == nil && len(names) == 0 && inv.site.output == "" {
		err = inv.tellLeftOutputs()
	}
	if err == nil && inv.base != "" && inv.site.output == "" {
		err = inv.tellGoneOutputs()
	}
	if err != nil && inv.format != "text" { // a machine has to see it, too
		inv.findings = append(inv.findings, findingsOf(err)...)
	}
	if failed := inv.writeFindings(); err == nil {
		err = failed
	}
	switch {
	case err != nil:
		return err
	case inv.failed():
		return errDifferent
	case inv.format == "text":
		for _, one := range done {
			inv.console.Sayf("%s", one)
		}
	}
	return nil
}

// tellLeftOutputs tells of the folders of outputs that the site file names no more, and of
// files from before it had several.
func (inv *invocation) tellLeftOutputs() error {
	s, dir, err := inv.site.read()
	if err != nil {
		return err
	}
	folder, named, err := outputDir(inv.output, s, dir)
	if err != nil || named == "" {
		return err
	}
	root, err := folder.OpenFolder()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close()
	folders, err := output.Folders(root)
	if err != nil {
		return err
	}
	for _, name := range folders {
		switch below := folder.Beside("/" + name); {
		case len(s.Outputs) == 0: // or another site's
			inv.console.Warnf("%s: files of an output stand here, and the site file names none; if it was an output, remove the folder", below)
		case !slices.Contains(s.OutputNames(), name):
			inv.findFile("%s: of an output that the site file does not name any more; remove the folder", below)
		}
	}
	if output.Holds(root) && len(s.Outputs) > 0 {
		inv.findFile("%s: its files are of no output; remove them and %s, the outputs have folders of their own", folder, output.Manifest)
	}
	return nil
}

// checkAll does every check, and says that nothing differs if so. An error is what kept it
// from checking.
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
		inv.findFile("%s is missing; run generate first, or name the folder that holds the files", p.dir)
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

// compareFiles shows how the files differ from the artefacts: as text, and as what they
// do where a generator reads them.
func (inv *invocation) compareFiles(p *production, r folder) error {
	var text strings.Builder
	different := false
	for _, a := range p.artefacts() {
		have, there := r.files[a.Name]
		if there && bytes.Equal(have, a.Data) {
			continue
		}
		different = true
		switch {
		case !there:
			inv.findFile("%s is missing", p.path(a.Name))
		case !artefact.Opens(have, a.Data):
			inv.findFile("%s:1: not a file of Gatewright's, so that it is not shown; remove it, and generate again", p.path(a.Name))
			continue
		default:
			inv.findings = append(inv.findings, finding{Check: checkFiles, Level: levelError, Text: p.path(a.Name) + " is not what generate would write; generate again"})
		}
		text.WriteString(report.Unified(p.path(a.Name), have, a.Data))
	}
	if !different || inv.console.Quiet || inv.format != "text" {
		return nil
	}
	if _, err := io.WriteString(inv.stdout, text.String()); err != nil {
		return err
	}
	return inv.compareEffects(p, r)
}

// compareEffects shows what the files of a folder do more and less than the artefacts.
func (inv *invocation) compareEffects(p *production, f folder) error {
	var r change.Diff
	for _, o := range p.outputs {
		have, err := f.of(o.Generator)
		var other *artefact.FormatError
		switch {
		case errors.As(err, &other):
			inv.console.Errorf("%v", output.In(p.folder, err))
			continue
		case err != nil:
			inv.console.Errorf("%v; what the file does is unknown", output.In(p.folder, err))
			continue
		}
		g, err := generators.ByName(o.Generator)
		if err != nil {
			return err
		}
		want, err := g.Read(artefact.FilesOf(o.Artefacts))
		if err != nil {
			return err
		}
		if err := r.AddReadings(want, have); err != nil {
			return err
		}
		for _, name := range have.Edited {
			inv.console.Warnf("%s was changed by hand since it was generated", p.path(name))
		}
	}
	r.Old.Name, r.New.Name = "what generate would write", p.dir
	r.Files = nil
	if r.Finish(true); r.Equal {
		return nil
	}
	return report.Text(inv.stdout, r)
}

// tellStale tells of files that nothing makes any more: of the generators that run, and,
// where all of the site's run, of those that the site names no more.
func (inv *invocation) tellStale(p *production, root *os.Root, all bool) error {
	left, err := output.LeftIn(p.folder, root, p.outputs, generators.Makes)
	if err != nil {
		return err
	}
	for _, name := range left.Gone {
		inv.findFile("%s: nothing makes this file any more; generate removes it", p.path(name))
	}
	for _, name := range left.Others {
		if all {
			inv.findFile("%s: of a generator that %s does not name any more; remove it, or name its generator", p.path(name), p.siteFile)
		}
	}
	return nil
}
