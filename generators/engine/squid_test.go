package engine

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/squid"
)

// TestSquidAgreesWithDecide asks a running Squid the flows of random policies, in
// which endpoints overlap, meet and exclude each other.
func TestSquidAgreesWithDecide(t *testing.T) {
	total, accepted := 0, 0
	for seed := range uint64(24) {
		r := rand.New(rand.NewPCG(seed, 1))
		p := randomSquidPolicy(t, r)
		s := startSquidFor(t, p, "first")
		flows := randomSquidFlows(r, p, 450)
		answers, err := s.Ask(flows)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for i, f := range flows {
			want := p.Decide(rule.Seen(f.Flow, rule.Proxy)).Accept()
			if answers[i] != (SquidAnswer{want, want}) {
				t.Errorf("seed %d: squid answers %v, the model %t, for %+v\nrules: %+v", seed, answers[i], want, f, p.Rules)
			}
			if want {
				accepted++
			}
		}
		total += len(flows)
		s.Stop()
	}
	if total < 10_000 || accepted < total/10 || accepted > total*9/10 {
		t.Errorf("of %d flows %d are accepted; the flows do not show much", total, accepted)
	}
}

// TestSquidInConfD shows what Debian's squid.conf has refused before conf.d.
func TestSquidInConfD(t *testing.T) {
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 2))
		p := randomSquidPolicy(t, r)
		s := startSquidFor(t, p, "conf.d")
		flows := randomSquidFlows(r, p, 200)
		answers, err := s.Ask(flows)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range flows {
			accepted := p.Decide(rule.Seen(f.Flow, rule.Proxy)).Accept()
			if want := (SquidAnswer{accepted, accepted}).AfterDebian(f.Flow.Port); answers[i] != want {
				t.Errorf("seed %d: %v, want %v, for %+v", seed, answers[i], want, f)
			}
		}
		s.Stop()
	}
}

// TestAfterDebian holds the ports that README.md and the coverage name.
func TestAfterDebian(t *testing.T) {
	both := SquidAnswer{true, true}
	for port, want := range map[uint16]SquidAnswer{
		443: both, 80: {Get: true}, 8443: {Get: true}, 1025: {Get: true}, 1024: {}, 25: {}, 65535: {Get: true},
	} {
		if got := both.AfterDebian(port); got != want {
			t.Errorf("port %d: %v; want %v", port, got, want)
		}
		if got := (SquidAnswer{}).AfterDebian(port); got != (SquidAnswer{}) {
			t.Errorf("port %d: what is denied becomes %v", port, got)
		}
	}
}

// TestRuntimeHasDebiansRules holds that what is run has the http_access lines and
// the ports of the squid.conf that Debian installs, around its include of conf.d.
func TestRuntimeHasDebiansRules(t *testing.T) {
	const fragment = "/x/gatewright.squid.conf"
	dir := t.TempDir()
	if err := writeRuntime(dir, fragment, squidConfD, "127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	runtime, err := os.ReadFile(filepath.Join(dir, "runtime.conf"))
	if err != nil {
		t.Fatal(err)
	}
	debian, err := aroundFragment(squidConfD, fragment)
	if err != nil {
		t.Fatal(err)
	}
	gotPorts, gotLines := accessRules(t, string(runtime))
	wantPorts, wantLines := accessRules(t, debian)
	// Since Debian 13 the lines for the machine itself stand before conf.d, and with them
	// two that refuse its addresses and link-local ones: Squid asks DNS for these, which
	// no test can.
	own := func(line string) bool {
		return slices.Contains([]string{"http_access allow localhost", "http_access deny to_localhost", "http_access deny to_linklocal"}, line)
	}
	gotLines, wantLines = slices.DeleteFunc(gotLines, own), slices.DeleteFunc(wantLines, own)
	if !slices.Equal(gotLines, wantLines) || len(wantLines) < 5 {
		t.Errorf("http_access lines\n%q; Debian has\n%q", gotLines, wantLines)
	}
	for _, name := range []string{"SSL_ports", "Safe_ports"} {
		if got, want := gotPorts[name], wantPorts[name]; !got.Equal(want) || want.IsEmpty() {
			t.Errorf("%s are %v; Debian has %v", name, got, want)
		}
	}
}

// accessRules returns the ports of each ACL, and the lines of http_access and
// include.
func accessRules(t *testing.T, conf string) (map[string]netset.ServiceSet, []string) {
	t.Helper()
	ports := map[string]netset.ServiceSet{}
	var lines []string
	for line := range strings.Lines(conf) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "http_access" || words[0] == "include":
			lines = append(lines, strings.Join(words, " "))
		case len(words) > 3 && words[0] == "acl" && words[2] == "port":
			s, err := netset.ParseServices("tcp " + strings.Join(words[3:], ","))
			if err != nil {
				t.Fatal(err)
			}
			ports[words[1]] = ports[words[1]].Union(s)
		}
	}
	return ports, lines
}

// TestSquidReadsHosts shows that no spelling of a host gets around a rule, or
// misses one: Squid normalizes it before any ACL matches.
func TestSquidReadsHosts(t *testing.T) {
	services, err := netset.ParseServices("tcp 443")
	if err != nil {
		t.Fatal(err)
	}
	grant := rule.Grant{
		Entry: rule.Entry{ID: "world/entry"}, Direction: rule.Outbound, Role: rule.Clients,
		Prefixes: ruletest.Prefixes(t, "10.0.0.0/24", "2001:db8::/32"), Services: services, Route: rule.NoRoute,
	}
	for _, text := range []string{"www.example.com", "*.example.org", "*-files.example.net"} {
		p, err := netset.ParsePattern(text)
		if err != nil {
			t.Fatal(err)
		}
		grant.Names = append(grant.Names, p)
	}
	p, err := rule.Compile(rule.Input{
		Bindings: []rule.Binding{{Role: rule.Clients, Addresses: ruletest.Prefixes(t, "192.0.2.0/24")}},
		Grants:   []rule.Grant{grant},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := startSquidFor(t, p, "first")
	for host, want := range map[string]bool{
		"WWW.Example.COM": true, "www.example.com.": true, "Www.Example.Com.": true,
		"a.b.EXAMPLE.org.": true, "EXAMPLE.ORG.": false, "Example.Org": false,
		"X-FILES.Example.NET.": true, "a.X-files.example.net": false,
		"10.0.0.1": true, "10.0.1.1": false, "167772161": true, "0x0a000001": true, "10.1": true, "012.0.0.1": true, "10.0.0.1.": true,
		"[2001:DB8::1]": true, "[2001:db8:0:0::1]": true, "[2001:db9::1]": false, "[::ffff:10.0.0.1]": true, "[::ffff:10.0.1.1]": false,
	} {
		c := squidClient{address: s.address}
		for _, method := range []string{connect, get} {
			reply, err := c.send(method, host+":443", "/", netip.MustParseAddr("192.0.2.7"))
			if err != nil {
				t.Fatal(err)
			}
			if got := reply.reason == forwardingDenied; got != want || !got && reply.reason != accessDenied {
				t.Errorf("%s %s: %s, reason %q; want allowed: %t", method, host, reply.status, reply.reason, want)
			}
		}
		c.close()
	}
}

func TestSquidAsksOnlyWhatAProxyCarries(t *testing.T) {
	local := netip.MustParseAddr("10.0.0.1")
	remote := netip.MustParseAddr("192.0.2.1")
	for _, f := range []rule.Flow{
		{Direction: rule.Inbound, Protocol: netset.TCP, Port: 443, Remote: remote, Local: local},
		{Direction: rule.Outbound, Protocol: netset.UDP, Port: 443, Remote: remote, Local: local},
		{Direction: rule.Outbound, Protocol: netset.TCP, Remote: remote, Local: local},
		{Direction: rule.Outbound, Protocol: netset.TCP, Port: 443, Local: local},
		{Direction: rule.Outbound, Protocol: netset.TCP, Port: 443, Remote: remote},
	} {
		if host, ok := (SquidRequest{Flow: f}).target(); ok {
			t.Errorf("%+v is asked as %s", f, host)
		}
	}
}

func TestParseSquid(t *testing.T) {
	for seed := range uint64(12) {
		out := renderSquid(t, randomSquidPolicy(t, rand.New(rand.NewPCG(seed, 3))), "first")
		for _, place := range []string{"first", "conf.d"} {
			if err := ParseSquid(t.Context(), out.Artefacts, place); err != nil {
				t.Errorf("seed %d, place %s: %v", seed, place, err)
			}
		}
	}
}

// TestParseSquidHostileTitles shows that no title ends its comment or becomes a
// directive: Squid allows exactly what it allows with a plain title.
func TestParseSquidHostileTitles(t *testing.T) {
	plain := squidAnswers(t, "title")
	for _, title := range []string{
		"a\nhttp_access allow all\n", "a\r\nhttp_access allow all", "ends in a backslash \\", `"quoted" 'quoted'`, "*/ </script> {{.}} %s ; } #",
		"line 1 \"x\"", "\x00\x07\x1b[2J", "\u2028http_access allow all", "Zürich 東京 \U0001F525", "\xff\xfe", strings.Repeat("long ", 2000), strings.Repeat("ü", 5000),
	} {
		if got := squidAnswers(t, title); !slices.Equal(got, plain) {
			t.Errorf("title %q: answers %v, want %v", title, got, plain)
		}
	}
}

func squidAnswers(t *testing.T, title string) []SquidAnswer {
	t.Helper()
	services, err := netset.ParseServices("tcp 443")
	if err != nil {
		t.Fatal(err)
	}
	p, err := rule.Compile(rule.Input{
		Bindings: []rule.Binding{{Role: rule.Clients, Addresses: ruletest.Prefixes(t, "10.0.0.0/8")}},
		Grants: []rule.Grant{{
			Entry: rule.Entry{ID: "world/entry", Title: title, Condition: title}, Direction: rule.Outbound, Role: rule.Clients,
			Prefixes: ruletest.Prefixes(t, "192.0.2.0/24"), Services: services, Route: rule.NoRoute,
		}},
		Open: []rule.Open{{Entry: rule.Entry{ID: "world/open"}, Missing: title, Why: title}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{"first", "conf.d"} {
		if err := ParseSquid(t.Context(), renderSquid(t, p, place).Artefacts, place); err != nil {
			t.Errorf("title %q: %v", title, err)
		}
	}
	s := startSquidFor(t, p, "first")
	answers, err := s.Ask(squidRequests(
		rule.Flow{Direction: rule.Outbound, Protocol: netset.TCP, Port: 443, Remote: netip.MustParseAddr("192.0.2.1"), Local: netip.MustParseAddr("10.0.0.1")},
		rule.Flow{Direction: rule.Outbound, Protocol: netset.TCP, Port: 443, Remote: netip.MustParseAddr("198.51.100.1"), Local: netip.MustParseAddr("10.0.0.1")},
		rule.Flow{Direction: rule.Outbound, Protocol: netset.TCP, Port: 80, Name: "www.example.com", Local: netip.MustParseAddr("10.0.0.1")},
	))
	if err != nil {
		t.Fatalf("title %q: %v", title, err)
	}
	return answers
}

// TestParseSquidFindsFaults holds ParseSquid to what `squid -k parse` reports with
// status 0.
func TestParseSquidFindsFaults(t *testing.T) {
	const conf = `acl x dstdomain -n "/lists/x.txt"` + "\nhttp_access allow x\n"
	for name, tokens := range map[string]string{
		"missing list": "",
		"overlap":      ".example.com\nwww.example.com\n",
		"fatal":        "www.example.com\n.example.com\n",
	} {
		out := artefact.Output{Artefacts: []artefact.Artefact{{Name: "x.squid.conf", Data: []byte(conf)}}}
		if tokens != "" {
			out.Artefacts = append(out.Artefacts, artefact.Artefact{Name: "lists/x.txt", Data: []byte(tokens)})
		}
		if err := ParseSquid(t.Context(), out.Artefacts, "first"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSquidThatDoesNotStart(t *testing.T) {
	out := artefact.Output{Artefacts: []artefact.Artefact{{Name: "x.squid.conf", Data: []byte("no such directive here\nacl\n")}}}
	if s, err := StartSquid(context.Background(), out.Artefacts, "first"); err == nil {
		s.Stop()
		t.Error("Squid starts")
	} else if !strings.Contains(err.Error(), "squid does not start: ") {
		t.Errorf("error %q does not say why", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := StartSquid(ctx, []artefact.Artefact{{Name: "x.squid.conf"}}, "first"); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v after cancel", err)
	}
}

func startSquidFor(t testing.TB, p *rule.Policy, place string) *Squid {
	t.Helper()
	s, err := StartSquid(t.Context(), renderSquid(t, p, place).Artefacts, place)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func renderSquid(t testing.TB, p *rule.Policy, place string) artefact.Output {
	t.Helper()
	g := squid.Generator{}
	settings, err := artefact.Configure(g.Options(), map[string][]string{"place": {place}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := g.Generate(p, settings)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// randomSquidPolicy makes a few rules of endpoints from a small world.
func randomSquidPolicy(t *testing.T, r *rand.Rand) *rule.Policy {
	t.Helper()
	in := rule.Input{Bindings: []rule.Binding{
		{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/9", "10.200.0.7/32", "2001:db8:1::/48")},
		{Role: "exchange", Addresses: ruletest.Prefixes(t, "10.128.0.0/16", "::/20"), Published: ruletest.Prefixes(t, "10.64.1.0/24")},
	}}
	services := []string{"tcp 443", "tcp 80,443; udp 443", "tcp 443-8100", "tcp 25,9000-9001", "udp 53"}
	for n := range 2 + r.IntN(8) {
		text := services[r.IntN(len(services))]
		s, err := netset.ParseServices(text)
		if err != nil {
			t.Fatal(err)
		}
		g := rule.Grant{
			Entry:     rule.Entry{ID: "world/entry-" + string(rune('a'+n))},
			Group:     []string{"one", "two"}[r.IntN(2)],
			Direction: rule.Outbound,
			Role:      in.Bindings[r.IntN(2)].Role,
			Services:  s,
			Route:     rule.NoRoute,
			Any:       r.IntN(24) == 0,
		}
		if r.IntN(8) == 0 {
			g.Direction = rule.Inbound
		}
		kind := r.IntN(3)
		for range 1 + r.IntN(5) {
			if kind != 0 {
				g.Names = append(g.Names, randomSquidPattern(t, r))
			}
		}
		if kind != 1 {
			g.Prefixes = randomSquidPrefixes(t, r)
		}
		in.Grants = append(in.Grants, g)
	}
	p, err := rule.Compile(in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var (
	squidLabels  = []string{"a", "b", "ab", "a-b", "b-a", "_a", "a1", "xn--a"}
	squidDomains = []string{"a.com", "b.com", "ab.com", "a.b.com", "a-b.com"}
)

func randomSquidPattern(t *testing.T, r *rand.Rand) netset.Pattern {
	t.Helper()
	text := squidDomains[r.IntN(len(squidDomains))]
	for range r.IntN(3) {
		label := squidLabels[r.IntN(len(squidLabels))]
		switch r.IntN(5) {
		case 0:
			label = "*"
		case 1:
			label = []string{"*" + label, label + "*", "a*b"}[r.IntN(3)]
		}
		text = label + "." + text
	}
	if r.IntN(3) == 0 {
		text = "*." + text
	}
	p, err := netset.ParsePattern(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// randomSquidPrefixes are few and wide, at the squidEdges that Squid has special cases
// for.
func randomSquidPrefixes(t *testing.T, r *rand.Rand) netset.PrefixSet {
	t.Helper()
	world := []string{
		"0.0.0.0/32", "0.0.0.0/8", "0.0.0.0/1", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "128.0.0.0/2", "192.0.2.0/25", "192.0.2.128/25",
		"224.0.0.0/3", "255.255.255.255/32", "::/16", "::/80", "::1/128", "::/128", "2001:db8::/32", "2001:db8:1::/48",
		"2001:db8:2::/47", "8000::/1", "::fffe:0:0/96", "64:ff9b::/96",
	}
	var texts []string
	for range 1 + r.IntN(5) {
		texts = append(texts, world[r.IntN(len(world))])
	}
	return ruletest.Prefixes(t, texts...)
}

// randomSquidFlows are near the edges of the policy's rules.
func randomSquidFlows(r *rand.Rand, p *rule.Policy, n int) []SquidRequest {
	var locals []netip.Addr
	for _, b := range p.Bindings {
		locals = append(locals, squidEdges(b.Local())...)
	}
	flows := make([]rule.Flow, n)
	for i := range flows {
		near := p.Rules[r.IntN(len(p.Rules))]
		remotes := squidEdges(near.Remote.Prefixes())
		if len(remotes) == 0 || r.IntN(4) == 0 {
			remotes = locals
		}
		flows[i] = rule.Flow{
			Direction: rule.Outbound,
			Protocol:  netset.TCP,
			Port:      randomSquidPort(r, near),
			Remote:    remotes[r.IntN(len(remotes))],
			Local:     locals[r.IntN(len(locals))],
		}
		if mine := squidEdges(p.Binding(near.Role).Local()); r.IntN(4) > 0 {
			flows[i].Local = mine[r.IntN(len(mine))]
		}
		if near.Remote.Prefixes().IsEmpty() || r.IntN(3) > 0 {
			flows[i].Name = randomSquidName(r, near)
		}
	}
	return squidRequests(flows...)
}

func squidRequests(flows ...rule.Flow) []SquidRequest {
	requests := make([]SquidRequest, len(flows))
	for i, f := range flows {
		requests[i].Flow = f
	}
	return requests
}

func randomSquidPort(r *rand.Rand, near rule.Rule) uint16 {
	ports := []uint16{25, 80, 443, 9001, 65535}
	for _, p := range near.Services.Ports(netset.TCP) {
		ports = append(ports, p.First-1, p.First, p.First, p.First, p.Last, p.Last, p.Last+1)
	}
	return ports[r.IntN(len(ports))]
}

// randomSquidName is often one that a pattern of the rule matches, or its apex.
func randomSquidName(r *rand.Rand, near rule.Rule) string {
	if patterns := slices.Collect(near.Remote.Names().Patterns()); len(patterns) > 0 && r.IntN(3) > 0 {
		name := patterns[r.IntN(len(patterns))].Example()
		switch _, parent, _ := strings.Cut(name, "."); {
		case r.IntN(4) == 0 && strings.Contains(parent, "."):
			return parent
		case r.IntN(3) == 0:
			return squidLabels[r.IntN(len(squidLabels))] + "." + name
		}
		return name
	}
	name := squidDomains[r.IntN(len(squidDomains))]
	for range r.IntN(4) {
		label := squidLabels[r.IntN(len(squidLabels))]
		if r.IntN(4) == 0 {
			label += squidLabels[r.IntN(len(squidLabels))]
		}
		name = label + "." + name
	}
	return name
}

// squidEdges are the first and last addresses of a set's ranges and their neighbours,
// without the unspecified and the loopback ones, which are no remotes.
func squidEdges(s netset.PrefixSet) []netip.Addr {
	var out []netip.Addr
	for first, last := range s.Ranges() {
		for _, a := range []netip.Addr{first.Prev(), first, first.Next(), last.Prev(), last, last.Next()} {
			if u := a.Unmap(); u.IsValid() && !u.IsUnspecified() && !u.IsLoopback() {
				out = append(out, a)
			}
		}
	}
	return out
}

// TestSquidKeepsItsManager holds that no rule opens the pages of Squid's own manager,
// also of a host that is allowed, and that it is !manager which sees to that.
func TestSquidKeepsItsManager(t *testing.T) {
	p := twoRules(t)
	var requests []SquidRequest
	for _, f := range BoundaryFlows(p, Limits{}) {
		if _, ok := (SquidRequest{Flow: f}).target(); ok && p.Decide(rule.Seen(f, rule.Proxy)).Accept() {
			requests = append(requests, SquidRequest{Flow: f, Manager: true})
		}
	}
	if len(requests) == 0 {
		t.Fatal("no request is allowed")
	}
	for _, place := range []string{squidFirst, squidConfD} {
		artefacts := renderSquid(t, p, place).Artefacts
		for i, answer := range askManager(t, artefacts, place, requests) {
			if answer.Get {
				t.Errorf("%s: the manager's page is open: %+v", place, requests[i].Flow)
			}
		}
		for i := range artefacts {
			artefacts[i].Data = bytes.ReplaceAll(artefacts[i].Data, []byte(" !manager"), nil)
		}
		opened := slices.ContainsFunc(askManager(t, artefacts, place, requests), func(a SquidAnswer) bool { return a.Get })
		if opened != (place == squidFirst) { // Debian's lines refuse it before conf.d
			t.Errorf("%s: without !manager the page is open: %t", place, opened)
		}
	}
}

func askManager(t *testing.T, artefacts []artefact.Artefact, place string, requests []SquidRequest) []SquidAnswer {
	t.Helper()
	s, err := StartSquid(t.Context(), artefacts, place)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	answers, err := s.Ask(requests)
	if err != nil {
		t.Fatal(err)
	}
	return answers
}
