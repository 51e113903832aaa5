package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"
)

func checkCommand() command {
	return command{
		name:    "check",
		summary: "tell whether the files are what generate would write; for CI",
		usage: `gatewright check [GENERATOR...] -o DIR

Makes the rule files in memory and compares them with those in DIR (default: the
site file's output). A difference is shown as a unified diff on stdout, and the
exit status is then 1. Nothing is written.

    gatewright check -o out
    gatewright check --site gatewright.json --strict
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			flags.StringVarP(&inv.output, "output", "o", "", "`DIR` that holds the files")
			flags.BoolVar(&inv.strict, "strict", false, "also fail on open items and shortfalls that the site does not tolerate")
			flags.BoolVarP(&inv.talk.quiet, "quiet", "q", false, "say nothing but errors; the exit status tells")
		},
		run: check,
	}
}

func check(inv *invocation, names []string) error {
	p, err := inv.produce(names)
	if err != nil {
		return err
	}
	if p.dir == "" {
		return usagef("check: no folder to compare with; name it with -o, or with \"output\" in the site file")
	}
	if interrupted(p.dir) {
		inv.talk.errorf("%s: an earlier run was interrupted; run generate again to finish it", p.dir)
		return errDifferent
	}
	var different bool
	if inv.strict {
		for _, s := range p.shortfalls() {
			inv.talk.errorf("%s", s)
			different = true
		}
	}
	for _, a := range p.artefacts() {
		file := filepath.Join(p.dir, filepath.FromSlash(a.Name))
		have, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err == nil && bytes.Equal(have, a.Data) {
			continue
		}
		different = true
		if !inv.talk.quiet {
			fmt.Fprint(inv.stdout, unifiedDiff(file, have, a.Data))
		}
	}
	stale, err := p.stale()
	if err != nil {
		return err
	}
	for _, name := range stale {
		inv.talk.errorf("%s: nothing makes this file any more", filepath.Join(p.dir, filepath.FromSlash(name)))
		different = true
	}
	if different {
		return errDifferent
	}
	inv.talk.sayf("%s is up to date: %s", p.dir, count(p.files(), "file"))
	return nil
}

// stale returns the files that the same generators made before and make no more.
func (p *production) stale() ([]string, error) {
	old, err := readRecords(filepath.Join(p.dir, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var made []record
	for _, a := range p.artefacts() {
		made = append(made, record{name: a.Name})
	}
	_, gone := split(old, made, p.outputs)
	var names []string
	for _, r := range gone {
		if _, err := os.Stat(filepath.Join(p.dir, filepath.FromSlash(r.name))); err == nil {
			names = append(names, r.name)
		}
	}
	return names, nil
}
