package main

import (
	"github.com/spf13/pflag"
)

func driftCommand() command {
	return command{
		name:    "drift",
		summary: "show where this machine's rules differ from the site's",
		usage: `gatewright drift [GENERATOR...]

Compares the rules that run on this machine with what generate would write for
the site, and shows what was added and what is missing. Flows that are accepted
but should not be come first. Counters are not drift, and neither are elements
that the kernel adds and removes itself. The exit status is 1 if there is drift.

    gatewright drift
    gatewright drift nftables --json

Reading the running rules needs root.
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			inv.registerLive(flags)
			inv.registerFormat(flags)
		},
		operands: liveNames,
		run:      drift,
	}
}

func drift(inv *invocation, names []string) error { return inv.holdLive("drift", names, true) }
