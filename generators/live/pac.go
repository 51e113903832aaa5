package live

import (
	"errors"
	"maps"
	"slices"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/pac"
)

// pacBackend is the PAC file that a web server of this machine serves. Browsers fetch
// it anew by themselves, so that nobody needs to be told.
type pacBackend struct{}

func (pacBackend) Generator() string { return pac.Generator{}.Name() }

func (pacBackend) Forgets() bool { return false }

func (pacBackend) Compare(m Machine, p *rule.Policy, s artefact.Settings) (*Comparison, error) {
	if err := m.checkFiles(); err != nil {
		return nil, err
	}
	if len(p.Rules) == 0 {
		return nil, errors.New("the site's policy has no rule, so no request would have a route")
	}
	out, err := pac.Generator{}.Generate(p, s)
	if err != nil {
		return nil, err
	}
	i := installation{generator: pac.Generator{}, want: installed{}, names: map[string]string{}}
	for _, a := range out.Artefacts {
		path := pac.InstalledAs(s.Text("dir"))
		i.want[path], i.names[path] = a.Data, a.Name
	}
	i.order = slices.Sorted(maps.Keys(i.want))
	if i.have, err = readInstalled(i.order); err != nil {
		return nil, err
	}
	return i.comparison()
}
