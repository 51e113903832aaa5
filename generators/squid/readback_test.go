package squid

import (
	"slices"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
)

// TestReadBack compares what the files say with the model's sets.
func TestReadBack(t *testing.T) {
	for _, e := range examples(t) {
		p := ruletest.Compile(t, e.in)
		f, err := ReadBack(generate(t, p, e.settings).Artefacts)
		if err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		if want := e.settings["mode"] != nil; f.DenyAll != want {
			t.Errorf("%s: denies all: %t; want %t", e.name, f.DenyAll, want)
		}
		acls, lines := 0, 0
		for _, b := range p.Bindings {
			if a, ok := f.ACLs["gatewright_src_"+string(b.Role)]; ok {
				acls++
				if a.Type != "src" || !a.Prefixes.Equal(b.Local()) {
					t.Errorf("%s: role %s is %+v; want %s", e.name, b.Role, a, b.Local())
				}
			}
		}
		for i := range p.Rules {
			a, l := checkRule(t, f, &p.Rules[i])
			acls, lines = acls+a, lines+l
		}
		if acls != len(f.ACLs) || lines != len(f.Allow) {
			t.Errorf("%s: %d ACLs and %d lines belong to no rule", e.name, len(f.ACLs)-acls, len(f.Allow)-lines)
		}
	}
}

// checkRule returns how many ACLs and lines the rule has.
func checkRule(t *testing.T, f Fragment, r *rule.Rule) (acls, lines int) {
	t.Helper()
	base := "gatewright_" + string(r.ID) + "_"
	ports, ok := f.ACLs[base+"ports"]
	if ok != carried(r) {
		t.Errorf("rule %s is rendered: %t", r.ID, ok)
	}
	if !ok {
		return 0, 0
	}
	if !ports.Services.Equal(r.Services.Only(netset.TCP)) {
		t.Errorf("rule %s has %s; want %s", r.ID, ports.Services, r.Services)
	}
	start := []string{"gatewright_src_" + string(r.Role), base + "ports"}
	expect := func(parts ...string) {
		t.Helper()
		want := append(append(slices.Clone(start), parts...), "!manager")
		if !slices.ContainsFunc(f.Allow, func(l []string) bool { return slices.Equal(l, want) }) {
			t.Errorf("rule %s: no line allows %v", r.ID, want)
		}
		lines++
	}
	acls = 1
	if r.Remote.Any {
		expect()
		return acls, lines
	}
	if names, ok := f.ACLs[base+"names"]; ok {
		acls++
		line := []string{base + "names"}
		if apexes, ok := f.ACLs[base+"apexes"]; ok {
			acls++
			line = append(line, "!"+base+"apexes")
			names.Names = names.Names.Without(apexes.Names)
		}
		expect(line...)
		for p := range names.Names.Patterns() {
			if !r.Remote.Names().Covers(p) {
				t.Errorf("rule %s has %s", r.ID, p)
			}
		}
	}
	if patterns, ok := f.ACLs[base+"patterns"]; ok {
		acls++
		expect(base + "patterns")
		if len(patterns.Expressions) == 0 {
			t.Errorf("rule %s has an empty list of patterns", r.ID)
		}
	}
	if literals, ok := f.ACLs[base+"literals"]; ok {
		acls++
		expect(base + "literals")
		if !literals.Prefixes.Equal(r.Remote.Prefixes()) {
			t.Errorf("rule %s has literals %s; want %s", r.ID, literals.Prefixes, r.Remote.Prefixes())
		}
	}
	return acls, lines
}

func TestReadBackRefusesOtherLines(t *testing.T) {
	list := artefact.Artefact{Name: "gatewright/x.txt", Data: []byte("# x\n443\n")}
	for conf, want := range map[string]string{
		"http_port 3128\n":                               `gatewright.squid.conf:1: unexpected line "http_port 3128"`,
		"# x\nacl x port \"/d/y.txt\"\n":                 `gatewright.squid.conf:2: acl x: no list "/d/y.txt"`,
		"acl x time \"/d/x.txt\"\n":                      `gatewright.squid.conf:1: acl x: unexpected type "time"`,
		"acl x port \"/x.txt\"\nacl x port \"/x.txt\"\n": `gatewright.squid.conf:2: acl x is there twice`,
		"http_access deny all\nhttp_access allow x\n":    `gatewright.squid.conf:2: "http_access allow x" comes after http_access deny all`,
	} {
		_, err := ReadBack([]artefact.Artefact{list, {Name: confName, Data: []byte(conf)}})
		if errorText(err) != want {
			t.Errorf("%q: error %q; want %q", conf, errorText(err), want)
		}
	}
}
