package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// moreAccepted returns what a accepts and b does not: of the same packets, by the same
// interfaces, at the same hook.
func moreAccepted(a, b []artefact.Filtered) []reportRule {
	list := []reportRule{}
	all, lines := differences(a, b)
	for i, d := range all {
		for _, one := range joinServices(d.region.Boxes()) {
			list = append(list, one.report(d, lines[i]))
		}
	}
	return list
}

// served is a box over all services with the same addresses.
type served struct {
	rule.Box
	services netset.ServiceSet
}

// joinServices joins boxes that differ in protocol and ports alone, in the order of the
// first of each.
func joinServices(boxes []rule.Box) (all []served) {
	at := map[string]int{}
	for _, b := range boxes {
		key := fmt.Sprint(b.Direction, b.Published, b.Local, b.Remote)
		services := netset.ServiceSetOf(netset.Service{Protocol: b.Protocol, Ports: b.Ports})
		if i, known := at[key]; known {
			all[i].services = all[i].services.Union(services)
			continue
		}
		at[key] = len(all)
		all = append(all, served{b, services})
	}
	return all
}

func (s served) report(d difference, lines []artefact.Accepted) reportRule {
	giving := slices.DeleteFunc(slices.Clone(lines), func(l artefact.Accepted) bool { return !slices.ContainsFunc(l.Boxes, s.overlaps) })
	if s.isAny(giving, func(b rule.Box) netset.PrefixSet { return b.Remote }) && s.byOption(giving) && s.Direction == rule.Outbound {
		s.Direction, s.Local, s.Remote = rule.Inbound, s.Remote, s.Local // an option tells who may come in
	}
	r := reportRule{Direction: s.Direction, Services: s.services.String(), Place: d.place(), unbound: d.unbound}
	part := reportPart{
		Services: r.Services, Local: prefixTexts(s.Local), Published: s.Published, Names: []reportName{}, Prefixes: prefixTexts(s.Remote), wholeServices: true,
	}
	if s.isAny(giving, func(b rule.Box) netset.PrefixSet { return b.Remote }) {
		part.Any, part.But, part.Prefixes = true, prefixTexts(wholeFamily(s.Remote).Subtract(s.Remote)), []string{}
	}
	r.Parts = []reportPart{part}
	for _, l := range giving {
		for _, label := range l.Labels {
			if !slices.ContainsFunc(r.Entries, func(f reportFrom) bool { return f.ID == label }) {
				r.Entries = append(r.Entries, reportFrom{ID: label})
			}
		}
	}
	return r
}

// overlaps reports whether a box has a packet of s.
func (s served) overlaps(b rule.Box) bool {
	services := netset.ServiceSetOf(netset.Service{Protocol: b.Protocol, Ports: b.Ports})
	return b.Direction == s.Direction && b.Published == s.Published && !services.Intersect(s.services).IsEmpty() &&
		b.Local.Overlaps(s.Local) && b.Remote.Overlaps(s.Remote)
}

// isAny reports whether one of the lines matches no address of that side.
func (s served) isAny(lines []artefact.Accepted, side func(rule.Box) netset.PrefixSet) bool {
	whole := wholeFamily(side(s.Box))
	return slices.ContainsFunc(lines, func(l artefact.Accepted) bool {
		return slices.ContainsFunc(l.Boxes, func(b rule.Box) bool { return s.overlaps(b) && side(b).Covers(whole) })
	})
}

// byOption reports whether no rule of the policy gives it.
func (s served) byOption(lines []artefact.Accepted) bool {
	return !slices.ContainsFunc(lines, func(l artefact.Accepted) bool { return l.Rule != "" })
}

// wholeFamily returns the address space of the family that addresses are of.
func wholeFamily(s netset.PrefixSet) netset.PrefixSet {
	if s.V4().IsEmpty() {
		return netset.EveryAddress().V6()
	}
	return netset.EveryAddress().V4()
}

// spot is a hook point without its interfaces.
type spot struct {
	file, chain string
	mark        uint32
}

func spotOf(f artefact.Filtered) spot { return spot{f.Point.File, f.Point.Chain, f.Point.Mark} }

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

// difference is what one side accepts more at hook points of one spot, for the same
// packets by all pairs of some interfaces.
type difference struct {
	spot   spot
	region rule.Region
	points []bool // of one side, that accept some of it

	in, out string // texts of interfaces
	unbound bool   // the other side names interfaces, and these are others
}

// differencesAt compares hook points of one spot by every pair of interfaces that any of
// them tells apart.
func differencesAt(s spot, a, b []artefact.Filtered) []difference {
	both := slices.Concat(a, b)
	var inLists, outLists []string
	for _, f := range both {
		inLists, outLists = append(inLists, f.Point.In), append(outLists, f.Point.Out)
	}
	ins, outs := interfacesOf(inLists), interfacesOf(outLists)
	var all []difference
	var cells [][]string // of each difference, by in: a byte for each of outs
	known := map[string]int{}
	for i, in := range ins {
		for o, out := range outs {
			points := make([]bool, len(both))
			for p := range both {
				points[p] = in.points[p] == '1' && out.points[p] == '1'
			}
			n := findDifference(&all, known, a, b, points)
			if n < 0 {
				continue
			}
			if n == len(cells) {
				cells = append(cells, slices.Repeat([]string{strings.Repeat("0", len(outs))}, len(ins)))
			}
			row := []byte(cells[n][i])
			row[o] = '1'
			cells[n][i] = string(row)
			others := in.names == nil || out.names == nil
			all[n].unbound = all[n].unbound || others && len(b) > 0 && !slices.Contains(points[len(a):], true)
		}
	}
	return spread(s, all, cells, ins, outs)
}

// findDifference returns the place in all of what the points of a accept more than those
// of b; -1 for nothing.
func findDifference(all *[]difference, known map[string]int, a, b []artefact.Filtered, points []bool) int {
	key := ""
	for _, has := range points {
		key += map[bool]string{false: "0", true: "1"}[has]
	}
	if n, ok := known[key]; ok {
		return n
	}
	have, other := points[:len(a)], points[len(a):]
	region := regionAt(a, have).Subtract(regionAt(b, other))
	n := -1
	if !region.IsEmpty() {
		n = slices.IndexFunc(*all, func(d difference) bool { return d.region.Equal(region) })
		if n < 0 {
			n = len(*all)
			*all = append(*all, difference{region: region, points: slices.Clone(have)})
		}
		for p, has := range have {
			(*all)[n].points[p] = (*all)[n].points[p] || has
		}
	}
	known[key] = n
	return n
}

func regionAt(points []artefact.Filtered, has []bool) rule.Region {
	var boxes []rule.Box
	for p, f := range points {
		for _, l := range f.Lines {
			if has[p] {
				boxes = append(boxes, l.Boxes...)
			}
		}
	}
	return rule.RegionOf(boxes...)
}

// spread tells each difference once for the incoming interfaces that have it with the
// same outgoing ones.
func spread(s spot, all []difference, cells [][]string, ins, outs []interfaces) (list []difference) {
	for n, d := range all {
		d.spot = s
		var rows []string
		for _, row := range cells[n] {
			if strings.Contains(row, "1") && !slices.Contains(rows, row) {
				rows = append(rows, row)
			}
		}
		for _, row := range rows {
			chosen := ""
			for _, other := range cells[n] {
				chosen += map[bool]string{false: "0", true: "1"}[other == row]
			}
			d.in, d.out = interfaceText(ins, chosen), interfaceText(outs, row)
			list = append(list, d)
		}
	}
	return list
}

// place is the hook point in words.
func (d difference) place() string {
	return artefact.HookPoint{File: d.spot.file, Chain: d.spot.chain, In: d.in, Out: d.out, Mark: d.spot.mark}.String()
}

// differences compares what packet filters accept, spot by spot in the order of a.
func differences(a, b []artefact.Filtered) (all []difference, lines [][]artefact.Accepted) {
	at := func(list []artefact.Filtered, s spot) (points []artefact.Filtered) {
		for _, f := range list {
			if spotOf(f) == s {
				points = append(points, f)
			}
		}
		return points
	}
	var done []spot
	for _, f := range a {
		s := spotOf(f)
		if slices.Contains(done, s) {
			continue
		}
		done = append(done, s)
		have, other := at(a, s), at(b, s)
		if reflect.DeepEqual(have, other) {
			continue
		}
		for _, d := range differencesAt(s, have, other) {
			var own []artefact.Accepted
			for p, has := range d.points {
				if has {
					own = append(own, have[p].Lines...)
				}
			}
			all, lines = append(all, d), append(lines, own)
		}
	}
	return all, lines
}
