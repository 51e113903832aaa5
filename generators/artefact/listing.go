package artefact

import (
	"net/netip"
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// listing tells which rules list a name; rules are by their place in the policy.
type listing struct {
	index netset.NameIndex
	rules map[netset.Pattern]netset.Holders
}

func listingOf(p *rule.Policy, names func(*rule.Remote) netset.NameSet) listing {
	l := listing{rules: map[netset.Pattern]netset.Holders{}}
	var patterns []netset.Pattern
	for i := range p.Rules {
		for n := range names(&p.Rules[i].Remote).Patterns() {
			if l.rules[n] == nil {
				patterns = append(patterns, n)
			}
			l.rules[n] = append(l.rules[n], int32(i))
		}
	}
	l.index = netset.NameIndexOf(patterns)
	return l
}

func (l listing) of(name string) (all netset.Holders) {
	patterns := l.index.Matching(name)
	if len(patterns) == 1 {
		return l.rules[patterns[0]]
	}
	for _, n := range patterns {
		all = append(all, l.rules[n]...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// part is addresses that the same rules list with names, and names that these rules
// list with addresses: by the publishers' promise the names' own addresses.
type part struct {
	by        netset.Holders
	addresses netset.PrefixSet
	names     []string // examples of the rules' patterns
}

// parts are the parts of a policy.
type parts struct {
	byHash map[uint64][]*part // of the rules
	find   func(netset.PrefixSet) []netset.Cell[netset.PrefixSet, netset.Holders]
}

// maxParts bounds what telling addresses apart by the rules that list them with names
// may take, in parts and in sixteenths of the rules of one.
const maxParts = 4_000_000

func (j *Judge) partsOf() parts {
	sets := make([]netset.PrefixSet, len(j.policy.Rules))
	for i := range sets {
		sets[i] = j.policy.Rules[i].Remote.AddressedPrefixes
	}
	p := parts{byHash: map[uint64][]*part{}}
	cells, ok := netset.HoldersOf(sets, netset.NewBudget(maxParts))
	if !ok {
		j.looks.Spend(MaxLooks + 1)
	}
	p.find = cells.Finder()
	for addresses, by := range cells.All() {
		p.byHash[by.Hash()] = append(p.byHash[by.Hash()], &part{by: by, addresses: addresses})
	}
	seen := map[string]bool{}
	for i := range j.policy.Rules {
		for n := range j.policy.Rules[i].Remote.Addressed.Patterns() {
			for _, name := range examples(n) {
				if !seen[name] {
					seen[name] = true
					j.addName(p, name)
				}
			}
		}
	}
	return p
}

func (j *Judge) addName(p parts, name string) {
	by := j.addressedNames().of(name)
	j.looks.Spend(1 + len(by)/16)
	if one := p.of(by); one != nil {
		one.names = append(one.names, name)
	}
}

// of returns the part of the rules; nil if there is none.
func (p parts) of(by netset.Holders) *part {
	for _, one := range p.byHash[by.Hash()] {
		if one.by.Equal(by) {
			return one
		}
	}
	return nil
}

func (j *Judge) listedAddresses() netset.PrefixSet {
	var all netset.PrefixBuilder
	for i := range j.policy.Rules {
		all.AddSet(j.policy.Rules[i].Remote.AddressedPrefixes)
	}
	return all.Build()
}

// promised returns the addresses that a name may have by the publishers' promise: those
// of every rule that lists the name with addresses, and of no other.
func (j *Judge) promised(name string) netset.PrefixSet {
	by := j.addressedNames().of(name)
	if len(by) == 0 {
		return unicast().Subtract(j.listed())
	}
	if one := j.parts().of(by); one != nil {
		return one.addresses.Intersect(unicast())
	}
	return netset.PrefixSet{}
}

// unlistedName returns a name that no rule lists.
func (j *Judge) unlistedName() string {
	for name := "unlisted"; ; name += "x" {
		full := name + ".invalid" // RFC 2606
		if len(j.addressedNames().of(full)) == 0 && len(j.unaddressedNames().of(full)) == 0 {
			return full
		}
	}
}

// taken is an address that is reserved for documentation (RFC 5737, RFC 3849) and that
// nobody has, fit for messages; with the rules that hold it.
type taken struct {
	address netip.Addr
	listed  netset.Holders // that list it with names
	takers  []*rule.Rule   // that accept it
}

func takenOf(p *rule.Policy) (all []taken) {
	for _, a := range []netip.Addr{
		netip.AddrFrom4([4]byte{192, 0, 2, 1}),
		netip.AddrFrom4([4]byte{198, 51, 100, 1}),
		netip.AddrFrom4([4]byte{203, 0, 113, 1}),
		netip.AddrFrom16([16]byte{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 15: 1}),
	} {
		t := taken{address: a}
		for i := range p.Rules {
			r := &p.Rules[i]
			if r.Remote.AddressedPrefixes.Contains(a) {
				t.listed = append(t.listed, int32(i))
			}
			if r.Remote.Accepts("", a) {
				t.takers = append(t.takers, r)
			}
		}
		all = append(all, t)
	}
	return all
}
