package live

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Bounds says how much one apply may change, in percent of what runs.
type Bounds struct{ MaxShrink, MaxGrowth int }

// Check refuses what accepts nothing for the policy, and what loses or gains more
// remote addresses than the bounds allow. Nothing that runs yet has no bounds.
func (c *Comparison) Check(b Bounds) error {
	running, wanted := c.Readings()
	if !carries(wanted) {
		return errors.New("the site's policy has no rule for this machine, so nothing would be accepted; check the selection and the bindings")
	}
	if err := b.checkNames(namesOf(running), namesOf(wanted)); err != nil {
		return err
	}
	return b.check(remotesOf(running), remotesOf(wanted))
}

// carries reports whether a reading accepts anything for a rule of the policy.
func carries(r artefact.Reading) bool {
	for _, f := range r.Filters {
		for _, line := range f.Lines {
			if line.Rule != "" {
				return true
			}
		}
	}
	return r.Routes != nil || len(requestsOf(r)) > 0 // a PAC file without routes sends all the same way
}

// requestsOf returns the rules of a proxy's or a PAC file's reading.
func requestsOf(r artefact.Reading) (rules []rule.Rule) {
	for _, p := range []*rule.Policy{r.Requests, r.Routes} {
		if p != nil {
			rules = append(rules, p.Rules...)
		}
	}
	return rules
}

// namesOf returns the names of a proxy's or a PAC file's rules.
func namesOf(r artefact.Reading) netset.NameSet {
	var names []netset.Pattern
	for _, one := range requestsOf(r) {
		names = slices.AppendSeq(names, one.Remote.Names().Patterns())
	}
	return netset.NameSetOf(names...)
}

func (b Bounds) checkNames(running, wanted netset.NameSet) error {
	lost := 0
	for name := range running.Patterns() {
		if !wanted.Covers(name) {
			lost++
		}
	}
	return b.checkLost(lost, running.Len(), "names")
}

func (b Bounds) checkLost(lost, before int, of string) error {
	if lost*100 <= before*b.MaxShrink {
		return nil
	}
	return fmt.Errorf("%d of %d %s would be removed, more than the %d %% that --max-shrink allows; if this is meant, use --max-shrink %d",
		lost, before, of, b.MaxShrink, (lost*100+before-1)/before)
}

// remotesOf returns the remotes of the policy's rules, but of those for any address.
func remotesOf(r artefact.Reading) netset.PrefixSet {
	var b netset.PrefixBuilder
	for _, f := range r.Filters {
		for _, line := range f.Lines {
			if line.Rule == "" {
				continue
			}
			for _, flows := range line.Traffic.Flows(line.Direction) {
				addNarrow(&b, flows)
			}
		}
	}
	for _, one := range requestsOf(r) {
		addNarrow(&b, rule.Flows{Remote: one.Remote.Prefixes()})
	}
	return b.Build()
}

func addNarrow(b *netset.PrefixBuilder, f rule.Flows) {
	v4, v6 := f.Remote.CoversFamily()
	if !v4 {
		b.AddSet(f.Remote.V4())
	}
	if !v6 {
		b.AddSet(f.Remote.V6())
	}
}

func (b Bounds) check(running, wanted netset.PrefixSet) error {
	if running.IsEmpty() {
		return nil
	}
	lost := 0
	for first, last := range running.Ranges() {
		var one netset.PrefixBuilder
		if one.AddRange(first, last); !wanted.Covers(one.Build()) {
			lost++
		}
	}
	if err := b.checkLost(lost, running.Size(), "ranges of remote addresses"); err != nil {
		return err
	}
	if part, family := netset.Growth(running, wanted); part*100 > float64(b.MaxGrowth) {
		return fmt.Errorf("the remote addresses of %s would grow by %.0f %%, more than the %d %% that --max-growth allows; if this is meant, use --max-growth %.0f",
			family, part*100, b.MaxGrowth, math.Ceil(part*100))
	}
	return nil
}
