package squid

import (
	"errors"
	"net/netip"
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

// readList reads a list file of an ACL.
func readList(name string, data []byte, what string, t aclType) (held, error) {
	file := artefact.LinesOf(name, data, longestLine)
	if _, err := file.ReadTitle(what, format); err != nil {
		return held{}, err
	}
	l := list{what: what}
	first := len(l.view().Header)
	for file.At < first && file.Next() {
	}
	var words []string
	for file.Next() {
		words = append(words, file.Line)
	}
	h, bad, want := readTokens(words, t)
	if want != "" {
		return held{}, file.ForeignAt(first+bad+1, errors.New(want))
	}
	h.kind, l.tokens = t, tokenList(words).tokens
	again, err := templates.Execute("squid/list.txt.tmpl", l.view())
	if err != nil {
		return held{}, err
	}
	return h, artefact.Compare(name, data, again)
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
		if err != nil || prefixList(netset.PrefixSetOf(p)).tokens != tokens(word) {
			return h, i, "a CIDR that holds no IPv4-mapped address"
		}
		list[i] = p
		b.Add(p)
	}
	if i, ok := artefact.Overlapping(list, netip.Prefix.Compare, netip.Prefix.Overlaps); ok {
		return h, i, "a CIDR that overlaps no other"
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
			return h, i, "a name that is not there twice, with a dot in front if its subdomains belong to it"
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
				return h, i, "a name that belongs to no other"
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
