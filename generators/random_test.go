package generators

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/engine"
	"gatewright/generators/iptables"
	"gatewright/generators/nftables"
	"gatewright/generators/pac"
	"gatewright/generators/proof"
	"gatewright/generators/squid"
)

// amount is how much of a proof by random policies is done: all of it if
// GATEWRIGHT_PROVE is set to "all", as `make prove` does, and a tenth otherwise.
func amount(all int) int {
	if os.Getenv("GATEWRIGHT_PROVE") == "all" {
		return all
	}
	return all / 10
}

// What random policies are made of: endpoints, ports and local addresses that
// overlap, cover and touch each other all the time.
var (
	randomNames = []string{
		"example.com", "*.example.com", "a.example.com", "*.a.example.com", "b.a.example.com", "*a.example.com", "x-*.example.com",
		"autodiscover.*.example.com", "*.b.*.example.com", "example.net", "*.example.net", "cdn*.example.net", "notexample.com", "xn--strae-oqa.example.org", "_sip.example.org",
	}
	randomPrefixes = []string{
		"192.0.2.0/24", "192.0.2.0/25", "192.0.2.128/25", "192.0.2.1", "192.0.2.255", "198.51.100.7", "203.0.113.0/28", "52.112.0.0/14", "52.116.0.0/15", "100.64.0.0/10", "224.0.0.0/4", "255.255.255.255",
		"2001:db8::/32", "2001:db8:8000::/33", "2001:db8::1", "2603:1063::/38", "2603:1063:400::/38", "fd00:7::/64", "::/16", "8000::/1",
	}
	randomServices = []string{
		"tcp 443", "tcp 80, 443", "tcp 1-65535", "udp 3478-3481", "tcp 443; udp 443", "tcp 444-450", "tcp 400-500; udp 1", "tcp 65535", "udp 1-65535", "tcp 25, 110, 143, 443, 587, 993, 995, 1024-2048, 5060, 5061, 8080, 8443, 9000-9010, 50000, 50002, 50004, 50006",
	}
	randomLocals = []string{"10.0.0.0/8", "10.1.2.3", "10.1.2.0/24", "172.16.0.0/12", "192.168.7.5", "192.168.7.6/31", "fd00:10::/32", "fd00:10::1", "fd00:11::/64"}
	randomRoles  = []string{"clients", "exchange", "sts", "sbc"}
	randomGroups = []string{"common", "exchange", "skype"}
)

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func some(r *rand.Rand, list []string, most int) []string {
	var chosen []string
	for range r.IntN(most + 1) {
		chosen = append(chosen, pick(r, list))
	}
	slices.Sort(chosen)
	return slices.Compact(chosen)
}

// randomCase is a case of the corpus made by chance.
func randomCase(r *rand.Rand) caseFile {
	f := caseFile{Claim: "found by chance", Bindings: map[string]bindingFile{}, Routes: []string{"direct", "proxy", "other.example.net:8080"}}
	for _, role := range randomRoles {
		b := bindingFile{Addresses: some(r, randomLocals, 3), Published: some(r, randomLocals, 1)}
		if len(b.Addresses)+len(b.Published) > 0 {
			f.Bindings[role] = b
		}
	}
	if len(f.Bindings) == 0 {
		f.Bindings["clients"] = bindingFile{Addresses: []string{"10.0.0.0/8"}}
	}
	roles := slices.Sorted(maps.Keys(f.Bindings))
	for i := range 1 + r.IntN(9) {
		route := r.IntN(4) - 1
		id := fmt.Sprintf("random/%d", i)
		g := grantFile{
			Entry: entryFile{ID: id, Title: "Entry " + id, Area: pick(r, randomGroups)},
			Group: pick(r, randomGroups), Direction: pick(r, []string{"outbound", "outbound", "inbound"}), Role: pick(r, roles),
			Any: r.IntN(25) == 0, Names: some(r, randomNames, 3), Prefixes: some(r, randomPrefixes, 3), Services: pick(r, randomServices), Route: &route,
		}
		if g.Any || len(g.Names)+len(g.Prefixes) > 0 {
			f.Grants = append(f.Grants, g)
		}
	}
	return f
}

// compiled returns the case's policy; nil if the model refuses it, as it does rules
// that cover a whole family together.
func (f caseFile) compiled() *rule.Policy {
	in, err := f.input()
	if err != nil {
		return nil
	}
	p, err := rule.Compile(in)
	if err != nil {
		return nil
	}
	return p
}

// smaller returns the case with one thing less, in every way.
func (f caseFile) smaller() []caseFile {
	var all []caseFile
	for i, g := range f.Grants {
		less := f
		less.Grants = slices.Delete(slices.Clone(f.Grants), i, i+1)
		all = append(all, less)
		replace := func(change func(*grantFile)) {
			one := g
			change(&one)
			less := f
			less.Grants = slices.Clone(f.Grants)
			less.Grants[i] = one
			all = append(all, less)
		}
		for j := range g.Names {
			replace(func(one *grantFile) { one.Names = slices.Delete(slices.Clone(g.Names), j, j+1) })
		}
		for j := range g.Prefixes {
			replace(func(one *grantFile) { one.Prefixes = slices.Delete(slices.Clone(g.Prefixes), j, j+1) })
		}
		if g.Services != "tcp 443" {
			replace(func(one *grantFile) { one.Services = "tcp 443" })
		}
	}
	for role, b := range f.Bindings {
		replace := func(b bindingFile) {
			less := f
			less.Bindings = maps.Clone(f.Bindings)
			less.Bindings[role] = b
			if len(b.Addresses)+len(b.Published) == 0 {
				delete(less.Bindings, role)
			}
			all = append(all, less)
		}
		for j := range b.Addresses {
			replace(bindingFile{slices.Delete(slices.Clone(b.Addresses), j, j+1), b.Published})
		}
		for j := range b.Published {
			replace(bindingFile{b.Addresses, slices.Delete(slices.Clone(b.Published), j, j+1)})
		}
	}
	return all
}

// shrunk returns the smallest case it finds about which there are complaints.
func shrunk(f caseFile, complaints func(*rule.Policy) []string) (caseFile, []string) {
	const tries = 400
	worst := complaints(f.compiled())
	for left := tries; left > 0; {
		found := false
		for _, less := range f.smaller() {
			p := less.compiled()
			if p == nil {
				continue
			}
			if left--; left == 0 {
				break
			}
			if c := complaints(p); len(c) > 0 {
				f, worst, found = less, c, true
				break
			}
		}
		if !found {
			break
		}
	}
	return f, worst
}

// byChance asks random policies until so many flows were asked, and shows the
// smallest policy that it finds on which an engine and the model differ.
func byChance(t *testing.T, seed uint64, flows int, ask func(*testing.T, *rand.Rand, *rule.Policy) (asked int, complaints []string)) {
	t.Helper()
	policies, asked := 0, 0
	for asked < flows {
		r := rand.New(rand.NewPCG(seed, uint64(policies)))
		f := randomCase(r)
		policies++
		p := f.compiled()
		if p == nil {
			continue
		}
		state := r.Uint64()
		one := func(p *rule.Policy) []string {
			n, complaints := ask(t, rand.New(rand.NewPCG(seed, state)), p)
			asked += n
			return complaints
		}
		if c := one(p); len(c) > 0 {
			small, c := shrunk(f, one)
			text, err := json.MarshalIndent(small, "", "\t")
			if err != nil {
				t.Fatal(err)
			}
			t.Fatalf("%s\n\nas a case of testdata/corpus:\n%s", strings.Join(c[:min(len(c), 5)], "\n"), text)
		}
	}
	t.Logf("%d flows of %d random policies: no disagreement", asked, policies)
}

// randomFlows are the policy's boundary flows, and others made of their parts.
func randomFlows(r *rand.Rand, p *rule.Policy, n int) []rule.Flow {
	edges := engine.BoundaryFlows(p)
	flows := slices.Clone(edges)
	for len(flows) < n {
		f := pick(r, edges)
		from := pick(r, edges)
		if from.Local.Is4() == f.Remote.Is4() {
			f.Local = from.Local
		}
		if from = pick(r, edges); from.Remote.Is4() == f.Local.Is4() {
			f.Remote = from.Remote
		}
		from = pick(r, edges)
		f.Port, f.Protocol = from.Port, pick(r, edges).Protocol
		if f.Direction = pick(r, edges).Direction; f.Direction == rule.Inbound {
			f.Name, f.Published = "", pick(r, edges).Published
		} else {
			f.Name, f.Published = pick(r, edges).Name, 0
		}
		if r.IntN(4) == 0 {
			f.Port = uint16(1 + r.IntN(65535))
		}
		if r.IntN(8) == 0 {
			f.Remote = randomAddress(r, f.Local.Is4())
		}
		flows = append(flows, f)
	}
	return flows[:n]
}

func randomAddress(r *rand.Rand, v4 bool) netip.Addr {
	if v4 {
		return netip.AddrFrom4([4]byte{byte(1 + r.IntN(223)), byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))})
	}
	b := [16]byte{0x20, byte(r.IntN(2)), byte(r.IntN(256)), byte(r.IntN(256))}
	b[15] = byte(r.IntN(256))
	return netip.AddrFrom16(b)
}

// TestRandomPoliciesInPacketFilters loads random policies into nftables and both
// iptables, reads them back, and asks what the kernel holds the same flows as the
// model.
func TestRandomPoliciesInPacketFilters(t *testing.T) {
	t.Parallel()
	const flowsEach = 2_000
	byChance(t, 1, amount(1_000_000), func(t *testing.T, r *rand.Rand, p *rule.Policy) (int, []string) {
		flows := randomFlows(r, p, flowsEach)
		held := map[string]func(rule.Flow) bool{}
		s := filterSettingNamed(t, "nftables", "default", p)
		g := gateway(t, s.site)
		defer g.Close()
		if err := g.LoadNFT(generate(t, nftables.Generator{}, p, s.setting).Artefacts[0].Data); err != nil {
			return 0, []string{err.Error()}
		}
		dump, err := g.DumpNFT()
		if err != nil {
			t.Fatal(err)
		}
		rs, err := nftables.ReadBack(dump, s.table)
		if err != nil {
			return 0, []string{err.Error()}
		}
		held["nftables"] = rs.Accepts
		for _, variant := range variants() {
			accepts, err := heldByIptables(t, p, variant, pick(r, []string{"default", "no-ipset"}))
			if err != nil {
				return 0, []string{err.Error()}
			}
			held["iptables, "+string(variant)] = accepts
		}
		var all []string
		for engine, accepts := range held {
			for _, f := range flows {
				if want := p.Decide(rule.Seen(f, rule.PacketFilter)).Accept(); accepts(f) != want {
					all = append(all, fmt.Sprintf("%s accepts %t, the model %t: %s", engine, !want, want, flowText(f)))
				}
			}
		}
		return len(flows) * len(held), all
	})
}

func heldByIptables(t *testing.T, p *rule.Policy, variant engine.Variant, setting string) (func(rule.Flow) bool, error) {
	s := filterSettingNamed(t, "iptables", setting, p)
	g := gateway(t, s.site)
	defer g.Close()
	if err := g.LoadIptables(variant, generate(t, iptables.Generator{}, p, s.setting).Artefacts); err != nil {
		return nil, err
	}
	dump, err := g.DumpIptables(variant)
	if err != nil {
		return nil, err
	}
	rs, err := iptables.ReadBack(iptables.Dump(dump), "filter")
	return rs.Accepts, err
}

// TestRandomPoliciesByPackets sends the first packets of flows through the kernel,
// at each place and in each mode in turn.
func TestRandomPoliciesByPackets(t *testing.T) {
	t.Parallel()
	const flowsEach = 250
	turn := 0
	byChance(t, 2, amount(10_000), func(t *testing.T, r *rand.Rand, p *rule.Policy) (int, []string) {
		turn++
		generator := []string{"nftables", "iptables"}[turn%2]
		settings := filterSettings(generator, p)
		s := settings[turn/2%len(settings)]
		g := gateway(t, s.site)
		defer g.Close()
		var err error
		if generator == "nftables" {
			err = g.LoadNFT(generate(t, nftables.Generator{}, p, s.setting).Artefacts[0].Data)
		} else {
			err = g.LoadIptables(pick(r, variants()), generate(t, iptables.Generator{}, p, s.setting).Artefacts)
		}
		if err != nil {
			return 0, []string{err.Error()}
		}
		flows := slices.DeleteFunc(randomFlows(r, p, flowsEach), func(f rule.Flow) bool { return !s.site.Carries(f) })
		var all []string
		for i, accepted := range decide(t, g, flows) {
			if want := s.accepts(p, flows[i]); accepted != want {
				all = append(all, fmt.Sprintf("%s %s accepts %t, the model %t: %s", generator, s.name, accepted, want, flowText(flows[i])))
			}
		}
		return len(flows), all
	})
}

// browserFlows are the random flows that a browser opens, through a proxy also to
// literals of the family that the client lacks.
func browserFlows(r *rand.Rand, p *rule.Policy, n int) []rule.Flow {
	return slices.DeleteFunc(randomFlows(r, p, n), func(f rule.Flow) bool {
		return f.Direction != rule.Outbound || f.Protocol != netset.TCP || f.Name == "" && f.Remote.Unmap().IsUnspecified()
	})
}

// TestRandomPoliciesInPAC evaluates the PAC files of random policies in pacparser
// and Node.js, each of which is asked every form of a URL.
func TestRandomPoliciesInPAC(t *testing.T) {
	t.Parallel()
	byChance(t, 3, amount(1_000_000), func(t *testing.T, r *rand.Rand, p *rule.Policy) (int, []string) {
		return interpretedByChance(t, r, p, 400, "pacparser", "Node.js")
	})
}

// TestRandomPoliciesInChromium does the same in a headless Chromium.
func TestRandomPoliciesInChromium(t *testing.T) {
	t.Parallel()
	byChance(t, 5, amount(10_000), func(t *testing.T, r *rand.Rand, p *rule.Policy) (int, []string) {
		return interpretedByChance(t, r, p, 100, "Chromium")
	})
}

// interpretedByChance asks n random flows of each interpreter, and counts the URLs
// that each was asked.
func interpretedByChance(t *testing.T, r *rand.Rand, p *rule.Policy, n int, names ...string) (int, []string) {
	s := pacSettings(p)[0]
	out := generate(t, pac.Generator{}, p, s)
	flows := browserFlows(r, p, n)
	asked := 0
	var all []string
	for _, in := range proof.Interpreters() {
		if slices.Contains(names, in.Name) {
			result, err := in.PAC(t.Context(), p, s.settings(t, pac.Generator{}), out.Artefacts, flows)
			all = append(all, proofComplaints(result, err)...)
			asked = result.Asked
		}
	}
	return asked, all
}

// TestRandomPoliciesInSquid asks the fragments of random policies by real requests,
// in every form of a host.
func TestRandomPoliciesInSquid(t *testing.T) {
	t.Parallel()
	byChance(t, 4, amount(200_000), func(t *testing.T, r *rand.Rand, p *rule.Policy) (int, []string) {
		s := setting{name: "default"}
		out := generate(t, squid.Generator{}, p, s)
		result, err := proof.SquidFlows(t.Context(), p, s.settings(t, squid.Generator{}), out.Artefacts, browserFlows(r, p, 600))
		return result.Asked, proofComplaints(result, err)
	})
}

// A fault is found by chance, and shown by a policy with little else in it.
func TestRandomPoliciesShrink(t *testing.T) {
	faulty := func(p *rule.Policy) []string {
		for _, r := range p.Rules {
			if name, err := netset.ParseName("deep.b.a.example.com"); err == nil && r.Direction == rule.Outbound && r.Remote.Names().Match(name) && r.Services.Contains(netset.TCP, 443) {
				return []string{string(r.ID)}
			}
		}
		return nil
	}
	found := 0
	for seed := range uint64(200) {
		f := randomCase(rand.New(rand.NewPCG(9, seed)))
		p := f.compiled()
		if p == nil || len(faulty(p)) == 0 {
			continue
		}
		found++
		small, _ := shrunk(f, faulty)
		if g := small.Grants; len(g) != 1 || len(g[0].Names) != 1 || len(g[0].Prefixes) != 0 || len(small.Bindings) != 1 || len(faulty(small.compiled())) == 0 {
			t.Fatalf("seed %d shrinks to %+v", seed, small)
		}
	}
	if found < 20 {
		t.Fatalf("only %d of 200 random policies have the fault", found)
	}
}
