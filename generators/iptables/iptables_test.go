package iptables

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/artefact/artefacttest"
)

func TestGolden(t *testing.T) {
	for _, e := range examples(t) {
		t.Run(e.name, func(t *testing.T) {
			for file, got := range e.texts(t) {
				artefacttest.Golden(t, e.name+strings.TrimPrefix(file, "gatewright")+".golden", got)
			}
		})
	}
}

func TestOrderOfInputChangesNothing(t *testing.T) {
	for _, e := range examples(t) {
		reversed := e
		reversed.in = ruletest.Reversed(e.in)
		if !maps.Equal(e.texts(t), reversed.texts(t)) {
			t.Errorf("%s: reversed input changes an artefact", e.name)
		}
	}
}

func TestSplitPrefixesChangeNothing(t *testing.T) {
	whole, split := siteInput(t), siteInput(t)
	for i, g := range split.Grants {
		if g.Entry.ID == "sample/screen-sharing" {
			split.Grants[i].Prefixes = ruletest.Prefixes(t, "52.112.0.0/15", "52.114.0.0/15", "52.114.7.0/24", "2603:1063::/39", "2603:1063:200::/39")
		}
	}
	for _, ipset := range []string{"yes", "no"} {
		raw := map[string][]string{"ipset": {ipset}}
		if !maps.Equal(texts(t, whole, raw), texts(t, split, raw)) {
			t.Errorf("ipset %s: a prefix written as its halves changes an artefact", ipset)
		}
	}
}

func TestAccount(t *testing.T) {
	type account struct {
		name, load      string
		rules, elements int
	}
	const (
		load4  = `iptables-restore --noflush < gatewright.iptables && iptables-save -t filter | awk 'NR==FNR{if(/^:/)k[$1];next}/^:gw_/&&!($1 in k){c=substr($1,2);f=f"-F "c"\n";x=x"-X "c"\n"}END{print"*filter\n"f x"COMMIT"}' gatewright.iptables - | iptables-restore --noflush`
		load6  = `ip6tables-restore --noflush < gatewright.ip6tables && ip6tables-save -t filter | awk 'NR==FNR{if(/^:/)k[$1];next}/^:gw_/&&!($1 in k){c=substr($1,2);f=f"-F "c"\n";x=x"-X "c"\n"}END{print"*filter\n"f x"COMMIT"}' gatewright.ip6tables - | ip6tables-restore --noflush`
		remove = ` && ipset list -n | awk 'NR==FNR{k[$2];next}/^gw_/&&!($1 in k)' gatewright.ipset - | xargs -rn1 ipset destroy`
	)
	for _, c := range []struct {
		settings map[string][]string
		want     []account
	}{
		{nil, []account{
			{"gatewright.ipset", "ipset restore < gatewright.ipset", 0, 0},
			{"gatewright.iptables", load4, 8, 63},
			{"gatewright.ip6tables", load6 + remove, 6, 56},
		}},
		{map[string][]string{"ipset": {"no"}}, []account{
			{"gatewright.iptables", load4, 8, 63},
			{"gatewright.ip6tables", load6, 6, 56},
		}},
		{map[string][]string{"place": {"host"}, "roles": {"sbc"}}, []account{
			{"gatewright.ipset", "ipset restore < gatewright.ipset", 0, 0},
			{"gatewright.iptables", load4, 1, 2},
			{"gatewright.ip6tables", load6 + remove, 0, 0},
		}},
	} {
		out, err := generate(t, siteInput(t), c.settings)
		if err != nil {
			t.Fatal(err)
		}
		var got []account
		for _, a := range out.Artefacts {
			got = append(got, account{a.Name, a.Load, a.Rules, a.Elements})
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v:\n got %v\nwant %v", c.settings, got, c.want)
		}
	}
}

// TestNamesFit holds that the longest role and rule id leave room for their sets.
func TestNamesFit(t *testing.T) {
	role := rule.Role("role-of-16-chars")
	g := ruletest.Grant(t, "sample/long", "eightlong", rule.Inbound, role, "tcp 443", many(24)...)
	in := rule.Input{
		Bindings: []rule.Binding{{Role: role, Addresses: ruletest.Prefixes(t, many(30)...), Published: ruletest.Prefixes(t, "10.0.0.0/8", "fc00::/7")}},
		Grants:   []rule.Grant{g},
	}
	for _, ipset := range []string{"yes", "no"} {
		for name, text := range texts(t, in, map[string][]string{"ipset": {ipset}}) {
			for _, word := range strings.Fields(text) {
				word = strings.TrimPrefix(word, ":")
				if strings.HasPrefix(word, "gw_") && len(word) > 31 || strings.HasPrefix(word, "gw_") && name != "gatewright.ipset" && len(word) > 28 {
					t.Errorf("%s: name %s has %d bytes", name, word, len(word))
				}
			}
		}
	}
}

// TestSetsHaveRoom holds that a set which ipset would find full half-way is refused.
func TestSetsHaveRoom(t *testing.T) {
	var b netset.PrefixBuilder
	for i := range uint32(maxElements + 1) {
		b.Add(netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(i >> 23), byte(i >> 15), byte(i >> 7), byte(i << 1)}), 32))
	}
	g := ruletest.Grant(t, "sample/huge", "", rule.Outbound, "clients", "tcp 443")
	g.Prefixes = b.Build()
	in := rule.Input{Bindings: []rule.Binding{{Role: "clients", Addresses: ruletest.Prefixes(t, "192.0.2.0/24")}}, Grants: []rule.Grant{g}}
	_, err := generate(t, in, nil)
	want := "set gw_out-w2bh3pwxn_849cb5c1e5 has 4194305 prefixes, but an ipset set holds at most 4194304; use the generator nftables, or select fewer entries"
	if errorText(err) != want {
		t.Errorf("error %q; want %q", errorText(err), want)
	}
}

// BenchmarkGenerate renders one rule; parsing and merging are not part of it.
func BenchmarkGenerate(b *testing.B) {
	for _, c := range []struct {
		prefixes int
		ipset    string
	}{{300, "yes"}, {10_000, "yes"}, {100_000, "yes"}, {1_000_000, "yes"}, {5000, "no"}, {100_000, "no"}} {
		p := ruletest.Large(b, c.prefixes)
		s, err := artefact.Configure(Generator{}.Options(), map[string][]string{"ipset": {c.ipset}})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("%d/ipset=%s", c.prefixes, c.ipset), func(b *testing.B) {
			for b.Loop() {
				if _, err := (Generator{}).Generate(p, s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestEnforceSaysWhatStays holds that files which own chains say where to read about
// those of the other place, and that the README has it.
func TestEnforceSaysWhatStays(t *testing.T) {
	const title = "Changing mode or place"
	for _, place := range []string{"forward", "host"} {
		for _, mode := range []string{"chains", "mark", "enforce"} {
			s := map[string][]string{"mode": {mode}, "place": {place}, "ipset": {"no"}}
			if mode == "enforce" {
				s["admin"] = []string{"none"}
			}
			if place == "host" {
				s["roles"] = []string{"sts"}
			}
			for name, text := range texts(t, siteInput(t), s) {
				if strings.Contains(text, title) != (mode == "enforce") {
					t.Errorf("mode %s, place %s: %s names %q: %t", mode, place, name, title, mode != "enforce")
				}
			}
		}
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{title, "`iptables -F FORWARD`", "`iptables -P INPUT ACCEPT`", "`iptables -F INPUT`", "`iptables -F OUTPUT`"} {
		if !strings.Contains(string(readme), text) {
			t.Errorf("the README lacks %s", text)
		}
	}
}
