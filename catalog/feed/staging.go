package feed

import (
	"encoding/json"
	"fmt"
	"net/netip"
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

// Read reads the endpoint sets of a file, which is the web service's JSON, with the
// change records applied: those of the sets' own version and older ones. The version
// is that of the naming. Notices of the catalogue tell what was left out and what was
// kept.
func (s Staging) Read(file string, data []byte, as Naming, changes []Change) (*catalog.Catalog, error) {
	c, err := Read(file, data, as)
	if err != nil || s.IsZero() {
		return c, err
	}
	text, err := jsonc.DecodeText(file, data)
	if err != nil {
		return nil, err
	}
	doc, err := jsonc.Parse(file, text)
	if err != nil || !IsVersion(as.Revision) {
		return nil, fileErrorf(file, "change records apply to the web service's JSON, at a version of ten digits; fetch it with `gatewright fetch m365 --changes`")
	}
	st := &stage{Staging: s, file: file, day: s.AsOf, changes: known(changes, as.Revision)}
	if st.day == "" {
		st.day = versionDay(as.Revision)
	}
	for _, v := range doc.Root().Elements() {
		st.sets = append(st.sets, listedSetOf(v))
	}
	st.remember()
	st.leaveOut()
	st.keepRemoved()
	st.sets = slices.DeleteFunc(st.sets, func(l *listedSet) bool { return len(l.URLs)+len(l.IPs) == 0 })
	if len(st.sets) == 0 {
		return nil, fileErrorf(file, "as of %s nothing of it is live; name a later day", s.AsOf)
	}
	staged, err := json.Marshal(st.sets)
	if err != nil {
		return nil, err
	}
	again, err := Read(file, staged, as)
	if err != nil {
		return nil, err
	}
	// The first reading has the places of what was normalized.
	again.Notices = append(c.Notices, st.account()...)
	return again, nil
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

// listedSet is an endpoint set with its lists as published.
type listedSet struct {
	ID           int      `json:"id"`
	Area         string   `json:"serviceArea"`
	Display      string   `json:"serviceAreaDisplayName,omitempty"`
	URLs         []string `json:"urls,omitempty"`
	IPs          []string `json:"ips,omitempty"`
	TCP          string   `json:"tcpPorts,omitempty"`
	UDP          string   `json:"udpPorts,omitempty"`
	ExpressRoute bool     `json:"expressRoute"`
	Category     string   `json:"category"`
	Required     bool     `json:"required"`
	Notes        string   `json:"notes,omitempty"`
}

// listedSetOf reads a set that package feed has read before.
func listedSetOf(v jsonc.Value) *listedSet {
	list := func(key string) []string {
		var texts []string
		for _, one := range member(v, key).Elements() {
			texts = append(texts, one.Text())
		}
		return texts
	}
	text := func(key string) string {
		if m := member(v, key); m.Kind() != jsonc.Null {
			return m.Text()
		}
		return ""
	}
	id, _ := strconv.Atoi(text("id"))
	return &listedSet{
		ID: id, Area: text("serviceArea"), Display: text("serviceAreaDisplayName"), URLs: list("urls"), IPs: list("ips"),
		TCP: text("tcpPorts"), UDP: text("udpPorts"), ExpressRoute: text("expressRoute") == "true",
		Category: text("category"), Required: text("required") == "true", Notes: text("notes"),
	}
}

// stage applies change records to the sets of a document.
type stage struct {
	Staging
	file    string
	day     string // to count back from
	changes []Change
	sets    []*listedSet
	told    []catalog.Notice

	added map[listing]Change // the newest record that added an endpoint to a set

	// What each version removed, from whichever set: what it adds elsewhere of that was
	// live before.
	removedNames    map[string][]netset.Pattern
	removedPrefixes map[string]netset.PrefixSet
}

// listing is one endpoint in one set; one of the two is set.
type listing struct {
	set    int
	name   netset.Pattern
	prefix netip.Prefix
}

func (st *stage) remember() {
	st.added = map[listing]Change{}
	st.removedNames, st.removedPrefixes = map[string][]netset.Pattern{}, map[string]netset.PrefixSet{}
	for _, c := range st.changes {
		for _, n := range c.Added.names {
			st.added[listing{set: c.Set, name: n}] = c
		}
		for _, p := range c.Added.prefixes {
			st.added[listing{set: c.Set, prefix: p}] = c
		}
		st.removedNames[c.Version] = append(st.removedNames[c.Version], c.Removed.names...)
		st.removedPrefixes[c.Version] = st.removedPrefixes[c.Version].Union(netset.PrefixSetOf(c.Removed.prefixes...))
	}
}

// awaited returns the day on which an endpoint of a set becomes live, if that is
// after the day that is asked for.
func (st *stage) awaited(l listing) (c Change, ok bool) {
	c, ok = st.added[l]
	return c, ok && st.AsOf != "" && c.Effective > st.AsOf && !strings.EqualFold(c.Impact, impactMoved)
}

// leaveOut takes out what is not yet live: of an addition that replaces or moves what
// the same version removed, only what is more than that.
func (st *stage) leaveOut() {
	for _, set := range st.sets {
		var urls, ips []string
		for _, text := range set.URLs {
			name, err := netset.ParsePattern(text)
			c, awaited := st.awaited(listing{set: set.ID, name: name})
			live := func(old netset.Pattern) bool { return old.Covers(name) }
			if err != nil || !awaited || slices.ContainsFunc(st.removedNames[c.Version], live) {
				urls = append(urls, text)
				continue
			}
			st.tell(set.ID, "%s is left out: it becomes live on %s", name, c.Effective)
		}
		for _, text := range set.IPs {
			p, _, err := netset.ParsePrefix(text)
			c, awaited := st.awaited(listing{set: set.ID, prefix: p})
			if err != nil || !awaited {
				ips = append(ips, text)
				continue
			}
			fresh := netset.PrefixSetOf(p).Subtract(st.removedPrefixes[c.Version])
			for live := range netset.PrefixSetOf(p).Subtract(fresh).Prefixes() {
				ips = append(ips, live.String())
			}
			if !fresh.IsEmpty() {
				st.tell(set.ID, "%s is left out: it becomes live on %s", fresh, c.Effective)
			}
		}
		set.URLs, set.IPs = urls, ips
	}
}

// keepRemoved puts back what was removed a short while ago.
func (st *stage) keepRemoved() {
	for _, c := range st.changes {
		until, err := time.Parse(time.DateOnly, versionDay(c.Version))
		if err != nil || st.KeepRemoved == 0 {
			continue
		}
		last := until.AddDate(0, 0, st.KeepRemoved).Format(time.DateOnly)
		if last <= st.day {
			continue
		}
		names, prefixes := st.wereLive(c)
		previous := func(key string) string { return c.Previous[key] }
		set := st.set(c, len(names)+len(prefixes) > 0)
		if set == nil {
			continue
		}
		for _, n := range names {
			if !slices.ContainsFunc(set.URLs, func(text string) bool { have, err := netset.ParsePattern(text); return err == nil && have.Covers(n) }) {
				set.URLs = append(set.URLs, n.String())
				st.tell(set.ID, "%s is kept until %s: version %s removed it", n, last, c.Version)
			}
		}
		have := set.prefixes()
		for _, p := range prefixes {
			if !have.Covers(netset.PrefixSetOf(p)) {
				set.IPs = append(set.IPs, p.String())
				st.tell(set.ID, "%s is kept until %s: version %s removed it", p, last, c.Version)
			}
		}
		set.TCP = st.keepPorts(set, netset.TCP, set.TCP, previous("tcpPorts"), last, c.Version)
		set.UDP = st.keepPorts(set, netset.UDP, set.UDP, previous("udpPorts"), last, c.Version)
	}
}

// wereLive returns what a record removed without what had not become live before.
func (st *stage) wereLive(c Change) (names []netset.Pattern, prefixes []netip.Prefix) {
	live := func(l listing) bool {
		added, awaited := st.awaited(l)
		return !awaited || added.Version > c.Version
	}
	for _, n := range c.Removed.names {
		if live(listing{set: c.Set, name: n}) {
			names = append(names, n)
		}
	}
	for _, p := range c.Removed.prefixes {
		if live(listing{set: c.Set, prefix: p}) {
			prefixes = append(prefixes, p)
		}
	}
	return names, prefixes
}

// set returns the set of a record, made anew if it was removed as a whole and the
// record says what it was; nil if there is none to keep anything in.
func (st *stage) set(c Change, needed bool) *listedSet {
	if i := slices.IndexFunc(st.sets, func(l *listedSet) bool { return l.ID == c.Set }); i >= 0 {
		return st.sets[i]
	}
	if !needed {
		return nil
	}
	p := c.Previous
	_, badArea := m365Area(p["serviceArea"])
	_, badCategory := m365Category(p["category"])
	if badArea != nil || badCategory != nil || p["tcpPorts"]+p["udpPorts"] == "" {
		st.tell(c.Set, "what version %s removed of it cannot be kept: the set is gone, and the record does not say its area, category and ports", c.Version)
		return nil
	}
	set := &listedSet{ID: c.Set, Area: p["serviceArea"], Category: p["category"], ExpressRoute: strings.EqualFold(p["expressRoute"], "true"),
		Required: strings.EqualFold(p["required"], "true"), TCP: p["tcpPorts"], UDP: p["udpPorts"]}
	st.sets = append(st.sets, set)
	return set
}

// keepPorts returns the ports of a set with those that it had before.
func (st *stage) keepPorts(set *listedSet, protocol netset.Protocol, ports, previous, last, version string) string {
	now, err := m365Ports(ports, protocol)
	before, bad := m365Ports(previous, protocol)
	gone := netset.ServiceSetOf(before...).Subtract(netset.ServiceSetOf(now...))
	if err != nil || bad != nil || gone.IsEmpty() {
		return ports
	}
	st.tell(set.ID, "%s is kept until %s: version %s removed it", gone, last, version)
	if ports == "" {
		return previous
	}
	return ports + "," + previous
}

func (l *listedSet) prefixes() netset.PrefixSet {
	var b netset.PrefixBuilder
	for _, text := range l.IPs {
		if p, _, err := netset.ParsePrefix(text); err == nil {
			b.Add(p)
		}
	}
	return b.Build()
}

func (st *stage) tell(set int, format string, args ...any) {
	st.told = append(st.told, catalog.Notice{Where: fmt.Sprintf("%s: set %d", st.file, set), Text: fmt.Sprintf(format, args...)})
}

// account is what was told, by set; the first ones in full.
func (st *stage) account() []catalog.Notice {
	if more := len(st.told) - maxNotices; more > 0 {
		return append(st.told[:maxNotices:maxNotices], catalog.Notice{Where: st.file, Text: fmt.Sprintf("%d more endpoints left out or kept likewise", more)})
	}
	return st.told
}
