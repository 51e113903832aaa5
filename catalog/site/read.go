package site

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/feed"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/suggest"
)

// Read reads a site file: JSON, in which comments and trailing commas are accepted.
// Errors carry file, line, column and JSON pointer; up to 100 are reported at once,
// as jsonc.Errors. Whether what it names exists is for Build to say.
func Read(file string, data []byte) (*Site, error) {
	doc, err := jsonc.Parse(file, data)
	if err != nil {
		return nil, err
	}
	r := &reader{Decoder: jsonc.NewDecoder(doc), file: file, site: &Site{reading: reading{places: map[place]jsonc.Value{}}}}
	r.root(doc.Root())
	if err := r.Err(); err != nil {
		return nil, err
	}
	return r.site, nil
}

// Unquoted returns an error of Read for a site file that is a link. If the file does
// not start like a site file, it may hold secrets, and the error shows nothing of it.
func Unquoted(data []byte, err error) error {
	var inside *jsonc.Error
	if !errors.As(err, &inside) || begins(data) {
		return err
	}
	return &jsonc.Error{File: inside.File, Line: inside.Line, Col: inside.Col, Err: errors.New("this file does not start like a site file, so its content is not shown; if it is meant, name the target of the link")}
}

// begins reports whether a file begins as site files do: with one of their keys, or a
// slip of one.
func begins(data []byte) bool {
	text, err := jsonc.DecodeText("", data)
	first, isKey := jsonc.First(text)
	fields := (&reader{site: &Site{}}).fields()
	return err == nil && isKey && slices.ContainsFunc(fields, func(f jsonc.Field) bool { _, slip := suggest.Edits(first, f.Key()); return slip })
}

type reader struct {
	*jsonc.Decoder
	file     string
	site     *Site
	outputs  jsonc.Value // read once the rest is
	backends []Backend   // of a schema
}

func (r *reader) root(v jsonc.Value) {
	r.Object(v, r.fields()...)
	r.readOutputs(r.outputs)
}

// keep remembers where the site file names something.
func (r *reader) keep(section, name string, v jsonc.Value) {
	r.site.places[place{section, name}] = v
}

// catalog reads a catalogue's name or path, or a path with what the file does not
// say of itself.
func (r *reader) catalog(ref *string) func(jsonc.Value) {
	return func(v jsonc.Value) {
		if v.Kind() != jsonc.Object {
			r.text(ref)(v)
			return
		}
		var as feed.Naming
		r.Object(v, r.catalogFields(ref, &as)...)
		if as.Name != "" && !catalog.IsSlug(as.Name) {
			r.Errorf(v, "bad catalogue name %s; write a lower-case letter, then lower-case letters, digits or hyphens", jsonc.Quote(as.Name))
		}
		if r.site.Namings == nil {
			r.site.Namings = map[string]feed.Naming{}
		}
		r.site.Namings[*ref] = as
	}
}

// instance reads one of the web service's, in any letter case.
func (r *reader) instance(v jsonc.Value) string {
	if word := feed.InstanceOf(v.Text()); v.Kind() == jsonc.String && slices.Contains(feed.M365Instances(), word) {
		return word
	}
	word, _ := r.word(v, feed.M365Instances()...)
	return word
}

// list reads an array of texts, none of them twice, and keeps their places.
func (r *reader) list(section string, to *[]string) func(jsonc.Value) {
	return r.each(section, to, func(s *string) func(jsonc.Value) { return r.text(s) })
}

// readAs is list for words that are the same in another spelling.
func (r *reader) readAs(section string, to *[]string, as func(string) string) func(jsonc.Value) {
	return r.each(section, to, func(s *string) func(jsonc.Value) {
		return func(v jsonc.Value) {
			r.text(s)(v)
			*s = as(*s)
		}
	})
}

// oneOfEach reads an array of known words, none of them twice.
func (r *reader) oneOfEach(to *[]string, known ...string) func(jsonc.Value) {
	return r.each("", to, func(s *string) func(jsonc.Value) {
		return func(v jsonc.Value) { *s, _ = r.word(v, known...) }
	})
}

func (r *reader) each(section string, to *[]string, read func(*string) func(jsonc.Value)) func(jsonc.Value) {
	return func(v jsonc.Value) {
		*to = nil
		seen := map[string]bool{}
		r.Array(v, func(v jsonc.Value) {
			var s string
			read(&s)(v)
			if s != "" && seen[s] {
				r.Errorf(v, "%s occurs twice in the list; remove one", jsonc.Quote(s))
			}
			seen[s] = true
			*to = append(*to, s)
			r.keep(section, s, v)
		})
	}
}

// text reads one line of printable text that is not empty.
func (r *reader) text(to *string) func(jsonc.Value) {
	return func(v jsonc.Value) {
		s, ok := r.String(v)
		switch {
		case !ok:
		case strings.TrimSpace(s) == "":
			r.Errorf(v, "empty text; write something, or remove it")
		case !jsonc.IsPlainText(s):
			r.Errorf(v, "%s has a non-printable character; write one line of plain text", jsonc.Quote(s))
		case isBlank(s):
			r.blank(v)
		default:
			*to = s
		}
	}
}

// word reads one of the known words.
func (r *reader) word(v jsonc.Value, known ...string) (string, bool) {
	switch {
	case v.Kind() != jsonc.String:
	case isBlank(v.Text()):
		r.blank(v)
		return "", false
	case len(known) == 1 && v.Text() != known[0]:
		r.Errorf(v, "unknown value %s; write %s, or remove it", jsonc.Quote(v.Text()), jsonc.Quote(known[0]))
		return "", false
	}
	return r.OneOf(v, known...)
}

func (r *reader) selection(v jsonc.Value) { r.Object(v, r.selectionFields()...) }

func (r *reader) paths(v jsonc.Value) {
	r.keep(SectionPaths, "", v)
	if !holdsBlank(v) {
		_, r.site.PathsAsHost = r.word(v, "host")
	}
}

func (r *reader) grouping(v jsonc.Value) {
	g, _ := r.word(v, groupings()...)
	r.site.Group = Grouping(g)
}

func (r *reader) output(v jsonc.Value) {
	r.text(&r.site.Output)(v)
	r.keep("output", "", v)
}

func (r *reader) bindings(v jsonc.Value) {
	if r.site.Bindings == nil {
		r.site.Bindings = map[rule.Role]rule.Binding{}
	}
	r.Members(v, func(k jsonc.Key, v jsonc.Value) {
		role, err := rule.ParseRole(k.Text())
		if err != nil {
			r.Errorf(k, "%w", err)
			return
		}
		r.keep(SectionBind, string(role), k)
		if !holdsBlank(v) {
			r.site.Bindings[role] = r.binding(v, role)
		}
	})
}

func (r *reader) binding(v jsonc.Value, role rule.Role) rule.Binding {
	b := rule.Binding{Role: role}
	ok := false
	switch v.Kind() {
	case jsonc.Array:
		b.Addresses, ok = r.prefixes(v)
	case jsonc.Object:
		ok = r.Object(v, r.bindingFields(&b)...)
	default:
		r.Errorf(v, `expected the addresses of role %s, such as ["192.0.2.10"] or {"published": ["192.0.2.10"]}, found %v`, role, v.Kind())
	}
	if ok && b.Local().IsEmpty() {
		r.Errorf(v, `no address for role %s; write ["192.0.2.10"], or {"published": ["192.0.2.10"]} for machines behind a DNAT, or remove the role`, role)
	}
	if v4, v6 := b.Local().CoversFamily(); v4 || v6 {
		r.Errorf(v, "role %s is bound to a whole address family; list the addresses of its machines", role)
	}
	line, col := v.Pos()
	for _, text := range WideBinding(b) {
		r.site.Notices = append(r.site.Notices, catalog.Notice{Where: fmt.Sprintf("%s:%d:%d", r.file, line, col), Text: text})
	}
	return b
}

// prefixes reads the addresses of a role.
func (r *reader) prefixes(v jsonc.Value) (netset.PrefixSet, bool) {
	var b netset.PrefixBuilder
	ok := r.Array(v, func(v jsonc.Value) {
		var s string
		if r.text(&s)(v); s == "" {
			return
		}
		p, note, err := netset.ParsePrefix(s)
		switch {
		case s == "any" || err != nil && strings.HasSuffix(s, "/0"):
			r.Errorf(v, "%s covers every address; list the addresses of the role's machines", jsonc.Quote(s))
			return
		case err != nil:
			r.Errorf(v, "%w", err)
			return
		}
		r.notice(v, s, note)
		b.Add(p)
	})
	return b.Build(), ok
}

// notice tells of a normalization, but not that a bare address is one.
func (r *reader) notice(v jsonc.Value, s, note string) {
	if note != "" && strings.Contains(s, "/") {
		line, col := v.Pos()
		r.site.Notices = append(r.site.Notices, catalog.Notice{Where: fmt.Sprintf("%s:%d:%d", r.file, line, col), Text: jsonc.Quote(s) + ": " + note})
	}
}

func (r *reader) values(v jsonc.Value) {
	r.site.Values = map[string][]string{}
	r.Members(v, func(k jsonc.Key, v jsonc.Value) {
		r.keep(SectionValues, k.Text(), k)
		if holdsBlank(v) {
			return
		}
		values, ok := r.texts(v)
		if ok && len(values) == 0 {
			r.Errorf(v, "no value for %s; write one, or remove the key", jsonc.Quote(k.Text()))
		}
		r.site.Values[k.Text()] = values
	})
}

// texts reads one text, or a list of them; it is not ok if it is neither.
func (r *reader) texts(v jsonc.Value) (list []string, ok bool) {
	switch v.Kind() {
	case jsonc.String:
		list = make([]string, 1)
		r.text(&list[0])(v)
	case jsonc.Array:
		r.list("", &list)(v)
	default:
		r.Errorf(v, "expected a text or an array of texts, found %v", v.Kind())
		return nil, false
	}
	return list, true
}

func (r *reader) routes(v jsonc.Value) {
	r.site.Routes = []Route{}
	r.Array(v, func(v jsonc.Value) {
		var route Route
		r.Object(v, r.routeFields(&route)...)
		r.site.Routes = append(r.site.Routes, route)
	})
}

func (r *reader) options(v jsonc.Value) {
	if r.site.Options == nil {
		r.site.Options = map[string]map[string][]string{}
	}
	r.Members(v, func(k jsonc.Key, v jsonc.Value) {
		generator := k.Text()
		if r.site.Options[generator] == nil {
			r.site.Options[generator] = map[string][]string{}
		}
		r.keep("options", generator, k)
		r.Members(v, func(k jsonc.Key, v jsonc.Value) {
			if holdsBlankWithin(v) {
				return
			}
			r.site.Options[generator][k.Text()] = r.option(v)
			r.keep("options", generator+"."+k.Text(), k)
		})
	})
}

// option reads a generator's option: text, yes or no, a number, or a list of texts.
func (r *reader) option(v jsonc.Value) []string {
	switch v.Kind() {
	case jsonc.Bool:
		if b, _ := r.Bool(v); b {
			return []string{"yes"}
		}
		return []string{"no"}
	case jsonc.Number:
		return []string{v.Text()}
	}
	list, _ := r.texts(v)
	return list
}

func (r *reader) answers(v jsonc.Value) {
	r.site.Answers = map[string]Answer{}
	r.Members(v, func(k jsonc.Key, v jsonc.Value) {
		r.keep(SectionAnswers, k.Text(), k)
		a := writtenAnswer{unfilled: holdsBlank(v)}
		ok := r.Object(v, r.answerFields(&a)...)
		switch {
		case a.Dismissed != "" && a.says():
			r.Errorf(k, "%s is both dismissed and answered; remove one of the two", jsonc.Quote(k.Text()))
		case ok && a.Dismissed == "" && !a.says() && !a.unfilled:
			r.Errorf(v, `empty answer; write "remote", "services", "direction" or "role", or "dismissed" with the reason`)
		}
		if a.Dismissed == "" && !a.says() {
			return // blanks alone, which stop nothing
		}
		r.site.Answers[k.Text()] = a.Answer
	})
}

// writtenAnswer is an answer in which blanks may still be unfilled.
type writtenAnswer struct {
	Answer
	unfilled bool
}

func (a Answer) says() bool { return len(a.facts()) > 0 }

func (r *reader) services(v jsonc.Value) netset.ServiceSet {
	var text string
	if v.Kind() != jsonc.String {
		r.Errorf(v, `expected services as one text, such as "tcp 80, 443; udp 3478", found %v`, v.Kind())
	} else {
		r.text(&text)(v)
	}
	if text == "" {
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
