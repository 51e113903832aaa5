package squid

import (
	"path"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
)

// seen returns what a proxy sees of a policy.
func seen(p *rule.Policy) *rule.Policy {
	q := &rule.Policy{Bindings: p.Bindings}
	for _, r := range p.Rules {
		if carried(&r) {
			r.Services = r.Services.Only(netset.TCP)
			q.Rules = append(q.Rules, r)
		}
	}
	return q
}

func readPolicy(t testing.TB, artefacts []artefact.Artefact) (*rule.Policy, error) {
	t.Helper()
	f, err := ReadBack(artefacts)
	if err != nil {
		t.Fatal(err)
	}
	return f.Policy()
}

func difference(t *testing.T, old, new rule.Compiled) rule.Diff {
	t.Helper()
	d, err := rule.Compare(old, new)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The files allow what the policy accepts, all of it and nothing else.
func TestReadPolicy(t *testing.T) {
	for _, e := range examples(t) {
		p := ruletest.Compile(t, e.in)
		got, err := readPolicy(t, generate(t, p, e.settings).Artefacts)
		if err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		want := seen(p)
		if d := difference(t, rule.Compiled{Policy: want}, rule.Compiled{Policy: got}); !d.IsEmpty() {
			t.Errorf("%s: the files say %+v more and %+v less", e.name, d.Added.Rules, d.Removed.Rules)
		}
		if len(got.Rules) != len(want.Rules) {
			t.Errorf("%s: %d rules are read; want %d", e.name, len(got.Rules), len(want.Rules))
		}
		for i, r := range got.Rules {
			w := want.Rules[i]
			if r.ID != w.ID || r.Role != w.Role || len(r.Entries) != len(w.Entries) {
				t.Errorf("%s: rule %d is read as %s of %s from %v; want %s of %s from %v", e.name, i, r.ID, r.Role, r.Entries, w.ID, w.Role, w.Entries)
			}
			for j := range r.Entries {
				if r.Entries[j].ID != string(commentOf(artefact.Label(w.Entries[j]))) {
					t.Errorf("%s: rule %s is from %q", e.name, r.ID, r.Entries[j].ID)
				}
			}
		}
	}
}

// A token less in a list is less that is allowed, or more where it is an exception.
func TestReadPolicyTellsEveryToken(t *testing.T) {
	tried := map[bool]int{}
	for _, e := range examples(t) {
		if e.name == "hostile" {
			continue // its rules accept the same
		}
		p := ruletest.Compile(t, e.in)
		all := generate(t, p, e.settings).Artefacts
		whole := rule.Compiled{Policy: seen(p)}
		for i, a := range all {
			for _, token := range readTokens(a.Data) {
				if a.Name == confName {
					continue
				}
				isApex := strings.HasSuffix(a.Name, "_apexes.txt")
				changed := slices.Clone(all)
				changed[i].Data = []byte(strings.Replace("\n"+string(a.Data), "\n"+token+"\n", "\n", 1))
				got, err := readPolicy(t, changed)
				if err != nil {
					t.Fatalf("%s without %s of %s: %v", e.name, token, path.Base(a.Name), err)
				}
				d := difference(t, whole, rule.Compiled{Policy: got})
				if tried[isApex]++; isApex != (len(d.Added.Rules) > 0) || isApex == (len(d.Removed.Rules) > 0) {
					t.Errorf("%s without %s of %s: %+v more, %+v less", e.name, token, path.Base(a.Name), d.Added.Rules, d.Removed.Rules)
				}
			}
		}
	}
	if tried[true] < 3 || tried[false] < 20 {
		t.Errorf("only %v tokens were tried", tried)
	}
}

func TestReadPolicyRefuses(t *testing.T) {
	lists := map[string]string{
		"src": "10.0.0.0/8\n", "ports": "443\n", "names": ".example.com\n", "apexes": "example.com\n",
		"inner": "www.example.com\n", "regex": "^www[.]example\\.com$\n",
	}
	types := map[string]aclType{"src": typeSrc, "ports": typePort, "names": typeDomain, "apexes": typeDomain, "inner": typeDomain, "regex": typeDomainRegex}
	for line, want := range map[string]string{
		"src ports names !apexes !manager":       "",
		"src ports names !inner !manager":        "!inner takes names out of the middle of names",
		"src ports names":                        "expect sources, ports and !manager",
		"src names ports !manager":               "expect sources, ports and !manager",
		"!src ports names !manager":              "expect sources, ports and !manager",
		"src ports names apexes !manager":        "what the remote has to be is not ours",
		"src ports names inner apexes !manager":  "what the remote has to be is not ours",
		"src ports regex !manager":               `"^www[.]example\\.com$" is no expression of a pattern`,
		"src ports other !manager":               "what the remote has to be is not ours",
		"src ports !manager\nhttp_access deny x": "",
	} {
		conf := ""
		var artefacts []artefact.Artefact
		line, _, unused := strings.Cut(line, "\n")
		for name, data := range lists {
			if unused || slices.Contains(strings.Fields(strings.ReplaceAll(line, "!", "")), name) {
				conf += "acl " + name + " " + string(types[name]) + " \"/d/" + name + ".txt\"\n"
				artefacts = append(artefacts, artefact.Artefact{Name: listFolder + name + ".txt", Data: []byte(data)})
			}
		}
		conf += "http_access allow " + line + "\n"
		_, err := readPolicy(t, append(artefacts, artefact.Artefact{Name: confName, Data: []byte(conf)}))
		if unused {
			want = "is in no http_access line"
		}
		if want == "" && err != nil || !strings.Contains(errorText(err), want) {
			t.Errorf("%q: error %v; want %q", line, err, want)
		}
	}
}

// Every pattern is read back from its expression.
func TestReadExpressions(t *testing.T) {
	for _, text := range []string{"*.example.com", "a*b.example.com", "*a.*.b*c.example.com", "www.*.example.com", "*-x.example.com", "_tcp.xn--bcher-kva.example"} {
		p := ruletest.Pattern(t, text)
		got, err := readExpressions([]string{expression(p)})
		if err != nil || got.String() != p.String() {
			t.Errorf("%s is read back as %s, %v", p, got, err)
		}
	}
	for _, text := range []string{"example\\.com", "^example.com$", "^.*$", "^(a|b)\\.example\\.com$", "^[^.]+\\.example\\.com$", "^exa$mple\\.com$", ""} {
		if got, err := readExpressions([]string{text}); err == nil {
			t.Errorf("%q is read as %s", text, got)
		}
	}
}
