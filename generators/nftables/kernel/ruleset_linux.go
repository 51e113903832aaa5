package kernel

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	nf "github.com/google/nftables"

	"gatewright/catalog/netset"
	"gatewright/generators/filter"
)

// values returns the elements of a set that is kept as it is, such as names of
// interfaces, sorted.
func (s *set) values() (list [][]byte) {
	for _, one := range s.Raw {
		attrs, err := attributesOf(one)
		if err != nil {
			continue
		}
		if key, err := attributesOf(attrs[elementKey]); err == nil {
			list = append(list, key[dataValue])
		}
	}
	slices.SortFunc(list, func(a, b []byte) int { return strings.Compare(string(a), string(b)) })
	return list
}

// leadsOn reports whether a map sends every element to a chain by goto.
func (s *set) leadsOn() bool {
	return !slices.ContainsFunc(s.Targets, func(target string) bool { return !isGoto(target) })
}

// Ruleset returns what a table holds as far as rules are such as ours.
func (t *Table) Ruleset() (rs filter.Ruleset) {
	decisions := map[string]bool{} // of maps
	for _, s := range t.Sets {
		family := map[uint32]filter.Family{typeIPv4: filter.IPv4, typeIPv6: filter.IPv6}[s.Spec.KeyType]
		switch isMap := s.Spec.Flags&flagMap != 0; {
		case !s.Spec.isKnown() || isMap && family == filter.Both:
		case isMap:
			rs.Maps = append(rs.Maps, filter.Map{Name: s.Name, Family: family, Elements: s.chains()})
			for _, target := range s.Targets {
				decisions[target] = true
			}
		case family == filter.Both:
			rs.Sets = append(rs.Sets, filter.Set{Name: s.Name, Ports: s.ports()})
		default:
			rs.Sets = append(rs.Sets, filter.Set{Name: s.Name, Family: family, Prefixes: s.prefixes()})
		}
	}
	rs.Sort()
	for _, c := range t.Chains {
		one := filter.Chain{Name: c.Name, Hook: c.Hook.filter(), Rules: []filter.Rule{}}
		for _, r := range c.Rules {
			if r.odd == nil {
				one.Rules = append(one.Rules, r.decoded)
			}
		}
		rs.Chains = append(rs.Chains, one)
	}
	for _, target := range slices.Sorted(maps.Keys(decisions)) {
		if _, chain := verdictOf(target); chain == "" || !isGoto(target) {
			rs.Chains = append(rs.Chains, filter.Chain{Name: chainOf(target), Rules: rulesOf(target)})
		}
	}
	return rs
}

func isGoto(target string) bool { return strings.HasPrefix(target, verdictWords[gotoCode]) }

// chainOf is the chain of an element. Where it has a verdict of another kind, as none
// of ours has, a chain that does the same stands for it, whose name no other one can
// have.
func chainOf(target string) string {
	if name, ok := strings.CutPrefix(target, verdictWords[gotoCode]); ok {
		return name
	}
	return " " + target
}

// rulesOf does what a verdict does; nothing decides where it leads back.
func rulesOf(target string) []filter.Rule {
	switch code, chain := verdictOf(target); code {
	case acceptCode:
		return []filter.Rule{{Verdict: filter.Accept}}
	case dropCode:
		return []filter.Rule{{Verdict: filter.Drop}}
	case jumpCode:
		return []filter.Rule{{Verdict: filter.Jump, Target: chain}}
	}
	return []filter.Rule{}
}

func (s *set) prefixes() netset.PrefixSet {
	var b netset.PrefixBuilder
	for _, e := range s.intervals() {
		b.AddRange(e.First.addr(s.Spec.KeySize), e.Last.addr(s.Spec.KeySize))
	}
	return b.Build()
}

func (s *set) ports() (list []netset.PortRange) {
	for _, e := range s.intervals() {
		list = append(list, netset.PortRange{First: uint16(e.First.Lo), Last: uint16(e.Last.Lo)})
	}
	return list
}

// chains returns the elements of a map by the chain that they lead to, in the order of
// the first of each.
func (s *set) chains() []filter.Element {
	list := []filter.Element{}
	at := make([]int, len(s.Targets)) // in list, from 1
	var held []netset.PrefixBuilder
	for _, e := range s.intervals() {
		if at[e.Target] == 0 {
			list = append(list, filter.Element{Chain: chainOf(s.Targets[e.Target])})
			held = append(held, netset.PrefixBuilder{})
			at[e.Target] = len(list)
		}
		held[at[e.Target]-1].AddRange(e.First.addr(s.Spec.KeySize), e.Last.addr(s.Spec.KeySize))
	}
	for i := range list {
		list[i].Prefixes = held[i].Build()
	}
	return list
}

var hookNames = map[uint32]string{
	uint32(*nf.ChainHookPrerouting): "prerouting", uint32(*nf.ChainHookInput): filter.Input, uint32(*nf.ChainHookForward): filter.Forward,
	uint32(*nf.ChainHookOutput): filter.Output, uint32(*nf.ChainHookPostrouting): "postrouting",
}

const policyDrop, policyAccept = 0, 1

func (h *hook) filter() *filter.Hook {
	if h == nil {
		return nil
	}
	out := &filter.Hook{Name: hookNames[h.Number], Priority: int(h.Priority), Policy: filter.Accept}
	if h.Policy == policyDrop {
		out.Policy = filter.Drop
	}
	return out
}

// Read returns what the kernel holds in the network namespace of the calling thread:
// one table, such as "inet gatewright", and by name whatever else there is.
//
// A rule that package nftables does not render is an error that says where it stands.
func Read(table string) (Held, error) {
	c, err := open(0)
	if err != nil {
		return Held{}, fmt.Errorf("table %s in the kernel: %w", table, err)
	}
	defer c.Close()
	t, err := c.Read(table, func(string) bool { return true })
	if err != nil {
		return Held{}, err
	}
	held, err := t.held()
	if err != nil {
		return Held{}, fmt.Errorf("table %s in the kernel: %w", table, err)
	}
	return held, nil
}

func (t *Table) held() (held Held, err error) {
	for _, name := range t.others {
		held.Others = append(held.Others, "table "+name)
	}
	if t.Missing {
		return held, fmt.Errorf("there is no such table")
	}
	if t.Flags != 0 {
		held.Others = append(held.Others, "flags of table "+t.Name)
	}
	if err := t.odd(); err != nil {
		return held, err
	}
	for _, c := range t.Chains {
		if c.Hook != nil && c.Hook.Kind != string(nf.ChainTypeFilter) {
			held.Others = append(held.Others, fmt.Sprintf("chain %s of type %s", c.Name, c.Hook.Kind))
		}
	}
	held.Ruleset = t.Ruleset()
	return held, nil
}

// Foreign returns the first rule whose effect is unknown. It differs from every rule of
// ours, or it drops packets or jumps to a chain where none of ours does.
func (t *Table) Foreign() error {
	if err := t.odd(); err != nil {
		return err
	}
	for _, c := range t.Chains {
		for i, r := range c.Rules {
			one := r.decoded
			switch {
			case c.Hook != nil && one.Verdict == filter.Drop && one.State == "":
				return fmt.Errorf("chain %s: rule %d drops packets of every state", c.Name, i+1)
			case one.Target != "" && !strings.HasPrefix(one.Target, filter.Prefix):
				return fmt.Errorf("chain %s: rule %d leads to chain %s, which is none of ours", c.Name, i+1, one.Target)
			}
		}
	}
	return nil
}

// odd returns the first set or rule that is not of a form of ours.
func (t *Table) odd() error {
	for _, s := range t.Sets {
		if err := s.odd(); err != nil {
			return err
		}
	}
	for _, c := range t.Chains {
		for i, r := range c.Rules {
			switch {
			case r.odd != nil:
				return fmt.Errorf("chain %s: rule %d: %w", c.Name, i+1, r.odd)
			case strings.HasPrefix(c.Name, filter.Prefix) && c.Hook == nil && !r.decoded.IsOurs():
				return fmt.Errorf("chain %s: rule %d is not how a rule of ours accepts or sends on", c.Name, i+1)
			case t.leadsOff(r.decoded.Map):
				return fmt.Errorf("chain %s: rule %d: map %s: it is a map that no rule of ours looks up", c.Name, i+1, r.decoded.Map)
			}
		}
	}
	return nil
}

// leadsOff reports whether elements of a map have verdicts other than goto.
func (t *Table) leadsOff(name string) bool {
	m := t.set(name)
	return m != nil && !m.leadsOn()
}

// NamesOf returns the sets and chains of a table in the network namespace of the
// calling thread.
func NamesOf(table string) (names Names, err error) {
	c, err := open(0)
	if err != nil {
		return names, fmt.Errorf("table %s in the kernel: %w", table, err)
	}
	defer c.Close()
	t, err := c.Read(table, func(string) bool { return true })
	if err != nil {
		return names, err
	}
	types := map[uint32]string{typeIPv4: nf.TypeIPAddr.Name, typeIPv6: nf.TypeIP6Addr.Name, typeService: nf.TypeInetService.Name}
	for _, s := range t.Sets {
		if s.Spec.Flags&flagMap != 0 {
			names.Maps = append(names.Maps, NamedSet{s.Name, types[s.Spec.KeyType]})
		} else {
			names.Sets = append(names.Sets, NamedSet{s.Name, types[s.Spec.KeyType]})
		}
	}
	for _, c := range t.Chains {
		names.Chains = append(names.Chains, c.Name)
	}
	return names, nil
}
