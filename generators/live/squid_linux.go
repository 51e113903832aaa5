package live

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/squid"
)

// squidBackend is the Squid of this machine, as Debian installs it.
type squidBackend struct{}

func (squidBackend) Generator() string { return squid.Generator{}.Name() }

func (squidBackend) Forgets() bool { return false }

func (squidBackend) Compare(m Machine, p *rule.Policy, s artefact.Settings) (*Comparison, error) {
	if err := m.checkFiles(); err != nil {
		return nil, err
	}
	out, err := squid.Generator{}.Generate(p, s)
	if err != nil {
		return nil, err
	}
	at := squid.InstallationOf(s)
	i := installation{generator: squid.Generator{}, want: installed{}, names: map[string]string{}, reload: reloadSquid}
	for _, a := range out.Artefacts {
		path := at.Path(a.Name)
		i.want[path], i.names[path] = a.Data, a.Name
		i.order = append(i.order, path)
	}
	conf, err := readOne(squid.Conf)
	if err != nil {
		return nil, err
	}
	if conf == nil {
		return nil, fmt.Errorf("%s does not exist; install Squid on this machine, or run this on the proxy", squid.Conf)
	}
	i.want[squid.Conf] = at.Include(conf)
	i.order = append(i.order, squid.Conf)
	if err := i.addStale(at); err != nil {
		return nil, err
	}
	if i.have, err = readInstalled(i.order); err != nil {
		return nil, err
	}
	return i.comparison()
}

// addStale adds the files of ours that an earlier policy or another place left. What
// was changed by hand stays, for nothing reads a list that no rule names; the rules
// themselves must not be read twice.
func (i *installation) addStale(at squid.Installation) error {
	elsewhere, err := readOne(at.Elsewhere())
	if err != nil {
		return err
	}
	if elsewhere != nil && !artefact.Sealed(elsewhere) {
		return fmt.Errorf("%s is not as gatewright wrote it, and Squid would read its rules in addition to these; remove it", at.Elsewhere())
	}
	i.want[at.Elsewhere()] = nil
	i.order = append(i.order, at.Elsewhere())
	entries, err := os.ReadDir(at.Lists())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if err := i.addStaleList(at, e.Name()); err != nil {
			return err
		}
	}
	return nil
}

func (i *installation) addStaleList(at squid.Installation, base string) error {
	name, ours := at.NameOf(base)
	path := at.Path(name)
	if !ours || i.names[path] != "" {
		return nil
	}
	data, err := readOne(path)
	if err != nil {
		return err
	}
	if i.names[path] = name; artefact.Sealed(data) {
		data = nil
	}
	i.want[path] = data
	i.order = append(i.order, path)
	return nil
}
