package live

import (
	"bytes"
	"cmp"
	"encoding/gob"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/iptables"
)

// iptablesBackend is the kernel's rules as the programs iptables and ipset, by which it
// is read and changed, show them.
type iptablesBackend struct{}

func (iptablesBackend) Generator() string { return iptables.Generator{}.Name() }

func (iptablesBackend) Forgets() bool { return true }

func (iptablesBackend) Compare(m Machine, p *rule.Policy, s artefact.Settings) (*Comparison, error) {
	out, err := iptables.Generator{}.Generate(p, s)
	if err != nil {
		return nil, err
	}
	l, err := iptables.LiveOf(artefact.FilesOf(out.Artefacts))
	if err != nil {
		return nil, err
	}
	dump, err := m.dumpIptables(l.Kernel.HasSets())
	if err != nil {
		return nil, err
	}
	have, err := iptables.ReadKernel(dump, l.Owned)
	if err == nil {
		err = have.CheckRestore()
	}
	if err != nil {
		return nil, err
	}
	changes := iptables.Compare(have, l.Kernel)
	c := &Comparison{Place: l.Place(), Changes: changes.List, Unled: l.Unled(have), admits: l.Admits}
	if err := c.addEnforced(l, dump); err != nil {
		return nil, err
	}
	if going := l.Going(have); len(going.Read) > 0 {
		c.Others = append(c.Others, Other{Place: going.Read[0], Does: going})
	}
	c.readings = func() (running, wanted artefact.Reading) { return l.Readings(have) }
	saved := savedIptables{dump, l.Owned}
	c.commit = func() (Committed, error) { return m.commitIptables(saved, l.Kernel, changes) }
	c.save = saved.encode
	return c, nil
}

// addEnforced tells of a default-deny that stays. None is taken away, for a machine is
// open without it; and none goes on unseen, for it drops what the site's own rules
// accept.
func (c *Comparison) addEnforced(l *iptables.Live, dump iptables.Dump) error {
	all, err := l.Enforced(dump)
	for _, e := range all {
		one := Other{Place: "chain " + e.Chain}
		rules, remove := "rules", strings.Join(e.Remove, "; ")
		if e.Rules == 1 {
			rules = "rule"
		}
		if e.Ours {
			one.Stays = fmt.Sprintf("it still has the policy DROP and %d %s of mode enforce. If your own rules are to decide there, remove these: %s", e.Rules, rules, remove)
			one.Changes, one.Does = e.Changes, e.Does
		} else {
			one.Stays = fmt.Sprintf("it has the policy DROP and %d %s such as mode enforce writes. If they are not yours, remove them: %s", e.Rules, rules, remove)
		}
		c.Others = append(c.Others, one)
	}
	return err
}

// dumpIptables reads what runs. Without ipset there are no sets.
func (m Machine) dumpIptables(needsIpset bool) (d iptables.Dump, err error) {
	for _, one := range []struct {
		to   *[]byte
		args []string
	}{
		{&d.Ipset, []string{"ipset", "save"}},
		{&d.IPv4, []string{"iptables-save", "-c"}},
		{&d.IPv6, []string{"ip6tables-save", "-c"}},
	} {
		if *one.to, err = m.run(nil, one.args[0], one.args[1:]...); err == nil {
			continue
		}
		if one.to != &d.Ipset || needsIpset || !errors.Is(err, errNotInstalled) {
			return d, asRoot(err)
		}
	}
	return d, nil
}

// asRoot says what is missing where a program was not permitted something.
func asRoot(err error) error {
	for _, words := range []string{"Permission denied", "not permitted", "must be root"} {
		if strings.Contains(err.Error(), words) {
			return fmt.Errorf("%w; this takes root", err)
		}
	}
	return err
}

// savedIptables is what ran before a change.
type savedIptables struct {
	Dump  iptables.Dump
	Owned []string // built-in chains that the change is of
}

func (s savedIptables) encode() ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(s)
	return b.Bytes(), err
}

// commitIptables changes what runs from what was saved to what is wanted, if it is that
// still. Each family changes as one; one alone does not stay changed.
func (m Machine) commitIptables(saved savedIptables, want *iptables.Kernel, compared *iptables.Changes) (done Committed, err error) {
	changes, err := m.changesTo(want, saved.Owned)
	if err != nil {
		return done, err
	}
	if !slices.Equal(changes.List, compared.List) {
		return done, ErrChanged
	}
	if done.Kept, err = m.changeIptables(changes); err == nil {
		return done, nil
	}
	old, oldErr := iptables.ReadKernel(saved.Dump, saved.Owned)
	if oldErr == nil {
		oldErr = m.restoreIptables(old, saved.Owned)
	}
	if oldErr != nil {
		err = fmt.Errorf("%w; %w: %w", err, ErrLeft, oldErr)
	}
	return done, err
}

func (m Machine) changesTo(want *iptables.Kernel, owned []string) (*iptables.Changes, error) {
	dump, err := m.dumpIptables(want.HasSets())
	if err != nil {
		return nil, err
	}
	now, err := iptables.ReadKernel(dump, owned)
	if err != nil {
		return nil, err
	}
	return iptables.Compare(now, want), nil
}

// changeIptables makes the changes: sets that come, the rules of one family and of the
// other, then sets that go. No flow is of both families, so whatever lies between opens
// nothing that neither policy allows.
func (m Machine) changeIptables(c *iptables.Changes) (kept []string, err error) {
	for _, script := range c.Sets() {
		if _, err := m.run(script, "ipset", "restore"); err != nil {
			return nil, err
		}
	}
	return m.changeRules(c)
}

func (m Machine) changeRules(c *iptables.Changes) (kept []string, err error) {
	for _, program := range iptables.Families() {
		if rules := c.Rules(program); len(rules) > 0 {
			if _, err := m.run(rules, program+"-restore", "--noflush", "--counters", "-w", "60"); err != nil {
				return nil, err
			}
		}
	}
	gone, inUse := c.Gone()
	for _, name := range gone {
		if m.destroySet(name) != nil {
			kept, inUse = append(kept, "set "+name), append(inUse, name)
		}
	}
	for _, name := range inUse {
		if _, err := m.run(nil, "ipset", "flush", name); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// destroySet waits for the kernel, which lets go of a set a little after the rule that
// matched it.
func (m Machine) destroySet(name string) (err error) {
	const tries, pause = 50, 20 * time.Millisecond
	for range tries {
		if _, err = m.run(nil, "ipset", "destroy", name); err == nil || !strings.Contains(err.Error(), "in use") {
			return err
		}
		time.Sleep(pause)
	}
	return err
}

// Restore brings back all that was saved, where something else runs.
func (iptablesBackend) Restore(m Machine, saved []byte) error {
	var s savedIptables
	if err := gob.NewDecoder(bytes.NewReader(saved)).Decode(&s); err != nil {
		return fmt.Errorf("the rules that were saved: %w", err)
	}
	old, err := iptables.ReadKernel(s.Dump, s.Owned)
	if err != nil {
		return fmt.Errorf("the rules that were saved: %w", err)
	}
	return m.restoreIptables(old, s.Owned)
}

// restoreIptables brings back the rules, even if sets that they match do not come back
// as they were, of which a LeftOutError tells.
func (m Machine) restoreIptables(old *iptables.Kernel, owned []string) error {
	const tries = 10 // others may change rules, too
	left, last := leftOut{}, false
	for range tries {
		changes, err := m.changesTo(old, owned)
		if err != nil {
			return err
		}
		if len(changes.List) == 0 || last {
			left.addAll(changes.List)
			return left.err()
		}
		failed, simpler := m.restoreSets(changes, old, left)
		if simpler {
			continue
		}
		kept, err := m.changeRules(changes)
		if err != nil {
			return err
		}
		last = failed || len(kept) > 0
	}
	return ErrChanged
}

// restoreSets has old hold less of sets that fail, and reports whether there is less to
// try.
func (m Machine) restoreSets(c *iptables.Changes, old *iptables.Kernel, left leftOut) (failed, simpler bool) {
	for name, script := range c.Sets() {
		if _, err := m.run(script, "ipset", "restore"); err != nil {
			failed = true
			left.add("set "+name, "did not come back as it was: "+err.Error())
			simpler = old.Simplify(name) || simpler
		}
	}
	return failed, simpler
}

// leftOut tells of sets and chains, by what they are, what of them is not back.
type leftOut map[string]string

// add tells of one, of which nothing is told yet, in one line.
func (l leftOut) add(what, text string) {
	l[what] = cmp.Or(l[what], artefact.OneLine(what+" "+text))
}

// addAll adds what still has to change.
func (l leftOut) addAll(changes []Change) {
	for _, one := range changes {
		what := one.Kind + " " + one.Text
		switch one.Kind {
		case "element":
			what = "set " + one.In
		case "rule":
			what = "chain " + one.In
		}
		l.add(what, "is not as it was")
	}
}

func (l leftOut) err() error {
	if len(l) == 0 {
		return nil
	}
	return &LeftOutError{slices.Sorted(maps.Values(l))}
}
