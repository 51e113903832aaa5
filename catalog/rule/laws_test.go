package rule

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"gatewright/catalog/netset"
)

// The universe of the property tests is small, so that grants overlap, cover and
// touch each other all the time.
var (
	universeNames = []string{
		"example.com", "a.example.com", "b.example.com", "a.b.example.com", "x-a.example.com", "c.a.b.example.com",
		"example.org", "a.example.org", "notexample.com", "ab.example.com",
	}
	universePatterns = []string{
		"example.com", "*.example.com", "a.example.com", "*.b.example.com", "*a.example.com", "x-*.example.com",
		"a.*.example.com", "*.example.org", "example.org",
	}
	universePrefixes = []string{
		"10.0.0.0/30", "10.0.0.0/31", "10.0.0.2/31", "10.0.0.1/32", "10.0.0.4/30", "10.0.0.6/31",
		"2001:db8::/126", "2001:db8::/127", "2001:db8::3/128",
	}
	universeServices = []string{"tcp 1-3", "tcp 2", "tcp 4", "udp 2", "tcp 1-2; udp 2-4", "tcp 3-5"}
	universeRoles    = []Role{"clients", "exchange", "sts"}
)

func pattern(t testing.TB, s string) netset.Pattern {
	t.Helper()
	p, err := netset.ParsePattern(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func services(t testing.TB, s string) netset.ServiceSet {
	t.Helper()
	set, err := netset.ParseServices(s)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func prefixes(list ...string) netset.PrefixSet {
	var b netset.PrefixBuilder
	for _, s := range list {
		b.Add(netip.MustParsePrefix(s))
	}
	return b.Build()
}

func pick[T any](r *rand.Rand, list []T, n int) []T {
	var chosen []T
	for range n {
		chosen = append(chosen, list[r.IntN(len(list))])
	}
	return chosen
}

func randomInput(t testing.TB, r *rand.Rand) Input {
	in := Input{
		Bindings: []Binding{
			{Role: "clients", Addresses: prefixes("172.16.0.0/30", "fd00::/126")},
			{Role: "exchange", Addresses: prefixes("172.16.0.8/32"), Published: prefixes("172.16.0.9/32", "fd00::9/128")},
			{Role: "sts", Published: prefixes("172.16.0.2/31")},
		},
		Routes: []Via{Direct, Proxied, "other:8080"},
	}
	for i := range 1 + r.IntN(8) {
		g := Grant{
			Entry:     Entry{ID: fmt.Sprintf("test/e%d", i), Title: fmt.Sprintf("entry %d", i)},
			Group:     pick(r, []string{"", "common", "skype"}, 1)[0],
			Direction: pick(r, []Direction{Outbound, Inbound}, 1)[0],
			Role:      pick(r, universeRoles, 1)[0],
			Services:  services(t, pick(r, universeServices, 1)[0]),
			Any:       r.IntN(20) == 0,
			Route:     r.IntN(4) - 1,
		}
		for _, s := range pick(r, universePatterns, r.IntN(4)) {
			g.Names = append(g.Names, pattern(t, s))
		}
		g.Prefixes = prefixes(pick(r, universePrefixes, r.IntN(4))...)
		if g.Any || len(g.Names) > 0 || !g.Prefixes.IsEmpty() {
			in.Grants = append(in.Grants, g)
		}
	}
	return in
}

// grantAccepts is the slow, obvious meaning of one grant.
func grantAccepts(in Input, g Grant, f Flow) bool {
	remote := g.Any && (f.Name != "" || f.Remote.IsValid())
	for _, n := range g.Names {
		remote = remote || f.Name != "" && n.Match(f.Name)
	}
	for p := range g.Prefixes.Prefixes() {
		remote = remote || f.Remote.IsValid() && p.Contains(f.Remote)
	}
	if !remote || f.Direction != g.Direction {
		return false
	}
	for _, b := range in.Bindings {
		if b.Role != g.Role {
			continue
		}
		published := f.Port
		if f.Published != 0 {
			published = f.Published
		}
		if b.Addresses.Contains(f.Local) && g.Services.Contains(f.Protocol, f.Port) {
			return true
		}
		if b.Published.Contains(f.Local) {
			if g.Direction == Inbound && g.Services.Contains(f.Protocol, published) ||
				g.Direction == Outbound && g.Services.Contains(f.Protocol, f.Port) {
				return true
			}
		}
	}
	return false
}

func randomFlow(r *rand.Rand) Flow {
	f := Flow{
		Direction: pick(r, []Direction{Outbound, Inbound}, 1)[0],
		Protocol:  pick(r, []netset.Protocol{netset.TCP, netset.UDP}, 1)[0],
		Port:      uint16(1 + r.IntN(6)),
		Local:     netip.MustParseAddr(pick(r, []string{"172.16.0.0", "172.16.0.2", "172.16.0.3", "172.16.0.8", "172.16.0.9", "172.16.0.10", "fd00::1", "fd00::9"}, 1)[0]),
	}
	if r.IntN(2) == 0 {
		f.Published = uint16(1 + r.IntN(6))
	}
	if r.IntN(3) > 0 {
		f.Name = pick(r, universeNames, 1)[0]
	}
	if r.IntN(3) > 0 {
		f.Remote = netip.AddrFrom4([4]byte{10, 0, 0, byte(r.IntN(9))})
		if r.IntN(3) == 0 {
			f.Remote = netip.MustParseAddr(fmt.Sprintf("2001:db8::%d", r.IntN(5)))
		}
	}
	return f
}

func mustCompile(t testing.TB, in Input) *Policy {
	t.Helper()
	p, err := Compile(in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Law 1: a flow is accepted if and only if some grant accepts it, and the decision
// names exactly the entries of these grants.
func TestDecideIsSoundAndComplete(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	accepted := 0
	for range 1500 {
		in := randomInput(t, r)
		p := mustCompile(t, in)
		for range 120 {
			f := randomFlow(r)
			want := slices.ContainsFunc(in.Grants, func(g Grant) bool { return grantAccepts(in, g, f) })
			d := p.Decide(f)
			if d.Accept() != want {
				t.Fatalf("%v: decided %v, the grants say %v\n%+v", f, d, want, in.Grants)
			}
			if want {
				accepted++
			}
			for _, g := range in.Grants {
				if grantAccepts(in, g, f) && !slices.Contains(d.Entries, g.Entry.ID) {
					t.Fatalf("%v: %s accepts, but the decision names %v", f, g.Entry.ID, d.Entries)
				}
			}
		}
	}
	if accepted < 5000 {
		t.Fatalf("only %d of the flows were accepted; the test is too weak", accepted)
	}
}

// Law 2: neither the order of anything nor repetition changes the policy.
func TestCompileIsCanonical(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 500 {
		in := randomInput(t, r)
		want := mustCompile(t, in)
		shuffled := in
		shuffled.Grants = slices.Clone(in.Grants)
		if len(in.Grants) > 0 {
			shuffled.Grants = append(shuffled.Grants, in.Grants[r.IntN(len(in.Grants))])
		}
		for i := range shuffled.Grants {
			g := &shuffled.Grants[i]
			g.Names = append(slices.Clone(g.Names), g.Names...)
			r.Shuffle(len(g.Names), func(a, b int) { g.Names[a], g.Names[b] = g.Names[b], g.Names[a] })
		}
		r.Shuffle(len(shuffled.Grants), func(a, b int) {
			shuffled.Grants[a], shuffled.Grants[b] = shuffled.Grants[b], shuffled.Grants[a]
		})
		shuffled.Bindings = slices.Clone(in.Bindings)
		slices.Reverse(shuffled.Bindings)
		if got, want := fmt.Sprintf("%+v", mustCompile(t, shuffled)), fmt.Sprintf("%+v", want); got != want {
			t.Fatalf("the policy changed with the order:\n%s\n%s", got, want)
		}
	}
}

// Law 3: each part of a remote is minimal by itself, and Unaddressed repeats
// nothing that Addressed covers.
func TestRulesAreMinimal(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 500 {
		p := mustCompile(t, randomInput(t, r))
		for _, one := range p.Rules {
			for _, names := range []netset.NameSet{one.Remote.Addressed, one.Remote.Unaddressed} {
				list := slices.Collect(names.Patterns())
				for i, a := range list {
					for j, b := range list {
						if i != j && a.Covers(b) {
							t.Fatalf("%s: %v covers %v in one part", one.ID, a, b)
						}
					}
				}
			}
			for n := range one.Remote.Unaddressed.Patterns() {
				if one.Remote.Addressed.Covers(n) {
					t.Fatalf("%s: unaddressed %v is covered by an addressed name", one.ID, n)
				}
			}
			if one.Remote.Any && !(one.Remote.Names().IsEmpty() && one.Remote.Prefixes().IsEmpty()) {
				t.Fatalf("%s: any beside other parts", one.ID)
			}
		}
	}
}

// Law 6: removing a grant never makes a flow accepted.
func TestRemovingAGrantGainsNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	for range 500 {
		in := randomInput(t, r)
		if len(in.Grants) == 0 {
			continue
		}
		p := mustCompile(t, in)
		less := in
		less.Grants = slices.Delete(slices.Clone(in.Grants), 0, 1)
		q := mustCompile(t, less)
		for range 60 {
			if f := randomFlow(r); q.Decide(f).Accept() && !p.Decide(f).Accept() {
				t.Fatalf("%v is accepted without %s and not with it", f, in.Grants[0].Entry.ID)
			}
		}
	}
}

// A rule's id is made from its key alone: it does not change with endpoints.
func TestRuleIDIsMadeFromItsKey(t *testing.T) {
	in := Input{
		Bindings: []Binding{{Role: "clients", Addresses: prefixes("172.16.0.0/30")}},
		Grants: []Grant{{Entry: Entry{ID: "m/a"}, Group: "exchange-online", Direction: Outbound, Role: "clients",
			Prefixes: prefixes("10.0.0.0/30"), Services: services(t, "tcp 443"), Route: NoRoute}},
	}
	before := mustCompile(t, in).Rules[0].ID
	in.Grants[0].Prefixes = prefixes("10.0.0.0/24")
	in.Grants = append(in.Grants, in.Grants[0])
	in.Grants[1].Entry.ID = "m/b"
	p := mustCompile(t, in)
	if len(p.Rules) != 1 || p.Rules[0].ID != before {
		t.Fatalf("rules %v, want one with id %s", p.Rules, before)
	}
	if len(before) > 22 || before[:13] != "exchange-out-" {
		t.Errorf("id %q: want exchange-out- and 9 digits", before)
	}
}

func TestGroupSlug(t *testing.T) {
	for group, want := range map[string]string{
		"": "all", "skype": "skype", "exchange-online": "exchange", "m365/sts-federated": "sts-fede",
		"m365-worldwide/31": "n31", "ÄÖ": "all", "--": "all", "a\nb": "ab",
	} {
		if got := groupSlug(group); got != want {
			t.Errorf("groupSlug(%q) = %q, want %q", group, got, want)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	bindings := []Binding{{Role: "clients", Addresses: prefixes("172.16.0.0/30")}}
	grant := Grant{Entry: Entry{ID: "m/a"}, Direction: Outbound, Role: "clients", Prefixes: prefixes("10.0.0.0/30"), Services: services(t, "tcp 443"), Route: NoRoute}
	with := func(change func(*Grant)) Input {
		g := grant
		change(&g)
		return Input{Bindings: bindings, Grants: []Grant{g}}
	}
	halves := with(func(g *Grant) { g.Prefixes = prefixes("0.0.0.0/1") })
	other := halves.Grants[0]
	other.Entry.ID, other.Prefixes = "m/b", prefixes("128.0.0.0/1")
	halves.Grants = append(halves.Grants, other)
	areas := halves
	areas.Grants = slices.Clone(halves.Grants)
	areas.Grants[0].Group, areas.Grants[1].Group = "x", "y"
	areas.Grants[1].Services = services(t, "tcp 1-500")
	for _, test := range []struct {
		name string
		in   Input
		want string
	}{
		{"two halves of IPv4 in two rules", areas, `the prefixes of m/a, m/b together cover all IPv4 addresses; if that is meant, answer "remote": "any" for one of them`},
		{"no services", with(func(g *Grant) { g.Services = netset.ServiceSet{} }), "m/a: no services; an entry without services is an open item"},
		{"no remote", with(func(g *Grant) { g.Prefixes = netset.PrefixSet{} }), "m/a: no remote; an entry without a remote is an open item"},
		{"unbound role", with(func(g *Grant) { g.Role = "sts" }), "m/a: role sts is not bound; an entry of an unbound role is an open item"},
		{"bad direction", with(func(g *Grant) { g.Direction = "up" }), `unknown direction "up"; expect outbound or inbound`},
		{"two halves of IPv4", halves, `the prefixes of m/a, m/b together cover all IPv4 addresses; if that is meant, answer "remote": "any" for one of them`},
		{"binding of a whole family", Input{Bindings: []Binding{{Role: "sts", Addresses: prefixes("::/1", "8000::/1")}}}, "role sts is bound to every IPv6 address; bind it to the addresses that its machines have"},
		{"empty binding", Input{Bindings: []Binding{{Role: "sts"}}}, "role sts is bound to no address"},
		{"bound twice", Input{Bindings: []Binding{bindings[0], bindings[0]}}, "role clients is bound twice"},
		{"bad role", Input{Bindings: []Binding{{Role: "A b"}}}, `bad role "A b"; expect a lower-case letter, then at most 15 letters, digits or hyphens`},
	} {
		if _, err := Compile(test.in); err == nil || err.Error() != test.want {
			t.Errorf("%s: error %v, want %s", test.name, err, test.want)
		}
	}
}
