package kernel

import (
	"fmt"

	nf "github.com/google/nftables"
	"github.com/google/nftables/userdata"

	"gatewright/catalog/netset"
	"gatewright/generators/filter"
)

// Lower returns the kernel's form of a ruleset in a table, such as "inet filter": what
// `nft -f` makes of its text. A rule that does not read back as it was given is an
// error.
func Lower(table string, rs filter.Ruleset) (*Table, error) {
	t := &Table{Name: table}
	for _, remotes := range []bool{false, true} { // in the order of the file
		for _, s := range rs.Sets {
			if filter.IsRemotes(s.Name) == remotes {
				t.Sets = append(t.Sets, lowerSet(s))
			}
		}
	}
	for _, m := range rs.Maps {
		t.Sets = append(t.Sets, lowerMap(m))
	}
	l := lowering{table: t}
	l.family, _ = familyAndName(table)
	seen := map[string]bool{}
	for _, c := range rs.Chains {
		one := &chain{Name: c.Name, Hook: lowerHook(c.Hook)}
		for i, r := range c.Rules {
			lowered, err := l.rule(r)
			if err != nil {
				return nil, fmt.Errorf("chain %s, rule %d: %w", c.Name, i+1, err)
			}
			one.Rules = append(one.Rules, lowered)
			if r.Counter != "" && !seen[r.Counter] {
				seen[r.Counter] = true
				t.Counters = append(t.Counters, r.Counter)
			}
		}
		t.Chains = append(t.Chains, one)
	}
	return t, nil
}

func lowerHook(h *filter.Hook) *hook {
	if h == nil {
		return nil
	}
	out := &hook{Kind: string(nf.ChainTypeFilter), Priority: int32(h.Priority), Policy: policyAccept, Flags: chainIsBase}
	for number, name := range hookNames {
		if name == h.Name {
			out.Number = number
		}
	}
	if h.Policy == filter.Drop {
		out.Policy = policyDrop
	}
	return out
}

const chainIsBase = 1 // NFT_CHAIN_BASE

// specOf declares a set of values of a type as nft does.
func specOf(kind nf.SetDatatype, flags uint32) spec {
	s := spec{Flags: flags, KeyType: kind.GetNFTMagic(), KeySize: kind.Bytes}
	if flags&flagMap != 0 {
		s.DataType = verdictData
	}
	order := uint32(bigEndian)
	if kind.Name == nf.TypeIFName.Name {
		order = hostOrder
	}
	s.More = appendAttribute(nil, setUserData, userdata.AppendUint32(nil, userdata.NFTNL_UDATA_SET_KEYBYTEORDER, order))
	return s
}

// Byte orders as nft numbers them, by which it lists values.
const hostOrder, bigEndian = 1, 2

func addressType(f filter.Family) nf.SetDatatype {
	if f == filter.IPv6 {
		return nf.TypeIP6Addr
	}
	return nf.TypeIPAddr
}

func lowerSet(s filter.Set) *set {
	if s.Family == filter.Both {
		out := &set{Name: s.Name, Spec: specOf(nf.TypeInetService, flagInterval)}
		for _, r := range s.Ports {
			out.Elements = append(out.Elements, element{number{0, uint64(r.First)}, number{0, uint64(r.Last)}, -1})
		}
		return out
	}
	out := &set{Name: s.Name, Spec: specOf(addressType(s.Family), flagInterval)}
	out.Elements = elementsOf(s.Prefixes, -1)
	if s.Prefixes.HostsOnly() {
		out.Spec.Flags = 0
		out.Elements = single(out.Elements)
	}
	return out
}

func elementsOf(s netset.PrefixSet, target int32) elements {
	list := make(elements, 0, s.Size())
	for first, last := range s.Intervals() {
		list = append(list, element{numberOfAddr(first), numberOfAddr(last), target})
	}
	return list
}

// single parts intervals into their values: a set without intervals has each by itself.
func single(list elements) elements {
	var out elements
	for _, e := range list {
		for n := e.First; ; n = n.next() {
			out = append(out, element{n, n, e.Target})
			if n == e.Last {
				break
			}
		}
	}
	return out
}

func lowerMap(m filter.Map) *set {
	out := &set{Name: m.Name, Spec: specOf(addressType(m.Family), flagInterval|flagMap)}
	lists := make([]elements, len(m.Elements))
	for i, e := range m.Elements {
		out.Targets = append(out.Targets, verdictWords[gotoCode]+e.Chain)
		lists[i] = elementsOf(e.Prefixes, int32(i))
	}
	out.Elements = mergeSorted(lists)
	return out
}

// mergeSorted merges lists that are each in order.
func mergeSorted(lists []elements) elements {
	switch len(lists) {
	case 0:
		return nil
	case 1:
		return lists[0]
	}
	a, b := mergeSorted(lists[:len(lists)/2]), mergeSorted(lists[len(lists)/2:])
	out := make(elements, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0].First.less(b[0].First) {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}
