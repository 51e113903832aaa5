package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"gatewright/cmd/gatewright/internal/change"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/generators/iptables"
	"gatewright/generators/live"
	"gatewright/generators/nftables"
)

func applyCommand() command {
	return command{
		name:    "apply",
		summary: "change this machine's rules to those of the site",
		usage: `gatewright apply GENERATOR...

Changes the rules that run on this machine to what generate would write for the
site. It changes only Gatewright's own rules, and of those only what differs.
The change is atomic; with iptables it is atomic for IPv4 and then for IPv6.
Counters stay, and so do elements that the kernel adds and removes itself. The
running rules are then read back and compared, and the files that are loaded at
boot are written. With --confirm the old rules come back after that time, even
if this session ends, unless you confirm. The boot files are then written when
you confirm.

    gatewright apply nftables --dry-run
    gatewright apply nftables --confirm 60s
    gatewright confirm
    gatewright apply iptables
    gatewright apply pac squid

The files of squid and pac are written to where they are read: squid.dir, the
include in /etc/squid/squid.conf, and pac.dir. Squid reloads them only if it
parses its configuration without an error. If it does not accept the new files,
the old ones are put back. Lists of rules that no longer exist are removed.

Before it changes anything, apply refuses a policy without rules, a policy that
loses or gains more addresses than --max-shrink and --max-growth allow, and a
policy that would block the SSH session from which it is run. apply needs root.

Exit status: 0 changed, or nothing to change (with --dry-run: 1 something to
change); 3 refused, failed or not confirmed. The old rules then run, unless the
error says otherwise. Outputs that were changed before another one failed stay
changed, except with --confirm.
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			inv.registerLive(flags)
			flags.StringVarP(&inv.output, "output", "o", "", "`DIR` of the files that are loaded at boot (default "+bootDir+")")
			flags.DurationVar(&inv.confirm, "confirm", 0, "restore the old rules after this `TIME`, such as 60s, unless you confirm")
			flags.BoolVar(&inv.dryRun, "dry-run", false, "change nothing and show what would change, as plan does")
			flags.IntVar(&inv.bounds.MaxShrink, "max-shrink", 20, "refuse a policy that loses more than this `PERCENT` of the ranges of remote addresses")
			flags.IntVar(&inv.bounds.MaxGrowth, "max-growth", 100, "refuse a policy that adds more than this `PERCENT` to the remote addresses of an address family")
		},
		operands: liveNames,
		run:      apply,
	}
}

// bootDir is the folder whose files are loaded at boot. A named network namespace has
// its own, which ip-netns(8) shows instead of this one.
const bootDir = "/etc/gatewright"

func (inv *invocation) bootFolder() string {
	if inv.netns != "" {
		return filepath.Join("/etc/netns", inv.netns, filepath.Base(bootDir))
	}
	return bootDir
}

func apply(inv *invocation, names []string) error {
	if err := inv.checkApply(names); err != nil {
		return err
	}
	if slices.Contains(names, nftables.Generator{}.Name()) && slices.Contains(names, iptables.Generator{}.Name()) {
		inv.console.Warnf("nftables and iptables both decide about each packet: what one of them drops, the other cannot accept; a machine needs one, so apply one of them")
	}
	m, err := inv.machine()
	if err != nil {
		return err
	}
	p, err := inv.produceLive("apply", names)
	if err != nil {
		return err
	}
	if inv.dryRun {
		return inv.rehearse(m, p)
	}
	trial, err := inv.change(m, p)
	if err != nil || trial == nil {
		return err
	}
	return inv.await(m, trial)
}

// clear cleans up after an earlier apply that was stopped. An apply that waits for
// confirmation is not cleaned up.
func (inv *invocation) clear(m live.Machine, held *live.Run) error {
	if err := inv.settle(held); err != nil {
		return err
	}
	left, alive, ok, err := held.Pending()
	switch {
	case err != nil || !ok:
		return err
	case alive:
		return fmt.Errorf("the last apply waits another %s for confirmation; run `%s`, or wait until the old rules are back", left.Round(time.Second), inv.confirmLine())
	}
	err = held.Restore(m)
	if left := (*live.LeftOutError)(nil); errors.As(err, &left) {
		inv.console.Warnf("the last apply was not confirmed, and the process that watched it has ended: %v", left)
		return nil
	} else if err != nil {
		return fmt.Errorf("the last apply was not confirmed: %w", err)
	}
	inv.console.Warnf("the last apply was not confirmed, and the process that watched it has ended: the old rules are back")
	return nil
}

// change changes what runs, and returns the trial that waits for its confirmation; nil
// if none does.
func (inv *invocation) change(m live.Machine, p *production) (*live.Trial, error) {
	held, err := m.Hold()
	if err != nil {
		return nil, err
	}
	defer held.Release()
	if err := inv.clear(m, held); err != nil {
		return nil, err
	}
	keep, err := inv.keep(p)
	if err == nil {
		err = checkKept(keep)
	}
	if err != nil {
		return nil, err
	}
	var trial *live.Trial
	if inv.confirm > 0 {
		if trial, err = held.NewTrial(m, keep, inv.confirm); err != nil {
			return nil, err
		}
	}
	return inv.changeAll(m, trial, p, keep)
}

func (inv *invocation) changeAll(m live.Machine, trial *live.Trial, p *production, keep []byte) (*live.Trial, error) {
	told := change.New()
	told.Old.Name, told.New.Name = "this machine", inv.siteName()
	done, changed, err := applier{inv, m, trial, &told}.all(p)
	switch {
	case err != nil && trial != nil:
		return nil, errors.Join(err, trial.GiveUp())
	case err != nil && changed:
		return nil, errors.Join(err, inv.bootWith(p, done))
	case err != nil:
		return nil, err
	case trial == nil || !changed:
		trial = nil
		_, err = inv.writeKept(keep)
	default:
		err = trial.Begin()
	}
	told.Finish(true)
	if err == nil && inv.json {
		err = console.WriteJSON(inv.stdout, told)
	}
	return trial, err
}

// bootWith has boot load what was changed before an output failed: the first ones.
func (inv *invocation) bootWith(p *production, first int) error {
	made := *p
	made.outputs = p.outputs[:first]
	keep, err := inv.keep(&made)
	if err == nil {
		_, err = inv.writeKept(keep)
	}
	return err
}

// staysAsItIs reports whether what a generator runs cannot be brought back.
func staysAsItIs(generator string) bool {
	backend, err := live.Of(generator)
	_, restores := backend.(live.Restorer)
	return err == nil && !restores
}

func (inv *invocation) checkApply(names []string) error {
	switch {
	case len(names) == 0:
		return usagef("apply: no generator; name what to change, such as `gatewright apply nftables`")
	case inv.bounds.MaxShrink < 0 || inv.bounds.MaxShrink > 100:
		return usagef("apply: --max-shrink %d: expect 0 to 100 percent", inv.bounds.MaxShrink)
	case inv.bounds.MaxGrowth < 0:
		return usagef("apply: --max-growth %d: expect 0 percent or more", inv.bounds.MaxGrowth)
	case inv.confirm < 0 || inv.confirm > 0 && inv.confirm < time.Second:
		return usagef("apply: --confirm %s: expect at least one second, such as 60s", inv.confirm)
	case inv.confirm > 0 && slices.ContainsFunc(names, staysAsItIs):
		return usagef("apply: --confirm restores only packet-filter rules; apply pac and squid without it")
	case inv.output == "-":
		return usagef("apply: -o - is not a folder; name the folder that is loaded at boot, or omit -o")
	case inv.output == "":
		inv.output = inv.bootFolder()
	}
	inv.format = "text"
	return nil
}

// rehearse tells what apply would do, and why it would not.
func (inv *invocation) rehearse(m live.Machine, p *production) error {
	compared, err := inv.runsAgainst(m, p)
	if err != nil {
		return err
	}
	for _, w := range compared {
		if err := inv.refuse(m, w); err != nil {
			inv.console.Warnf("apply would refuse this: %v", err)
		}
	}
	return inv.showLive(compared, false)
}

// refuse returns why a change is not made.
func (inv *invocation) refuse(m live.Machine, w wanted) error {
	if w.IsEmpty() {
		return nil
	}
	if err := w.Check(inv.bounds); err != nil {
		return fmt.Errorf("%s: %w", w.Place, err)
	}
	s, ok := sshSession()
	if !ok || !m.Is(live.Machine{}) || w.Admits(s.client, s.server) {
		return nil
	}
	return fmt.Errorf("%s: under the new rules, your SSH session from %s to %s could not be opened again; allow it, for example with --set '%s.admin=%s tcp %d'",
		w.Place, s.client, s.server, w.Generator, s.client, s.server.Port())
}

// retries is how often a change is repeated if somebody else changed the rules first.
const retries = 10
