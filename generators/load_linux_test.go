package generators

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/catalog/site"
	"gatewright/generators/engine/enginetest"
	"gatewright/generators/nftables"
)

// BenchmarkLoad reports the CPU time of nft, with that of the kernel for it, against
// the smallest file that puts the same into an empty kernel: of a first load, of the
// same file again, and of a load in the place of another policy that the site jumps to.
func BenchmarkLoad(b *testing.B) {
	earlier := rulesOnUDP(b, 500, true)
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("rules=1/prefixes=%d", n), func(b *testing.B) { measureLoads(b, ruletest.Large(b, n), earlier) })
	}
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprintf("rules=2000/prefixes=%d", n), func(b *testing.B) { measureLoads(b, split(b, ruletest.Large(b, n), 2000), earlier) })
	}
	b.Run("M365", func(b *testing.B) { measureLoads(b, defaultPolicy(b), earlier) })
	for _, own := range []bool{false, true} {
		b.Run(fmt.Sprintf("Azure/ownPorts=%t", own), func(b *testing.B) {
			measureLoads(b, onUDP(b, realPolicy(b, "cloud/azure-*.json", site.ByEntry), own), earlier)
		})
	}
}

// split gives the prefixes of a policy of one rule to so many, in turn.
func split(t testing.TB, p *rule.Policy, rules int) *rule.Policy {
	t.Helper()
	in := rule.Input{Bindings: p.Bindings}
	for i := range rules {
		id := fmt.Sprintf("e%05d", i)
		in.Grants = append(in.Grants, ruletest.Grant(t, "many/"+id, id, rule.Outbound, "clients", "tcp 443", fmt.Sprintf("2001:db8:%x::/48", i)))
	}
	i := 0
	sets := make([][]string, rules)
	for prefix := range p.Rules[0].Remote.Prefixes().V4().Prefixes() {
		sets[i%rules], i = append(sets[i%rules], prefix.String()), i+1
	}
	for i, s := range sets {
		in.Grants[i].Prefixes = ruletest.Prefixes(t, s...)
	}
	return ruletest.Compile(t, in)
}

func measureLoads(b *testing.B, p, earlier *rule.Policy) {
	_, out := rendered(b, nftables.Generator{}, p, nil)
	_, before := rendered(b, nftables.Generator{}, earlier, nil)
	file := out.Artefacts[0].Data
	var least, first, again, over []float64
	for range b.N {
		empty, fresh, used := emptyMachine(b), emptyMachine(b), emptyMachine(b)
		least = append(least, loadTime(b, empty, smallest(file)))
		first = append(first, loadTime(b, fresh, file))
		again = append(again, loadTime(b, fresh, file))
		loadTime(b, used, before.Artefacts[0].Data)
		loadTime(b, used, []byte(nftSite))
		over = append(over, loadTime(b, used, file))
		for _, m := range []*enginetest.Machine{empty, fresh, used} {
			m.Close()
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(slices.Min(least), "s-smallest")
	b.ReportMetric(slices.Min(first)/slices.Min(least), "first-x-smallest")
	b.ReportMetric(slices.Min(again)/slices.Min(least), "again-x-smallest")
	b.ReportMetric(slices.Min(over)/slices.Min(least), "over-another-x-smallest")
	b.ReportMetric(float64(out.Artefacts[0].Elements), "elements")
	b.ReportMetric(float64(len(file)), "bytes")
}

// smallest is a file without what puts it into the place of an earlier one.
func smallest(file []byte) []byte {
	var b strings.Builder
	for line := range strings.Lines(string(file)) {
		if word, _, _ := strings.Cut(line, " "); word == "flush" || word == "delete" || word == "add" && !strings.HasPrefix(line, "add counter ") && !strings.HasPrefix(line, "add table ") {
			continue
		}
		b.WriteString(line)
	}
	return []byte(b.String())
}

func emptyMachine(b *testing.B) *enginetest.Machine {
	b.Helper()
	m, err := enginetest.NewMachine(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(m.Close)
	return m
}

// loadTime is the seconds of CPU that nft takes for a file.
func loadTime(b *testing.B, m *enginetest.Machine, text []byte) float64 {
	b.Helper()
	before := childrenTime()
	if err := m.LoadNFT(text); err != nil {
		b.Fatal(err)
	}
	return childrenTime() - before
}

func childrenTime() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
