package proof

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// filter is what a packet filter holds, or what it has to hold of a policy.
type filter struct {
	lines  []filterLine // what the chains of the rules accept
	hooks  []filterHook
	others []string // what else is there
	twice  []string // rules that stand there twice

	prefixes, sets int // for the account
}

// filterLine is one rule that accepts.
type filterLine struct {
	direction rule.Direction
	traffic   rule.TrafficSet
	in, out   []string // interfaces; nil for all
	mark      uint32   // the bit that is set, or 0 if the packet is accepted at once
}

// filterHook is a base chain or a built-in one, or a chain that the site's jump to.
type filterHook struct {
	name   string
	policy string
	steps  []string // its rules in order, as the backend says; openStep for those of open

	// open is accepted beside the policy: an administrator's, and questions to resolvers.
	open []rule.TrafficSet
}

const openStep = "accept for options and resolvers"

// addOpenStep adds openStep, if it is not the last one already.
func (h *filterHook) addOpenStep() {
	if n := len(h.steps); n == 0 || h.steps[n-1] != openStep {
		h.steps = append(h.steps, openStep)
	}
}

// filterPolicy returns the lines that a packet filter has to hold, in the families
// that it sees: for each direction one, and one for remotes on the site, which stand
// behind the interfaces of the roles.
func filterPolicy(p *rule.Policy, f artefact.Filter, v4, v6 bool) []filterLine {
	var lines []filterLine
	for _, d := range []rule.Direction{rule.Outbound, rule.Inbound} {
		for _, onSite := range []bool{false, true} {
			line := filterLine{direction: d, in: f.LAN, out: f.WAN}
			if d == rule.Inbound {
				line.in, line.out = line.out, line.in
			}
			if onSite {
				line.in, line.out = f.LAN, f.LAN
			}
			if f.Mode == artefact.ModeMark {
				line.mark = f.Mark
			}
			seen := p
			if d == rule.Inbound && f.AfterDNAT {
				seen = withoutPublished(p)
			}
			var rules []rule.TrafficSet
			for i := range p.Rules {
				if r := &p.Rules[i]; r.Direction == d && r.OnSite == onSite && f.Serves(r.Role) {
					rules = append(rules, seen.Traffic(r))
				}
			}
			line.traffic = rule.UniteTraffic(rules...).In(v4, v6)
			lines = append(lines, line)
		}
	}
	return lines
}

// withoutPublished is the policy as a filter knows it that sees no port before DNAT.
func withoutPublished(p *rule.Policy) *rule.Policy {
	seen := *p
	seen.Bindings = slices.Clone(p.Bindings)
	for i := range seen.Bindings {
		seen.Bindings[i].Published = netset.PrefixSet{}
	}
	return &seen
}

// filterOpen is what mode enforce accepts beside the policy: who administers gets in,
// and on the way out the roles' addresses ask the resolvers.
func filterOpen(p *rule.Policy, f artefact.Filter, in, out bool) rule.TrafficSet {
	var all []rule.TrafficSet
	if in {
		for _, a := range f.Admin {
			all = append(all, rule.TrafficOf(a.Services, false, netset.PrefixSetOf(a.From), netset.EveryAddress()))
		}
	}
	if out {
		dns := netset.ServicesOver(0, []netset.PortRange{{First: 53, Last: 53}})
		all = append(all, rule.TrafficOf(dns, false, f.Local(p), p.Binding("resolver").Local()))
	}
	return rule.UniteTraffic(all...)
}

// compareFilters returns how what an engine holds differs from what it should.
func compareFilters(want, got filter) []Disagreement {
	all := slices.Concat(compareRules(want, got), compareHooks(want.hooks, got.hooks))
	for _, o := range got.others {
		all = append(all, Disagreement{o, "not there", "there"})
	}
	return all
}

// compareRules compares the rules that accept, and leaves out what is beside them.
func compareRules(want, got filter) []Disagreement {
	all := compareLines(want.lines, got.lines)
	for _, t := range got.twice {
		all = append(all, Disagreement{"rule " + t, "once", "twice"})
	}
	return all
}

// compareLines compares the flows that lines with the same interfaces and mark accept
// together, exactly.
func compareLines(want, got []filterLine) []Disagreement {
	wanted, held := byCircumstance(want), byCircumstance(got)
	var all []Disagreement
	for _, c := range sortedKeys(wanted, held) {
		all = append(all, compareTraffic(c, wanted[c], held[c])...)
	}
	return all
}

// byDirection is what is accepted in each direction, which people are told.
type byDirection map[rule.Direction][]rule.TrafficSet

// byCircumstance gathers the traffic of lines that accept in the same way.
func byCircumstance(lines []filterLine) map[string]byDirection {
	all := map[string]byDirection{}
	for _, l := range lines {
		key := ""
		if len(l.in) > 0 {
			key += " in by " + strings.Join(l.in, ",")
		}
		if len(l.out) > 0 {
			key += " out by " + strings.Join(l.out, ",")
		}
		if l.mark != 0 {
			key += fmt.Sprintf(" marked %#x", l.mark)
		}
		if all[key] == nil {
			all[key] = byDirection{}
		}
		all[key][l.direction] = append(all[key][l.direction], l.traffic)
	}
	return all
}

func sortedKeys(a, b map[string]byDirection) []string {
	var keys []string
	for k := range a {
		keys = append(keys, k)
	}
	for k := range b {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func compareTraffic(where string, want, got byDirection) []Disagreement {
	var lacking, more []Disagreement
	for _, d := range []rule.Direction{rule.Outbound, rule.Inbound} {
		wanted, held := rule.UniteTraffic(want[d]...), rule.UniteTraffic(got[d]...)
		for _, f := range wanted.Subtract(held).Flows(d) {
			lacking = append(lacking, Disagreement{trafficText(d, f) + where, "accepted", "not accepted"})
		}
		for _, f := range held.Subtract(wanted).Flows(d) {
			more = append(more, Disagreement{trafficText(d, f) + where, "not accepted", "accepted"})
		}
	}
	return append(lacking, more...)
}

func compareHooks(want, got []filterHook) []Disagreement {
	var all []Disagreement
	for _, w := range want {
		i := slices.IndexFunc(got, func(h filterHook) bool { return h.name == w.name })
		if i < 0 {
			all = append(all, Disagreement{"chain " + w.name, "there", "not there"})
			continue
		}
		all = append(all, compareHook(w, got[i])...)
	}
	for _, g := range got {
		if !slices.ContainsFunc(want, func(h filterHook) bool { return h.name == g.name }) {
			all = append(all, Disagreement{"chain " + g.name, "not there", "there"})
		}
	}
	return all
}

func compareHook(want, got filterHook) []Disagreement {
	var all []Disagreement
	if want.policy != got.policy {
		all = append(all, Disagreement{"policy of chain " + want.name, cmp.Or(want.policy, "none"), cmp.Or(got.policy, "none")})
	}
	for i := range max(len(want.steps), len(got.steps)) {
		w, g := stepAt(want.steps, i), stepAt(got.steps, i)
		if w != g {
			all = append(all, Disagreement{fmt.Sprintf("rule %d of chain %s", i+1, want.name), w, g})
			break // the ones after it are only moved
		}
	}
	return append(all, compareTraffic(" in chain "+want.name, byDirection{rule.Inbound: want.open}, byDirection{rule.Inbound: got.open})...)
}

func stepAt(steps []string, i int) string {
	if i < len(steps) {
		return steps[i]
	}
	return "none"
}

// trafficText writes flows of a direction on one line.
func trafficText(d rule.Direction, f rule.Flows) string {
	service := f.Service.String()
	if f.Published {
		service += " (published)"
	}
	from, to := f.Local, f.Remote
	if d == rule.Inbound {
		from, to = to, from
	}
	return fmt.Sprintf("%s %s, from %s to %s", d, service, prefixesText(from), prefixesText(to))
}

// prefixesText names the first prefixes of a set, and counts the others.
func prefixesText(s netset.PrefixSet) string {
	const shown = 4
	if v4, v6 := s.CoversFamily(); v4 || v6 {
		return "any"
	}
	var words []string
	for p := range s.Prefixes() {
		if len(words) == shown {
			break
		}
		words = append(words, p.String())
	}
	if n := s.Len(); n > shown {
		words = append(words, fmt.Sprintf("and %d more", n-shown))
	}
	return strings.Join(words, " ")
}

// account says what was compared.
func (f filter) account() string {
	prefixes, rules := plural(f.prefixes, "prefix", "prefixes"), plural(len(f.lines), "rule", "rules")
	if f.sets == 0 {
		return prefixes + ", " + rules
	}
	return prefixes + " in " + plural(f.sets, "set", "sets") + ", " + rules
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
