package site

import (
	"maps"
	"slices"
	"strings"

	"gatewright/catalog"
)

// checkNames refuses what names an entry, an area, an instance or a placeholder
// that no loaded catalogue has.
func (b *builder) checkNames() {
	s := b.site
	for id := range s.Answers {
		if b.entries[id] == nil {
			b.failf("answers", id, "no entry %q in the loaded catalogues; %s", id, b.nearest(id))
		}
	}
	for name := range s.Values {
		if !b.some(func(e *catalog.Entry) bool { return hasPlaceholder(e, name) }) {
			b.failf("values", name, "value %q fills no placeholder of the loaded catalogues", name)
		}
	}
	b.checkInstances(s.Select.Instances)
	b.checkAreas("area", s.Select.Areas)
	b.checkEntries("entry", s.Select.Entries)
	b.checkEntries("exclude", s.Select.Exclude)
	for _, r := range s.Routes {
		b.checkAreas("route area", r.Areas)
		b.checkEntries("route entry", r.Entries)
	}
}

func (b *builder) checkInstances(list []string) {
	for _, want := range list {
		if !b.some(func(e *catalog.Entry) bool { return slices.Contains(e.Instances, want) }) {
			known := b.all(func(e *catalog.Entry) []string { return e.Instances })
			b.failf("instance", want, "no entry of instance %q in the loaded catalogues; they have %s", want, known)
		}
	}
}

func (b *builder) checkAreas(section string, list []string) {
	for _, want := range list {
		if !b.some(func(e *catalog.Entry) bool { return e.Area == want }) {
			known := b.all(func(e *catalog.Entry) []string { return []string{e.Area} })
			b.failf(section, want, "no entry of area %q in the loaded catalogues; they have %s", want, known)
		}
	}
}

func (b *builder) checkEntries(section string, list []string) {
	for _, want := range list {
		if !b.some(func(e *catalog.Entry) bool { return named([]string{want}, e.ID) }) {
			b.failf(section, want, "no entry %q in the loaded catalogues; %s", want, b.nearest(want))
		}
	}
}

func (b *builder) some(has func(*catalog.Entry) bool) bool {
	for _, e := range b.entries {
		if has(e) {
			return true
		}
	}
	return false
}

// all lists what entries have, each once.
func (b *builder) all(of func(*catalog.Entry) []string) string {
	seen := map[string]bool{}
	for _, e := range b.entries {
		for _, s := range of(e) {
			seen[s] = true
		}
	}
	delete(seen, "")
	if len(seen) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(seen)), ", ")
}

func hasPlaceholder(e *catalog.Entry, name string) bool {
	return slices.ContainsFunc(e.Pending, func(p catalog.Pending) bool {
		return slices.ContainsFunc(p.Placeholders, func(one catalog.Placeholder) bool { return one.Name == name })
	})
}

// shortWord is the length in bytes under which words are part of too many others.
const shortWord = 3

// nearest says where to look for the right id.
func (b *builder) nearest(id string) string {
	_, slug, ok := strings.Cut(id, "/")
	if !ok {
		slug = id
	}
	var near []string
	for have := range b.entries {
		_, other, _ := strings.Cut(have, "/")
		if other == slug || min(len(slug), len(other)) >= shortWord && (strings.Contains(other, slug) || strings.Contains(slug, other)) {
			near = append(near, have)
		}
	}
	if len(near) == 0 {
		return "`gatewright list` shows the ids"
	}
	slices.Sort(near)
	return "did you mean " + strings.Join(near[:min(3, len(near))], " or ") + "?"
}
