package filter

import (
	"cmp"
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// takers are lines in groups that differ in ports alone, so that most lines are told
// from what all of a group have together.
type takers struct {
	groups []*takerGroup
	steps  *int // lines and groups that were looked at
}

type takerGroup struct {
	lines  []line
	ports  netset.ServiceSet // of all lines together
	firsts []heldPorts       // who holds each port first, ascending
	widest int               // the line with the most ports
}

// heldPorts are ports that a line holds and none before it.
type heldPorts struct {
	netset.PortRange
	line int
}

func (t *takers) add(l line) {
	g := t.groupOf(l)
	if g == nil {
		g = &takerGroup{}
		t.groups = append(t.groups, g)
	}
	for _, r := range l.ports.Subtract(g.ports).Ports(l.Protocol) {
		at, _ := slices.BinarySearchFunc(g.firsts, r.First, heldPorts.compare)
		g.firsts = slices.Insert(g.firsts, at, heldPorts{r, len(g.lines)})
	}
	g.lines, g.ports = append(g.lines, l), g.ports.Union(l.ports)
	if l.width() > g.lines[g.widest].width() {
		g.widest = len(g.lines) - 1
	}
}

// groupOf returns the lines that match the same as another but for their ports; nil if
// there are none.
func (t *takers) groupOf(l line) *takerGroup {
	for _, g := range t.groups {
		if g.lines[0].differsInPortsFrom(l) {
			return g
		}
	}
	return nil
}

// of returns the rules that take every packet of a line; none if some are left.
func (t *takers) of(l line) []rule.ID {
	*t.steps += len(t.groups)
	for _, g := range t.groups {
		if !g.ports.Covers(l.ports) || !g.lines[0].takesButPorts(l) {
			continue
		}
		if i := t.first(g, l.ports); i >= 0 {
			return []rule.ID{g.lines[i].id}
		}
		if g.lines[0].differsInPortsFrom(l) {
			*t.steps += len(g.lines)
			return g.with(l.ports)
		}
	}
	return nil
}

// first returns a line that holds all of the ports, which the group does; -1 if that
// takes several. All are looked at only where neither the first that holds the least
// port does nor the widest.
func (t *takers) first(g *takerGroup, ports netset.ServiceSet) int {
	takes := func(l line) bool { return l.ports.Covers(ports) }
	least := ports.Ports(g.lines[0].Protocol)[0].First
	at, found := slices.BinarySearchFunc(g.firsts, least, heldPorts.compare)
	if !found {
		at-- // the range begins before
	}
	for _, i := range []int{g.firsts[at].line, g.widest} {
		if takes(g.lines[i]) {
			return i
		}
	}
	*t.steps += len(g.lines)
	return slices.IndexFunc(g.lines, takes)
}

func (h heldPorts) compare(port uint16) int { return cmp.Compare(h.First, port) }

// with returns the rules on some of the ports.
func (g *takerGroup) with(ports netset.ServiceSet) (ids []rule.ID) {
	for _, e := range g.lines {
		if !e.ports.Intersect(ports).IsEmpty() {
			ids = append(ids, e.id)
		}
	}
	return ids
}

// leave returns the ports that lines which match the same leave to another.
func (t *takers) leave(l line) netset.ServiceSet {
	if g := t.groupOf(l); g != nil {
		return l.ports.Subtract(g.ports)
	}
	return l.ports
}

// width counts the ports of a line.
func (l line) width() (n int) {
	for _, r := range l.ports.Ports(l.Protocol) {
		n += int(r.Last-r.First) + 1
	}
	return n
}

// differsInPortsFrom reports whether two lines match the same but for their ports.
func (l line) differsInPortsFrom(other line) bool {
	return l.sees(other) && l.From == other.From && l.To == other.To && slices.Equal(l.In, other.In) && slices.Equal(l.Out, other.Out)
}

// takesButPorts reports whether every packet that other matches is one of l's, if its
// port is.
func (l line) takesButPorts(other line) bool {
	return l.sees(other) && takesInterfaces(l.In, other.In) && takesInterfaces(l.Out, other.Out) &&
		(l.From == other.From && l.To == other.To || l.local.Covers(other.local))
}

// sees reports whether both lines are for one protocol and family, and for the ports
// after a DNAT or for those before.
func (l line) sees(other line) bool {
	return l.Protocol == other.Protocol && l.Family == other.Family && l.Ports.IsAll() == other.Ports.IsAll()
}

func takesInterfaces(all, some []string) bool {
	return len(all) == 0 || len(some) > 0 && !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}
