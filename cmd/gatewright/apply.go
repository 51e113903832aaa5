package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

func applyCommand() command {
	return command{
		name:    "apply",
		summary: "make this machine hold what the site wants",
		usage: `gatewright apply GENERATOR...

Changes what runs on this machine to what generate would write for the site: in
one transaction, and only what differs and is ours. Counters and elements that
come and go by themselves stay. What runs then is read back and compared.

    gatewright apply nftables
    gatewright apply nftables --dry-run

It takes root.
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			inv.registerLive(flags)
			flags.BoolVar(&inv.dryRun, "dry-run", false, "change nothing, and tell what would be; as plan does")
		},
		run: apply,
	}
}

func apply(inv *invocation, names []string) error {
	if len(names) == 0 {
		return usagef("apply: name what is to be changed, such as `gatewright apply nftables`")
	}
	if inv.format = "text"; inv.dryRun {
		return plan(inv, names)
	}
	compared, err := inv.compareLive("apply", names)
	if err != nil {
		return err
	}
	for _, w := range compared {
		if err := inv.applyOne(w); err != nil {
			return err
		}
	}
	return nil
}

// applyOne makes the changes of one generator.
func (inv *invocation) applyOne(w wanted) error {
	if w.IsEmpty() {
		inv.talk.sayf("%s: nothing to change", w.Place)
		return nil
	}
	kept, err := w.Commit()
	if err != nil {
		return fmt.Errorf("%s: %w; nothing was changed", w.Place, err)
	}
	for _, name := range kept {
		inv.talk.warnf("%s: %s stays, empty, because a rule of yours uses it; remove that, and apply again", w.Place, name)
	}
	if err := inv.readBack(w, kept); err != nil {
		return err
	}
	r := newReport()
	if err := r.addLive(w, false); err != nil {
		return err
	}
	inv.talk.sayf("%s: changed: %s", w.Place, liveCounts(r.Live))
	return nil
}

// readBack holds that what runs is now what is wanted.
func (inv *invocation) readBack(w wanted, kept []string) error {
	now, err := inv.compareLive("apply", []string{w.name})
	if err != nil {
		return err
	}
	for _, c := range now[0].Changes {
		if left := strings.TrimSpace(c.Kind + " " + c.Text); !containsName(kept, left) {
			return errors.New(w.Place + ": the kernel holds something else than was written: " + string(c.Sign) + " " + left)
		}
	}
	return nil
}

func containsName(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}
