package live

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
)

// twoOf are two policies of n prefixes in ten sets, of which 1,000 differ.
func twoOf(b *testing.B, n int) (all []*rule.Policy) {
	for moved := range 2 {
		of := map[string][]string{}
		for i := range n {
			a, bits := uint32(20<<24)+uint32(i)*64, 27
			if i%(n/1000) == 0 {
				bits += moved
			}
			id := fmt.Sprintf("of%d", i*10/n)
			of[id] = append(of[id], fmt.Sprintf("%d.%d.%d.%d/%d", a>>24, a>>16&255, a>>8&255, a&255, bits))
		}
		all = append(all, ruletest.Compile(b, grants(b, of)))
	}
	return all
}

// BenchmarkIptables reports CPU time, that of the programs and the kernel included: of
// a full load by apply and of one by the tools, of reading the rules back and comparing
// them, and of a change of 1,000 prefixes beside that.
func BenchmarkIptables(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprintf("prefixes=%d", n), func(b *testing.B) {
			all := twoOf(b, n)
			for b.Loop() {
				byTools, applied := newStand(b, variant{Variant: "nft"}), newStand(b, variant{Variant: "nft"})
				files := applied.files(all[0], chainsForward)
				tools := cpuOf(func() { byTools.loadFiles(files) })
				c := applied.compare(all[0], chainsForward)
				load := cpuOf(func() { applied.commit(c) })
				read := cpuOf(func() { c = applied.compare(all[1], chainsForward) })
				change := cpuOf(func() { applied.commit(c) })
				byTools.Close()
				applied.Close()
				b.ReportMetric(load.Seconds(), "load-s")
				b.ReportMetric(load.Seconds()/tools.Seconds(), "load/tools")
				b.ReportMetric(read.Seconds(), "read-s")
				b.ReportMetric(change.Seconds(), "change-s")
			}
		})
	}
}

// cpuOf is the CPU time of f, in this process and in those that it starts.
func cpuOf(f func()) time.Duration {
	runtime.GC()
	used := func() (all time.Duration) {
		for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
			var u syscall.Rusage
			syscall.Getrusage(who, &u)
			all += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
		return all
	}
	before := used()
	f()
	return used() - before
}
