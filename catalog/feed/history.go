package feed

import (
	"cmp"
	"maps"
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
}

// listing is an endpoint of a set, a name or addresses, and the day, YYYY-MM-DD, since
// which it is live; empty for longer than there are records.
type listing struct {
	name     netset.Pattern
	prefixes netset.PrefixSet
	live     string
}

type listings []listing

// loss is what a version took from a set and was live before.
type loss struct {
	set        int
	version    string
	part       string
	gone       listings
	tcp, udp   netset.ServiceSet
	addressed  bool // the set had addresses
	portsAlone bool // the ports are what was taken, and the endpoints stay
}

// historyOf follows the records back to what was listed before the first of them, and
// from there forward.
func historyOf(sets []m365Set, changes []Change) history {
	h := history{sets: map[int]m365Set{}, changes: changes, lists: map[int]listings{}}
	for _, s := range sets {
		h.sets[s.id] = s
		for _, n := range s.names {
			h.lists[s.id] = append(h.lists[s.id], listing{name: n})
		}
		for _, p := range s.listed {
			h.lists[s.id] = append(h.lists[s.id], listing{prefixes: netset.PrefixSetOf(p)})
		}
	}
	versions := h.versions()
	for _, version := range slices.Backward(versions) {
		for _, c := range version {
			h.lists[c.Set] = h.lists[c.Set].without(listingsOf(c.Added))
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
		all = append(all, listing{prefixes: netset.PrefixSetOf(p)})
	}
	return all
}

// follow applies the records of one version.
func (h *history) follow(version []Change) {
	before := maps.Clone(h.lists)
	day := versionDay(version[0].Version)
	var removed listings // from any set
	for _, c := range version {
		gone := before[c.Set].within(listingsOf(c.Removed))
		if c.Disposition == SetRemoved {
			gone = before[c.Set]
		}
		removed = append(removed, gone...)
		h.lists[c.Set] = h.lists[c.Set].without(listingsOf(c.Removed))
		if c.Disposition == SetRemoved {
			h.lists[c.Set] = nil
		}
		h.lose(c, before[c.Set], gone, day)
	}
	for _, c := range version {
		sources := removed
		moved := strings.EqualFold(c.Impact, impactMoved)
		if moved {
			for _, l := range before {
				sources = append(slices.Clone(sources), l...)
			}
		}
		for _, l := range listingsOf(c.Added) {
			l.live = cmp.Or(c.Effective, day)
			h.lists[c.Set] = h.lists[c.Set].with(l.since(sources, day, moved || c.Effective == ""))
		}
	}
}

// since splits an added endpoint by the day since which its parts are live. What the
// same version takes from elsewhere stays live if it was; if it was still awaited, it
// goes on waiting, unless it is announced anew.
func (l listing) since(sources listings, day string, moved bool) listings {
	sources = slices.SortedStableFunc(slices.Values(sources), func(a, b listing) int { return cmp.Compare(a.live, b.live) })
	var parts listings
	for _, s := range sources {
		live := s.live
		if live > day {
			if live = l.live; moved {
				live = max(l.live, s.live)
			}
		}
		if s.name.Covers(l.name) && s.name.String() != "" {
			return listings{{name: l.name, live: live}}
		}
		if common := l.prefixes.Intersect(s.prefixes); !common.IsEmpty() {
			parts = append(parts, listing{prefixes: common, live: live})
			l.prefixes = l.prefixes.Subtract(common)
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
	l.addressed = slices.ContainsFunc(before, func(one listing) bool { return !one.prefixes.IsEmpty() })
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
	if text, ok := h.attribute(set, version, key); ok {
		services, _ := m365Ports(text, p)
		return services
	}
	if p == netset.TCP {
		return h.sets[set].tcp
	}
	return h.sets[set].udp
}

// attribute is what a set said under a key before a version, as far as records tell:
// one that changed it afterwards, or else the last that set it.
func (h *history) attribute(set int, version, key string) (string, bool) {
	for _, c := range h.changes {
		if c.Set != set || c.Version < version {
			continue
		}
		if text, ok := c.Previous[key]; ok {
			return text, true
		}
		if _, ok := c.Current[key]; ok && c.Disposition == SetChanged {
			return "", true // it had none
		}
	}
	for _, c := range slices.Backward(h.changes) {
		if text, ok := c.Current[key]; ok && c.Set == set && c.Version < version {
			return text, true
		}
	}
	return "", false
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
	return l.name == other.name && l.prefixes.Equal(other.prefixes) && l.live == other.live
}

// without takes endpoints away: those that are listed as they are, and else what they
// cover.
func (l listings) without(gone listings) listings {
	rest := slices.Clone(l)
	for _, g := range gone {
		exact := func(one listing) bool { return one.name == g.name && one.prefixes.Equal(g.prefixes) }
		if slices.ContainsFunc(rest, exact) {
			rest = slices.DeleteFunc(rest, exact)
			continue
		}
		for i := range rest {
			rest[i].prefixes = rest[i].prefixes.Subtract(g.prefixes)
		}
		rest = slices.DeleteFunc(rest, func(one listing) bool {
			return one.name.String() == "" && one.prefixes.IsEmpty() || one.name.String() != "" && g.name.Covers(one.name)
		})
	}
	return rest
}

// within returns the parts of the endpoints that others cover.
func (l listings) within(others listings) listings {
	var parts listings
	for _, o := range others {
		for _, one := range l {
			if one.name.String() != "" && o.name.Covers(one.name) {
				parts = append(parts, one)
			}
			if common := one.prefixes.Intersect(o.prefixes); !common.IsEmpty() {
				parts = append(parts, listing{prefixes: common, live: one.live})
			}
		}
	}
	return parts
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
