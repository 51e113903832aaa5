package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"gatewright/catalog/plainfile"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/output"
	"gatewright/generators"
	"gatewright/generators/artefact"
)

func generateCommand() command {
	return command{
		name:    "generate",
		summary: "write the rule files",
		usage: `gatewright generate [GENERATOR...] [-o DIR|-]

Writes what the named generators make of the selected entries; all generators,
or those of the site file, if none is named. A single text file goes to stdout
unless -o or the site file's output names a folder; -o - for stdout. The account
on stderr says what was rendered, what could not be, and what is still open with
the lines that answer it.

    gatewright generate -o out
    gatewright generate pac -o - --set pac.proxy=192.0.2.3:8080 > proxy.pac
    gatewright generate nftables --bind exchange=192.0.2.10 -o /etc/gatewright
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			flags.StringVarP(&inv.output, "output", "o", "", "`DIR` to write to, or - for stdout (default: the site file's output, else stdout)")
			flags.BoolVar(&inv.strict, "strict", false, "fail, and write nothing, on open items and shortfalls that the site does not tolerate")
			flags.BoolVar(&inv.full, "coverage", false, "tell every generator's verdict on every rule")
			flags.BoolVar(&inv.json, "json", false, "give the account as JSON on stdout; needs -o DIR")
			flags.BoolVarP(&inv.console.Quiet, "quiet", "q", false, "say nothing but errors")
		},
		operands: generatorNames,
		run:      generate,
	}
}

// production is everything that one run makes, before anything is written.
type production struct {
	site    *site.Site
	result  *site.Result
	outputs []artefact.Made
	dir     string         // output folder; empty for stdout
	folder  plainfile.Path // the same

	writeOpen func([]suggestion) string // says which command writes them into the site file
	siteFile  string                    // the site file, whether or not it is there
	siteDir   string                    // its folder
}

// generate makes every output before it writes the first.
func generate(inv *invocation, names []string) error {
	var all []*production
	err := inv.site.eachOutput(names, func(names []string) error {
		p, err := inv.prepare(names)
		all = append(all, p)
		return err
	})
	if err != nil {
		return err
	}
	if len(all) > 1 && all[0].dir == "" {
		return usagef("generate: the site file has %d outputs, which do not fit stdout; name a folder with -o, or one output with --for", len(all))
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

// writeAccounts writes the account of the run as JSON: a list of them where the site file
// has several outputs.
func (inv *invocation) writeAccounts(all []*production) error {
	var accounts []account
	for _, p := range all {
		p.warn(inv.console)
		accounts = append(accounts, p.account())
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
		return nil, usagef("generate: --json takes stdout for the account; name a folder with -o")
	}
	if p.dir == "" && p.count() != 1 {
		return nil, usagef("generate: %d files do not fit stdout; name a folder with -o, or one generator that makes a single file", p.count())
	}
	if inv.strict {
		if short := p.shortfalls(); len(short) > 0 {
			for _, s := range short {
				inv.console.Errorf("%s", s.text)
			}
			if len(p.result.Policy.Open) > 0 {
				inv.console.Sayf("what to write for open items: gatewright list open")
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
	p.tell(inv.console, inv.full)
	return nil
}

func (inv *invocation) write(p *production) error {
	if p.dir != "" {
		changed, err := output.Write(p.folder, p.outputs, generators.Makes)
		for _, name := range changed {
			inv.console.Warnf("%s: nothing makes this file any more; it stays, because it was changed by hand", p.path(name))
		}
		return err
	}
	for _, a := range p.artefacts() {
		if err := inv.stdout.Raw(string(a.Data)); err != nil {
			return err
		}
	}
	return nil
}

// tellOthers tells which generators' files stay in the folder as an earlier run made them:
// they may be of another policy.
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
		inv.console.Warnf("%s: the files of %s stay as an earlier run made them; name their generators, too, to make them anew, or remove them", p.dir, strings.Join(left.Of, ", "))
	}
	return err
}

// compile loads the site and its catalogues and builds the policy. It returns the
// folder that the site file's output is relative to as well.
func (inv *invocation) compile() (*site.Site, string, *site.Result, error) {
	s, dir, err := inv.site.load()
	if err != nil {
		return nil, "", nil, err
	}
	catalogs, err := s.LoadCatalogs(inv.site.catalogDir(dir))
	if err != nil {
		return nil, "", nil, err
	}
	result, err := site.Build(s, catalogs)
	if err != nil {
		return nil, "", nil, err
	}
	for _, n := range result.Notices {
		inv.console.Warnf("%s: %s", n.Where, n.Text)
	}
	return s, dir, result, nil
}

// produce makes the artefacts of the named generators in memory.
func (inv *invocation) produce(names []string) (*production, error) {
	for _, name := range names {
		if _, err := generators.ByName(name); err != nil {
			return nil, usageError{err}
		}
	}
	return inv.produceChosen(func(s *site.Site) ([]generators.Generator, error) { return choose(s, names), nil })
}

// produceChosen makes the outputs of the generators that are chosen for the site.
func (inv *invocation) produceChosen(choose func(*site.Site) ([]generators.Generator, error)) (*production, error) {
	s, dir, result, err := inv.compile()
	if err != nil {
		return nil, err
	}
	if err := checkSite(s); err != nil {
		return nil, err
	}
	chosen, err := choose(s)
	if err != nil {
		return nil, err
	}
	p := &production{site: s, result: result, siteFile: cmp.Or(inv.site.file, defaultSite), siteDir: dir, writeOpen: inv.site.writeOpen}
	if p.folder, p.dir, err = outputDir(inv.output, s, dir); err != nil {
		return nil, err
	}
	p.outputs = make([]artefact.Made, len(chosen))
	errs := make([]error, len(chosen))
	var wait sync.WaitGroup
	for i, g := range chosen {
		wait.Go(func() { p.outputs[i], errs[i] = generateOne(g, s, result) })
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

func generateOne(g generators.Generator, s *site.Site, result *site.Result) (artefact.Made, error) {
	settings, err := artefact.Configure(g.Options(), s.Options[g.Name()])
	if err != nil {
		return artefact.Made{}, fmt.Errorf("generator %s: %w", g.Name(), err)
	}
	out, err := g.Generate(result.Policy, settings)
	for _, a := range out.Artefacts {
		if len(a.Data) > output.MaxFile {
			err = errors.Join(err, fmt.Errorf("%s has %d KiB, over the limit of %d KiB; select fewer entries, or split the site", a.Name, len(a.Data)>>10, output.MaxFile>>10))
		}
	}
	if err != nil {
		return artefact.Made{}, fmt.Errorf("generator %s: %w", g.Name(), err)
	}
	return artefact.Made{Generator: g.Name(), Settings: settings, Output: out}, nil
}

// outputDir returns the folder to write to, empty for stdout: what the flag says, else
// what the site file says, which may be somebody else's: a folder below its own.
func outputDir(flag string, s *site.Site, siteDir string) (folder plainfile.Path, name string, err error) {
	switch {
	case flag == "-" || flag == "" && (s.Output == "" || s.Output == "-"):
		return folder, "", nil
	case flag != "":
		folder = plainfile.Named(below(flag, s.Name))
	default:
		wrong := ""
		if folder = plainfile.In(siteDir, below(s.Output, s.Name)); folder.Outside() {
			wrong = "leads out of the site file's folder"
		} else if site.IsHidden(s.Output) {
			wrong = "is hidden, as .git/hooks would be"
		}
		if wrong != "" {
			return folder, "", s.Errorf("output", "", "%q %s; write a folder below that, or name this one on the command line: -o %s", s.Output, wrong, folder)
		}
	}
	return folder, folder.String(), nil
}

// below is the folder of an output in another; that one itself without a name.
func below(folder, output string) string {
	if output == "" {
		return folder
	}
	return path.Join(folder, output)
}

// checkSite refuses generators that do not exist, and options that they do not
// take, whether or not this run uses them.
func checkSite(s *site.Site) error {
	var errs []error
	known := func(section, name string) (g generators.Generator, ok bool) {
		g, err := generators.ByName(name)
		if err != nil {
			errs = append(errs, s.Errorf(section, name, "%w", err))
		}
		return g, err == nil
	}
	for _, name := range s.Generators {
		known("generators", name)
	}
	for _, t := range s.Tolerations {
		for _, name := range t.Generators {
			known("tolerate", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Options)) {
		g, ok := known("options", name)
		if !ok {
			continue
		}
		for _, option := range slices.Sorted(maps.Keys(s.Options[name])) {
			one := map[string][]string{option: s.Options[name][option]}
			if _, err := artefact.Configure(g.Options(), one); err != nil {
				errs = append(errs, s.Errorf("options", name+"."+option, "generator %s: %w", name, err))
			}
		}
	}
	return errors.Join(append(errs, checkExpected(s)...)...)
}

// choose returns the generators that the command line names, or the site file, or
// all of them; always in the order of All.
func choose(s *site.Site, names []string) []generators.Generator {
	if len(names) == 0 {
		names = s.Generators
	}
	return slices.DeleteFunc(generators.All(), func(g generators.Generator) bool {
		return len(names) > 0 && !slices.Contains(names, g.Name())
	})
}

// path is where an artefact stands, as people see it.
func (p *production) path(name string) string {
	return filepath.Join(p.dir, filepath.FromSlash(name))
}

func (p *production) artefacts() []artefact.Artefact {
	var all []artefact.Artefact
	for _, o := range p.outputs {
		all = append(all, o.Artefacts...)
	}
	return all
}

func (p *production) count() int { return len(p.artefacts()) }
