package iptables

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
)

// TestRealReaderOfSeeds holds that the tools themselves take the seeds of the fuzz
// targets as their readers do: they load what is accepted, and save it again.
func TestRealReaderOfSeeds(t *testing.T) {
	for _, variant := range []engine.Variant{engine.IptablesNFT, engine.IptablesLegacy} {
		var sets, rules strings.Builder
		var comments, ports, devices []string
		rules.WriteString("*filter\n:c - [0:0]\n")
		for _, text := range hostileTexts() {
			quoted := string(escapedComment(text))
			fmt.Fprintf(&rules, "# %s\n-A c -m comment --comment \"%s\" -j ACCEPT\n", commentOf(text), quoted)
			fmt.Fprintf(&sets, "# %s\n", commentOf(text))
			words, err := restoreWords(`"` + quoted + `"`)
			if err != nil || len(words) != 1 {
				t.Fatalf("%q is read as %q, %v", quoted, words, err)
			}
			comments = append(comments, words[0])
		}
		want := map[string]netset.PrefixSet{}
		for i, seed := range elementSeeds {
			set := ruletest.PrefixesOf([]byte(seed))
			if v4 := set.V4(); !v4.IsEmpty() {
				n := name(fmt.Sprint(prefix, "seed", i))
				fmt.Fprintf(&sets, "create %s hash:net family inet\n%s\n", n, addElements(n, v4))
				want[string(n)] = readAdds(t, string(n), string(addElements(n, v4)))
			}
			if tcp := ruletest.ServicesOf([]byte(seed)).Ports(netset.TCP); len(tcp) > 0 && len(tcp) <= 7 {
				fmt.Fprintf(&rules, "-A c -p tcp -m multiport --dports %s -j ACCEPT\n", portsOf(tcp))
				ports = append(ports, fmt.Sprint(readPortList(t, string(portsOf(tcp)))))
			}
		}
		for _, s := range nameSeeds {
			if artefact.CheckInterface(s) == nil {
				fmt.Fprintf(&rules, "-A c -i %s -j ACCEPT\n", deviceOf([]string{s}))
				devices = append(devices, s)
			}
			if n := prefix + s; checkChain(n) == nil {
				fmt.Fprintf(&rules, ":%s - [0:0]\n-A c -j %s\n", n, n)
			}
		}
		rules.WriteString("COMMIT\n")
		m, err := engine.NewMachine(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if err := m.LoadIptables(variant, []artefact.Artefact{
			{Name: "seeds.ipset", Data: []byte(sets.String())}, {Name: "seeds.iptables", Data: []byte(rules.String())},
		}); err != nil {
			t.Fatal(err)
		}
		dump, err := m.DumpIptables(variant)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readSets(dump.Ipset)
		if err != nil || len(got) != len(want) || len(want) < 2 {
			t.Errorf("%s: ipset saves %d sets, %v; want %d", variant, len(got), err, len(want))
		}
		for _, s := range got {
			if !want[s.Name].Equal(s.Prefixes) {
				t.Errorf("%s: ipset saves %s as %s; want %s", variant, s.Name, s.Prefixes, want[s.Name])
			}
		}
		values := savedValues(t, dump.IPv4)
		for option, want := range map[string][]string{"--comment": comments, "--dports": ports, "-i": devices} {
			if len(want) < 1 || !slices.Equal(values[option], want) {
				t.Errorf("%s saves %s as %q; want %q", variant, option, values[option], want)
			}
		}
	}
}

// savedValues returns what chain c has behind each option.
func savedValues(t *testing.T, dump []byte) map[string][]string {
	t.Helper()
	values := map[string][]string{}
	for line := range strings.Lines(string(dump)) {
		line, ok := strings.CutPrefix(line, "-A c ")
		if !ok {
			continue
		}
		words, err := restoreWords(line)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range words[:len(words)-1] {
			value := words[i+1]
			if w == "--dports" {
				value = fmt.Sprint(readPortList(t, value))
			}
			values[w] = append(values[w], value)
		}
	}
	return values
}
