package main

import (
	"github.com/spf13/pflag"
)

func driftCommand() command {
	return command{
		name:    "drift",
		summary: "tell what was changed on this machine behind our back",
		usage: `gatewright drift [GENERATOR...]

Holds what runs on this machine against what generate would write for the site,
and tells what is there besides, and what is missing: flows that are accepted
and should not be come first. Counters, and elements that come and go by
themselves, are no drift. The exit status is 1 if there is any.

    gatewright drift
    gatewright drift nftables --json

Reading what runs takes root.
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
