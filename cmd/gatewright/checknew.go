package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"gatewright/catalog/lint"
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
	level := func(strict bool, key string) (string, bool) {
		switch {
		case inv.base != "" && known[key]:
			return "", false
		case strict || inv.base != "":
			return levelError, true
		}
		return levelWarning, true
	}
	for _, s := range p.shortfalls() {
		if l, ok := level(inv.strict, s.text); ok {
			inv.find(finding{Check: checkCoverage, Level: l, Text: s.text}.at(s.place))
		}
	}
	found, err := p.lints(inv)
	if err != nil {
		return err
	}
	for _, f := range found {
		text := lintText(f)
		if l, ok := level(p.site.Lint == levelError, text); ok {
			inv.find(finding{Check: checkLint, Level: l, Text: text, Details: []string{f.Do}}.at(p.site.PlaceOfEntry(f.Entry)))
		}
	}
	return nil
}

func lintText(f lint.Finding) string {
	text := fmt.Sprintf("%s: %s: %s", f.Entry, f.Kind, f.Why)
	if len(f.Endpoints) > 0 {
		text += ": " + endpointSummary(f.Endpoints)
	}
	return text
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

// readBase notes the shortfalls and findings of the site in a folder: of the same site
// file, or none if the folder has none.
func (inv *invocation) readBase(p *production, known map[string]bool) error {
	file := p.siteFile
	if filepath.IsAbs(file) {
		file = filepath.Base(file)
	}
	file = filepath.Join(inv.base, file)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(inv.base); err != nil {
			return usagef("check: --new: %w; name a folder with the site file of an earlier revision", err)
		}
		return nil
	}
	old := &invocation{stdin: inv.stdin, stdout: inv.stdout, talk: inv.talk, base: inv.base}
	old.talk.quiet = true
	old.site.register(pflag.NewFlagSet("", pflag.ContinueOnError))
	old.site.file = file
	base, err := old.produce(nil)
	if err != nil {
		return fmt.Errorf("--new %s: %w", inv.base, err)
	}
	for _, s := range base.shortfalls() {
		known[s.text] = true
	}
	found, err := base.lints(old)
	for _, f := range found {
		known[lintText(f)] = true
	}
	return err
}
