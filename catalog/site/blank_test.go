package site

import (
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/rule"
)

// What still holds a blank is as good as not there: it stops nothing, not even where an
// entry or a role is not known.
func TestBlanksAreOpen(t *testing.T) {
	const blanks = `{
		"paths": "<host, or remove this line>",
		"values": { "tenant": ["<tenant>"], "nothing": "<value>" },
		"bind": { "sbc": ["<CIDR>"], "exchange": ["10.0.0.1", "<CIDR>"], "unheard-of": { "published": ["<CIDR>"] } },
		"answers": {
			"own/hook": { "remote": ["198.51.100.0/24"], "services": "<tcp PORT, ...>" },
			"own/silent": { "remote": ["<CIDR or FQDN>"], "services": "<tcp PORT, ...>", "direction": "<outbound, inbound or bidirectional>", "role": "<role>" },
			"own/guessed": { "dismissed": "<why>" },
			"own/nothing": { "remote": { "from": "<entry>" } },
			"own/nothing-too": { "services": "tcp 443, <PORT>" },
		},
		"options": { "pac": { "proxy": ["p:1", "HTTPS <HOST>:443"], "local": "<CIDR>, 10.0.0.0/8", "plain": "direct" } },
	}`
	with, without := build(t, blanks), build(t, `{ "answers": { "own/hook": { "remote": ["198.51.100.0/24"] } } }`)
	open := func(r *Result) string {
		var texts []string
		for _, o := range r.Policy.Open {
			texts = append(texts, o.Entry.ID+" "+o.Missing+" "+o.Endpoint)
		}
		return strings.Join(texts, "\n")
	}
	if open(with) != open(without) {
		t.Errorf("open with blanks:\n%s\nwithout:\n%s", open(with), open(without))
	}
	if got, want := strings.Join(inRules(with), " "), strings.Join(inRules(without), " "); got != want {
		t.Errorf("in rules %s, want %s", got, want)
	}
	if slices.ContainsFunc(with.Policy.Bindings, func(b rule.Binding) bool { return b.Role != rule.Clients }) {
		t.Errorf("bindings %v", with.Policy.Bindings)
	}
	s, err := Read("site.json", []byte(blanks))
	if err != nil {
		t.Fatal(err)
	}
	if pac := s.Options["pac"]; len(pac["proxy"]) != 0 || len(pac["local"]) != 0 || len(pac["plain"]) != 1 {
		t.Errorf("options %v", s.Options)
	}
}
