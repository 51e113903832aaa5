package catalog

import (
	"fmt"
	"net/netip"
	"strings"

	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// ParseEndpoint reads an endpoint that a rule can hold as it is: a CIDR or an
// address, which becomes a set of one prefix, or an FQDN pattern, which leaves the
// set empty. The note tells what was normalized. A URL, a path, a port, a
// placeholder or several endpoints in one text are errors that say what to write.
func ParseEndpoint(s string) (prefix netset.PrefixSet, name netset.Pattern, note string, err error) {
	if err := checkForm(s); err != nil {
		return prefix, name, "", err
	}
	if !looksLikeAddress(s) {
		name, err = netset.ParsePattern(s)
		return prefix, name, "", err
	}
	p, note, err := netset.ParsePrefix(s)
	return netset.PrefixSetOf(p), name, note, err
}

// checkForm refuses a text that is not a single endpoint, whatever its content.
func checkForm(s string) error {
	for i := range len(s) {
		switch s[i] {
		case ' ', ',', ';':
			if strings.Contains(s, " - ") && looksLikeAddress(s) {
				return nil // a range, of which ParsePrefix says how to write it
			}
			if strings.ContainsAny(strings.TrimSpace(s), " ,;") {
				return fmt.Errorf("%s is more than one endpoint; write each endpoint as a separate string", jsonc.Quote(s))
			}
		case ':':
			if strings.HasPrefix(s[i:], "://") {
				return urlError(s)
			}
		}
	}
	return nil
}

// urlError says how to write a URL as an endpoint and a service.
func urlError(s string) error {
	s, _ = cutQuery(withoutUser(s)) // which may be secrets
	scheme, rest, _ := strings.Cut(s, "://")
	host, path := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	host, port, hasPort := strings.Cut(host, ":")
	if !hasPort {
		port = map[string]string{"https": "443", "http": "80"}[strings.ToLower(scheme)]
	}
	if path == "/" {
		path = ""
	}
	_, badHost := netset.ParsePattern(host)
	_, badPort := netset.ParsePortRange(port)
	if badHost != nil || badPort != nil {
		return fmt.Errorf(`%s is a URL; write its host here, and its port under "services"`, jsonc.Quote(s))
	}
	return fmt.Errorf(`%s is a URL; write %s here, and "tcp %s" under "services"`, jsonc.Quote(s), jsonc.Quote(host+path), port)
}

// looksLikeAddress tells what is meant as an address or a prefix from names: it
// starts with digits and dots as addresses do, or holds two colons. It also takes
// ranges and addresses with a port, for the error then says how to mend them.
func looksLikeAddress(s string) bool {
	s = strings.ReplaceAll(strings.TrimSpace(s), " - ", "-")
	i := 0
	for i < len(s) && (s[i] == '.' || s[i] >= '0' && s[i] <= '9') {
		i++
	}
	switch {
	case i == len(s):
		return s != ""
	case i > 0 && (s[i] == '/' || s[i] == ':' || s[i] == '%'):
		return true
	case i > 0 && s[i] == '-':
		return strings.Trim(s, "0123456789.-") == ""
	}
	return strings.Count(s, ":") > 1 && !strings.Contains(s, "://")
}

// endpoints reads the list of an entry's endpoints as they are published.
func (r *reader) endpoints(v jsonc.Value, e *Entry) {
	g := gatherer{entry: e, names: map[netset.Pattern]bool{}, pending: map[string]bool{}}
	before := r.listed
	r.Array(v, func(v jsonc.Value) {
		switch r.listed++; {
		case r.listed == MaxEndpoints+1:
			r.Errorf(v, "more than %d endpoints; split the catalogue", MaxEndpoints)
		case r.listed > MaxEndpoints:
		case v.Kind() == jsonc.String:
			r.endpoint(v, g.text.of(v.Bytes()), &g)
		default:
			r.String(v)
		}
	})
	if v.Kind() == jsonc.Array && r.listed == before {
		r.Errorf(v, `no endpoints; list prefixes or FQDNs, or write "remote" under "unsaid"`)
	}
	e.Prefixes = g.prefixes.Build()
	if v4, v6 := e.Prefixes.CoversFamily(); v4 || v6 {
		r.Errorf(v, `these prefixes together cover a whole address family, which a catalogue cannot contain; write "remote" under "unsaid", and let the site answer`)
	}
}

// gatherer collects the endpoints of one entry.
type gatherer struct {
	entry    *Entry
	prefixes netset.PrefixBuilder
	names    map[netset.Pattern]bool
	pending  map[string]bool // by text
	text     arena
}

func (r *reader) endpoint(v jsonc.Value, s string, g *gatherer) {
	if looksLikeAddress(s) {
		r.prefix(v, s, g)
		return
	}
	if err := checkForm(s); err != nil {
		r.Errorf(v, "%w", err)
		return
	}
	s = strings.Clone(s)
	if strings.ContainsAny(s, "<>/") {
		r.pending(v, s, g)
		return
	}
	name, err := netset.ParsePattern(s)
	switch {
	case err != nil:
		r.Errorf(v, "%w", err)
	case !g.names[name]:
		g.names[name] = true
		g.entry.Names = append(g.entry.Names, name)
	}
}

func (r *reader) prefix(v jsonc.Value, s string, g *gatherer) {
	p, note, err := netset.ParsePrefix(s)
	if err != nil {
		r.Errorf(v, "%w", explainPrefix(s, err))
		return
	}
	if note != "" {
		r.notice(v, s, note)
	}
	g.prefixes.Add(p)
	if r.onPrefix != nil {
		r.onPrefix(p)
	}
}

// explainPrefix returns a better error than that of package netset where a catalogue
// has one.
func explainPrefix(s string, err error) error {
	if form := checkForm(s); form != nil {
		return form
	}
	if p, bad := netip.ParsePrefix(s); bad == nil && p.Bits() == 0 {
		return fmt.Errorf(`%s covers a whole address family, which a catalogue cannot contain; write "remote" under "unsaid", and let the site answer`, jsonc.Quote(s))
	}
	return err
}

// notice tells of a normalization. Finding a place reads the document, so that
// only the first ones get theirs.
func (r *reader) notice(v jsonc.Value, s, note string) {
	if r.notices++; r.notices <= maxNotices {
		line, col := v.Pos()
		r.catalog.Notices = append(r.catalog.Notices, Notice{fmt.Sprintf("%s:%d:%d", r.file, line, col), jsonc.Quote(s) + ": " + note})
	}
}

// arena makes strings of bytes, many to an allocation.
type arena struct{ chunk strings.Builder }

func (a *arena) of(b []byte) string {
	if a.chunk.Cap()-a.chunk.Len() < len(b) {
		a.chunk.Reset()
		a.chunk.Grow(max(len(b), 64<<10))
	}
	start := a.chunk.Len()
	a.chunk.Write(b)
	return a.chunk.String()[start:]
}
