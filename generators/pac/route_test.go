package pac

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/engine"
)

// engines are asked every question; each is required.
var engines = map[string]func(context.Context, []byte, []string) ([]string, error){
	"pacparser": engine.EvaluatePacparser,
	"node":      engine.EvaluateNode,
}

// ask returns the answers of one engine.
func ask(t *testing.T, name string, pac []byte, urls []string) []string {
	t.Helper()
	answers, err := engines[name](t.Context(), pac, urls)
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, pac)
	}
	return answers
}

// answers of the ways of random policies under withProxies.
var (
	withProxies = settings("proxy=main:3128", "proxy=[2001:db8::80]:3128", "plain=proxy", "roles=clients", "roles=exchange")
	ways        = map[rule.Via]string{
		rule.Direct:  "DIRECT",
		rule.Proxied: "PROXY main:3128; PROXY [2001:db8::80]:3128",
		"a:1, b:2":   "PROXY a:1; PROXY b:2",
		"10.9.8.7:9": "PROXY 10.9.8.7:9",
	}
)

// TestAnswersAreThoseOfRoute asks real engines the requests of random policies, in
// which endpoints overlap, tie and hide each other, in every spelling of a host.
func TestAnswersAreThoseOfRoute(t *testing.T) {
	total, seen := 0, map[string]int{}
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		p := ruletest.Compile(t, randomInput(t, r))
		pac := text(t, p, withProxies)
		var urls, want, flows []string
		for range 600 {
			f := randomFlow(r)
			urls = append(urls, spell(r, f))
			flows = append(flows, f.String())
			want = append(want, ways[p.Route(f, "clients", "exchange")])
		}
		for name := range engines {
			for i, got := range ask(t, name, pac, urls) {
				if got != want[i] {
					t.Fatalf("seed %d: %s answers %q for %s; the model answers %q for %s\n%s", seed, name, got, urls[i], want[i], flows[i], pac)
				}
				total++
				seen[got]++
			}
		}
	}
	for _, way := range ways {
		if seen[way] < total/50 {
			t.Errorf("only %d of %d answers are %s; the test is too weak", seen[way], total, way)
		}
	}
}

// randomInput takes endpoints, services and routes from small alphabets.
func randomInput(t *testing.T, r *rand.Rand) rule.Input {
	in := rule.Input{
		Bindings: bindings(t),
		Routes:   []rule.Via{rule.Direct, "a:1, b:2", rule.Proxied, rule.Direct, "10.9.8.7:9"},
	}
	r.Shuffle(len(in.Routes), func(i, j int) { in.Routes[i], in.Routes[j] = in.Routes[j], in.Routes[i] })
	for i := range 2 + r.IntN(14) {
		g := grant(t, fmt.Sprintf("sample/%d", i), pick[rule.Role](r, "clients", "clients", "exchange"), r.IntN(len(in.Routes)+1)-1, pick(r,
			"tcp 443", "tcp 80,443", "tcp 80", "tcp 1-65535", "tcp 21,81-442; udp 443", "tcp 8080-8090", "udp 443"))
		for range r.IntN(7) {
			g.Names = append(g.Names, randomPattern(t, r))
		}
		var b netset.PrefixBuilder
		for range r.IntN(5) {
			b.Add(randomPrefix(r))
		}
		g.Prefixes = b.Build()
		g.Any = r.IntN(40) == 0
		if !g.Any && len(g.Names) == 0 && g.Prefixes.IsEmpty() {
			g.Names = append(g.Names, randomPattern(t, r))
		}
		in.Grants = append(in.Grants, g)
	}
	return in
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func randomPattern(t *testing.T, r *rand.Rand) netset.Pattern {
	base := pick(r, "a.example", "b.example", "__proto__.example")
	labels := []string{base}
	for range r.IntN(4) {
		labels = append(labels, pick(r, "a", "b", "ab", "constructor", "*", "*", "a*", "*b", "a*b", "*a*b*", "__proto__"))
	}
	slices.Reverse(labels)
	return ruletest.Pattern(t, strings.Join(labels, "."))
}

// randomPrefix is one of few nested prefixes.
func randomPrefix(r *rand.Rand) netip.Prefix {
	a := randomAddress(r)
	bits := 32 - r.IntN(24)
	if a.Is6() {
		bits = 128 - r.IntN(112)
	}
	p, _ := a.Prefix(bits)
	return p
}

// randomAddress is one of few, so that prefixes of random addresses often nest.
func randomAddress(r *rand.Rand) netip.Addr {
	if r.IntN(2) == 0 {
		return netip.AddrFrom4([4]byte{10, byte(r.IntN(2)), byte(r.IntN(2) << 7), byte(r.IntN(4))})
	}
	a := netip.MustParseAddr("2001:db8::").As16()
	for range r.IntN(4) {
		a[3+r.IntN(13)] = pick[byte](r, 0, 1, 0x80, 0xb8)
	}
	return netip.AddrFrom16(a)
}

func randomFlow(r *rand.Rand) rule.Flow {
	f := rule.Flow{Direction: rule.Outbound, Protocol: netset.TCP, Port: pick[uint16](r, 80, 443, 443, 21, 81, 442, 8080, 8091, 1, 65535)}
	if r.IntN(3) == 0 {
		f.Remote = randomAddress(r)
		return f
	}
	labels := []string{pick(r, "example", "example", "example", "a"), pick(r, "a", "b", "__proto__")}
	for range r.IntN(5) {
		labels = append(labels, pick(r, "a", "b", "ab", "aab", "aabb", "ba", "x", "constructor", "__proto__", "hasownproperty"))
	}
	slices.Reverse(labels)
	f.Name = strings.Join(labels, ".")
	if r.IntN(30) == 0 {
		f.Name = pick(r, "constructor", "__proto__", "hasownproperty", "localhost", "valueof")
	}
	return f
}

// spell writes a request for a flow in one of the ways in which engines may see it.
func spell(r *rand.Rand, f rule.Flow) string {
	schemes := map[string]uint16{"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21, "gopher": 0}
	scheme := pick(r, "http", "https", "ws", "wss", "ftp", "gopher")
	port := fmt.Sprintf(":%d", f.Port)
	switch {
	case schemes[scheme] == f.Port && r.IntN(2) == 0:
		port = ""
	case schemes[scheme] == f.Port && r.IntN(4) == 0:
		port = ":"
	case r.IntN(8) == 0:
		port = fmt.Sprintf(":%06d", f.Port)
	}
	host := f.Name
	if f.Remote.IsValid() {
		host = spellAddress(r, f.Remote)
	} else if r.IntN(3) == 0 {
		host += "."
	}
	if r.IntN(3) == 0 {
		host, scheme = strings.ToUpper(host), strings.ToUpper(scheme)
	}
	user := pick(r, "", "", "", "me@", "me:secret@", "example.com:80@", "a@b@")
	rest := pick(r, "", "/", "/x?y=http://b.example:1/@z", "?q=1", "#f", "/:80/a@b/[::1]")
	return scheme + "://" + user + host + port + rest
}

// spellAddress writes an address in one of the forms that inet_aton (IPv4) and
// RFC 4291 (IPv6) allow.
func spellAddress(r *rand.Rand, a netip.Addr) string {
	if a.Is6() {
		return "[" + pick(r, a.String(), a.StringExpanded()) + "]"
	}
	b := a.As4()
	all := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	return pick(r,
		a.String(), a.String(), a.String()+".",
		fmt.Sprint(all), fmt.Sprintf("%#x", all), fmt.Sprintf("%#o", all),
		fmt.Sprintf("%d.%#x", b[0], all&0xffffff),
		fmt.Sprintf("%d.%d.%#o", b[0], b[1], all&0xffff),
		fmt.Sprintf("%#04o.%#02x.%d.%d", b[0], b[1], b[2], b[3]),
		"[::ffff:"+a.String()+"]", "["+netip.AddrFrom16(a.As16()).StringExpanded()+"]",
		fmt.Sprintf("[0:0::FFFF:%x:%x]", all>>16, all&0xffff),
	)
}
