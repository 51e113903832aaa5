package feed

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/netset"
)

// history is what change records tell of endpoint sets: since when each endpoint is
// live, and what was lost. Records and lists are compared by what they cover, for one
// may say a prefix as a whole and the other as its halves.
type history struct {
	sets    map[int]m365Set // as they are listed now
	changes []Change        // oldest first
	lists   map[int]listings
	losses  []loss
	loose   map[int]bool // sets whose records spell what they list otherwise
}

// listing is an endpoint of a set, a name or addresses of a prefix, and the day,
// YYYY-MM-DD, since which it is live; empty for longer than there are records.
type listing struct {
	name     netset.Pattern
	prefix   netip.Prefix // as it is listed
	prefixes netset.PrefixSet
	live     string
}

func listingOf(p netip.Prefix) listing { return listing{prefix: p, prefixes: netset.PrefixSetOf(p)} }

type listings []listing

// loss is what a version took from a set and was live before.
type loss struct {
	set        int
	version    string
	part       string
	gone       listings
	tcp, udp   netset.ServiceSet
	udpNames   bool // as of the set
	portsAlone bool // the ports are what was taken, and the endpoints stay
}

// historyOf follows the records back to what was listed before the first of them, and
// from there forward.
func historyOf(sets []m365Set, changes []Change) history {
	h := history{sets: map[int]m365Set{}, changes: changes, lists: map[int]listings{}, loose: map[int]bool{}}
	for _, s := range sets {
		h.sets[s.id] = s
		for _, n := range s.names {
			h.lists[s.id] = append(h.lists[s.id], listing{name: n})
		}
		for _, p := range s.listed {
			h.lists[s.id] = append(h.lists[s.id], listingOf(p))
		}
	}
	versions := h.versions()
	for _, version := range slices.Backward(versions) {
		for _, c := range version {
			h.withdraw(c.Set, c.Added)
		}
		for _, c := range version {
			h.lists[c.Set] = h.lists[c.Set].with(listingsOf(c.Removed))
		}
	}
	for _, version := range versions {
		h.follow(version)
	}
	return h
}

// versions returns the records of each version.
func (h *history) versions() [][]Change {
	var all [][]Change
	for i, c := range h.changes {
		if i == 0 || c.Version != h.changes[i-1].Version {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], c)
	}
	return all
}

func listingsOf(e endpoints) listings {
	var all listings
	for _, n := range e.names {
		all = append(all, listing{name: n})
	}
	for _, p := range e.prefixes {
		all = append(all, listingOf(p))
	}
	return all
}

// follow applies the records of one version.
func (h *history) follow(version []Change) {
	before, removed := maps.Clone(h.lists), map[int]listings{}
	var away listings // what records say was moved
	day := versionDay(version[0].Version)
	for _, c := range version {
		gone := before[c.Set].within(listingsOf(c.Removed))
		h.withdraw(c.Set, c.Removed)
		if c.Disposition == SetRemoved {
			gone, h.lists[c.Set] = before[c.Set], nil
		}
		removed[c.Set] = append(removed[c.Set], gone...)
		if strings.EqualFold(c.Impact, impactMoved) {
			away = append(away, gone...)
		}
		h.lose(c, before[c.Set], gone, day)
	}
	for _, c := range version {
		sources := []listings{removed[c.Set]}
		moved := strings.EqualFold(c.Impact, impactMoved)
		if c.Impact == "" { // records of the first months do not tell what is moved
			sources = []listings{joined(removed)}
		}
		if moved { // or from a set that lists it still
			sources = []listings{away, joined(removed), joined(before)}
		}
		for _, l := range listingsOf(c.Added) {
			l.live = cmp.Or(c.Effective, day)
			h.lists[c.Set] = h.lists[c.Set].with(l.since(sources, day, moved || c.Effective == ""))
		}
	}
}

// withdraw takes endpoints out of a set.
func (h *history) withdraw(set int, e endpoints) {
	gone := listingsOf(e)
	h.loose[set] = h.loose[set] || !h.lists[set].spells(gone)
	h.lists[set] = h.lists[set].without(gone)
}

func joined(bySet map[int]listings) listings {
	return slices.Concat(slices.Collect(maps.Values(bySet))...)
}

// since splits an added endpoint by the day since which its parts are live. What comes
// from elsewhere, rather from the first sources, stays live if it was; if it was still
// awaited, it goes on waiting, unless it is announced anew. Of several listings the one
// that is live last counts, so that nothing is taken to be live too early.
func (l listing) since(sources []listings, day string, moved bool) listings {
	var parts listings
	for _, list := range sources {
		for _, s := range slices.SortedStableFunc(slices.Values(list), func(a, b listing) int { return cmp.Compare(b.live, a.live) }) {
			live := s.live
			if live > day {
				if live = l.live; moved {
					live = max(l.live, s.live)
				}
			}
			if s.name.String() != "" && s.name.Covers(l.name) {
				return listings{{name: l.name, live: live}}
			}
			if common := l.prefixes.Intersect(s.prefixes); !common.IsEmpty() {
				parts = append(parts, listing{prefix: l.prefix, prefixes: common, live: live})
				l.prefixes = l.prefixes.Subtract(common)
			}
		}
	}
	if l.name.String() != "" || !l.prefixes.IsEmpty() {
		parts = append(parts, l)
	}
	return parts
}

// lose notes what a record takes of a set that was live.
func (h *history) lose(c Change, before, gone listings, day string) {
	l := loss{set: c.Set, version: c.Version, part: "-kept-" + c.Version, gone: gone.until(day)}
	l.tcp, l.udp = h.ports(c.Set, c.Version, "tcpPorts", netset.TCP), h.ports(c.Set, c.Version, "udpPorts", netset.UDP)
	addressed := slices.ContainsFunc(before, func(one listing) bool { return !one.prefixes.IsEmpty() })
	addressed = addressed || h.loose[c.Set] && !h.sets[c.Set].prefixes.IsEmpty()
	l.udpNames = !addressed || l.tcp.IsEmpty()
	if len(l.gone) > 0 {
		h.losses = append(h.losses, l)
	}
	_, tcp := c.Previous["tcpPorts"]
	_, udp := c.Previous["udpPorts"]
	if c.Disposition == SetRemoved || !tcp && !udp {
		return
	}
	l.tcp, l.udp = lostPorts(c, "tcpPorts", netset.TCP), lostPorts(c, "udpPorts", netset.UDP)
	l.gone, l.portsAlone, l.part = before.until(day), true, l.part+"-ports"
	if len(l.gone) > 0 && !l.tcp.Union(l.udp).IsEmpty() {
		h.losses = append(h.losses, l)
	}
}

// lostPorts are the ports that a record takes from a set.
func lostPorts(c Change, key string, p netset.Protocol) netset.ServiceSet {
	before, _ := m365Ports(c.Previous[key], p)
	after, _ := m365Ports(c.Current[key], p)
	return before.Subtract(after)
}

// ports are those of a set before a version.
func (h *history) ports(set int, version, key string, p netset.Protocol) netset.ServiceSet {
	text, ok := h.attribute(set, version, key)
	if !ok && p == netset.TCP {
		return h.sets[set].tcp
	}
	if !ok {
		return h.sets[set].udp
	}
	services, _ := m365Ports(text, p)
	return services
}

// attribute is what a set said under a key before a version, as far as records tell:
// one that changed it afterwards, or else the last that set it. It is not ok if the set
// says it still.
func (h *history) attribute(set int, version, key string) (text string, ok bool) {
	for _, c := range h.changes {
		if c.Set != set || c.Version < version {
			continue
		}
		if ok = c.Disposition == SetAdded; ok {
			break // it was another before
		}
		if text, known := c.Previous[key]; known {
			return text, true
		}
		_, gained := c.Current[key]
		if gained || c.Disposition == SetRemoved && c.Previous["tcpPorts"]+c.Previous["udpPorts"] != "" {
			return "", true
		}
	}
	for _, c := range slices.Backward(h.changes) {
		if c.Set != set || c.Version >= version {
			continue
		}
		_, lost := c.Previous[key]
		if text, known := c.Current[key]; known || lost || c.Disposition == SetAdded {
			return text, true
		}
	}
	return "", ok
}

// with adds endpoints, each once.
func (l listings) with(more listings) listings {
	all := slices.Clone(l)
	for _, one := range more {
		if !slices.ContainsFunc(all, one.same) {
			all = append(all, one)
		}
	}
	return all
}

func (l listing) same(other listing) bool {
	return l.spelledAs(other) && l.prefixes.Equal(other.prefixes) && l.live == other.live
}

// without takes endpoints away: those that are listed as they are, and else what they
// cover.
func (l listings) without(gone listings) listings {
	rest := slices.Clone(l)
	for _, g := range gone {
		if g.name.String() == "" && !l.spells(gone) {
			for i := range rest {
				rest[i].prefixes = rest[i].prefixes.Subtract(g.prefixes)
			}
		}
		exact := slices.ContainsFunc(l, g.spelledAs)
		rest = slices.DeleteFunc(rest, func(one listing) bool {
			if one.name.String() == "" {
				return one.prefixes.IsEmpty() || l.spells(gone) && g.spelledAs(one)
			}
			return g.spelledAs(one) || !exact && g.name.Covers(one.name)
		})
	}
	return rest
}

// within returns the parts of the endpoints that others cover: of each other the one
// that is listed as it is, if there is one.
func (l listings) within(others listings) listings {
	var parts listings
	for _, o := range others {
		exact := slices.ContainsFunc(l, o.spelledAs)
		for _, one := range l {
			common := one.prefixes.Intersect(o.prefixes)
			switch {
			case one.name.String() != "":
				if o.spelledAs(one) || !exact && o.name.Covers(one.name) {
					parts = append(parts, one)
				}
			case !l.spells(others) && !common.IsEmpty():
				parts = append(parts, listing{prefix: one.prefix, prefixes: common, live: one.live})
			case l.spells(others) && o.spelledAs(one):
				parts = append(parts, one)
			}
		}
	}
	return parts
}

// spells reports whether all prefixes of a record are listed as they are. If one is
// not, what the others mean of lists that overlap cannot be told by their spelling
// either.
func (l listings) spells(record listings) bool {
	return !slices.ContainsFunc(record, func(one listing) bool {
		return one.name.String() == "" && !slices.ContainsFunc(l, one.spelledAs)
	})
}

func (l listing) spelledAs(other listing) bool {
	return l.name == other.name && l.prefix == other.prefix
}

// until returns those that were live before a day.
func (l listings) until(day string) listings {
	return slices.DeleteFunc(slices.Clone(l), func(one listing) bool { return one.live >= day })
}

// names and addresses of all of them.
func (l listings) endpoints() ([]netset.Pattern, netset.PrefixSet) {
	var names []netset.Pattern
	var prefixes netset.PrefixBuilder
	for _, one := range l {
		prefixes.AddSet(one.prefixes)
		if one.name.String() != "" && !slices.Contains(names, one.name) {
			names = append(names, one.name)
		}
	}
	return names, prefixes.Build()
}

// awaited returns the day since which a name is live if that is after a day.
func (l listings) awaited(name netset.Pattern, after string) (day string, ok bool) {
	for _, one := range l {
		switch {
		case one.name.String() == "" || !one.name.Covers(name):
		case one.live <= after:
			return "", false
		case !ok || one.live < day:
			day, ok = one.live, true
		}
	}
	return day, ok
}
