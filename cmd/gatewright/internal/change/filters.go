package change

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/cmd/gatewright/internal/words"
	"gatewright/generators/artefact"
)

// moreAccepted returns what a accepts and b does not: of the same packets, by the same
// interfaces, in files of the same name, and with the same mark.
func moreAccepted(a, b []artefact.Filtered) []Rule {
	list := []Rule{}
	for _, d := range differences(pointsOf(a), pointsOf(b)) {
		for _, one := range joinServices(d.more.Flows(d.direction)) {
			list = append(list, one.report(d))
		}
	}
	return list
}

// served is flows over all services with the same addresses.
type served struct {
	rule.Flows
	services netset.ServiceSet
}

// joinServices joins flows that differ in their service alone, in the order of the
// first of each.
func joinServices(flows []rule.Flows) (all []served) {
	at := map[string]int{}
	for _, f := range flows {
		key := fmt.Sprint(f.Published, f.Local, f.Remote)
		services := netset.ServiceSetOf(f.Service)
		if i, known := at[key]; known {
			all[i].services = all[i].services.Union(services)
			continue
		}
		at[key] = len(all)
		all = append(all, served{f, services})
	}
	return all
}

func (s served) report(d difference) Rule {
	giving := slices.DeleteFunc(slices.Clone(d.lines), func(l line) bool { return !slices.ContainsFunc(l.flows, s.overlaps) })
	var chains []string
	r := Rule{Direction: d.direction, Services: s.services.String()}
	for _, l := range giving {
		if !slices.Contains(chains, l.chain) {
			chains = append(chains, l.chain)
		}
		if d.unbound[l.chain] {
			r.unbound = artefact.HookPoint{File: d.spot.file, Chain: l.chain, Mark: d.spot.mark}.String()
		}
		for _, label := range l.Labels {
			if !slices.ContainsFunc(r.Entries, func(f From) bool { return f.ID == label }) {
				r.Entries = append(r.Entries, From{ID: label})
			}
		}
	}
	r.Place = artefact.HookPoint{File: d.spot.file, Chain: strings.Join(chains, " and "), In: d.in, Out: d.out, Mark: d.spot.mark}.String()
	part := Part{
		Services: s.services, Local: words.Texts(s.Local.Prefixes()), Published: s.Published, Names: []Name{}, Prefixes: words.Texts(s.Remote.Prefixes()),
		WholeServices: true, locals: s.Local, remotes: s.Remote,
	}
	if s.ofAny(giving) {
		part.Any, part.But = true, words.Texts(wholeFamily(s.Remote).Subtract(s.Remote).Prefixes())
		part.Prefixes, part.remotes = []string{}, netset.PrefixSet{}
	}
	r.Parts = []Part{part}
	return r
}

// overlaps reports whether flows have one of s.
func (s served) overlaps(f rule.Flows) bool {
	return f.Published == s.Published && !netset.ServiceSetOf(f.Service).Intersect(s.services).IsEmpty() &&
		f.Local.Overlaps(s.Local) && f.Remote.Overlaps(s.Remote)
}

// ofAny reports whether one of the lines is of any remote.
func (s served) ofAny(lines []line) bool {
	return slices.ContainsFunc(lines, func(l line) bool {
		return slices.ContainsFunc(l.flows, func(f rule.Flows) bool { return s.overlaps(f) && f.Remote.Covers(wholeFamily(s.Remote)) })
	})
}

// wholeFamily returns the address space of the family that addresses are of.
func wholeFamily(s netset.PrefixSet) netset.PrefixSet {
	if s.V4().IsEmpty() {
		return netset.EveryAddress().V6()
	}
	return netset.EveryAddress().V4()
}

// spot is where packets are accepted alike, whatever the chains are called.
type spot struct {
	file string
	mark uint32
}

// point is a hook point as packets see it.
type point struct {
	spot    spot
	in, out string
	lines   []line
}

// line is what one rule of a chain accepts.
type line struct {
	artefact.Accepted
	chain string
	flows []rule.Flows // of its direction
}

// pointsOf returns the hook points. What an option opens from some addresses to every
// other is from there, whichever way the chain takes it for.
func pointsOf(list []artefact.Filtered) []point {
	points := make([]point, len(list))
	for i, f := range list {
		points[i] = point{spot: spot{f.Point.File, f.Point.Mark}, in: f.Point.In, out: f.Point.Out}
		for _, l := range f.Lines {
			flows := l.Traffic.Flows(l.Direction)
			toAll := func(f rule.Flows) bool { return f.Remote.Covers(wholeFamily(f.Local)) }
			if l.Rule == "" && l.Direction == rule.Outbound && slices.ContainsFunc(flows, toAll) {
				l.Direction, flows = rule.Inbound, l.Traffic.Flows(rule.Inbound)
			}
			points[i].lines = append(points[i].lines, line{l, f.Point.Chain, flows})
		}
	}
	return points
}

// interfaces are those that the same hook points name on one side of a packet: some by
// their names, or all that nobody names.
type interfaces struct {
	names  []string // none for the others
	points string   // a byte for each hook point: whether it has them
}

// interfacesOf tells the interfaces apart that hook points treat differently.
func interfacesOf(lists []string) []interfaces {
	names := []string{""}
	for _, list := range lists {
		names = append(names, strings.Fields(list)...)
	}
	slices.Sort(names)
	var all []interfaces
	for _, name := range slices.Compact(names) {
		var points strings.Builder
		for _, list := range lists {
			points.WriteByte(map[bool]byte{false: '0', true: '1'}[list == "" || slices.Contains(strings.Fields(list), name)])
		}
		i := slices.IndexFunc(all, func(one interfaces) bool { return len(one.names) > 0 && one.points == points.String() })
		switch {
		case name == "":
			all = append(all, interfaces{nil, points.String()})
		case i < 0:
			all = append(all, interfaces{[]string{name}, points.String()})
		default:
			all[i].names = append(all[i].names, name)
		}
	}
	return all
}

// interfaceText names the chosen ones: nothing for all of them.
func interfaceText(all []interfaces, chosen string) string {
	var in, but []string
	others := false
	for i, one := range all {
		switch {
		case chosen[i] == '0':
			but = append(but, one.names...)
		case one.names == nil:
			others = true
		default:
			in = append(in, one.names...)
		}
	}
	slices.Sort(but)
	slices.Sort(in)
	switch {
	case !others:
		return strings.Join(in, " ")
	case len(but) == 0:
		return ""
	}
	return "any interface but " + strings.Join(but, " ")
}

// difference is what one side accepts more at a spot, for the same packets by all pairs
// of some interfaces.
type difference struct {
	spot      spot
	direction rule.Direction
	more      rule.TrafficSet
	lines     []line          // that may accept some of it
	in, out   string          // texts of interfaces
	unbound   map[string]bool // chains in which the other side names interfaces, and these are others
}

// cells are the pairs of interfaces that have one difference, a byte for each outgoing
// one by the incoming one, and the hook points that they come to.
type cells struct {
	more    rule.TrafficSet
	rows    []string
	points  []bool
	unbound map[string]bool
}

// comparison compares the hook points of one spot by every pair of interfaces that any
// of them tells apart.
type comparison struct {
	a, b  []point
	known map[string]int // in found, by the hook points that a pair comes to; -1 for no difference
	found []cells
}

func differencesAt(s spot, a, b []point) (list []difference) {
	var inLists, outLists []string
	for _, p := range slices.Concat(a, b) {
		inLists, outLists = append(inLists, p.in), append(outLists, p.out)
	}
	ins, outs := interfacesOf(inLists), interfacesOf(outLists)
	c := comparison{a: a, b: b, known: map[string]int{}}
	for i, in := range ins {
		for o, out := range outs {
			points := make([]bool, len(inLists))
			for p := range points {
				points[p] = in.points[p] == '1' && out.points[p] == '1'
			}
			n := c.find(points)
			if n < 0 {
				continue
			}
			if c.found[n].rows == nil {
				c.found[n].rows = slices.Repeat([]string{strings.Repeat("0", len(outs))}, len(ins))
			}
			row := c.found[n].rows[i]
			c.found[n].rows[i] = row[:o] + "1" + row[o+1:]
			if in.names == nil || out.names == nil {
				c.noteUnbound(n, points[len(a):])
			}
		}
	}
	for _, found := range c.found {
		list = append(list, found.spread(s, a, ins, outs)...)
	}
	return list
}

// find returns the place in found of what the hook points of a accept more than those
// of b; -1 for nothing.
func (c *comparison) find(points []bool) int {
	key := fmt.Sprint(points)
	if n, ok := c.known[key]; ok {
		return n
	}
	have := points[:len(c.a)]
	more := trafficAt(c.a, have).Subtract(trafficAt(c.b, points[len(c.a):]).OfEveryPort())
	n := -1
	if !more.IsEmpty() {
		n = slices.IndexFunc(c.found, func(d cells) bool { return d.more.Equal(more) })
		if n < 0 {
			n, c.found = len(c.found), append(c.found, cells{more: more, points: make([]bool, len(have)), unbound: map[string]bool{}})
		}
		for p, has := range have {
			c.found[n].points[p] = c.found[n].points[p] || has
		}
	}
	c.known[key] = n
	return n
}

// noteUnbound notes the chains of b of which a packet comes to none, though they are
// there.
func (c *comparison) noteUnbound(n int, comes []bool) {
	there, met := map[string]bool{}, map[string]bool{}
	for p, at := range c.b {
		for _, l := range at.lines {
			there[l.chain] = true
			met[l.chain] = met[l.chain] || comes[p]
		}
	}
	for chain := range there {
		c.found[n].unbound[chain] = c.found[n].unbound[chain] || !met[chain]
	}
}

func trafficAt(points []point, has []bool) rule.TrafficSet {
	var all []rule.TrafficSet
	for p, at := range points {
		for _, l := range at.lines {
			if has[p] {
				all = append(all, l.Traffic)
			}
		}
	}
	return rule.UniteTraffic(all...)
}

// spread tells the difference once for the incoming interfaces that have it with the
// same outgoing ones.
func (c cells) spread(s spot, a []point, ins, outs []interfaces) (list []difference) {
	d := difference{spot: s, more: c.more, unbound: c.unbound}
	for p, has := range c.points {
		if has {
			d.lines = append(d.lines, a[p].lines...)
		}
	}
	var done []string
	for _, row := range c.rows {
		if !strings.Contains(row, "1") || slices.Contains(done, row) {
			continue
		}
		done = append(done, row)
		chosen := ""
		for _, other := range c.rows {
			chosen += map[bool]string{false: "0", true: "1"}[other == row]
		}
		d.in, d.out = interfaceText(ins, chosen), interfaceText(outs, row)
		list = append(list, d)
	}
	return list
}

// differences compares what packet filters accept, spot by spot in the order of a. What
// options open is held against options alone, so that a rule within it does not cut it
// up.
func differences(a, b []point) (all []difference) {
	done := map[spot]bool{}
	for _, p := range a {
		if done[p.spot] {
			continue
		}
		done[p.spot] = true
		for _, byOption := range []bool{false, true} {
			for _, d := range []rule.Direction{rule.Outbound, rule.Inbound} {
				have := at(a, p.spot, d, func(l line) bool { return byOption == (l.Rule == "") })
				other := at(b, p.spot, d, func(l line) bool { return !byOption || l.Rule == "" })
				if len(have) > 0 && !reflect.DeepEqual(have, other) {
					for _, one := range differencesAt(p.spot, have, other) {
						one.direction = d
						all = append(all, one)
					}
				}
			}
		}
	}
	return all
}

// at returns the hook points of a spot with what some of their lines accept of a
// direction.
func at(points []point, s spot, d rule.Direction, some func(line) bool) (list []point) {
	for _, p := range points {
		if p.spot != s {
			continue
		}
		lines := p.lines
		p.lines = nil
		for _, l := range lines {
			if some(l) && l.Direction == d && len(l.flows) > 0 {
				p.lines = append(p.lines, l)
			}
		}
		if len(p.lines) > 0 {
			list = append(list, p)
		}
	}
	return list
}
