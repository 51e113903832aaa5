package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gatewright/catalog/lint"
	"gatewright/catalog/plainfile"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/change"
	"gatewright/cmd/gatewright/internal/report"
	"gatewright/cmd/gatewright/internal/words"
	"gatewright/generators/expect"
)

// addShortfalls notes what the outputs cannot say and what lint finds. With --strict the
// first fails, with a base what it did not have of either, and lint where the site says
// so.
func (inv *invocation) addShortfalls(p *production) error {
	known := map[string]bool{}
	if inv.base != "" {
		if err := inv.readBase(p, known); err != nil {
			return err
		}
	}
	level := func(strict bool) string {
		if strict || inv.base != "" {
			return levelError
		}
		return levelWarning
	}
	for _, s := range p.shortfalls() {
		if inv.base == "" || unknown(p.keys(s), known) {
			inv.find(finding{Check: checkCoverage, Level: level(inv.strict), Text: s.text}.at(s.place))
		}
	}
	found, err := p.lints(inv)
	if err != nil {
		return err
	}
	for _, f := range found {
		if inv.base == "" || unknown(lintKeys(f), known) {
			inv.find(finding{Check: checkLint, Level: level(p.site.Lint == levelError), Text: lintText(f), Details: []string{f.Do}}.at(p.site.PlaceOfEntry(f.Entry)))
		}
	}
	return nil
}

func lintText(f lint.Finding) string {
	text := fmt.Sprintf("%s: %s: %s", f.Entry, f.Kind, f.Why)
	if len(f.Endpoints) > 0 {
		text += ": " + words.Endpoints(f.Endpoints)
	}
	return text
}

// lintKeys tell a finding from others of the same entry: one for each endpoint.
func lintKeys(f lint.Finding) (keys []string) {
	of := fmt.Sprintf("%s %s %q", f.Entry, f.Kind, f.Others)
	for _, endpoint := range f.Endpoints {
		keys = append(keys, of+" "+endpoint)
	}
	if keys == nil {
		keys = []string{of}
	}
	return keys
}

// lints is what lint finds, unless the site wants none of it or nothing would be told.
func (p *production) lints(inv *invocation) ([]lint.Finding, error) {
	if p.site.Lint == "off" || p.site.Lint != levelError && inv.format == "text" && inv.base == "" {
		return nil, nil
	}
	removals, err := p.site.Removals(inv.site.catalogDir(p.siteDir))
	if err != nil {
		return nil, err
	}
	return findings(p.result, removals)
}

// readBase notes the shortfalls and findings of the base: of the same site file, or none if
// that is not there. An output has the base's output of its name beside it, or the base as a
// whole if that has no outputs; a site without outputs has each of the base's.
func (inv *invocation) readBase(p *production, known map[string]bool) error {
	old := &invocation{stdin: inv.stdin, stdout: inv.stdout, console: inv.console, base: inv.base, site: inv.site}
	old.console.Quiet, old.site.missing, old.site.paired = true, false, true
	there, err := inv.openBase(p, &old.site)
	if err == nil && !there {
		inv.console.Warnf("--new %s: no %s is there, so that everything is new", inv.base, filepath.Base(p.siteFile))
		return nil
	}
	var names []string
	if err == nil {
		names, err = old.site.beside(p.site.Name)
	}
	if err != nil {
		return fmt.Errorf("--new %s: %w", inv.base, err)
	}
	if names == nil {
		inv.console.Warnf("--new %s: it has no output %s, so that everything of that is new", inv.base, p.site.Name)
		return inv.tellChanged(&production{result: &site.Result{Policy: &rule.Policy{}}}, p)
	}
	for _, old.site.output = range names {
		if err := inv.readBaseOutput(old, p, known); err != nil {
			return fmt.Errorf("--new %s: %w", inv.base, err)
		}
	}
	return nil
}

// beside returns the outputs of a base that an output is held against, "" for one without
// outputs.
func (f *siteFlags) beside(output string) ([]string, error) {
	s, _, err := f.read()
	if err != nil {
		return nil, err
	}
	switch all := s.OutputNames(); {
	case all == nil:
		return []string{""}, nil
	case output == "":
		return all, nil
	case !slices.Contains(all, output):
		return nil, nil
	}
	return []string{output}, nil
}

func (inv *invocation) readBaseOutput(old *invocation, p *production, known map[string]bool) error {
	base, err := old.produce(nil)
	if err != nil {
		return err
	}
	for _, s := range base.shortfalls() {
		for _, key := range base.keys(s) {
			known[key] = true
		}
	}
	found, err := base.lints(old)
	for _, f := range found {
		for _, key := range lintKeys(f) {
			known[key] = true
		}
	}
	if err != nil {
		return err
	}
	inv.tellGivenUp(base, p)
	return inv.tellChanged(base, p)
}

// tellGoneOutputs tells of the base's outputs that the site has no more, whose expectations
// nobody asks.
func (inv *invocation) tellGoneOutputs() error {
	s, dir, err := inv.site.read()
	if err != nil || len(s.Outputs) == 0 {
		return err
	}
	old := inv.site
	there, err := inv.openBase(&production{siteFile: cmp.Or(inv.site.file, defaultSite), siteDir: dir}, &old)
	if err != nil || !there {
		return err // and told for each output
	}
	base, baseDir, err := old.read()
	if err != nil {
		return fmt.Errorf("--new %s: %w", inv.base, err)
	}
	for _, one := range base.Outputs {
		if slices.Contains(s.OutputNames(), one.Name) {
			continue
		}
		one.Tree = old.tree
		if err := one.LoadExpectations(baseDir); err != nil {
			return fmt.Errorf("--new %s: %w", inv.base, err)
		}
		inv.find(finding{Check: checkFlows, Level: levelWarning, Text: fmt.Sprintf("%s has an output %s, which is given up here, and with it %s", inv.base, one.Name, words.Count(len(one.Expectations), "expectation"))})
	}
	return nil
}

// tellChanged tells what the site newly accepts and no longer, beside the base: what no
// expectation names is seen by whoever reviews it.
func (inv *invocation) tellChanged(base, p *production) error {
	r, err := compareSites(compared{change.Compared{Name: inv.base, Result: base.result}, base.site}, compared{change.Compared{Name: p.siteFile, Result: p.result}, p.site})
	if err != nil || r.Same() {
		return err
	}
	inv.find(finding{Check: checkChange, Level: levelNotice, Text: report.Headline(r), Details: report.Lines(r)})
	return nil
}

// tellGivenUp tells of expectations of the base that the site has no more, and that do not
// hold any more.
func (inv *invocation) tellGivenUp(base, p *production) {
	k := expect.Asker{Compiled: rule.Compiled{Policy: p.result.Policy, Grants: p.result.Input.Grants}}
	for i, e := range base.result.Expectations {
		if slices.ContainsFunc(p.site.Expectations, base.site.Expectations[i].Equal) {
			continue
		}
		e.In = nil // the policy tells
		answers, err := k.Ask(e)
		given := expectation{Expectation: e, answers: answers}
		tell := func(why string) {
			inv.find(finding{Check: checkFlows, Level: levelWarning, Text: fmt.Sprintf("%s expects %s, which is given up here: %s", inv.base, given.name(), why)})
		}
		if err != nil {
			tell(err.Error())
		}
		for _, a := range answers {
			if !a.Holds {
				why, _ := p.failure(given, a, words.Some)
				tell(why)
			}
		}
	}
}

// openBase points flags at the site file of the base, a folder or a revision of the site
// file's own folder, and reports whether it is there.
func (inv *invocation) openBase(p *production, flags *siteFlags) (there bool, err error) {
	if strings.HasPrefix(inv.base, "-") {
		return false, usagef("begins with a hyphen, as no revision does; for a folder of that name write ./%s", inv.base)
	}
	info, err := os.Stat(inv.base)
	revision, unknown := openRevision(p.siteDir, inv.base)
	switch {
	case err == nil && info.IsDir():
		if unknown == nil {
			inv.console.Warnf("--new %s: this is a folder, which is taken, and a git revision; for the revision write %s", inv.base, revision.commit)
		}
		return openBaseFolder(inv.base, p.siteFile, flags)
	case unknown != nil:
		return false, usagef("no folder, and no git revision here (%w); fetch the revision first, as in `git fetch origin main`, or name a folder with the site file of an earlier one", unknown)
	}
	file := filepath.Join(revision.folder(), filepath.Base(p.siteFile))
	data, err := revision.Read(filepath.Base(p.siteFile), maxSite)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	flags.file, flags.tree = file, revision
	if flags.streams = maps.Clone(flags.streams); flags.streams == nil {
		flags.streams = map[string][]byte{}
	}
	flags.streams[plainfile.Named(file).String()] = data
	return true, err
}

func openBaseFolder(base, file string, flags *siteFlags) (there bool, err error) {
	if !filepath.IsLocal(file) {
		file = filepath.Base(file)
	}
	flags.file = filepath.Join(base, file)
	_, err = os.Stat(flags.file)
	return !errors.Is(err, fs.ErrNotExist), nil
}
