package live

import (
	"bytes"
	"encoding/gob"
	"fmt"

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

func (b nftablesBackend) CompareFiles(m Machine, files artefact.Files) (*Comparison, error) {
	l, err := nftables.LiveFrom(files)
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
	c.Elements, c.Gained, c.Lost = have.Size(), changes.Count('+'), changes.Count('-')
	c.readings = func() (running, wanted artefact.Reading) {
		return l.Reading(have.Ruleset()), l.Reading(l.Ruleset)
	}
	c.commit = func() ([]string, error) { return commit(m, changes) }
	c.save = func() ([]byte, error) {
		var b bytes.Buffer
		err := gob.NewEncoder(&b).Encode(have)
		return b.Bytes(), err
	}
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
	return conn.Read(table, ours)
}

func commit(m Machine, changes *kernel.Changes) ([]string, error) {
	conn, err := kernel.Open(m.Namespace)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.Commit(changes)
}

func (nftablesBackend) Restore(m Machine, saved []byte) error {
	var old kernel.Table
	if err := gob.NewDecoder(bytes.NewReader(saved)).Decode(&old); err != nil {
		return fmt.Errorf("the saved rules: %w", err)
	}
	return nil
}
