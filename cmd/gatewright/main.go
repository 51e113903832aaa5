// Gatewright turns catalogues of service endpoints into nftables, iptables, PAC
// and Squid rules that all mean the same.
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
// before it is collected for the first time: most runs are over by then, and are a
// sixth faster for it. After that, what the user's GOGC says holds again.
func delayCollection() {
	percent := debug.SetGCPercent(800)
	if percent != 100 {
		debug.SetGCPercent(percent)
		return
	}
	runtime.AddCleanup(new([64]byte), func(int) { debug.SetGCPercent(percent) }, 0)
}

// garbageFrom is from where on memory is collected early, in bytes: what a file that
// somebody made takes is bounded, and garbage beside it would double that.
const garbageFrom = 1280 << 20

// boundGarbage holds garbage low once the heap is large, unless the user's GOMEMLIMIT
// says from where on.
func boundGarbage() {
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(garbageFrom)
	}
}
