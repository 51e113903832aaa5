package nftables

import (
	"fmt"
	"testing"

	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/artefact/artefacttest"
)

func TestGolden(t *testing.T) {
	for _, e := range examples(t) {
		t.Run(e.name, func(t *testing.T) {
			got := text(t, e.in, e.settings)
			artefacttest.Golden(t, e.name+".nft.golden", got)
		})
	}
}

func TestOrderOfInputChangesNothing(t *testing.T) {
	for _, e := range examples(t) {
		one, other := text(t, e.in, e.settings), text(t, ruletest.Reversed(e.in), e.settings)
		if one != other {
			t.Errorf("%s: reversed input changes the artefact", e.name)
		}
	}
}

func TestSplitPrefixesChangeNothing(t *testing.T) {
	whole, split := ruletest.Site(t), ruletest.Site(t)
	for i, g := range split.Grants {
		if g.Entry.ID == "sample/screen-sharing" {
			split.Grants[i].Prefixes = ruletest.Prefixes(t, "52.112.0.0/15", "52.114.0.0/15", "52.114.7.0/24", "2603:1063::/39", "2603:1063:200::/39")
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
		{nil, 7, 25},
		{map[string][]string{"table": {"ip filter"}}, 7, 18},
		{map[string][]string{"place": {"host"}, "roles": {"sbc"}}, 1, 2},
	} {
		out, err := generate(t, ruletest.Site(t), c.settings)
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
		p := ruletest.Large(b, n)
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
