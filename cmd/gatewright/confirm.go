package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"gatewright/cmd/gatewright/internal/console"
	"gatewright/generators/live"
)

func confirmCommand() command {
	return command{
		name:    "confirm",
		summary: "keep the rules that apply --confirm loaded",
		usage: `gatewright confirm

Keeps the rules that apply --confirm loaded, and writes the files that are
loaded at boot. If you do not confirm in time, the old rules come back.

    gatewright apply nftables --confirm 60s
    gatewright confirm
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) { inv.registerLive(flags) },
		run:   confirm,
	}
}

func confirm(inv *invocation, args []string) error {
	if len(args) > 0 {
		return usagef("confirm: unexpected operand %q; confirm takes none", args[0])
	}
	m, err := inv.machine()
	if err != nil {
		return err
	}
	held, err := m.Hold()
	if err != nil {
		return err
	}
	defer held.Release()
	if err := inv.settle(held); err != nil {
		return err
	}
	folder, err := inv.confirmHeld(m, held)
	if err != nil || !inv.json {
		return err
	}
	return console.WriteJSON(inv.stdout, struct {
		Version console.Version `json:"version"`
		Folder  string          `json:"folder"`
	}{Folder: folder})
}

// confirmHeld keeps what waits for confirmation, and returns the folder that is loaded
// at boot. When the time is over, the old rules come back, whichever process watched
// it.
func (inv *invocation) confirmHeld(m live.Machine, held *live.Run) (folder string, err error) {
	left, alive, ok, err := held.Pending()
	switch {
	case err != nil:
		return "", err
	case ok && left == 0 && alive:
		return "", errors.New("the time to confirm is over, and the old rules are coming back")
	case ok && left == 0:
		if err := inv.clear(m, held); err != nil {
			return "", err
		}
	}
	keep, err := held.Confirm()
	if err == nil {
		folder, err = inv.writeKept(keep)
	}
	if errors.Is(err, live.ErrNoTrial) {
		return "", lastTrial(held)
	}
	if err != nil {
		return "", err
	}
	inv.console.Sayf("confirmed; at boot the rules are loaded from %s", folder)
	return folder, held.Settled()
}

// lastTrial says what became of the trial that no longer waits, for who asks from
// another session.
func lastTrial(held *live.Run) error {
	outcome, at, left, err := held.Last()
	when := at.Format("2006-01-02 15:04:05 MST")
	switch {
	case err != nil:
		return errors.Join(live.ErrNoTrial, err)
	case outcome == live.Confirmed:
		return fmt.Errorf("%w: the last change was confirmed at %s", live.ErrNoTrial, when)
	case outcome == live.Restored && len(left) > 0:
		return fmt.Errorf("%w: the last change was not confirmed, and the old rules came back at %s, but for what could not be made again: %s", live.ErrNoTrial, when, strings.Join(left, "; "))
	case outcome == live.Restored:
		return fmt.Errorf("%w: the last change was not confirmed, and the old rules came back at %s", live.ErrNoTrial, when)
	}
	return live.ErrNoTrial
}

// noteWaiting tells that what runs may go again by itself.
func (inv *invocation) noteWaiting(m live.Machine) error {
	until, ok, err := m.Waits()
	if err == nil && ok {
		inv.console.Sayf("note: an apply waits for confirmation; without it, the old rules come back at %s", until.Format("15:04:05 MST"))
	}
	return err
}

// settle writes what an earlier confirmation kept, if it was stopped before it had.
func (inv *invocation) settle(held *live.Run) error {
	keep, ok, err := held.Unsettled()
	if err != nil || !ok {
		return err
	}
	if _, err := inv.writeKept(keep); err != nil {
		return err
	}
	return held.Settled()
}

// watchCommand is for apply alone.
func watchCommand() command {
	return command{name: live.WatchCommand, run: func(inv *invocation, args []string) error {
		return live.Watch(args, func(keep []byte) error { _, err := inv.writeKept(keep); return err })
	}}
}

// askInterval is how often a prompt looks what became of the trial.
const askInterval = 100 * time.Millisecond

// await waits for the confirmation at the prompt or by another process; without a
// prompt it says how to give it, and returns.
func (inv *invocation) await(m live.Machine, t *live.Trial) error {
	end := time.Now().Add(inv.confirm)
	back := fmt.Sprintf("in %s (%s)", inv.confirm, end.Format("15:04:05 MST"))
	stdin, ok := inv.stdin.(*os.File)
	if !ok || !console.CanAsk(stdin) {
		inv.console.Sayf("the old rules come back %s, unless `%s` keeps the new ones", back, inv.confirmLine())
		return nil
	}
	inv.console.Sayf("the old rules come back %s; to keep the new ones, type y and Enter, or run `%s`", back, inv.confirmLine())
	answers := make(chan string)
	go func() {
		for lines := bufio.NewScanner(stdin); lines.Scan(); {
			answers <- strings.ToLower(strings.TrimSpace(lines.Text()))
		}
	}()
	for {
		select {
		case answer := <-answers:
			if answer == "y" || answer == "yes" {
				return inv.confirmAgain(m)
			}
			inv.console.Sayf("type y and Enter to keep the new rules")
		case <-time.After(askInterval):
		}
		switch outcome, err := t.Outcome(); {
		case outcome == live.Restored && err != nil:
			return fmt.Errorf("not confirmed: %w", err)
		case outcome == live.Restored:
			return errors.New("not confirmed: the old rules are back")
		case err != nil: // it is looked again
		case outcome == live.Confirmed:
			inv.console.Sayf("confirmed")
			return nil
		case outcome == live.Unwatched && time.Now().After(end):
			if err := inv.endUnwatched(m, t); err != nil && !errors.Is(err, live.ErrBusy) {
				return err
			}
		}
	}
}

// endUnwatched ends a trial as who watched it would have, and is gone.
func (inv *invocation) endUnwatched(m live.Machine, t *live.Trial) error {
	held, err := m.Hold()
	if err != nil {
		return err
	}
	defer held.Release()
	if outcome, err := t.Outcome(); err != nil || outcome != live.Unwatched {
		return err
	}
	if err := inv.settle(held); err != nil {
		return err
	}
	if outcome, err := t.Outcome(); err != nil || outcome != live.Unwatched {
		return err
	}
	inv.console.Warnf("the process that watched the change has ended; this process brings the old rules back")
	if err := held.Restore(m); err != nil && !errors.As(err, new(*live.LeftOutError)) { // which the outcome says
		return fmt.Errorf("not confirmed, and the old rules did not come back: %w", err)
	}
	return nil
}

func (inv *invocation) confirmLine() string {
	if inv.netns != "" {
		return "gatewright confirm --netns " + inv.netns
	}
	return "gatewright confirm"
}

func (inv *invocation) confirmAgain(m live.Machine) error {
	held, err := m.Hold()
	if err != nil {
		return err
	}
	defer held.Release()
	_, err = inv.confirmHeld(m, held)
	return err
}
