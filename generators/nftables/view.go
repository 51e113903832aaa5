package nftables

import (
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// view is what templates/nftables/gatewright.nft.tmpl renders.
type view struct {
	Header []comment
	Wiring []wiringView
	Table  tableSpec
	Hooks  []hookView // base chains, in a table of our own
	Chains []name
	Locals []setView // addresses of the roles
	Rules  []ruleView
}

// wiringView is what the site writes into one of its own base chains: jumps if our
// chains are in its table, or else a match of the mark.
type wiringView struct {
	Hook  name
	Table tableSpec
	Jumps []name
	Mark  bits
}

// setView is one set and its elements, never none.
type setView struct {
	Table    tableSpec
	Name     name
	Type     keyword
	Flags    keyword // empty for a set of single addresses
	Elements elements
}

// ruleView is one rule of the policy.
type ruleView struct {
	Title  comment
	Labels []comment // of its entries
	Sets   []setView
	Lines  []lineView
}

// lineView is one rule of nftables that accepts.
type lineView struct {
	Table       tableSpec
	Chain       name
	In, Out     interfaces // empty for all
	Protocol    keyword
	Ports       ports // of the packet, or
	Published   name  // the set of the connection's original destination ports
	Family      family
	Source      addresses // empty for all
	Destination addresses // empty for all
	Counter     name      // empty for none
	Mark        bits      // set on what is accepted; empty for none
	Comment     ruleComment
}

// builder makes a view.
type builder struct {
	policy   *rule.Policy
	config   config
	mark     bits
	view     view
	declared map[name]bool // sets of local addresses
}

func newView(p *rule.Policy, c config) (*view, error) {
	b := builder{policy: p, config: c, declared: map[name]bool{}}
	b.view = view{
		Header: commentsOf(artefact.Header(p, title+c.Title(), loadCommand, format)),
		Table:  c.table,
		Chains: []name{outboundChain, inboundChain},
	}
	if c.Mode == artefact.ModeMark {
		b.mark = bitsOf(c.Mark)
	}
	for i := range p.Rules {
		if err := b.addRule(&p.Rules[i]); err != nil {
			return nil, fmt.Errorf("rule %d: %w", i+1, err)
		}
	}
	b.view.Wiring = c.wiring()
	if c.Mode != artefact.ModeChains {
		b.addHooks()
	}
	return &b.view, nil
}

// wiring is nil in mode enforce, which asks nothing of the site's own chains.
func (c config) wiring() []wiringView {
	var out []wiringView
	for _, hook := range hooks() {
		jumps := c.jumps(hook)
		switch {
		case len(jumps) == 0 || c.Mode == artefact.ModeEnforce:
		case c.Mode == artefact.ModeMark:
			out = append(out, wiringView{Hook: hook, Mark: bitsOf(c.Mark)})
		default:
			out = append(out, wiringView{Hook: hook, Table: c.table, Jumps: jumps})
		}
	}
	return out
}

// addRule renders nothing of a rule that has no flow that the artefact carries.
func (b *builder) addRule(r *rule.Rule) error {
	if !b.config.Serves(r.Role) {
		return nil
	}
	id, err := slugOf(string(r.ID))
	if err != nil {
		return err
	}
	role, err := slugOf(string(r.Role))
	if err != nil {
		return err
	}
	h := half{id: id, services: r.Services, any: r.Remote.Any, outbound: r.Direction == rule.Outbound, line: b.newLine(r)}
	v := ruleView{
		Title:  commentOf(fmt.Sprintf("%s: %s, %s, %s", r.ID, r.Direction, r.Role, r.Services)),
		Labels: commentsOf(labels(r)),
	}
	remote := r.Remote.Prefixes()
	for _, f := range b.config.families {
		h.line.Family, h.remote = f, f.of(remote)
		h.local = nil
		for _, s := range sidesOf(role, r.Direction, b.policy.Binding(r.Role)) {
			if s.addresses = f.of(s.addresses); !s.addresses.IsEmpty() {
				h.local = append(h.local, s)
			}
		}
		b.addHalf(&v, h)
	}
	if len(v.Lines) > 0 {
		b.view.Rules = append(b.view.Rules, v)
	}
	return nil
}

func labels(r *rule.Rule) []string {
	out := make([]string, len(r.Entries))
	for i, e := range r.Entries {
		out[i] = artefact.Label(e)
	}
	return out
}

// lineComment is the comment of a rule's lines.
func lineComment(labels []string) ruleComment { return ruleCommentOf(strings.Join(labels, "; ")) }

// newLine is what the lines of a rule have in common.
func (b *builder) newLine(r *rule.Rule) lineView {
	line := lineView{
		Table:   b.config.table,
		Chain:   chainOf(r.Direction),
		In:      interfacesOf(b.config.WAN),
		Out:     interfacesOf(b.config.LAN),
		Mark:    b.mark,
		Comment: lineComment(labels(r)),
	}
	if r.OnSite {
		line.In = line.Out
	}
	if r.Direction == rule.Outbound {
		line.In, line.Out = line.Out, line.In
	}
	return line
}

// half is a rule in one address family.
type half struct {
	id       slug
	outbound bool
	any      bool // remote
	remote   netset.PrefixSet
	local    []side
	services netset.ServiceSet
	line     lineView
}

// addHalf adds the set of the remote prefixes and, for each kind of local addresses
// and each protocol, one line. It adds nothing if either end has no address.
func (b *builder) addHalf(v *ruleView, h half) {
	if len(h.local) == 0 || h.remote.IsEmpty() && !h.any {
		return
	}
	var far addresses
	if !h.any {
		set := b.prefixSet(h.line.Family, h.remote, h.id)
		v.Sets = append(v.Sets, set)
		far = set.Name.addresses()
	}
	for _, s := range h.local {
		near := b.localSet(h.line.Family, s.addresses, s.stem...).addresses()
		h.line.Source, h.line.Destination = far, near
		if h.outbound {
			h.line.Source, h.line.Destination = near, far
		}
		b.addLines(v, h, s.published)
	}
}

func (b *builder) addLines(v *ruleView, h half, published bool) {
	for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
		ranges := h.services.Ports(protocol)
		if len(ranges) == 0 {
			continue
		}
		line := h.line
		line.Protocol = protocolOf(protocol)
		if published {
			set := b.portSet(ranges, h.id, "ports", line.Protocol.slug())
			v.addSet(set)
			line.Published = set.Name
		} else {
			line.Ports = portsOf(ranges)
		}
		line.Counter = line.counterOf(h.id)
		v.Lines = append(v.Lines, line)
	}
}

// counterOf names the counter of a line of a rule.
func (l lineView) counterOf(id slug) name {
	stem := []slug{id, l.Family.tagged(string(l.Protocol))}
	if l.Published != "" {
		stem = append(stem, "published")
	}
	return nameOf(stem...)
}

// addSet adds a set that both families may use.
func (v *ruleView) addSet(s setView) {
	if !slices.ContainsFunc(v.Sets, func(other setView) bool { return other.Name == s.Name }) {
		v.Sets = append(v.Sets, s)
	}
}

// side is one kind of local addresses of a rule.
type side struct {
	stem      []slug // of the set's name
	addresses netset.PrefixSet
	published bool
}

// sidesOf tells published addresses apart only for inbound flows: outbound they
// are like the others.
func sidesOf(role slug, d rule.Direction, b rule.Binding) []side {
	if d == rule.Outbound || b.Published.IsEmpty() {
		return []side{{stem: []slug{"role", role}, addresses: b.Local()}}
	}
	return []side{
		{stem: []slug{"role", role, "direct"}, addresses: b.Addresses},
		{stem: []slug{"role", role, "published"}, addresses: b.Published, published: true},
	}
}

// localSet declares a set of local addresses once.
func (b *builder) localSet(f family, s netset.PrefixSet, stem ...slug) name {
	n := setName(f, s, stem...)
	if !b.declared[n] {
		b.declared[n] = true
		b.view.Locals = append(b.view.Locals, b.prefixSet(f, s, stem...))
	}
	return n
}

// setName tells the kind of a prefix set, because a set cannot change its type: a
// hash set of single addresses, or an interval set.
func setName(f family, s netset.PrefixSet, stem ...slug) name {
	kind := "net"
	if s.HostsOnly() {
		kind = "host"
	}
	return nameOf(append(slices.Clip(stem), f.tagged(kind))...)
}

// setKind is what the last part of a set's name says of it.
type setKind struct {
	word, flags keyword
	family      family // empty for ports
}

// kindOf is the zero setKind for a name that no set of ours has.
func kindOf(n name) setKind {
	last := string(n[strings.LastIndexByte(string(n), '_')+1:])
	for _, f := range []family{ipv4, ipv6} {
		switch slug(last) {
		case f.tagged("host"):
			return setKind{f.addressType(), "", f}
		case f.tagged("net"):
			return setKind{f.addressType(), "interval", f}
		}
	}
	if last == "tcp" || last == "udp" {
		return setKind{"inet_service", "interval", ""}
	}
	return setKind{}
}

func (b *builder) prefixSet(f family, s netset.PrefixSet, stem ...slug) setView {
	return newSet(b.config.table, setName(f, s, stem...), prefixElements(s))
}

func (b *builder) portSet(ranges []netset.PortRange, stem ...slug) setView {
	return newSet(b.config.table, nameOf(stem...), portElements(ranges))
}

// newSet declares a set as its name tells.
func newSet(table tableSpec, n name, e elements) setView {
	kind := kindOf(n)
	return setView{Table: table, Name: n, Type: kind.word, Flags: kind.flags, Elements: e}
}

// elements counts the prefixes and port ranges in the sets.
func (v *view) elements() int {
	n := 0
	for _, s := range v.Locals {
		n += s.Elements.count()
	}
	for _, r := range v.Rules {
		for _, s := range r.Sets {
			n += s.Elements.count()
		}
	}
	return n
}
