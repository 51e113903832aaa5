package nftables

import (
	"fmt"
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
	Roles  []setView
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
	declared map[name]bool // sets of roles
}

func newView(p *rule.Policy, c config) (*view, error) {
	b := builder{policy: p, config: c, declared: map[name]bool{}}
	b.view = view{
		Header: commentsOf(artefact.Header(p, "nftables ruleset, mode "+c.mode+", place "+c.place, loadCommand)),
		Table:  c.table,
		Chains: []name{outboundChain, inboundChain},
	}
	if c.mode == modeMark {
		b.mark = bitsOf(c.mark)
	}
	for i := range p.Rules {
		if err := b.addRule(&p.Rules[i]); err != nil {
			return nil, err
		}
	}
	b.view.Wiring = b.wiring()
	if c.mode == modeChains {
		return &b.view, nil
	}
	return &b.view, b.addHooks()
}

// wiring is nil in mode enforce, which asks nothing of the site's own chains.
func (b *builder) wiring() []wiringView {
	var out []wiringView
	for _, hook := range hooks() {
		jumps := b.config.jumps(hook)
		switch {
		case len(jumps) == 0 || b.config.mode == modeEnforce:
		case b.config.mode == modeMark:
			out = append(out, wiringView{Hook: hook, Mark: b.mark})
		default:
			out = append(out, wiringView{Hook: hook, Table: b.config.table, Jumps: jumps})
		}
	}
	return out
}

// addRule renders nothing of a rule that has no flow that the artefact carries.
func (b *builder) addRule(r *rule.Rule) error {
	if !b.config.serves(r.Role) {
		return nil
	}
	v := ruleView{Title: commentOf(fmt.Sprintf("%s: %s, %s, %s", r.ID, r.Direction, r.Role, r.Services))}
	var labels []string
	for _, e := range r.Entries {
		labels = append(labels, artefact.Label(e))
	}
	v.Labels = commentsOf(labels)
	line := lineView{
		Table:   b.config.table,
		Chain:   chainOf(r.Direction),
		In:      interfacesOf(b.config.wan),
		Out:     interfacesOf(b.config.lan),
		Mark:    b.mark,
		Comment: ruleCommentOf(strings.Join(labels, "; ")),
	}
	if r.Direction == rule.Outbound {
		line.In, line.Out = line.Out, line.In
	}
	remote := r.Remote.Prefixes()
	for _, f := range b.config.families {
		line.Family = f
		if err := b.addHalf(&v, r, f.of(remote), line); err != nil {
			return err
		}
	}
	if len(v.Lines) > 0 {
		b.view.Rules = append(b.view.Rules, v)
	}
	return nil
}

// addHalf renders the family of line: its remote prefixes and, for each kind of
// local addresses and each protocol, one line.
func (b *builder) addHalf(v *ruleView, r *rule.Rule, remote netset.PrefixSet, line lineView) error {
	var local []side
	for _, s := range sidesOf(r.Direction, b.policy.Binding(r.Role)) {
		if s.addresses = line.Family.of(s.addresses); !s.addresses.IsEmpty() {
			local = append(local, s)
		}
	}
	if len(local) == 0 || remote.IsEmpty() && !r.Remote.Any {
		return nil
	}
	var far addresses
	if !r.Remote.Any {
		n, err := setName(line.Family, remote, string(r.ID))
		if err != nil {
			return err
		}
		set := b.prefixSet(n, line.Family, remote)
		v.Sets = append(v.Sets, set)
		far = set.Name.addresses()
	}
	for _, s := range local {
		near, err := b.roleSet(line.Family, s.addresses, s.stem...)
		if err != nil {
			return err
		}
		line.Source, line.Destination = far, near.addresses()
		if r.Direction == rule.Outbound {
			line.Source, line.Destination = near.addresses(), far
		}
		if err := b.addLines(v, r, s.published, line); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) addLines(v *ruleView, r *rule.Rule, published bool, line lineView) error {
	for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
		ranges := r.Services.Ports(protocol)
		if len(ranges) == 0 {
			continue
		}
		line.Protocol = protocolOf(protocol)
		stem := []string{string(r.ID), protocol.String() + line.Family.digit()}
		if published {
			set, err := b.portSet(ranges, string(r.ID), "ports", protocol.String())
			if err != nil {
				return err
			}
			v.addSet(set)
			line.Ports, line.Published = "", set.Name
			stem = append(stem, "published")
		} else {
			line.Ports, line.Published = portsOf(ranges), ""
		}
		var err error
		if line.Counter, err = nameOf(stem...); err != nil {
			return err
		}
		v.Lines = append(v.Lines, line)
	}
	return nil
}

// addSet adds a set that both families may use.
func (v *ruleView) addSet(s setView) {
	for _, other := range v.Sets {
		if other.Name == s.Name {
			return
		}
	}
	v.Sets = append(v.Sets, s)
}

// side is one kind of local addresses of a rule.
type side struct {
	stem      []string // of the set's name
	addresses netset.PrefixSet
	published bool
}

// sidesOf tells published addresses apart only for inbound flows: outbound they
// are like the others.
func sidesOf(d rule.Direction, b rule.Binding) []side {
	role := []string{"role", string(b.Role)}
	if d == rule.Outbound || b.Published.IsEmpty() {
		return []side{{stem: role, addresses: b.Local()}}
	}
	return []side{
		{stem: append(role[:2:2], "direct"), addresses: b.Addresses},
		{stem: append(role[:2:2], "published"), addresses: b.Published, published: true},
	}
}

// roleSet declares a set of local addresses once.
func (b *builder) roleSet(f family, s netset.PrefixSet, stem ...string) (name, error) {
	n, err := setName(f, s, stem...)
	if err != nil || b.declared[n] {
		return n, err
	}
	b.declared[n] = true
	b.view.Roles = append(b.view.Roles, b.prefixSet(n, f, s))
	return n, nil
}

// setName tells the type of a prefix set, because a set cannot change its type: a
// hash set of single addresses, or an interval set.
func setName(f family, s netset.PrefixSet, stem ...string) (name, error) {
	kind := "net"
	if s.HostsOnly() {
		kind = "host"
	}
	return nameOf(append(stem[:len(stem):len(stem)], kind+f.digit())...)
}

func (b *builder) prefixSet(n name, f family, s netset.PrefixSet) setView {
	v := setView{Table: b.config.table, Name: n, Type: f.addressType(), Elements: prefixElements(s)}
	if !s.HostsOnly() {
		v.Flags = "interval"
	}
	return v
}

func (b *builder) portSet(ranges []netset.PortRange, stem ...string) (setView, error) {
	n, err := nameOf(stem...)
	return setView{Table: b.config.table, Name: n, Type: "inet_service", Flags: "interval", Elements: portElements(ranges)}, err
}

// elements counts the prefixes and port ranges in the sets.
func (v *view) elements() int {
	n := 0
	for _, s := range v.Roles {
		n += s.Elements.count()
	}
	for _, r := range v.Rules {
		for _, s := range r.Sets {
			n += s.Elements.count()
		}
	}
	return n
}
