package generators

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
)

// conformer holds what a generator makes of a policy to the policy. It knows of the
// generator its Kind alone, so a new one is proved by being in All.
type conformer struct {
	policy  *rule.Policy
	setting setting
	output  artefact.Output
	reading artefact.Reading
	explain artefact.Explainer
	ours    netset.PrefixSet // of all roles
}

// kind is what is known of all generators of a Kind.
type kind struct {
	settings   func(*rule.Policy) []setting // beside the default
	part       func(artefact.Reading) artefact.Reading
	complaints func(*conformer, []rule.Flow) []string
}

// kindOf returns the zero kind for one that nobody proves.
func kindOf(k artefact.Kind) kind {
	return map[artefact.Kind]kind{
		artefact.PacketFilter: {filterKindSettings, func(r artefact.Reading) artefact.Reading { return artefact.Reading{Filters: r.Filters} }, (*conformer).filter},
		artefact.Proxy: {proxyKindSettings, func(r artefact.Reading) artefact.Reading {
			return artefact.Reading{Requests: r.Requests, Ahead: r.Ahead}
		}, (*conformer).proxy},
		artefact.ProxyChooser: {chooserKindSettings, func(r artefact.Reading) artefact.Reading {
			return artefact.Reading{Routes: r.Routes, Before: r.Before, Roles: r.Roles}
		}, (*conformer).chooser},
		artefact.ZoneMap: {zoneKindSettings, func(r artefact.Reading) artefact.Reading { return artefact.Reading{Zones: r.Zones} }, (*conformer).zones},
	}[k]
}

// kindSettings are the default, those of the generator's kind, and each other value
// that an option may have, as far as the generator takes them.
func kindSettings(g Generator, p *rule.Policy) []setting {
	all := []setting{{name: "default"}}
	add := func(s setting) {
		options, err := artefact.Configure(g.Options(), s.options)
		if err != nil {
			return
		}
		if _, err := g.Generate(p, options); err == nil {
			all = append(all, s)
		}
	}
	for _, s := range kindOf(g.Kind()).settings(p) {
		add(s)
	}
	for _, o := range g.Options() {
		for _, value := range o.Values {
			if !slices.Contains(o.Default, value) {
				add(setting{o.Name + "=" + value, map[string][]string{o.Name: {value}}})
			}
		}
	}
	return all
}

// conformanceComplaints tells where files, their reading, answers and verdicts are not
// what the policy says of the flows.
func conformanceComplaints(g Generator, p *rule.Policy, s setting, flows []rule.Flow) []string {
	of := kindOf(g.Kind())
	if of.complaints == nil {
		return []string{fmt.Sprintf("%s is of kind %q, which no test proves", g.Name(), g.Kind())}
	}
	options, err := artefact.Configure(g.Options(), s.options)
	if err != nil {
		return []string{err.Error()}
	}
	out, err := g.Generate(p, options)
	if err != nil {
		return []string{err.Error()}
	}
	explain, err := g.Explain(p, options)
	if err != nil {
		return []string{err.Error()}
	}
	files := artefact.FilesOf(out.Artefacts)
	reading, err := g.Read(files)
	if err != nil || len(reading.Read) != len(files) || reading.Edited != nil {
		return []string{fmt.Sprintf("%s %s: read %v, edited %v, %v", g.Name(), s.name, reading.Read, reading.Edited, err)}
	}
	c := &conformer{p, s, out, reading, explain, localsOf(p)}
	all := of.complaints(c, flows)
	part := of.part(reading)
	part.Beside, part.Comments, part.Read = reading.Beside, reading.Comments, reading.Read
	if !reflect.DeepEqual(part, reading) {
		all = append(all, "the reading tells of another kind of backend")
	}
	for i := range all {
		all[i] = g.Name() + " " + s.name + ": " + all[i]
	}
	return all
}

func localsOf(p *rule.Policy) netset.PrefixSet {
	var all netset.PrefixBuilder
	for _, b := range p.Bindings {
		all.AddSet(b.Local())
	}
	return all.Build()
}

// verdict returns the verdict on a rule.
func (c *conformer) verdict(r int) artefact.Verdict { return c.output.Coverage[r].Verdict }

// judge holds the verdicts to one flow: accepted are the rules by which the backend
// accepts it, and told what it sees of it. Opened says that an option, beside
// the policy.
func (c *conformer) judge(f, told rule.Flow, accepted []rule.ID, opened bool) (all []string) {
	say := func(i int, what string) {
		all = append(all, fmt.Sprintf("rule %s is %s, but the files %s: %s", c.policy.Rules[i].ID, c.verdict(i), what, flowText(f)))
	}
	passes, want := len(accepted) > 0 || opened, c.policy.Decide(f).Accept()
	if c.isOnSite(f) { // and by no interface that leads outside: both directions are one
		want = want || c.policy.Decide(reversed(told)).Accept()
	}
	for i := range c.policy.Rules {
		r, v := &c.policy.Rules[i], c.verdict(i)
		by := slices.Contains(accepted, r.ID)
		whole := (v == artefact.Exact || v == artefact.NotApplicable) && c.carries(r, f)
		switch {
		case by && (v == artefact.NotApplicable || v == artefact.Absent):
			say(i, "accept by it")
		case by && !want && !opened && !r.OnSite && v != artefact.Wider:
			say(i, "accept by it what the policy does not")
		case !passes && whole && (c.policy.Accepts(r, f) || c.policy.Accepts(r, told)):
			say(i, "do not accept what it does")
		}
	}
	return all
}

// sameRules compares rules in any order: a file has those of a group together.
func sameRules(a, b []rule.ID) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// proxy holds requests, answers and verdicts to Decide by what a proxy sees.
func (c *conformer) proxy(flows []rule.Flow) (all []string) {
	for _, f := range flows {
		if !requested(f) || !c.ours.Contains(f.Local) {
			continue
		}
		told := rule.Seen(f, rule.Proxy)
		accepted := c.reading.Requests.Decide(told).Rules
		for _, id := range accepted {
			if !slices.Contains(c.policy.Decide(told).Rules, id) {
				all = append(all, fmt.Sprintf("the files accept by rule %s, and the policy does not: %s", id, flowText(f)))
			}
		}
		all = append(all, c.judge(f, told, accepted, false)...)
		for _, scheme := range []string{"", "http", "https"} {
			a := c.explain(rule.Question{Flow: f, Scheme: scheme})
			all = append(all, answerComplaints(c.policy, f, a)...)
			accepts := a.Action == artefact.Accepts
			if accepts && !sameRules(a.Rules, accepted) || !accepts && c.exactly(accepted) {
				all = append(all, fmt.Sprintf("%s request: the answer is %+v, and the files accept by %v: %s", scheme, a, accepted, flowText(f)))
			}
		}
	}
	return all
}

// carries reports whether a flow that a rule accepts comes to the backend: a host plays
// the roles that options name, and what passes between two interfaces is not from one
// machine on the site to another, unless the rule is about these.
func (c *conformer) carries(r *rule.Rule, f rule.Flow) bool {
	switch {
	case c.isHost():
		return slices.Contains(rolesOf(c.setting), r.Role)
	case c.isOnSite(f):
		return r.OnSite || r.Remote.Any && !c.policy.Binding(r.Role).Local().Contains(f.Remote)
	}
	return true
}

// exactly reports whether one of the rules has the verdict exact.
func (c *conformer) exactly(ids []rule.ID) bool {
	return slices.ContainsFunc(c.output.Coverage, func(l artefact.Coverage) bool {
		return l.Verdict == artefact.Exact && l.Rule != "" && slices.Contains(ids, l.Rule)
	})
}

// chooser holds the ways of requests to Route, and to what the options say goes before.
func (c *conformer) chooser(flows []rule.Flow) (all []string) {
	serves := rolesOf(c.setting)
	if !slices.Equal(c.reading.Roles, serves) {
		all = append(all, fmt.Sprintf("the file is read as one for %q, and the setting has %q", c.reading.Roles, serves))
	}
	for _, f := range flows {
		ours := slices.ContainsFunc(serves, func(r rule.Role) bool { return c.policy.Binding(r).Local().Contains(f.Local) })
		if !requested(f) || !ours {
			continue
		}
		want := c.wayOf(f, serves)
		a := c.explain(rule.Question{Flow: f})
		all = append(all, answerComplaints(c.policy, f, a)...)
		if got := strings.Join(a.By, ""); got != want || (want == "DIRECT") != (a.Action == artefact.GoesDirect) {
			all = append(all, fmt.Sprintf("the answer is %+v, the policy's %q: %s", a, want, flowText(f)))
		}
		if got := c.wayRead(f); got != want && !c.goesBefore(f) {
			all = append(all, fmt.Sprintf("the file answers %q, the policy %q: %s", got, want, flowText(f)))
		}
		if told, before := rule.Seen(f, rule.Proxy), c.reading.Before; told.Name == "" || strings.Contains(told.Name, ".") {
			got := told.Name != "" && before.Names.Match(told.Name) || told.Name == "" && before.Prefixes.Contains(told.Remote)
			if got != c.goesBefore(f) {
				all = append(all, fmt.Sprintf("read as going before any route: %t; the options say %t: %s", got, !got, flowText(f)))
			}
		}
		all = append(all, c.judgeWay(f, serves)...)
	}
	return all
}

func rolesOf(s setting) (roles []rule.Role) {
	for _, r := range s.options["roles"] {
		roles = append(roles, rule.Role(r))
	}
	if roles == nil {
		roles = []rule.Role{rule.Clients}
	}
	return roles
}

// goesBefore reports whether an option sends the request direct before any route.
func (c *conformer) goesBefore(f rule.Flow) bool {
	told, o := rule.Seen(f, rule.Proxy), c.setting.options
	if told.Name != "" {
		plain := !slices.Equal(o["plain"], []string{"proxy"}) && !strings.Contains(told.Name, ".")
		return plain || slices.ContainsFunc(o["internal"], func(text string) bool {
			p, err := netset.ParsePattern(text)
			return err == nil && p.Match(told.Name)
		})
	}
	return slices.ContainsFunc(slices.Concat(o["local"], o["internal"]), func(text string) bool {
		p, _, err := netset.ParsePrefix(text)
		return err == nil && p.Contains(told.Remote)
	})
}

// wayOf is the answer that the policy and the options give.
func (c *conformer) wayOf(f rule.Flow, serves []rule.Role) string {
	proxies := c.setting.options["proxy"]
	via := c.policy.Route(f, serves...)
	if c.goesBefore(f) || via == rule.Direct || via == rule.Proxied && len(proxies) == 0 {
		return "DIRECT"
	}
	list := proxies
	if via != rule.Proxied {
		list = strings.Split(string(via), ", ")
	}
	if slices.Equal(c.setting.options["fallback"], []string{"yes"}) {
		return "PROXY " + strings.Join(list, "; PROXY ") + "; DIRECT"
	}
	return "PROXY " + strings.Join(list, "; PROXY ")
}

// wayRead is the answer that the file's tables give.
func (c *conformer) wayRead(f rule.Flow) string {
	switch via := c.reading.Routes.Route(f, rule.Clients); via {
	case rule.Direct:
		return "DIRECT"
	default:
		return string(via)
	}
}

// judgeWay holds that a request by a name that nobody lists, to an address in a prefix
// of a rule, goes the way of its address unless the rule is narrower.
func (c *conformer) judgeWay(f rule.Flow, serves []rule.Role) (all []string) {
	listed := slices.ContainsFunc(c.policy.Rules, func(r rule.Rule) bool { return r.Remote.Names().Match(f.Name) })
	if f.Name == "" || listed || c.policy.Route(f, serves...) == c.policy.Route(literal(f), serves...) {
		return nil
	}
	for i := range c.policy.Rules {
		r := &c.policy.Rules[i]
		if slices.Contains(serves, r.Role) && c.policy.Accepts(r, f) && r.Remote.Prefixes().Contains(f.Remote) && c.verdict(i) != artefact.Narrower {
			all = append(all, fmt.Sprintf("rule %s is %s, but a request goes another way than its address: %s", r.ID, c.verdict(i), flowText(f)))
		}
	}
	return all
}

// zones holds that a name is trusted if and only if a trusted site lists it, as far as
// the verdicts say so. It asks names at and around those of the sites.
func (c *conformer) zones([]rule.Flow) (all []string) {
	wider := slices.ContainsFunc(c.output.Coverage, func(l artefact.Coverage) bool { return l.Verdict == artefact.Wider })
	for pattern := range trusted(c.policy).Patterns() {
		for _, name := range engine.BoundaryNames(pattern) {
			f := rule.Flow{Direction: rule.Outbound, Protocol: netset.TCP, Port: 443, Name: name}
			trusts := c.reading.Trusts(name)
			a := c.explain(rule.Question{Flow: f})
			all = append(all, answerComplaints(c.policy, f, a)...)
			if (a.Action == artefact.Trusts) != trusts {
				all = append(all, fmt.Sprintf("the answer is %+v, the file trusts %t: %s", a, trusts, name))
			}
			if trusts && !trusted(c.policy).Match(name) && !wider {
				all = append(all, "nothing is wider, but the file trusts "+name)
			}
			for i, site := range c.policy.TrustedSites {
				if v := c.verdict(len(c.policy.Rules) + i); !trusts && site.Names.Match(name) && v == artefact.Exact {
					all = append(all, fmt.Sprintf("%s is %s, but the file does not trust %s", site.Entry.ID, v, name))
				}
			}
		}
	}
	return all
}

func proxyKindSettings(*rule.Policy) []setting { return nil }

func zoneKindSettings(*rule.Policy) []setting { return nil }

// chooserKindSettings are a file with a proxy, and one with two of everything.
func chooserKindSettings(p *rule.Policy) []setting {
	all := map[string][]string{
		"proxy": {pacProxy, "second.example.net:3128"}, "fallback": {"yes"}, "local": {"192.0.2.0/25", "2001:db8:8000::/33"},
		"internal": {"*.a.example.com", "198.51.100.7"},
	}
	if len(p.Bindings) > 0 {
		all["roles"] = roleNames(p)[:1]
	}
	return append(pacSettings(p), setting{"everything", all})
}

// TestConformance holds every generator to every case, by its kind.
func TestConformance(t *testing.T) {
	for _, c := range corpus(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := c.compile(t)
			edges := engine.BoundaryFlows(p, engine.Limits{})
			flows := append(share(edges), randomFlows(rand.New(rand.NewPCG(7, 7)), p, edges, 1_000, byAll(p))...)
			flows = distinct(flows, byAll(p))
			for _, g := range conforming() {
				for _, s := range kindSettings(g, p) {
					complain(t, conformanceComplaints(g, p, s, flows))
				}
			}
		})
	}
}

// TestRandomConformance does the same for random policies, under one setting of each
// generator in turn.
func TestRandomConformance(t *testing.T) {
	t.Parallel()
	turn := 0
	byChance(t, 6, amount(1_000_000), func(t *testing.T, r *rand.Rand, p *rule.Policy, count counter) (all []string) {
		flows := randomFlows(r, p, engine.BoundaryFlows(p, engine.Limits{}), 1_000, byAll(p))
		turn++
		asked := 0
		for _, g := range conforming() {
			settings := kindSettings(g, p)
			asked += len(flows)
			all = append(all, conformanceComplaints(g, p, settings[turn%len(settings)], flows)...)
		}
		count("conformance, by kind", figure{len(flows), asked, 0})
		return all
	})
}

// faulty is a generator with a fault that its coverage does not tell.
type faulty struct {
	Generator
	fault string
	does  func(*rule.Policy) *rule.Policy // what is rendered and explained in place of the policy
	says  func([]artefact.Coverage)       // what becomes of the coverage; nil for nothing
}

func (g faulty) Generate(p *rule.Policy, s artefact.Settings) (artefact.Output, error) {
	whole, err := g.Generator.Generate(p, s)
	if err != nil {
		return whole, err
	}
	out, err := g.Generator.Generate(g.does(p), s)
	if out.Coverage = whole.Coverage; g.says != nil {
		g.says(out.Coverage)
	}
	return out, err
}

func (g faulty) Explain(p *rule.Policy, s artefact.Settings) (artefact.Explainer, error) {
	return g.Generator.Explain(g.does(p), s)
}

// faults are those that a generator of a kind may have.
func faults(k artefact.Kind) []faulty {
	all := map[artefact.Kind][]faulty{
		artefact.PacketFilter: {
			{fault: "drops UDP", does: rulesChanged(func(r *rule.Rule) { r.Services = r.Services.Only(netset.TCP) })},
			{fault: "adds UDP", does: rulesChanged(func(r *rule.Rule) {
				r.Services = r.Services.Union(netset.ServiceSetOf(netset.Service{Protocol: netset.UDP, Ports: netset.PortRange{First: 443, Last: 443}}))
			})},
			{fault: "takes a published port for the real one", does: changed(func(p *rule.Policy) {
				for i, b := range p.Bindings {
					p.Bindings[i].Addresses, p.Bindings[i].Published = b.Local(), netset.PrefixSet{}
				}
			})},
			{fault: "accepts one port more", does: rulesChanged(func(r *rule.Rule) {
				for s := range r.Services.All() {
					s.Ports.Last++
					r.Services = r.Services.Union(netset.ServiceSetOf(s))
				}
			})},
			{fault: "swaps source and destination of inbound rules", does: rulesChanged(func(r *rule.Rule) { r.Direction = rule.Outbound })},
			{fault: "says exact of names without addresses", does: changed(func(*rule.Policy) {}), says: exactIf(artefact.Absent)},
			{fault: "forgets the last rule", does: changed(func(p *rule.Policy) { p.Rules = p.Rules[:len(p.Rules)-1] })},
			{fault: "says exact of packets against the policy's direction", does: changed(func(*rule.Policy) {}), says: exactIf(artefact.Wider)},
		},
		artefact.Proxy: {
			{fault: "knows no literals", does: rulesChanged(func(r *rule.Rule) {
				r.Remote.AddressedPrefixes, r.Remote.BarePrefixes = netset.PrefixSet{}, netset.PrefixSet{}
			})},
			{fault: "says exact of names that nobody lists", does: changed(func(*rule.Policy) {}), says: exactIf(artefact.Narrower)},
		},
		artefact.ProxyChooser: {
			{fault: "has its routes in reverse", does: changed(func(p *rule.Policy) {
				first, last := &p.Routes[0], &p.Routes[len(p.Routes)-1]
				first.Members, last.Members = last.Members, first.Members
			})},
			{fault: "says exact of names that nobody lists", does: changed(func(*rule.Policy) {}), says: exactIf(artefact.Narrower)},
		},
		artefact.ZoneMap: {
			{fault: "forgets a site", does: changed(func(p *rule.Policy) { p.TrustedSites[len(p.TrustedSites)-1].Names = netset.NameSet{} })},
			{fault: "says exact of names that a zone cannot hold", does: changed(func(*rule.Policy) {}), says: exactIf(artefact.Narrower)},
		},
	}[k]
	return append(all, faulty{fault: "says absent of what it has", does: changed(func(*rule.Policy) {}), says: func(all []artefact.Coverage) {
		for i := range all {
			all[i].Verdict = artefact.Absent
		}
	}})
}

// exactIf takes one verdict for exact.
func exactIf(v artefact.Verdict) func([]artefact.Coverage) {
	return func(all []artefact.Coverage) {
		for i := range all {
			if all[i].Verdict == v {
				all[i].Verdict = artefact.Exact
			}
		}
	}
}

// changed returns another policy, in which lists may be changed.
func changed(change func(*rule.Policy)) func(*rule.Policy) *rule.Policy {
	return func(p *rule.Policy) *rule.Policy {
		other := *p
		other.Bindings, other.Rules, other.Routes = slices.Clone(p.Bindings), slices.Clone(p.Rules), slices.Clone(p.Routes)
		other.TrustedSites = slices.Clone(p.TrustedSites)
		change(&other)
		return &other
	}
}

func rulesChanged(change func(*rule.Rule)) func(*rule.Policy) *rule.Policy {
	return changed(func(p *rule.Policy) {
		for i := range p.Rules {
			change(&p.Rules[i])
		}
	})
}

// TestConformanceFindsFaults holds that a generator which does less or more than it
// says does not pass: one that drops UDP and says exact, and the like for every kind.
func TestConformanceFindsFaults(t *testing.T) {
	p := kindSample(t)
	flows := distinct(engine.BoundaryFlows(p, engine.Limits{}), byAll(p))
	for _, g := range conforming() {
		for _, fault := range faults(g.Kind()) {
			fault.Generator = g
			found := false
			for _, s := range kindSettings(g, p) {
				complain(t, conformanceComplaints(g, p, s, flows))
				found = found || len(conformanceComplaints(fault, p, s, flows)) > 0
			}
			if !found {
				t.Errorf("a generator like %s that %s passes", g.Name(), fault.fault)
			}
		}
		if len(faults(g.Kind())) == 1 {
			t.Errorf("%s is of kind %q, and no fault of it is tried", g.Name(), g.Kind())
		}
	}
}

// kindSample has all that a fault may take away.
func kindSample(t *testing.T) *rule.Policy {
	t.Helper()
	c, err := parseCase([]byte(`{
		"claim": "what faults take away",
		"bindings": {"clients": {"addresses": ["10.0.0.0/8", "fd00::/16"]}, "servers": {"addresses": ["192.168.7.5", "fd01::5"], "published": ["192.168.7.9"]}, "resolver": {"addresses": ["192.168.9.53"]}},
		"routes": ["direct", "proxy", "other.example.net:8080"],
		"grants": [
			{"entry": {"id": "own/a", "area": "a"}, "direction": "outbound", "role": "clients", "prefixes": ["192.0.2.0/24", "2001:db8:7::/48"], "services": "tcp 443; udp 443", "route": 0},
			{"entry": {"id": "own/b", "area": "b"}, "direction": "outbound", "role": "clients", "names": ["*.example.com", "www.*.example.org"], "services": "tcp 443-450", "route": 2},
			{"entry": {"id": "own/c", "area": "c"}, "direction": "inbound", "role": "servers", "prefixes": ["198.51.100.9", "2001:db8:9::9"], "services": "tcp 25", "route": -1},
			{"entry": {"id": "own/d", "area": "d"}, "direction": "outbound", "role": "servers", "names": ["a.example.net"], "prefixes": ["203.0.113.0/28"], "services": "tcp 443", "route": 0},
			{"entry": {"id": "own/e", "area": "e"}, "direction": "outbound", "role": "clients", "any": true, "services": "tcp 5060", "route": 1}
		],
		"trusted": [{"entry": {"id": "own/z"}, "names": ["www.example.com", "mail.example.com"]}, {"entry": {"id": "own/y"}, "names": ["example.org", "a.example.org", "*-x.example.net"]}]
	}`))
	if err != nil {
		t.Fatal(err)
	}
	return c.compile(t)
}

// TestEveryLineIsRead holds that each data line of every output, dropped or altered in
// a byte, changes what is read or is refused, and that any other change is told.
func TestEveryLineIsRead(t *testing.T) {
	p := kindSample(t)
	for _, g := range conforming() {
		for _, s := range kindSettings(g, p) {
			t.Run(g.Name()+"/"+s.name, func(t *testing.T) {
				t.Parallel()
				out := generate(t, g, p, s)
				files := artefact.FilesOf(out.Artefacts)
				whole, err := g.Read(files)
				if err != nil {
					t.Fatal(err)
				}
				for name := range files {
					damageLines(g, files, name, func(what string, r artefact.Reading, err error, data bool) {
						var foreign *artefact.ForeignError
						var format *artefact.FormatError
						told := r.Edited != nil
						r.Edited = nil
						if err != nil && !errors.As(err, &foreign) && !errors.As(err, &format) {
							t.Errorf("%s, %s: %v", name, what, err)
						}
						if err == nil && (!told || data && reflect.DeepEqual(r, whole)) {
							t.Errorf("%s, %s is read as if nothing were changed", name, what)
						}
					})
				}
			})
		}
	}
}

// TestEveryFileIsRead holds that a file which is gone is missed, or that less is read.
func TestEveryFileIsRead(t *testing.T) {
	p := kindSample(t)
	for _, g := range conforming() {
		out := generate(t, g, p, setting{name: "default"})
		for _, a := range out.Artefacts {
			files := artefact.FilesOf(out.Artefacts)
			whole, _ := g.Read(files)
			delete(files, a.Name)
			if r, err := g.Read(files); err == nil && reflect.DeepEqual(r, whole) {
				t.Errorf("%s: without %s the same is read", g.Name(), a.Name)
			}
		}
	}
}

// damageLines calls try with what a generator reads of its files after each accident.
// Data tells that a line which is no comment is gone or altered.
func damageLines(g Generator, files artefact.Files, name string, try func(what string, r artefact.Reading, err error, data bool)) {
	whole := files[name]
	defer func() { files[name] = whole }()
	lines := strings.SplitAfter(string(whole), "\n")
	lines = lines[:len(lines)-1]
	with := func(what string, data bool, i, n int, more ...string) {
		files[name] = []byte(strings.Join(slices.Replace(slices.Clone(lines), i, i+n, more...), ""))
		r, err := g.Read(files)
		try(fmt.Sprintf("line %d, %q, %s", i+1, lines[i], what), r, err, data)
	}
	for i, line := range lines {
		text := strings.TrimLeft(line, " \t")
		data := strings.TrimSpace(text) != "" && !g.Comments().IsLine(text)
		with("dropped", data, i, 1)
		with("doubled", false, i, 1, line, line)
		if i+1 < len(lines) && line != lines[i+1] {
			with("swapped with the next", false, i, 2, lines[i+1], line)
		}
		at := i * 31 % len(line) // somewhere else in each line
		for _, b := range []byte{line[at] ^ 1, line[at] ^ 0x80, ';', ' ', 0} {
			if b != line[at] {
				with(fmt.Sprintf("with %q at %d", b, at), data, i, 1, line[:at]+string([]byte{b})+line[at+1:])
			}
		}
	}
}
