package main

import (
	"maps"
	"slices"

	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/change"
	"gatewright/generators"
	"gatewright/generators/artefact"
)

// compareSites compares what two sites, or two catalogues with one site, let pass, and
// what their options make of it.
func compareSites(old, new compared) (change.Diff, error) {
	r, err := change.Compare(old.Compared, new.Compared)
	if err == nil {
		err = addOptions(&r, old, new)
	}
	r.Finish(r.Equal)
	return r, err
}

// addOptions adds what the options of two sites make of one policy, the new one, so
// that the difference is that of the options alone: each generator renders it under
// both, and the two readings are compared.
func addOptions(r *change.Diff, old, new compared) error {
	if old.site == nil || new.site == nil {
		return nil
	}
	for _, s := range []*site.Site{old.site, new.site} {
		if err := checkSite(s); err != nil {
			return err
		}
	}
	before, after := choose(old.site, nil), choose(new.site, nil)
	for _, g := range generators.All() {
		had, has := makes(before, g), makes(after, g)
		switch {
		case had != has:
			if had {
				files, err := readingOf(g, old.site, old.Result.Policy)
				if err != nil {
					return err
				}
				r.AddRest(files, artefact.Reading{})
			}
			r.Beside = append(r.Beside, change.Beside{File: "generator " + g.Name(), Name: "files", Old: madeText(had), New: madeText(has)})
		case !had || maps.EqualFunc(old.site.Options[g.Name()], new.site.Options[g.Name()], slices.Equal):
		default:
			if err := addGenerator(r, g, old, new); err != nil {
				return err
			}
		}
	}
	return nil
}

func makes(list []generators.Generator, g generators.Generator) bool {
	return slices.ContainsFunc(list, func(other generators.Generator) bool { return other.Name() == g.Name() })
}

func madeText(made bool) []string {
	if made {
		return []string{"made"}
	}
	return []string{"not made"}
}

func addGenerator(r *change.Diff, g generators.Generator, old, new compared) error {
	after, err := readingOf(g, new.site, new.Result.Policy)
	if err != nil {
		return err
	}
	before, err := readingOf(g, old.site, new.Result.Policy)
	if err != nil { // the old options do not fit the new policy, as where a role is gone
		if before, err = readingOf(g, old.site, old.Result.Policy); err != nil {
			return err
		}
	}
	return r.AddReadings(before, after)
}

// readingOf is what a generator's files would do.
func readingOf(g generators.Generator, s *site.Site, p *rule.Policy) (artefact.Reading, error) {
	made, err := generateOne(g, s, &site.Result{Policy: p})
	if err != nil {
		return artefact.Reading{}, err
	}
	return g.Read(artefact.FilesOf(made.Artefacts))
}
