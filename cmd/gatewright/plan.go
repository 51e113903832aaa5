package main

import (
	"github.com/spf13/pflag"
)

func planCommand() command {
	return command{
		name:    "plan",
		summary: "tell what apply would change on this machine",
		usage: `gatewright plan [GENERATOR...]

Holds what runs on this machine against what generate would write for the site,
and tells what apply would change: the flows that would be newly accepted and no
longer, in the words of diff, and the elements, rules and chains. Nothing is
changed. The exit status is 1 if there is something to change.

    gatewright plan
    gatewright plan nftables --netns edge --format markdown

Reading what runs takes root.
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			inv.registerLive(flags)
			flags.StringVar(&inv.format, "format", "text", "`FORMAT`: text, or markdown for a pull request")
		},
		operands: liveNames,
		run:      plan,
	}
}

func plan(inv *invocation, names []string) error {
	if inv.format != "text" && inv.format != "markdown" {
		return usagef("plan: --format %q: expect text or markdown", inv.format)
	}
	_, compared, err := inv.compareLive("plan", names)
	if err != nil {
		return err
	}
	return inv.showPlan(compared)
}

// showPlan tells what would become of what runs.
func (inv *invocation) showPlan(compared []wanted) error {
	r := newReport()
	r.Old.Name, r.New.Name = "this machine", inv.siteName()
	for _, c := range compared {
		if err := r.addLive(c, false); err != nil {
			return err
		}
	}
	return inv.showDifference(r)
}

// showDifference shows a report and ends with exitDifferent if there is a difference.
func (inv *invocation) showDifference(r report) error {
	r.finish(true)
	if err := inv.show(r); err != nil {
		return err
	}
	if !r.Equal {
		return errDifferent
	}
	return nil
}
