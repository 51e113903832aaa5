package iptables

import (
	"slices"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/filter"
)

// rules is what a file of rules says.
type rules struct {
	header   []comment
	config   config
	family   family
	chains   []string // in the order of their declaration, each before those that it leads to; with those of sections
	sections []section
	sets     []filter.Set       // that the rules match
	comments []artefact.Comment // of a file that was read
}

// section is rules under a title.
type section struct {
	title  comment
	id     rule.ID // of the policy's rule that it is of; empty for another section
	labels []comment
	chain  string // that is declared here; empty for none

	ways  []line // that go by one address alone
	lines []line
}

// line is a rule of a chain.
type line struct {
	chain string
	filter.Rule
	at int // its line in a file that was read
}

// base is a built-in chain that the file owns, or a chain of ours that the site's jump
// to first.
type base struct {
	hook, chain string
	entries     []string
}

// bases returns what the built-in chains are for in a mode and place.
func (c config) bases() (out []base) {
	for _, hook := range filter.Hooks() {
		if entries := filter.Entries(c.Place, hook); entries != nil {
			b := base{hook, strings.ToUpper(hook), entries}
			if c.Mode == artefact.ModeMark {
				b.chain = filter.Prefix + hook
			}
			out = append(out, b)
		}
	}
	return out
}

// policy is what a base chain does with what its rules let pass: nothing, where the
// site's rules go on.
func (c config) policy() filter.Verdict {
	if c.Mode == artefact.ModeEnforce {
		return filter.Drop
	}
	return filter.Continue
}

// table that the rules are in.
func (c config) table() keyword {
	if c.Mode == artefact.ModeMark {
		return "mangle"
	}
	return "filter"
}

// ruleset is what the kernel holds once the file is loaded.
func (r *rules) ruleset() filter.Ruleset {
	out := filter.Ruleset{Sets: r.sets}
	hooks := map[string]*filter.Hook{}
	if r.config.Mode != artefact.ModeChains {
		for _, b := range r.config.bases() {
			hooks[b.chain] = &filter.Hook{Name: b.hook, Policy: r.config.policy()}
			if !slices.Contains(r.chains, b.chain) {
				out.Chains = append(out.Chains, filter.Chain{Name: b.chain})
			}
		}
	}
	for _, c := range r.chains {
		out.Chains = append(out.Chains, filter.Chain{Name: c})
	}
	held := map[string]*filter.Chain{}
	for i := range out.Chains {
		c := &out.Chains[i]
		c.Hook, held[c.Name] = hooks[c.Name], c
	}
	for _, s := range r.sections {
		for _, l := range slices.Concat(s.ways, s.lines) {
			if c := held[l.chain]; c != nil {
				c.Rules = append(c.Rules, l.Rule)
			}
		}
	}
	return out
}

// maxJumps is how far below the hook iptables-nft loads a chain.
const maxJumps = 15

// tooDeep returns a chain that lies deeper; empty if there is none.
func (r *rules) tooDeep() string {
	depth, held := map[string]int{filter.Outbound: 1, filter.Inbound: 1}, r.ruleset()
	for _, c := range held.Chains {
		if c.Hook != nil && r.config.Mode == artefact.ModeMark {
			depth[c.Name] = 1
		}
		for _, one := range c.Rules {
			if depth[one.Target] = max(depth[one.Target], depth[c.Name]+1); depth[one.Target] > maxJumps && one.Target != "" {
				return one.Target
			}
		}
	}
	return ""
}

// rulesView is what templates/iptables/gatewright.iptables.tmpl renders: the rules
// of one family.
type rulesView struct {
	Header   []comment
	Wiring   []wiringView
	Table    keyword
	Owned    []name // built-in chains that are flushed and drop by default
	Chains   chainLines
	Sections []sectionView
}

// wiringView is what the site writes into its own rules of one table.
type wiringView struct {
	Table  keyword
	After  keyword // connection states that the site accepts before; empty for none
	Chains []name  // that the site's file declares, because it is loaded first
	Lines  []lineView
}

// sectionView is lines under a title: one rule of the policy, or what leads to its
// rules.
type sectionView struct {
	Title  comment
	Labels []comment // of a rule's entries
	Chain  name      // that is declared here; empty for none
	Ways   ruleLines
	Lines  []lineView
}

// lineView is one rule of iptables. Empty parts match everything.
type lineView struct {
	Chain    name
	In, Out  device
	Source   address
	Protocol keyword
	State    keyword // of the connection
	HopLimit keyword
	ICMP     keyword // type, of the protocol's own match
	Mark     bits    // that the packet has
	Port     ports   // of the packet, or
	Ports    ports   // a list of them, or
	Original ports   // of the connection's original destination
	Comment  ruleComment
	End      target
}

// view is the file as the template takes it.
func (r *rules) view() *rulesView {
	v := &rulesView{Header: r.header, Wiring: r.config.wiring(), Table: r.config.table()}
	if r.config.Mode == artefact.ModeEnforce {
		for _, b := range r.config.bases() {
			v.Owned = append(v.Owned, name(b.chain))
		}
	}
	inSection := map[string]bool{}
	for _, s := range r.sections {
		inSection[s.chain] = true
		one := sectionView{Title: s.title, Labels: s.labels, Chain: name(s.chain), Ways: wayLines(s.ways)}
		for _, l := range s.lines {
			one.Lines = append(one.Lines, lineOf(l))
		}
		v.Sections = append(v.Sections, one)
	}
	v.Chains = declareChains(slices.DeleteFunc(slices.Clone(r.chains), func(c string) bool { return inSection[c] }))
	return v
}

// wiring is nil in mode enforce, which asks nothing of the site's own rules.
func (c config) wiring() []wiringView {
	const established keyword = "RELATED,ESTABLISHED"
	in := wiringView{Table: "filter", After: established}
	marking := wiringView{Table: c.table()}
	for _, b := range c.bases() {
		hook := name(strings.ToUpper(b.hook))
		if c.Mode == artefact.ModeMark {
			marking.Chains = append(marking.Chains, name(b.chain))
			marking.Lines = append(marking.Lines, lineView{Chain: hook, End: jumpTo(b.chain)})
			in.Lines = append(in.Lines, lineView{Chain: hook, Mark: bitsOf(c.Mark), End: "-j ACCEPT"})
			continue
		}
		for _, entry := range b.entries {
			in.Chains = append(in.Chains, name(entry))
			in.Lines = append(in.Lines, lineView{Chain: hook, End: jumpTo(entry)})
		}
	}
	switch c.Mode {
	case artefact.ModeEnforce:
		return nil
	case artefact.ModeMark:
		return []wiringView{marking, in}
	}
	return []wiringView{in}
}

func lineOf(l line) lineView {
	v := lineView{
		Chain: name(l.chain), In: deviceOf(l.In), Out: deviceOf(l.Out), State: stateOf(l.State), HopLimit: hopLimitOf(l.HopLimit),
		Source: addressOf(l.From), Comment: escapedComment(l.Comment), End: endOf(l.Rule),
	}
	switch l.Loopback {
	case "iif":
		v.In = "lo"
	case "oif":
		v.Out = "lo"
	}
	if len(l.ICMP) > 0 {
		v.Protocol, v.ICMP = "icmpv6", numberOf(l.ICMP[0].Type)
	}
	if l.Protocol != 0 {
		v.Protocol = protocolOf(l.Protocol)
	}
	switch {
	case !l.Original.IsAll():
		v.Original = portsOf(l.Original.Ranges)
	case len(l.Ports.Ranges) == 1:
		v.Port = portsOf(l.Ports.Ranges)
	case len(l.Ports.Ranges) > 1:
		v.Ports = portsOf(l.Ports.Ranges)
	}
	return v
}
