package main

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gatewright/catalog/plainfile"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/output"
	"gatewright/cmd/gatewright/internal/report"
	"gatewright/generators"
	"gatewright/generators/artefact"
)

func generateCommand() command {
	return command{
		name:    "generate",
		summary: "write the rule files",
		usage: `gatewright generate [GENERATOR...] [-o DIR|-]

Writes the rule files of the named generators for the selected entries. Without
a name it uses the generators of the site file, or else all of them. A single
text file goes to stdout, unless -o or the site file's "output" names a folder.
-o - always means stdout. The summary on stderr shows what was rendered, what
could not be rendered, and what is open, with the lines to add for it.

    gatewright generate -o out
    gatewright generate pac -o - --set pac.proxy=192.0.2.3:8080 > proxy.pac
    gatewright generate nftables --bind exchange=192.0.2.10 -o /etc/gatewright
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			flags.StringVarP(&inv.output, "output", "o", "", "`DIR` to write to, or - for stdout (default: the site file's output, else stdout)")
			flags.BoolVar(&inv.strict, "strict", false, "fail and write nothing if there are open items or shortfalls that the site file does not tolerate")
			flags.BoolVar(&inv.full, "coverage", false, "show every generator's verdict on every rule")
			flags.BoolVar(&inv.json, "json", false, "print the summary as JSON on stdout; needs -o DIR")
			flags.BoolVarP(&inv.console.Quiet, "quiet", "q", false, "print only errors")
		},
		operands: generatorNames,
		run:      generate,
	}
}

// generate makes every output before it writes the first.
func generate(inv *invocation, names []string) error {
	var all []*production
	err := inv.eachOutput(names, func(one *invocation, names []string) error {
		p, err := one.prepare(names)
		all = append(all, p)
		return err
	})
	if err != nil {
		return err
	}
	if len(all) > 1 && all[0].dir == "" {
		return usagef("generate: the site file has %d outputs, which cannot all go to stdout; name a folder with -o, or one output with --for", len(all))
	}
	if inv.json { // before the files: where the account cannot be given, nothing is written
		if err := inv.writeAccounts(all); err != nil {
			return err
		}
	}
	for _, p := range all {
		if err := inv.deliver(p); err != nil {
			return err
		}
	}
	return nil
}

// writeAccounts writes the account of the run as JSON: a list of them where the site
// file has several outputs.
func (inv *invocation) writeAccounts(all []*production) error {
	var accounts []report.Account
	for _, p := range all {
		p.warn(inv.console)
		accounts = append(accounts, p.run().Account())
	}
	if all[0].site.Name == "" {
		return console.WriteJSON(inv.stdout, accounts[0])
	}
	return console.WriteJSONList(inv.stdout, "outputs", slices.Values(accounts))
}

// prepare makes an output in memory, and refuses what is not to be written.
func (inv *invocation) prepare(names []string) (*production, error) {
	p, err := inv.produce(names)
	if err != nil {
		return nil, err
	}
	if inv.json && p.dir == "" {
		return nil, usagef("generate: --json prints the summary on stdout; name a folder for the files with -o")
	}
	if p.dir == "" && p.count() != 1 {
		return nil, usagef("generate: %d files cannot all go to stdout; name a folder with -o, or one generator that makes a single file", p.count())
	}
	if inv.strict {
		if short := p.shortfalls(); len(short) > 0 {
			for _, s := range short {
				inv.console.Errorf("%s", s.text)
			}
			if len(p.result.Policy.Open) > 0 {
				inv.console.Sayf("gatewright list open shows what to write for open items")
			}
			inv.console.Sayf("nothing was written")
			return nil, errDifferent
		}
	}
	return p, nil
}

// deliver writes the files and tells what they are.
func (inv *invocation) deliver(p *production) error {
	if err := inv.write(p); err != nil {
		return err
	}
	if err := inv.tellOthers(p); err != nil || inv.json {
		return err
	}
	p.run().Tell(inv.console, inv.full)
	p.warn(inv.console)
	if all := report.Suggestions(p.result); len(all) > 0 {
		p.run().TellOpen(inv.console, all, inv.site.writeOpen(all))
	}
	return nil
}

func (inv *invocation) write(p *production) error {
	if p.dir != "" {
		return inv.writeFolder(p.folder, p.outputs)
	}
	for _, a := range p.artefacts() {
		if err := inv.stdout.Raw(string(a.Data)); err != nil {
			return err
		}
	}
	return nil
}

// writeFolder writes files to a folder, and tells of those that stay there.
func (inv *invocation) writeFolder(folder plainfile.Path, made []artefact.Made) error {
	changed, err := output.Write(folder, made, generators.Makes)
	for _, name := range changed {
		inv.console.Warnf("%s: no generator makes this file any more; it stays, because it was changed by hand", folder.Beside("/"+name))
	}
	return err
}

// tellOthers tells which generators' files stay in the folder as an earlier run made
// them: they may be of another policy.
func (inv *invocation) tellOthers(p *production) error {
	if p.dir == "" {
		return nil
	}
	root, err := p.folder.OpenFolder()
	if err != nil {
		return err
	}
	defer root.Close()
	left, err := output.LeftIn(p.folder, root, p.outputs, generators.Makes)
	if err == nil && len(left.Of) > 0 {
		inv.console.Warnf("%s: the files of %s are from an earlier run; name these generators, too, to make the files again, or remove the files", p.dir, strings.Join(left.Of, ", "))
	}
	return err
}
