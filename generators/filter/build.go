package filter

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Names of the chains that the site's rules lead to.
const (
	Prefix   = "gatewright_"
	Outbound = Prefix + "outbound"
	Inbound  = Prefix + "inbound"
)

// Naming is how a backend shortens names.
type Naming struct {
	Prefix string               // of every name but those of Outbound and Inbound
	Stem   func(rule.ID) string // of a rule
}

// Built is the ruleset of a policy, and what a text says of it.
type Built struct {
	Ruleset
	Rules []BuiltRule // one for each rule of the policy that the filter carries, in order
}

// BuiltRule is what became of one rule of the policy.
type BuiltRule struct {
	Rule   *rule.Rule
	Chain  string    // that counts and accepts; empty if no packet can come to it
	Takers []rule.ID // rules that take packets of it before, in the policy's order
}

// CoveredBy names the rules that take every packet of a rule without a chain.
func (r BuiltRule) CoveredBy() []string {
	out := make([]string, len(r.Takers))
	for i, id := range r.Takers {
		out[i] = string(id)
	}
	return out
}

// Build makes the ruleset of a policy for some address families: for each direction
// and family a map from the remote's address to the class of rules that hold it, for
// each class a chain of their matches in the policy's order, and for each rule a chain
// that counts and accepts. A packet's cost so goes with the rules that hold the same
// address and not with all. Rules of any remote come first.
func Build(p *rule.Policy, c artefact.Filter, families []Family, n Naming) (Built, error) {
	b := newBuilder(p, c, n)
	for _, d := range []rule.Direction{rule.Outbound, rule.Inbound} {
		b.direction(d, families)
	}
	return b.finish(families)
}

func newBuilder(p *rule.Policy, c artefact.Filter, n Naming) *builder {
	b := &builder{
		policy: p, config: c, naming: n, sets: map[string]Set{}, chains: map[string]string{}, order: map[rule.ID]int{},
		carried: map[rule.ID]bool{}, reached: map[rule.ID]bool{}, takers: map[rule.ID]map[rule.ID]bool{},
	}
	for i := range p.Rules {
		b.order[p.Rules[i].ID] = i
	}
	return b
}

type builder struct {
	policy  *rule.Policy
	config  artefact.Filter
	naming  Naming
	out     Ruleset
	sets    map[string]Set
	carried map[rule.ID]bool // has a flow of some family
	order   map[rule.ID]int  // in the policy
	reached map[rule.ID]bool
	takers  map[rule.ID]map[rule.ID]bool
	chains  map[string]string // chain -> what it is for, to find names that collide
	classes []Chain
	entries []Chain
	lines   int // of all classes
	steps   int // of the search for what takes a line
	err     error
}

// line is one match of a rule before its chain.
type line struct {
	Match
	id    rule.ID
	local netset.PrefixSet
	ports netset.ServiceSet
}

func (b *builder) direction(d rule.Direction, families []Family) {
	entry := Chain{Name: EntryOf(d)}
	var dispatch []Rule
	for _, f := range families {
		any, lines, remotes := b.linesOf(d, f)
		any = b.needed(nil, any)
		for _, l := range any {
			entry.Rules = append(entry.Rules, b.goTo(l))
		}
		if len(lines) > 0 {
			dispatch = append(dispatch, b.dispatch(d, f, any, lines, remotes)...)
		}
	}
	entry.Rules = append(entry.Rules, dispatch...)
	b.entries = append(b.entries, entry)
}

// EntryOf is the chain that holds the rules of a direction.
func EntryOf(d rule.Direction) string {
	if d == rule.Inbound {
		return Inbound
	}
	return Outbound
}

// IsRemotes reports whether a set holds the remotes of a direction.
func IsRemotes(set string) bool {
	return strings.HasPrefix(set, Outbound+"_") || strings.HasPrefix(set, Inbound+"_")
}

// linesOf returns the lines of the rules of any remote, and those of each other rule
// that has a flow of the family, with its remote.
func (b *builder) linesOf(d rule.Direction, f Family) (any []line, lines [][]line, remotes []netset.PrefixSet) {
	for i := range b.policy.Rules {
		r := &b.policy.Rules[i]
		if r.Direction != d || !b.config.Serves(r.Role) {
			continue
		}
		remote, own := f.Of(r.Remote.Prefixes()), b.ruleLines(r, f)
		if len(own) == 0 || !r.Remote.Any && remote.IsEmpty() {
			continue
		}
		b.carried[r.ID] = true
		if r.Remote.Any {
			any = append(any, own...)
		} else {
			lines, remotes = append(lines, own), append(remotes, remote)
		}
	}
	return any, lines, remotes
}

// ruleLines matches everything of a rule but its remote: a line for each kind of local
// addresses and each protocol.
func (b *builder) ruleLines(r *rule.Rule, f Family) []line {
	far := b.config.WAN
	if r.OnSite {
		far = b.config.LAN
	}
	var out []line
	for _, s := range b.sidesOf(r, f) {
		l := line{id: r.ID, local: s.addresses}
		l.Family = f
		set := b.addSet(f, s.addresses, s.stem...)
		if r.Direction == rule.Inbound {
			l.To, l.In, l.Out = set, far, b.config.LAN
		} else {
			l.From, l.In, l.Out = set, b.config.LAN, far
		}
		for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
			ranges := r.Services.Ports(protocol)
			if len(ranges) == 0 {
				continue
			}
			l.Protocol, l.ports = protocol, r.Services.Only(protocol)
			l.Ports, l.Original = b.portsOf(ranges, s.published), Ports{}
			if s.published {
				l.Ports, l.Original = Ports{}, l.Ports
			}
			out = append(out, l)
		}
	}
	return out
}

// side is one kind of local addresses of a rule.
type side struct {
	stem      []string
	addresses netset.PrefixSet
	published bool
}

// sidesOf tells published addresses apart for inbound flows alone.
func (b *builder) sidesOf(r *rule.Rule, f Family) []side {
	binding, role := b.policy.Binding(r.Role), string(r.Role)
	sides := []side{{[]string{"role", role}, binding.Local(), false}}
	if r.Direction == rule.Inbound && !binding.Published.IsEmpty() {
		sides = []side{{[]string{"role", role, "direct"}, binding.Addresses, false}, {[]string{"role", role, "published"}, binding.Published, true}}
	}
	if r.Direction == rule.Inbound && b.config.AfterDNAT {
		sides = slices.DeleteFunc(sides, func(s side) bool { return s.published })
	}
	var out []side
	for _, s := range sides {
		if s.addresses = f.Of(s.addresses); !s.addresses.IsEmpty() {
			out = append(out, s)
		}
	}
	return out
}

// addSet declares a set of addresses once. Its name tells its kind, single addresses or
// intervals, because a set cannot change its type.
func (b *builder) addSet(f Family, s netset.PrefixSet, stem ...string) Addresses {
	kind := "net"
	if s.HostsOnly() {
		kind = "host"
	}
	name := fmt.Sprintf("%s%s_%s%d", b.naming.Prefix, strings.Join(stem, "_"), kind, f)
	b.sets[name] = Set{Name: name, Family: f, Prefixes: s}
	return Addresses{Set: name}
}

// portsOf puts several ranges into a set, which rules of the same ports share: a kernel
// takes time that is quadratic in sets without a name. Ports before DNAT always have
// one, because nft 1.0.6 lists them unreadably without.
func (b *builder) portsOf(ranges []netset.PortRange, original bool) Ports {
	if len(ranges) == 1 && !original {
		return Ports{Ranges: ranges}
	}
	words := make([]string, len(ranges))
	for i, r := range ranges {
		words[i] = r.String()
	}
	stem := strings.Join(words, "_")
	if len(stem) > maxPortsStem {
		stem = digest(stem)
	}
	name := b.naming.Prefix + "ports_" + stem
	b.sets[name] = Set{Name: name, Ports: ranges}
	return Ports{Set: name}
}

const maxPortsStem = 40

// digest shortens a text to 10 hexadecimal digits.
func digest(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s)))[:10] }

// goTo sends what a line matches to its rule's chain.
func (b *builder) goTo(l line) Rule {
	b.reached[l.id] = true
	return Rule{Match: l.Match, Verdict: Goto, Target: b.ruleChain(l.id), ID: l.id}
}

func (b *builder) ruleChain(id rule.ID) string { return b.name(b.naming.Stem(id), "rule "+string(id)) }

// name returns a chain's name and holds that no two chains have the same.
func (b *builder) name(stem, what string) string {
	name := b.naming.Prefix + stem
	if other, ok := b.chains[name]; ok && other != what && b.err == nil {
		b.err = fmt.Errorf("the chains of %s and %s would have the same name, %s; group by entry, or exclude an entry of one of them", other, what, name)
	}
	b.chains[name] = what
	return name
}

func (b *builder) finish(families []Family) (Built, error) {
	built := Built{Ruleset: b.out}
	var accepting []Chain
	for i := range b.policy.Rules {
		r := &b.policy.Rules[i]
		if !b.carried[r.ID] {
			continue
		}
		one := BuiltRule{Rule: r}
		if b.reached[r.ID] {
			one.Chain = b.ruleChain(r.ID)
			last := Rule{Verdict: Accept, Counter: one.Chain, ID: r.ID}
			if b.config.Mode == artefact.ModeMark {
				last.SetMark = b.config.Mark
			}
			accepting = append(accepting, Chain{Name: one.Chain, Rules: []Rule{last}})
		} else {
			one.Takers = slices.SortedFunc(maps.Keys(b.takers[r.ID]), func(x, y rule.ID) int { return cmp.Compare(b.order[x], b.order[y]) })
		}
		built.Rules = append(built.Rules, one)
	}
	built.Chains = slices.Concat(b.hooks(families), accepting, b.classes, b.entries)
	built.Sets = b.usedSets(built.Chains)
	built.Sort()
	return built, b.err
}

// usedSets returns the sets that some rule names.
func (b *builder) usedSets(chains []Chain) (sets []Set) {
	used := map[string]bool{}
	for _, c := range chains {
		for _, r := range c.Rules {
			for _, name := range []string{r.Ports.Set, r.Original.Set, r.From.Set, r.To.Set} {
				used[name] = true
			}
		}
	}
	for name, s := range b.sets {
		if used[name] {
			sets = append(sets, s)
		}
	}
	return sets
}
