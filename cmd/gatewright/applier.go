package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gatewright/cmd/gatewright/internal/change"
	"gatewright/cmd/gatewright/internal/report"
	"gatewright/generators/live"
)

// applier is one run's change of what runs on a machine.
type applier struct {
	*invocation
	machine live.Machine
	trial   *live.Trial  // nil for one that stays
	told    *change.Diff // of what was changed
}

// all makes the changes of all outputs, in order, once none of them is refused. It
// returns how many of them are as wanted, and whether anything was changed.
func (c applier) all(p *production) (done int, changed bool, err error) {
	if len(p.outputs) > 1 { // of one alone, the change itself is refused
		err = c.refuseAny(p)
	}
	var changedNames []string // of outputs that are done
	for i := 0; err == nil && i < len(p.outputs); i++ {
		alone := *p
		alone.outputs = p.outputs[i : i+1]
		one := false
		for range retries {
			if one, err = c.one(&alone); !errors.Is(err, live.ErrChanged) {
				break
			}
		}
		if changed = changed || one; err == nil {
			done++
			if one {
				changedNames = append(changedNames, p.outputs[i].Generator)
			}
		}
	}
	switch {
	case err == nil:
	case !changed:
		err = fmt.Errorf("%w; nothing was changed", err)
	case len(changedNames) > 0 && c.trial == nil:
		err = fmt.Errorf("%w; what was changed before stays: %s", err, strings.Join(changedNames, ", "))
	}
	return done, changed, err
}

// refuseAny returns why one of the outputs is not changed.
func (c applier) refuseAny(p *production) error {
	compared, err := c.runsAgainst(c.machine, p)
	for _, w := range compared {
		if err == nil {
			err = c.refuse(c.machine, w)
		}
	}
	return err
}

// one makes the changes of one output, and tells what they were.
func (c applier) one(p *production) (changed bool, err error) {
	w, err := c.against(p)
	if err != nil {
		return false, err
	}
	if w.IsEmpty() {
		c.warnOf(w)
		c.console.Sayf("%s: nothing to change", w.Place)
		return false, addLive(c.told, w, false)
	}
	if err := c.refuse(c.machine, w); err != nil {
		return false, err
	}
	if c.trial != nil {
		if err := c.trial.Save(w.Generator, w.Comparison); err != nil {
			return false, fmt.Errorf("%s: %w", w.Place, err)
		}
	}
	done, err := w.Commit()
	if err != nil {
		return errors.Is(err, live.ErrLeft), fmt.Errorf("%s: %w", w.Place, err)
	}
	for _, name := range done.Kept {
		c.console.Warnf("%s: %s stays as an empty object, because a rule of yours uses it; remove that rule and apply again", w.Place, name)
	}
	for _, text := range done.Said {
		c.console.Warnf("%s: %s", w.Place, text)
	}
	if err := c.readBack(p, done); err != nil {
		return true, err
	}
	c.warnOf(w)
	for _, line := range dropped(w) {
		c.console.Warnf("%s", line)
	}
	c.console.Sayf("%s: changed: %s", w.Place, report.LiveCounts(w.report(false)))
	if c.json {
		err = addLive(c.told, w, false)
	}
	return true, err
}

// against holds what runs against the one output.
func (c applier) against(p *production) (wanted, error) {
	compared, err := c.runsAgainst(c.machine, p)
	if err != nil {
		return wanted{}, err
	}
	return compared[0], nil
}

// readBack holds that what runs is now what is wanted, but for what is known to stay.
func (c applier) readBack(p *production, done live.Committed) error {
	now, err := c.against(p)
	if err != nil {
		return err
	}
	for _, one := range now.Changes {
		if left := strings.TrimSpace(one.Kind + " " + one.Text); !slices.Contains(done.Kept, left) && !slices.Contains(done.Stays, one) {
			return fmt.Errorf("%s: the rules that run differ from those that were written: %c %s", now.Place, one.Sign, left)
		}
	}
	return nil
}
