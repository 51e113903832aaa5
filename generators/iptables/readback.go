package iptables

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/generators/filter"
)

// Dump is what the kernel holds, as the tools print it, in the nft or the legacy
// variant.
type Dump struct {
	Ipset []byte // ipset save
	IPv4  []byte // iptables-save
	IPv6  []byte // ip6tables-save
}

// Held is what the kernel holds of the artefacts, and beside them.
type Held struct {
	IPv4, IPv6 filter.Ruleset // our chains, and the built-in ones with their hooks

	// Others are chains and tables that are not ours, sets that no rule names, and rules of
	// built-in chains that this package does not write.
	Others []string
}

// ReadBack reads our sets, and our chains in one table: "filter" or, for mode mark,
// "mangle". It refuses a rule in them that holds anything but what this package
// renders, so that nothing is overlooked.
func ReadBack(d Dump, table string) (Held, error) {
	var h Held
	sets, err := readSets(d.Ipset)
	if err != nil {
		return Held{}, fmt.Errorf("ipset save: %w", err)
	}
	used := map[string]bool{}
	for f, of := range map[family]*filter.Ruleset{ipv4: &h.IPv4, ipv6: &h.IPv6} {
		for _, s := range sets {
			if family(s.Family) == f {
				of.Sets = append(of.Sets, s)
			}
		}
	}
	for _, f := range []family{ipv4, ipv6} {
		dump, of := d.IPv4, &h.IPv4
		if f == ipv6 {
			dump, of = d.IPv6, &h.IPv6
		}
		if err := h.addFamily(f, of, readTables(dump), table, used); err != nil {
			return Held{}, fmt.Errorf("%s-save: %w", f.program(), err)
		}
	}
	for _, s := range sets {
		if !used[s.Name] {
			h.Others = append(h.Others, "set "+s.Name)
		}
	}
	return h, nil
}

func (h *Held) addFamily(f family, of *filter.Ruleset, tables map[string]*savedTable, table string, used map[string]bool) error {
	t := tables[table]
	if t == nil {
		t = &savedTable{}
	}
	for _, chain := range t.chains {
		c := filter.Chain{Name: chain, Hook: hookOf(chain, t.policies[chain])}
		ours := strings.HasPrefix(chain, prefix) || strings.HasPrefix(chain, filter.Prefix)
		if !ours && c.Hook == nil {
			h.Others = append(h.Others, fmt.Sprintf("chain %s of %s", chain, f.program()))
			continue
		}
		for _, text := range t.rules[chain] {
			one, err := f.parse(text)
			for _, set := range []string{one.From.Set, one.To.Set} {
				if _, ok := of.Set(set); err == nil && !ok && set != "" {
					err = fmt.Errorf("a set that there is")
				}
				used[set] = true
			}
			switch {
			case err == nil:
				c.Rules = append(c.Rules, readSaved(one, c))
			case ours:
				return fmt.Errorf("chain %s: %q; expected %w", chain, text, err)
			default:
				h.Others = append(h.Others, fmt.Sprintf("rule %q in chain %s of %s", text, chain, f.program()))
			}
		}
		if i := behindWays(c); i > 0 && ours {
			return fmt.Errorf("chain %s, rule %d: expected %w", chain, i+1, errBehindWays)
		}
		of.Chains = append(of.Chains, c)
	}
	for _, n := range slices.Sorted(maps.Keys(tables)) {
		if n != table && tables[n].filters() {
			h.Others = append(h.Others, fmt.Sprintf("rules in table %s of %s", n, f.program()))
		}
	}
	return nil
}

// hookOf is the hook of a built-in chain, or of one that the site's jump to; nil for none.
func hookOf(chain, policy string) *filter.Hook {
	if hook, ok := strings.CutPrefix(chain, filter.Prefix); ok && slices.Contains(filter.Hooks(), hook) {
		return &filter.Hook{Name: hook}
	}
	if policy == "" {
		return nil
	}
	return &filter.Hook{Name: strings.ToLower(chain), Policy: filter.Verdict(strings.ToLower(policy))}
}

// readSaved completes a rule by its chain: a rule of the policy has its id in its comment.
func readSaved(one filter.Rule, c filter.Chain) filter.Rule {
	if c.Hook != nil {
		readLoopback(&one)
	}
	if id, _, ok := strings.Cut(one.Comment, ": "); ok && c.Name == prefix+ruleStem(rule.ID(id)) {
		one.ID = rule.ID(id)
	}
	return one
}

// readSets reads our sets, sorted by name.
func readSets(dump []byte) (out []filter.Set, err error) {
	var k Kernel
	if k.readSets(dump); k.bad != nil {
		return nil, k.bad
	}
	for _, s := range k.sets {
		if odd := s.oddity(); odd != "" {
			return nil, fmt.Errorf("%q is not a set of ours", odd)
		}
		out = append(out, s.filter())
	}
	return out, nil
}

// savedTable is one table.
type savedTable struct {
	chains   []string            // in their order
	rules    map[string][]string // of each chain, after "-A CHAIN "
	policies map[string]string   // of the built-in chains
}

// filters reports whether the table holds more than the empty built-in chains that
// accept.
func (t *savedTable) filters() bool {
	return slices.ContainsFunc(t.chains, func(c string) bool { return len(t.rules[c]) > 0 || t.policies[c] != "ACCEPT" })
}

// readTables returns the tables by their names.
func readTables(dump []byte) map[string]*savedTable {
	tables := map[string]*savedTable{}
	for s := range savedLines(dump) {
		t := tables[s.table]
		if t == nil {
			t = &savedTable{rules: map[string][]string{}, policies: map[string]string{}}
			tables[s.table] = t
		}
		switch {
		case !s.isPolicy:
			t.rules[s.chain] = append(t.rules[s.chain], s.text)
		case s.text != "-":
			t.policies[s.chain] = s.text
			fallthrough
		default:
			t.chains = append(t.chains, s.chain)
		}
	}
	return tables
}
