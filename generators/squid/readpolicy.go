package squid

import (
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

const portsSuffix = "_ports" // of a rule's ACL of ports, after its id

// Policy returns the requests that the fragment allows, as the flows of a policy: a
// rule for the lines that have their sources and ports in common, in the order of the
// first. Names that the requests have and addresses of requests for literals are the
// two sights of a remote. What Generate does not write is an error.
func (f Fragment) Policy() (*rule.Policy, error) {
	p := &rule.Policy{}
	at := map[[2]string]int{} // in p.Rules, by the ACLs of sources and ports
	used := map[string]bool{}
	for _, words := range f.Allow {
		remote, err := f.remote(words)
		if err != nil {
			return nil, fmt.Errorf("http_access allow %s: %w", strings.Join(words, " "), err)
		}
		for _, w := range words {
			used[strings.TrimPrefix(w, "!")] = true
		}
		key := [2]string{words[0], words[1]}
		i, known := at[key]
		if !known {
			i = len(p.Rules)
			at[key] = i
			p.Rules = append(p.Rules, f.ruleOf(words[0], words[1]))
		}
		r := &p.Rules[i].Remote
		r.Any = r.Any || remote.Any
		r.BarePrefixes, r.Unaddressed = r.BarePrefixes.Union(remote.BarePrefixes), r.Unaddressed.Union(remote.Unaddressed)
		if r.Any {
			*r = rule.Remote{Any: true}
		}
		if role := p.Rules[i].Role; p.Binding(role).Local().IsEmpty() {
			p.Bindings = append(p.Bindings, rule.Binding{Role: role, Addresses: f.ACLs[words[0]].Prefixes})
		}
	}
	for name := range f.ACLs {
		if !used[name] {
			return nil, fmt.Errorf("acl %s is in no http_access line", name)
		}
	}
	p.Rules = slices.DeleteFunc(p.Rules, func(r rule.Rule) bool { // an empty list matches nothing
		return r.Services.IsEmpty() || !r.Remote.Any && r.Remote.BarePrefixes.IsEmpty() && r.Remote.Unaddressed.IsEmpty()
	})
	return p, nil
}

// ruleOf returns a rule without remote.
func (f Fragment) ruleOf(sources, ports string) rule.Rule {
	r := rule.Rule{
		ID:        rule.ID(strings.TrimSuffix(strings.TrimPrefix(ports, aclPrefix), portsSuffix)),
		Direction: rule.Outbound,
		Role:      rule.Role(strings.TrimPrefix(sources, aclPrefix+roleStem(""))),
		Services:  f.ACLs[ports].Services,
	}
	for _, label := range f.Labels[ports] {
		r.Entries = append(r.Entries, rule.Entry{ID: label})
	}
	return r
}

// remote returns what a line allows: the sources, the ports, what the remote has to
// be unless it may be any, and the manager's exception.
func (f Fragment) remote(words []string) (rule.Remote, error) {
	last := len(words) - 1
	if last < 2 || words[last] != string(notManager) || !f.is(words[0], typeSrc) || !f.is(words[1], typePort) {
		return rule.Remote{}, fmt.Errorf("expect sources, ports and %s", notManager)
	}
	switch rest := words[2:last]; {
	case len(rest) == 0:
		return rule.Remote{Any: true}, nil
	case len(rest) == 1 && f.is(rest[0], typeDst):
		return rule.Remote{BarePrefixes: f.ACLs[rest[0]].Prefixes}, nil
	case len(rest) == 1 && f.is(rest[0], typeDomain):
		return rule.Remote{Unaddressed: f.ACLs[rest[0]].Names}, nil
	case len(rest) == 1 && f.is(rest[0], typeDomainRegex):
		names, err := readExpressions(f.ACLs[rest[0]].Expressions)
		return rule.Remote{Unaddressed: names}, err
	case len(rest) == 2 && f.is(rest[0], typeDomain) && strings.HasPrefix(rest[1], "!") && f.is(rest[1][1:], typeDomain):
		apexes := f.ACLs[rest[1][1:]].Names
		names := f.ACLs[rest[0]].Names.Without(apexes)
		if names.Overlaps(apexes) {
			return rule.Remote{}, fmt.Errorf("%s takes names out of the middle of %s", rest[1], rest[0])
		}
		return rule.Remote{Unaddressed: names}, nil
	}
	return rule.Remote{}, fmt.Errorf("what the remote has to be is not ours")
}

func (f Fragment) is(name string, t aclType) bool {
	a, ok := f.ACLs[name]
	return ok && a.Type == string(t)
}

// readExpressions returns the patterns that expression makes these of.
func readExpressions(texts []string) (netset.NameSet, error) {
	var patterns []netset.Pattern
	for _, text := range texts {
		labels := strings.NewReplacer(`[^.]+(\.[^.]+)*`, "*", `[^.]+`, "*", `[^.]*`, "*", `\.`, ".", "^", "", "$", "").Replace(text)
		p, err := netset.ParsePattern(labels)
		if err != nil || expression(p) != text {
			return netset.NameSet{}, fmt.Errorf("%q is no expression of a pattern", text)
		}
		patterns = append(patterns, p)
	}
	return netset.NameSetOf(patterns...), nil
}
