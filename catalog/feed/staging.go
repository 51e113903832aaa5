package feed

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// Staging says how the publisher's change records are applied to endpoint sets: the
// publisher lists additions before they are live, and may remove what somebody still
// uses. The zero value takes the sets as they are listed.
type Staging struct {
	AsOf        string // YYYY-MM-DD: leave out what becomes live after that day; empty leaves out nothing
	KeepRemoved int    // days for which what was removed stays, counted back from AsOf, or from the day of the sets' version
}

// IsZero reports whether the sets are taken as they are listed.
func (s Staging) IsZero() bool { return s == Staging{} }

// MaxKeepRemoved bounds Staging.KeepRemoved: ten years.
const MaxKeepRemoved = 3650

// ParseDays reads a number of days, "30d".
func ParseDays(text string) (int, error) {
	number, ok := strings.CutSuffix(text, "d")
	days, err := strconv.Atoi(number)
	if !ok || err != nil || days < 1 || days > MaxKeepRemoved {
		return 0, fmt.Errorf("bad number of days %s; write it as 30d, from 1d to %dd", jsonc.Quote(text), MaxKeepRemoved)
	}
	return days, nil
}

// Read reads the endpoint sets of a file, which is an answer of the web service, with
// the change records applied: those of the sets' own version and older ones. The
// version is that of the naming. Notices of the catalogue tell what was left out and
// what was kept.
func (s Staging) Read(file string, data []byte, as Naming, changes []Change) (*catalog.Catalog, error) {
	d := document{file: file}
	if !s.IsZero() {
		if !IsVersion(as.Revision) {
			return nil, fileErrorf(file, "change records apply to the web service's answer at a version of ten digits; fetch it with `gatewright fetch m365 --changes`")
		}
		d.stage = &stage{Staging: s, file: file, day: s.AsOf, version: as.Revision, changes: known(changes, as.Revision)}
		if d.stage.day == "" {
			d.stage.day = versionDay(as.Revision)
		}
	}
	c, err := d.read(data, as)
	if err == nil && !s.IsZero() && c.Feed != "m365" {
		return nil, fileErrorf(file, "change records apply only to the web service's answer")
	}
	return c, err
}

// known returns the records up to a version, oldest first.
func known(changes []Change, version string) []Change {
	upTo := slices.DeleteFunc(slices.Clone(changes), func(c Change) bool { return c.Version > version })
	slices.SortStableFunc(upTo, func(a, b Change) int {
		if a.Version != b.Version {
			return strings.Compare(a.Version, b.Version)
		}
		return a.ID - b.ID
	})
	return upTo
}

func versionDay(version string) string {
	return version[:4] + "-" + version[4:6] + "-" + version[6:8]
}

// stage applies change records to the sets of a document.
type stage struct {
	Staging
	file    string
	day     string // to count back from
	version string // of the sets
	changes []Change
	sets    []m365Set
	told    []catalog.Notice
}

// apply returns the sets as of the day.
func (st *stage) apply(sets []m365Set) ([]m365Set, []catalog.Notice, error) {
	h := historyOf(sets, st.changes)
	st.sets = sets
	if st.AsOf != "" {
		for i := range st.sets {
			st.leaveOut(&st.sets[i], h.lists[st.sets[i].id])
		}
	}
	for _, l := range h.losses {
		removed, _ := time.Parse(time.DateOnly, versionDay(l.version))
		if until := removed.AddDate(0, 0, st.KeepRemoved).Format(time.DateOnly); until > st.day && st.KeepRemoved > 0 {
			st.keep(h, l, until)
		}
	}
	st.sets = slices.DeleteFunc(st.sets, func(s m365Set) bool { return len(s.names) == 0 && s.prefixes.IsEmpty() })
	if len(st.sets) == 0 {
		return nil, nil, fileErrorf(st.file, "no endpoint is live on %s; name a later day", st.AsOf)
	}
	return st.sets, st.summary(), nil
}

// leaveOut takes out of a set what is not yet live.
func (st *stage) leaveOut(set *m365Set, l listings) {
	set.names = slices.DeleteFunc(slices.Clone(set.names), func(n netset.Pattern) bool {
		day, awaited := l.awaited(n, st.AsOf)
		if awaited {
			st.tell(set.id, "%s is left out: it becomes live on %s", n, day)
		}
		return awaited
	})
	var live netset.PrefixBuilder
	for _, one := range l {
		if one.live <= st.AsOf {
			live.AddSet(one.prefixes)
		}
	}
	now := live.Build()
	for _, one := range l {
		if fresh := set.prefixes.Intersect(one.prefixes).Subtract(now); one.live > st.AsOf && !fresh.IsEmpty() {
			set.prefixes = set.prefixes.Subtract(fresh)
			st.tell(set.id, "%s is left out: it becomes live on %s", fresh, one.live)
		}
	}
}

// keep puts back what was lost a short while ago, with the ports that it had: into its
// set, or as one of its own where that has other ports.
func (st *stage) keep(h history, l loss, until string) {
	live := slices.DeleteFunc(slices.Clone(l.gone), func(one listing) bool { return one.live > st.day })
	kept := m365Set{id: l.set, tcp: l.tcp, udp: l.udp, udpNames: l.udpNames, part: l.part}
	kept.names, kept.prefixes = live.endpoints()
	if kept.tcp.IsEmpty() && !kept.udpNames {
		kept.names = nil
	}
	i := slices.IndexFunc(st.sets, func(s m365Set) bool { return s.id == l.set && s.part == "" })
	if i >= 0 {
		kept.describe(st.sets[i])
		kept.drop(st.sets[i])
	} else {
		kept.describe(h.described(l))
		kept.part = ""
	}
	switch {
	case len(kept.names) == 0 && kept.prefixes.IsEmpty():
		return
	case kept.tcp.IsEmpty() && kept.udp.IsEmpty():
		st.tell(l.set, "what version %s removed of it cannot be kept: no record says which ports it had", l.version)
		return
	case l.portsAlone:
		st.tell(l.set, "%s is kept until %s: version %s removed it", kept.tcp.Union(kept.udp), until, l.version)
	}
	if !l.portsAlone {
		for _, n := range kept.names {
			st.tell(l.set, "%s is kept until %s: version %s removed it", n, until, l.version)
		}
		for p := range kept.prefixes.Prefixes() {
			st.tell(l.set, "%s is kept until %s: version %s removed it", p, until, l.version)
		}
	}
	if i >= 0 {
		st.sets[i].join(&kept)
	}
	if len(kept.names) > 0 || !kept.prefixes.IsEmpty() {
		st.sets = append(st.sets, kept)
	}
}

// join takes over what another set keeps, as far as that opens nothing else: its
// endpoints if the ports are equal, or its ports if they were those of every endpoint.
func (s *m365Set) join(kept *m365Set) {
	names := netset.NameSetOf(kept.names...)
	uncovered := func(n netset.Pattern) bool { return !names.Covers(n) }
	switch {
	case kept.tcp.Equal(s.tcp) && kept.udp.Equal(s.udp) && kept.sameUDP(*s):
		s.names, s.prefixes = append(s.names, kept.names...), s.prefixes.Union(kept.prefixes)
		kept.names, kept.prefixes = nil, netset.PrefixSet{}
	case kept.sameUDP(*s) && kept.prefixes.Covers(s.prefixes) && !slices.ContainsFunc(s.names, uncovered):
		if s.udp.IsEmpty() {
			s.udpNames = kept.udpNames
		}
		s.tcp, s.udp = s.tcp.Union(kept.tcp), s.udp.Union(kept.udp)
		kept.drop(*s)
	}
}

// describe copies everything from another set except endpoints and ports.
func (s *m365Set) describe(as m365Set) {
	s.area, s.display, s.category, s.required, s.expressRoute, s.notes, s.at = as.area, as.display, as.category, as.required, as.expressRoute, as.notes, as.at
}

// sameUDP reports whether UDP ports mean the same endpoints in both sets.
func (s *m365Set) sameUDP(other m365Set) bool {
	return s.udp.IsEmpty() || other.udp.IsEmpty() || s.udpNames == other.udpNames
}

// drop takes out what another set holds with at least the same ports.
func (s *m365Set) drop(other m365Set) {
	if !other.tcp.Covers(s.tcp) || !other.udp.Covers(s.udp) || !s.sameUDP(other) {
		return
	}
	s.prefixes = s.prefixes.Subtract(other.prefixes)
	s.names = slices.DeleteFunc(s.names, func(n netset.Pattern) bool {
		return slices.ContainsFunc(other.names, func(have netset.Pattern) bool { return have.Covers(n) })
	})
}

// described is what records say of a set that is gone.
func (h *history) described(l loss) m365Set {
	text := func(key string) string { text, _ := h.attribute(l.set, l.version, key); return text }
	s := m365Set{
		area: strings.ToLower(text("serviceArea")), category: catalog.CategoryDefault, display: text("serviceAreaDisplayName"), at: spot{1, 1},
		required: strings.EqualFold(text("required"), "true"), expressRoute: strings.EqualFold(text("expressRoute"), "true"),
	}
	switch word := catalog.Category(strings.ToLower(text("category"))); word {
	case catalog.CategoryOptimize, catalog.CategoryAllow:
		s.category = word
	}
	if !catalog.IsSlug(s.area) {
		s.area = ""
	}
	return s
}

func (st *stage) tell(set int, format string, args ...any) {
	st.told = append(st.told, catalog.Notice{Where: fmt.Sprintf("%s: set %d", st.file, set), Text: fmt.Sprintf(format, args...)})
}

// summary is what was told, by set; the first ones in full.
func (st *stage) summary() []catalog.Notice {
	if more := len(st.told) - maxNotices; more > 0 {
		return append(st.told[:maxNotices:maxNotices], catalog.Notice{Where: st.file, Text: fmt.Sprintf("%d more endpoints were left out or kept in the same way", more)})
	}
	return st.told
}
