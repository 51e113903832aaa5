package main

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"

	"gatewright/catalog/site"
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
unless -o names a folder. The account on stderr says what was rendered, what
could not be, and what is still open with the lines that answer it.

    gatewright generate -o out
    gatewright generate pac --set pac.proxy=proxy.example.com:8080 > proxy.pac
    gatewright generate nftables --bind exchange=192.0.2.10 -o /etc/gatewright
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			flags.StringVarP(&inv.output, "output", "o", "", "`DIR` to write to, or - for stdout")
			flags.BoolVar(&inv.strict, "strict", false, "fail, and write nothing, on open items and shortfalls that the site does not tolerate")
			flags.BoolVar(&inv.full, "coverage", false, "tell every generator's verdict on every rule")
			flags.BoolVar(&inv.json, "json", false, "give the account as JSON on stdout; needs -o DIR")
			flags.BoolVarP(&inv.talk.quiet, "quiet", "q", false, "say nothing but errors")
		},
		run: generate,
	}
}

// production is everything that one run makes, before anything is written.
type production struct {
	site    *site.Site
	result  *site.Result
	outputs []generated
	dir     string // output folder; empty for stdout
}

// generated is the output of one generator.
type generated struct {
	name string
	artefact.Output
}

func generate(inv *invocation, names []string) error {
	p, err := inv.produce(names)
	if err != nil {
		return err
	}
	if inv.json && p.dir == "" {
		return usagef("generate: --json takes stdout for the account; name a folder with -o")
	}
	if p.dir == "" && p.files() != 1 {
		return usagef("generate: %d files do not fit stdout; name a folder with -o, or one generator that makes a single file", p.files())
	}
	if inv.strict {
		if short := p.shortfalls(); len(short) > 0 {
			for _, s := range short {
				inv.talk.errorf("%s", s)
			}
			inv.talk.sayf("nothing was written")
			return errDifferent
		}
	}
	if err := inv.write(p); err != nil {
		return err
	}
	if inv.json {
		return writeJSON(inv.stdout, p.account())
	}
	p.tell(inv.talk, inv.full)
	return nil
}

func (inv *invocation) write(p *production) error {
	if p.dir != "" {
		return writeFolder(p.dir, p.outputs)
	}
	for _, a := range p.artefacts() {
		if _, err := inv.stdout.Write(a.Data); err != nil {
			return err
		}
	}
	return nil
}

// compile loads the site and its catalogues and builds the policy.
func (inv *invocation) compile() (*site.Site, string, *site.Result, error) {
	s, dir, err := inv.site.load()
	if err != nil {
		return nil, "", nil, err
	}
	catalogs, err := s.LoadCatalogs(dir)
	if err != nil {
		return nil, "", nil, err
	}
	result, err := site.Build(s, catalogs)
	return s, dir, result, err
}

// produce makes the artefacts of the named generators in memory.
func (inv *invocation) produce(names []string) (*production, error) {
	s, dir, result, err := inv.compile()
	if err != nil {
		return nil, err
	}
	p := &production{site: s, result: result, dir: inv.output}
	if p.dir == "" && s.Output != "" {
		p.dir = filepath.Join(dir, s.Output)
	}
	if p.dir == "-" {
		p.dir = ""
	}
	if err := checkSite(s); err != nil {
		return nil, err
	}
	chosen, err := choose(s, names)
	if err != nil {
		return nil, err
	}
	for _, g := range chosen {
		settings, err := artefact.Configure(g.Options(), s.Options[g.Name()])
		if err != nil {
			return nil, fmt.Errorf("generator %s: %w", g.Name(), err)
		}
		output, err := g.Generate(result.Policy, settings)
		if err != nil {
			return nil, fmt.Errorf("generator %s: %w", g.Name(), err)
		}
		p.outputs = append(p.outputs, generated{g.Name(), output})
	}
	return p, nil
}

// checkSite refuses options and tolerations of generators that do not exist.
func checkSite(s *site.Site) error {
	for name := range s.Options {
		if _, err := generators.ByName(name); err != nil {
			return fmt.Errorf("site file: options: %w", err)
		}
	}
	for name := range s.Tolerate {
		if _, err := generators.ByName(name); err != nil {
			return fmt.Errorf("site file: tolerate: %w", err)
		}
	}
	return nil
}

// choose returns the generators that the command line names, or the site file, or
// all of them; always in the order of All.
func choose(s *site.Site, names []string) ([]generators.Generator, error) {
	if len(names) == 0 {
		names = s.Generators
	}
	for _, name := range names {
		if _, err := generators.ByName(name); err != nil {
			return nil, usageError{err}
		}
	}
	var chosen []generators.Generator
	for _, g := range generators.All() {
		if len(names) == 0 || slices.Contains(names, g.Name()) {
			chosen = append(chosen, g)
		}
	}
	return chosen, nil
}

func (p *production) artefacts() []artefact.Artefact {
	var all []artefact.Artefact
	for _, o := range p.outputs {
		all = append(all, o.Artefacts...)
	}
	return all
}

func (p *production) files() int { return len(p.artefacts()) }
