package iptables

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// rulesView is what templates/iptables/gatewright.iptables.tmpl renders: the rules
// of one family.
type rulesView struct {
	Header     []comment
	Wiring     []wiringView
	Table      keyword
	Owned      []name // built-in chains that are flushed and drop by default
	Chains     []name
	TreeChains []chainLines
	Sections   []sectionView

	rules, elements int // for the account
}

// wiringView is what the site writes into its own rules of one table.
type wiringView struct {
	Table  keyword
	After  keyword // connection states that the site accepts before; empty for none
	Chains []name  // that the site's file declares, because it is loaded first
	Lines  []lineView
}

// sectionView is lines under a title: one rule of the policy, or what our own
// chains need beside them.
type sectionView struct {
	Title  comment
	Labels []comment // of a rule's entries
	Trees  []ruleLines
	Lines  []lineView
}

// lineView is one rule of iptables. Empty parts match everything.
type lineView struct {
	Chain    name
	In, Out  device
	Protocol keyword
	State    keyword // of the connection
	HopLimit keyword
	ICMP     keyword // type, of the protocol's own match
	Mark     bits    // that the packet has
	Port     ports   // of the packet, or
	Ports    ports   // a list of them, or
	Original ports   // of the connection's original destination
	step
	Comment ruleComment
	Target  target
}

// step is what a rule matches of addresses, and then where a packet goes: into the
// next chain or, without one, to the verdict.
type step struct {
	Source, Destination       address
	SourceSet, DestinationSet name

	next    name
	verdict target
}

// side is one end of a packet.
type side int

const (
	source side = iota
	destination
)

// narrowed returns the step for a prefix alone.
func (s step) narrowed(at side, p netip.Prefix) step {
	if at == source {
		s.Source = addressOf(p)
	} else {
		s.Destination = addressOf(p)
	}
	return s
}

// local returns the end of a packet that is on our side when a flow is opened.
func local(d rule.Direction) side {
	if d == rule.Inbound {
		return destination
	}
	return source
}

func remote(d rule.Direction) side { return source + destination - local(d) }

// builder makes the view of one family.
type builder struct {
	policy  *rule.Policy
	config  config
	family  family
	sets    *setsView
	view    rulesView
	verdict target

	numbers map[string]int // of chains by stem
	owners  map[string]rule.ID
}

func newRules(p *rule.Policy, c config, f family, sets *setsView) (*rulesView, error) {
	b := builder{policy: p, config: c, family: f, sets: sets, numbers: map[string]int{}, owners: map[string]rule.ID{}}
	b.view = c.rulesView(artefact.Header(p, c.title(f), f.load(), format))
	if b.verdict = accept; c.Mode == artefact.ModeMark {
		b.verdict = setMark(c.Mark)
	}
	b.addSides()
	for i := range p.Rules {
		if err := b.addRule(&p.Rules[i]); err != nil {
			return nil, err
		}
	}
	return &b.view, b.addHooks(b.own)
}

func (c config) title(f family) string {
	if c.ipset {
		return f.title() + c.Title() + ipsetFirst
	}
	return f.title() + c.Title()
}

const ipsetFirst = ", " + setsFile + " is loaded first"

// rulesView is a view without rules.
func (c config) rulesView(header []string) rulesView {
	v := rulesView{Header: commentsOf(header), Table: "filter", Chains: []name{outboundChain, inboundChain}}
	if c.Mode == artefact.ModeMark {
		v.Table = "mangle"
	}
	return v
}

// ruleChain is the chain that holds the rules of a direction, with remotes outside
// or on the site.
func (c config) ruleChain(d rule.Direction, onSite bool) name {
	chains := [...]name{outboundRules, inboundRules}
	switch {
	case !c.sided():
		chains = [...]name{outboundChain, inboundChain}
	case onSite:
		chains = [...]name{outboundOnSite, inboundOnSite}
	}
	if d == rule.Inbound {
		return chains[1]
	}
	return chains[0]
}

const interfacesTitle comment = "Interfaces."

// addSides tells the interfaces apart once, before the rules: a rule of iptables
// names one interface on each side. A remote on the site stands where the roles do.
func (b *builder) addSides() {
	if !b.config.sided() {
		return
	}
	section := sectionView{Title: interfacesTitle}
	add := func(remotes []string, onSite bool) {
		outbound, inbound := b.config.ruleChain(rule.Outbound, onSite), b.config.ruleChain(rule.Inbound, onSite)
		for _, far := range devicesOf(remotes) {
			for _, near := range devicesOf(b.config.LAN) {
				section.Lines = append(section.Lines,
					lineView{Chain: outboundChain, In: near, Out: far, Target: outbound.target()},
					lineView{Chain: inboundChain, In: far, Out: near, Target: inbound.target()})
			}
		}
		b.view.Chains = append(b.view.Chains, outbound, inbound)
	}
	add(b.config.WAN, false)
	if slices.ContainsFunc(b.policy.Rules, func(r rule.Rule) bool { return r.OnSite }) {
		add(b.config.LAN, true)
	}
	b.view.Sections = append(b.view.Sections, section)
}

// addRule renders nothing of a rule that has no flow of the family that the
// artefact carries.
func (b *builder) addRule(r *rule.Rule) error {
	far, near := b.family.of(r.Remote.Prefixes()), b.localSides(r)
	if len(near) == 0 || far.IsEmpty() && !r.Remote.Any {
		return nil
	}
	var labels []string
	for _, e := range r.Entries {
		labels = append(labels, artefact.Label(e))
	}
	section := sectionView{
		Title:  commentOf(fmt.Sprintf("%s: %s, %s, %s", r.ID, r.Direction, r.Role, r.Services)),
		Labels: commentsOf(labels),
	}
	stem, err := b.stem(r.ID)
	if err != nil {
		return err
	}
	last := step{verdict: b.verdict}
	if !r.Remote.Any {
		if last, err = b.match(&section, addresses{far, remote(r.Direction), stem, []string{string(r.ID)}}, last); err != nil {
			return err
		}
	}
	line := lineView{
		Chain:   b.config.ruleChain(r.Direction, r.OnSite),
		Comment: lineComment(r.ID, labels),
	}
	for _, n := range near {
		if line.step, err = b.match(&section, addresses{n.addresses, local(r.Direction), stem, n.set}, last); err != nil {
			return err
		}
		section.addServices(line, r.Services, n.published)
	}
	b.view.Sections = append(b.view.Sections, section)
	b.view.rules++
	return nil
}

// lineComment is the comment of a rule's lines.
func lineComment(id rule.ID, labels []string) ruleComment {
	return ruleCommentOf(string(id) + ": " + strings.Join(labels, "; "))
}

// stem starts the names of a rule's chains.
func (b *builder) stem(id rule.ID) (string, error) {
	s := ruleStem(id)
	if other, ok := b.owners[s]; ok {
		return "", fmt.Errorf("the chains of rules %s and %s would have the same names; group by entry, or exclude an entry of one of them", other, id)
	}
	b.owners[s] = id
	return s, nil
}

// localSide is one kind of local addresses of a rule.
type localSide struct {
	set       []string // parts of the set's name
	addresses netset.PrefixSet
	published bool
}

// localSides returns the kinds that have addresses of the family. Published
// addresses are told apart only for inbound flows: outbound they are like the
// others.
func (b *builder) localSides(r *rule.Rule) []localSide {
	if !b.config.Serves(r.Role) {
		return nil
	}
	binding, role := b.policy.Binding(r.Role), string(r.Role)
	kinds := []localSide{{set: []string{"role", role}, addresses: binding.Local()}}
	if r.Direction == rule.Inbound && !binding.Published.IsEmpty() {
		kinds = []localSide{
			{set: []string{"addr", role}, addresses: binding.Addresses},
			{set: []string{"dnat", role}, addresses: binding.Published, published: true},
		}
	}
	var out []localSide
	for _, k := range kinds {
		if k.addresses = b.family.of(k.addresses); !k.addresses.IsEmpty() {
			out = append(out, k)
		}
	}
	return out
}

// addresses is a set that one end of a packet is matched with, and what it is called.
type addresses struct {
	prefixes netset.PrefixSet
	at       side
	stem     string   // of chains
	set      []string // parts of the set's name
}

// match puts the match of a set of addresses before a step.
func (b *builder) match(section *sectionView, a addresses, next step) (step, error) {
	if !b.config.ipset {
		return b.matchByTree(section, a, next)
	}
	n, err := b.sets.add(b.family, a.prefixes, a.set)
	if a.at == source {
		next.SourceSet = n
	} else {
		next.DestinationSet = n
	}
	return next, err
}

// matchByTree matches a single prefix by the rule itself.
func (b *builder) matchByTree(section *sectionView, a addresses, next step) (step, error) {
	t := newTree(a.prefixes)
	b.view.elements += t.len()
	if only, ok := t.single(); ok {
		return next.narrowed(a.at, only), nil
	}
	names := make([]name, len(t.chains))
	for i := range names {
		b.numbers[a.stem]++
		n, err := chainName(a.stem, fmt.Sprint(b.numbers[a.stem]))
		if err != nil {
			return step{}, err
		}
		names[i] = n
	}
	b.view.TreeChains = append(b.view.TreeChains, declareChains(names))
	section.Trees = append(section.Trees, treeRules(t, names, a.at, next))
	return step{next: names[0]}, nil
}

// addServices adds the lines that match services, and then what the line's step
// says.
func (s *sectionView) addServices(line lineView, services netset.ServiceSet, published bool) {
	line.Target = line.verdict
	if line.next != "" {
		line.Target = line.next.target()
	}
	for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
		line.Protocol = protocolOf(protocol)
		ranges := services.Ports(protocol)
		for len(ranges) > 0 {
			n := multiport(ranges)
			line.Port, line.Ports, line.Original = "", "", ""
			switch {
			case published:
				n = 1
				line.Original = portOf(ranges[0])
			case n == 1:
				line.Port = portOf(ranges[0])
			default:
				line.Ports = portsOf(ranges[:n])
			}
			s.Lines = append(s.Lines, line)
			ranges = ranges[n:]
		}
	}
}

// multiport returns how many of the first ranges fit one multiport match: a port
// takes one of its slots, and a range two (XT_MULTI_PORTS).
func multiport(ranges []netset.PortRange) int {
	const slots = 15
	used := 0
	for i, r := range ranges {
		used++
		if r.First != r.Last {
			used++
		}
		if used > slots {
			return i
		}
	}
	return len(ranges)
}
