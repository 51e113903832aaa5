package artefact

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// MaxLooks bounds what judging the rules of one policy may cost: a look is one at a
// rule or an address, for a flow that may be a witness.
const MaxLooks = 64_000_000

// TooLargeError says that verdicts take more than MaxLooks.
type TooLargeError struct {
	Rules   int
	Largest []rule.ID // those that say most, at most three
}

func (e *TooLargeError) Error() string {
	ids := make([]string, len(e.Largest))
	for i, id := range e.Largest {
		ids[i] = string(id)
	}
	return fmt.Sprintf("the addresses, names and ports of %d rules overlap in so many ways that %d steps do not show what each rule loses, above all %s; group them by area, or select fewer entries",
		e.Rules, MaxLooks, strings.Join(ids, ", "))
}

// Judge gives the verdicts on the rules of one policy. It computes what they share only
// once. Err reports whether the verdicts are valid.
type Judge struct {
	policy *rule.Policy
	looks  *netset.Budget

	by     map[rule.Direction][]*rule.Rule
	cuts   map[netset.Protocol][]uint16 // ports where a range of some rule begins, or after which one ends; ascending
	sides  []netset.PrefixSet           // addresses of roles, each once
	locals map[rule.Role][]netip.Addr   // for witnesses, once asked for

	addressedNames, unaddressedNames func() listing
	listed                           func() netset.PrefixSet // addresses that rules list with names
	parts                            func() parts
	unlisted                         func() string // a name that no rule lists
	documentation                    func() []taken
}

// NewJudge returns what judges the rules of a policy.
func NewJudge(p *rule.Policy) *Judge { return newJudge(p, netset.NewBudget(MaxLooks)) }

func newJudge(p *rule.Policy, looks *netset.Budget) *Judge {
	j := &Judge{policy: p, looks: looks, by: map[rule.Direction][]*rule.Rule{}, cuts: cutsOf(p), sides: sidesOf(p), locals: map[rule.Role][]netip.Addr{}}
	for i := range p.Rules {
		r := &p.Rules[i]
		j.by[r.Direction] = append(j.by[r.Direction], r)
	}
	j.addressedNames = sync.OnceValue(func() listing {
		return listingOf(p, func(r *rule.Remote) netset.NameSet { return r.Addressed })
	})
	j.unaddressedNames = sync.OnceValue(func() listing {
		return listingOf(p, func(r *rule.Remote) netset.NameSet { return r.Unaddressed })
	})
	j.listed, j.parts = sync.OnceValue(j.listedAddresses), sync.OnceValue(j.partsOf)
	j.unlisted = sync.OnceValue(j.unlistedName)
	j.documentation = sync.OnceValue(func() []taken { return takenOf(p) })
	return j
}

// Err returns nil, or a *TooLargeError if no verdict holds.
func (j *Judge) Err() error {
	if !j.looks.Exhausted() {
		return nil
	}
	all := make([]*rule.Rule, len(j.policy.Rules))
	for i := range all {
		all[i] = &j.policy.Rules[i]
	}
	return &TooLargeError{len(all), rule.Largest(all)}
}

// cutsOf returns what a Judge's cuts are.
func cutsOf(p *rule.Policy) map[netset.Protocol][]uint16 {
	cuts := map[netset.Protocol][]uint16{}
	for i := range p.Rules {
		for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
			for _, r := range p.Rules[i].Services.Ports(protocol) {
				cuts[protocol] = append(cuts[protocol], r.First)
				if r.Last < 65535 {
					cuts[protocol] = append(cuts[protocol], r.Last+1)
				}
			}
		}
	}
	for protocol, all := range cuts {
		slices.Sort(all)
		cuts[protocol] = slices.Compact(all)
	}
	return cuts
}

// sidesOf returns what a Judge's sides are.
func sidesOf(p *rule.Policy) (sides []netset.PrefixSet) {
	known := map[uint64][]netset.PrefixSet{}
	for _, b := range p.Bindings {
		local := b.Local()
		if h := local.Hash(); !slices.ContainsFunc(known[h], local.Equal) {
			known[h] = append(known[h], local)
			sides = append(sides, local)
		}
	}
	return sides
}
