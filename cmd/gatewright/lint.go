package main

import (
	"fmt"
	"maps"
	"slices"

	"gatewright/catalog"
	"gatewright/catalog/lint"
	"gatewright/catalog/netset"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/report"
	"gatewright/cmd/gatewright/internal/words"
)

// lint shows what is worth a second look in the selected entries. With --strict any
// finding ends the run as a shortfall does.
func (inv *invocation) lint() error {
	s, dir, result, err := inv.compile()
	if err != nil {
		return err
	}
	removals, err := s.Removals(inv.site.catalogDir(dir))
	if err != nil {
		return err
	}
	found, err := findings(result, removals)
	if err != nil {
		return err
	}
	if err := inv.showFindings(result, found); err != nil {
		return err
	}
	if inv.strict && len(found) > 0 {
		return errDifferent
	}
	return nil
}

func (inv *invocation) showFindings(r *site.Result, found []lint.Finding) error {
	if inv.json {
		return console.WriteJSONList(inv.stdout, "findings", slices.Values(found))
	}
	if len(found) == 0 {
		inv.console.Sayf("no findings")
		return nil
	}
	if err := report.LintTable(r, found).Write(inv.stdout, console.Width(inv.stdout)); err != nil {
		return err
	}
	inv.console.Sayf("%s; --json has every endpoint and entry", words.Count(len(found), "finding"))
	return nil
}

// findings looks at the entries that are selected and not dismissed.
func findings(r *site.Result, removals []site.Removals) ([]lint.Finding, error) {
	in := lint.Input{Public: map[string]bool{}, Revisions: map[string]lint.Revisions{}, Removed: removedNames(removals)}
	for _, o := range r.Outcomes {
		if o.State != site.NotSelected && o.State != site.IsDismissed {
			in.Entries = append(in.Entries, o.Entry)
		}
	}
	shipped := map[string][]catalog.Info{} // by name, the newest first
	for _, info := range catalog.Embedded() {
		shipped[info.Name] = append(shipped[info.Name], info)
	}
	for _, c := range r.Catalogs {
		in.Public[c.Name] = c.Feed != "" || len(shipped[c.Name]) > 0
	}
	for name, known := range shipped {
		if len(known) < 2 {
			continue
		}
		revisions, err := revisionsOf(known)
		if err != nil {
			return nil, err
		}
		in.Revisions[name] = revisions
	}
	return lint.Check(in)
}

// revisionsOf reads the revisions of a catalogue, the newest first.
func revisionsOf(known []catalog.Info) (r lint.Revisions, err error) {
	for i, info := range known {
		c, err := catalog.Load(info.String())
		if err != nil {
			return r, fmt.Errorf("catalogue %s: %w", info, err)
		}
		if i == 0 {
			r.Newest = c
		} else {
			r.Older = append(r.Older, c)
		}
	}
	return r, nil
}

// removedNames are the names that change records say were removed, by catalogue and
// version.
func removedNames(removals []site.Removals) []lint.Removed {
	var listed []netset.Pattern
	for _, r := range removals {
		listed = append(listed, r.Listed...)
	}
	now := netset.NameSetOf(listed...)
	var all []lint.Removed
	for _, r := range removals {
		for _, version := range slices.Sorted(maps.Keys(r.Removed)) {
			all = append(all, lint.Removed{Catalog: r.Catalog, Version: version, Names: netset.NameSetOf(r.Removed[version]...), Listed: now})
		}
	}
	return all
}
