package rule

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"gatewright/catalog/netset"
)

func compiled(t testing.TB, in Input) Compiled { return Compiled{mustCompile(t, in), in.Grants, nil} }

// compare returns the difference of policies that are no larger than may be.
func compare(t testing.TB, old, new Compiled) Diff {
	t.Helper()
	d, err := Compare(old, new)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// grantsAccept is the slow, obvious meaning of an input.
func grantsAccept(in Input, f Flow) bool {
	return slices.ContainsFunc(in.Grants, func(g Grant) bool { return grantAccepts(in, g, f) })
}

// revised returns an input that keeps most of another, as the next revision does.
func revised(t testing.TB, r *rand.Rand, in Input) Input {
	other := randomInput(t, r)
	out := in
	out.Grants = nil
	for _, g := range in.Grants {
		switch r.IntN(5) {
		case 0:
		case 1:
			g.Prefixes = g.Prefixes.Union(prefixes(pick(r, universePrefixes, 1)...))
			out.Grants = append(out.Grants, g)
		default:
			out.Grants = append(out.Grants, g)
		}
	}
	for i, g := range other.Grants[:min(len(other.Grants), 2)] {
		g.Entry.ID = fmt.Sprintf("test/n%d", i)
		out.Grants = append(out.Grants, g)
	}
	if r.IntN(3) == 0 {
		out.Bindings = []Binding{
			{Role: "clients", Addresses: prefixes("172.16.0.0/31"), Published: prefixes("172.16.0.2/32")},
			{Role: "exchange", Published: prefixes("172.16.0.8/31"), Addresses: prefixes("172.16.0.9/32", "fd00::9/128")},
			{Role: "sts", Addresses: prefixes("172.16.0.2/31")},
		}
	}
	return out
}

// Law 4: a flow is in the change if and only if the one accepts it and the other does
// not, for whole flows and for what each layer sees.
func TestDiffIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	differing, bothSights := 0, 0
	for range 600 {
		a := randomInput(t, r)
		b := revised(t, r, a)
		before, after := compiled(t, a), compiled(t, b)
		d := compare(t, before, after)
		for range 60 {
			whole := randomFlow(r)
			for _, f := range []Flow{whole, Seen(whole, PacketFilter), Seen(whole, Proxy)} {
				old, new := grantsAccept(a, f), grantsAccept(b, f)
				if d.Added.contains(f, before.Policy) != (new && !old) || d.Removed.contains(f, after.Policy) != (old && !new) {
					t.Fatalf("%v: old %t, new %t; added %t, removed %t", f, old, new, d.Added.contains(f, before.Policy), d.Removed.contains(f, after.Policy))
				}
				if old != new {
					differing++
				}
				// What is seen of one kind alone is exact without asking the other policy.
				oneSight := (f.Name == "") != !f.Remote.IsValid()
				if shown := slices.ContainsFunc(d.Added.Rules, func(c RuleChange) bool { return c.contains(f) }); oneSight && f.Direction == Outbound && shown != (new && !old) {
					t.Fatalf("%v: shown as added: %t; old %t, new %t", f, shown, old, new)
				} else if oneSight && shown {
					bothSights++
				}
			}
		}
	}
	if differing < 2000 || bothSights < 1000 {
		t.Fatalf("%d flows differ, %d seen in parts; the test is too weak", differing, bothSights)
	}
}

// witnessOf returns a flow of the part that the change contains.
func witnessOf(c Change, denying *Policy, r RuleChange, p PartChange) (Flow, bool) {
	base := Flow{Direction: r.Rule.Direction}
	var flows []Flow
	for local := range p.Local.Prefixes() {
		base.Local = local.Addr()
		for prefix := range p.Prefixes.Prefixes() {
			f := base
			f.Remote = prefix.Addr()
			flows = append(flows, f)
		}
		for _, n := range p.Names {
			f := base
			f.Name = n.Example
			flows = append(flows, f)
		}
		if p.Any {
			f := base
			f.Name = "nowhere.example.net"
			flows = append(flows, f)
		}
	}
	for _, f := range flows {
		for _, f.Protocol = range []netset.Protocol{netset.TCP, netset.UDP} {
			for _, ports := range p.Services.Ports(f.Protocol) {
				for _, other := range []uint16{0, 6, 60000} {
					f.Port, f.Published = ports.First, other
					if p.Published {
						f.Port, f.Published = other, ports.First
					}
					if c.contains(f, denying) {
						return f, true
					}
				}
			}
		}
	}
	return Flow{}, false
}

// Nothing is shown that is no change: every part and every pattern has a flow that
// only one of the two accepts, and every entry that is named gives some of it.
func TestDiffShowsNothingThatIsTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 5))
	parts, excepted := 0, 0
	for range 600 {
		a := randomInput(t, r)
		b := revised(t, r, a)
		before, after := compiled(t, a), compiled(t, b)
		d := compare(t, before, after)
		denying := []*Policy{before.Policy, after.Policy}
		for side, c := range []Change{d.Added, d.Removed} {
			for _, rc := range c.Rules {
				if len(rc.Entries) == 0 || len(rc.Parts) == 0 {
					t.Fatalf("%s: no entries or no parts: %+v", rc.Rule.ID, rc)
				}
				for i, p := range rc.Parts {
					parts++
					for _, q := range rc.Parts[:i] {
						twice := p.Prefixes.Overlaps(q.Prefixes) || slices.ContainsFunc(p.Names, func(n NameChange) bool {
							return slices.ContainsFunc(q.Names, func(m NameChange) bool { return m.Pattern == n.Pattern })
						})
						if twice = twice || p.Any || q.Any; twice && p.Published == q.Published && p.Local.Overlaps(q.Local) && !p.Services.Intersect(q.Services).IsEmpty() {
							t.Fatalf("%s: two parts tell of the same flows:\n%+v\n%+v", rc.Rule.ID, p, q)
						}
					}
					if _, ok := witnessOf(c, denying[side], rc, p); !ok {
						t.Fatalf("%s: no flow of %+v is a change", rc.Rule.ID, p)
					}
					for _, n := range p.Names {
						if len(n.Except) > 0 {
							excepted++
						}
						if !n.Pattern.Match(n.Example) || !p.containsName(n.Example) {
							t.Fatalf("%+v: the example is no name of it", n)
						}
					}
				}
			}
		}
	}
	if parts < 1000 || excepted < 100 {
		t.Fatalf("%d parts, %d patterns with exceptions; the test is too weak", parts, excepted)
	}
}

// By addresses, a Diff is the difference of the traffic.
func TestDiffAgreesWithTraffic(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 6))
	for range 300 {
		a := randomInput(t, r)
		b := revised(t, r, a)
		old, new := compiled(t, a), compiled(t, b)
		lists := map[Direction][]TrafficSet{}
		for _, rc := range compare(t, old, new).Added.Rules {
			for _, p := range rc.Parts {
				remote := p.Prefixes
				if p.Any {
					remote = netset.EveryAddress().Subtract(p.ButPrefixes)
				}
				from, to := p.Local, remote
				if rc.Rule.Direction == Inbound {
					from, to = to, from
				}
				lists[rc.Rule.Direction] = append(lists[rc.Rule.Direction], TrafficOf(p.Services, p.Published, from, to))
			}
		}
		was, is := trafficOf(old.Policy), trafficOf(new.Policy)
		for _, d := range []Direction{Outbound, Inbound} {
			if got, want := UniteTraffic(lists[d]...), is[d].Subtract(was[d]); !got.Equal(want) {
				t.Fatalf("%s, the diff says %v\nthe traffic %v", d, got.Flows(d), want.Flows(d))
			}
		}
	}
}

// Wording, order, grouping and ids make no difference, nor do split endpoints.
func TestDiffOfTheSameIsEmpty(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 7))
	for range 300 {
		a := randomInput(t, r)
		b := a
		b.Grants = nil
		for i, g := range a.Grants {
			g.Entry = Entry{ID: fmt.Sprintf("other/%d", i), Title: "another title"}
			g.Group = fmt.Sprintf("g%d", i)
			half := g
			half.Names, half.Prefixes = nil, netset.PrefixSet{}
			for p := range g.Prefixes.Prefixes() {
				if p.IsSingleIP() {
					continue
				}
				half.Prefixes = netset.PrefixSetOf(netip.PrefixFrom(p.Addr(), p.Bits()+1))
				b.Grants = append(b.Grants, half)
			}
			b.Grants = append(b.Grants, g)
		}
		slices.Reverse(b.Grants)
		d := compare(t, compiled(t, a), compiled(t, b))
		if len(d.Added.Rules)+len(d.Removed.Rules) > 0 {
			t.Fatalf("re-wording is shown: %+v", d)
		}
		if same := compare(t, compiled(t, a), compiled(t, a)); !same.IsEmpty() {
			t.Fatalf("a policy differs from itself: %+v", same)
		}
	}
}

// A pattern whose names several patterns cover together is not new.
func TestDiffKnowsPatternsThatCoverTogether(t *testing.T) {
	var together []netset.Pattern
	for _, c := range "abcdefghijklmnopqrstuvwxyz0123456789-_" {
		together = append(together, pattern(t, "www."+string(c)+"*.example.com"))
	}
	in := func(names ...netset.Pattern) Input {
		return Input{
			Bindings: []Binding{{Role: "clients", Addresses: prefixes("172.16.0.0/30")}},
			Grants: []Grant{{Entry: Entry{ID: "m/a"}, Direction: Outbound, Role: "clients", Names: names,
				Services: services(t, "tcp 443"), Route: NoRoute}},
		}
	}
	star := pattern(t, "www.*.example.com")
	if d := compare(t, compiled(t, in(together...)), compiled(t, in(star))); !d.IsEmpty() {
		t.Errorf("shown: %+v", d.Added.Rules)
	}
	before := compiled(t, in(together[1:]...))
	d := compare(t, before, compiled(t, in(star)))
	if len(d.Added.Rules) != 1 || !d.Added.contains(Flow{Direction: Outbound, Protocol: netset.TCP, Port: 443,
		Name: "www.any.example.com", Local: netip.MustParseAddr("172.16.0.1")}, before.Policy) {
		t.Errorf("not shown: %+v", d)
	}
}

// What is accepted elsewhere already is marked so.
func TestDiffTellsNewLocalAddresses(t *testing.T) {
	in := Input{
		Bindings: []Binding{{Role: "sts", Published: prefixes("172.16.0.1/32")}},
		Grants: []Grant{{Entry: Entry{ID: "m/a"}, Direction: Inbound, Role: "sts", Prefixes: prefixes("10.0.0.0/30"),
			Services: services(t, "tcp 443"), Route: NoRoute}},
	}
	wider := in
	wider.Bindings = []Binding{{Role: "sts", Published: prefixes("172.16.0.0/31")}}
	d := compare(t, compiled(t, in), compiled(t, wider))
	if len(d.Removed.Rules) != 0 || len(d.Added.Rules) != 1 || len(d.Added.Rules[0].Parts) != 1 {
		t.Fatalf("%+v", d)
	}
	if p := d.Added.Rules[0].Parts[0]; !p.Elsewhere || !p.Published || p.Local.String() != "172.16.0.0" {
		t.Errorf("%+v", p)
	}
}

// goesBy reports whether a change tells of a request, which the routes' own endpoints
// say how to hold against "any".
func (c RouteChange) goesBy(f Flow, routed bool) bool {
	if !c.Services.Contains(netset.TCP, f.Port) {
		return false
	}
	if f.Name != "" {
		return c.Any && !routed || slices.ContainsFunc(c.Names, func(n NameChange) bool { return n.match(f.Name) })
	}
	return c.Any && !routed || c.Prefixes.Contains(f.Remote)
}

// isRouted reports whether an endpoint of the policies' routes holds the remote.
func isRouted(f Flow, role Role, policies ...*Policy) bool {
	for _, p := range policies {
		for _, route := range p.Routes {
			for _, m := range route.Members {
				named := slices.ContainsFunc(m.Names, func(n netset.Pattern) bool { return n.Match(f.Name) })
				if m.Role == role && m.Services.Contains(netset.TCP, f.Port) && (named || f.Name == "" && m.Prefixes.Contains(f.Remote)) {
					return true
				}
			}
		}
	}
	return false
}

// randomRoutes are two inputs whose entries go different ways, with patterns that
// overlap at equal rank, prefixes within each other, and routes of "any".
func randomRoutes(t testing.TB, r *rand.Rand) (a, b Input) {
	globs := []string{"a*.x.test", "*b.x.test", "a*.x.test", "*b.x.test", "b*a.x.test", "*a*.x.test", "ab.x.test", "*.x.test", "b.x.test", "a.*.x.test", "*.b.x.test", "b*.*.x.test", "*.*.x.test", "x.test"}
	draw := func(i int) Grant {
		g := Grant{
			Entry: Entry{ID: fmt.Sprintf("test/e%d", i)}, Direction: Outbound, Role: pick(r, universeRoles[:2], 1)[0],
			Services: services(t, pick(r, universeServices, 1)[0]), Any: r.IntN(8) == 0, Route: r.IntN(4) - 1,
			Prefixes: prefixes(pick(r, universePrefixes, r.IntN(3))...),
		}
		for _, s := range pick(r, globs, 1+r.IntN(3)) {
			g.Names = append(g.Names, pattern(t, s))
		}
		return g
	}
	a = randomInput(t, r)
	a.Grants = nil
	for i := range 1 + r.IntN(6) {
		a.Grants = append(a.Grants, draw(i))
	}
	b = a
	b.Grants = nil
	for i, g := range a.Grants {
		switch r.IntN(6) {
		case 0:
			continue
		case 1:
			g = draw(i)
		case 2:
			g.Route = r.IntN(4) - 1
		case 3:
			g.Entry.ID += "x"
		}
		b.Grants = append(b.Grants, g)
	}
	if r.IntN(3) == 0 {
		b.Grants = append(b.Grants, draw(9))
	}
	if r.IntN(8) == 0 {
		b.Routes = []Via{"other:8080", Direct, Proxied}
	}
	return a, b
}

// Every request that goes another way is told, with where it went and goes; and none
// that does not. The names hold one for each combination of the patterns.
func TestRouteChangesAgreeWithRoute(t *testing.T) {
	var requests []Flow
	for _, label := range []string{"", "a.", "b.", "ab.", "ba.", "aa.", "bb.", "c.", "aab.", "abb.", "acb.", "bab.", "a.a.", "a.b.", "b.b.", "b.a.", "c.b.", "ab.b.", "ba.b.", "bc.c.", "a.c.", "c.c.", "c.c.c.", "c.c.b.", "a.ab.", "b.ab."} {
		requests = append(requests, Flow{Name: label + "x.test"})
	}
	requests = append(requests, Flow{Name: "other.test"})
	for last := range byte(9) {
		requests = append(requests, Flow{Remote: netip.AddrFrom4([4]byte{10, 0, 0, last})}, Flow{Remote: netip.MustParseAddr(fmt.Sprintf("2001:db8::%d", last))})
	}
	r := rand.New(rand.NewPCG(4, 8))
	moved, named, crossing, any := 0, 0, 0, 0
	for range 1500 {
		a, b := randomRoutes(t, r)
		old, new := compiled(t, a), compiled(t, b)
		changes := compare(t, old, new).Routes
		for _, c := range changes {
			for _, n := range c.Names {
				named++
				if (n.And != netset.Pattern{}) {
					crossing++
				}
				f := Flow{Direction: Outbound, Protocol: netset.TCP, Port: c.Services.Ports(netset.TCP)[0].First, Name: n.Example}
				if !n.match(n.Example) || old.Policy.Route(f, c.Role) != c.From || new.Policy.Route(f, c.Role) != c.To {
					t.Fatalf("%+v: the example is none of %s -> %s", n, c.From, c.To)
				}
			}
		}
		for _, role := range universeRoles[:2] {
			for port := uint16(1); port < 7; port++ {
				for _, f := range requests {
					f.Direction, f.Protocol, f.Port = Outbound, netset.TCP, port
					from, to := old.Policy.Route(f, role), new.Policy.Route(f, role)
					routed := isRouted(f, role, old.Policy, new.Policy)
					var told []RouteChange
					for _, c := range changes {
						if c.Role == role && c.goesBy(f, routed) {
							told = append(told, c)
						}
					}
					if from == to && len(told) > 0 || from != to && len(told) == 0 || slices.ContainsFunc(told, func(c RouteChange) bool { return c.From != from || c.To != to }) {
						t.Fatalf("%s, %v: %s, now %s; told %+v\nof %+v\n%+v\n%+v", role, f, from, to, told, changes, a.Grants, b.Grants)
					}
					if from != to {
						moved++
					}
					if from != to && !routed {
						any++
					}
				}
			}
		}
	}
	if moved < 50_000 || named < 3000 || crossing < 100 || any < 1000 {
		t.Fatalf("%d went another way, %d of them by any; %d patterns, %d crossing; the test is too weak", moved, any, named, crossing)
	}
}

// A pattern is judged by names that no more specific pattern takes.
func TestRouteChangesPassOverNarrowerPatterns(t *testing.T) {
	wide, narrow := pattern(t, "*.example.com"), pattern(t, "any.example.com")
	in := func(way int) Compiled {
		grant := func(id string, name netset.Pattern, way int) Grant {
			return Grant{Entry: Entry{ID: id}, Direction: Outbound, Role: "clients", Names: []netset.Pattern{name}, Services: services(t, "tcp 443"), Route: way}
		}
		return compiled(t, Input{
			Bindings: []Binding{{Role: "clients", Addresses: prefixes("172.16.0.0/30")}},
			Routes:   []Via{Direct, Proxied},
			Grants:   []Grant{grant("m/wide", wide, way), grant("m/narrow", narrow, 0)},
		})
	}
	changes := compare(t, in(0), in(1)).Routes
	if len(changes) != 1 || changes[0].From != Direct || changes[0].To != Proxied || len(changes[0].Names) != 1 || changes[0].Names[0].Pattern != wide || !slices.Equal(changes[0].Names[0].Except, []netset.Pattern{narrow}) {
		t.Errorf("%+v", changes)
	}
}

// contains reports whether the flow is in the change; denying is the other policy.
func (c Change) contains(f Flow, denying *Policy) bool {
	return slices.ContainsFunc(c.Rules, func(r RuleChange) bool { return r.contains(f) }) && !denying.Decide(f).Accept()
}

func (r RuleChange) contains(f Flow) bool {
	return r.Rule.Direction == f.Direction && slices.ContainsFunc(r.Parts, func(p PartChange) bool { return p.contains(f) })
}

func (p PartChange) contains(f Flow) bool {
	port := f.Port
	if p.Published {
		port = f.originalPort()
	}
	if !p.Local.Contains(f.Local) || !p.Services.Contains(f.Protocol, port) {
		return false
	}
	if p.Any {
		return f.Remote.IsValid() && !p.ButPrefixes.Contains(f.Remote) || f.Name != "" && !p.ButNames.Match(f.Name)
	}
	return f.Remote.IsValid() && p.Prefixes.Contains(f.Remote) || p.containsName(f.Name)
}

func (p PartChange) containsName(name string) bool {
	return name != "" && slices.ContainsFunc(p.Names, func(n NameChange) bool { return n.match(name) })
}

// match reports whether the name is one of the change.
func (n NameChange) match(name string) bool {
	matches := func(q netset.Pattern) bool { return q.Match(name) }
	return n.Pattern.Match(name) && (n.And == netset.Pattern{} || n.And.Match(name)) && !slices.ContainsFunc(n.Except, matches)
}
