package nftables

import (
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/filter"
)

// Live is what the kernel holds once an artefact is loaded.
type Live struct {
	Table   string // "inet filter"
	Ruleset filter.Ruleset
	file    *file
}

// LiveOf returns what the kernel has to hold of a policy.
func LiveOf(p *rule.Policy, s artefact.Settings) (Live, error) {
	f, err := newFile(p, s)
	if err != nil {
		return Live{}, err
	}
	return f.live(), nil
}

func (f *file) live() Live { return Live{string(f.config.table), f.held, f} }

// OwnTable is the table of modes mark and enforce.
const OwnTable = string(ownTable)

// IsOurs reports whether a set, a map, a chain or a counter is ours. In our own table
// all are ours; in the site's table the name decides.
func IsOurs(table, object string) bool {
	return table == OwnTable || strings.HasPrefix(object, string(prefix))
}

// Reading returns what the table does while it holds the ruleset.
func (l Live) Reading(rs filter.Ruleset) artefact.Reading {
	f := *l.file
	f.held, f.place = rs, "table "+l.Table
	identify(&f.held)
	out := f.reading()
	out.Read = []string{f.place}
	return out
}

// ReadingOf returns what a table of another mode does while it holds the ruleset.
func ReadingOf(table string, rs filter.Ruleset) artefact.Reading {
	return Live{Table: table, file: &file{}}.Reading(rs)
}

// Admits reports whether the base chains among ours accept the first packet of a
// connection by TCP to this machine.
func (l Live) Admits(remote netip.Addr, local netip.AddrPort) bool {
	return !slices.ContainsFunc(l.Ruleset.Chains, func(c filter.Chain) bool {
		return c.Hook != nil && c.Hook.Name == filter.Input && !l.Ruleset.AdmitsTCP(c.Name, remote, local)
	})
}

// identify names the policy's rules by their chains.
func identify(rs *filter.Ruleset) {
	for i := range rs.Chains {
		c := &rs.Chains[i]
		for j := range c.Rules {
			r := &c.Rules[j]
			switch id, ours := strings.CutPrefix(r.Target, string(prefix)); {
			case c.Hook != nil || !strings.HasPrefix(c.Name, string(prefix)): // beside the policy
			case r.Verdict == filter.Goto && ours && r.Target != "":
				r.ID = rule.ID(id)
			default:
				r.ID = rule.ID(strings.TrimPrefix(c.Name, string(prefix)))
			}
		}
	}
}

// Text is a rule as a line of the file.
func Text(r filter.Rule) string { return lineText(lineOf(r)) }
