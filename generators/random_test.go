package generators

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	"gatewright/generators/iptables"
	"gatewright/generators/nftables"
	"gatewright/generators/nftables/nftablestest"
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
		if n := len(f.Grants); n > 0 && r.IntN(3) == 0 { // of one rule with the one before
			before := f.Grants[n-1]
			g.Group, g.Direction, g.Role, g.Services = before.Group, before.Direction, before.Role, before.Services
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

// byChance asks random policies until each engine was asked so many flows, and shows
// the smallest policy that it finds on which an engine and the model differ.
func byChance(t *testing.T, seed uint64, flows int, ask func(*testing.T, *rand.Rand, *rule.Policy, counter) (complaints []string)) {
	t.Helper()
	done := newFigures(t)
	for number := uint64(0); done.least() < flows; number++ {
		r := rand.New(rand.NewPCG(seed, number))
		f := randomCase(r)
		p := f.compiled()
		if p == nil {
			continue
		}
		state := r.Uint64()
		one := func(p *rule.Policy) []string {
			return ask(t, rand.New(rand.NewPCG(seed, state)), p, done.of(fmt.Sprintf("random %d", number)))
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
}

// TestRandomPoliciesInPacketFilters loads random policies into nftables and both
// iptables, reads them back, and asks what the kernel holds the same flows as the
// model, and the witnesses of coverage.
func TestRandomPoliciesInPacketFilters(t *testing.T) {
	t.Parallel()
	const flowsEach = 5_000
	byChance(t, 1, amount(1_000_000), func(t *testing.T, r *rand.Rand, p *rule.Policy, count counter) []string {
		flows := randomFlows(r, p, engine.BoundaryFlows(p, engine.Limits{}), flowsEach, byReadBack)
		wanted := make([]bool, len(flows))
		for i, f := range flows {
			wanted[i] = p.Decide(rule.Seen(f, rule.PacketFilter)).Accept()
		}
		compare := func(h held, err error) []string {
			if err != nil {
				return []string{err.Error()}
			}
			var all []string
			for i, f := range flows {
				if h.accepts(rule.Seen(f, rule.PacketFilter)) != wanted[i] {
					all = append(all, fmt.Sprintf("%s accepts %t, the model %t: %s", h.engine, !wanted[i], wanted[i], flowText(f)))
				}
			}
			witnesses, complaints := witnessComplaints(p, h.coverage, byReadBack, h.gatewayAccepts)
			count(h.engine+", read back", figure{len(flows), len(flows), witnesses})
			return append(all, complaints...)
		}
		all := compare(heldByNFT(t, p))
		for _, variant := range variants() {
			all = append(all, compare(heldByIptables(t, p, variant, pick(r, []string{"default", "no-ipset"})))...)
		}
		return all
	})
}

// held is what a kernel holds of a policy, read back.
type held struct {
	engine   string
	accepts  func(rule.Flow) bool // by the chain of the flow's direction
	coverage []artefact.Coverage
}

// gatewayAccepts asks both chains, as a gateway does that cannot tell a flow from the
// opposite one.
func (h held) gatewayAccepts(f rule.Flow) bool {
	f = rule.Seen(f, rule.PacketFilter)
	return h.accepts(f) || h.accepts(reversed(f))
}

func heldByNFT(t *testing.T, p *rule.Policy) (held, error) {
	s := filterSettingNamed(t, nftables.Generator{}, "default", p)
	g := gateway(t, s.site)
	defer g.Close()
	out := generate(t, nftables.Generator{}, p, s.setting)
	if err := g.LoadNFT(out.Artefacts[0].Data); err != nil {
		return held{}, err
	}
	dump, err := g.DumpNFT()
	if err != nil {
		t.Fatal(err)
	}
	rs, err := nftablestest.ReadBack(dump, s.table)
	return held{"nftables", acceptedBy(&rs), out.Coverage}, err
}

func heldByIptables(t *testing.T, p *rule.Policy, variant engine.Variant, setting string) (held, error) {
	s := filterSettingNamed(t, iptables.Generator{}, setting, p)
	g := gateway(t, s.site)
	defer g.Close()
	out := generate(t, iptables.Generator{}, p, s.setting)
	if err := g.LoadIptables(variant, out.Artefacts); err != nil {
		return held{}, err
	}
	dump, err := g.DumpIptables(variant)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := iptables.ReadBack(iptables.Dump(dump), "filter")
	return held{"iptables-" + string(variant), acceptedByEither(&rs), out.Coverage}, err
}

// TestRandomPoliciesByPackets sends the first packets of flows, and of the witnesses of
// coverage, through the kernel, at each place and in each mode in turn.
func TestRandomPoliciesByPackets(t *testing.T) {
	t.Parallel()
	const flowsEach = 250
	turn := 0
	byChance(t, 2, amount(10_000), func(t *testing.T, r *rand.Rand, p *rule.Policy, count counter) []string {
		turn++
		generator := []Generator{nftables.Generator{}, iptables.Generator{}}[turn%2]
		settings := filterSettings(generator, p)
		s := settings[turn/2%len(settings)]
		g := gateway(t, s.site)
		defer g.Close()
		out := generate(t, generator, p, s.setting)
		name, load := "nftables", func() error { return g.LoadNFT(out.Artefacts[0].Data) }
		if generator.Name() == "iptables" {
			variant := pick(r, variants())
			name, load = "iptables-"+string(variant), func() error { return g.LoadIptables(variant, out.Artefacts) }
		}
		if err := load(); err != nil {
			return []string{err.Error()}
		}
		flows := randomFlows(r, p, engine.BoundaryFlows(p, engine.Limits{}), flowsEach, s.byPackets)
		flows = distinct(append(flows, witnesses(out.Coverage)...), s.byPackets)
		accepted := map[rule.Flow]bool{}
		var all []string
		for i, got := range decide(t, g, flows) {
			told, _ := s.byPackets(flows[i])
			accepted[told] = got
			if want := s.accepts(p, flows[i]); got != want {
				all = append(all, fmt.Sprintf("%s %s accepts %t, the model %t: %s", name, s.name, got, want, flowText(flows[i])))
			}
		}
		witnesses, complaints := witnessComplaints(p, out.Coverage, s.byPackets, func(f rule.Flow) bool {
			told, _ := s.byPackets(f)
			return accepted[told]
		})
		count(name+", by packets", figure{len(flows), len(flows), witnesses})
		return append(all, complaints...)
	})
}

// TestRandomPoliciesInPAC evaluates the PAC files of random policies in pacparser
// and Node.js, each of which is asked a part of the flows in every form of a URL.
func TestRandomPoliciesInPAC(t *testing.T) {
	t.Parallel()
	byChance(t, 3, amount(1_000_000), func(t *testing.T, r *rand.Rand, p *rule.Policy, count counter) []string {
		return interpretedByChance(t, r, p, 2_000, byPAC, count, "pacparser", "Node.js")
	})
}

// TestRandomPoliciesInChromium does the same in a headless Chromium.
func TestRandomPoliciesInChromium(t *testing.T) {
	t.Parallel()
	byChance(t, 5, amount(5_000), func(t *testing.T, r *rand.Rand, p *rule.Policy, count counter) []string {
		return interpretedByChance(t, r, p, 250, byChromium, count, "Chromium")
	})
}

// TestRandomPoliciesInFirefox does the same in a headless Firefox.
func TestRandomPoliciesInFirefox(t *testing.T) {
	t.Parallel()
	byChance(t, 6, amount(5_000), func(t *testing.T, r *rand.Rand, p *rule.Policy, count counter) []string {
		return interpretedByChance(t, r, p, 250, byChromium, count, "Firefox")
	})
}

// spelledOf is how many of n random flows are asked in every form: one in twenty.
func spelledOf(n int) int { return n / 20 }

// interpretedByChance asks n random flows of each interpreter, and beside them the
// witnesses of coverage and the literals that these should go the way of.
func interpretedByChance(t *testing.T, r *rand.Rand, p *rule.Policy, n int, see sight, count counter, names ...string) []string {
	s := pacSettings(p)[0]
	settings := s.settings(t, pac.Generator{})
	out := generate(t, pac.Generator{}, p, s)
	edges, err := proof.PACFlows(p, settings)
	if err != nil {
		t.Fatal(err)
	}
	flows := randomFlows(r, p, edges, n, see)
	strays, all := strayComplaints(p, out.Coverage)
	for _, f := range strays {
		flows = append(flows, f, literal(f))
	}
	flows = distinct(flows, see)
	interpreters := slices.DeleteFunc(proof.Interpreters(), func(in proof.Interpreter) bool { return !slices.Contains(names, in.Name) })
	complaints := make([][]string, len(interpreters))
	var wait sync.WaitGroup
	for i, in := range interpreters {
		wait.Go(func() {
			result, err := in.PAC(t.Context(), p, settings, out.Artefacts, flows, spelledOf(len(flows)))
			complaints[i] = proofComplaints(result, err)
			if result.Flows != len(flows) {
				complaints[i] = append(complaints[i], fmt.Sprintf("%s is asked %d of %d flows", in.Name, result.Flows, len(flows)))
			}
			count(in.Name, figure{result.Flows, result.Asked, len(strays)})
		})
	}
	wait.Wait()
	return append(all, slices.Concat(complaints...)...)
}

// strayComplaints returns the witnesses of a PAC file's coverage, and complaints of
// those that go the way of their address by the model.
func strayComplaints(p *rule.Policy, coverage []artefact.Coverage) (strays []rule.Flow, complaints []string) {
	strays = witnesses(coverage)
	for _, f := range strays {
		if route(p, f) == route(p, literal(f)) {
			complaints = append(complaints, fmt.Sprintf("witness %s goes the way of its address", f))
		}
	}
	return strays, complaints
}

// TestRandomPoliciesInSquid asks the fragments of random policies by real requests, a
// part of them in every form of a host, and the witnesses of coverage.
func TestRandomPoliciesInSquid(t *testing.T) {
	t.Parallel()
	byChance(t, 4, amount(100_000), func(t *testing.T, r *rand.Rand, p *rule.Policy, count counter) []string {
		s := setting{name: "default"}
		settings := s.settings(t, squid.Generator{})
		out := generate(t, squid.Generator{}, p, s)
		flows := randomFlows(r, p, proof.RequestFlows(p), 700, bySquid)
		flows = distinct(append(flows, witnesses(out.Coverage)...), bySquid)
		result, err := proof.SquidFlows(t.Context(), p, settings, out.Artefacts, flows, spelledOf(len(flows)))
		all := proofComplaints(result, err)
		if result.Flows != len(flows) {
			all = append(all, fmt.Sprintf("Squid is asked %d of %d flows", result.Flows, len(flows)))
		}
		// What Squid answers is what squidAccepts says, or there is a complaint.
		witnesses, complaints := witnessComplaints(p, out.Coverage, bySquid, func(f rule.Flow) bool { return squidAccepts(p, settings, f) })
		count("Squid", figure{result.Flows, result.Asked, witnesses})
		return append(all, complaints...)
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
