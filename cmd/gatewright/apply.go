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
		summary: "make this machine hold what the site wants",
		usage: `gatewright apply GENERATOR...

Changes what runs on this machine to what generate would write for the site:
from one moment to the next (with iptables, IPv4 and then IPv6), and only what
differs and is ours. Counters, and elements that come and go by themselves,
stay. What runs then is read back and compared, and the files that boot loads
are written. With --confirm the old rules come back after that time, whatever
becomes of this session, unless you confirm; the files that boot loads are
written then.

    gatewright apply nftables --dry-run
    gatewright apply nftables --confirm 60s
    gatewright confirm
    gatewright apply iptables
    gatewright apply pac squid

The files of squid and pac go where these are read: squid.dir, the include in
/etc/squid/squid.conf, and pac.dir. Squid is told only if it parses all without
an error; if it does not take them, the old files are put back. Its lists of
rules that are gone are removed.

Refused, before anything is changed, is a policy without rules, one that loses
or gains more addresses than --max-shrink and --max-growth allow, and one that
would refuse the SSH session that it is run from. It takes root.

Exit status: 0 changed, or nothing to change (with --dry-run: 1 something to
change); 3 refused, failed, or not confirmed. Then the old rules run, unless the
error says otherwise; outputs that were changed before one failed stay changed,
but for --confirm.
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			inv.registerLive(flags)
			flags.StringVarP(&inv.output, "output", "o", "", "`DIR` that boot loads (default "+bootDir+")")
			flags.DurationVar(&inv.confirm, "confirm", 0, "bring the old rules back after this `TIME`, such as 60s, unless confirmed")
			flags.BoolVar(&inv.dryRun, "dry-run", false, "change nothing, and tell what would be; as plan does")
			flags.IntVar(&inv.bounds.MaxShrink, "max-shrink", 20, "refuse what loses more than this `PERCENT` of the remote addresses' ranges")
			flags.IntVar(&inv.bounds.MaxGrowth, "max-growth", 100, "refuse what gains more than this `PERCENT` of a family's remote addresses")
		},
		operands: liveNames,
		run:      apply,
	}
}

// bootDir is the folder whose files boot loads. A named network namespace has its own,
// which ip-netns(8) shows in the place of this one.
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

// clear ends what an earlier apply left that was stopped. What waits for confirmation
// is no such thing.
func (inv *invocation) clear(m live.Machine, held *live.Run) error {
	if err := inv.settle(held); err != nil {
		return err
	}
	left, alive, ok, err := held.Pending()
	switch {
	case err != nil || !ok:
		return err
	case alive:
		return fmt.Errorf("the last apply waits for its confirmation for another %s; run `%s`, or wait until the old rules are back", left.Round(time.Second), inv.confirmLine())
	}
	err = held.Restore(m)
	if left := (*live.LeftOutError)(nil); errors.As(err, &left) {
		inv.console.Warnf("the last apply was not confirmed, and who watched it is gone: %v", left)
		return nil
	} else if err != nil {
		return fmt.Errorf("the last apply was not confirmed: %w", err)
	}
	inv.console.Warnf("the last apply was not confirmed, and who watched it is gone: the old rules are back")
	return nil
}

// change changes what runs, and returns the trial that waits for its confirmation; nil if
// none does.
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
		return usagef("apply: name what is to be changed, such as `gatewright apply nftables`")
	case inv.bounds.MaxShrink < 0 || inv.bounds.MaxShrink > 100:
		return usagef("apply: --max-shrink %d: expect 0 to 100 percent", inv.bounds.MaxShrink)
	case inv.bounds.MaxGrowth < 0:
		return usagef("apply: --max-growth %d: expect a percentage from 0", inv.bounds.MaxGrowth)
	case inv.confirm < 0 || inv.confirm > 0 && inv.confirm < time.Second:
		return usagef("apply: --confirm %s: expect a second or more, such as 60s", inv.confirm)
	case inv.confirm > 0 && slices.ContainsFunc(names, staysAsItIs):
		return usagef("apply: --confirm brings back rules of packet filters; apply pac and squid without it")
	case inv.output == "-":
		return usagef("apply: -o - is no folder that boot loads; name one, or leave it out")
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
	return fmt.Errorf("%s: the SSH session that this is run from, from %s to %s, could not be opened again; let it in, such as by --set '%s.admin=%s tcp %d'",
		w.Place, s.client, s.server, w.Generator, s.client, s.server.Port())
}

// retries is how often a change is tried anew that somebody else's came before.
const retries = 10
