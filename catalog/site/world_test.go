package site

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog"
)

// The laws are tested on documents: a world is a catalogue and a site as people
// write them, and oracles that read these words alone, entry by entry.

// entryDoc is an entry as it is written; an empty fact is unsaid.
type entryDoc struct {
	ID        string            `json:"id"`
	Title     string            `json:"title"`
	Kind      string            `json:"kind,omitempty"`
	Area      string            `json:"area,omitempty"`
	Category  string            `json:"category,omitempty"`
	Required  bool              `json:"required,omitempty"`
	Instance  []string          `json:"instance,omitempty"`
	Direction string            `json:"direction,omitempty"`
	Role      string            `json:"role,omitempty"`
	Services  string            `json:"services,omitempty"`
	Endpoints []string          `json:"endpoints,omitempty"`
	Inferred  map[string]string `json:"inferred,omitempty"`
	Unsaid    map[string]whyDoc `json:"unsaid,omitempty"`
}

type whyDoc struct {
	Why string `json:"why"`
}

type answerDoc struct {
	Remote    any    `json:"remote,omitempty"` // "any", a list, or from
	Services  string `json:"services,omitempty"`
	Direction string `json:"direction,omitempty"`
	Role      string `json:"role,omitempty"`
	Dismissed string `json:"dismissed,omitempty"`
}

type fromDoc struct {
	From string `json:"from"`
}

type selectDoc struct {
	Area         []string `json:"area,omitempty"`
	Category     []string `json:"category,omitempty"`
	Entry        []string `json:"entry,omitempty"`
	Direction    []string `json:"direction,omitempty"`
	Instance     []string `json:"instance,omitempty"`
	RequiredOnly bool     `json:"required_only,omitempty"`
	Exclude      []string `json:"exclude,omitempty"`
}

type bindDoc struct {
	Addresses []string `json:"addresses,omitempty"`
	Published []string `json:"published,omitempty"`
}

type siteDoc struct {
	Select  selectDoc            `json:"select"`
	Group   string               `json:"group,omitempty"`
	Bind    map[string]bindDoc   `json:"bind,omitempty"`
	Answers map[string]answerDoc `json:"answers,omitempty"`
	Values  map[string][]string  `json:"values,omitempty"`
	Paths   string               `json:"paths,omitempty"`
}

type world struct {
	entries []entryDoc
	site    siteDoc
}

// build reads both documents and builds the policy.
func (w world) build(t testing.TB) (*Result, error) {
	t.Helper()
	entries := slices.Clone(w.entries)
	if entries == nil {
		entries = []entryDoc{}
	}
	c, err := catalog.Read("catalog.json", marshal(t, map[string]any{
		"catalog": "c", "revision": "1", "title": "c", "entries": entries,
		"placeholders": map[string]string{"tenant": "label", "email_domain": "fqdn"},
	}))
	if err != nil {
		t.Fatalf("%v\n%s", err, marshal(t, w.entries))
	}
	s, err := Read("site.json", marshal(t, w.site))
	if err != nil {
		t.Fatalf("%v\n%s", err, marshal(t, w.site))
	}
	return Build(s, []*catalog.Catalog{c})
}

func (w world) mustBuild(t testing.TB) *Result {
	t.Helper()
	r, err := w.build(t)
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, marshal(t, w.entries), marshal(t, w.site))
	}
	return r
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func some[T any](r *rand.Rand, n int, list ...T) []T {
	var chosen []T
	for range r.IntN(n + 1) {
		chosen = append(chosen, pick(r, list...))
	}
	return chosen
}

func each(r *rand.Rand, chance int, list ...string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(string) bool { return r.IntN(chance) > 0 })
}

// randomWorld makes a small world in which entries overlap all the time.
func randomWorld(r *rand.Rand) world {
	var w world
	for i := range 2 + r.IntN(9) {
		w.entries = append(w.entries, randomEntry(r, i))
	}
	w.entries = append(w.entries, entryDoc{ // something to refer to, in all the areas, instances and placeholders
		ID: "known", Title: "known", Area: "mail", Instance: []string{"Worldwide", "China"}, Direction: "outbound", Role: "sts", Services: "tcp 1",
		Endpoints: []string{"10.0.0.6/31", "x.example.org", "<tenant>.example.com", "d.<email_domain>"},
	})
	for _, role := range []string{"exchange", "sbc"} { // for all the roles; in no selected instance
		w.entries = append(w.entries, entryDoc{
			ID: "of-" + role, Title: role, Instance: []string{"USGovDoD"}, Direction: "inbound", Role: role, Services: "tcp 1", Endpoints: []string{"10.0.1.1"},
		})
	}
	w.site = siteDoc{
		Select: selectDoc{
			Area: each(r, 8, "mail"), Category: each(r, 8, "optimize", "none"), Entry: each(r, 20, "known", "e0"),
			Direction: each(r, 8, "outbound", "inbound"), Instance: each(r, 3, "Worldwide", "China"),
			RequiredOnly: r.IntN(12) == 0, Exclude: each(r, 10, "e0", "known"),
		},
		Group:   pick(r, "", "area", "entry", "none"),
		Bind:    map[string]bindDoc{},
		Answers: map[string]answerDoc{},
		Values:  map[string][]string{},
		Paths:   pick(r, "", "host"),
	}
	for role, b := range map[string]bindDoc{
		"clients": {Addresses: []string{"172.16.0.0/30", "fd00::/126"}}, "exchange": {Addresses: []string{"172.16.0.8"}, Published: []string{"172.16.0.9", "fd00::9"}},
		"sts": {Published: []string{"172.16.0.2/31"}},
	} {
		if r.IntN(6) > 0 {
			w.site.Bind[role] = b
		}
	}
	for name, values := range map[string][]string{"tenant": {"a", "b"}, "email_domain": {"example.com"}} {
		if r.IntN(2) == 0 {
			w.site.Values[name] = values[:1+r.IntN(len(values))]
		}
	}
	for _, e := range w.entries {
		if a := randomAnswer(r, e); a != (answerDoc{}) && r.IntN(3) > 0 {
			w.site.Answers["c/"+e.ID] = a
		}
	}
	return w
}

func randomEntry(r *rand.Rand, i int) entryDoc {
	e := entryDoc{
		ID: fmt.Sprintf("e%d", i), Title: "e", Area: pick(r, "", "mail", "voice"), Category: pick(r, "", "", "optimize"), Required: r.IntN(2) == 0,
		Instance:  pick(r, nil, nil, []string{"China"}, []string{"China", "Worldwide"}),
		Direction: pick(r, "outbound", "inbound", "bidirectional", "bidirectional", ""), Role: pick(r, "clients", "exchange", "sts", ""),
		Services: pick(r, "tcp 1-3", "tcp 2", "udp 1-4", "tcp 1-4; udp 2-4", ""),
		Endpoints: some(r, 6, "example.com", "*.example.com", "a.example.com", "*a.example.com", "a.*.example.com", "example.org", "x.example.org/path",
			"<tenant>.example.com", "a.<email_domain>", "10.0.0.0/30", "10.0.0.2/31", "10.0.0.1", "2001:db8::/127"),
		Inferred: map[string]string{}, Unsaid: map[string]whyDoc{},
	}
	if r.IntN(6) == 0 {
		e.Kind, e.Direction, e.Role, e.Services = "trusted-site", "", "", ""
		e.Endpoints = slices.DeleteFunc(e.Endpoints, func(s string) bool { return strings.ContainsAny(s, ":") || s[0] == '1' })
	}
	for fact, said := range e.facts() {
		switch {
		case !said:
			e.Unsaid[fact] = whyDoc{"not published"}
		case r.IntN(4) == 0:
			e.Inferred[fact] = "a reading"
		}
	}
	return e
}

// facts says of each fact that the entry has whether it is published.
func (e entryDoc) facts() map[string]bool {
	facts := map[string]bool{"remote": len(e.Endpoints) > 0}
	if e.Kind == "" {
		facts["services"], facts["direction"], facts["role"] = e.Services != "", e.Direction != "", e.Role != ""
	}
	return facts
}

// randomAnswer answers some of what may be answered.
func randomAnswer(r *rand.Rand, e entryDoc) (a answerDoc) {
	if r.IntN(12) == 0 {
		return answerDoc{Dismissed: "not here"}
	}
	may := func(fact string) bool {
		said, has := e.facts()[fact]
		return has && (!said || e.Inferred[fact] != "") && r.IntN(4) > 0
	}
	if may("remote") {
		a.Remote = pick(r, any(&fromDoc{"c/known"}), any(&fromDoc{"c/mail"}), any("10.0.0.5 b.example.com"))
		if e.Kind == "" {
			a.Remote = pick(r, a.Remote, any("any"), any("10.0.0.4/30"))
		} else if a.Remote == any("10.0.0.5 b.example.com") {
			a.Remote = any("b.example.com")
		}
	}
	if may("services") {
		a.Services = pick(r, "tcp 4", "udp 1-2", "tcp 2-3")
	}
	if may("direction") {
		a.Direction = pick(r, "outbound", "inbound", "bidirectional")
	}
	if may("role") {
		a.Role = pick(r, "clients", "exchange", "sts", "sbc")
	}
	return a
}

// MarshalJSON writes a remote of several words as a list.
func (a answerDoc) MarshalJSON() ([]byte, error) {
	type plain answerDoc
	if s, ok := a.Remote.(string); ok && s != "any" {
		a.Remote = strings.Fields(s)
	}
	return json.Marshal(plain(a))
}
