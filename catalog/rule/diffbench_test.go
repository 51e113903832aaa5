package rule

import (
	"net/netip"
	"testing"

	"gatewright/catalog/netset"
)

// manyGrants has 100 entries of n prefixes together, no two of which can be joined.
func manyGrants(b *testing.B, n, shift int) Input {
	in := Input{Bindings: []Binding{{Role: "clients", Addresses: prefixes("172.16.0.0/12")}}, Routes: []Via{Direct, Proxied}}
	for e := range 100 {
		var set netset.PrefixBuilder
		for i := range n / 100 {
			v := uint32(e*n/100+i+shift) * 2
			set.Add(netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(20 + v>>16), byte(v >> 8), byte(v), 0}), 24))
		}
		in.Grants = append(in.Grants, Grant{Entry: Entry{ID: string(rune('a'+e%26)) + string(rune('a'+e/26))}, Direction: Outbound, Role: "clients",
			Prefixes: set.Build(), Services: services(b, "tcp 443"), Route: 0})
	}
	return in
}

// A Diff of two policies with a million prefixes, of which a few differ, beside one
// Compile of them.
func BenchmarkMillionPrefixes(b *testing.B) {
	x, y := manyGrants(b, 1_000_000, 0), manyGrants(b, 1_000_000, 10)
	old, new := Compiled{mustCompile(b, x), x.Grants, nil}, Compiled{mustCompile(b, y), y.Grants, nil}
	b.Run("compile", func(b *testing.B) {
		for b.Loop() {
			mustCompile(b, x)
		}
	})
	b.Run("diff", func(b *testing.B) {
		for b.Loop() {
			if d := compare(b, old, new); len(d.Added.Rules) != 1 {
				b.Fatal("no difference")
			}
		}
	})
}
