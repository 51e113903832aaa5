package rule

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"

	"gatewright/catalog/netset"
)

// webPort is asked where nobody says another (RFC 9110 section 4.2.2).
const webPort = 443

// Completed is a question whose direction, protocol and port are known.
type Completed struct {
	Question

	// Assumed says what was not asked: "outbound tcp 443"; empty if nothing was.
	Assumed string

	// Because is what the assumption was taken from, "rule ID" or "entry ID"; empty if
	// nothing.
	Because string
}

// IsBare reports whether a question is only a host. A client opens it with https.
func (q Question) IsBare() bool {
	return q.Flow.Direction == "" && q.Flow.Protocol == 0 && q.Flow.Port == 0
}

// Complete fills in direction, protocol and port if a question does not give them. For
// a question that is only a host, they are outbound, tcp and 443. Otherwise they come
// from each rule that accepts the remote, or are the same default if no rule does. TCP
// is taken before UDP, and of a rule's ports 443 or else the first.
func (p *Policy) Complete(q Question) []Completed {
	if q.IsBare() {
		return []Completed{q.opened()}
	}
	if q.Flow.Direction == "" && q.Flow.Port != 0 {
		q.Flow.Direction = Outbound // HOST:PORT
	}
	if f := q.Flow; f.Direction != "" && f.Protocol != 0 && f.Port != 0 {
		return []Completed{{Question: q}}
	}
	var all []Completed
	for i := range p.Rules {
		r := &p.Rules[i]
		c, ok := q.As(r.Direction, r.Services, "rule "+string(r.ID))
		known := slices.ContainsFunc(all, func(other Completed) bool { return other.Flow == c.Flow })
		if ok && !known && r.Remote.Accepts(q.Flow.Name, q.Flow.Remote) && p.playedBy(c.Question, r) {
			all = append(all, c)
		}
	}
	if len(all) > 0 {
		return all
	}
	return []Completed{q.opened()}
}

// opened is the question as of a client that opens it, where it says no more.
func (q Question) opened() Completed {
	f := q.Flow
	f.Direction = cmp.Or(f.Direction, Outbound)
	f.Protocol = cmp.Or(f.Protocol, netset.TCP)
	f.Port = cmp.Or(f.Port, webPort)
	return Completed{Question: Question{f, q.Role, q.Scheme}, Assumed: assumed(f)}
}

func assumed(f Flow) string {
	return string(f.Direction) + " " + netset.Service{Protocol: f.Protocol, Ports: netset.PortRange{First: f.Port, Last: f.Port}}.String()
}

// As fills in what the question leaves open with a direction and services, if they
// hold what it says.
func (q Question) As(d Direction, services netset.ServiceSet, because string) (Completed, bool) {
	f := q.Flow
	if f.Direction != "" && f.Direction != d {
		return Completed{}, false
	}
	f.Direction = d
	for one := range services.All() {
		wanted := f.Protocol == 0 || f.Protocol == one.Protocol
		if !wanted || f.Port != 0 && !services.Contains(one.Protocol, f.originalPort()) {
			continue
		}
		f.Protocol = one.Protocol
		if f.Port == 0 {
			f.Port = one.Ports.First
			if services.Contains(f.Protocol, webPort) {
				f.Port = webPort
			}
		}
		return Completed{Question{f, q.Role, q.Scheme}, assumed(f), because}, true
	}
	return Completed{}, false
}

// playedBy reports whether our side of a complete question may play the role of a rule.
func (p *Policy) playedBy(q Question, r *Rule) bool {
	locals := p.Binding(r.Role).possible(q.Flow)
	switch {
	case locals.IsEmpty():
		return false
	case q.Flow.Local.IsValid():
		return locals.Contains(q.Flow.Local)
	case q.Role != "":
		return q.Role == r.Role || locals.Overlaps(p.Binding(q.Role).Local())
	}
	return true
}

// possible returns the addresses of a role that a flow may have: where no proxy can
// stand between, those of the remote's family.
func (b Binding) possible(f Flow) netset.PrefixSet {
	if !f.Remote.IsValid() || f.mayBeProxied() {
		return b.Local()
	}
	return b.Local().Like(f.Remote)
}

// LocalGroup is a part of our side that has one answer to a question.
type LocalGroup struct {
	// Roles are those that the question names, or that are bound to the address
	// that it names, in the policy's order.
	Roles []Role

	// Local is not empty, unless the role that the question names is not bound:
	// the same rules accept the flow for each of these addresses.
	Local netset.PrefixSet

	// Whole says that Local is every address of the only role that the flow may have.
	Whole bool

	// Flow has one of the addresses of Local, of the remote's family if there is one.
	// Where roles share addresses, groups of several have the same.
	Flow Flow
}

// MaxLooks limits the cost of one question, in steps. A step examines one rule for one
// address of our side, or one part of a role's addresses that rules distinguish.
const MaxLooks = 4_000_000

// TooManyGroupsError says that a question takes more than MaxLooks.
type TooManyGroupsError struct {
	Question     Question
	Roles, Rules int
}

func (e *TooManyGroupsError) Error() string {
	return fmt.Sprintf("flow %q: %d roles and %d rules take more than %d looks at a rule; say the flow's direction, protocol and port, and one address of our side",
		e.Question, e.Roles, e.Rules, MaxLooks)
}

// LocalGroups returns the local groups of a complete question. They cover the address
// that the question names, or the addresses of the role that it names, or those of
// every bound role. Addresses of a role are in different groups if rules distinguish
// them. If the flow is Impossible for all addresses, they form one group. The cost of
// explaining all groups is taken from the budget. The error is a *TooManyGroupsError if
// the budget is exhausted.
func (p *Policy) LocalGroups(q Question, budget *netset.Budget) ([]LocalGroup, error) {
	all := p.localGroups(q, budget)
	if budget.Exhausted() {
		return nil, &TooManyGroupsError{q, len(p.Bindings), len(p.Rules)}
	}
	for i := range all {
		s := &all[i]
		if len(s.Roles) == 1 {
			b := p.Binding(s.Roles[0])
			s.Whole = s.Local.Equal(b.Local()) || s.Local.Equal(b.possible(q.Flow))
		}
	}
	return all, nil
}

func (p *Policy) localGroups(q Question, budget *netset.Budget) []LocalGroup {
	switch {
	case q.Flow.Local.IsValid():
		s := LocalGroup{Local: netset.PrefixSetOf(netip.PrefixFrom(q.Flow.Local, q.Flow.Local.BitLen())), Flow: q.Flow}
		for _, b := range p.Bindings {
			if b.Local().Contains(q.Flow.Local) {
				s.Roles = append(s.Roles, b.Role)
			}
		}
		budget.Spend(len(p.Rules))
		return []LocalGroup{s}
	case q.Role != "" && p.Binding(q.Role).Local().IsEmpty(), len(p.Bindings) == 0:
		s := LocalGroup{Flow: q.Flow}
		if q.Role != "" {
			s.Roles = []Role{q.Role}
		}
		budget.Spend(len(p.Rules))
		return []LocalGroup{s}
	}
	return p.groupsOfRoles(q, budget)
}

// groupsOfRoles returns the groups of the role that the question names, or of all.
func (p *Policy) groupsOfRoles(q Question, budget *netset.Budget) (all []LocalGroup) {
	partsOf, asked := p.parter(q.Flow, budget), map[Flow]bool{}
	for _, b := range p.Bindings {
		if q.Role != "" && q.Role != b.Role {
			continue
		}
		parts := []netset.PrefixSet{b.Local()}
		if possible := b.possible(q.Flow); !possible.IsEmpty() {
			parts = partsOf(possible)
		}
		for _, part := range parts {
			f := q.Flow
			if f.Local = anAddress(part, f.Remote); !asked[f] {
				budget.Spend(len(p.Rules))
			}
			asked[f] = true
			all = append(all, LocalGroup{Roles: []Role{b.Role}, Local: part, Flow: f})
		}
		if budget.Exhausted() {
			return nil
		}
	}
	return all
}

// parter returns a function that splits addresses of our side by those for which rules
// accept the flow; those that earlier rules accept come first.
func (p *Policy) parter(f Flow, budget *netset.Budget) func(locals netset.PrefixSet) []netset.PrefixSet {
	cells, _ := netset.HoldersOf(p.acceptedLocals(f), budget)
	find, rest := ranked(cells).Finder(), cells.Support()
	return func(locals netset.PrefixSet) (parts []netset.PrefixSet) {
		found := find(locals)
		budget.Spend(len(found))
		slices.SortFunc(found, func(x, y netset.Cell[netset.PrefixSet, netset.Holders]) int { return slices.Compare(x.Value, y.Value) })
		for _, c := range found {
			parts = append(parts, c.Key)
		}
		if left := locals.Subtract(rest); !left.IsEmpty() {
			parts = append(parts, left)
		}
		return parts
	}
}

// ranked gives each cell its number in the order of those who hold it: the earlier the
// first that tells two apart, the earlier the cell that it holds.
func ranked(cells netset.Cells[netset.PrefixSet, netset.Holders]) netset.Cells[netset.PrefixSet, netset.Holders] {
	var held [][]int32
	for _, h := range cells.All() {
		held = append(held, append(slices.Clone(h), math.MaxInt32))
	}
	order := make([]int, len(held))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return slices.Compare(held[i], held[j]) })
	rank := make([]int32, len(held))
	for at, i := range order {
		rank[i] = int32(at)
	}
	return netset.Map(cells, func(netset.Holders) (netset.Holders, bool) {
		first := rank[0]
		rank = rank[1:]
		return netset.Holders{first}, true
	})
}

// acceptedLocals returns the addresses of our side for which rules accept the flow, in
// the rules' order, each set once; those that are published apart.
func (p *Policy) acceptedLocals(f Flow) (all []netset.PrefixSet) {
	plain, published := map[Role]bool{}, map[Role]bool{}
	add := func(accepts bool, known map[Role]bool, role Role, s netset.PrefixSet) {
		if accepts && !known[role] {
			known[role] = true
			all = append(all, s)
		}
	}
	for i := range p.Rules {
		r := &p.Rules[i]
		if f.Direction != r.Direction || !r.Remote.Accepts(f.Name, f.Remote) {
			continue
		}
		b := p.Binding(r.Role)
		after, before := r.Services.Contains(f.Protocol, f.Port), r.Services.Contains(f.Protocol, f.originalPort())
		if r.Direction == Outbound {
			before = after
		}
		add(after, plain, r.Role, b.Addresses)
		add(before, published, r.Role, b.Published)
	}
	return all
}

// anAddress returns an address of a set that is not empty, of the family of like if
// there is one: the second of a range, because the first is often a network's own.
func anAddress(s netset.PrefixSet, like netip.Addr) netip.Addr {
	family := s.V4()
	if like.Is6() || family.IsEmpty() {
		family = s.V6()
	}
	if family.IsEmpty() {
		family = s
	}
	for first, last := range family.Ranges() {
		if first != last {
			return first.Next()
		}
		return first
	}
	return netip.Addr{}
}
