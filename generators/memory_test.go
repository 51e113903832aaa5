package generators

import (
	"net/netip"
	"runtime"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
)

// TestReadingTakesLittle counts what a reader allocates for each element of a file,
// most of which is garbage at once: a folder of millions is read.
func TestReadingTakesLittle(t *testing.T) {
	const n, most = 100_000, 700 // bytes for each element
	var b netset.PrefixBuilder
	for a := range uint32(n) {
		b.Add(netip.PrefixFrom(netip.AddrFrom4([4]byte{20, byte(a >> 15), byte(a >> 7), byte(2 * a)}), 32))
	}
	g := ruletest.Grant(t, "x/a", "a", rule.Outbound, "clients", "tcp 443", "192.0.2.1")
	g.Prefixes = b.Build()
	p := ruletest.Compile(t, rule.Input{Bindings: []rule.Binding{{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/8")}}, Grants: []rule.Grant{g}})
	for _, generator := range All() {
		name := generator.Name()
		if k := generator.Kind(); k != artefact.PacketFilter && k != artefact.Proxy {
			continue
		}
		_, out := rendered(t, generator, p, nil)
		files := artefact.FilesOf(out.Artefacts)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := generator.Read(files); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if each := (after.TotalAlloc - before.TotalAlloc) / n; each > most {
			t.Errorf("%s: reading takes %d bytes for each element; want at most %d", name, each, most)
		} else {
			t.Logf("%s: %d bytes for each element", name, each)
		}
	}
}
