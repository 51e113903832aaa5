package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/pflag"

	"gatewright/catalog/plainfile"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/output"
	"gatewright/cmd/gatewright/internal/report"
	"gatewright/cmd/gatewright/internal/words"
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
	all := report.Suggestions(result)
	text, added := "", len(all)
	if !toMerge {
		if text, err = inv.newSite(s, all); err != nil {
			return err
		}
	} else {
		if text, added, err = report.Merge(file, string(data), all); err != nil {
			return err
		}
		if added == 0 {
			if err := output.ClearNew(root, name); err != nil {
				return err
			}
			return inv.tellInit(file, 0, "nothing is newly open", result)
		}
	}
	if _, err := site.Read(file, []byte(text)); err != nil {
		return err
	}
	blanks, err := newBlanks(file, string(data), text)
	if err != nil {
		return err
	}
	if err := output.Replace(root, name, []byte(text), siteMode); err != nil {
		return fmt.Errorf("%s: %w", filepath.Dir(file), err)
	}
	done := fmt.Sprintf("%s; fill in those that matter to you, <like this>, and run `gatewright generate%s`", words.Count(blanks, "blank"), inv.site.source())
	return inv.tellInit(file, blanks, done, result)
}

// newBlanks counts the blanks that a site file has beyond those that it had.
func newBlanks(file, before, now string) (n int, err error) {
	if n, err = site.Blanks(file, []byte(now)); err != nil || before == "" {
		return n, err
	}
	old, err := site.Blanks(file, []byte(before))
	return n - old, err
}

// tellInit tells what was done: in words, or as JSON with what is open.
func (inv *invocation) tellInit(file string, added int, done string, result *site.Result) error {
	if inv.json {
		return console.WriteJSON(inv.stdout, struct {
			Version console.Version `json:"version"`
			File    string          `json:"file"`
			Added   int             `json:"added"` // blanks that this run wrote
			Open    []words.Open    `json:"open"`
		}{File: file, Added: added, Open: words.OpenItems(result.Policy.Open)})
	}
	inv.console.Sayf("%s: %s", file, done)
	return nil
}
