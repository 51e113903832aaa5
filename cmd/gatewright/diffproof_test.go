package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/change"
)

// pairsOf is how many random pairs are compared: all if GATEWRIGHT_PROVE is set to
// "all", as `make prove` does, and some otherwise.
func pairsOf(all int) int {
	if os.Getenv("GATEWRIGHT_PROVE") == "all" {
		return all
	}
	return all / 20
}

// object is a JSON object of a site or a catalogue.
type object = map[string]any

// draws makes sites by chance, of a universe that is small enough to be enumerated.
type draws struct{ *rand.Rand }

func (d draws) one(list ...string) string { return list[d.IntN(len(list))] }

func (d draws) some(most int, list ...string) []string {
	var chosen []string
	for range d.IntN(most + 1) {
		chosen = append(chosen, d.one(list...))
	}
	slices.Sort(chosen)
	return append([]string{}, slices.Compact(chosen)...)
}

func (d draws) locals() []string {
	return append(d.some(2, "10.0.0.1", "10.0.0.2", "10.0.0.0/30", "10.0.1.1", "fd00::1"), d.one("10.0.0.1", "10.0.1.0/31"))
}

func (d draws) entry(i int) object {
	e := object{
		"id": fmt.Sprintf("e%d", i), "title": "t", "direction": d.one("outbound", "outbound", "inbound"), "role": d.one("clients", "clients", "exchange"),
		"services": d.one("tcp 1-3", "tcp 2", "udp 2-3", "tcp 1-2; udp 53", "tcp 1-65535", "tcp 53"), "category": d.one("optimize", "allow", "default"),
	}
	if i == 0 { // any, if the site says so
		e["unsaid"] = object{"remote": object{"why": "w", "ask": "a", "who": "u"}}
		return e
	}
	e["endpoints"] = append(d.some(2, "192.0.2.0/29", "192.0.2.0/30", "192.0.2.1", "192.0.2.2/31", "2001:db8::/127", "2001:db8::1"),
		append(d.some(2, "a*.x.test", "*b.x.test", "*.x.test", "ab.x.test", "*.b.x.test", "x.test"), d.one("192.0.2.4", "a*.x.test", "*b.x.test"))...)
	return e
}

// options are those of every generator; no two values of an option do the same.
func (d draws) options() object {
	filter := func() object {
		switch d.IntN(4) {
		case 0:
			return object{"mode": "mark", "mark": d.one("0x10", "0x20")}
		case 1:
			return object{"mode": "enforce", "place": "forward", "admin": d.one("none", "192.0.2.4 tcp 53", "192.0.2.0/30 tcp 1-65535")}
		case 2:
			return object{"place": "host", "roles": []string{"clients"}}
		}
		return object{"wan": d.some(2, "w1", "w2"), "lan": d.some(2, "l1", "l2")}
	}
	p := object{"proxy": d.one("p.test:1", "q.test:2"), "fallback": d.one("no", "yes"), "plain": d.one("direct", "proxy"), "local": d.some(1, "10.0.0.0/24"), "internal": d.some(1, "*.c.test")}
	return object{
		"nftables": filter(), "iptables": filter(), "pac": p,
		"squid":         object{"mode": d.one("allow", "enforce"), "place": d.one("first", "conf.d"), "dir": d.one("/etc/squid/gatewright", "/srv/lists")},
		"trusted-sites": object{"hive": d.one("user", "machine")},
	}
}

// site is a site file and its catalogue.
func (d draws) site() (s, c object) {
	var entries []any
	for i := range 2 + d.IntN(4) {
		entries = append(entries, d.entry(i))
	}
	entries = append(entries, object{"id": "zone", "title": "t", "kind": "trusted-site", "endpoints": []string{"www.zone.test"}})
	c = object{"catalog": "c", "revision": "1", "title": "t", "entries": entries}
	binding := func() any {
		if d.IntN(3) > 0 {
			return d.locals()
		}
		return object{"addresses": d.locals(), "published": []string{d.one("10.0.2.1", "10.0.2.0/31")}}
	}
	s = object{
		"bind":       object{"clients": d.locals(), "exchange": binding(), "resolver": []string{"10.0.1.1"}},
		"generators": d.some(5, "nftables", "iptables", "pac", "squid", "trusted-sites"), "options": d.options(),
		"answers": object{"c/e0": object{"dismissed": "none"}}, "routes": d.routes(),
	}
	if len(s["generators"].([]string)) == 0 {
		s["generators"] = []string{"nftables", "pac"}
	}
	if d.IntN(3) == 0 {
		s["answers"] = object{"c/e0": object{"remote": "any"}}
	}
	return s, c
}

func (d draws) routes() []any {
	var all []any
	for range d.IntN(3) {
		all = append(all, object{"category": []string{d.one("optimize", "allow", "default")}, "via": d.one("direct", "proxy", "r.test:3")})
	}
	return append(all, object{"via": d.one("direct", "proxy")})
}

// revised is a site of which some things are drawn anew.
func (d draws) revised(s, c object) (object, object) {
	other, more := d.site()
	s, c = maps.Clone(s), maps.Clone(c)
	for _, key := range []string{"bind", "generators", "answers", "routes"} {
		if d.IntN(5) == 0 {
			s[key] = other[key]
		}
	}
	options := maps.Clone(s["options"].(object))
	for _, g := range slices.Sorted(maps.Keys(options)) {
		if d.IntN(3) == 0 {
			options[g] = other["options"].(object)[g]
		}
	}
	s["options"] = options
	entries := slices.Clone(c["entries"].([]any))
	for i := range entries[:len(entries)-1] {
		if i > 0 && d.IntN(4) == 0 {
			entries[i] = d.entry(i)
		}
	}
	if c["entries"] = entries; d.IntN(6) == 0 {
		c["entries"] = append(entries, more["entries"].([]any)[1])
		c["entries"].([]any)[len(entries)].(object)["id"] = "more"
	}
	return s, c
}

// world is a site as the oracle knows it.
type world struct {
	file   string
	site   *site.Site
	policy *rule.Policy
}

// newWorld writes a site into a folder and reads it; false if it is none.
func newWorld(t *testing.T, dir string, s, c object) (world, bool) {
	t.Helper()
	write := func(name string, v any) string {
		data, err := json.Marshal(v)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	write("c.json", c)
	s["catalogs"] = []string{"c.json"}
	w := world{file: write("site.json", s)}
	inv := invocation{}
	inv.site.register(pflag.NewFlagSet("", pflag.ContinueOnError))
	inv.site.file = w.file
	read, base, err := inv.site.load()
	if err != nil {
		t.Fatal(err)
	}
	catalogs, err := read.LoadCatalogs(inv.site.catalogDir(base))
	if err != nil {
		t.Fatal(err)
	}
	result, err := site.Build(read, catalogs)
	if err != nil {
		return w, false // as where prefixes cover a family together
	}
	w.site, w.policy = read, result.Policy
	return w, true
}

func (w world) makes(generator string) bool { return slices.Contains(w.site.Generators, generator) }

func (w world) option(generator, name string) []string { return w.site.Options[generator][name] }

func (w world) is(generator, name, value string) bool {
	return slices.Equal(w.option(generator, name), []string{value})
}

// Parts of the universe. Each pattern, overlap and prefix has a name or an address.
var (
	universeNames   = []string{"a.x.test", "b.x.test", "ab.x.test", "acb.x.test", "c.x.test", "x.test", "a.b.x.test", "c.b.x.test", "y.test", "a.c.test", "host"}
	universeRemotes = addressesOf("192.0.2.0", "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.7", "192.0.2.8", "2001:db8::", "2001:db8::1", "2001:db8::2")
	universeLocals  = addressesOf("10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.1.0", "10.0.1.1", "10.0.2.0", "10.0.2.1", "10.0.3.1", "fd00::1")
	universePorts   = []uint16{1, 2, 3, 53, 65535}
)

func addressesOf(list ...string) (all []netip.Addr) {
	for _, s := range list {
		all = append(all, netip.MustParseAddr(s))
	}
	return all
}

// hasRemote reports whether a part of a report has what is seen of a flow's remote.
func hasRemote(p change.Part, f rule.Flow) bool {
	if p.Any {
		return f.Name != "" && !matchesAny(p.But, f.Name) || f.Name == "" && !holdsAny(p.But, f.Remote)
	}
	return f.Name != "" && slices.ContainsFunc(p.Names, func(n change.Name) bool { return nameHas(n, f.Name) }) || f.Name == "" && holdsAny(p.Prefixes, f.Remote)
}

func nameHas(n change.Name, name string) bool {
	return matchesAny([]string{n.Pattern}, name) && (n.And == "" || matchesAny([]string{n.And}, name)) && !matchesAny(n.Except, name)
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(text string) bool {
		p, err := netset.ParsePattern(text)
		return err == nil && p.Match(name)
	})
}

func holdsAny(prefixes []string, a netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(text string) bool {
		p, err := netip.ParsePrefix(text)
		return err == nil && p.Contains(a)
	})
}

// has reports whether rules of a report have a flow, of which a port is the original
// one if it is published.
func has(rules []change.Rule, f rule.Flow, published bool) bool {
	return slices.ContainsFunc(rules, func(r change.Rule) bool {
		return r.Direction == f.Direction && slices.ContainsFunc(r.Parts, func(p change.Part) bool {
			return p.Published == published && p.Services.Contains(f.Protocol, f.Port) && holdsAny(p.Local, f.Local) && hasRemote(p, f)
		})
	})
}

// ofPlace are the rules of a report that are of a file; of the policy for "".
func ofPlace(rules []change.Rule, file string) []change.Rule {
	return slices.DeleteFunc(slices.Clone(rules), func(r change.Rule) bool { return strings.SplitN(r.Place, ",", 2)[0] != file })
}

// ofKind is the policy with bindings of one kind alone: whose ports are those after
// DNAT, or the original ones. Outbound they are one.
func ofKind(p *rule.Policy, d rule.Direction, published bool) *rule.Policy {
	one := *p
	one.Bindings = slices.Clone(p.Bindings)
	for i := range one.Bindings {
		switch b := &one.Bindings[i]; {
		case d == rule.Outbound && published:
			b.Addresses, b.Published = netset.PrefixSet{}, netset.PrefixSet{}
		case d == rule.Inbound && published:
			b.Addresses = netset.PrefixSet{}
		case d == rule.Inbound:
			b.Published = netset.PrefixSet{}
		}
	}
	return &one
}

// policyComplaints holds what a report says of two policies to Decide: by what a packet
// filter sees and by what a proxy sees.
func policyComplaints(r change.Diff, old, new world) (all []string) {
	added, removed := ofPlace(r.Added, ""), ofPlace(r.Removed, "")
	for _, d := range []rule.Direction{rule.Outbound, rule.Inbound} {
		for _, published := range []bool{false, true} {
			was, is := ofKind(old.policy, d, published), ofKind(new.policy, d, published)
			for f := range universeFlows(d) {
				before, after := was.Decide(f).Accept(), is.Decide(f).Accept()
				if has(added, f, published) != (after && !before) || has(removed, f, published) != (before && !after) {
					all = append(all, fmt.Sprintf("%s (published %t): accepted %t, now %t", f, published, before, after))
				}
			}
		}
	}
	return all
}

// universeFlows are the flows of a direction as a filter or a proxy sees them.
func universeFlows(d rule.Direction) func(func(rule.Flow) bool) {
	return func(yield func(rule.Flow) bool) {
		for _, f := range remotesSeen() {
			f.Direction = d
			for _, f.Local = range universeLocals {
				for _, f.Protocol = range []netset.Protocol{netset.TCP, netset.UDP} {
					for _, f.Port = range universePorts {
						mixed := f.Remote.IsValid() && f.Remote.Is4() != f.Local.Is4()
						if !mixed && !yield(f) {
							return
						}
					}
				}
			}
		}
	}
}

func remotesSeen() (all []rule.Flow) {
	for _, name := range universeNames[:len(universeNames)-1] { // "host" is no remote of a rule but any's
		all = append(all, rule.Flow{Name: name})
	}
	for _, a := range universeRemotes {
		all = append(all, rule.Flow{Remote: a})
	}
	return all
}

// wayBy is how a request goes by the PAC file of a site: options come first.
func (w world) wayBy(p *rule.Policy, f rule.Flow) string {
	via := p.Route(f, rule.Clients)
	if via == rule.Direct {
		return "direct"
	}
	text := "PROXY " + string(via)
	if via == rule.Proxied {
		text = "PROXY " + w.option("pac", "proxy")[0]
	}
	if w.is("pac", "fallback", "yes") {
		text += "; DIRECT"
	}
	return text
}

// routeComplaints holds the routes of a report that are of one file, or of the policy,
// to ways: every request that goes another way is told with both, and none that does
// not. What goes as an unlisted remote does, before and now, is told by "every remote
// without a route of its own".
func routeComplaints(routes []change.Route, place string, was, is func(rule.Flow) string) (all []string) {
	for _, f := range remotesSeen() {
		for _, f.Port = range universePorts {
			f.Direction, f.Protocol = rule.Outbound, netset.TCP
			rest := f
			rest.Name, rest.Remote = "unlisted.invalid", netip.Addr{}
			asRest := was(f) == was(rest) && is(f) == is(rest)
			var told []string
			for _, c := range routes {
				services, err := netset.ParseServices(c.Services)
				p := change.Part{Names: c.Names, Prefixes: c.Prefixes}
				if c.Place == place && (place != "" || c.Role == rule.Clients) && err == nil && services.Contains(f.Protocol, f.Port) && (hasRemote(p, f) || c.Any && asRest) {
					told = append(told, string(c.From)+" -> "+string(c.To))
				}
			}
			slices.Sort(told)
			var want []string
			if from, to := was(f), is(f); from != to {
				want = []string{from + " -> " + to}
			}
			if told = slices.Compact(told); !slices.Equal(told, want) {
				all = append(all, fmt.Sprintf("%q %s port %d goes %q; told %q", f.Name, f.Remote, f.Port, want, told))
			}
		}
	}
	return all
}

// packet is a first packet as a packet filter sees it.
type packet struct {
	protocol    netset.Protocol
	port        uint16
	original    uint16
	source, dst netip.Addr
	in, out     string
}

// accepts reports whether a packet filter of the site lets a packet pass by a policy as
// that of a flow of a direction: a table by hand of what its options do.
func (w world) accepts(generator string, p *rule.Policy, k packet, d rule.Direction) bool {
	if w.is(generator, "mode", "enforce") && w.opened(generator, p, k, d) {
		return true
	}
	host := w.is(generator, "place", "host")
	f := rule.Flow{Direction: d, Protocol: k.protocol, Port: k.port, Local: k.source, Remote: k.dst}
	in, out := w.option(generator, "lan"), w.option(generator, "wan")
	if d == rule.Inbound {
		f.Local, f.Remote, f.Published, in, out = f.Remote, f.Local, k.original, out, in
	}
	comes := (len(in) == 0 || slices.Contains(in, k.in)) && (len(out) == 0 || slices.Contains(out, k.out))
	return comes && slices.ContainsFunc(p.Rules, func(r rule.Rule) bool {
		return (!host || r.Role == rule.Clients) && p.Accepts(&r, f)
	})
}

// opened reports whether options of mode enforce let a packet pass: what we ask of the
// resolver, and administrators who come in.
func (w world) opened(generator string, p *rule.Policy, k packet, d rule.Direction) bool {
	if d == rule.Outbound {
		ours := slices.ContainsFunc(p.Bindings, func(b rule.Binding) bool { return b.Local().Contains(k.source) })
		return ours && k.port == 53 && p.Binding("resolver").Local().Contains(k.dst)
	}
	from, services, some := strings.Cut(w.option(generator, "admin")[0], " ")
	set, _ := netset.ParseServices(services)
	return some && set.Contains(k.protocol, k.port) && (from == k.source.String() || holdsAny([]string{from}, k.source))
}

// shows reports whether rules of a report have a packet as that of a flow of a
// direction, and whether one of the policy is among them that is of ports after DNAT:
// those before it are kept apart, though a packet has both.
func shows(rules []change.Rule, k packet, d rule.Direction) (any, byRule bool) {
	for _, r := range rules {
		in, out := placeInterfaces(r.Place)
		f := rule.Flow{Direction: d, Protocol: k.protocol, Port: k.port, Local: k.source, Remote: k.dst}
		if d == rule.Inbound {
			f.Local, f.Remote = f.Remote, f.Local
		}
		published := r.Parts[0].Published
		if published {
			f.Port = k.original
		}
		if !in(k.in) || !out(k.out) || !has([]change.Rule{r}, f, published) {
			continue
		}
		any = true
		byRule = byRule || !published && slices.ContainsFunc(r.Entries, func(e change.From) bool { return strings.HasPrefix(e.ID, "c/") })
	}
	return any, byRule
}

// placeInterfaces reads "gatewright.nft, chain x, from l1, to any interface but w1".
func placeInterfaces(place string) (in, out func(string) bool) {
	every := func(string) bool { return true }
	in, out = every, every
	for part := range strings.SplitSeq(place, ", ") {
		word, list, _ := strings.Cut(part, " ")
		but, isBut := strings.CutPrefix(list, "any interface but ")
		holds := func(name string) bool { return slices.Contains(strings.Fields(list), name) }
		if isBut {
			holds = func(name string) bool { return !slices.Contains(strings.Fields(but), name) }
		}
		switch word {
		case "from":
			in = holds
		case "to":
			out = holds
		}
	}
	return in, out
}

// filterComplaints holds what a report says of a packet filter's files to the hand-made
// table, packet by packet and direction by direction.
func filterComplaints(r change.Diff, generator string, files []string, was, is func(packet, rule.Direction) bool) (all []string) {
	for i, v6 := range []bool{false, true} {
		file := files[i]
		added, removed := ofPlace(r.Added, file), ofPlace(r.Removed, file)
		for k := range universePackets(v6) {
			for _, d := range []rule.Direction{rule.Outbound, rule.Inbound} {
				before, after := was(k, d), is(k, d)
				shown, byRule := shows(added, k, d)
				gone, goneByRule := shows(removed, k, d)
				switch {
				case after && !before && !shown, before && !after && !gone:
					all = append(all, fmt.Sprintf("%s: not told of %s %+v: accepted %t, now %t", file, d, k, before, after))
				case before == after && (byRule && !gone || goneByRule && !shown), after && !before && goneByRule, before && !after && byRule:
					all = append(all, fmt.Sprintf("%s: told of %s %+v, by rules: accepted %t, now %t", file, d, k, before, after))
				}
			}
		}
	}
	return all
}

// universePackets are the packets between all addresses of a family, by pairs of
// interfaces that options name and others.
func universePackets(v6 bool) func(func(packet) bool) {
	ways := [][2]string{{"l1", "w1"}, {"w1", "l1"}, {"l2", "w2"}, {"w2", "l2"}, {"l1", "l2"}, {"o", "o"}, {"l1", "o"}, {"o", "l2"}, {"w1", "w2"}}
	return func(yield func(packet) bool) {
		addresses := slices.DeleteFunc(slices.Concat(universeLocals, universeRemotes), func(a netip.Addr) bool { return a.Is6() != v6 })
		n := 0
		for _, source := range addresses {
			for _, dst := range addresses {
				for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
					for _, port := range universePorts {
						for _, original := range []uint16{port, 2} {
							n++
							way := ways[n%len(ways)]
							if source != dst && !yield(packet{protocol, port, original, source, dst, way[0], way[1]}) {
								return
							}
						}
					}
				}
			}
		}
	}
}

// besides are the options that no flow shows, with the file and the name by which a
// report has to tell that they differ.
var besidesOf = []struct{ generator, option, file, name string }{
	{"nftables", "mode", "gatewright.nft", "mode"}, {"nftables", "place", "gatewright.nft", "place"},
	{"iptables", "mode", "gatewright.iptables", "mode"}, {"iptables", "place", "gatewright.iptables", "place"},
	{"pac", "plain", "proxy.pac", "plain"}, {"pac", "local", "proxy.pac", "local"}, {"pac", "internal", "proxy.pac", "internal"},
	{"squid", "mode", "gatewright.squid.conf", "mode"}, {"squid", "place", "gatewright.squid.conf", "place"},
	{"trusted-sites", "hive", "trusted-sites.reg", "hive"},
}

func besideComplaints(r change.Diff, old, new world) (all []string) {
	for _, b := range besidesOf {
		if !old.makes(b.generator) || !new.makes(b.generator) {
			continue
		}
		before, after := old.option(b.generator, b.option), new.option(b.generator, b.option)
		differs := !slices.Equal(before, after)
		switch { // defaults
		case b.option == "place" && b.file != "gatewright.squid.conf":
			differs = old.is(b.generator, "place", "host") != new.is(b.generator, "place", "host")
		case b.option == "mode" && len(before) == 0 && len(after) == 0:
			differs = false
		}
		if told := slices.ContainsFunc(r.Beside, func(c change.Beside) bool { return c.File == b.file && c.Name == b.name }); told != differs {
			all = append(all, fmt.Sprintf("%s.%s: %v, now %v; told %t", b.generator, b.option, before, after, told))
		}
	}
	return all
}

func (w world) samePlace(generator string, v world) bool {
	return w.is(generator, "place", "host") == v.is(generator, "place", "host")
}

// diffIn is what diff says as JSON, but for what is open.
func diffIn(data []byte) (change.Diff, error) {
	var r struct {
		change.Diff
		OpenAdded     json.RawMessage `json:"open_added"`
		OpenRemoved   json.RawMessage `json:"open_removed"`
		OpenUnchanged json.RawMessage `json:"open_unchanged"`
	}
	err := json.Unmarshal(data, &r)
	return r.Diff, err
}

// diffOf runs diff, and returns its report as JSON has it.
func diffOf(t *testing.T, old, new string) change.Diff {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := run([]string{"diff", "--json", old, new}, nil, &stdout, &stderr)
	r, err := diffIn(stdout.Bytes())
	if err != nil || status != map[bool]int{true: exitOK, false: exitDifferent}[r.Equal] {
		t.Fatalf("status %d, equal %t, %v: %s", status, r.Equal, err, stderr.String())
	}
	return r
}

// randomPairs calls f with the folders of pairs of sites, and shows the first pair of
// which it complains.
func randomPairs(t *testing.T, seed uint64, n int, f func(t *testing.T, old, new world) (change.Diff, []string)) {
	t.Helper()
	done, told := 0, map[string]int{}
	defer func() {
		t.Logf("proved: diff: %d pairs, %v of them with each kind of difference", done, told)
		for _, kind := range []string{"added", "removed", "routes", "beside", "gatewright.nft", "gatewright.iptables", "proxy.pac"} {
			if told[kind] < max(1, n/50) && !t.Failed() {
				t.Errorf("only %d pairs of %d differ in %s; the test is too weak", told[kind], n, kind)
			}
		}
	}()
	for number := uint64(0); done < n; number++ {
		d := draws{rand.New(rand.NewPCG(seed, number))}
		s, c := d.site()
		dirs := [2]string{t.TempDir(), t.TempDir()}
		old, ok := newWorld(t, dirs[0], s, c)
		s, c = d.revised(s, c)
		new, too := newWorld(t, dirs[1], s, c)
		if !ok || !too {
			continue
		}
		done++
		r, complaints := f(t, old, new)
		for kind, is := range map[string]bool{
			"added": len(r.Added) > 0, "removed": len(r.Removed) > 0, "routes": len(r.Routes) > 0, "beside": len(r.Beside) > 0,
			"gatewright.nft": len(ofPlace(r.Added, "gatewright.nft")) > 0, "gatewright.iptables": len(ofPlace(r.Added, "gatewright.iptables")) > 0,
			"proxy.pac": slices.ContainsFunc(r.Routes, func(c change.Route) bool { return c.Place == "proxy.pac" }),
		} {
			if is {
				told[kind]++
			}
		}
		if len(complaints) > 0 {
			show := func(w world) string {
				site, _ := os.ReadFile(w.file)
				catalog, _ := os.ReadFile(filepath.Join(filepath.Dir(w.file), "c.json"))
				return string(site) + "\n" + string(catalog)
			}
			t.Fatalf("pair %d: %s\n%s\n%s", number, strings.Join(complaints[:min(len(complaints), 5)], "\n"), show(old), show(new))
		}
	}
}

// TestDiffProofOfSites holds the difference of pairs of sites to brute force: every
// flow of a small universe by Decide, every request by Route, and what options do by a
// table.
func TestDiffProofOfSites(t *testing.T) {
	t.Parallel()
	randomPairs(t, 1, pairsOf(1000), func(t *testing.T, old, new world) (r change.Diff, all []string) {
		r = diffOf(t, old.file, new.file)
		all = append(policyComplaints(r, old, new), besideComplaints(r, old, new)...)
		way := func(w world) func(rule.Flow) string {
			return func(f rule.Flow) string { return string(w.policy.Route(f, rule.Clients)) }
		}
		all = append(all, routeComplaints(r.Routes, "", way(old), way(new))...)
		if old.makes("pac") && new.makes("pac") {
			by := func(w world) func(rule.Flow) string {
				return func(f rule.Flow) string { return w.wayBy(new.policy, f) }
			}
			all = append(all, routeComplaints(r.Routes, "proxy.pac", by(old), by(new))...)
		}
		for generator, files := range filterFiles {
			if old.makes(generator) && new.makes(generator) && old.samePlace(generator, new) {
				by := func(w world) func(packet, rule.Direction) bool {
					return func(k packet, d rule.Direction) bool { return w.accepts(generator, new.policy, k, d) }
				}
				all = append(all, filterComplaints(r, generator, files, by(old), by(new))...)
			}
		}
		return r, all
	})
}

// filterFiles are the files of packet filters, for IPv4 and for IPv6.
var filterFiles = map[string][]string{
	"nftables": {"gatewright.nft", "gatewright.nft"},
	"iptables": {"gatewright.iptables", "gatewright.ip6tables"},
}

// TestDiffProofOfFolders does the same for what generate writes of the two sites: now
// the files tell of policies and options together.
func TestDiffProofOfFolders(t *testing.T) {
	t.Parallel()
	randomPairs(t, 2, pairsOf(1000), func(t *testing.T, old, new world) (r change.Diff, all []string) {
		var folders [2]string
		for i, w := range []world{old, new} {
			folders[i] = filepath.Join(filepath.Dir(w.file), "out")
			var stdout, stderr bytes.Buffer
			if status := run([]string{"generate", "-q", "--site", w.file, "-o", folders[i]}, nil, &stdout, &stderr); status != exitOK {
				t.Fatalf("status %d: %s", status, stderr.String())
			}
		}
		r = diffOf(t, folders[0], folders[1])
		if !sameReports(r, diffOf(t, old.file, folders[1])) {
			all = append(all, "the site in the place of its folder differs otherwise")
		}
		all = append(all, besideComplaints(r, old, new)...)
		if old.makes("pac") && new.makes("pac") {
			by := func(w world) func(rule.Flow) string {
				return func(f rule.Flow) string { return w.wayBy(w.policy, f) }
			}
			all = append(all, routeComplaints(r.Routes, "proxy.pac", by(old), by(new))...)
		}
		for generator, files := range filterFiles {
			if (old.makes(generator) || new.makes(generator)) && (old.samePlace(generator, new) || !old.makes(generator) || !new.makes(generator)) {
				by := func(w world) func(packet, rule.Direction) bool {
					return func(k packet, d rule.Direction) bool {
						return w.makes(generator) && w.accepts(generator, w.policy, k, d)
					}
				}
				all = append(all, filterComplaints(r, generator, files, by(old), by(new))...)
			}
		}
		return r, append(all, proxyComplaints(r, old, new)...)
	})
}

// sameReports compares reports but for the names of the sides.
func sameReports(a, b change.Diff) bool {
	text := func(r change.Diff) string {
		r.Old, r.New = change.Head{}, change.Head{}
		data, _ := json.Marshal(r)
		return string(data)
	}
	return text(a) == text(b)
}

// proxyComplaints holds what a report says of a proxy's files to Decide.
func proxyComplaints(r change.Diff, old, new world) (all []string) {
	const file = "gatewright.squid.conf"
	added, removed := ofPlace(r.Added, file), ofPlace(r.Removed, file)
	for f := range universeFlows(rule.Outbound) {
		carried := func(w world) bool {
			return w.makes("squid") && f.Protocol == netset.TCP && w.policy.Decide(rule.Seen(f, rule.Proxy)).Accept()
		}
		before, after := carried(old), carried(new)
		if has(added, f, false) != (after && !before) || has(removed, f, false) != (before && !after) {
			all = append(all, fmt.Sprintf("%s: %s: accepted %t, now %t", file, f, before, after))
		}
	}
	return all
}
