package generators

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/pac"
	"gatewright/generators/proof"
)

// twoValues are two values of each option that is a list, by kind of generator; each
// value has a mark of its own, so that a value which gets lost shows.
func twoValues(g Generator) map[string][]string {
	if g.Kind() == artefact.ProxyChooser {
		return map[string][]string{
			"proxy":    {"proxy1.example.net:3128", "proxy2.example.net:3128"},
			"roles":    {"clients", "servers"},
			"local":    {"203.0.113.0/28", "2001:db8:1::/48"},
			"internal": {"*.corp.example.com", "203.0.113.128/28"},
		}
	}
	return map[string][]string{
		"wan":   {"wan1", "wan2"},
		"lan":   {"lan1", "lan2"},
		"roles": {"clients", "servers"},
		"admin": {"203.0.113.1 tcp 22", "2001:db8::/64 tcp 8443"},
	}
}

// TestEveryListHasTwoValues holds that no list is left out here.
func TestEveryListHasTwoValues(t *testing.T) {
	for _, g := range conforming() {
		for _, o := range g.Options() {
			if values := twoValues(g)[o.Name]; o.List && len(values) != 2 {
				t.Errorf("%s: option %s is a list; give it two values in twoValues", g.Name(), o.Name)
			}
		}
	}
}

// sample is a case with both directions, both families and two bound roles.
func sample(t *testing.T) *rule.Policy {
	t.Helper()
	c, err := parseCase([]byte(`{
		"claim": "rules of two roles, in both directions and families",
		"bindings": {"clients": {"addresses": ["10.0.0.0/8", "fd00::/16"]}, "servers": {"addresses": ["192.168.7.5", "fd01::5"]}},
		"grants": [
			{"entry": {"id": "own/a", "area": "a"}, "direction": "outbound", "role": "clients", "prefixes": ["192.0.2.0/24", "2001:db8:7::/48"], "services": "tcp 443"},
			{"entry": {"id": "own/b", "area": "b"}, "direction": "outbound", "role": "servers", "prefixes": ["198.51.100.0/24"], "services": "udp 53"},
			{"entry": {"id": "own/c", "area": "c"}, "direction": "inbound", "role": "servers", "prefixes": ["198.51.100.9", "2001:db8:9::9"], "services": "tcp 25", "route": -1},
			{"entry": {"id": "own/d", "area": "d"}, "direction": "outbound", "role": "clients", "names": ["a.example.com", "*.example.org"], "services": "tcp 443"}
		]}`))
	if err != nil {
		t.Fatal(err)
	}
	return c.compile(t)
}

// TestPacketFiltersServeBothRoles holds that a machine of two roles lets pass what a
// machine of either does, and nothing else.
func TestPacketFiltersServeBothRoles(t *testing.T) {
	p := sample(t)
	for _, g := range conforming() {
		if g.Kind() != artefact.PacketFilter {
			continue
		}
		for _, base := range []map[string][]string{{"place": {"host"}}, {"mode": {"enforce"}, "place": {"host"}, "admin": {"none"}}} {
			if !takes(g, setting{"base", base}) {
				continue
			}
			opened := func(roles ...string) rule.TrafficSet {
				options := maps.Clone(base)
				options["roles"] = roles
				r, err := g.Read(artefact.FilesOf(generate(t, g, p, setting{"roles", options}).Artefacts))
				if err != nil {
					t.Fatal(err)
				}
				var all []rule.TrafficSet
				for _, f := range r.Filters {
					for _, l := range f.Lines {
						all = append(all, l.Traffic)
					}
				}
				return rule.UniteTraffic(all...)
			}
			one, other, both := opened("clients"), opened("servers"), opened("clients", "servers")
			if one.IsEmpty() || other.IsEmpty() || !both.Equal(rule.UniteTraffic(one, other)) {
				t.Errorf("%s, %v: one role opens %v, the other %v, both %v", g.Name(), base, one.Flows(rule.Outbound), other.Flows(rule.Outbound), both.Flows(rule.Outbound))
			}
		}
	}
}

// TestPacketFiltersRenderBothValues holds that of a list's two values each has the
// statements that it has alone, and that there are no others.
func TestPacketFiltersRenderBothValues(t *testing.T) {
	p := sample(t)
	enforce := map[string][]string{"mode": {"enforce"}, "place": {"forward"}, "admin": {"none"}}
	for _, g := range conforming() {
		if g.Kind() != artefact.PacketFilter {
			continue
		}
		for _, test := range []struct {
			name  string
			base  map[string][]string
			lists []string
		}{
			{"chains", nil, []string{"wan", "lan"}},
			{"mark", map[string][]string{"mode": {"mark"}}, []string{"wan", "lan"}},
			{"enforce", enforce, []string{"wan", "lan"}},
			{"admin", enforce, []string{"admin"}},
			{"enforced host's admin", map[string][]string{"mode": {"enforce"}, "place": {"host"}, "roles": {"clients"}, "admin": {"none"}}, []string{"admin"}},
		} {
			statements := func(values map[string][]string) map[string]bool {
				options := maps.Clone(test.base)
				if options == nil {
					options = map[string][]string{}
				}
				maps.Copy(options, values)
				return statementsOf(generate(t, g, p, setting{test.name, options}))
			}
			both, want := map[string][]string{}, map[string]bool{}
			for _, list := range test.lists {
				both[list] = twoValues(g)[list]
			}
			if !takes(g, setting{test.name, both}) || !takes(g, setting{test.name, test.base}) {
				continue
			}
			for _, one := range singles(both) {
				maps.Copy(want, statements(one))
			}
			have := statements(both)
			for _, line := range slices.Sorted(maps.Keys(want)) {
				if !have[line] {
					t.Errorf("%s, %s, %v: lacks %q", g.Name(), test.name, both, line)
				}
			}
			for _, line := range slices.Sorted(maps.Keys(have)) {
				if !want[line] {
					t.Errorf("%s, %s, %v: has %q, and with one value it is not there", g.Name(), test.name, both, line)
				}
			}
		}
	}
}

// singles are all ways to take one value of each list.
func singles(lists map[string][]string) []map[string][]string {
	all := []map[string][]string{{}}
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		var longer []map[string][]string
		for _, value := range lists[name] {
			for _, one := range all {
				one = maps.Clone(one)
				one[name] = []string{value}
				longer = append(longer, one)
			}
		}
		all = longer
	}
	return all
}

// quotedSet is nft's set of interfaces: { "wan1", "wan2" }.
var quotedSet = regexp.MustCompile(`\{ ("[a-z0-9]+"(?:, "[a-z0-9]+")+) \}`)

// statementsOf are the lines of all files but comments; a line that names several
// interfaces is one for each.
func statementsOf(out artefact.Output) map[string]bool {
	all := map[string]bool{}
	var add func(line string)
	add = func(line string) {
		set := quotedSet.FindStringSubmatchIndex(line)
		if set == nil {
			all[line] = true
			return
		}
		for name := range strings.SplitSeq(line[set[2]:set[3]], ", ") {
			add(line[:set[0]] + name + line[set[1]:])
		}
	}
	for _, a := range out.Artefacts {
		for line := range strings.Lines(string(a.Data)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				add(a.Name + ": " + strings.TrimSuffix(line, ","))
			}
		}
	}
	return all
}

// TestPACAnswersByBothValues asks real engines of a file that has two of everything.
func TestPACAnswersByBothValues(t *testing.T) {
	p := sample(t)
	s := setting{"two of everything", twoValues(pac.Generator{})}
	out := generate(t, pac.Generator{}, p, s)
	r, err := proof.PAC(t.Context(), p, s.settings(t, pac.Generator{}), out.Artefacts)
	complain(t, proofComplaints(r, err))
	file := string(out.Artefacts[0].Data)
	if !strings.Contains(file, "PROXY proxy1.example.net:3128; PROXY proxy2.example.net:3128") {
		t.Error("the file does not try both proxies in their order")
	}
	for name, values := range twoValues(pac.Generator{}) {
		for i := range values {
			one := maps.Clone(s.options)
			one[name] = []string{values[i]}
			if text(generate(t, pac.Generator{}, p, setting{"one", one})) == text(out) {
				t.Errorf("without the other value of %s than %q, the file is the same", name, values[i])
			}
		}
	}
}
