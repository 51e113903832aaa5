package squid

import (
	"errors"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/generators/artefact"
	"gatewright/templates"
)

// held is what the list of an ACL holds.
type held struct {
	kind     aclType
	prefixes netset.PrefixSet
	names    netset.NameSet // of a domain with its subdomains, both
	services netset.ServiceSet
}

// readList reads a list file of an ACL: what each of the rules holds in it, or what the
// list holds if there are no several rules.
func readList(name string, data []byte, what string, t aclType, rules []ruleView) ([]held, error) {
	file := artefact.LinesOf(name, data, longestLine)
	if _, err := file.ReadTitle(what, format); err != nil {
		return nil, err
	}
	l := list{what: what}
	for first := len(l.view().Header); file.At < first && file.Next(); {
	}
	words := make([][]string, max(len(rules), 1)) // of each rule
	start := *file
	at, next := 0, 0
	for file.Next() {
		id, isComment := strings.CutPrefix(file.Line, "# ")
		if len(rules) < 2 || !isComment {
			words[at] = append(words[at], file.Line)
			continue
		}
		i := slices.IndexFunc(rules[next:], func(v ruleView) bool { return string(v.ID) == id })
		if i < 0 {
			return nil, file.Foreign(errors.New("the id of a rule, in the order of " + confName))
		}
		at, next = next+i, next+i+1
	}
	whole := words[0]
	if len(words) > 1 {
		whole = slices.Concat(words...)
	}
	all, bad, want := readTokens(whole, t)
	if want != "" {
		for start.Next() && (len(rules) > 1 && strings.HasPrefix(start.Line, "# ") || bad > 0) {
			if len(rules) < 2 || !strings.HasPrefix(start.Line, "# ") {
				bad--
			}
		}
		return nil, start.Foreign(errors.New(want))
	}
	all.kind = t
	if len(rules) < 2 {
		l.sections = tokenList(words[0]).sections
		return []held{all}, l.compare(name, data)
	}
	out := make([]held, len(rules))
	for i, own := range words {
		if len(own) == 0 {
			continue
		}
		out[i], _, _ = readTokens(own, t)
		out[i].kind = t
		l.sections = append(l.sections, section{rules[i].ID, tokenList(own).sections[0].Tokens})
	}
	return out, l.compare(name, data)
}

// compare holds that a file is as the list is rendered.
func (l list) compare(name string, data []byte) error {
	again, err := templates.Execute("squid/list.txt.tmpl", l.view())
	if err != nil {
		return err
	}
	return artefact.Compare(name, data, again)
}

// readTokens reads the tokens of a list, each of which has to be as Generate writes it.
// What is wanted in the place of a bad one is returned with its index. No token may
// overlap another: Squid drops or refuses some that do.
func readTokens(words []string, t aclType) (h held, bad int, want string) {
	switch t {
	case typeSrc, typeDst:
		return readPrefixes(words)
	case typeDomain:
		return readDomains(words)
	case typeDomainRegex:
		return readExpressions(words)
	}
	return readPorts(words)
}

func readPrefixes(words []string) (h held, bad int, want string) {
	var b netset.PrefixBuilder
	list := make([]netip.Prefix, len(words))
	for i, word := range words {
		p, _, err := netset.ParsePrefix(word)
		if err != nil || prefixList(netset.PrefixSetOf(p)).sections[0].Tokens != tokens(word) {
			return h, i, "a CIDR without IPv4-mapped addresses"
		}
		list[i] = p
		b.Add(p)
	}
	if i, ok := artefact.Overlapping(list, netip.Prefix.Compare, netip.Prefix.Overlaps); ok {
		return h, i, "a CIDR that does not overlap another one"
	}
	h.prefixes = b.Build()
	return h, 0, ""
}

func readDomains(words []string) (h held, bad int, want string) {
	var patterns []netset.Pattern
	exact, wild := map[string]bool{}, map[string]bool{}
	for i, word := range words {
		host, below := strings.CutPrefix(word, ".")
		p, err := netset.ParsePattern(host)
		if err != nil || p.String() != host || !p.IsExact() || exact[host] || wild[host] {
			return h, i, "a name that is not listed twice, with a leading dot if it includes its subdomains"
		}
		patterns = append(patterns, p)
		if !below {
			exact[host] = true
			continue
		}
		wild[host] = true
		if p, err = netset.ParsePattern("*." + host); err != nil {
			return h, i, "a domain with subdomains"
		}
		patterns = append(patterns, p)
	}
	for i, word := range words {
		_, parent, more := strings.Cut(strings.TrimPrefix(word, "."), ".")
		for ; more; _, parent, more = strings.Cut(parent, ".") {
			if wild[parent] {
				return h, i, "a name that no other name covers"
			}
		}
	}
	h.names = netset.NameSetOf(patterns...)
	return h, 0, ""
}

// readExpressions reads what expression makes of patterns.
func readExpressions(words []string) (h held, bad int, want string) {
	var patterns []netset.Pattern
	for i, word := range words {
		labels := strings.NewReplacer(`[^.]+(\.[^.]+)*`, "*", `[^.]+`, "*", `[^.]*`, "*", `\.`, ".", "^", "", "$", "").Replace(word)
		p, err := netset.ParsePattern(labels)
		if err != nil || expression(p) != word {
			return h, i, "the expression of a name with a star inside a label"
		}
		patterns = append(patterns, p)
	}
	h.names = netset.NameSetOf(patterns...)
	return h, 0, ""
}

func readPorts(words []string) (h held, bad int, want string) {
	var services []netset.Service
	for i, word := range words {
		ports, err := netset.ParsePortRange(word)
		if err != nil || portWord(ports) != word {
			return h, i, "a port, or a range of ports"
		}
		services = append(services, netset.Service{Protocol: netset.TCP, Ports: ports})
	}
	h.services = netset.ServiceSetOf(services...)
	return h, 0, ""
}
