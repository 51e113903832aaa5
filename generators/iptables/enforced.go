package iptables

import (
	"fmt"
	"slices"
	"strings"

	"gatewright/generators/artefact"
	"gatewright/generators/filter"
)

// Enforced is a built-in chain that mode enforce owned and that is not among the
// files'.
type Enforced struct {
	Chain   string           // "FORWARD of iptables"
	Rules   int              // of mode enforce
	Remove  []string         // commands
	Ours    bool             // a comment of ours shows whose the chain is; or else a site may have written the like
	Changes []filter.Change  // that removing it makes
	Does    artefact.Reading // what the chain does by itself
}

// Enforced returns the built-in chains of table filter that mode enforce, or the other
// place of it, has left under the policy DROP. Others are the site's own.
func (l *Live) Enforced(d Dump) (all []Enforced, err error) {
	var chains []string
	for _, hook := range filter.Hooks() {
		if name := strings.ToUpper(hook); !slices.Contains(l.Owned, name) {
			chains = append(chains, name)
		}
	}
	k, err := ReadKernel(d, chains)
	if err != nil {
		return nil, err
	}
	for _, r := range l.rules {
		t := k.table(r.family, filterTable)
		for _, name := range chains {
			if c := t.named[name]; c.policy == "DROP" && c.isEnforced() {
				all = append(all, r.enforced(k, t, c))
			}
		}
	}
	return all, nil
}

// isEnforced reports whether a comment shows that enforce wrote rules of the chain, or
// whether it may have written all of them.
func (c *chain) isEnforced() bool {
	alien := func(r savedRule) bool { return !r.isOfEnforce() }
	return slices.ContainsFunc(c.rules, savedRule.isMarked) || slices.ContainsFunc(c.rules, savedRule.isGuard) && !slices.ContainsFunc(c.rules, alien)
}

// isGuard reports whether mode enforce alone has such a rule, or hardly anybody else.
func (r savedRule) isGuard() bool {
	return r.odd == nil && r.rule.Verdict == filter.Drop && r.rule.State == "invalid" || r.isMarked()
}

// isMarked reports whether the rule's comment is one of mode enforce.
func (r savedRule) isMarked() bool {
	return r.odd == nil && r.rule.Verdict == filter.Accept && slices.Contains(filter.GuardComments(), r.rule.Comment)
}

// isOfEnforce reports whether mode enforce writes such a rule beside its guards.
func (r savedRule) isOfEnforce() bool {
	entry := r.rule.Target == filter.Outbound || r.rule.Target == filter.Inbound || strings.HasPrefix(r.rule.Target, prefix)
	return r.isGuard() || r.odd == nil && (r.rule.Verdict == filter.Jump && entry ||
		r.rule.Verdict == filter.Accept && (r.rule.State != "" || r.rule.Loopback != ""))
}

func (r *rules) enforced(k *Kernel, t *table, c *chain) Enforced {
	program, place := r.family.program(), t.place(c.name)
	e := Enforced{Chain: place, Ours: slices.ContainsFunc(c.rules, savedRule.isMarked)}
	e.Changes = []filter.Change{{Sign: '-', Kind: "policy", In: place, Text: c.policy}}
	var removals []string
	for _, one := range c.rules {
		if one.isOfEnforce() {
			e.Rules++
			e.Changes = append(e.Changes, filter.Change{Sign: '-', Kind: "rule", In: place, Text: one.text})
			removals = append(removals, program+" -D "+c.name+" "+one.text)
		}
	}
	if e.Rules == len(c.rules) {
		removals = []string{program + " -F " + c.name}
	}
	accept := program + " -P " + c.name + " ACCEPT"
	if c.name == strings.ToUpper(filter.Forward) {
		e.Remove = append(removals, accept)
	} else { // emptied under the policy, it would lock everybody out
		e.Remove = append([]string{accept}, removals...)
	}
	e.Does = r.chainReading(k, c)
	return e
}

// chainReading is what a built-in chain does without the chains of the policy's rules.
func (r *rules) chainReading(k *Kernel, c *chain) (out artefact.Reading) {
	one := *r
	one.config.Mode, one.config.Place = artefact.ModeEnforce, artefact.PlaceHost
	if c.name == strings.ToUpper(filter.Forward) {
		one.config.Place = artefact.PlaceForward
	}
	place := fmt.Sprintf("%s, table %s", r.family.program(), filterTable)
	whole := one.held(k)
	held := whole.Fold()
	hook := &filter.Hook{Name: strings.ToLower(c.name)}
	out.Read = []string{place}
	out.Beside = []artefact.Statement{{File: place, Name: "policy", Value: c.name + " " + c.policy}}
	held.AddOpenings(&out, artefact.HookPoint{File: place, Chain: c.name}, true, hook.Direction(), r.labelsOf)
	return out
}

// Going returns what chains of ours do in the table of another mode, to which rules of
// the site's lead, and that go.
func (l *Live) Going(running *Kernel) (out artefact.Reading) {
	for _, r := range l.rules {
		one := *r
		one.config.Mode = artefact.ModeMark
		if r.config.table() == mangleTable {
			one.config.Mode = artefact.ModeChains
		}
		t := running.table(r.family, string(one.config.table()))
		if slices.ContainsFunc(t.chains, func(c *chain) bool { return isOurs(c.name) && len(c.rules) > 0 && t.led[c.name] }) {
			place := fmt.Sprintf("%s, table %s", r.family.program(), t.name)
			out.Read = append(out.Read, place)
			one.addRuleset(&out, one.held(running), place)
		}
	}
	return out
}
