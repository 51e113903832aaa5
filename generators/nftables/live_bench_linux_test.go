package nftables

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"gatewright/generators/engine"
	"gatewright/generators/nftables/kernel"
)

// spread are n prefixes over some rules; every step-th is of the next rule and half as
// wide if moved.
func spread(n, rules, step int, moved bool) map[int][]string {
	remotes := map[int][]string{}
	for i := range n {
		owner, bits := i%rules, 27
		if moved && i%step == 0 {
			owner, bits = (owner+1)%rules, 28
		}
		a := uint32(20<<24) + uint32(i)*64
		remotes[owner] = append(remotes[owner], fmt.Sprintf("%d.%d.%d.%d/%d", a>>24, a>>16&255, a>>8&255, a&255, bits))
	}
	return remotes
}

// BenchmarkLive reports CPU time, the kernel's included: of a full load by netlink and
// by nft, of reading back and comparing the rules that run, and those of which 1,000
// prefixes are to change, and of that change beside it.
func BenchmarkLive(b *testing.B) {
	for _, size := range []struct{ rules, prefixes int }{{1, 100_000}, {100, 100_000}, {100, 1_000_000}} {
		b.Run(fmt.Sprintf("rules=%d/prefixes=%d", size.rules, size.prefixes), func(b *testing.B) {
			l, text := assigned(b, spread(size.prefixes, size.rules, size.prefixes/1000, false), onePort)
			moved, _ := assigned(b, spread(size.prefixes, size.rules, size.prefixes/1000, true), onePort)
			for b.Loop() {
				byNFT, byNetlink := benchMachine(b), benchMachine(b)
				var load, same, read, change time.Duration
				nft := cpuOf(syscall.RUSAGE_CHILDREN, func() { must(b, byNFT.LoadNFT(text)) })
				byNFT.Close()
				must(b, byNetlink.Do(func() error {
					c, err := kernel.Open("")
					must(b, err)
					defer c.Close()
					changes := compared(b, c, l)
					load = committed(b, c, changes)
					same = cpuOf(syscall.RUSAGE_SELF, func() { changes = compared(b, c, l) })
					read = cpuOf(syscall.RUSAGE_SELF, func() { changes = compared(b, c, moved) })
					change = committed(b, c, changes)
					return nil
				}))
				byNetlink.Close()
				b.ReportMetric(load.Seconds(), "load-s")
				b.ReportMetric(load.Seconds()/nft.Seconds(), "load/nft")
				b.ReportMetric(same.Seconds(), "same-s")
				b.ReportMetric(read.Seconds(), "read-s")
				b.ReportMetric(change.Seconds(), "change-s")
			}
		})
	}
}

func benchMachine(b *testing.B) *engine.Machine {
	m, err := engine.NewMachine(b.Context())
	must(b, err)
	return m
}

func compared(b *testing.B, c *kernel.Conn, l Live) *kernel.Changes {
	want, err := kernel.Lower(l.Table, l.Ruleset)
	must(b, err)
	have, err := c.ReadExpecting(want, func(string) bool { return true })
	must(b, err)
	return kernel.Compare(have, want)
}

// committed makes changes, and returns what that takes beside reading and comparing.
func committed(b *testing.B, c *kernel.Conn, changes *kernel.Changes) time.Duration {
	return cpuOf(syscall.RUSAGE_SELF, func() {
		_, err := c.Commit(changes)
		must(b, err)
	})
}

// cpuOf is the CPU time of f, in this process or in those that it starts.
func cpuOf(who int, f func()) time.Duration {
	runtime.GC()
	used := func() time.Duration {
		var u syscall.Rusage
		syscall.Getrusage(who, &u)
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	f()
	return used() - before
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
