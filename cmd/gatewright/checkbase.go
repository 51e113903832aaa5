package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gatewright/catalog/plainfile"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/git"
)

// readBase notes the shortfalls and findings of the base: of the same site file, or
// none if that is not there. An output has the base's output of its name beside it, or
// the base as a whole if that has no outputs; a site without outputs has each of the
// base's.
func (inv *invocation) readBase(p *production, known map[string]bool) error {
	old := &invocation{stdin: inv.stdin, stdout: inv.stdout, console: inv.console, base: inv.base, site: inv.site}
	old.console.Quiet, old.site.missing, old.site.paired = true, false, true
	there, err := inv.openBase(p, &old.site)
	if err == nil && !there {
		inv.console.Warnf("--new %s: it has no %s, so everything counts as new", inv.base, filepath.Base(p.siteFile))
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
		inv.console.Warnf("--new %s: it has no output %s, so everything in that output counts as new", inv.base, p.site.Name)
		return inv.tellChanged(&production{result: &site.Result{Policy: &rule.Policy{}}}, p)
	}
	for _, name := range names {
		if err := inv.readBaseOutput(old.withOutput(name), p, known); err != nil {
			return fmt.Errorf("--new %s: %w", inv.base, err)
		}
	}
	return nil
}

// beside returns the outputs of a base that an output is held against, "" for one
// without outputs.
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

// openBase points flags at the site file of the base, a folder or a revision of the
// site file's own folder, and reports whether it is there.
func (inv *invocation) openBase(p *production, flags *siteFlags) (there bool, err error) {
	if strings.HasPrefix(inv.base, "-") {
		return false, usagef("begins with a hyphen, which no revision does; for a folder of that name write ./%s", inv.base)
	}
	info, err := os.Stat(inv.base)
	revision, unknown := git.Open(p.siteDir, inv.base)
	switch {
	case err == nil && info.IsDir():
		if unknown == nil {
			inv.console.Warnf("--new %s: this is both a folder and a git revision; the folder is used; for the revision write %s", inv.base, revision.Commit)
		}
		return openBaseFolder(inv.base, p.siteFile, flags)
	case unknown != nil:
		return false, usagef("it is neither a folder nor a git revision here (%w); fetch the revision first, as in `git fetch origin main`, or name a folder that holds an earlier site file", unknown)
	}
	file := filepath.Join(revision.Folder(), filepath.Base(p.siteFile))
	data, err := revision.Read(filepath.Base(p.siteFile), maxSite)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	flags.file, flags.tree = file, revision
	flags.streams = maps.Clone(flags.streams)
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
