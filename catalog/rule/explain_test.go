package rule

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
)

// mends reports whether a rule accepts a flow once the parts that it misses are
// replaced by what it has.
func mends(p *Policy, r *Rule, f Flow, misses []Miss) bool {
	flows := []Flow{f}
	for _, m := range misses {
		var next []Flow
		for _, f := range flows {
			switch m.Dimension {
			case ByDirection:
				f.Direction = r.Direction
			case ByLocal:
				b := p.Binding(r.Role)
				f.Local = anAddress(b.Addresses, netip.Addr{})
				next = append(next, f)
				f.Local = anAddress(b.Published, netip.Addr{})
			case ByProtocol, ByPort:
				f.Protocol, f.Published = netset.TCP, 0
				if r.Services.Only(netset.TCP).IsEmpty() {
					f.Protocol = netset.UDP
				}
				f.Port = r.Services.Ports(f.Protocol)[0].First
			case ByHost, ByRemote:
				f.Name, f.Remote = "", netip.Addr{}
				for n := range r.Remote.Names().Patterns() {
					f.Name = n.Example()
				}
				for a := range r.Remote.Prefixes().Ranges() {
					f.Remote = a
				}
			}
			next = append(next, f)
		}
		flows = next
	}
	return slices.ContainsFunc(flows, func(f Flow) bool { return p.Accepts(r, f) })
}

// TestNearRulesMissBySomethingAndNoMore holds that a near rule accepts a flow once
// all that it is said to miss is mended, and not before.
func TestNearRulesMissBySomethingAndNoMore(t *testing.T) {
	random := rand.New(rand.NewPCG(21, 22))
	denied, near := 0, 0
	for range 1000 {
		p := mustCompile(t, randomInput(t, random))
		for range 8 {
			f := randomFlow(random)
			x := p.Explain(f)
			d := p.Decide(f)
			if f.Impossible() {
				d = Decision{}
			}
			if !slices.Equal(x.Rules, d.Rules) || x.Impossible != f.Impossible() || len(x.Hits) != len(d.Rules) || d.Accept() && len(x.Near) > 0 {
				t.Fatalf("%s is explained by %+v, decided by %+v", f, x, d)
			}
			if x.Accept() {
				continue
			}
			denied++
			for _, n := range x.Near {
				near++
				i := slices.IndexFunc(p.Rules, func(r Rule) bool { return r.ID == n.Rule })
				r := &p.Rules[i]
				if len(n.Misses) == 0 || !mends(p, r, f, n.Misses) {
					t.Fatalf("%s: rule %+v still misses it, mended by %v", f, r, n.Misses)
				}
				for drop := range n.Misses {
					// A name and an address are two sights of one remote: either mends both.
					remote := func(m Miss) bool { return m.Dimension == ByHost || m.Dimension == ByRemote }
					rest := slices.DeleteFunc(slices.Clone(n.Misses), func(m Miss) bool {
						return m == n.Misses[drop] || remote(m) && remote(n.Misses[drop])
					})
					if mends(p, r, f, rest) {
						t.Fatalf("%s: rule %+v accepts it, mended by %v although it misses by %v", f, r, rest, n.Misses[drop])
					}
				}
			}
		}
	}
	if denied < 1000 || near < 200 {
		t.Errorf("%d flows were denied, %d rules near", denied, near)
	}
}

// TestExplainAcceptsWhatTrafficHolds holds of flows that no proxy carries that they are
// accepted just as a packet filter accepts them, which sees no packet of two families.
func TestExplainAcceptsWhatTrafficHolds(t *testing.T) {
	random := rand.New(rand.NewPCG(27, 28))
	accepted, mixed := 0, 0
	for range 1000 {
		p := mustCompile(t, randomInput(t, random))
		traffic := trafficOf(p)
		for range 40 {
			f := randomFlow(random)
			f.Name = ""
			if !f.Remote.IsValid() || f.Direction == Outbound && f.Protocol == netset.TCP {
				continue
			}
			if got, want := p.Explain(f).Accept(), traffic.contains(f); got != want {
				t.Fatalf("%s is explained as accepted %t, and the traffic has it %t", f, got, want)
			}
			if traffic.contains(f) {
				accepted++
			} else if p.Decide(f).Accept() {
				mixed++
			}
		}
	}
	if accepted < 200 || mixed < 100 {
		t.Errorf("%d flows were accepted, %d but for their families", accepted, mixed)
	}
}

// sidesOf returns the sides of a question without a bound.
func sidesOf(t *testing.T, p *Policy, q Question) []LocalGroup {
	t.Helper()
	sides, err := p.LocalGroups(q, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sides
}

// TestLocalGroupsAreUniform holds that the sides of a question make up each role's
// addresses, or those of the remote's family if no others are possible, and that every
// address of a side has its decision.
func TestLocalGroupsAreUniform(t *testing.T) {
	random := rand.New(rand.NewPCG(23, 24))
	split, impossible := 0, 0
	for range 1000 {
		p := mustCompile(t, randomInput(t, random))
		q := Question{Flow: randomFlow(random)}
		q.Flow.Local = netip.Addr{}
		byRole := map[Role]netset.PrefixSet{}
		for _, s := range sidesOf(t, p, q) {
			role := s.Roles[0]
			if s.Local.IsEmpty() || s.Local.Overlaps(byRole[role]) {
				t.Fatalf("%s: side %+v is empty or overlaps another", q, s)
			}
			if !byRole[role].IsEmpty() {
				split++
			}
			byRole[role] = byRole[role].Union(s.Local)
			want := p.Explain(s.Flow).Decision
			whole := s.Local.Equal(p.Binding(role).Local()) || s.Local.Equal(p.Binding(role).possible(q.Flow))
			if s.Whole != whole {
				t.Fatalf("%s: side %+v is whole: %t", q, s, whole)
			}
			if s.Flow.Impossible() {
				impossible++
			}
			for first, last := range s.Local.Ranges() {
				for _, f := range []Flow{s.Flow, s.Flow} {
					if f.Local = first; !slices.Equal(p.Explain(f).Rules, want.Rules) {
						t.Fatalf("%s is decided by %v, %s by %v", f, p.Explain(f), s.Flow, want)
					}
					if f.Local = last; !slices.Equal(p.Explain(f).Rules, want.Rules) {
						t.Fatalf("%s is decided by %v, %s by %v", f, p.Explain(f), s.Flow, want)
					}
				}
			}
		}
		for _, b := range p.Bindings {
			want := b.Local()
			if possible := b.possible(q.Flow); !possible.IsEmpty() {
				want = possible
			}
			if !byRole[b.Role].Equal(want) {
				t.Fatalf("%s: the sides of %s are %s", q, b.Role, byRole[b.Role])
			}
		}
	}
	if split == 0 || impossible == 0 {
		t.Errorf("%d roles were parted, %d sides impossible", split, impossible)
	}
}

// TestCompleteAsksWhatIsAccepted holds that what is taken from a rule is accepted
// for some side, and that nothing that was said is changed.
func TestCompleteAsksWhatIsAccepted(t *testing.T) {
	random := rand.New(rand.NewPCG(25, 26))
	taken := 0
	for range 1000 {
		p := mustCompile(t, randomInput(t, random))
		f := randomFlow(random)
		f.Local, f.Published = netip.Addr{}, 0
		if f.Name == "" && !f.Remote.IsValid() {
			continue
		}
		q := Question{Flow: f}
		if random.IntN(2) == 0 {
			q.Flow.Protocol, q.Flow.Port = 0, 0
		} else if random.IntN(2) == 0 {
			q.Flow.Port = 0
		}
		for _, c := range p.Complete(q) {
			g := c.Flow
			if g.Direction == "" || g.Protocol == 0 || g.Port == 0 || g.Name != f.Name || g.Remote != f.Remote ||
				q.Flow.Direction != "" && g.Direction != q.Flow.Direction || q.Flow.Protocol != 0 && g.Protocol != q.Flow.Protocol || q.Flow.Port != 0 && g.Port != q.Flow.Port {
				t.Fatalf("%q becomes %q", q, c)
			}
			accepted := slices.ContainsFunc(sidesOf(t, p, c.Question), func(s LocalGroup) bool {
				return slices.Contains(p.Explain(s.Flow).Rules, ID(strings.TrimPrefix(c.Because, "rule ")))
			})
			if c.Because != "" && !accepted {
				t.Fatalf("%q becomes %q because of %s, which does not accept it", q, c, c.Because)
			}
			if c.Because != "" {
				taken++
			}
		}
	}
	if taken < 200 {
		t.Errorf("%d flows were taken from rules", taken)
	}
}

// A host alone is what a client opens, whatever rules there are.
func TestCompleteBareHost(t *testing.T) {
	random := rand.New(rand.NewPCG(27, 28))
	for range 200 {
		p := mustCompile(t, randomInput(t, random))
		for _, host := range []string{"a.example.com", "52.112.0.1", "2603:1006::1"} {
			q, err := ParseFlow(host)
			if err != nil {
				t.Fatal(err)
			}
			all := p.Complete(q)
			if f := all[0].Flow; len(all) != 1 || f.Direction != Outbound || f.Protocol != netset.TCP || f.Port != 443 || all[0].Assumed != "outbound tcp 443" {
				t.Fatalf("%s becomes %v", host, all)
			}
		}
	}
}

func TestMissedNames(t *testing.T) {
	for _, test := range []struct{ pattern, name, want string }{
		{"*.example.com", "example.com", "the apex is not covered by *.example.com"},
		{"*.example.com", "notexample.com", "it ends like example.com, but is another domain"},
		{"*.www.example.com", "example.com", "it is above *.www.example.com"},
		{"www.example.com", "a.www.example.com", "one label deeper than www.example.com, which is listed without its subdomains"},
		{"www.example.com", "a.b.www.example.com", "two labels deeper than www.example.com, which is listed without its subdomains"},
		{"www.example.com", "a.b.c.www.example.com", "3 labels deeper than www.example.com, which is listed without its subdomains"},
		{"www.example.com", "ww.example.com", "of the same domain, only www.example.com is listed"},
		{"www.example.com", "xwww.example.com", "it ends like www.example.com, but is another domain"},
		{"*-files.example.com", "a.b-files.example.com", "a star inside *-files.example.com stands for no dot, and a label that is a star for one label"},
		{"autodiscover.*.example.com", "autodiscover.a.b.example.com", "a star inside autodiscover.*.example.com stands for no dot, and a label that is a star for one label"},
		{"www.example.com", "www.example.org", ""},
	} {
		why, distance := missedName(pattern(t, test.pattern), test.name)
		if why != test.want || (distance == far) != (test.want == "") {
			t.Errorf("%s misses %s: %q, %d; want %q", test.name, test.pattern, why, distance, test.want)
		}
	}
}

func TestNearestPrefix(t *testing.T) {
	set := prefixes("52.112.0.0/14", "192.0.2.8/32", "2603:1063::/38", "10.0.0.0/8")
	for _, test := range []struct{ address, want string }{
		{"52.116.0.0", "52.116.0.0 is the address after 52.112.0.0/14"},
		{"52.111.255.255", "52.111.255.255 is the address before 52.112.0.0/14"},
		{"52.117.0.1", "52.117.0.1 is outside 52.112.0.0/14"},
		{"192.0.2.200", "192.0.2.200 is outside 192.0.2.8/32"},
		{"192.0.3.8", ""},
		{"2603:1063:2000::1", "2603:1063:2000::1 is outside 2603:1063::/38"},
		{"2001:db8::1", ""},
		{"11.0.0.0", "11.0.0.0 is the address after 10.0.0.0/8"},
	} {
		if why, _ := nearestPrefix(set, netip.MustParseAddr(test.address)); why != test.want {
			t.Errorf("%s: %q, want %q", test.address, why, test.want)
		}
	}
}

func TestExplainNamesWhatItDoesNotSee(t *testing.T) {
	p := mustCompile(t, Input{
		Bindings: []Binding{{Role: "clients", Addresses: prefixes("10.0.0.0/8")}},
		Grants: []Grant{
			{Entry: Entry{ID: "t/a"}, Group: "a", Direction: Outbound, Role: "clients", Prefixes: prefixes("192.0.2.0/24"), Services: services(t, "tcp 443"), Route: NoRoute},
			{Entry: Entry{ID: "t/b"}, Group: "b", Direction: Outbound, Role: "clients", Names: []netset.Pattern{pattern(t, "*.example.com")}, Services: services(t, "tcp 443"), Route: NoRoute},
		},
	})
	for _, test := range []struct{ flow, byAddress, byName string }{
		{"outbound tcp www.example.org:443 from 10.0.0.1", "a-out", ""},
		{"outbound tcp www.example.org=198.51.100.1:443 from 10.0.0.1", "", ""},
		{"outbound tcp 198.51.100.1:443 from 10.0.0.1", "", "b-out"},
		{"outbound tcp 198.51.100.1:80 from 10.0.0.1", "", ""},
	} {
		q, err := ParseFlow(test.flow)
		if err != nil {
			t.Fatal(err)
		}
		x := p.Explain(q.Flow)
		for want, got := range map[string][]ID{test.byAddress: x.ByAddress, test.byName: x.ByName} {
			if want == "" && test.byAddress+test.byName != "" {
				continue
			}
			if (want == "") != (len(got) == 0) || want != "" && !strings.HasPrefix(string(got[0]), want) {
				t.Errorf("%s: by address %v, by name %v; want %q, %q", test.flow, x.ByAddress, x.ByName, test.byAddress, test.byName)
			}
		}
	}
}

// TestRulesElsewhere holds which rules are told of a flow that has nothing to do with
// any rule's prefixes.
func TestRulesElsewhere(t *testing.T) {
	grant := func(id string, d Direction, set ...string) Grant {
		return Grant{Entry: Entry{ID: "t/" + id}, Group: id, Direction: d, Role: "clients", Prefixes: prefixes(set...), Services: services(t, "tcp 443"), Route: NoRoute}
	}
	p := mustCompile(t, Input{
		Bindings: []Binding{
			{Role: "clients", Addresses: prefixes("10.0.0.0/8", "fd00::/8")},
			{Role: "sts", Addresses: prefixes("192.168.0.1/32")},
		},
		Grants: []Grant{
			grant("a", Outbound, "198.51.100.0/24"), grant("b", Outbound, "192.0.2.0/28", "192.0.2.64/28", "192.0.2.128/28", "2001:db8::/32"),
			grant("c", Outbound, "2001:db8:1::/48"), grant("d", Outbound, "203.0.113.0/28", "203.0.113.64/28"), grant("e", Outbound, "100.64.0.0/10"),
			grant("f", Inbound, "192.88.99.0/24"),
		},
	})
	for _, test := range []struct {
		flow string
		want []string
	}{
		{"outbound tcp 8.8.8.8:443 from 10.0.0.1", []string{"a: the rule is for 198.51.100.0/24", "b: the rule is for 192.0.2.0/28, 192.0.2.64/28 and 1 more", "d: the rule is for 203.0.113.0/28 and 203.0.113.64/28"}},
		{"outbound tcp [2600::1]:443 from fd00::1", []string{"b: the rule is for 2001:db8::/32", "c: the rule is for 2001:db8:1::/48", "a: the rule is for 198.51.100.0/24"}},
		{"outbound tcp www.example.com=8.8.8.8:443 from 10.0.0.1", []string{"a: the rule is for 198.51.100.0/24", "b: the rule is for 192.0.2.0/28, 192.0.2.64/28 and 1 more", "d: the rule is for 203.0.113.0/28 and 203.0.113.64/28"}},
		{"outbound tcp 198.51.101.0:443 from 10.0.0.1", []string{"a: 198.51.101.0 is the address after 198.51.100.0/24"}},
		{"outbound tcp www.example.com:443 from 10.0.0.1", nil},
		{"outbound tcp 8.8.8.8:80 from 10.0.0.1", nil},
		{"inbound tcp 8.8.8.8 to 10.0.0.1:443", []string{"f: the rule is for 192.88.99.0/24"}},
		{"inbound tcp 8.8.8.8 to 192.168.0.1:443", nil},
		{"inbound tcp 8.8.8.8 to [fd00::1]:443", nil},
	} {
		q, err := ParseFlow(test.flow)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, n := range p.Explain(q.Flow).Near {
			group, _, _ := strings.Cut(string(n.Rule), "-")
			got = append(got, group+": "+n.Misses[0].Why)
			if len(n.Misses) != 1 || n.Misses[0].Dimension != ByRemote || n.Elsewhere() != strings.Contains(n.Misses[0].Why, "the rule is for") {
				t.Errorf("%s: near rule %+v", test.flow, n)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: near rules %q; want %q", test.flow, got, test.want)
		}
	}
}
