package filter

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"gatewright/catalog/netset"
)

// TestClassesAreDisjointAndWhole asks every address of a small universe which sets hold
// it, and which class has it.
func TestClassesAreDisjointAndWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 300 {
		sets := make([]netset.PrefixSet, 1+r.IntN(5))
		for i := range sets {
			var b netset.PrefixBuilder
			for range 1 + r.IntN(4) {
				b.Add(netip.PrefixFrom(netip.AddrFrom4([4]byte{255, 255, 255, byte(r.IntN(256))}), 25+r.IntN(8)).Masked())
			}
			sets[i] = b.Build()
		}
		classes, _ := classesOf(sets, nil)
		for n := range 256 {
			a := netip.AddrFrom4([4]byte{255, 255, 255, byte(n)})
			var want netset.Holders
			for i, s := range sets {
				if s.Contains(a) {
					want = append(want, int32(i))
				}
			}
			var got []netset.Holders
			for _, c := range classes {
				if c.prefixes.Contains(a) {
					got = append(got, c.rules)
				}
			}
			if len(want) == 0 && len(got) == 0 {
				continue
			}
			if len(got) != 1 || !got[0].Equal(want) {
				t.Fatalf("%s is in the sets %v and in the classes of %v; sets %v", a, want, got, sets)
			}
		}
		if !slices.IsSortedFunc(classes, func(a, b class) int { return slices.Compare(a.rules, b.rules) }) {
			t.Fatalf("the classes %v are not in the order of their rules", classes)
		}
	}
}
