package live

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/nftables"
	"gatewright/generators/nftables/kernel"
)

// nftablesBackend is the kernel's nftables.
type nftablesBackend struct{}

func (nftablesBackend) Generator() string { return nftables.Generator{}.Name() }

func (nftablesBackend) Forgets() bool { return true }

func (nftablesBackend) Compare(m Machine, p *rule.Policy, s artefact.Settings) (*Comparison, error) {
	l, err := nftables.LiveOf(p, s)
	if err != nil {
		return nil, err
	}
	want, err := kernel.Lower(l.Table, l.Ruleset)
	if err != nil {
		return nil, err
	}
	have, others, err := readAll(m, want)
	if err != nil {
		return nil, err
	}
	changes := kernel.Compare(have, want)
	c := &Comparison{Place: "table " + l.Table, admits: l.Admits, Unread: have.Foreign()}
	c.Unled = slices.DeleteFunc(l.Ruleset.Unled(), have.IsLed)
	left := c.addOthers(others, changes)
	c.Changes = slices.Concat(changes.List(nftables.Text), left.list())
	c.readings = func() (running, wanted artefact.Reading) {
		if !have.Missing && !have.IsAsleep() {
			running = l.Reading(have.Ruleset())
		}
		return running, l.Reading(l.Ruleset)
	}
	c.commit = func() (done Committed, err error) {
		err = onKernel(m, func(conn *kernel.Conn) error {
			if done.Kept, err = conn.Commit(changes); err == nil {
				left.commit(conn, &done)
			}
			return err
		})
		if stays, why := changes.Stays(); why != nil {
			done.Stays = append(done.Stays, stays.List(nftables.Text)...)
			done.Said = append(done.Said, fmt.Sprintf("some objects that are no longer used could not be removed (%v); apply again to remove them", why))
		}
		return done, err
	}
	c.save = func() ([]byte, error) {
		saved := append([]*kernel.Table{have}, left.tables()...)
		for _, t := range others {
			if t.Own {
				saved = append(saved, t)
			}
		}
		if lost := changes.Unsaved(saved...); len(lost) > 0 {
			return nil, fmt.Errorf("--confirm could not restore these objects, which would be removed: %s; move them to your own table, or apply without --confirm", strings.Join(lost, "; "))
		}
		var b bytes.Buffer
		err := gob.NewEncoder(&b).Encode(saved)
		return b.Bytes(), err
	}
	return c, nil
}

// readTables reads the tables that should hold what these do, of one state.
func readTables(conn *kernel.Conn, wanted ...*kernel.Table) (all []*kernel.Table, err error) {
	for _, want := range wanted {
		t, err := conn.ReadExpecting(want, func(object string) bool { return nftables.IsOurs(want.Name, object) })
		if err != nil {
			return nil, err
		}
		t.Own = want.Name == nftables.OwnTable
		all = append(all, t)
	}
	return all, nil
}

func onKernel(m Machine, f func(*kernel.Conn) error) error {
	conn, err := kernel.Open(m.Namespace)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err = f(conn); errors.Is(err, syscall.EPERM) {
		err = fmt.Errorf("%w; this takes root", err)
	}
	return err
}

// Restore changes each table on its own.
func (nftablesBackend) Restore(m Machine, saved []byte) error {
	var tables []*kernel.Table
	if err := gob.NewDecoder(bytes.NewReader(saved)).Decode(&tables); err != nil {
		return fmt.Errorf("the rules that were saved: %w", err)
	}
	var left []string
	for _, old := range tables {
		other, err := restoreTable(m, old)
		if err != nil {
			return err
		}
		for _, text := range other {
			left = append(left, "table "+old.Name+": "+text)
		}
	}
	if len(left) > 0 {
		return &LeftOutError{left}
	}
	return nil
}

// restoreTable returns what is other than it was, because the kernel does not take it.
func restoreTable(m Machine, old *kernel.Table) (other []string, err error) {
	if err := old.Revive(); err != nil {
		return nil, err
	}
	for range 20 {
		var now []*kernel.Table
		err := onKernel(m, func(conn *kernel.Conn) error { now, err = readTables(conn, old); return err })
		if err != nil {
			return nil, err
		}
		changes := kernel.Compare(now[0], old)
		if changes.IsEmpty() {
			return nil, nil
		}
		err = onKernel(m, func(conn *kernel.Conn) error { other, err = conn.Restore(changes); return err })
		switch {
		case err == nil && len(other) > 0:
			return other, nil
		case err != nil && !errors.Is(err, ErrChanged):
			return nil, fmt.Errorf("table %s: %w", old.Name, err)
		}
	}
	return nil, fmt.Errorf("table %s: other programs keep changing it; stop them, and try again", old.Name)
}
