package iptables

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/filter"
)

// Live is what the kernel holds once files of this generator are loaded.
type Live struct {
	Kernel *Kernel
	Owned  []string // built-in chains of table filter that are ours

	rules []*rules // of both families
}

// LiveOf reads the files. Both families' rules have to be among them.
func LiveOf(files artefact.Files) (*Live, error) {
	var sets *setsReader // nil without the file
	var err error
	l := &Live{}
	if data, ok := files[setsFile]; ok {
		if sets, err = readSetsFile(data); err != nil {
			return nil, err
		}
	}
	for _, f := range []family{ipv4, ipv6} {
		data, ok := files[f.file()]
		if !ok {
			return nil, fmt.Errorf("%s is missing; generate the files again", f.file())
		}
		r, err := readRulesFile(f, data, sets)
		if err == nil {
			err = sets.checkUse(r)
		}
		if err != nil {
			return nil, err
		}
		l.rules = append(l.rules, r)
	}
	if a, b := l.rules[0].config, l.rules[1].config; a.Mode != b.Mode || a.Place != b.Place {
		return nil, fmt.Errorf("%s and %s are of another mode or place; generate the files again", ipv4.file(), ipv6.file())
	}
	if config := l.rules[0].config; config.Mode == artefact.ModeEnforce {
		for _, b := range config.bases() {
			l.Owned = append(l.Owned, b.chain)
		}
	}
	l.Kernel, err = ReadKernel(Dump{IPv4: files[ipv4.file()], IPv6: files[ipv6.file()]}, l.Owned)
	if err != nil {
		return nil, err
	}
	for _, s := range sets.list() {
		l.Kernel.sets = append(l.Kernel.sets, kernelSet(s))
	}
	slices.SortFunc(l.Kernel.sets, func(a, b *set) int { return strings.Compare(a.name, b.name) })
	return l, nil
}

// Place is what the files say all of.
func (l *Live) Place() string {
	return "table " + string(l.rules[0].config.table()) + " of iptables and ip6tables"
}

// Admits reports whether the built-in chains among ours accept the first packet of a
// connection by TCP to this machine.
func (l *Live) Admits(remote netip.Addr, local netip.AddrPort) bool {
	chain := strings.ToUpper(filter.Input)
	return !slices.Contains(l.Owned, chain) || !slices.ContainsFunc(l.rules, func(r *rules) bool {
		held := r.ruleset()
		return r.family == familyOf(remote) && !held.AdmitsTCP(chain, remote, local)
	})
}

// Unled returns the chains of the files that neither they nor what runs of others leads
// to.
func (l *Live) Unled(running *Kernel) (chains []string) {
	for _, r := range l.rules {
		held := r.ruleset()
		for _, name := range held.Unled() {
			if !running.table(r.family, string(r.config.table())).led[name] {
				chains = append(chains, name+" of "+r.family.program())
			}
		}
	}
	return chains
}

// Readings returns the effect of the running rules and of the files. If nothing of ours
// runs, the effect of the running rules is empty.
func (l *Live) Readings(running *Kernel) (runs, wanted artefact.Reading) {
	for _, r := range l.rules {
		place := fmt.Sprintf("%s, table %s", r.family.program(), r.config.table())
		runs.Read, wanted.Read = append(runs.Read, place), append(wanted.Read, place)
		r.addRuleset(&wanted, r.ruleset(), place)
		if !running.IsEmpty() {
			r.addRuleset(&runs, r.held(running), place)
		}
	}
	if running.IsEmpty() {
		return artefact.Reading{}, wanted
	}
	return runs, wanted
}

// held is what runs of the file's chains, as far as rules are such as ours.
func (r *rules) held(k *Kernel) (out filter.Ruleset) {
	for _, s := range k.sets {
		if !s.isOdd() && s.family() == r.family {
			out.Sets = append(out.Sets, s.filter())
		}
	}
	ids := map[string]rule.ID{}
	for _, s := range r.sections {
		for _, l := range s.lines {
			ids[l.chain] = s.id
		}
	}
	for _, c := range k.table(r.family, string(r.config.table())).chains {
		out.Chains = append(out.Chains, r.heldChain(c, ids))
	}
	return out
}

// heldChain leaves out what no reader of ours could tell the effect of.
func (r *rules) heldChain(c *chain, ids map[string]rule.ID) filter.Chain {
	out := filter.Chain{Name: c.name}
	if r.isBase(c.name) {
		out.Hook = &filter.Hook{Name: strings.ToLower(strings.TrimPrefix(c.name, filter.Prefix)), Policy: filter.Verdict(strings.ToLower(c.policy))}
	}
	for _, one := range c.rules {
		if one.odd != nil {
			continue
		}
		ruled := readSaved(one.rule, filter.Chain{Name: c.name})
		if ruled.ID == "" {
			ruled.ID = ids[c.name]
		}
		out.Rules = append(out.Rules, ruled)
	}
	return readable(out)
}

// readable brings what follows ways before them, and so shows what it may open; what
// then still is like no chain of ours is left out.
func readable(c filter.Chain) filter.Chain {
	if behindWays(c) > 0 {
		slices.SortStableFunc(c.Rules, func(a, b filter.Rule) int { return cmp.Compare(wayOrder(a), wayOrder(b)) })
	}
	for i := behindWays(c); i > 0; i = behindWays(c) {
		c.Rules = slices.Delete(c.Rules, i, i+1)
	}
	return c
}

func wayOrder(r filter.Rule) int {
	if r.IsWay() {
		return 1
	}
	return 0
}
