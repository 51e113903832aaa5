package catalog

import (
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// PlaceholderKind says what may stand in a placeholder's place.
type PlaceholderKind string

const (
	Label PlaceholderKind = "label" // one DNS label, such as a tenant's name
	FQDN  PlaceholderKind = "fqdn"  // a whole FQDN, such as an e-mail domain
)

// Placeholder is a named gap in an endpoint, written <name>.
type Placeholder struct {
	Name string
	Kind PlaceholderKind
}

// isPlaceholder reports whether s can name a placeholder.
func isPlaceholder(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == ""
}

// check refuses a value that does not fit the placeholder.
func (p Placeholder) check(value string) error {
	name, err := netset.ParsePattern(value + map[PlaceholderKind]string{Label: ".example.com"}[p.Kind])
	if err == nil && name.IsExact() && (p.Kind == FQDN || name.Labels() == 3) {
		return nil
	}
	if p.Kind == Label {
		return fmt.Errorf("%q does not fit <%s>; expect one DNS label, such as \"contoso\"", value, p.Name)
	}
	return fmt.Errorf("%q does not fit <%s>; expect an FQDN, such as \"example.com\"", value, p.Name)
}

// Fill returns the name that the endpoint stands for with the given values in
// place of its placeholders. A path is left out: the whole host is meant.
func (p Pending) Fill(values map[string]string) (netset.Pattern, error) {
	host := p.Host
	for _, one := range p.Placeholders {
		value := values[one.Name]
		if err := one.check(value); err != nil {
			return netset.Pattern{}, err
		}
		host = strings.ReplaceAll(host, "<"+one.Name+">", strings.TrimSuffix(value, "."))
	}
	return netset.ParsePattern(host)
}

// ParseEndpoint reads an endpoint that a rule can hold as it is: a prefix, an
// address or an FQDN pattern. The note tells what was normalized.
func ParseEndpoint(s string) (prefix netset.PrefixSet, name netset.Pattern, note string, err error) {
	if looksLikeAddress(s) {
		p, note, err := netset.ParsePrefix(s)
		if err != nil {
			return prefix, name, "", err
		}
		return netset.PrefixSetOf(p), name, note, nil
	}
	name, err = netset.ParsePattern(s)
	return prefix, name, "", err
}

// looksLikeAddress tells what is meant as an address or prefix from names: it
// holds two colons, or what stands before a slash is digits and dots.
func looksLikeAddress(s string) bool {
	if strings.Count(s, ":") > 1 {
		return true
	}
	host, _, _ := strings.Cut(s, "/")
	return host != "" && strings.Trim(host, "0123456789.") == ""
}

// endpoints reads the list of endpoints as they are published.
func (r *reader) endpoints(v jsonc.Value, e *Entry) {
	var prefixes netset.PrefixBuilder
	seen := map[netset.Pattern]bool{}
	empty := true
	r.Array(v, func(v jsonc.Value) {
		empty = false
		s, ok := r.String(v)
		if !ok {
			return
		}
		switch {
		case looksLikeAddress(s):
			p, note, err := netset.ParsePrefix(s)
			if err != nil {
				r.Errorf(v, "%w", err)
				return
			}
			if note != "" {
				r.notice(v, note)
			}
			prefixes.Add(p)
		case !strings.Contains(s, "://") && strings.ContainsAny(s, "<>/"):
			r.pending(v, s, e)
		default:
			name, err := netset.ParsePattern(s)
			if err != nil {
				r.Errorf(v, "%w", err)
			} else if !seen[name] {
				seen[name] = true
				e.Names = append(e.Names, name)
			}
		}
	})
	if empty {
		r.Errorf(v, "no endpoints; list prefixes or FQDNs, or list \"remote\" under \"unsaid\"")
	}
	e.Prefixes = prefixes.Build()
	if v4, v6 := e.Prefixes.CoversFamily(); v4 || v6 {
		r.Errorf(v, "these prefixes together cover a whole address family; a catalogue cannot say \"any\"")
	}
}

func (r *reader) notice(v jsonc.Value, text string) {
	line, col := v.Pos()
	r.catalog.Notices = append(r.catalog.Notices, Notice{Where: fmt.Sprintf("%s:%d:%d", r.file, line, col), Text: text})
}

// pending reads an endpoint with a path or placeholders. Its host must be a valid
// pattern once it is filled.
func (r *reader) pending(v jsonc.Value, s string, e *Entry) {
	p := Pending{Text: s, Host: s}
	if i := strings.IndexByte(s, '/'); i >= 0 {
		p.Host, p.Path = s[:i], s[i:]
	}
	if strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\'' || c == '\\' }) {
		r.Errorf(v, "%s holds a character that no endpoint has", jsonc.Quote(s))
		return
	}
	names, err := placeholderNames(p.Host)
	if err != nil || strings.ContainsAny(p.Path, "<>") {
		r.Errorf(v, "%s: malformed placeholder; write <name> with lower-case letters and underscores, in the host alone", jsonc.Quote(s))
		return
	}
	samples := map[string]string{}
	for _, name := range names {
		kind, ok := r.kinds[name]
		if !ok {
			r.Errorf(v, "placeholder <%s> is not declared; add it to \"placeholders\" with its kind, \"label\" or \"fqdn\"", name)
			return
		}
		p.Placeholders = append(p.Placeholders, Placeholder{name, kind})
		samples[name] = map[PlaceholderKind]string{Label: "contoso", FQDN: "example.com"}[kind]
	}
	if _, err := p.Fill(samples); err != nil {
		r.Errorf(v, "%s: %w", jsonc.Quote(s), err)
		return
	}
	if !slices.ContainsFunc(e.Pending, func(have Pending) bool { return have.Text == p.Text }) {
		e.Pending = append(e.Pending, p)
	}
}

// placeholderNames returns the names between angle brackets, in order, each once.
func placeholderNames(host string) ([]string, error) {
	var names []string
	for {
		before, rest, ok := strings.Cut(host, "<")
		if strings.Contains(before, ">") {
			return nil, fmt.Errorf("unbalanced")
		}
		if !ok {
			return names, nil
		}
		name, after, ok := strings.Cut(rest, ">")
		if !ok || !isPlaceholder(name) {
			return nil, fmt.Errorf("unbalanced")
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		host = after
	}
}
