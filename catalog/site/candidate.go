package site

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// Candidate is an entry that would accept a flow, if it were not for its state or for
// what is open about it.
type Candidate struct {
	Entry catalog.Entry
	State State
	Why   string      // for NotSelected and IsDismissed
	Open  []rule.Open // what has to be answered first

	// AnyRemote is set where the entry's remote is among what is open: then its
	// other facts fit the flow, and who is meant by the remote decides.
	AnyRemote bool
}

// Candidates returns the entries that do not accept a complete question but could.
// Entries whose endpoints match come first, ordered by state. Entries whose remote is
// open follow, but only those with the role that the question names.
func (r *Result) Candidates(q rule.Question) []Candidate {
	var all []Candidate
	for i := range r.Outcomes {
		w, ok := r.built.candidate(&r.Outcomes[i], q)
		if accepts := w.State == InRule && len(w.Open) == 0; ok && !accepts {
			all = append(all, w)
		}
	}
	states := []State{IsOpen, InRule, IsDismissed, NotSelected}
	rank := func(c Candidate) int {
		n := slices.Index(states, c.State)
		if c.AnyRemote {
			n += len(states)
		}
		return n
	}
	slices.SortStableFunc(all, func(x, y Candidate) int { return rank(x) - rank(y) })
	return all
}

// matched returns the facts of an entry with the site's answers laid over it, and
// whether one of its endpoints is the question's remote: the endpoint as published,
// if that is open.
func (b *builder) matched(e *catalog.Entry, q rule.Question) (f facts, matched bool, open string) {
	r := b.resolution(e)
	if !r.ok {
		return facts{}, false, ""
	}
	f = r.facts
	if slices.ContainsFunc(f.remotes, func(r Remote) bool { return r.matches(q.Flow) }) {
		return f, true, ""
	}
	open, matched = f.openEndpoint(b.pendingOf(e, r.answer), q.Flow.Name)
	return f, matched, open
}

// candidate judges an entry.
func (b *builder) candidate(o *Outcome, q rule.Question) (Candidate, bool) {
	e := &o.Entry
	if e.Kind != catalog.KindFlow {
		return Candidate{}, false
	}
	f, matched, endpoint := b.matched(e, q)
	if !f.mayOpen(q.Flow.Direction) || !f.mayServe(q.Flow) || f.role != "" && !b.mayPlay(q, f.role) {
		return Candidate{}, false
	}
	w := Candidate{Entry: *e, State: o.State, Why: o.Why, AnyRemote: f.unbound}
	for _, one := range slices.Concat(f.open, feedOpens(e, f.feed)) {
		if one.Endpoint == "" || one.Endpoint == endpoint {
			w.Open = append(w.Open, one)
			w.AnyRemote = w.AnyRemote || one.Missing == rule.MissingRemote
		}
	}
	return w, matched || w.AnyRemote && b.named(q, f)
}

// pendingOf returns the endpoints of an entry that wait for the site, and of those
// that it takes its remote from.
func (b *builder) pendingOf(e *catalog.Entry, a Answer) []catalog.Pending {
	if a.Remote == nil {
		return e.Pending
	}
	var all []catalog.Pending
	for _, from := range a.Remote.From {
		for _, other := range b.referred(from) {
			all = append(all, other.Pending...)
		}
	}
	return all
}

// Complete is Policy.Complete, but where no rule has the question's remote, the
// entries that are open and have it say what is meant.
func (r *Result) Complete(q rule.Question) []rule.Completed {
	all := r.Policy.Complete(q)
	if q.IsBare() || all[0].Assumed == "" || all[0].Because != "" {
		return all
	}
	var open []rule.Completed
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		if o.State != IsOpen || o.Entry.Kind != catalog.KindFlow {
			continue
		}
		f, matched, _ := r.built.matched(&o.Entry, q)
		if f.services.IsEmpty() {
			f.services = netset.ServiceSetOf(netset.Service{Protocol: netset.TCP, Ports: netset.PortRange{First: 443, Last: 443}})
		}
		for _, d := range []rule.Direction{rule.Outbound, rule.Inbound} {
			c, ok := q.As(d, f.services, "entry "+o.Entry.ID)
			known := slices.ContainsFunc(open, func(other rule.Completed) bool { return other.Flow == c.Flow })
			if ok && matched && !known && f.direction != "" && f.mayOpen(d) {
				open = append(open, c)
			}
		}
	}
	if len(open) == 0 {
		return all
	}
	return open
}

// named reports whether a question names the role of an entry, so that the entry
// comes to mind although its remote is open. Our side opens so many flows that the
// entry must have its services, too.
func (b *builder) named(q rule.Question, f facts) bool {
	said := q.Role != "" || q.Flow.Local.IsValid()
	return said && f.role != "" && (q.Flow.Direction == rule.Inbound || !f.services.IsEmpty())
}

// mayOpen reports whether the flows of the facts have the direction, or may have it.
func (f *facts) mayOpen(d rule.Direction) bool {
	return f.direction == "" || f.direction == catalog.Bidirectional || string(f.direction) == string(d)
}

// mayServe reports whether the services of the facts hold the flow's, or may hold it.
func (f *facts) mayServe(flow rule.Flow) bool {
	return f.services.IsEmpty() || f.services.Contains(flow.Protocol, flow.Port) ||
		flow.Published != 0 && f.services.Contains(flow.Protocol, flow.Published)
}

// mayPlay reports whether our side of a question plays the role. A role that is not
// bound may have any address.
func (b *builder) mayPlay(q rule.Question, role rule.Role) bool {
	switch {
	case q.Role == role || q.Role == "" && !q.Flow.Local.IsValid():
		return true
	case q.Flow.Local.IsValid():
		return !b.bound(role) || b.binding(role).Local().Contains(q.Flow.Local)
	}
	return false
}

// matches reports whether an endpoint of the remote is the flow's.
func (r Remote) matches(f rule.Flow) bool {
	return r.Any || r.Prefixes.Contains(f.Remote) ||
		f.Name != "" && slices.ContainsFunc(r.Names, func(n netset.Pattern) bool { return n.Match(f.Name) })
}

// openEndpoint returns the endpoint among those that are open that a name may be of;
// rather one that says the name than one with a placeholder.
func (f *facts) openEndpoint(pending []catalog.Pending, name string) (text string, ok bool) {
	for _, p := range pending {
		isOpen := slices.ContainsFunc(f.open, func(o rule.Open) bool { return o.Endpoint == p.Text })
		if isOpen && pendingMatches(p, name) && (!ok || len(p.Placeholders) == 0) {
			text, ok = p.Text, true
		}
	}
	return text, ok
}

// pendingMatches reports whether a name may be that of an endpoint, whatever its
// placeholders stand for.
func pendingMatches(p catalog.Pending, name string) bool {
	isFQDN := func(one catalog.Placeholder) bool { return one.Kind == catalog.FQDN }
	anyDepth := strings.HasPrefix(p.Host, "*.") || slices.ContainsFunc(p.Placeholders, isFQDN)
	pattern, err := p.Pattern()
	if err != nil || name == "" || !anyDepth && strings.Count(p.Host, ".") != strings.Count(name, ".") {
		return false
	}
	return pattern.Match(name)
}

// Families are those of the addresses that a packet filter sees.
type Families struct{ V4, V6 bool }

// Addressed reports whether an entry that accepts a flow by its name has addresses,
// too, or takes any remote: a packet filter that sees the families goes by these.
func (r *Result) Addressed(f rule.Flow, seen Families) bool {
	return slices.ContainsFunc(r.Input.Grants, func(g rule.Grant) bool {
		named := g.Any || Remote{Names: g.Names}.matches(rule.Flow{Name: f.Name})
		return named && r.Reaches(g, seen) && r.serves(g, f)
	})
}

// AddressesOf are those of a flow's remote: the one that it has, or those of the
// entries that accept it by its name.
func (r *Result) AddressesOf(f rule.Flow) netset.PrefixSet {
	if f.Remote.IsValid() {
		return netset.PrefixSetOf(netip.PrefixFrom(f.Remote.Unmap(), f.Remote.Unmap().BitLen()))
	}
	var all netset.PrefixBuilder
	for _, g := range r.Input.Grants {
		if (Remote{Names: g.Names}).matches(f) && r.serves(g, f) {
			all.AddSet(g.Prefixes)
		}
	}
	return all.Build()
}

// serves reports whether a grant accepts a flow, whatever its remote is.
func (r *Result) serves(g rule.Grant, f rule.Flow) bool {
	one := rule.Rule{Direction: g.Direction, Role: g.Role, Services: g.Services, Remote: rule.Remote{Any: true}}
	return r.Policy.Accepts(&one, f)
}

// Reaches reports whether a grant gives a packet filter addresses, of a family that it
// sees and that the role has.
func (r *Result) Reaches(g rule.Grant, seen Families) bool {
	ours := r.Policy.Binding(g.Role).Local()
	has := func(seen bool, ours, remote netset.PrefixSet) bool {
		return seen && !ours.IsEmpty() && (g.Any || !remote.IsEmpty())
	}
	return has(seen.V4, ours.V4(), g.Prefixes.V4()) || has(seen.V6, ours.V6(), g.Prefixes.V6())
}

// Accepting returns the entries that accept a flow by themselves, sorted by id: of
// the entries that a rule is made of, those that have the flow's endpoint.
func (r *Result) Accepting(f rule.Flow) []rule.Entry {
	entries := map[string]rule.Entry{}
	for _, g := range r.Input.Grants {
		remote := Remote{Any: g.Any, Names: g.Names, Prefixes: g.Prefixes}
		if remote.matches(f) && r.serves(g, f) {
			entries[g.Entry.ID] = g.Entry
		}
	}
	return slices.SortedFunc(maps.Values(entries), func(a, b rule.Entry) int { return cmp.Compare(a.ID, b.ID) })
}
