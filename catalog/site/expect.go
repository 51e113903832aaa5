package site

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/suggest"
)

// SectionExpect holds expectations by their numbers, from 0, and what each names:
// "0 in squid".
const SectionExpect = "expect"

// maxExpectations bounds a file of expectations, in bytes.
const maxExpectations = 16 << 20

// Expectation is one expectation as a site file has it. Its remotes may be those of
// entries.
type Expectation struct {
	rule.Expectation
	from  []string // entries or "<catalogue>/<area>" that are listed
	roles []rule.Role
}

// Equal reports whether two say the same, whatever the catalogues make of it.
func (e Expectation) Equal(other Expectation) bool { return reflect.DeepEqual(e, other) }

// expectations reads "expect": expectations, and names of files beside that hold more.
func (r *reader) expectations(v jsonc.Value) {
	r.site.Expectations, r.site.expectFiles = nil, nil
	r.Array(v, func(v jsonc.Value) {
		if v.Kind() == jsonc.String {
			var file string
			if r.text(&file)(v); file != "" {
				r.keep("expect file", file, v)
				r.site.expectFiles = append(r.site.expectFiles, file)
			}
			return
		}
		r.expectation(v)
	})
}

// LoadExpectations reads the expectation files that the site names. They are in dir,
// the site file's folder, or below it.
func (s *Site) LoadExpectations(dir string) error {
	for _, file := range s.expectFiles {
		path, wrong := s.ownFile(file, cmp.Or(dir, "."))
		if wrong != "" {
			return s.Errorf("expect file", file, "%q %s", file, wrong)
		}
		data, err := path.Read(maxExpectations)
		if err != nil {
			return s.Errorf("expect file", file, "%w", err)
		}
		if err = s.readExpectations(path.String(), data); err != nil && !beginsAsExpectations(data) {
			return s.Errorf("expect file", file, "%q does not start like a list of expectations, so its content is not shown; expect [{\"allow\": ...}, ...]", file)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// beginsAsExpectations tells a file of expectations, in which the first key may be a
// slip, from one that may hold secrets.
func beginsAsExpectations(data []byte) bool {
	text, err := jsonc.DecodeText("", data)
	first, isKey := jsonc.First(text)
	return err == nil && isKey && isExpectationKey(first)
}

func (s *Site) readExpectations(file string, data []byte) error {
	doc, err := jsonc.Parse(file, data)
	if err != nil {
		return err
	}
	r := &reader{Decoder: jsonc.NewDecoder(doc), file: file, site: s}
	r.Array(doc.Root(), r.expectation)
	return r.Err()
}

// isExpectationKey reports whether an expectation may begin with a key, which may be a
// slip.
func isExpectationKey(key string) bool {
	fields := (&reader{site: &Site{}}).expectationFields(&writtenExpectation{})
	return slices.ContainsFunc(fields, func(f jsonc.Field) bool {
		_, slip := suggest.Edits(key, f.Key())
		return slip
	})
}

// writtenExpectation is an expectation while it is read.
type writtenExpectation struct {
	Expectation
	number           int
	said             int // kinds of expectation: one is right
	fromList, toList jsonc.Value
}

// expectation reads one expectation.
func (r *reader) expectation(v jsonc.Value) {
	e := writtenExpectation{number: len(r.site.Expectations)}
	ok := r.Object(v, r.expectationFields(&e)...)
	switch {
	case ok && e.said == 0:
		r.Errorf(v, `this expectation has no flows; write "allow", "deny", "direct", "proxied" or "only", such as {"allow": "outbound tcp www.example.com:443"}`)
	case ok:
		r.listed(v, &e)
	}
	r.site.Expectations = append(r.site.Expectations, e.Expectation)
}

// flows reads the flows that an expectation is about.
func (r *reader) flows(e *writtenExpectation, kind rule.Expects) func(jsonc.Value) {
	parse := rule.ParseFlowPattern
	if kind == rule.ExpectOnly {
		parse = rule.ParseLocalPattern
	}
	return func(v jsonc.Value) {
		if e.said++; e.Expects != "" {
			r.Errorf(v, "%s and %s are in the same expectation; write two expectations", kind, e.Expects)
		}
		e.Expects = kind
		r.keep(SectionExpect, strconv.Itoa(e.number), v)
		var text string
		if r.text(&text)(v); text == "" {
			return
		}
		var err error
		if e.Flows, err = parse(text); err != nil {
			r.Errorf(v, "%w", err)
		}
		if e.RoutesRequests() {
			r.checkRequests(v, e.Flows)
		}
	}
}

func (r *reader) checkRequests(v jsonc.Value, p rule.FlowPattern) {
	if p.Direction == rule.Inbound || !p.Services.IsEmpty() && p.Services.Only(netset.TCP).IsEmpty() {
		r.Errorf(v, "a browser chooses routes only for outbound TCP; write a host, a URL, or outbound tcp HOST:PORTS")
	}
}

// expectedIn reads the generators to which an expectation is limited.
func (r *reader) expectedIn(v jsonc.Value, e *writtenExpectation) {
	r.Array(v, func(v jsonc.Value) {
		var name string
		r.text(&name)(v)
		if slices.Contains(e.In, name) {
			r.Errorf(v, "%s occurs twice in the list; remove one", jsonc.Quote(name))
		}
		e.In = append(e.In, name)
		r.keep(SectionExpect, InName(e.number, name), v)
	})
	if v.Kind() == jsonc.Array && len(e.In) == 0 {
		r.Errorf(v, `no generator; name one, such as "nftables", or omit "in"`)
	}
}

// InName is what SectionExpect calls a generator to which an expectation is limited.
func InName(number int, generator string) string { return fmt.Sprintf("%d in %s", number, generator) }

// listed reads the remotes of a closed world: "from" of inbound flows, "to" of outbound
// ones.
func (r *reader) listed(v jsonc.Value, e *writtenExpectation) {
	from, to := e.fromList, e.toList
	key, list, key2, other := "from", from, "to", to
	if e.Flows.Direction == rule.Outbound {
		key, list, key2, other = key2, other, key, list
	}
	switch {
	case e.Expects != rule.ExpectOnly && from.Kind() != jsonc.Invalid:
		r.Errorf(from, `"from" is only valid with "only", where it lists remotes; to name our side, write it in the flows, such as "%s from LOCAL"`, e.Flows)
		return
	case e.Expects != rule.ExpectOnly && to.Kind() != jsonc.Invalid:
		r.Errorf(to, `"to" is only valid with "only", where it lists remotes; omit it`)
		return
	case e.Expects != rule.ExpectOnly || e.Flows.Direction == "":
		return
	case other.Kind() != jsonc.Invalid:
		r.Errorf(other, `%s flows have their remotes under %q; write %q in place of %q`, e.Flows.Direction, key, key, key2)
		return
	case list.Kind() == jsonc.Invalid:
		r.Errorf(v, `"only" without the remotes that it allows; list them under %q, such as %q: [{"from": "m365/exchange"}, "198.51.100.0/24"]`, key, key)
		return
	}
	r.Array(list, func(v jsonc.Value) { r.listedRemote(v, e) })
	if list.Kind() == jsonc.Array && len(e.from)+len(e.roles)+len(e.Listed.Names) == 0 && e.Listed.Prefixes.IsEmpty() {
		r.Errorf(list, `empty list; list the allowed remotes, or write {"deny": "%s"}`, denyAll(e.Flows))
	}
}

// denyAll is the flows of an "only" expectation without any remote.
func denyAll(p rule.FlowPattern) string {
	if p.Direction == rule.Inbound {
		return "inbound tcp any to LOCAL:1-65535"
	}
	return "outbound tcp any:1-65535 from LOCAL"
}

// listedRemote reads a prefix, an FQDN pattern, {"from": ...} or {"role": ...}.
func (r *reader) listedRemote(v jsonc.Value, e *writtenExpectation) {
	if v.Kind() == jsonc.Object {
		remote := r.remote(v)
		e.from = append(e.from, remote.From...)
		for _, ref := range remote.From {
			r.keep(SectionExpect, fromName(e.number, ref), v)
		}
		if remote.Role != "" {
			e.roles = append(e.roles, remote.Role)
			r.keep(SectionExpect, roleName(e.number, remote.Role), v)
		}
		return
	}
	var text string
	if r.text(&text)(v); text == "" {
		return
	}
	prefix, name, note, err := catalog.ParseEndpoint(text)
	switch {
	case text == "any":
		r.Errorf(v, `"any" allows every remote; list the remotes that are allowed`)
	case err != nil:
		r.Errorf(v, "%w", err)
	case note != "" && strings.Contains(text, "/"):
		r.Errorf(v, "%s: %s; write %s", jsonc.Quote(text), note, jsonc.Quote(prefix.String()))
	case prefix.IsEmpty():
		e.Listed.Names = e.Listed.Names.Union(netset.PatternList{name})
	default:
		e.Listed.Prefixes = e.Listed.Prefixes.Union(prefix)
	}
}

func fromName(number int, ref string) string { return fmt.Sprintf("%d from %s", number, ref) }

func roleName(number int, role rule.Role) string { return fmt.Sprintf("%d role %s", number, role) }

// expectations returns those of the site, with the remotes of entries and roles that
// they list. What none of the catalogues has is an error.
func (b *builder) expectations() (all []rule.Expectation) {
	for i, e := range b.site.Expectations {
		b.checkExpectedRole(strconv.Itoa(i), e.Flows.Role)
		for _, ref := range e.from {
			e.Listed = e.Listed.Union(b.listedOf(i, ref))
		}
		for _, role := range e.roles {
			b.checkExpectedRole(roleName(i, role), role)
			e.Listed.Prefixes = e.Listed.Prefixes.Union(b.binding(role).Local())
		}
		all = append(all, e.Expectation)
	}
	return all
}

// listedOf returns the endpoints of the entries that "from" names.
func (b *builder) listedOf(number int, ref string) (listed rule.Endpoints) {
	others := b.referred(ref)
	if len(others) == 0 && !b.isKnownReference(ref) {
		b.failf(SectionExpect, fromName(number, ref), `"from" names %q, which is neither an entry nor a <catalogue>/<area> of the loaded catalogues; %s`, ref, b.whereFrom(ref))
	}
	of := &catalog.Entry{ID: ref} // of no kind: it takes part in nothing
	var f facts
	for _, other := range others {
		b.fill(of, other, &f)
	}
	for _, r := range f.remotes {
		listed = listed.Union(rule.Endpoints{Prefixes: r.Prefixes, Names: netset.PatternListOf(slices.Clone(r.Names))})
	}
	return listed
}

// checkExpectedRole refuses a role that nobody plays: a slip.
func (b *builder) checkExpectedRole(name string, role rule.Role) {
	if role == "" {
		return
	}
	known := b.entryRoles()
	for _, a := range b.site.Answers {
		for _, r := range a.roles() {
			known[string(r)] = true
		}
	}
	for _, one := range b.input.Bindings {
		known[string(one.Role)] = true
	}
	delete(known, "")
	if !known[string(role)] {
		b.failf(SectionExpect, name, "no entry of the loaded catalogues has the role %q%s", role, meant(string(role), known))
	}
}
