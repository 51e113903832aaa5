package squid

import (
	"net/netip"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// confView is what squid.conf.tmpl renders.
type confView struct {
	Header  []comment
	Roles   []acl // one src ACL for each role that a rule is of
	Rules   []ruleView
	DenyAll bool
}

// ruleView is one rule of the policy. A request is allowed by one of Allows, of
// which each holds ACLs that all have to match.
type ruleView struct {
	ID     comment
	Labels []comment
	ACLs   []acl
	Allows [][]aclRef
}

type acl struct {
	Name aclName
	Type aclType
	File filePath
}

// listView is what list.txt.tmpl renders.
type listView struct {
	Header []comment
	Tokens tokens
}

// list is one list file below listFolder.
type list struct {
	file     string
	what     string
	tokens   tokens
	elements int
}

func (l list) view() listView {
	const load = "with " + confName + ", by its command"
	header := artefact.ListHeader(l.what, load, format)
	return listView{Header: comments(header), Tokens: l.tokens}
}

// conf gathers the view of the configuration and the list files that it names.
type conf struct {
	dir   string
	view  confView
	lists []list
}

func newConf(p *rule.Policy, dir string) (*conf, error) {
	c := &conf{dir: dir}
	for _, b := range p.Bindings {
		if !plays(p, b.Role) {
			continue
		}
		a, err := c.add(roleStem(b.Role), typeSrc, "addresses of role "+string(b.Role), prefixList(b.Local()))
		if err != nil {
			return nil, err
		}
		c.view.Roles = append(c.view.Roles, a)
	}
	for i := range p.Rules {
		if r := &p.Rules[i]; carried(r) {
			if err := c.addRule(r); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

// carried reports whether a proxy carries flows of the rule.
func carried(r *rule.Rule) bool {
	return r.Direction == rule.Outbound && !r.Services.Only(netset.TCP).IsEmpty()
}

func plays(p *rule.Policy, role rule.Role) bool {
	for i := range p.Rules {
		if p.Rules[i].Role == role && carried(&p.Rules[i]) {
			return true
		}
	}
	return false
}

func roleStem(role rule.Role) string { return "src_" + string(role) }

// add puts a list into a file and returns the ACL that names it.
func (c *conf) add(stem string, t aclType, what string, l list) (acl, error) {
	name, err := aclNameOf(stem)
	if err != nil {
		return acl{}, err
	}
	l.file, l.what = stem+".txt", what
	c.lists = append(c.lists, l)
	return acl{Name: name, Type: t, File: pathOf(c.dir, l.file)}, nil
}

func (c *conf) addRule(r *rule.Rule) error {
	v := ruleView{ID: commentOf(string(r.ID))}
	for _, e := range r.Entries {
		v.Labels = append(v.Labels, commentOf(artefact.Label(e)))
	}
	role, err := aclNameOf(roleStem(r.Role))
	if err != nil {
		return err
	}
	add := func(suffix string, t aclType, what string, l list) (aclName, error) {
		a, err := c.add(string(r.ID)+"_"+suffix, t, what+" of rule "+string(r.ID), l)
		v.ACLs = append(v.ACLs, a)
		return a.Name, err
	}
	ports, err := add("ports", typePort, "ports", portList(r.Services))
	if err != nil {
		return err
	}
	allow := func(refs ...aclRef) {
		line := append([]aclRef{match(role), match(ports)}, refs...)
		v.Allows = append(v.Allows, append(line, notManager))
	}
	if r.Remote.Any {
		allow()
	} else if err := addRemote(r.Remote, add, allow); err != nil {
		return err
	}
	c.view.Rules = append(c.view.Rules, v)
	return nil
}

// addRemote adds the ACLs of each part of a remote, and one line for each part.
func addRemote(remote rule.Remote, add func(string, aclType, string, list) (aclName, error), allow func(...aclRef)) error {
	n := splitNames(remote.Names())
	if len(n.domains) > 0 {
		domains, err := add("names", typeDomain, "names", tokenList(n.domains))
		if err != nil {
			return err
		}
		line := []aclRef{match(domains)}
		if len(n.apexes) > 0 {
			apexes, err := add("apexes", typeDomain, "apexes that are not among the names", tokenList(n.apexes))
			if err != nil {
				return err
			}
			line = append(line, except(apexes))
		}
		allow(line...)
	}
	if len(n.expressions) > 0 {
		expressions, err := add("patterns", typeDomainRegex, "names with a star inside a label", tokenList(n.expressions))
		if err != nil {
			return err
		}
		allow(match(expressions))
	}
	if prefixes := remote.Prefixes(); !prefixes.IsEmpty() {
		literals, err := add("literals", typeDst, "addresses of requests for literals", prefixList(prefixes))
		if err != nil {
			return err
		}
		allow(match(literals))
	}
	return nil
}

// names are the tokens for a set of patterns.
type names struct {
	domains     []string // dstdomain: "host.example.com", ".example.com"; none overlaps another
	apexes      []string // what ".example.com" matches besides and no pattern of the set does
	expressions []string // dstdom_regex
}

// splitNames says each pattern in the cheapest ACL type that can hold it. Squid
// refuses a dstdomain list that holds both ".example.com" and "example.com", and
// the first matches both.
func splitNames(set netset.NameSet) names {
	var n names
	wild := map[string]bool{}
	for p := range set.Patterns() {
		if apex, ok := p.Subdomains(); ok {
			wild[apex] = true
		}
	}
	for p := range set.Patterns() {
		apex, ok := p.Subdomains()
		switch {
		case ok:
			n.domains = append(n.domains, subdomainsToken(apex))
			if !set.Match(apex) {
				n.apexes = append(n.apexes, apex)
			}
		case !p.IsExact():
			n.expressions = append(n.expressions, expression(p))
		case !wild[p.String()]:
			n.domains = append(n.domains, p.String())
		}
	}
	return n
}

// aroundMapped splits a set in which an IPv6 prefix covers the IPv4-mapped block
// ::ffff:0:0/96 (RFC 4291 section 2.5.5.2) into sets without such a prefix. Squid
// keeps IPv4 addresses as mapped ones, so the prefix would match them all.
func aroundMapped(s netset.PrefixSet) []netset.PrefixSet {
	before, after := netip.MustParseAddr("::fffe:ffff:ffff"), netip.MustParseAddr("::1:0:0:0")
	for first, last := range s.V6().Ranges() {
		if before.Less(first) {
			break // ranges ascend
		}
		if after.Compare(last) <= 0 {
			var low, high netset.PrefixBuilder
			low.AddRange(netip.IPv6Unspecified(), before)
			high.AddRange(after, netip.MustParseAddr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))
			return []netset.PrefixSet{s.V4(), s.Intersect(low.Build()), s.Intersect(high.Build())}
		}
	}
	return []netset.PrefixSet{s}
}
