package nftables

import (
	"cmp"
	"fmt"
	"slices"

	"gatewright/generators/artefact"
	"gatewright/generators/filter"
)

func (Generator) Options() []artefact.Option {
	const modes = "chains: chains in the site's table, which the site's rules jump to; mark: a bit on accepted packets, which the site's rules match; enforce: " + artefact.EnforceDoc
	return artefact.FilterOptions(modes, artefact.Option{
		Name:  "table",
		Doc:   "mode chains: family and name of the site's table (default " + defaultTable + ")",
		Check: func(s string) error { _, _, err := tableOf(s); return err },
	})
}

// config is the settings, parsed.
type config struct {
	artefact.Filter
	table    tableSpec
	families []filter.Family // that the table sees
}

// configure refuses combinations that make no sense.
func configure(s artefact.Settings) (config, error) {
	table, mode := s.Text("table"), artefact.Mode(s.Text("mode"))
	if table != "" && mode != artefact.ModeChains {
		return config{}, fmt.Errorf("mode %s uses its own table, %s; omit table, or set mode to %s", mode, ownTable, artefact.ModeChains)
	}
	f, err := artefact.FilterOf(s)
	if err != nil {
		return config{}, err
	}
	c := config{Filter: f, table: ownTable, families: []filter.Family{filter.IPv4, filter.IPv6}}
	if mode == artefact.ModeChains {
		c.table, c.families, err = tableOf(cmp.Or(table, defaultTable))
	}
	return c, err
}

// TableOf returns the table that an artefact with the settings belongs to, such as
// "inet filter".
func TableOf(s artefact.Settings) (string, error) {
	c, err := configure(s)
	return string(c.table), err
}

// Families reports which families of addresses the table of TableOf sees; none if the
// settings are wrong.
func (Generator) Families(s artefact.Settings) (v4, v6 bool) {
	c, err := configure(s)
	return err == nil && slices.Contains(c.families, filter.IPv4), err == nil && slices.Contains(c.families, filter.IPv6)
}
