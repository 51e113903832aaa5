package main

import (
	"github.com/spf13/pflag"

	"gatewright/cmd/gatewright/internal/change"
)

func planCommand() command {
	return command{
		name:    "plan",
		summary: "show what apply would change on this machine",
		usage: `gatewright plan [GENERATOR...]

Compares the rules that run on this machine with what generate would write for
the site, and shows what apply would change. The flows that would be newly or no
longer accepted are shown as diff shows them. The elements, rules and chains
follow. Nothing is changed. The exit status is 1 if there is something to
change.

    gatewright plan
    gatewright plan nftables --netns edge --format markdown

Reading the running rules needs root.
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			inv.registerLive(flags)
			inv.registerFormat(flags)
		},
		operands: liveNames,
		run:      plan,
	}
}

func plan(inv *invocation, names []string) error { return inv.holdLive("plan", names, false) }

// holdLive tells how what runs and what the site wants differ: what would become of
// what runs or, drifted, what became of what is wanted.
func (inv *invocation) holdLive(command string, names []string, drifted bool) error {
	if err := inv.checkFormat(command); err != nil {
		return err
	}
	_, compared, err := inv.compareLive(command, names)
	if err != nil {
		return err
	}
	return inv.showLive(compared, drifted)
}

func (inv *invocation) showLive(compared []wanted, drifted bool) error {
	r := change.New()
	r.Old.Name, r.New.Name = "this machine", inv.siteName()
	if drifted {
		r.Old, r.New = r.New, r.Old
	}
	for _, c := range compared {
		inv.warnOf(c)
		if err := addLive(&r, c, drifted); err != nil {
			return err
		}
	}
	r.Finish(true)
	if err := inv.show(r); err != nil {
		return err
	}
	if !r.Equal {
		return errDifferent
	}
	return nil
}
