package catalog

import (
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// PlaceholderKind says which values may replace a placeholder.
type PlaceholderKind string

const (
	Label PlaceholderKind = "label" // one DNS label, such as a tenant's name
	FQDN  PlaceholderKind = "fqdn"  // a whole FQDN, such as an e-mail domain
)

// sample is a value of the kind.
func (k PlaceholderKind) sample() string {
	if k == Label {
		return "contoso"
	}
	return "example.com"
}

// Placeholder is a named gap in an endpoint, written <name>: at most MaxSlug
// lower-case letters and underscores.
type Placeholder struct {
	Name string
	Kind PlaceholderKind
}

func isPlaceholder(s string) bool {
	return s != "" && len(s) <= MaxSlug && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == ""
}

// check refuses a value that does not fit the placeholder.
func (p Placeholder) check(value string) error {
	name, err := netset.ParsePattern(value)
	switch {
	case p.Kind == Label && netset.IsHostLabel(value), p.Kind == FQDN && err == nil && name.IsExact():
		return nil
	case value == "":
		return fmt.Errorf("no value for <%s>; give one such as %q", p.Name, p.Kind.sample())
	case p.Kind == Label:
		return fmt.Errorf("%s does not fit <%s>; write one label of letters, digits and inner hyphens, such as %q", jsonc.Quote(value), p.Name, p.Kind.sample())
	}
	return fmt.Errorf("%s does not fit <%s>; write an FQDN, such as %q", jsonc.Quote(value), p.Name, p.Kind.sample())
}

// Fill returns the names that the endpoint stands for, one for each combination of
// the given values of its placeholders, which are by their names. It leaves the path
// out: the whole host is meant. A value that is missing, or is not of the
// placeholder's kind, is an error; so is one that makes a name too long.
func (p Pending) Fill(values map[string][]string) ([]netset.Pattern, error) {
	hosts := []string{p.Host}
	for _, one := range p.Placeholders {
		if len(values[one.Name]) == 0 {
			return nil, one.check("")
		}
		var filled []string
		for _, host := range hosts {
			for _, value := range values[one.Name] {
				if err := one.check(value); err != nil {
					return nil, err
				}
				filled = append(filled, strings.ReplaceAll(host, "<"+one.Name+">", strings.TrimSuffix(value, ".")))
			}
		}
		hosts = filled
	}
	names := make([]netset.Pattern, len(hosts))
	for i, host := range hosts {
		var err error
		if names[i], err = netset.ParsePattern(host); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// Pattern is the widest that the endpoint may stand for: a star for each placeholder.
func (p Pending) Pattern() (netset.Pattern, error) {
	host := p.Host
	for _, one := range p.Placeholders {
		host = strings.ReplaceAll(host, "<"+one.Name+">", "*")
	}
	return netset.ParsePattern(host)
}

// placeholders reads which placeholders the document's endpoints hold.
func (r *reader) placeholders(v jsonc.Value) {
	r.kinds = map[string]PlaceholderKind{}
	r.Members(v, func(k jsonc.Key, v jsonc.Value) {
		if !isPlaceholder(k.Text()) {
			r.Errorf(k, "bad placeholder name %s; use at most %d lower-case letters and underscores", jsonc.Quote(k.Text()), MaxSlug)
		}
		kind, _ := r.OneOf(v, placeholderKinds()...)
		r.kinds[k.Text()] = PlaceholderKind(kind)
	})
}

// pending reads an endpoint with a path or placeholders. Its host must be a valid
// pattern once it is filled.
func (r *reader) pending(v jsonc.Value, s string, g *gatherer) {
	p := Pending{Host: s}
	if i := strings.IndexByte(s, '/'); i >= 0 {
		p.Host, p.Path = s[:i], s[i:]
	}
	names, err := placeholderNames(p.Host)
	if err == nil {
		err = p.checkPath(s)
	}
	if err != nil {
		r.Errorf(v, "%w", err)
		return
	}
	samples := map[string][]string{}
	for _, name := range names {
		kind, ok := r.kinds[name]
		if !ok {
			r.Errorf(v, `placeholder <%s> is not declared; add it to the document's "placeholders" as "label" or "fqdn"`, name)
			return
		}
		p.Placeholders = append(p.Placeholders, Placeholder{name, kind})
		samples[name] = []string{kind.sample()}
	}
	p.Host = strings.ToLower(strings.TrimSuffix(p.Host, "."))
	p.Text = p.Host + p.Path
	if _, err := p.Fill(samples); err != nil {
		r.Errorf(v, "%s: %w", jsonc.Quote(s), err)
		return
	}
	if !g.pending[p.Text] {
		g.pending[p.Text] = true
		g.entry.Pending = append(g.entry.Pending, p)
	}
}

// narrowings reads the endpoints that replace a name once the site gives values.
func (r *reader) narrowings(e *Entry, v jsonc.Value) {
	if v.Kind() == jsonc.Invalid {
		return
	}
	r.Members(v, func(k jsonc.Key, v jsonc.Value) {
		name, err := netset.ParsePattern(k.Text())
		if err != nil || !slices.Contains(e.Names, name) {
			r.Errorf(k, "%s is not a name of this entry; narrow a name that the entry lists", jsonc.Quote(k.Text()))
			return
		}
		into := gatherer{entry: &Entry{}, names: map[netset.Pattern]bool{}, pending: map[string]bool{}}
		r.Array(v, func(v jsonc.Value) {
			if s, ok := r.String(v); ok && strings.Contains(s, "<") {
				r.pending(v, s, &into)
			} else if ok {
				r.Errorf(v, "%s has no placeholder; write one such as \"<tenant>.example.com\"", jsonc.Quote(s))
			}
		})
		e.Narrowings = append(e.Narrowings, Narrowing{name, into.entry.Pending})
	})
}

// checkPath refuses what cannot be shown as the path of an endpoint s.
func (p Pending) checkPath(s string) error {
	odd := func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\'' || c == '\\' || c == '`' }
	plain, query := cutQuery(p.Path)
	switch {
	case query:
		return fmt.Errorf("%s has a query or a fragment, which an endpoint cannot have and which may be a secret; write %s", jsonc.Quote(withoutUser(p.Host+plain)+"…"), jsonc.Quote(withoutUser(p.Host+plain)))
	case p.Path == "/":
		return fmt.Errorf("%s ends with a slash; write %s for the whole host", jsonc.Quote(s), jsonc.Quote(p.Host))
	case strings.Contains(p.Host, ":"):
		host, _, _ := strings.Cut(p.Host, ":")
		return fmt.Errorf(`%s has a port; write %s here, and the port under "services"`, jsonc.Quote(s), jsonc.Quote(host+p.Path))
	case strings.ContainsAny(p.Path, "<>"):
		return fmt.Errorf("%s has a placeholder in its path, where placeholders are not filled; write the path up to it", jsonc.Quote(s))
	case len(p.Path) > MaxText:
		return fmt.Errorf("%s has a path of %d bytes; write at most %d", jsonc.Quote(s), len(p.Path), MaxText)
	case strings.ContainsFunc(p.Path, odd):
		return fmt.Errorf("%s has a character in its path that is not allowed in a URL; write it percent-encoded", jsonc.Quote(s))
	}
	return nil
}

// placeholderNames returns the names between angle brackets, in order, each once.
func placeholderNames(host string) ([]string, error) {
	var names []string
	for rest := host; ; {
		before, after, opened := strings.Cut(rest, "<")
		name, next, closed := strings.Cut(after, ">")
		switch {
		case strings.Contains(before, ">"):
			return nil, fmt.Errorf(`%s has a ">" without its "<"; write a placeholder as "<tenant>"`, jsonc.Quote(host))
		case !opened:
			return names, nil
		case !closed:
			return nil, fmt.Errorf(`%s has a "<" without its ">"; write a placeholder as "<tenant>"`, jsonc.Quote(host))
		case !isPlaceholder(name):
			return nil, fmt.Errorf(`%s: %s is not a placeholder name; use lower-case letters and underscores, as in "<tenant>"`, jsonc.Quote(host), jsonc.Quote(name))
		case !slices.Contains(names, name):
			names = append(names, name)
		}
		rest = next
	}
}

// cutQuery parts a path from its query or fragment.
func cutQuery(path string) (plain string, found bool) {
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		return path[:i], true
	}
	return path, false
}
