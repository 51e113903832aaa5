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
		summary: "write a site file with blanks for open items",
		usage: `gatewright init [--merge]

Writes a site file: gatewright.json, or the file that --site names. It holds the
values of the flags, and a blank <like this> for every open item. An item stays
open until its blank is filled in, and the other rules work without it. --merge
adds blanks for new open items to an existing file and changes nothing else.

    gatewright init --bind clients=10.20.0.0/16 --set pac.proxy=192.0.2.3:3128
    gatewright init --merge
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			flags.BoolVar(&toMerge, "merge", false, "add blanks for new open items to the existing file")
			flags.BoolVar(&inv.json, "json", false, "print what was done as JSON on stdout")
			flags.BoolVarP(&inv.console.Quiet, "quiet", "q", false, "print only errors")
		},
		run: func(inv *invocation, args []string) error {
			if len(args) > 0 {
				return usagef("init: unexpected operand %q; name the file with --site", args[0])
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
		return fmt.Errorf("%s exists already; add the flags' values to it by hand and then run init --merge without them, or write another file with --site", file)
	case there && !toMerge:
		return fmt.Errorf("%s exists already; to add blanks for new open items, use --merge", file)
	case !there && toMerge:
		return fmt.Errorf("%s does not exist; to write it, omit --merge", file)
	case toMerge && inv.site.says():
		return usagef("init: --merge adds only open items; omit the other flags, and add their values to %s by hand", file)
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
	done := fmt.Sprintf("%s <like this>; fill in those that you need, and run `gatewright generate%s`", words.Count(blanks, "blank"), inv.site.source())
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
