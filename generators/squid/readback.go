package squid

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/generators/artefact"
)

// Fragment is what a rendered configuration says. Squid 5.7 has no dump of its
// ACLs to compare with (its manager's "config" report crashes it), so the files
// are read as Squid reads them.
type Fragment struct {
	ACLs    map[string]ACL
	Allow   [][]string // http_access allow lines: ACL names, "!" before those that must not match
	DenyAll bool       // whether the last line denies all

	Dirs   []string            // folders that the ACLs read their lists from, sorted
	Labels map[string][]string // comments on a rule's entries, by its ACL of ports
}

// ACL is one access list. Which of the fields is set goes by the type.
type ACL struct {
	Type        string // "src", "dst -n", "dstdomain -n", "dstdom_regex -n", "port"
	Prefixes    netset.PrefixSet
	Names       netset.NameSet // ".example.com" is both "example.com" and "*.example.com"
	Expressions []string
	Services    netset.ServiceSet
}

// ReadBack reads the configuration and the lists of an output of this package.
// What Generate does not write is an error with its line.
func ReadBack(artefacts []artefact.Artefact) (Fragment, error) {
	f := Fragment{ACLs: map[string]ACL{}, Labels: map[string][]string{}}
	lists := map[string][]byte{}
	var conf []byte
	for _, a := range artefacts {
		if a.Name == confName {
			conf = a.Data
		} else {
			lists[path.Base(a.Name)] = a.Data
		}
	}
	var comments []string // on the lines that follow
	for i, line := range strings.Split(string(conf), "\n") {
		if words := strings.Fields(line); len(words) == 0 {
			comments = nil
		} else if text, ok := strings.CutPrefix(line, "# "); ok {
			comments = append(comments, text)
		} else if words[0] == "acl" && len(comments) > 1 && strings.HasSuffix(words[1], portsSuffix) {
			f.Labels[words[1]] = comments[1:] // the first is the rule's id
		}
		if err := f.readLine(line, lists); err != nil {
			return Fragment{}, fmt.Errorf("%s:%d: %w", confName, i+1, err)
		}
	}
	return f, nil
}

func (f *Fragment) readLine(line string, lists map[string][]byte) error {
	words := strings.Fields(line)
	switch {
	case len(words) == 0 || strings.HasPrefix(line, "#"):
		return nil
	case f.DenyAll:
		return fmt.Errorf("%q comes after http_access deny all", line)
	case line == "http_access deny all":
		f.DenyAll = true
		return nil
	case len(words) > 2 && words[0] == "http_access" && words[1] == "allow":
		f.Allow = append(f.Allow, words[2:])
		return nil
	case len(words) > 3 && words[0] == "acl":
		return f.readACL(words[1], strings.Join(words[2:len(words)-1], " "), words[len(words)-1], lists)
	}
	return fmt.Errorf("unexpected line %q", line)
}

func (f *Fragment) readACL(name, kind, file string, lists map[string][]byte) error {
	data, ok := lists[path.Base(strings.Trim(file, `"`))]
	if !ok {
		return fmt.Errorf("acl %s: no list %s", name, file)
	}
	if _, ok := f.ACLs[name]; ok {
		return fmt.Errorf("acl %s is there twice", name)
	}
	if at, known := slices.BinarySearch(f.Dirs, path.Dir(strings.Trim(file, `"`))); !known {
		f.Dirs = slices.Insert(f.Dirs, at, path.Dir(strings.Trim(file, `"`)))
	}
	a := ACL{Type: kind}
	var read func([]string) error
	switch aclType(kind) {
	case typeSrc, typeDst:
		read = a.readPrefixes
	case typeDomain:
		read = a.readDomains
	case typePort:
		read = a.readPorts
	case typeDomainRegex:
		read = func(words []string) error { a.Expressions = words; return nil }
	default:
		return fmt.Errorf("acl %s: unexpected type %q", name, kind)
	}
	if err := read(readTokens(data)); err != nil {
		return fmt.Errorf("acl %s: %w", name, err)
	}
	f.ACLs[name] = a
	return nil
}

// readTokens returns the lines of a list file that are not comments.
func readTokens(data []byte) []string {
	var words []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && line[0] != '#' {
			words = append(words, line)
		}
	}
	return words
}

func (a *ACL) readPrefixes(words []string) error {
	var b netset.PrefixBuilder
	for _, w := range words {
		p, _, err := netset.ParsePrefix(w)
		if err != nil {
			return err
		}
		b.Add(p)
	}
	a.Prefixes = b.Build()
	return nil
}

func (a *ACL) readDomains(words []string) error {
	var patterns []netset.Pattern
	for _, w := range words {
		apex, below := strings.CutPrefix(w, ".")
		texts := []string{apex}
		if below {
			texts = append(texts, "*."+apex)
		}
		for _, text := range texts {
			p, err := netset.ParsePattern(text)
			if err != nil {
				return err
			}
			patterns = append(patterns, p)
		}
	}
	a.Names = netset.NameSetOf(patterns...)
	return nil
}

func (a *ACL) readPorts(words []string) error {
	var services []netset.Service
	for _, w := range words {
		r, err := netset.ParsePortRange(w)
		if err != nil {
			return err
		}
		services = append(services, netset.Service{Protocol: netset.TCP, Ports: r})
	}
	a.Services = netset.ServiceSetOf(services...)
	return nil
}
