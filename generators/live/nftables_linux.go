package live

import (
	"errors"
	"fmt"
	"syscall"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/nftables"
	"gatewright/generators/nftables/kernel"
)

// nftablesBackend is the kernel's nftables.
type nftablesBackend struct{}

func (nftablesBackend) Generator() string { return nftables.Generator{}.Name() }

func (b nftablesBackend) Compare(m Machine, p *rule.Policy, s artefact.Settings) (*Comparison, error) {
	l, err := nftables.LiveOf(p, s)
	if err != nil {
		return nil, err
	}
	return b.compare(m, l)
}

func (nftablesBackend) compare(m Machine, l nftables.Live) (*Comparison, error) {
	want, err := kernel.Lower(l.Table, l.Ruleset)
	if err != nil {
		return nil, err
	}
	have, err := readTable(m, l.Table, l.IsOurs)
	if err != nil {
		return nil, err
	}
	changes := kernel.Compare(have, want)
	c := &Comparison{Place: "table " + l.Table}
	for _, one := range changes.List() {
		c.Changes = append(c.Changes, Change{one.Sign, one.Kind, one.In, changeText(one)})
	}
	c.admits = l.Admits
	c.readings = func() (running, wanted artefact.Reading) {
		if !have.Missing {
			running = l.Reading(have.Ruleset())
		}
		return running, l.Reading(l.Ruleset)
	}
	c.commit = func() ([]string, error) { return commit(m, changes) }
	return c, nil
}

// changeText is the change of a rule as a line of nft's.
func changeText(c kernel.Change) string {
	if c.Rule == nil {
		return c.Text
	}
	return nftables.Text(*c.Rule)
}

func readTable(m Machine, table string, ours func(string) bool) (*kernel.Table, error) {
	conn, err := kernel.Open(m.Namespace)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	t, err := conn.Read(table, ours)
	if errors.Is(err, syscall.EPERM) {
		err = fmt.Errorf("%w; this takes root", err)
	}
	return t, err
}

func commit(m Machine, changes *kernel.Changes) ([]string, error) {
	conn, err := kernel.Open(m.Namespace)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.Commit(changes)
}

func (nftablesBackend) Restore(Machine, []byte) error { return nil }
