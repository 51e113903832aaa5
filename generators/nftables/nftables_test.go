package nftables

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestGolden(t *testing.T) {
	for _, e := range examples(t) {
		t.Run(e.name, func(t *testing.T) {
			got := text(t, e.in, e.settings)
			file := filepath.Join("testdata", e.name+".nft.golden")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v; go test -update writes it", err)
			}
			if got != string(want) {
				t.Errorf("differs from %s: %s; if that is meant, go test -update writes it anew", file, firstDifference(got, string(want)))
			}
		})
	}
}

// firstDifference shows the first line in which two texts differ.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d is %q, not %q", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, not %d", len(g), len(w))
}

func TestOrderOfInputChangesNothing(t *testing.T) {
	for _, e := range examples(t) {
		one, other := text(t, e.in, e.settings), text(t, reversed(e.in), e.settings)
		if one != other {
			t.Errorf("%s: reversed input changes the artefact", e.name)
		}
	}
}

func TestSplitPrefixesChangeNothing(t *testing.T) {
	whole, split := siteInput(t), siteInput(t)
	for i, g := range split.Grants {
		if g.Entry.ID == "sample/screen-sharing" {
			split.Grants[i].Prefixes = prefixes(t, "52.112.0.0/15", "52.114.0.0/15", "52.114.7.0/24", "2603:1063::/39", "2603:1063:200::/39")
		}
	}
	if text(t, whole, nil) != text(t, split, nil) {
		t.Error("a prefix written as its halves changes the artefact")
	}
}

func TestAccount(t *testing.T) {
	for _, c := range []struct {
		settings        map[string][]string
		rules, elements int
	}{
		{nil, 7, 23},
		{map[string][]string{"table": {"ip filter"}}, 7, 16},
		{map[string][]string{"place": {"host"}, "roles": {"sbc"}}, 1, 2},
	} {
		out, err := generate(t, siteInput(t), c.settings)
		if err != nil {
			t.Fatal(err)
		}
		a := out.Artefacts[0]
		if a.Name != "gatewright.nft" || a.Load != "nft -f gatewright.nft" || a.Rules != c.rules || a.Elements != c.elements {
			t.Errorf("%v: artefact %s, loaded by %q, with %d rules and %d elements; want %d and %d",
				c.settings, a.Name, a.Load, a.Rules, a.Elements, c.rules, c.elements)
		}
	}
}

// BenchmarkGenerate renders one rule; parsing and merging are not part of it.
func BenchmarkGenerate(b *testing.B) {
	for _, n := range []int{300, 10_000, 100_000, 1_000_000} {
		var set netset.PrefixBuilder
		for i := range n {
			v := uint32(i) * 2
			set.Add(netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(v>>16) + 20, byte(v >> 8), byte(v), 0}), 24))
		}
		g := grant(b, "sample/big", "", "out", "clients", "tcp 443", "2001:db8::/32")
		g.Prefixes = set.Build().Union(g.Prefixes)
		in := rule.Input{Bindings: []rule.Binding{{Role: "clients", Addresses: prefixes(b, "10.0.0.0/8")}}, Grants: []rule.Grant{g}}
		p := compile(b, in)
		s, err := artefact.Configure(Generator{}.Options(), nil)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if _, err := (Generator{}).Generate(p, s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
