package rule

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"gatewright/catalog/netset"
)

func compiled(t testing.TB, in Input) Compiled { return Compiled{mustCompile(t, in), in.Grants} }

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
		d := Compare(compiled(t, a), compiled(t, b))
		for range 60 {
			whole := randomFlow(r)
			for _, f := range []Flow{whole, Seen(whole, PacketFilter), Seen(whole, Proxy)} {
				old, new := grantsAccept(a, f), grantsAccept(b, f)
				if d.Added.Contains(f) != (new && !old) || d.Removed.Contains(f) != (old && !new) {
					t.Fatalf("%v: old %t, new %t; added %t, removed %t", f, old, new, d.Added.Contains(f), d.Removed.Contains(f))
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
func witnessOf(c Change, r RuleChange, p PartChange) (Flow, bool) {
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
					if c.Contains(f) {
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
		d := Compare(compiled(t, a), compiled(t, b))
		for _, c := range []Change{d.Added, d.Removed} {
			for _, rc := range c.Rules {
				if len(rc.Entries) == 0 || len(rc.Parts) == 0 {
					t.Fatalf("%s: no entries or no parts: %+v", rc.Rule.ID, rc)
				}
				for i, p := range rc.Parts {
					parts++
					for _, q := range rc.Parts[:i] {
						if p.Published == q.Published && p.Local.Overlaps(q.Local) && !p.Services.Intersect(q.Services).IsEmpty() {
							t.Fatalf("%s: two parts tell of the same flows:\n%+v\n%+v", rc.Rule.ID, p, q)
						}
					}
					if _, ok := witnessOf(c, rc, p); !ok {
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

// By addresses, a Diff is the difference of the regions.
func TestDiffAgreesWithRegions(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 6))
	for range 300 {
		a := randomInput(t, r)
		b := revised(t, r, a)
		old, new := compiled(t, a), compiled(t, b)
		var boxes []Box
		for _, rc := range Compare(old, new).Added.Rules {
			for _, p := range rc.Parts {
				remote := p.Prefixes
				if p.Any {
					remote = wholeSpace().Subtract(p.ButPrefixes)
				}
				for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
					for _, ports := range p.Services.Ports(protocol) {
						boxes = append(boxes, Box{rc.Rule.Direction, protocol, ports, p.Published, p.Local, remote})
					}
				}
			}
		}
		if got, want := RegionOf(boxes...), new.Policy.Region().Subtract(old.Policy.Region()); !got.Equal(want) {
			t.Fatalf("the diff says %v\nthe regions %v", got.Boxes(), want.Boxes())
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
		d := Compare(compiled(t, a), compiled(t, b))
		if len(d.Added.Rules)+len(d.Removed.Rules) > 0 {
			t.Fatalf("re-wording is shown: %+v", d)
		}
		if same := Compare(compiled(t, a), compiled(t, a)); !same.IsEmpty() {
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
	if d := Compare(compiled(t, in(together...)), compiled(t, in(star))); !d.IsEmpty() {
		t.Errorf("shown: %+v", d.Added.Rules)
	}
	d := Compare(compiled(t, in(together[1:]...)), compiled(t, in(star)))
	if len(d.Added.Rules) != 1 || !d.Added.Contains(Flow{Direction: Outbound, Protocol: netset.TCP, Port: 443,
		Name: "www.any.example.com", Local: netip.MustParseAddr("172.16.0.1")}) {
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
	d := Compare(compiled(t, in), compiled(t, wider))
	if len(d.Removed.Rules) != 0 || len(d.Added.Rules) != 1 || len(d.Added.Rules[0].Parts) != 1 {
		t.Fatalf("%+v", d)
	}
	if p := d.Added.Rules[0].Parts[0]; !p.Elsewhere || !p.Published || p.Local.String() != "172.16.0.0" {
		t.Errorf("%+v", p)
	}
}

// The literals of a route change are exact; its patterns go another way, and no name
// that goes another way is outside of all patterns.
func TestRouteChangesAgreeWithRoute(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 8))
	moved := 0
	for range 300 {
		a := randomInput(t, r)
		b := a
		b.Grants = slices.Clone(a.Grants)
		for i := range b.Grants {
			if r.IntN(2) == 0 {
				b.Grants[i].Route = r.IntN(4) - 1
			}
		}
		old, new := compiled(t, a), compiled(t, b)
		changes := Compare(old, new).Routes
		for _, role := range universeRoles {
			for port := uint16(1); port < 6; port++ {
				for _, name := range append(universeNames, "") {
					for last := range byte(8) {
						f := Flow{Direction: Outbound, Protocol: netset.TCP, Port: port, Name: name, Remote: netip.AddrFrom4([4]byte{10, 0, 0, last})}
						binding := old.Policy.Binding(role).Local()
						f.Local = firstAddress(binding)
						from, to := old.Policy.Route(f, role), new.Policy.Route(f, role)
						told := slices.ContainsFunc(changes, func(c RouteChange) bool {
							return c.Role == role && c.From == from && c.To == to && c.Services.Contains(netset.TCP, port) &&
								(name == "" && c.Prefixes.Contains(f.Remote) ||
									name != "" && slices.ContainsFunc(c.Names, func(p netset.Pattern) bool { return p.Match(name) }))
						})
						accepted := acceptedOn(old.Policy, role, netset.ServiceSetOf(netset.Service{Protocol: netset.TCP, Ports: netset.PortRange{First: port, Last: port}}))
						isMoved := from != to && (name == "" && (accepted.any || accepted.prefixes.Contains(f.Remote)) || name != "" && accepted.match(name))
						if name == "" && !accepted.any && told != isMoved || isMoved && name != "" && !accepted.any && !told {
							t.Fatalf("%s, %v: %s, now %s; told: %t\n%+v", role, f, from, to, told, changes)
						}
						if isMoved {
							moved++
						}
					}
				}
			}
		}
	}
	if moved < 1000 {
		t.Fatalf("only %d went another way; the test is too weak", moved)
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
	changes := Compare(in(0), in(1)).Routes
	if len(changes) != 1 || changes[0].From != Direct || changes[0].To != Proxied || !slices.Equal(changes[0].Names, []netset.Pattern{wide}) {
		t.Errorf("%+v", changes)
	}
}
