package site

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/rule"
	"gatewright/catalog/suggest"
)

// checkNames refuses what names an entry, an area, an instance, a placeholder or a
// role that no loaded catalogue has.
func (b *builder) checkNames() {
	s := b.site
	for id, a := range s.Answers {
		if c := b.catalogs[id]; c != nil {
			b.checkCatalogAnswer(c, a)
		} else if b.known[id] == nil && !b.isKnownCatalog(id) {
			b.failf("answers", id, "no entry %q in the loaded catalogues; %s", id, b.nearest(id))
		}
	}
	for name := range s.Values {
		if known := b.placeholders(); !slices.Contains(known, name) {
			b.failf("values", name, "no placeholder of the loaded catalogues uses the value %q%s", name, suggest.DidYouMean(name, known))
		}
	}
	b.checkRoles()
	b.checkInstances(s.Select.Instances)
	b.checkAreas("area", s.Select.Areas)
	b.checkAttribute("tag", s.Select.Tags, func(e *catalog.Entry) string { return e.Tag })
	b.checkAttribute("region", s.Select.Regions, func(e *catalog.Entry) string { return e.Region })
	b.checkAttribute("service", s.Select.Services, func(e *catalog.Entry) string { return e.Service })
	b.checkEntries("entry", s.Select.Entries)
	b.checkEntries("exclude", s.Select.Exclude)
	for _, t := range s.Tolerations {
		b.checkEntries("tolerate entry", t.Entries)
	}
	for _, r := range s.Routes {
		b.checkAreas("route area", r.Areas)
		b.checkEntries("route entry", r.Entries)
	}
}

// resolver is the role whose addresses nftables and iptables open DNS to in mode
// enforce; no flow has it.
const resolver = "resolver"

// checkRoles refuses to bind a role that no flow has, and to answer with one that
// is neither the catalogues' nor bound: both are a slip that would do nothing.
func (b *builder) checkRoles() {
	known := b.entryRoles()
	used := maps.Clone(known)
	used[resolver] = true
	for id, a := range b.site.Answers {
		for _, role := range a.roles() {
			used[string(role)] = true
			if _, bound := b.site.Bindings[role]; !known[string(role)] && !bound {
				b.failf("answers", id, `%s: no entry of the loaded catalogues has the role %q, and "bind" gives it no addresses%s`, id, role, meant(string(role), known))
			}
		}
	}
	for role := range b.site.Bindings {
		if !used[string(role)] {
			b.failf("bind", string(role), "no entry of the loaded catalogues has the role %q%s", role, meant(string(role), used))
		}
	}
}

// entryRoles are the roles of the entries of all loaded catalogues.
func (b *builder) entryRoles() map[string]bool {
	known := map[string]bool{string(rule.Clients): true}
	for _, e := range b.known {
		known[e.Role], known[e.RemoteRole] = true, true
	}
	delete(known, "")
	return known
}

// roles are those that an answer names.
func (a Answer) roles() []rule.Role {
	roles := []rule.Role{a.Role}
	if a.Remote != nil {
		roles = append(roles, a.Remote.Role)
	}
	return slices.DeleteFunc(roles, func(r rule.Role) bool { return r == "" })
}

// placeholders are the names of those that entries hold.
func (b *builder) placeholders() []string {
	return b.all(func(e *catalog.Entry) (names []string) {
		pending := slices.Clone(e.Pending)
		for _, n := range e.Narrowings {
			pending = append(pending, n.To...)
		}
		for _, p := range pending {
			for _, one := range p.Placeholders {
				names = append(names, one.Name)
			}
		}
		return names
	})
}

func (b *builder) checkInstances(list []string) {
	for _, want := range list {
		if !b.some(func(e *catalog.Entry) bool { return slices.Contains(e.Instances, want) }) {
			known := b.all(func(e *catalog.Entry) []string { return e.Instances })
			b.failf("instance", want, "no entry of the loaded catalogues has instance %q; expected one of: %s%s", want, cmp.Or(strings.Join(known, ", "), "none"), suggest.DidYouMean(want, known))
		}
	}
}

func (b *builder) checkAreas(section string, list []string) {
	for _, want := range list {
		if !b.some(func(e *catalog.Entry) bool { return e.Area == want }) {
			known := b.all(func(e *catalog.Entry) []string { return []string{e.Area} })
			b.failf(section, want, "no entry of the loaded catalogues has area %q; expected one of: %s%s", want, cmp.Or(strings.Join(known, ", "), "none"), suggest.DidYouMean(want, known))
		}
	}
}

// checkAttribute refuses what no tag of the loaded feeds has. Feeds have thousands of
// tags, so that only the likeliest are named.
func (b *builder) checkAttribute(section string, list []string, of func(*catalog.Entry) string) {
	if len(list) == 0 {
		return
	}
	known := map[string]bool{}
	for _, e := range b.known {
		if e.Tag != "" {
			known[orNone(of(e))] = true
		}
	}
	for _, want := range list {
		if len(known) == 0 {
			b.failf(section, want, "%s %q: no loaded catalogue has tags; load a cloud feed, or remove this", section, want)
		} else if !known[want] {
			b.failf(section, want, "no %s %q in the loaded catalogues; %s", section, want, near(want, slices.Sorted(maps.Keys(known)), "`gatewright list --json` shows them"))
		}
	}
}

func (b *builder) checkEntries(section string, list []string) {
	for _, want := range list {
		if !b.some(func(e *catalog.Entry) bool { return named([]string{want}, e) }) {
			b.failf(section, want, "no entry %q in the loaded catalogues; %s", want, b.nearest(want))
		}
	}
}

func (b *builder) some(has func(*catalog.Entry) bool) bool {
	for _, e := range b.known {
		if has(e) {
			return true
		}
	}
	return false
}

// all lists what entries have, each once.
func (b *builder) all(of func(*catalog.Entry) []string) []string {
	seen := map[string]bool{}
	for _, e := range b.known {
		for _, s := range of(e) {
			seen[s] = true
		}
	}
	delete(seen, "")
	return slices.Sorted(maps.Keys(seen))
}

// meant names the known word that is nearest to one that is not known, or else them
// all.
func meant(word string, known map[string]bool) string {
	words := slices.Sorted(maps.Keys(known))
	return cmp.Or(suggest.DidYouMean(word, words), "; expected one of "+strings.Join(words, ", "))
}

// shortWord is the length in bytes under which words are part of too many others.
const shortWord = 3

// nearest says where to look for the right id.
func (b *builder) nearest(id string) string {
	return near(id, slices.Sorted(maps.Keys(b.known)), showIDs)
}

const showIDs = "`gatewright list` shows the ids"

// near names up to three of the known ids, the likeliest first: of the same
// catalogue, and with the fewest edits. If none is likely it says what shows them.
func near(id string, known []string, show string) string {
	slug := slugOf(id)
	rank := func(have string) int {
		other := slugOf(have)
		n, slip := suggest.Edits(slug, other)
		switch {
		case slip:
		case min(len(slug), len(other)) >= shortWord && (strings.Contains(other, slug) || strings.Contains(slug, other)):
			n = len(id) + len(have)
		default:
			return -1
		}
		if strings.Contains(id, "/") && catalogOf(id) != catalogOf(have) {
			n += 2 * (len(id) + len(have))
		}
		return n
	}
	likely := slices.DeleteFunc(slices.Clone(known), func(have string) bool { return rank(have) < 0 })
	if len(likely) == 0 {
		return show
	}
	slices.SortStableFunc(likely, func(x, y string) int { return cmp.Compare(rank(x), rank(y)) })
	return "did you mean " + strings.Join(likely[:min(3, len(likely))], " or ") + "?"
}

func catalogOf(id string) string { name, _, _ := strings.Cut(id, "/"); return name }

func slugOf(id string) string { return id[strings.IndexByte(id, '/')+1:] }
