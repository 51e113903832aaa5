package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gatewright/catalog/plainfile"
	"gatewright/generators"
	"gatewright/generators/live"
)

func applyCommand() command {
	return command{
		name:    "apply",
		summary: "make this machine hold what the site wants",
		usage: `gatewright apply GENERATOR...

Changes what runs on this machine to what generate would write for the site: in
one transaction, and only what differs and is ours. Counters, and elements that
come and go by themselves, stay. What runs then is read back and compared, and
the files that boot loads are written.

    gatewright apply nftables
    gatewright apply nftables --dry-run
    gatewright apply pac squid

The files of squid and pac go where these are read: squid.dir, the include in
/etc/squid/squid.conf, and pac.dir. Squid is told only if it parses all without
an error; if it does not take them, the old files are put back. Its lists of
rules that are gone are removed.

Refused, before anything is changed, is a policy without rules, one that loses
or gains more addresses than --max-shrink and --max-growth allow, and one that
would refuse the SSH session that it is run from. It takes root.
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			inv.registerLive(flags)
			flags.StringVarP(&inv.output, "output", "o", "", "`DIR` that boot loads (default "+bootDir+")")
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
	held, err := m.Hold()
	if err != nil {
		return err
	}
	defer held.Release()
	done := newReport()
	done.Old.Name, done.New.Name = "this machine", inv.siteName()
	if err := inv.change(m, p, &done); err != nil {
		return err
	}
	if err := inv.writeBoot(p); err != nil || !inv.json {
		return err
	}
	done.finish(true)
	return writeJSON(inv.stdout, done)
}

func (inv *invocation) checkApply(names []string) error {
	switch {
	case len(names) == 0:
		return usagef("apply: name what is to be changed, such as `gatewright apply nftables`")
	case inv.bounds.MaxShrink < 0 || inv.bounds.MaxShrink > 100:
		return usagef("apply: --max-shrink %d: expect 0 to 100 percent", inv.bounds.MaxShrink)
	case inv.bounds.MaxGrowth < 0:
		return usagef("apply: --max-growth %d: expect a percentage from 0", inv.bounds.MaxGrowth)
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
			inv.talk.warnf("apply would refuse this: %v", err)
		}
	}
	return inv.showPlan(compared)
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
		w.Place, s.client, s.server, w.name, s.client, s.server.Port())
}

// retries is how often a change is tried anew that somebody else's came before.
const retries = 10

// change makes the changes of all outputs, and tells what they were.
func (inv *invocation) change(m live.Machine, p *production, done *report) error {
	for _, o := range p.outputs {
		one := *p
		one.outputs = []generated{o}
		var err error
		for range retries {
			if err = inv.changeOne(m, &one, done); !errors.Is(err, live.ErrChanged) {
				break
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (inv *invocation) changeOne(m live.Machine, p *production, done *report) error {
	compared, err := inv.runsAgainst(m, p)
	if err != nil {
		return err
	}
	w := compared[0]
	if w.IsEmpty() {
		inv.talk.sayf("%s: nothing to change", w.Place)
		return nil
	}
	if err := inv.refuse(m, w); err != nil {
		return fmt.Errorf("%w; nothing was changed", err)
	}
	kept, err := w.Commit()
	if err != nil {
		return fmt.Errorf("%s: %w; nothing was changed", w.Place, err)
	}
	for _, name := range kept {
		inv.talk.warnf("%s: %s stays, empty, because a rule of yours uses it; remove that, and apply again", w.Place, name)
	}
	if w.Said != "" {
		inv.talk.warnf("%s: %s", w.Place, w.Said)
	}
	if err := inv.readBack(m, p, kept); err != nil {
		return err
	}
	inv.talk.sayf("%s: changed: %s", w.Place, liveCounts(w.report(false)))
	if inv.json {
		return done.addLive(w, false)
	}
	return nil
}

// readBack holds that what runs is now what is wanted.
func (inv *invocation) readBack(m live.Machine, p *production, kept []string) error {
	now, err := inv.runsAgainst(m, p)
	if err != nil {
		return err
	}
	for _, c := range now[0].Changes {
		if left := strings.TrimSpace(c.Kind + " " + c.Text); !slices.Contains(kept, left) {
			return fmt.Errorf("%s: what runs is not what was written: %c %s", now[0].Place, c.Sign, left)
		}
	}
	return nil
}

// writeBoot writes the files that boot loads. What is files where it runs is there already.
func (inv *invocation) writeBoot(p *production) error {
	forgotten := slices.DeleteFunc(slices.Clone(p.outputs), func(o generated) bool {
		backend, err := live.Of(o.name)
		return err == nil && !backend.Forgets()
	})
	if len(forgotten) == 0 {
		return nil
	}
	changed, err := writeFolder(plainfile.Named(inv.output), forgotten, generators.Makes)
	for _, name := range changed {
		inv.talk.warnf("%s: nothing makes this file any more; it stays, because it was changed by hand", filepath.Join(inv.output, name))
	}
	if err != nil {
		return fmt.Errorf("the rules run, and boot would not load them: %w", err)
	}
	return nil
}
