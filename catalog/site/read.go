package site

import (
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// Read reads a site file. file is used in errors, which carry file, line, column
// and JSON pointer; up to 100 are reported at once.
func Read(file string, data []byte) (*Site, error) {
	doc, err := jsonc.Parse(file, data)
	if err != nil {
		return nil, err
	}
	r := &reader{Decoder: jsonc.NewDecoder(doc), site: &Site{}}
	r.root(doc.Root())
	if err := r.Err(); err != nil {
		return nil, err
	}
	return r.site, nil
}

type reader struct {
	*jsonc.Decoder
	site *Site
}

func (r *reader) root(v jsonc.Value) {
	s := r.site
	r.Object(v,
		jsonc.Optional("catalogs", r.list(&s.Catalogs)),
		jsonc.Optional("select", r.selection),
		jsonc.Optional("group", func(v jsonc.Value) {
			g, _ := r.OneOf(v, string(ByArea), string(ByEntry), string(ByNone))
			s.Group = Grouping(g)
		}),
		jsonc.Optional("bind", r.bindings),
		jsonc.Optional("answers", r.answers),
		jsonc.Optional("values", r.values),
		jsonc.Optional("paths", func(v jsonc.Value) { _, s.PathsAsHost = r.OneOf(v, "host") }),
		jsonc.Optional("routes", r.routes),
		jsonc.Optional("tolerate", r.tolerate),
		jsonc.Optional("options", r.options),
		jsonc.Optional("generators", r.list(&s.Generators)),
		jsonc.Optional("output", r.text(&s.Output)),
	)
}

// list reads an array of strings, none of them empty or twice.
func (r *reader) list(to *[]string) func(jsonc.Value) {
	return func(v jsonc.Value) {
		seen := map[string]bool{}
		r.Array(v, func(v jsonc.Value) {
			var s string
			r.text(&s)(v)
			if s != "" && seen[s] {
				r.Errorf(v, "%s stands twice in the list; remove one", jsonc.Quote(s))
			}
			seen[s] = true
			*to = append(*to, s)
		})
	}
}

// text reads one line of text that is not empty.
func (r *reader) text(to *string) func(jsonc.Value) {
	return func(v jsonc.Value) {
		s, ok := r.String(v)
		switch {
		case !ok:
		case strings.TrimSpace(s) == "":
			r.Errorf(v, "empty text; write a value or remove it")
		case strings.ContainsFunc(s, func(c rune) bool {
			return c < ' ' || c == 0x7f || c == '\u2028' || c == '\u2029' || c >= 0x80 && c < 0xa0
		}):
			r.Errorf(v, "%s holds a control character; write one line of plain text", jsonc.Quote(s))
		case isBlank(s):
			r.Errorf(v, "%s is a blank to fill in; write the value in its place", jsonc.Quote(s))
		default:
			*to = s
		}
	}
}

// isBlank tells the blanks of suggested lines, "<CIDR>", from values.
func isBlank(s string) bool { return strings.HasPrefix(s, "<") && strings.HasSuffix(s, ">") }

func (r *reader) selection(v jsonc.Value) {
	s := &r.site.Select
	r.Object(v,
		jsonc.Optional("area", r.list(&s.Areas)),
		jsonc.Optional("category", r.oneOfEach(&s.Categories, "optimize", "allow", "default", "none")),
		jsonc.Optional("entry", r.list(&s.Entries)),
		jsonc.Optional("direction", r.oneOfEach(&s.Directions, string(rule.Outbound), string(rule.Inbound))),
		jsonc.Optional("instance", r.list(&s.Instances)),
		jsonc.Optional("required_only", func(v jsonc.Value) { s.RequiredOnly, _ = r.Bool(v) }),
		jsonc.Optional("exclude", r.list(&s.Exclude)),
	)
}

func (r *reader) oneOfEach(to *[]string, known ...string) func(jsonc.Value) {
	return func(v jsonc.Value) {
		r.Array(v, func(v jsonc.Value) {
			if s, ok := r.OneOf(v, known...); ok {
				*to = append(*to, s)
			}
		})
	}
}

func (r *reader) bindings(v jsonc.Value) {
	r.site.Bindings = map[rule.Role]rule.Binding{}
	r.Members(v, func(k jsonc.Key, v jsonc.Value) {
		role, err := rule.ParseRole(k.Text())
		if err != nil {
			r.Errorf(k, "%w", err)
			return
		}
		b := rule.Binding{Role: role}
		if v.Kind() == jsonc.Array {
			r.prefixes(&b.Addresses)(v)
		} else {
			r.Object(v,
				jsonc.Optional("addresses", r.prefixes(&b.Addresses)),
				jsonc.Optional("published", r.prefixes(&b.Published)),
			)
		}
		if b.Local().IsEmpty() {
			r.Errorf(v, "no address for role %s; write [\"192.0.2.10\"], or {\"published\": [...]} for machines behind a DNAT, or remove the role", role)
		}
		r.site.Bindings[role] = b
	})
}

func (r *reader) prefixes(to *netset.PrefixSet) func(jsonc.Value) {
	return func(v jsonc.Value) {
		var b netset.PrefixBuilder
		r.Array(v, func(v jsonc.Value) {
			var s string
			if r.text(&s)(v); s == "" {
				return
			}
			p, _, err := netset.ParsePrefix(s)
			if err != nil {
				r.Errorf(v, "%w", err)
				return
			}
			b.Add(p)
		})
		*to = b.Build()
		if v4, v6 := to.CoversFamily(); v4 || v6 {
			r.Errorf(v, "these prefixes together cover a whole address family; list the addresses that are meant")
		}
	}
}

func (r *reader) values(v jsonc.Value) {
	r.site.Values = map[string][]string{}
	r.Members(v, func(k jsonc.Key, v jsonc.Value) {
		var values []string
		if v.Kind() == jsonc.String {
			values = make([]string, 1)
			r.text(&values[0])(v)
		} else {
			r.list(&values)(v)
		}
		r.site.Values[k.Text()] = values
	})
}

func (r *reader) routes(v jsonc.Value) {
	r.site.Routes = []Route{}
	r.Array(v, func(v jsonc.Value) {
		var route Route
		var via string
		r.Object(v,
			jsonc.Optional("area", r.list(&route.Areas)),
			jsonc.Optional("category", r.oneOfEach(&route.Categories, "optimize", "allow", "default", "none")),
			jsonc.Optional("entry", r.list(&route.Entries)),
			jsonc.Required("via", r.text(&via)),
		)
		route.Via = rule.Via(via)
		r.site.Routes = append(r.site.Routes, route)
	})
}

func (r *reader) tolerate(v jsonc.Value) {
	r.site.Tolerate = map[string][]string{}
	r.Members(v, func(k jsonc.Key, v jsonc.Value) {
		var verdicts []string
		r.oneOfEach(&verdicts, "narrower", "wider", "absent")(v)
		r.site.Tolerate[k.Text()] = verdicts
	})
}

func (r *reader) options(v jsonc.Value) {
	r.site.Options = map[string]map[string][]string{}
	r.Members(v, func(k jsonc.Key, v jsonc.Value) {
		options := map[string][]string{}
		r.Members(v, func(k jsonc.Key, v jsonc.Value) { options[k.Text()] = r.option(v) })
		r.site.Options[k.Text()] = options
	})
}

// option reads a generator's option: text, yes or no, a number, or a list of texts.
func (r *reader) option(v jsonc.Value) []string {
	var s string
	switch v.Kind() {
	case jsonc.Bool:
		if b, _ := r.Bool(v); b {
			return []string{"yes"}
		}
		return []string{"no"}
	case jsonc.Number:
		return []string{v.Text()}
	case jsonc.Array:
		var list []string
		r.list(&list)(v)
		return list
	}
	r.text(&s)(v)
	return []string{s}
}

func (r *reader) answers(v jsonc.Value) {
	r.site.Answers = map[string]Answer{}
	r.Members(v, func(k jsonc.Key, v jsonc.Value) {
		a := Answer{where: func(format string, args ...any) error { return k.Errorf(format, args...) }}
		r.Object(v,
			jsonc.Optional("remote", func(v jsonc.Value) { a.Remote = r.remote(v) }),
			jsonc.Optional("services", func(v jsonc.Value) { a.Services = r.services(v) }),
			jsonc.Optional("direction", func(v jsonc.Value) {
				d, _ := r.OneOf(v, string(catalog.Outbound), string(catalog.Inbound), string(catalog.Bidirectional))
				a.Direction = catalog.Direction(d)
			}),
			jsonc.Optional("role", func(v jsonc.Value) { a.Role = r.role(v) }),
			jsonc.Optional("dismissed", r.text(&a.Dismissed)),
		)
		if a.Dismissed != "" && a.says() {
			r.Errorf(k, "%s is dismissed and answered; remove one of the two", jsonc.Quote(k.Text()))
		}
		r.site.Answers[k.Text()] = a
	})
}

func (a Answer) says() bool {
	return a.Remote != nil || !a.Services.IsEmpty() || a.Direction != "" || a.Role != ""
}

func (r *reader) services(v jsonc.Value) netset.ServiceSet {
	var text string
	if r.text(&text)(v); text == "" {
		return netset.ServiceSet{}
	}
	s, err := netset.ParseServices(text)
	if err != nil {
		r.Errorf(v, "%w", err)
	}
	return s
}

func (r *reader) role(v jsonc.Value) rule.Role {
	var text string
	if r.text(&text)(v); text == "" {
		return ""
	}
	role, err := rule.ParseRole(text)
	if err != nil {
		r.Errorf(v, "%w", err)
	}
	return role
}

// remote reads "any", {"from": ...}, or a list of prefixes and FQDN patterns.
func (r *reader) remote(v jsonc.Value) *Remote {
	remote := &Remote{}
	switch v.Kind() {
	case jsonc.String:
		_, remote.Any = r.OneOf(v, "any")
	case jsonc.Object:
		r.Object(v, jsonc.Required("from", func(v jsonc.Value) {
			if v.Kind() == jsonc.String {
				remote.From = make([]string, 1)
				r.text(&remote.From[0])(v)
				return
			}
			r.list(&remote.From)(v)
		}))
	default:
		var b netset.PrefixBuilder
		r.Array(v, func(v jsonc.Value) { r.endpoint(v, remote, &b) })
		remote.Prefixes = b.Build()
		if !remote.Any && len(remote.Names) == 0 && remote.Prefixes.IsEmpty() {
			r.Errorf(v, "an empty remote; list prefixes or FQDNs, or write {\"from\": \"an entry's id\"}, or use \"dismissed\"")
		}
	}
	return remote
}

func (r *reader) endpoint(v jsonc.Value, remote *Remote, b *netset.PrefixBuilder) {
	var s string
	if r.text(&s)(v); s == "" {
		return
	}
	prefixes, name, _, err := catalog.ParseEndpoint(s)
	if err != nil {
		r.Errorf(v, "%w", err)
		return
	}
	if prefixes.IsEmpty() {
		remote.Names = append(remote.Names, name)
	} else {
		b.AddSet(prefixes)
	}
}
