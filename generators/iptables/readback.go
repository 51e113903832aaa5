package iptables

import (
	"errors"
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

	// Others are chains and tables that are not ours, sets that no rule names, and rules
	// of built-in chains that this package does not write.
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
	for _, f := range []family{ipv4, ipv6} {
		of := &h.IPv4
		if f == ipv6 {
			of = &h.IPv6
		}
		for _, s := range sets {
			if family(s.Family) == f {
				of.Sets = append(of.Sets, s)
			}
		}
		if err := h.addFamily(f, of, d.of(f), table, used); err != nil {
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

func (h *Held) addFamily(f family, of *filter.Ruleset, dump []byte, table string, used map[string]bool) error {
	others, at := map[string]bool{}, map[string]int{}
	for s, err := range savedLines(dump) {
		switch {
		case err != nil:
			return err
		case s.table != table:
			others[s.table] = others[s.table] || !s.isPolicy || s.text != "ACCEPT"
		case !s.isPolicy:
			i, held := at[s.chain]
			if !held {
				continue
			}
			if err := h.addRule(f, of, &of.Chains[i], s.text, used); err != nil {
				return fmt.Errorf("chain %s: %w", s.chain, err)
			}
		default:
			c := filter.Chain{Name: s.chain, Hook: hookOf(s.chain, strings.Trim(s.text, "-"))}
			if isOurs(s.chain) || c.Hook != nil {
				at[s.chain] = len(of.Chains)
				of.Chains = append(of.Chains, c)
			} else {
				h.Others = append(h.Others, fmt.Sprintf("chain %s of %s", s.chain, f.program()))
			}
		}
	}
	for _, c := range of.Chains {
		if i := behindWays(c); i > 0 && isOurs(c.Name) {
			return fmt.Errorf("chain %s, rule %d: expected %w", c.Name, i+1, errBehindWays)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(others)) {
		if others[name] {
			h.Others = append(h.Others, fmt.Sprintf("rules in table %s of %s", name, f.program()))
		}
	}
	return nil
}

// addRule reads a rule into its chain.
func (h *Held) addRule(f family, of *filter.Ruleset, c *filter.Chain, text string, used map[string]bool) error {
	one, err := f.parse(text)
	for _, set := range []string{one.From.Set, one.To.Set} {
		if _, ok := of.Set(set); err == nil && !ok && set != "" {
			err = errors.New("a set that there is")
		}
		used[set] = true
	}
	switch {
	case err == nil:
		c.Rules = append(c.Rules, readSaved(one, *c))
	case isOurs(c.Name):
		return fmt.Errorf("%q; expected %w", text, err)
	default:
		h.Others = append(h.Others, fmt.Sprintf("rule %q in chain %s of %s", text, c.Name, f.program()))
	}
	return nil
}

// hookOf is the hook of a built-in chain, or of one that the site's jump to; nil for
// none.
func hookOf(chain, policy string) *filter.Hook {
	if hook, ok := strings.CutPrefix(chain, filter.Prefix); ok && slices.Contains(filter.Hooks(), hook) {
		return &filter.Hook{Name: hook}
	}
	if policy == "" {
		return nil
	}
	return &filter.Hook{Name: strings.ToLower(chain), Policy: filter.Verdict(strings.ToLower(policy))}
}

// readSaved completes a rule by its chain: a rule of the policy has its id in its
// comment.
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
