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
	First   bool  // before the site's own http_access lines
	Roles   []acl // one src ACL for each role that a rule is of
	Groups  []groupView
	DenyAll bool
}

// groupView is rules of the policy that share their lists, of which the first gives the
// names. A request is allowed by one of Allows, of which each holds ACLs that all have
// to match.
type groupView struct {
	Rules  []ruleView
	ACLs   []acl
	Allows [][]aclRef
}

type ruleView struct {
	ID     comment
	Labels []comment
}

type acl struct {
	Name aclName
	Type aclType
	File filePath

	part int // of a group, in parts
}

// part is one of the lists that a group may have.
type part struct {
	suffix string // of the ACL's name
	kind   aclType
	what   string
}

// parts are in the order in which a group has them; apexes are exceptions from the
// names before them.
var parts = []part{
	{"ports", typePort, "ports"},
	{"names", typeDomain, "names"},
	{"apexes", typeDomain, "apexes that are not among the names"},
	{"patterns", typeDomainRegex, "names with a star inside a label"},
	{"literals", typeDst, "addresses of requests for literals"},
}

// Indexes of parts.
const (
	portsPart = iota
	namesPart
	apexesPart
	patternsPart
	literalsPart
)

// listView is what list.txt.tmpl renders.
type listView struct {
	Header   []comment
	Sections []section
}

// section is the tokens of one rule.
type section struct {
	Rule   comment // empty if a list has no other section
	Tokens tokens
}

// list is one list file below listFolder.
type list struct {
	file     string
	what     string
	sections []section
	elements int
}

func (l list) view() listView {
	const load = "with " + confName + ", by its command"
	header := artefact.ListHeader(l.what, load, format)
	return listView{Header: comments(header), Sections: l.sections}
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
		a, err := c.add(roleStem(b.Role), typeSrc, roleWhat(b.Role), prefixList(b.Local()))
		if err != nil {
			return nil, err
		}
		c.view.Roles = append(c.view.Roles, a)
	}
	for _, g := range groupsOf(p) {
		if err := c.addGroup(g); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// rules returns the number of the policy's rules that are rendered.
func (c *conf) rules() (n int) {
	for _, g := range c.view.Groups {
		n += len(g.Rules)
	}
	return n
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

func roleWhat(role rule.Role) string { return "addresses of role " + string(role) }

func roleStem(role rule.Role) string { return "src_" + string(role) }

// add puts a list into a file and returns the ACL that names it.
func (c *conf) add(stem string, t aclType, what string, l list) (acl, error) {
	name, err := aclNameOf(stem)
	if err != nil {
		return acl{}, err
	}
	l.file, l.what = stem+listSuffix, what
	c.lists = append(c.lists, l)
	return acl{Name: name, Type: t, File: pathOf(c.dir, l.file)}, nil
}

func (c *conf) addGroup(g []member) error {
	var v groupView
	for _, m := range g {
		one := ruleView{ID: commentOf(string(m.ID))}
		for _, e := range m.Entries {
			one.Labels = append(one.Labels, commentOf(artefact.Label(e)))
		}
		v.Rules = append(v.Rules, one)
	}
	role, err := aclNameOf(roleStem(g[0].Role))
	if err != nil {
		return err
	}
	for i, l := range listsOf(g) {
		if l.elements == 0 {
			continue
		}
		a, err := c.add(partStem(v, i), parts[i].kind, partWhat(v, i), l)
		if err != nil {
			return err
		}
		a.part = i
		v.ACLs = append(v.ACLs, a)
	}
	v.Allows = allowsOf(role, v.ACLs)
	c.view.Groups = append(c.view.Groups, v)
	return nil
}

func partStem(v groupView, part int) string { return string(v.Rules[0].ID) + "_" + parts[part].suffix }

func partWhat(v groupView, part int) string {
	what := parts[part].what + " of rule " + string(v.Rules[0].ID)
	if len(v.Rules) > 1 && part != portsPart {
		what += " and others"
	}
	return what
}

// listsOf returns a group's lists, empty ones for parts that no rule has.
func listsOf(g []member) (lists [literalsPart + 1]list) {
	lists[portsPart] = portList(g[0].Services)
	if g[0].Remote.Any {
		return lists
	}
	for _, m := range g {
		of := [...]list{
			namesPart: tokenList(m.names.domains), apexesPart: tokenList(m.names.apexes),
			patternsPart: tokenList(m.names.expressions), literalsPart: prefixList(m.Remote.Prefixes()),
		}
		for i, l := range of {
			if l.elements == 0 {
				continue
			}
			if len(g) > 1 {
				l.sections[0].Rule = commentOf(string(m.ID))
			}
			lists[i].sections = append(lists[i].sections, l.sections...)
			lists[i].elements += l.elements
		}
	}
	return lists
}

// allowsOf returns the lines of a group of such ACLs, in the order of parts: one for
// each part of its remotes, or one for any.
func allowsOf(role aclName, acls []acl) (lines [][]aclRef) {
	if len(acls) == 0 {
		return nil
	}
	allow := func(refs ...aclRef) {
		line := append([]aclRef{match(role), match(acls[0].Name)}, refs...)
		lines = append(lines, append(line, notManager))
	}
	if len(acls) == 1 {
		allow()
	}
	for i, a := range acls {
		switch {
		case i == 0 || a.part == apexesPart:
		case i+1 < len(acls) && acls[i+1].part == apexesPart:
			allow(match(a.Name), except(acls[i+1].Name))
		default:
			allow(match(a.Name))
		}
	}
	return lines
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
