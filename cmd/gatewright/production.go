package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"sync"

	"gatewright/catalog/plainfile"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/output"
	"gatewright/cmd/gatewright/internal/report"
	"gatewright/generators"
	"gatewright/generators/artefact"
	"gatewright/generators/pac"
)

// isFilter reports whether a generator is of packet filters.
func isFilter(generator string) bool { return generators.IsA(generator, artefact.PacketFilter) }

// isChooser reports whether a generator is of files that choose the way of requests.
func isChooser(generator string) bool { return generators.IsA(generator, artefact.ProxyChooser) }

// production is everything that one run makes, before anything is written.
type production struct {
	site    *site.Site
	result  *site.Result
	outputs []artefact.Made
	dir     string         // output folder; empty for stdout
	folder  plainfile.Path // the same

	siteFile string // the site file, whether or not it is there
	siteDir  string // its folder
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
	p := &production{site: s, result: result, siteFile: cmp.Or(inv.site.file, defaultSite), siteDir: dir}
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
			err = errors.Join(err, fmt.Errorf("%s has %d KiB, over the limit of %d KiB per file; select fewer entries, or split the site", a.Name, len(a.Data)>>10, output.MaxFile>>10))
		}
	}
	if err != nil {
		return artefact.Made{}, fmt.Errorf("generator %s: %w", g.Name(), err)
	}
	return artefact.Made{Generator: g.Name(), Kind: g.Kind(), Settings: settings, Output: out}, nil
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
			return folder, "", s.Errorf("output", "", "%q %s; write a folder below the site file's folder, or name this one on the command line: -o %s", s.Output, wrong, folder)
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

// checkSite refuses generators that do not exist, and options and ways that they do not
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
	for i, route := range s.Routes {
		if err := pac.CheckVia(route.Via); err != nil {
			errs = append(errs, s.Errorf("routes", strconv.Itoa(i), "%w", err))
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

// run is what was made, for its account.
func (p *production) run() report.Run {
	return report.Run{Output: p.site.Name, Result: p.result, Made: p.outputs, Dir: p.dir, SiteFile: p.siteFile}
}

// noFolder says that the output folder is not there.
func (p *production) noFolder() string {
	return p.dir + " is missing; run generate first, or name the folder that holds the files"
}

// path is where an artefact stands, as people see it.
func (p *production) path(name string) string { return p.run().Path(name) }

func (p *production) artefacts() []artefact.Artefact {
	var all []artefact.Artefact
	for _, o := range p.outputs {
		all = append(all, o.Artefacts...)
	}
	return all
}

func (p *production) count() int { return len(p.artefacts()) }
