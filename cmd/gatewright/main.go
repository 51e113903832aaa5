// Gatewright turns catalogues of service endpoints into nftables, iptables, PAC and
// Squid rules with the same meaning.
package main

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"

	"gatewright/generators/proof"
)

func main() {
	delayCollection()
	boundGarbage()
	proof.DoInBox()
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// delayCollection lets the heap grow to 32 MiB, eight times the runtime's minimum,
// before the first garbage collection. Most runs end before that and are a sixth
// faster. After that, the user's GOGC applies again.
func delayCollection() {
	percent := debug.SetGCPercent(800)
	if percent != 100 {
		debug.SetGCPercent(percent)
		return
	}
	runtime.AddCleanup(new([64]byte), func(int) { debug.SetGCPercent(percent) }, 0)
}

// garbageFrom is the memory in bytes from which garbage is collected early. The memory
// for an input file is bounded, and garbage would double it.
const garbageFrom = 1280 << 20

// boundGarbage keeps garbage small once the heap is large, unless the user sets
// GOMEMLIMIT.
func boundGarbage() {
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(garbageFrom)
	}
}
